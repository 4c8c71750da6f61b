"""Fully convolutional networks: scores at stride 32, upsampled by learning, with scores of skips added.

Long et al. 2015, arXiv:1411.4038, figure 3. There, fc6 and fc7 lie between pool5 and its scores; here the
encoders come without their classifiers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers

STRIDE = 4
"""Of the logits. From here to the pixels the paper's upsampling is fixed too, and the class map's own."""


def fcn(pyramid: dict[str, Any], classes: int, *, skips: tuple[str, ...]) -> Any:
    """Pyramid -> logits (N, H/4, W/4, classes) float32.

    FCN-32 has no skips, FCN-16 adds P4 (the paper's pool4), FCN-8 adds P4 and P3 (pool4 and pool3).
    """
    x = _scores(pyramid["P5"], classes, name="logits_P5")
    stride = 32
    for level in skips:
        x = _upsample(x, 2, name=f"logits_up_{level}")
        # From zero, as in section 4.2: a finer net starts with what the coarser one says.
        skip = _scores(pyramid[level], classes, name=f"logits_{level}", kernel_initializer="zeros")
        x = layers.Add(name=f"fuse_{level}")([x, skip])
        stride //= 2
    return _upsample(x, stride // STRIDE, name="logits")


def bilinear(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """The kernel (k, k, C, C) of a transposed convolution of stride k/2 that upsamples bilinearly."""
    size, _, channels, _ = shape
    distance = np.abs(np.arange(size) - (size - 1) / 2)  # of each tap from the centre of the kernel
    weight = 1 - distance / (size / 2)
    return np.einsum("h,w,oi->hwoi", weight, weight, np.eye(channels)).astype(dtype or "float32")


def _scores(features: Any, classes: int, **options: Any) -> Any:
    # float32 also under mixed precision: the softmax of the loss needs it.
    return layers.Conv2D(classes, 1, dtype="float32", **options)(features)


def _upsample(x: Any, factor: int, *, name: str) -> Any:
    """(N, h, w, C) -> (N, factor h, factor w, C): bilinear until it learns better."""
    return layers.Conv2DTranspose(
        x.shape[-1],
        2 * factor,
        strides=factor,
        padding="same",
        use_bias=False,
        kernel_initializer=bilinear,
        dtype="float32",
        name=name,
    )(x)
