"""Saving weights on a disk that may get full."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras

from rtseg.errors import SinkError

_HDF5_OVERHEAD = 4096  # bytes a variable: its group, its name
_CHUNK = 1 << 20


@contextmanager
def writing(
    path: Path, variables: Sequence[keras.Variable] = (), *, then: str = "go on with --resume"
) -> Iterator[None]:
    """Turns what a library says of a full disk into an error that names the file.

    Where variables are saved, room for them is tried first: HDF5 crashes the process when a disk gets full.
    """
    try:
        if variables:
            _try_room(path.with_name(f"room.{path.name}"), variables)
        yield
    except OSError as error:
        raise SinkError(
            f"{path}: cannot be written ({error.strerror or error}); make room, then {then}"
        ) from error


def _try_room(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Write a file as large as those of the variables can get, and take it away. Raises OSError."""
    needed = sum(_HDF5_OVERHEAD + 4 * math.prod(variable.shape) for variable in variables)
    try:
        with path.open("wb") as file:
            for start in range(0, needed, _CHUNK):
                file.write(bytes(min(_CHUNK, needed - start)))
    finally:
        path.unlink(missing_ok=True)
