"""U-Net: up, concatenate what was seen at that stride on the way down, two convolutions, and again.

Ronneberger et al. 2015, arXiv:1505.04597, figure 1; padded, so that nothing is cropped.
"""

from __future__ import annotations

from typing import Any

from keras import layers

from rtseg.nets.encoders.plain import two_convolutions
from rtseg.nets.resizing import Repeat

MAX_WIDTH = 512


def unet(pyramid: dict[str, Any], classes: int) -> Any:
    """Pyramid of any depth -> logits (N, H/s, W/s, classes) float32; s is the stride of its finest level."""
    deepest, *skips = sorted(pyramid, reverse=True)
    x = pyramid[deepest]
    for level in skips:
        skip = pyramid[level]
        x = Repeat(2, name=f"up_{level}")(x)
        x = layers.Concatenate(name=f"join_{level}")([x, skip])
        x = two_convolutions(x, min(skip.shape[-1], MAX_WIDTH), name=f"climb_{level}")
    # float32 also under mixed precision: the softmax of the loss needs it.
    return layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
