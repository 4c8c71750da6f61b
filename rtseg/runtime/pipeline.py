"""The loop: source -> channel -> inference -> channel -> overlay, sinks and the viewer's slot.

Live, the channels are latest-frame slots and the age of what comes out never grows; offline they are bounded
queues and nothing is dropped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from rtseg import overlay, postprocess
from rtseg.errors import ConfigError
from rtseg.frame import Frame, Segmentation
from rtseg.labels import Rgb
from rtseg.runtime.channel import BoundedQueue, Channel, LatestSlot
from rtseg.runtime.stats import Stats
from rtseg.runtime.worker import Worker
from rtseg.segmenter import Segmenter
from rtseg.video.sinks import Sink
from rtseg.video.source import Source

Policy = Literal["auto", "latest", "every-frame"]


@dataclass(frozen=True)
class Style:
    """How classes are shown: opacity 0 to 1, and the names of those to show (all when empty)."""

    opacity: float = 0.5
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ConfigError(f"opacity is {self.opacity}; it must be between 0 (invisible) and 1 (opaque)")


class Pipeline:
    """Three threads over a source, a segmenter and sinks. Made, started and joined by one thread.

    Source and segmenter stay the caller's to close; sinks are closed by the overlay thread when it ends,
    so that whatever happens a recording is finished.
    """

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        *,
        sinks: Sequence[Sink] = (),
        policy: Policy = "auto",
        style: Style | None = None,
        max_frames: int | None = None,
        view: LatestSlot[Frame] | None = None,
    ) -> None:
        """view, if given, receives each blended frame for a window to show."""
        self.source = source
        self.segmenter = segmenter
        self.stats = Stats()
        self.latest = source.live if policy == "auto" else policy == "latest"
        self._sinks = sinks
        self._style = style or Style()
        self.palette = _visible(segmenter.card.classes, segmenter.card.palette, self._style.classes)
        self._max_frames = max_frames
        self._view = view
        self._stopping = threading.Event()
        self._frames: Channel[Frame] = LatestSlot() if self.latest else BoundedQueue()
        self._segmented: Channel[Segmentation] = LatestSlot() if self.latest else BoundedQueue()
        views = [] if view is None else [view]
        self._workers = [
            Worker("capture", self._capture, [self._frames]),
            Worker("inference", self._infer, [self._frames, self._segmented]),
            Worker("overlay", self._overlay, [self._segmented, *views]),
        ]

    def start(self) -> None:
        """Start the threads.

        OpenCV is told to use one thread a call, in the whole process: the stages run side by side already,
        and its pool takes more CPU time to make pictures this small no sooner.
        """
        cv2.setNumThreads(1)
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Ask for an end: no more frames are captured, those under way are finished. From any thread."""
        self._stopping.set()

    @property
    def running(self) -> bool:
        """Whether any stage is still at work."""
        return any(worker.is_alive() for worker in self._workers)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; True when all stages have ended. Raises the error that ended a stage."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for worker in self._workers:
            worker.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if self.running:
            return False
        if self.stats.ended_ns is None:
            self.stats.ended_ns = time.monotonic_ns()
        for worker in self._workers:
            if worker.error is not None:
                raise worker.error
        return True

    def dropped(self) -> dict[str, int]:
        """Frames that fell out, by the stage that was too slow for them."""
        counts = {"inference": self._frames.dropped, "overlay": self._segmented.dropped}
        if self._view is not None:
            counts["display"] = self._view.dropped
        return counts

    def _capture(self) -> None:
        frames = self.source.frames()
        while not self._stopping.is_set() and self.stats.frames_in != self._max_frames:
            with self._timed("capture"):
                frame = next(frames, None)
            if frame is None:
                return
            self.stats.frames_in += 1
            self._frames.put(frame)

    def _infer(self) -> None:
        while True:
            segmentation = self.segmenter.segment(self._frames.get())
            self.stats.stage_ns["preprocess"].append(segmentation.preprocess_ns)
            self.stats.stage_ns["inference"].append(segmentation.inference_ns)
            self._segmented.put(segmentation)

    def _overlay(self) -> None:
        try:
            while True:
                segmentation = self._segmented.get()
                with self._timed("overlay"):
                    class_map = postprocess.class_map(
                        segmentation.logits, overlay.class_map_size(segmentation.frame)
                    )
                    blended = overlay.blend(segmentation.frame, class_map, self.palette, self._style.opacity)
                with self._timed("output"):
                    for sink in self._sinks:
                        sink.write(segmentation, blended)
                    if self._view is not None:
                        self._view.put(blended)
                classes = len(self.segmenter.card.classes)
                pixels = cv2.calcHist([class_map], [0], None, [classes], [0, classes]).ravel()
                self.stats.frame_out(segmentation.frame.captured_ns, pixels.astype(np.float64))
        finally:
            with ExitStack() as stack:  # one that cannot be finished keeps no other from it
                for sink in self._sinks:
                    stack.callback(sink.close)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started_ns = time.perf_counter_ns()
        yield
        self.stats.stage_ns[stage].append(time.perf_counter_ns() - started_ns)


def _visible(classes: Sequence[str], palette: Sequence[Rgb], shown: Sequence[str]) -> tuple[Rgb | None, ...]:
    """The palette with None for what is not to be seen."""
    unknown = [name for name in shown if name not in classes]
    if unknown:
        raise ConfigError(f"unknown class {unknown[0]!r}; this model knows {', '.join(classes[1:])}")
    return tuple(
        color if index > 0 and (not shown or name in shown) else None
        for index, (name, color) in enumerate(zip(classes, palette, strict=True))
    )
