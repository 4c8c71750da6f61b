"""The plain encoder: two 3x3 convolutions, a pooling, and again.

The left half of U-Net's figure 1 (Ronneberger et al. 2015, arXiv:1505.04597), half as wide and padded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from rtseg.nets.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path


def plain(image: Any, weights: Path | None, *, depth: int = 5) -> dict[str, Any]:
    """Channels: P0 32, P1 64, P2 128, P3 256, P4 512, P5 512; depth says which level is the last.

    image (N, H, W, 3) uint8 RGB. Weights are those of the encoder alone: nobody hands out any, so they come
    from a training of one's own. Raises ModelError for weights that do not fit.
    """
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    pyramid = {}
    for level in range(depth + 1):
        if level > 0:
            x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
        x = two_convolutions(x, min(32 * 2**level, 512), name=f"block{level}")
        pyramid[f"P{level}"] = x
    if weights is not None:
        load_weights(
            keras.Model(image, list(pyramid.values())), weights, f"the plain encoder of depth {depth}"
        )
    return pyramid


def two_convolutions(x: Any, width: int, *, name: str) -> Any:
    """(N, h, w, C) -> (N, h, w, width): what plain and U-Net are made of."""
    # Initialised as U-Net's paper asks, by He et al. 2015 (arXiv:1502.01852): there is no normalisation that
    # would bring activations back to their size.
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    x = layers.Conv2D(width, 3, **options, name=f"{name}_conv1")(x)
    x = layers.Dropout(0.2, name=f"{name}_dropout")(x)
    return layers.Conv2D(width, 3, **options, name=f"{name}_conv2")(x)
