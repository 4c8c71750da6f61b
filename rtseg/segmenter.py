"""A card and a backend: a frame in, a segmentation out."""

from __future__ import annotations

import os
import time

import numpy as np
from numpy.typing import NDArray

from rtseg import postprocess, preprocess
from rtseg.backends import Backend, Logits, Precision, open_backend
from rtseg.card import Model, ModelCard, NetworkPrecision, find_model
from rtseg.closing import Closing
from rtseg.errors import ConfigError
from rtseg.frame import Frame, Segmentation, Size, UInt8Array


class Segmenter(Closing):
    """Segments frames and pictures. Used by one thread at a time; a context manager."""

    def __init__(self, model: Model, backend: Backend) -> None:
        self.model = model
        self.card: ModelCard = model.card
        self.backend = backend

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the class indices."""
        return self.card.classes

    def __call__(self, frame_bgr: UInt8Array) -> UInt8Array:
        """Picture (H, W, 3) uint8 BGR, as OpenCV reads it -> class map (H, W) uint8.

        Raises ConfigError for an array that is no such picture.
        """
        if not isinstance(frame_bgr, np.ndarray):
            raise ConfigError(
                f"the picture is {type(frame_bgr).__name__}; expected uint8 (height, width, 3) in BGR. "
                "cv2.imread gives None for a file that it cannot read"
            )
        shape = frame_bgr.shape
        if frame_bgr.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ConfigError(
                f"the picture is {frame_bgr.dtype} {shape}; expected uint8 (height, width, 3) in BGR"
            )
        frame = Frame("bgr24", (frame_bgr,), index=0, captured_ns=time.monotonic_ns())
        return postprocess.class_map(self.segment(frame).logits, frame.size)

    def input_size(self, source: Size) -> Size:
        """The (width, height) that the network sees of a source of this size."""
        spec = self.card.input
        return preprocess.input_size(source, spec.width * spec.height, spec.multiple)

    def segment(self, frame: Frame) -> Segmentation:
        """The whole frame, stretched to the network's input, with the time that each step took."""
        started_ns = time.perf_counter_ns()
        image = preprocess.network_input(frame, self.input_size(frame.size))
        ready_ns = time.perf_counter_ns()
        logits = self.infer(image)
        done_ns = time.perf_counter_ns()
        return Segmentation(
            frame, logits, preprocess_ns=ready_ns - started_ns, inference_ns=done_ns - ready_ns
        )

    def segment_unscaled(self, image_rgb: UInt8Array) -> UInt8Array:
        """Picture (H, W, 3) uint8 RGB -> class map (H, W) at the picture's own resolution.

        As evaluation does it: padded to the network's multiple, neither scaled nor flipped.
        """
        logits, size = self.infer_unscaled(image_rgb)
        height, width = image_rgb.shape[:2]
        return postprocess.class_map(logits, size)[:height, :width]

    def probabilities(self, image_rgb: UInt8Array) -> NDArray[np.float32]:
        """Picture (H, W, 3) uint8 RGB -> (C, H, W) float32 at the picture's own resolution.

        The softmax of what `segment_unscaled` takes the best class of.
        """
        logits, size = self.infer_unscaled(image_rgb)
        height, width = image_rgb.shape[:2]
        return postprocess.probabilities(logits, size)[:, :height, :width]

    def infer_unscaled(self, image_rgb: UInt8Array) -> tuple[Logits, Size]:
        """Picture (H, W, 3) uint8 RGB, padded to the network's multiple -> its logits, its padded size."""
        padded = preprocess.pad_to_multiple(image_rgb, self.card.input.multiple)
        return self.infer(padded), (padded.shape[1], padded.shape[0])

    def infer(self, image_rgb: UInt8Array) -> Logits:
        """(H, W, 3) uint8 RGB, multiples of the network's -> logits (C, H/4, W/4) float32."""
        logits: Logits = self.backend.infer(image_rgb[None])[0]
        return logits.copy() if self.backend.reuses_output else logits

    def close(self) -> None:
        """Free the backend."""
        self.backend.close()


def load(
    name: str = "street-m",
    *,
    backend: str = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
) -> Segmenter:
    """Open a model by name, folder or ONNX file.

    backend is "auto", "openvino" or "onnxruntime"; precision "auto", "f32", "bf16" or, for a model that has
    a quantised network, "int8"; threads limits the CPU threads of one inference, None lets the backend
    choose. Raises ModelError for a model that cannot be found or trusted or has no such network,
    BackendUnavailable for a backend whose package is missing.
    """
    networks: dict[Precision, NetworkPrecision] = {"f32": "float32", "bf16": "float32", "int8": "int8"}
    model = find_model(name, networks.get(precision))
    if model.card.precision == "int8":
        precision = "int8"
    opened = open_backend(
        backend, model.onnx_path, classes=len(model.card.classes), precision=precision, threads=threads
    )
    return Segmenter(model, opened)


def offline_threads() -> int:
    """Threads of an inference while decoding, blending and encoding run beside it: half of the processors.

    What counts offline is the work of all stages together, not how soon one frame is done. Two threads on the
    two halves of one core take twice the CPU time of one, for the same result at the same moment.
    """
    return max(1, (os.cpu_count() or 2) // 2)
