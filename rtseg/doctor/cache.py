"""The folders that rtseg keeps things in: writable, and with space."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rtseg.doctor.finding import Finding
from rtseg.doctor.place import Place

_LEAST_MIB = 500  # a dozen compiled networks of some sizes, and an engine with what its build needs
# Purpose -> what its line is called, and the environment variable that names another folder.
_PURPOSES = {"compiled networks": ("cache", "RTSEG_CACHE"), "temporary files": ("temporary", "TMPDIR")}


def check(place: Place) -> Iterator[Finding]:
    """A line a folder. Without one every start compiles its network again: slower, not wrong."""
    folders = dict(place.caches)
    for purpose, (check, variable) in _PURPOSES.items():
        if purpose in folders:
            yield _folder(place, check, folders[purpose], variable)
        else:
            found = f"there is no folder for {purpose}; {variable} can name one"
            yield Finding(check, "trouble", found, (_choose(variable),))


def _folder(place: Place, check: str, folder: Path, variable: str) -> Finding:
    # Only os.path says no, and does not raise, for what may not be looked at.
    there = next((each for each in (folder, *folder.parents) if os.path.exists(each)), folder)  # noqa: PTH110
    facts: dict[str, object] = {"folder": str(folder)}
    if (reason := _refusal(there)) is not None:
        cannot = "be written to" if there == folder else "be made"
        found = f"{folder} cannot {cannot} ({reason}); {variable} can name another"
        return Finding(check, "trouble", found, (_choose(variable),), facts=facts)
    free_mib = place.free_bytes(there) >> 20
    facts["free_mib"] = free_mib
    if free_mib < _LEAST_MIB:
        found = f"{folder}: {free_mib} MiB free, {_LEAST_MIB} are wanted; {variable} can name another"
        return Finding(check, "trouble", found, (f"df -h {there}", _choose(variable)), facts=facts)
    return Finding(check, "ok", f"{folder}, {free_mib / 1024:.0f} GiB free", facts=facts)


def _refusal(there: Path) -> str | None:
    """Why nothing can be made in a folder; None where it can. Tried, since permissions do not say it all."""
    try:
        with tempfile.TemporaryDirectory(dir=there):
            return None
    except OSError as error:
        return error.strerror


def _choose(variable: str) -> str:
    return f"export {variable}=/a/folder/with/space"
