"""Where the checks look: this machine, or in tests the files of another."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtseg.backends.cache import cache_root
from rtseg.viewer.availability import unavailable

_PATIENCE_S = 60.0
_LAST_CHARACTERS = 200
_SYSTEM = "/usr/lib/"  # apt puts Python packages there, pip never does


@dataclass(frozen=True)
class Answer:
    """What a fresh process said about a library: facts, or why it has none."""

    facts: Mapping[str, Any]
    error: str | None = None
    missing: bool = False
    """True where the library is not installed at all; an error may also mean that it is broken."""


def ask(name: str) -> Answer:
    """Have a fresh process load what `name` says (see rtseg.doctor.probe): it may crash without harm.

    It looks for modules where this one does; by itself Python would take those of the working folder first.
    """
    code = f"import sys; sys.path[:] = {sys.path!r}; from rtseg.doctor import probe; probe.answer({name!r})"
    command = [sys.executable, "-c", code]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return Answer({}, f"did not answer within {_PATIENCE_S:g} s")
    try:
        answer = json.loads(ended.stdout.strip().rpartition("\n")[2])
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        said = " ".join(ended.stderr.split())[-_LAST_CHARACTERS:]
        return Answer({}, f"crashed with exit code {ended.returncode}{f': {said}' if said else ''}")
    error = answer.pop("error", None)
    return Answer(answer, error, bool(answer.pop("missing", False)))


def installed_version(name: str) -> str | None:
    """The version of an installed package, by its name in the package index."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def wheels_of(place: Place, answer: Answer, names: tuple[str, ...]) -> list[str]:
    """Which of these packages pip has put where the module was found; none for a package of the system.

    The system's packages may leave metadata of their own under the same names.
    """
    if str(answer.facts.get("file")).startswith(_SYSTEM):
        return []
    return [name for name in names if place.version(name) is not None]


def requirements() -> tuple[str, ...]:
    """What rtseg itself declares to need, as in "av>=17" or "PyQt6>=6.6; extra == 'viewer'"."""
    try:
        return tuple(importlib.metadata.requires("rtseg") or ())
    except importlib.metadata.PackageNotFoundError:
        return ()


def may_use(device: Path) -> bool:
    """Whether this user may read and write it."""
    return os.access(device, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Place:
    """A machine as the checks see it. Everything that is not a file can be put in place of the real thing."""

    root: Path
    env: Mapping[str, str]
    system: str
    """As sys.platform says: "linux", "darwin", "win32"."""
    machine: str
    """As platform.machine() says: "x86_64", "aarch64"."""
    python: tuple[int, int, int]
    prefix: Path
    """The environment that Python runs in, as sys.prefix says; not below root."""
    caches: tuple[tuple[str, Path], ...]
    """The folders that rtseg writes to besides its outputs, and what for; not below root."""
    ask: Callable[[str], Answer] = ask
    version: Callable[[str], str | None] = installed_version
    requirements: Callable[[], tuple[str, ...]] = requirements
    may_use: Callable[[Path], bool] = may_use
    no_window: Callable[[], str | None] = unavailable
    """None where a window can be opened, else a sentence: why not, and what to do."""
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    @property
    def on_arm(self) -> bool:
        """Whether wheels for aarch64 are what fits."""
        return self.machine.lower() in {"aarch64", "arm64"}

    def text(self, path: str) -> str | None:
        """The text of a file, without the zero bytes that a device tree ends its strings with."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0 \n")
        except OSError:
            return None

    def number(self, path: Path) -> int | None:
        """A file that is a number, as most in /sys are."""
        try:
            return int(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def glob(self, pattern: str) -> list[Path]:
        """Files below the root, in the order in which people count: video2 before video10."""

        def natural(path: Path) -> list[tuple[str, int]]:
            stems = [part.rstrip("0123456789") for part in path.parts]
            return [
                (stem, int(part[len(stem) :] or -1)) for stem, part in zip(stems, path.parts, strict=True)
            ]

        return sorted(self.root.glob(pattern), key=natural)


def this_machine() -> Place:
    """The place where this Python runs."""
    caches = []
    # Without a home, or a folder that takes a file: the check says that there is none.
    with contextlib.suppress(RuntimeError):
        caches.append(("compiled networks", cache_root()))
    with contextlib.suppress(FileNotFoundError):
        caches.append(("temporary files", Path(tempfile.gettempdir())))
    return Place(
        root=Path("/"),
        env=os.environ,
        system=sys.platform,
        machine=platform.machine(),
        python=sys.version_info[:3],
        prefix=Path(sys.prefix),
        caches=tuple(caches),
    )
