"""The folder that an export reads, and the one that it writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rtseg.card import CARD_FILE, WEIGHTS_FILE, models_folder, shipped_models
from rtseg.errors import ModelError, SinkError


def trained_folder(name_or_path: str) -> Path:
    """The folder of trained weights that is meant. Raises ModelError saying what it must be."""
    folder = Path(name_or_path)
    wanted = f"a folder that `rtseg train` wrote, with {CARD_FILE} and {WEIGHTS_FILE}"
    if folder.is_dir():
        missing = [name for name in (CARD_FILE, WEIGHTS_FILE) if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder}: no {missing[0]} in it; --format onnx is made from {wanted}")
        return folder
    if folder.exists():
        raise ModelError(f"{folder}: is a file; --format onnx is made from {wanted}")
    if name_or_path in shipped_models():
        shipped = models_folder() / name_or_path
        raise ModelError(
            f"{name_or_path} comes with rtseg as ONNX already; --format onnx takes a folder and no name: to "
            f"convert its weights anew, give --model {shipped} and another folder to write to with -o"
        )
    raise ModelError(f"{folder}: no such folder; --format onnx is made from {wanted}")


@contextlib.contextmanager
def output_folder(path: Path) -> Iterator[None]:
    """Make a folder, and those above it; in the end those that were made and hold nothing go again.

    However it ends: after an error or Ctrl-C none is left empty. Raises SinkError for a path that is a file
    or below one, and where a folder cannot be made.
    """
    made: list[Path] = []
    try:
        try:
            for folder in reversed([path, *path.parents]):
                if folder.is_dir():
                    continue
                if folder.exists():
                    below = "is a file" if folder == path else f"{folder} is a file"
                    raise SinkError(f"{path}: {below}, not a folder; choose another folder to write to")
                folder.mkdir()
                made.append(folder)
        except OSError as error:
            raise SinkError(
                f"{path}: the folder cannot be made ({error.strerror}); choose another"
            ) from error
        yield
    finally:
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()
