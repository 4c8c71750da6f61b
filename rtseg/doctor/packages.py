"""rtseg's own dependencies: installed, new enough, and whether those with native code load."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from rtseg.doctor.finding import USES, Finding, Use
from rtseg.doctor.place import Place

_OPENCV = "opencv-python-headless"  # the board's own cv2 takes its place
_SEEN_ELSEWHERE = {_OPENCV, "tensorrt", "pycuda"}
_ORT, _ORT_GPU = "onnxruntime", "onnxruntime-gpu"  # the same module, which either brings
_GPU_CHECK = "GPU networks"
# Extra -> what its line is called, and what fails without it.
_EXTRAS: dict[str, tuple[str, frozenset[Use]]] = {
    "": ("packages", frozenset(USES)),
    "viewer": ("viewer", frozenset({"viewer"})),
    "train": ("train", frozenset({"train"})),
    "tensorrt": ("engines", frozenset({"tensorrt"})),
}


@dataclass(frozen=True)
class Requirement:
    """One of rtseg's dependencies on this machine."""

    name: str
    least: str
    extra: str


def check(place: Place) -> Iterator[Finding]:
    """A line for the base install and each extra, then what decodes video and runs networks on the CPU."""
    required = [each for text in place.requirements() if (each := requirement(text, place)) is not None]
    if not required:
        found = "rtseg itself is not installed, so nobody knows what it needs"
        yield Finding("packages", "trouble", found, ("pip install -e .",), frozenset(USES))
    for extra, (name, breaks) in _EXTRAS.items():
        group = [each for each in required if each.extra == extra and each.name not in _SEEN_ELSEWHERE]
        if group:
            yield _group(place, name, group, breaks)
    yield _loads(place, "decoding", "av", frozenset(USES))
    on_x86 = place.machine.lower() in {"x86_64", "amd64"}
    has_openvino = on_x86 and place.version("openvino") is not None
    yield _loads(place, "CPU networks", "openvino" if has_openvino else _ORT, frozenset(USES))
    if place.version(_ORT_GPU) is not None:
        yield _gpu_networks(place)


def requirement(text: str, place: Place) -> Requirement | None:
    """Read one of the lines that rtseg's own metadata has; None where it is not for this machine."""
    wanted, _, marker = text.partition(";")
    match = re.match(r"\s*([\w.-]+)\s*(?:>=\s*([\w.]+))?", wanted)
    if match is None:
        return None
    machines = re.findall(r"platform_machine\s*==\s*['\"]([^'\"]+)", marker)
    if machines and place.machine not in machines:
        return None
    below = re.search(r"python_version\s*<\s*['\"](\d+)\.(\d+)", marker)
    if below and place.python[:2] >= (int(below[1]), int(below[2])):
        return None
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
    return Requirement(match[1], match[2] or "", extra[1] if extra else "")


def numbers(version: str) -> tuple[int, ...]:
    """2.13.0rc1 -> (2, 13, 0): enough to compare releases."""
    return tuple(map(int, re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0])))


def _group(place: Place, check: str, group: list[Requirement], breaks: frozenset[Use]) -> Finding:
    versions = {each.name: _version(place, each.name) for each in group}
    lacking = []
    for each in group:
        version = versions[each.name]
        if version is None or numbers(version) < numbers(each.least):
            lacking.append(each)
    if not lacking:
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        return Finding(check, "ok", found, facts=versions)
    named = ", ".join(
        f"{each.name} {f'{versions[each.name]}, too old' if versions[each.name] else 'missing'}"
        for each in lacking
    )
    wanted = [f"{each.name}>={each.least}" if each.least else each.name for each in lacking]
    mend = (shlex.join(["pip", "install", *wanted]),)
    if check != "packages" and len(lacking) == len(group):
        return Finding(check, "not here", named, mend, breaks, versions)
    return Finding(check, "trouble", named, mend, breaks, versions)


def _version(place: Place, name: str) -> str | None:
    return place.version(name) or (place.version(_ORT_GPU) if name == _ORT else None)


def _gpu_networks(place: Place) -> Finding:
    """For those who have put the one in the place of the other."""
    version = place.version(_ORT_GPU)
    found = f"{_ORT_GPU} {version}"
    if place.version(_ORT) is not None:
        mend = (
            shlex.join(["pip", "uninstall", "-y", _ORT, _ORT_GPU]),
            f"pip install '{_ORT_GPU}[cuda,cudnn]'",
        )
        return Finding(_GPU_CHECK, "trouble", f"{found} and {_ORT}: they write over each other's files", mend)
    answer = place.ask(_ORT)
    if answer.error is not None:
        again = shlex.join(["pip", "install", "--force-reinstall", "--no-deps", _ORT_GPU])
        return Finding(_GPU_CHECK, "trouble", answer.error, (again,))
    names = [name.removesuffix("ExecutionProvider") for name in answer.facts.get("providers", ())]
    return Finding(_GPU_CHECK, "ok", f"{found}, {', '.join(names)}", facts=answer.facts)


def _loads(place: Place, check: str, name: str, breaks: frozenset[Use]) -> Finding:
    answer = place.ask(name)
    facts = {key: value for key, value in answer.facts.items() if value is not None}
    if answer.error is None:
        return Finding(
            check, "ok", f"{name} {_version(place, name) or answer.facts.get('version')}", facts=facts
        )
    again = ("pip", "install", "--force-reinstall", "--no-deps", name)
    mend = shlex.join(("pip", "install", name) if answer.missing else again)
    return Finding(check, "trouble", answer.error, (mend,), breaks, facts)
