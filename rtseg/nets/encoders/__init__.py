"""The encoders: image (N, H, W, 3) uint8 RGB -> {"P0": stride 1, "P1": stride 2, ..., "P5": stride 32}."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from rtseg.nets.encoders.mobilenet import WIDTHS, mobilenetv2
from rtseg.nets.encoders.plain import plain
from rtseg.nets.encoders.resnet import resnet50
from rtseg.nets.encoders.vgg import vgg16

if TYPE_CHECKING:
    from pathlib import Path


class Encoder(Protocol):
    """Builds an encoder on top of an image tensor, with pretrained weights from a file or none.

    An encoder gives the levels that it has; not all have P0, and plain2 ends at P2.
    """

    def __call__(self, image: Any, weights: Path | None) -> dict[str, Any]: ...


ENCODERS: dict[str, Encoder] = {
    "plain": plain,
    "plain2": partial(plain, depth=2),
    "vgg16": vgg16,
    "resnet50": resnet50,
    **{name: partial(mobilenetv2, alpha=alpha) for name, alpha in WIDTHS.items()},
}
