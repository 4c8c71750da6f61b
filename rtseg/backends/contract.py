"""The check that a loaded network is what its card says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rtseg.errors import ModelError


def check_contract(
    path: Path,
    *,
    inputs: Mapping[str, Sequence[object]],
    outputs: Mapping[str, Sequence[object]],
    classes: int,
) -> None:
    """Compare names and shapes with the contract; a dimension that is no int is open and fits anything.

    Raises ModelError saying what differs.
    """
    _expect(path, "input", inputs, "image", {3: 3})
    _expect(path, "output", outputs, "logits", {1: classes})


def _expect(
    path: Path, kind: str, found: Mapping[str, Sequence[object]], name: str, fixed: Mapping[int, int]
) -> None:
    if list(found) != [name]:
        raise ModelError(f"{path}: its {kind}s are {', '.join(found)}; its card promises one, {name!r}")
    shape = found[name]
    for axis, wanted in fixed.items():
        if len(shape) != 4 or (isinstance(shape[axis], int) and shape[axis] != wanted):
            raise ModelError(
                f"{path}: its {kind} {name!r} has shape {tuple(shape)}; its card promises {wanted} "
                f"on axis {axis} of 4. Card and network do not belong together: export the model again"
            )
