"""Writing files, and checking that they can be written before any work is done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rtseg.errors import SinkError


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file. Raises SinkError."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror})") from error


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that exists, or that could not be written anyway. Raises SinkError."""
    folder = path.parent
    if not folder.is_dir():
        raise SinkError(f"{path}: the folder {folder} does not exist; make it with `mkdir -p {folder}`")
    if path.is_dir():
        raise SinkError(f"{path}: is a folder; give the name of a file in it")
    if path.exists() and not overwrite:
        raise SinkError(f"{path}: exists already; add -y to write over it, or choose another name")
    check_writable(folder)


def make_folder(path: Path, *, overwrite: bool) -> None:
    """Make an output folder; one with something in it needs `overwrite`. Raises SinkError."""
    if path.exists() and not path.is_dir():
        raise SinkError(f"{path}: is a file; expected a folder")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise SinkError(f"{path}: is not empty; add -y to write into it, or choose another folder")
    if not path.parent.is_dir():
        raise SinkError(
            f"{path}: the folder {path.parent} does not exist; make it with `mkdir -p {path.parent}`"
        )
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise SinkError(f"{path}: cannot be made ({error.strerror})") from error
    check_writable(path)


def check_writable(folder: Path) -> None:
    """Raises SinkError for a folder that no file can be made in."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SinkError(f"{folder}: cannot be written to ({error.strerror}); choose another place") from error
