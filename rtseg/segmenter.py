"""A card and a backend: a frame in, a segmentation out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtseg import overlay, postprocess, preprocess
from rtseg.backends import (
    Backend,
    FrameBackend,
    Logits,
    Pending,
    PendingFrame,
    Precision,
    open_backend,
)
from rtseg.card import INT8_FILE, Model, ModelCard, NetworkPrecision, find_model
from rtseg.closing import Closing
from rtseg.errors import ConfigError
from rtseg.frame import Frame, Segmentation, Size, UInt8Array
from rtseg.threads import Mode


@dataclass(frozen=True)
class _PendingBatches:
    """A frame whose pictures are in these batches."""

    frame: Frame
    classes: tuple[str, ...]
    preprocess_ns: int
    _batches: tuple[tuple[Pending, tuple[int, ...]], ...]
    """Each with the numbers of the frame's pictures that are in it."""

    def result(self) -> Segmentation:
        parts: dict[int, Logits] = {}
        inference_ns = 0
        for inference, numbers in self._batches:
            batch, spent_ns = inference.result()
            parts.update(zip(numbers, batch, strict=True))
            inference_ns += spent_ns
        in_order = tuple(parts[number] for number in range(len(parts)))
        return Segmentation(self.frame, in_order, self.preprocess_ns, inference_ns, classes=self.classes)


@dataclass(frozen=True)
class _PendingOnGpu:
    """A frame that the backend takes as it is: all of its time is inference."""

    frame: Frame
    classes: tuple[str, ...]
    _pending: PendingFrame

    def result(self) -> Segmentation:
        logits, class_map, spent_ns = self._pending.result()
        return Segmentation(self.frame, (logits,), 0, spent_ns, class_map, self.classes)


class PendingSegmentation(Protocol):
    """A frame whose inference is under way."""

    @property
    def frame(self) -> Frame: ...

    def result(self) -> Segmentation:
        """Wait for it. Called once, and in the order in which the frames were submitted."""


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
        return postprocess.frame_class_map(self.segment(frame), frame.size)

    def input_size(self, source: Size, share: float = 1.0) -> Size:
        """The (width, height) that the network sees of a source of this size.

        share is the part of the card's area that is asked for.
        """
        spec = self.card.input
        return preprocess.input_size(source, round(spec.width * spec.height * share), spec.multiple)

    @property
    def in_flight(self) -> int:
        """How many frames are worth having under way at once."""
        return self.backend.in_flight

    def segment(self, frame: Frame) -> Segmentation:
        """The whole frame, stretched to the network's input, with the time that each step took."""
        return self.submit(frame).result()

    def submit(self, frame: Frame, share: float = 1.0) -> PendingSegmentation:
        """Begin with a frame; `result` waits for it. share is as for `input_size`.

        Tiles go through the network together, in a batch for each size of input that they have. Those that do
        not play do too: another number of pictures would be another shape, which takes a second to compile.
        """
        if (on_gpu := self._submit_to_gpu(frame, share)) is not None:
            return on_gpu
        started_ns = time.perf_counter_ns()
        pictures = [frame.cut(tile) for tile in frame.tiles] or [frame]
        groups = self._groups([picture.size for picture in pictures], share)
        batches = [
            _batch([preprocess.network_input(pictures[number], size) for number in numbers])
            for size, numbers in groups.items()
        ]
        ready_ns = time.perf_counter_ns()
        begun = tuple(
            (self.backend.submit(batch), tuple(numbers))
            for batch, numbers in zip(batches, groups.values(), strict=True)
        )
        return _PendingBatches(frame, self.classes, ready_ns - started_ns, begun)

    def _submit_to_gpu(self, frame: Frame, share: float) -> PendingSegmentation | None:
        """Where the backend also scales and upsamples, it gets the frame as it is."""
        if frame.tiles or not isinstance(self.backend, FrameBackend):
            return None
        size = self.input_size(frame.size, share)
        if not self.backend.takes_frames(size):
            return None
        map_size = overlay.class_map_size(frame)
        return _PendingOnGpu(frame, self.classes, self.backend.submit_frame(frame, size, map_size))

    def prepare(self, pictures: Sequence[Size], share: float = 1.0) -> None:
        """Make ready for frames with pictures of these sizes: the network is compiled, and takes its memory.

        See `Frame.pictures`. From any thread, while no other segments such frames with this share.
        """
        for batch in self.blank(pictures, share):
            self.backend.infer(batch)

    def blank(self, pictures: Sequence[Size], share: float = 1.0) -> list[UInt8Array]:
        """Black batches (N, h, w, 3), as frames with pictures of these sizes give."""
        groups = self._groups(pictures, share)
        return [np.zeros((len(numbers), size[1], size[0], 3), np.uint8) for size, numbers in groups.items()]

    def _groups(self, pictures: Sequence[Size], share: float) -> dict[Size, list[int]]:
        """Numbers of the pictures by the size that the network sees them in."""
        groups: dict[Size, list[int]] = {}
        for number, picture in enumerate(pictures):
            groups.setdefault(self.input_size(picture, share), []).append(number)
        return groups

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
        return logits

    def close(self) -> None:
        """Free the backend."""
        self.backend.close()


def _batch(images: list[UInt8Array]) -> UInt8Array:
    return images[0][None] if len(images) == 1 else np.stack(images)


def load(
    name: str = "street-m",
    *,
    backend: str = "auto",
    precision: Precision = "auto",
    mode: Mode = "live",
    threads: int | None = None,
    measure: bool = False,
) -> Segmenter:
    """Open a model by name, folder or ONNX file.

    backend is one of rtseg.backends.BACKENDS; precision "auto", "f32", "bf16" or, for a model that has
    a quantised network, "int8". mode "live" has each frame done as soon as can be, "offline" as many a second
    as can be, beside a decoder and an encoder. threads limits the CPU threads of the network; None leaves
    them to the mode. With measure, precision "auto" takes the quantised network where that measures faster
    on this machine: once, and what was found is kept on disk.

    Raises ModelError for a model that cannot be found or trusted or has no such network, BackendUnavailable
    for a backend whose package is missing.
    """
    networks: dict[Precision, NetworkPrecision] = {"f32": "float32", "bf16": "float32", "int8": "int8"}
    model = find_model(name, networks.get(precision))
    if precision == "auto" and measure and INT8_FILE in model.card.files:
        precision = _fastest(name, model, backend, mode)
        model = find_model(name, networks.get(precision))
    if model.card.precision == "int8":
        precision = "int8"
    opened = open_backend(
        backend,
        model.onnx_path,
        classes=len(model.card.classes),
        precision=precision,
        mode=mode,
        threads=threads,
    )
    return Segmenter(model, opened)


def _fastest(name: str, model: Model, backend: str, mode: Mode) -> Precision:
    from rtseg.backends.fastest import fastest

    card = model.card
    return fastest(
        backend,
        model.onnx_path,
        find_model(name, "int8").onnx_path,
        classes=len(card.classes),
        size=(card.input.width, card.input.height),
        mode=mode,
    )
