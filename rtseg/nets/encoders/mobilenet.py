"""MobileNetV2: inverted residuals with linear bottlenecks (Sandler et al. 2018, arXiv:1801.04381)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from rtseg.nets.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

# By name, those that there are ImageNet weights of.
WIDTHS = {
    "mobilenetv2": 1.0,
    **{f"mobilenetv2x{str(alpha).replace('.', '')}": alpha for alpha in (0.35, 0.5, 0.75, 1.3, 1.4)},
}

# The last layer of each stride. P2 to P5 are the linear bottlenecks: five times fewer channels than the
# expansions beside them, and all that the next block sees of the image anyway.
_LEVELS = {
    "P1": "expanded_conv_project_BN",
    "P2": "block_2_add",
    "P3": "block_5_add",
    "P4": "block_12_add",
    "P5": "block_16_project_BN",
}


def mobilenetv2(image: Any, weights: Path | None, *, alpha: float) -> dict[str, Any]:
    """MobileNetV2 of width alpha; channels at alpha 1: P1 16, P2 24, P3 32, P4 96, P5 320.

    image (N, H, W, 3) uint8 RGB. Raises ModelError for weights that do not fit.
    """
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    body = keras.applications.MobileNetV2(input_tensor=x, alpha=alpha, include_top=False, weights=None)
    if weights is not None:
        load_weights(body, weights, f"MobileNetV2 x{alpha} without top")
    return {level: body.get_layer(name).output for level, name in _LEVELS.items()}
