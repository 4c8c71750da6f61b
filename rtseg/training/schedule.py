"""The learning rate over the steps of a training."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


class WarmUpThenCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rises in a straight line to its peak, then falls to 0 along a cosine (Loshchilov and Hutter 2017).

    As Keras's CosineDecay does, but without its branches: TensorFlow asks for the rate once for each variable
    and would trace and run both branches each time.
    """

    def __init__(self, first: float, peak: float, *, warm_up_steps: int, steps: int) -> None:
        """First is the rate of step 0; peak that of step warm_up_steps; it is 0 at `steps`."""
        self.first = first
        self.peak = peak
        self.warm_up_steps = warm_up_steps
        self.falling_steps = max(1, steps - warm_up_steps)

    def __call__(self, step: Any) -> Any:
        """-> a scalar float32."""
        step = ops.cast(step, "float32")
        rising = self.first + (self.peak - self.first) * step / self.warm_up_steps
        fallen = ops.clip((step - self.warm_up_steps) / self.falling_steps, 0.0, 1.0)
        falling = 0.5 * self.peak * (1.0 + ops.cos(math.pi * fallen))
        return ops.where(step < self.warm_up_steps, rising, falling)
