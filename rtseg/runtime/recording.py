"""Recordings that begin and end while a pipeline runs: of what is seen, or of what it was made from.

"seen"    NAME.mp4: the frames with their classes tinted
"clean"   NAME.mp4: the frames as they came; NAME-mask.mkv: their class maps, without loss, one for each of
          the frames and in their order (rtseg.video.mask_video says how to read them)
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Literal

from rtseg.frame import Frame, Segmentation
from rtseg.runtime.aside import Aside
from rtseg.runtime.channel import BoundedQueue
from rtseg.runtime.snapshot import default_stem
from rtseg.video.mask_video import MaskVideoSink
from rtseg.video.outputs import check_folder, claim_names, make_folder, release_names
from rtseg.video.video_sink import VideoSink

RecordingKind = Literal["seen", "clean"]
_ENDINGS: dict[RecordingKind, tuple[str, ...]] = {"seen": (".mp4",), "clean": (".mp4", "-mask.mkv")}


class Recording:
    """A sink for `Pipeline.add_sink`. Made by any thread, then used by the overlay thread.

    Encodes in a thread of its own, which holds the others up only when it is some frames behind; none is left
    out.

    Its times begin at zero. Where a network of other classes takes over, whose numbers mean something else, a
    clean recording goes on in new files.
    """

    def __init__(
        self, kind: RecordingKind, folder: Path, *, rate: Fraction | None, stem: str | None = None
    ) -> None:
        """Rate is the source's, where known. The folder is made where it is missing. Raises SinkError."""
        make_folder(folder, parents=True)
        check_folder(folder, overwrite=True)
        self.kind = kind
        self.files: tuple[Path, ...] = ()
        """What is written, or will be when it is finished. Read by any thread."""
        self.seconds = 0.0
        """How long it is by now. Read by any thread."""
        self._folder = folder
        self._stem = stem or default_stem()
        self._rate = rate
        self._sinks: tuple[VideoSink | MaskVideoSink, ...] = ()
        self._classes: tuple[str, ...] = ()
        self._began: float | None = None
        self._aside: Aside[tuple[Segmentation, Frame]] = Aside("recording", self._encode, BoundedQueue)

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        """Hand a frame to the thread that encodes. Raises SinkError when that has failed."""
        self._aside.put((segmentation, blended))

    def _encode(self, item: tuple[Segmentation, Frame]) -> None:
        segmentation, blended = item
        frame = segmentation.frame
        if self._sinks and self.kind == "clean" and segmentation.classes != self._classes:
            self._finish()
        if not self._sinks:
            self._begin(segmentation.classes)
        for sink in self._sinks:
            sink.write(segmentation, blended if self.kind == "seen" else frame)
        now = frame.captured_ns / 1e9 if frame.seconds is None else frame.seconds
        self._began = now if self._began is None else self._began
        self.seconds = now - self._began

    def _begin(self, classes: tuple[str, ...]) -> None:
        paths = claim_names(self._folder, self._stem, _ENDINGS[self.kind])
        video = VideoSink(paths[0], rate=self._rate, scales=True, from_zero=True)
        if self.kind == "clean":
            self._sinks = video, MaskVideoSink(paths[1], rate=self._rate, from_zero=True)
        else:
            self._sinks = (video,)
        self._classes = classes
        self.files += paths

    def close(self) -> None:
        """Finish the files. Raises SinkError for what went wrong, once."""
        try:
            self._aside.close()
        finally:
            self._finish()

    def _finish(self) -> None:
        sinks, self._sinks = self._sinks, ()
        with ExitStack() as stack:
            stack.callback(release_names, self.files)
            for sink in reversed(sinks):
                stack.callback(sink.close)
