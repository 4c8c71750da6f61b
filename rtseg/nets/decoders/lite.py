"""The light decoder of the street models: context, then three skips down to stride 4.

A feature pyramid (Lin et al. 2017, arXiv:1612.03144) whose 3x3 convolutions are depthwise separable, below
a small pyramid pooling (Zhao et al. 2017, arXiv:1612.01105) that lets each pixel see the whole street.
"""

from __future__ import annotations

from typing import Any

from keras import layers

WIDTHS = {"P5": 128, "P4": 128, "P3": 96, "P2": 64}


def lite(pyramid: dict[str, Any], classes: int, *, width_multiplier: float = 1.0) -> Any:
    """Pyramid -> logits (N, H/4, W/4, classes) float32."""
    widths = {level: round(width * width_multiplier) for level, width in WIDTHS.items()}
    x = _conv(pyramid["P5"], widths["P5"], name="context")
    x = layers.Add(name="context_add")([x, _whole_image(x)])
    x = _separable(x, widths["P5"], name="context_mix")
    for level in ("P4", "P3", "P2"):
        width = widths[level]
        skip = _conv(pyramid[level], width, name=f"skip_{level}")
        x = _conv(x, width, name=f"narrow_{level}")
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up_{level}")(x)
        x = layers.Add(name=f"fuse_{level}")([x, skip])
        x = _separable(x, width, name=f"refine_{level}")
        x = _separable(x, width, name=f"smooth_{level}")
    # float32 also under mixed precision: the softmax of the loss needs it.
    return layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)


def _whole_image(x: Any) -> Any:
    """(N, h, w, C) -> (N, 1, 1, C): what the scene as a whole says, added everywhere."""
    x_mean = layers.GlobalAveragePooling2D(keepdims=True, name="context_pool")(x)
    return layers.Conv2D(x.shape[-1], 1, activation="relu", name="context_scene")(x_mean)


def _conv(x: Any, width: int, *, name: str) -> Any:
    x = layers.Conv2D(width, 1, padding="same", use_bias=False, name=name)(x)
    return _normalised(x, name)


def _separable(x: Any, width: int, *, name: str) -> Any:
    x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=name)(x)
    return _normalised(x, name)


def _normalised(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
