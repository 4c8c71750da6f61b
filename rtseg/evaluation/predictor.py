"""What can be evaluated: whatever gives class probabilities for a picture.

picture (H, W, 3) uint8 RGB  ->  class map (H, W) uint8 and probabilities (C, H, W) float32
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtseg import postprocess
from rtseg.frame import Frame, UInt8Array
from rtseg.segmenter import Segmenter

Probabilities = NDArray[np.float32]
"""(C, H, W); those of a pixel sum to 1."""


class Predictor(Protocol):
    """Any model: a Segmenter is one, the adapters of other people's networks under tools/ are others.

    Used by one thread at a time.
    """

    @property
    def name(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    def probabilities(self, image_rgb: UInt8Array) -> Probabilities:
        """Picture (H, W, 3) uint8 RGB -> (C, H, W) float32 at the picture's own resolution."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of a picture, and how many milliseconds it took to say it."""

    class_map: UInt8Array
    probabilities: Probabilities
    ms: float


def predict(predictor: Predictor, image_rgb: UInt8Array, *, stretched: bool = False) -> Prediction:
    """Segment a picture at its own resolution; stretched, a Segmenter sees it as it sees a video.

    A Segmenter's class map is that of its own post-processing, and the time is that of the class map alone:
    probabilities are what evaluation wants besides.
    """
    height, width = image_rgb.shape[:2]
    started = time.perf_counter()
    if not isinstance(predictor, Segmenter):
        probabilities = predictor.probabilities(image_rgb)
        best = np.asarray(probabilities.argmax(axis=0), np.uint8)
        return Prediction(best, probabilities, (time.perf_counter() - started) * 1e3)
    if stretched:
        frame_bgr = np.ascontiguousarray(image_rgb[..., ::-1])
        frame = Frame("bgr24", (frame_bgr,), index=0, captured_ns=time.monotonic_ns())
        logits, size = predictor.segment(frame).logits, frame.size
    else:
        logits, size = predictor.infer_unscaled(image_rgb)
    class_map = postprocess.class_map(logits, size)[:height, :width]
    ms = (time.perf_counter() - started) * 1e3
    return Prediction(class_map, postprocess.probabilities(logits, size)[:, :height, :width], ms)
