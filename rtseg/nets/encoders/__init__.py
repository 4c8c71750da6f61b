"""The encoders: image (N, H, W, 3) uint8 RGB -> {"P1": stride 2, ..., "P5": stride 32}."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from rtseg.nets.encoders.mobilenet import mobilenetv2

if TYPE_CHECKING:
    from pathlib import Path

Pyramid = dict[str, Any]


class Encoder(Protocol):
    """Builds an encoder on top of an image tensor, with pretrained weights from a file or none."""

    def __call__(self, image: Any, weights: Path | None) -> Pyramid: ...


ENCODERS: dict[str, Encoder] = {
    "mobilenetv2": partial(mobilenetv2, alpha=1.0),
    "mobilenetv2x05": partial(mobilenetv2, alpha=0.5),
}
