"""VGG16: thirteen 3x3 convolutions in five blocks (Simonyan and Zisserman 2014, arXiv:1409.1556)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from rtseg.nets.encoders.normalise import like_caffe
from rtseg.nets.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

# The last convolution at each stride, before it is pooled away; at stride 32 there is only the pooling.
_LEVELS = {
    "P0": "block1_conv2",
    "P1": "block2_conv2",
    "P2": "block3_conv3",
    "P3": "block4_conv3",
    "P4": "block5_conv3",
    "P5": "block5_pool",
}


def vgg16(image: Any, weights: Path | None) -> dict[str, Any]:
    """Channels: P0 64, P1 128, P2 256, P3 512, P4 512, P5 512; 14,714,688 parameters.

    image (N, H, W, 3) uint8 RGB. Raises ModelError for weights that do not fit.
    """
    x = like_caffe(image)
    body = keras.applications.VGG16(input_tensor=x, include_top=False, weights=None)
    if weights is not None:
        load_weights(body, weights, "VGG16 without top")
    return {level: body.get_layer(name).output for level, name in _LEVELS.items()}
