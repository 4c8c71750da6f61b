"""The loss of a segmentation, written in keras.ops alone so that it runs on every Keras backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rtseg.labels import IGNORE


class SegmentationLoss(keras.losses.Loss):  # type: ignore[misc]
    """Weighted cross-entropy plus soft Dice, both at the resolution of the labels.

    Cross-entropy gives steady gradients everywhere; Dice (Milletari et al. 2016, arXiv:1606.04797) weighs a
    class by overlap instead of by area, which is what makes distant pedestrians count. Logits
    (N, h, w, C) are upsampled bilinearly to the class maps (N, H, W), as evaluation does. IGNORE counts
    nowhere.
    """

    def __init__(self, class_weights: Sequence[float], dice_weight: float = 0.5) -> None:
        super().__init__(name="segmentation")
        self.class_weights = list(class_weights)
        self.dice_weight = dice_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        classes = len(self.class_weights)
        class_map = ops.cast(y_true, "int32")
        logits = ops.image.resize(ops.cast(y_pred, "float32"), class_map.shape[1:3], interpolation="bilinear")
        counted = ops.cast(class_map != IGNORE, "float32")
        # one_hot of IGNORE is a row of zeros: such pixels take part in no product below.
        truth = ops.one_hot(class_map, classes, dtype="float32")
        log_probability = ops.log_softmax(logits, axis=-1)
        weighted = truth * ops.convert_to_tensor(self.class_weights, dtype="float32")
        cross_entropy = -ops.sum(weighted * log_probability) / (ops.sum(weighted) + 1.0)

        probability = ops.exp(log_probability) * counted[..., None]
        overlap = ops.sum(probability * truth, axis=(0, 1, 2))
        area = ops.sum(probability, axis=(0, 1, 2)) + ops.sum(truth, axis=(0, 1, 2))
        # One pixel of each kind keeps a class that this batch lacks from giving a gradient of noise.
        dice = 1.0 - ops.mean((2.0 * overlap + 1.0) / (area + 1.0))
        return cross_entropy + self.dice_weight * dice
