"""The folders that rtseg keeps things in: writable, and with space."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rtseg.doctor.finding import Finding
from rtseg.doctor.place import Place

_LEAST_MIB = 500  # a dozen compiled networks of some sizes, and an engine with what its build needs
_CHOOSE = "export RTSEG_CACHE=/a/folder/with/space"


def check(place: Place) -> Iterator[Finding]:
    """A line a folder. Without one every start compiles its network again: slower, not wrong."""
    for purpose, folder in place.caches:
        yield _folder(place, purpose, folder)
    if not any(purpose == "compiled networks" for purpose, _ in place.caches):
        yield Finding("cache", "trouble", "no folder for compiled networks: there is no home", (_CHOOSE,))


def _folder(place: Place, purpose: str, folder: Path) -> Finding:
    there = _nearest(folder)
    is_cache = purpose == "compiled networks"
    check = "cache" if is_cache else "temporary"
    choose = _CHOOSE if is_cache else "export TMPDIR=/a/folder/with/space"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        found = f"{folder} cannot be written to ({purpose})"
        return Finding(check, "trouble", found, (choose,), facts={"folder": str(folder)})
    free_mib = place.free_bytes(there) >> 20
    facts = {"folder": str(folder), "free_mib": free_mib}
    if free_mib < _LEAST_MIB:
        found = f"{folder}: {free_mib} MiB free, {_LEAST_MIB} are wanted ({purpose})"
        return Finding(check, "trouble", found, (f"df -h {there}", choose), facts=facts)
    return Finding(check, "ok", f"{folder}, {free_mib / 1024:.0f} GiB free", facts=facts)


def _nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it: where mkdir would begin."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
