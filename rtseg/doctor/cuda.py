"""The GPU as its driver names it, and the CUDA toolkit."""

from __future__ import annotations

from collections.abc import Iterator

from rtseg.doctor.board import board
from rtseg.doctor.finding import Finding, Use
from rtseg.doctor.place import Answer, Place

GPU_USES: frozenset[Use] = frozenset({"tensorrt"})


def check(place: Place) -> Iterator[Finding]:
    """A line for the GPU, one for the toolkit and whether both fit."""
    answer = place.ask("driver")
    yield _gpu(place, answer)
    yield _toolkit(place, answer)


def capabilities(answer: Answer) -> list[tuple[int, int]]:
    """Of each GPU that the driver names."""
    return [(gpu["capability"][0], gpu["capability"][1]) for gpu in answer.facts.get("gpus", ())]


def is_newer(version: str, other: str) -> bool:
    """Whether "13.0.2" is of a newer release than "12.6": major and minor count."""

    def release(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())

    return release(version) > release(other)


def _gpu(place: Place, answer: Answer) -> Finding:
    jetson = board(place)
    gpus = answer.facts.get("gpus", ())
    if answer.error is None and gpus:
        shown = "; ".join(
            f"{gpu['name']}, compute capability {'.'.join(map(str, gpu['capability']))}, "
            f"{gpu['memory_mib'] / 1024:.1f} GiB"
            for gpu in gpus
        )
        return Finding("GPU", "ok", f"{shown}, driver for CUDA {answer.facts['cuda']}", facts=answer.facts)
    if jetson is not None:
        found = answer.error or "the driver finds no GPU"
        mend = ("sudo usermod -aG video,render $USER", "sudo reboot")
        return Finding("GPU", "trouble", found, mend, GPU_USES, answer.facts)
    if answer.missing or (answer.error is None and not gpus):
        found = "none from NVIDIA, or no driver for it; networks run on the CPU"
        return Finding("GPU", "not here", found, ("sudo ubuntu-drivers install",), GPU_USES, answer.facts)
    mend = ("sudo ubuntu-drivers install", "sudo reboot")
    return Finding("GPU", "trouble", answer.error or "", mend, GPU_USES, answer.facts)


def _toolkit(place: Place, driver: Answer) -> Finding:
    answer = place.ask("nvcc")
    jetson = board(place)
    expected = jetson.jetpack.cuda if jetson and jetson.jetpack else None
    facts = {**answer.facts, "expected": expected}
    mend: tuple[str, ...] = ("sudo ubuntu-drivers install", "sudo reboot")
    if expected:
        # Several can be installed beside each other; this link says which is used.
        select = f"sudo ln -sfn /usr/local/cuda-{expected} /usr/local/cuda"
        mend = (f"sudo apt install cuda-toolkit-{expected.replace('.', '-')}", select)
    if answer.error is not None:
        fetch = f"sudo apt install {'nvidia-jetpack' if jetson else 'nvidia-cuda-toolkit'}"
        # What was built stays, so the toolkit may be gone again once PyCUDA is here.
        breaks = GPU_USES if place.ask("pycuda.driver").missing else frozenset()
        found = f"no toolkit, which PyCUDA and rtseg's kernels are compiled with: {answer.error}"
        return Finding("CUDA", "not here", found, mend if expected else (fetch,), breaks, facts)
    version = str(answer.facts["version"])
    if expected and version.partition(".")[0] != expected.partition(".")[0]:
        found = f"toolkit {version}, but this JetPack is made for {expected}"
        return Finding("CUDA", "trouble", found, mend, GPU_USES, facts)
    known = driver.facts.get("cuda")
    if known and is_newer(version, known):
        found = f"toolkit {version}, but the driver knows CUDA up to {known} only"
        return Finding("CUDA", "trouble", found, mend, GPU_USES, facts)
    return Finding("CUDA", "ok", f"toolkit {version}, {answer.facts['file']}", facts=facts)
