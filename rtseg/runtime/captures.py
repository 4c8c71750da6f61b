"""What a session keeps of what it plays: snapshots, recordings, and the last seconds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from rtseg.errors import SinkError
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.recording import Recording, RecordingKind
from rtseg.runtime.replay import Replay
from rtseg.runtime.shown import Shown
from rtseg.runtime.snapshot import default_stem, save_snapshot
from rtseg.video.outputs import claim_names, make_folder, release_names

REPLAY_S = 10.0


@dataclass(frozen=True)
class Saved:
    """Files that were just written. seconds is how long a video is, None of a snapshot."""

    files: tuple[Path, ...]
    seconds: float | None = None


class Captures:
    """Used by the session's thread."""

    def __init__(self, *, replay: bool, finished: Callable[[Recording, Exception | None], None]) -> None:
        """The loop's thread calls `finished` when a recording has ended, with what went wrong with it."""
        self.recording: Recording | None = None
        self._replay = Replay(REPLAY_S) if replay else None
        self._finished = finished
        self._pipeline: Pipeline | None = None

    def watch(self, pipeline: Pipeline) -> None:
        """Keep the last seconds of this loop from now on. What ran before has finished its recording."""
        self._pipeline = pipeline
        self.recording = None
        if self._replay is not None:
            pipeline.add_sink(self._replay)

    def begin(self, kind: RecordingKind, folder: Path) -> Recording:
        """Record what comes from now on. Raises SinkError."""
        if self._pipeline is None or not self._pipeline.running:
            raise SinkError("nothing plays that could be recorded; open a source first")
        recording = Recording(kind, folder, rate=self._pipeline.source.rate)

        def done(future: Future[None]) -> None:
            error = future.exception()
            self._finished(recording, error if isinstance(error, Exception) else None)

        self._pipeline.add_sink(recording).add_done_callback(done)
        self.recording = recording
        return recording

    def end(self) -> None:
        """Finish the recording, if there is one."""
        recording, self.recording = self.recording, None
        if recording is not None and self._pipeline is not None:
            self._pipeline.remove_sink(recording)

    def snapshot(self, shown: Shown, folder: Path) -> Saved:
        """Write a frame, its class map and what was seen of it. Raises SinkError."""
        return Saved(save_snapshot(shown, folder))

    def save_replay(self, folder: Path) -> Saved:
        """Write the last seconds. Raises SinkError."""
        if self._replay is None:
            raise SinkError("the last seconds are not kept in this run")
        make_folder(folder, parents=True)
        (path,) = claim_names(folder, default_stem(), ("-replay.mp4",))
        try:
            seconds = self._replay.save(path)
        finally:
            release_names((path,))
        return Saved((path,), seconds)
