"""ResNet50: bottlenecks with shortcuts around them (He et al. 2015, arXiv:1512.03385)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from rtseg.nets.encoders.normalise import like_caffe
from rtseg.nets.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

# The last layer of each stride.
_LEVELS = {
    "P1": "conv1_relu",
    "P2": "conv2_block3_out",
    "P3": "conv3_block4_out",
    "P4": "conv4_block6_out",
    "P5": "conv5_block3_out",
}


def resnet50(image: Any, weights: Path | None) -> dict[str, Any]:
    """Channels: P1 64, P2 256, P3 512, P4 1024, P5 2048; 23,587,712 parameters.

    image (N, H, W, 3) uint8 RGB. Raises ModelError for weights that do not fit.
    """
    x = like_caffe(image)
    body = keras.applications.ResNet50(input_tensor=x, include_top=False, weights=None)
    if weights is not None:
        load_weights(body, weights, "ResNet50 without top")
    return {level: body.get_layer(name).output for level, name in _LEVELS.items()}
