"""Images as the weights of ImageNet classifiers want them."""

from __future__ import annotations

from typing import Any

import keras

_IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)


def like_caffe(image: Any) -> Any:
    """(N, H, W, 3) uint8 RGB -> float BGR less ImageNet's mean: what VGG16 and ResNet50 learned from."""
    offset = [-mean for mean in _IMAGENET_MEAN_RGB]
    x = keras.layers.Rescaling(1.0, offset=offset, name="normalise")(image)
    return keras.ops.take(x, (2, 1, 0), axis=-1)
