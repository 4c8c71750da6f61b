"""The board and its JetPack, and the Python that everything else depends on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from rtseg.doctor.finding import USES, Finding
from rtseg.doctor.place import Place

_OLDEST, _NEWEST = (3, 10), (3, 12)
_SUPPORTED = "rtseg needs Python 3.10, 3.11 or 3.12"
_ENDED = {(3, 8): "October 2024", (3, 9): "October 2025"}
"""Since when Python's own developers mend nothing more: devguide.python.org/versions."""


@dataclass(frozen=True)
class JetPack:
    """What a generation of JetPack brings; versions as far as they are the same in all of it."""

    name: str
    python: tuple[int, int]
    cuda: str
    tensorrt: str

    @property
    def past(self) -> bool:
        """Whether its Python is too old for rtseg, and its TensorRT bound to that Python."""
        return self.python < _OLDEST


# The first release of Jetson Linux (L4T) -> what its JetPack brings.
_JETPACKS = {
    (34, 1): JetPack("5", (3, 8), "11.4", "8.5"),
    (36, 2): JetPack("6.0", (3, 10), "12.2", "8.6"),
    (36, 4): JetPack("6.1 or 6.2", (3, 10), "12.6", "10.3"),
    (38, 2): JetPack("7.0 or 7.1", (3, 12), "13.0", "10.13"),
    (39, 0): JetPack("7.2", (3, 12), "13.2", "10.16"),
}
_NEWEST_L4T = 39


@dataclass(frozen=True)
class Board:
    """A Jetson."""

    model: str
    l4t: str
    """The release of Jetson Linux, as in "36.4.3"."""
    jetpack: JetPack | None
    """None for one that is older or newer than what is known here."""


def board(place: Place) -> Board | None:
    """None for any other machine. In a container only the kernel's name of the model may be left."""
    release = place.text("etc/nv_tegra_release") or ""
    match = re.search(r"R(\d+) \(release\), REVISION: (\d+)((?:\.\d+)*)", release)
    if match is None:
        return None
    model = place.text("proc/device-tree/model") or "Jetson"
    number = int(match[1]), int(match[2])
    known = [jetpack for first, jetpack in _JETPACKS.items() if first <= number]
    newest = known[-1] if known and number[0] <= _NEWEST_L4T else None
    return Board(model, f"{number[0]}.{number[1]}{match[3]}", newest)


def check(place: Place) -> Iterator[Finding]:
    """The board, the Python, and whether a virtual environment sees the board's own packages."""
    jetson = board(place)
    if jetson is None:
        yield Finding("board", "not here", f"no Jetson: {place.system} on {place.machine}")
    else:
        yield _board(jetson)
    yield _python(place, jetson)
    config = place.prefix / "pyvenv.cfg"
    if jetson is not None and config.is_file():
        lines = config.read_text(encoding="utf-8", errors="replace").splitlines()
        yield _environment(place, "include-system-site-packages = true" in lines)


def _board(jetson: Board) -> Finding:
    facts = {"model": jetson.model, "l4t": jetson.l4t}
    head = f"{jetson.model}, L4T {jetson.l4t}"
    jetpack = jetson.jetpack
    if jetpack is None and int(jetson.l4t.partition(".")[0]) > _NEWEST_L4T:
        return Finding("board", "ok", f"{head}, newer than this rtseg knows", facts=facts)
    if jetpack is None or jetpack.past:
        name = jetpack.name if jetpack else "4 or older"
        return Finding(
            "board",
            "trouble",
            f"{head}: JetPack {name}, whose Python is past its end; its TensorRT works with no newer one",
            ("flash JetPack 6 or newer; boards that cannot have it run rtseg on their CPU at most",),
            frozenset({"tensorrt"}),
            facts | {"jetpack": name},
        )
    return Finding("board", "ok", f"{head}, JetPack {jetpack.name}", facts=facts | {"jetpack": jetpack.name})


def _python(place: Place, jetson: Board | None) -> Finding:
    version = place.python[:2]
    name = ".".join(map(str, place.python))
    facts = {"version": name}
    jetpack = jetson.jetpack if jetson else None
    if not _OLDEST <= version <= _NEWEST:
        ended = f": past its end since {_ENDED[version]}" if version in _ENDED else ""
        mend = "sudo apt install python3.11 python3.11-venv"
        if jetpack is not None:
            mend = "tools/jetson/setup.sh" if not jetpack.past else "flash JetPack 6 or newer"
        found = f"{name}{ended}; {_SUPPORTED}"
        return Finding("Python", "trouble", found, (mend,), frozenset(USES), facts)
    if jetpack is not None and not jetpack.past and version != jetpack.python:
        own = ".".join(map(str, jetpack.python))
        return Finding(
            "Python",
            "trouble",
            f"{name}, but the board's TensorRT and cv2 are for its own Python {own}",
            ("mv .venv .venv-old", "tools/jetson/setup.sh"),
            frozenset({"tensorrt"}),
            facts,
        )
    return Finding("Python", "ok", name, facts=facts)


def _environment(place: Place, sees_system: bool) -> Finding:
    if sees_system:
        return Finding("environment", "ok", f"{place.prefix}, sees the board's own packages")
    again = shlex.join(["/usr/bin/python3", "-m", "venv", "--system-site-packages", "--without-pip"])
    return Finding(
        "environment",
        "trouble",
        f"{place.prefix} hides the board's own packages, TensorRT and cv2",
        (f"{again} {shlex.quote(str(place.prefix))}",),
        frozenset({"tensorrt"}),
    )
