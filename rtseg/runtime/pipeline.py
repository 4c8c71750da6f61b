"""The loop: source -> channel -> inference -> channel -> overlay, sinks and the viewer's slot.

Live, the channels are latest-frame slots and the age of what comes out never grows; offline they are bounded
queues and nothing is dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

import cv2

from rtseg import overlay, postprocess
from rtseg.errors import ConfigError
from rtseg.frame import Frame, Segmentation
from rtseg.labels import Rgb
from rtseg.runtime.channel import Channel, ChannelClosed, LatestSlot, StageChannel
from rtseg.runtime.ladder import Ladder
from rtseg.runtime.outputs import Outputs
from rtseg.runtime.policy import Policy, check_may_drop, is_latest
from rtseg.runtime.shown import Shown
from rtseg.runtime.stages import Stages
from rtseg.runtime.stats import LOST, NEWER, STOPPED, TOO_OLD, Drop, Stats, by_stage, class_pixels
from rtseg.runtime.style import Style
from rtseg.runtime.tint import Tint
from rtseg.runtime.worker import Worker
from rtseg.segmenter import PendingSegmentation, Segmenter
from rtseg.video.sinks import Sink
from rtseg.video.source import Source

__all__ = ["Pipeline", "Policy", "Style", "is_latest"]

_POLL_S = 0.05
_QUEUED = 4


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
        max_age_ms: float | None = None,
        ladder: Ladder | None = None,
        view: LatestSlot[Shown] | None = None,
    ) -> None:
        """view, if given, receives each frame for a window to show.

        max_age_ms leaves out, where the policy is to show the latest, what is older than that. ladder
        chooses network and input size for each frame, where that is not to be the segmenter's own.
        """
        self.source = source
        self.segmenter = segmenter
        self.stats = Stats()
        self._tint = Tint(style or Style())
        self._tint.knows(segmenter.card, check=True)
        self.ladder = ladder
        self._max_age_ns = None if max_age_ms is None else round(max_age_ms * 1e6)
        self.latest = is_latest(source, policy)
        self._check_policy()
        source.keeps_up = self.latest
        self._outputs = Outputs(sinks, view)
        self._wanted = segmenter
        self._max_frames = max_frames
        self._view = view
        self._stopping = threading.Event()
        # Whoever watches pauses and seeks, and does not want to see what was queued before that.
        queued = _QUEUED if view is None else 1
        self._frames: StageChannel[Frame] = StageChannel(latest=self.latest, queued=queued)
        self._segmented: StageChannel[Segmentation] = StageChannel(latest=self.latest, queued=queued)
        views = [] if view is None else [view]
        self._stages = Stages(
            (
                Worker("capture", self._capture, [self._frames], self.stats.end),
                # When one of these ends by itself, there is nothing more to capture for.
                Worker("inference", self._infer, [self._frames, self._segmented], self._after_stage),
                Worker("overlay", self._overlay, [self._segmented, *views], self._after_stage),
            )
        )

    def start(self) -> None:
        """Make the network ready and start the threads, so that no frame waits or drops out for its sake.

        OpenCV is told to use one thread a call, in the whole process: the stages run side by side already,
        and its pool takes more CPU time to make pictures this small no sooner.
        """
        cv2.setNumThreads(1)
        if self.source.size is not None:
            tiles = tuple(tile.size for tile in self.source.tiles)
            self.segmenter.prepare(tiles or (self.source.size,))
        self.stats.begin()
        self._stages.start()

    @property
    def style(self) -> Style:
        """How classes are shown; may be set at any time and from any thread, for the next frame."""
        return self._tint.style

    @style.setter
    def style(self, style: Style) -> None:
        self._tint.style = style

    @property
    def palette(self) -> tuple[Rgb | None, ...]:
        """The colours of the network's classes, None for those that are not shown."""
        return self._tint.palette(self.segmenter.classes)

    def switch_to(self, segmenter: Segmenter) -> None:
        """Segment with another network from the next frame on; from any thread.

        `segmenter` is the one in use. The new one should be prepared for frames of this source, or they wait
        for it. Raises ConfigError where a ladder chooses the network.
        """
        self.check_switch()
        self._tint.knows(segmenter.card)
        self._wanted = segmenter

    def check_switch(self) -> None:
        """Raises ConfigError where the network cannot be switched."""
        if self.ladder is not None:
            raise ConfigError("--adaptive chooses the network by itself; run without it to choose one")

    def set_policy(self, policy: Policy) -> None:
        """Show the latest frame or every one from now on; from any thread. Raises ConfigError."""
        before, self.latest = self.latest, is_latest(self.source, policy)
        try:
            self._check_policy()
        except ConfigError:
            self.latest = before
            raise
        self.source.keeps_up = self.latest
        self._frames.set_latest(self.latest)
        self._segmented.set_latest(self.latest)

    def add_sink(self, sink: Sink) -> Future[None]:
        """Write to this one too from now on; from any thread.

        It is closed when it is removed, when it fails or when all ends. The future is done then, or holds
        what went wrong with it; nothing else ends for its sake.
        """
        return self._outputs.add(sink)

    def remove_sink(self, sink: Sink) -> None:
        """Have a sink finished soon, also while no frame comes; from any thread."""
        self._outputs.remove(sink)

    def _check_policy(self) -> None:
        if self._max_age_ns is not None or self.ladder is not None:
            check_may_drop(self.source, self.latest)

    def stop(self) -> None:
        """Ask for an end: no more frames are captured, those under way are finished. From any thread.

        A source that does not end within a second is left behind: see `abandoned`.
        """
        self._stages.note_stop()
        self._stopping.set()
        self._frames.close()
        self.source.stop()

    @property
    def running(self) -> bool:
        """Whether any stage is still at work, but for a source that was left behind."""
        return self._stages.running

    @property
    def abandoned(self) -> bool:
        """Whether the source was left behind, in a call that does not end. It must not be closed then."""
        return self._stages.abandoned

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; True when all stages have ended. Raises the error that ended a stage."""
        return self._stages.join(timeout)

    def drops(self) -> tuple[Drop, ...]:
        """Frames that fell out, by the stage that they did not come to and the reason."""
        slots: dict[str, Channel[Frame] | Channel[Segmentation] | Channel[Shown] | None]
        slots = {"inference": self._frames, "overlay": self._segmented, "display": self._view}
        newer = [Drop(stage, NEWER, slot.dropped) for stage, slot in slots.items() if slot is not None]
        own = [Drop(stage, reason, count) for (stage, reason), count in tuple(self.stats.drops.items())]
        return (Drop("capture", LOST, self.stats.lost), *newer, *own)

    def dropped(self) -> dict[str, int]:
        """Frames that fell out, by the stage that they did not come to."""
        return by_stage(self.drops())

    def _after_stage(self) -> None:
        self.stats.end()
        self.stop()

    def _capture(self) -> None:
        frames = self.source.frames()
        next_index = 0
        while not self._stopping.is_set() and self.stats.frames_in != self._max_frames:
            self.stats.wait_began()
            with self.stats.timed("capture"):
                frame = next(frames, None)
            self.stats.wait_ended()
            if frame is None:
                return
            self.stats.lost += max(0, frame.index - next_index)
            next_index = frame.index + 1
            self._frames.put(frame)
            self.stats.frames_in += 1
            self.stats.passed("capture")
            self.stats.worked("capture")

    def _infer(self) -> None:
        """As many frames are under way as the backend can use, and no result waits for the frame after it."""
        under_way: deque[PendingSegmentation] = deque()
        try:
            while True:
                if self.segmenter is not self._wanted:
                    while under_way:
                        self._pass_on(under_way.popleft())
                    self.segmenter = self._wanted
                try:
                    frame = self._frames.get(timeout=0 if under_way else _POLL_S)
                except TimeoutError:
                    if under_way:
                        self._pass_on(under_way.popleft())
                    continue
                if self.latest and self._stopping.is_set():
                    self.stats.drops["inference", STOPPED] += 1
                elif not self._too_old(frame, "inference"):
                    under_way.append(self._submit(frame))
                if len(under_way) >= self.segmenter.in_flight:
                    self._pass_on(under_way.popleft())
        except ChannelClosed:
            while under_way:
                self._pass_on(under_way.popleft())
            raise

    def _submit(self, frame: Frame) -> PendingSegmentation:
        if self.ladder is None:
            return self.segmenter.submit(frame)
        return self.ladder.submit(frame)

    def _pass_on(self, pending: PendingSegmentation) -> None:
        segmentation = pending.result()
        self.stats.stage_ns["preprocess"].append(segmentation.preprocess_ns)
        self.stats.stage_ns["inference"].append(segmentation.inference_ns)
        if self.ladder is not None:
            self.ladder.done(segmentation.inference_ns)
        self.stats.passed("inference")
        self.stats.worked("inference")
        self._segmented.put(segmentation)

    def _overlay(self) -> None:
        try:
            while True:
                try:
                    segmentation = self._segmented.get(timeout=_POLL_S)
                except TimeoutError:  # paused: sinks come and go all the same, and so do colours
                    self._outputs.tend()
                    if self._view is not None and (again := self._tint.again()) is not None:
                        self._view.put(again)
                    continue
                self._outputs.tend()
                self._show(segmentation)
        finally:
            self._outputs.close()

    def _show(self, segmentation: Segmentation) -> None:
        frame = segmentation.frame
        if self._too_old(frame, "overlay"):
            return
        with self.stats.timed("overlay"):
            class_map = postprocess.frame_class_map(segmentation, overlay.class_map_size(frame))
            shown = self._tint(segmentation, class_map)
        if self._too_old(frame, "display"):
            return
        with self.stats.timed("output"):
            self._outputs.write(shown, lambda: self._handed_over(segmentation))
        self.stats.frame_out(class_pixels(class_map, segmentation.classes, frame.playing_share))
        self.stats.worked("overlay")

    def _handed_over(self, segmentation: Segmentation) -> None:
        age_ns = self.stats.handed_over(segmentation.frame.captured_ns)
        if self.ladder is not None:
            self.ladder.observe(age_ns)

    def _too_old(self, frame: Frame, stage: str) -> bool:
        age_ns = time.monotonic_ns() - frame.captured_ns
        if self._max_age_ns is None or age_ns <= self._max_age_ns:
            return False
        self.stats.drops[stage, TOO_OLD] += 1
        if self.ladder is not None and stage != "inference":
            self.ladder.observe(age_ns)
        return True
