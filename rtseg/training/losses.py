"""The losses of a segmentation, written in keras.ops alone so that they run on every Keras backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from rtseg.labels import members

_IMPOSSIBLE = -1e9  # in the place of the logarithm of 0, which would turn gradients into NaN


class SegmentationLoss:
    """Weighted cross-entropy plus soft Dice, both at the resolution of the labels.

    Cross-entropy gives steady gradients everywhere; Dice (Milletari et al. 2016, arXiv:1606.04797) weighs a
    class by overlap instead of by area, which is what makes distant pedestrians count. focal above 0 turns
    the cross-entropy to the pixels that are still wrong (Lin et al. 2017, arXiv:1708.02002), divided by what
    its weights sum to, so that the step keeps its size. Logits (N, h, w, C) are upsampled bilinearly to the
    class maps (N, H, W), as evaluation does.

    A merged label counts with the sum of its members' probabilities in the cross-entropy, and not in Dice.
    IGNORE counts nowhere.
    """

    def __init__(self, class_weights: Sequence[float], *, focal: float = 0.0, dice: float = 0.5) -> None:
        self.focal = focal
        self.dice = dice
        self.allowed = _allowed_classes(len(class_weights))
        counts = np.maximum(self.allowed.sum(axis=1), 1)
        self.weight_of_label = (self.allowed @ np.asarray(class_weights, np.float32)) / counts

    def __call__(self, class_map: Any, logits: Any) -> Any:
        """-> the loss, a scalar float32."""
        labels = ops.cast(class_map, "int32")
        logits = ops.image.resize(ops.cast(logits, "float32"), labels.shape[1:3], interpolation="bilinear")
        allowed = ops.take(ops.convert_to_tensor(self.allowed), labels, axis=0)
        log_probability = ops.log_softmax(logits, axis=-1)
        log_likelihood = ops.logsumexp(ops.where(allowed > 0, log_probability, _IMPOSSIBLE), axis=-1)
        # 0 where a label allows no class, which is IGNORE.
        weight = ops.take(ops.convert_to_tensor(self.weight_of_label), labels, axis=0)
        if self.focal:
            missed = ops.clip(1.0 - ops.exp(log_likelihood), 1e-4, 1.0)
            weight = weight * ops.stop_gradient(missed**self.focal)
        cross_entropy = -ops.sum(weight * log_likelihood) / (ops.sum(weight) + 1.0)
        if not self.dice:
            return cross_entropy

        certain = ops.cast(ops.sum(allowed, axis=-1, keepdims=True) == 1.0, "float32")
        truth = allowed * certain
        probability = ops.exp(log_probability) * certain
        overlap = ops.sum(probability * truth, axis=(0, 1, 2))
        area = ops.sum(probability, axis=(0, 1, 2)) + ops.sum(truth, axis=(0, 1, 2))
        # One pixel of each kind keeps a class that this batch lacks from giving a gradient of noise.
        dice = 1.0 - ops.mean((2.0 * overlap + 1.0) / (area + 1.0))
        return cross_entropy + self.dice * dice


def distillation_loss(teacher_logits: Any, logits: Any, temperature: float = 2.0) -> Any:
    """How far the student's classes (N, h, w, C) are from the teacher's (Hinton et al. 2015, 1503.02531).

    The Kullback-Leibler divergence of the softened distributions, at the student's stride, to which a teacher
    of another one is brought bilinearly: a scalar.
    """
    teacher_logits = ops.cast(teacher_logits, "float32")
    size = tuple(logits.shape[1:3])
    if tuple(teacher_logits.shape[1:3]) != size:
        teacher_logits = ops.image.resize(teacher_logits, size, interpolation="bilinear")
    teacher = ops.log_softmax(teacher_logits / temperature, axis=-1)
    student = ops.log_softmax(ops.cast(logits, "float32") / temperature, axis=-1)
    divergence = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
    # By its square, so that gradients keep their size whatever the temperature.
    return ops.mean(divergence) * temperature**2


def _allowed_classes(classes: int) -> NDArray[np.float32]:
    """(256, C): 1 where a label of a class map allows a class."""
    allowed = np.zeros((256, classes), np.float32)
    for label in range(256):
        allowed[label, list(members(label, classes))] = 1.0
    return allowed
