"""One clip from beginning to end: lock, resume, run, finish."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice

import av
from av.container import OutputContainer

from rtseg.errors import SinkError
from rtseg.offline import codecs, sides
from rtseg.offline.checks import check_job
from rtseg.offline.earlier import take_over
from rtseg.offline.job import ClipJob, ClipSummary, Progress
from rtseg.offline.journal import Journal, Segment
from rtseg.offline.key import key_of
from rtseg.offline.part import Part
from rtseg.offline.reading import ClipReader, Start
from rtseg.offline.sink import SegmentSink, Side
from rtseg.offline.streams import OtherStreams
from rtseg.offline.working import WorkingFiles, publish
from rtseg.offline.writer import MOVIES, Writer, like
from rtseg.runtime.pipeline import Pipeline
from rtseg.segmenter import Segmenter
from rtseg.video.video_file import FORMATS

_POLL_S = 0.25

Tell = Callable[[str], None]


def process_clip(
    job: ClipJob,
    segmenter: Segmenter,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    tell: Tell = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
) -> ClipSummary:
    """Segment every frame of a clip; the output appears under its name when it is finished.

    Until then it grows beside that as a hidden .part, which can be played at any moment, and whatever ends
    this, a job with `resume` goes on from the last border of segments. progress is called some times a
    second, tell with a line for people, and when stopping answers True, what is under way is finished and the
    rest left for a resume. All are called by the calling thread. The segmenter stays the caller's to close.

    Raises SourceError, SinkError or ConfigError; then nothing is lost that was finished.
    """
    return _Run(job, segmenter, tell).run(progress, stopping)


class _Run:
    """The state of one call, used by the calling thread."""

    def __init__(self, job: ClipJob, segmenter: Segmenter, tell: Tell) -> None:
        self.checked = check_job(job)
        self.job = job
        self.segmenter = segmenter
        self.tell = tell
        self.kind = FORMATS[job.output.suffix.lower()]
        self.files = WorkingFiles.of(job.output)
        self.encoder, fallback = codecs.choose(job.encoder)
        self.device, device_fallback = codecs.decoding_device(job.encoder.hwaccel)
        for line in (*self.checked.notes, fallback, device_fallback):
            if line is not None:
                tell(line)
        job.style.check(segmenter.classes)
        self.kept: list[Segment] = []
        self.is_published = False
        self.opened: list[OtherStreams] = []
        self.troubles: list[str] = []

    def run(self, progress: Callable[[Progress], None], stopping: Callable[[], bool]) -> ClipSummary:
        started = time.monotonic()
        job = self.job
        with ExitStack() as stack:
            journal = Journal(job.output)
            stack.callback(lambda: journal.close(remove=not self.files.exist))
            self.key = key_of(job, self.segmenter, self.encoder)
            left = take_over(job, journal, self.key, self._position_in_part, self.tell)
            self.kept, self.is_published = left.segments, left.is_published
            reader = self._reader()
            stack.callback(reader.close)
            if self.device is not None and not reader.uses_hardware:
                self.tell(f"no hardware decodes {reader.name}; decoding on the CPU")
            outputs = sides.make(job, self.segmenter, self.kept)
            for each in outputs:
                stack.callback(each.close, whole=False)
            done = self.kept[-1] if self.kept else None
            if done is not None and done.next is None:
                self._finish_sides(outputs)
                frames, segments, fps = done.index + done.frames, len(self.kept), 0.0
                finished, rescaled = True, 0
            else:
                sink = self._sink(reader, journal, outputs, stack)
                finished, frames, fps = self._work(reader, sink, progress, stopping)
                rescaled, segments = sink.rescaled, len(self.kept) + sink.segments
            _, all_segments = journal.read()
            self.troubles += reader.troubles
            if rescaled:
                self.troubles.append(
                    f"{reader.name} changes its size: {rescaled} frames were scaled to {_size(reader)}"
                )
            if finished:
                # Each holds an index of the whole clip, and the file that is made now has its own.
                for opened in (reader, *self.opened):
                    opened.close()
                self._publish()
            if faults := sum(others.faults for others in self.opened):
                self.troubles.append(f"{faults} packets of other streams were damaged, and are left out")
            summary = self._summary(reader, all_segments, segments, frames, finished, started, fps)
            if finished:
                sides.write_summary(job, summary)
        return summary

    def _others(self) -> OtherStreams | None:
        """Those that go into the working file."""
        if self.job.span is not None:
            return None
        # What cannot be in fragments comes in when the file is finished.
        return OtherStreams(
            self.job.input,
            self.checked.video,
            self.job.leave_out,
            shift_s=self.checked.shift_s,
            in_fragments=self.kind in MOVIES,
        )

    def _position_in_part(self) -> int:
        others = self._others()
        if others is None:
            return 0
        with others:
            return others.position

    def _reader(self) -> ClipReader:
        span = self.job.span
        start = None
        if self.kept:
            last = self.kept[-1]
            start = Start(
                last.end if last.next is None else last.next, last.index + last.frames, last.seekable
            )
        elif span is not None and span.start is not None:
            start = Start(span.start, span.first_index, seekable=True)
        return ClipReader(
            self.job.input,
            number=self.job.stream,
            start=start,
            end=span.end if span else None,
            hwaccel=self.device,
        )

    def _sink(
        self, reader: ClipReader, journal: Journal, outputs: Sequence[Side], stack: ExitStack
    ) -> SegmentSink:
        def others() -> OtherStreams | None:
            opened = self._others()
            if opened is not None:
                self.opened.append(stack.enter_context(opened))
            return opened

        def open_writer(add_video: Callable[[OutputContainer], av.VideoStream]) -> Writer:
            return Writer(self.files.part, self.kind, others(), add_video, final=False)

        writer = None
        if self.kept:
            position = self._position_in_part()
            with Part(self.files.before, position) as part:
                writer = Writer(
                    self.files.part, self.kind, others(), like(part.video, self.kind), final=False
                )
                count = sum(segment.packets for segment in self.kept)
                for packet in islice(part.packets(), count):
                    writer.write(packet)
        return SegmentSink(
            reader,
            self.encoder,
            open_writer,
            journal,
            outputs,
            writer=writer,
            shift=round(self.checked.shift_s / reader.time_base),
        )

    def _work(
        self,
        reader: ClipReader,
        sink: SegmentSink,
        progress: Callable[[Progress], None],
        stopping: Callable[[], bool],
    ) -> tuple[bool, int, float]:
        """Whether all came, how many frames there are by now, and how many a second this run did."""
        job = self.job
        pipeline = Pipeline(
            reader,
            self.segmenter,
            sinks=[sink],
            policy="every-frame",
            style=job.style,
        )
        first = self.kept[-1].index + self.kept[-1].frames if self.kept else 0
        if job.span is not None and not self.kept:
            first = job.span.first_index
        total = reader.frame_count if job.span is None else job.span.frames
        stopped = False
        try:
            pipeline.start()
            while not pipeline.join(timeout=_POLL_S):
                stats = pipeline.stats
                progress(Progress(first + stats.frames_out, total, stats.fps_now()))
                if not stopped and stopping():
                    stopped = True
                    pipeline.stop()
            whole = reader.exhausted
            sink.finish(whole=whole)
        except BaseException as error:
            pipeline.stop()
            while pipeline.running:
                time.sleep(0.01)
            sink.abandon()
            if isinstance(error, SinkError):
                raise SinkError(f"{error}; {_kept(len(self.kept) + sink.segments)}") from error
            raise
        stats = pipeline.stats
        progress(Progress(first + stats.frames_out, total, stats.fps_now()))
        return whole, first + stats.frames_out, stats.frames_out / max(stats.wall_s, 1e-9)

    def _finish_sides(self, outputs: Sequence[Side]) -> None:
        """Everything was done but the last step."""
        if self.files.before.exists():
            self.files.before.replace(self.files.part)
        for each in outputs:
            each.close(whole=True)

    def _publish(self) -> None:
        """Make the output of the working file, and remove what is not needed any more."""
        job = self.job
        if self.is_published:
            return
        others = None
        if self.kind in MOVIES and job.span is None:
            others = OtherStreams(job.input, self.checked.video, job.leave_out, shift_s=self.checked.shift_s)
            self.opened = [others]
        publish(self.files, job.output, self.kind, others, self._position_in_part)

    def _summary(
        self,
        reader: ClipReader,
        segments: Sequence[Segment],
        count: int,
        frames: int,
        finished: bool,
        started: float,
        fps: float,
    ) -> ClipSummary:
        length = (segments[-1].end - segments[0].start) * reader.time_base if segments else 0
        shares, confidence = sides.means(self.segmenter.classes, segments)
        return ClipSummary(
            input=str(self.job.input),
            output=str(self.job.output),
            key=self.key,
            frames=frames,
            segments=count,
            seconds=float(length),
            resumed_at=self.kept[-1].index + self.kept[-1].frames if self.kept else None,
            finished=finished,
            wall_s=time.monotonic() - started,
            fps=fps,
            size=reader.size or (0, 0),
            time_base=str(reader.time_base),
            first_pts=segments[0].start if segments else 0,
            encoder=self.encoder.name,
            copied=self.checked.copied if self.job.span is None else (),
            class_share=shares,
            confidence=confidence,
            troubles=tuple(" ".join(trouble.split()) for trouble in self.troubles),
        )


def _kept(segments: int) -> str:
    """What a user can do about an output that failed."""
    if not segments:
        return "nothing was finished by then"
    return f"{segments} segments are kept: mend that, for example with more space, and add --resume to go on"


def _size(reader: ClipReader) -> str:
    width, height = reader.size or (0, 0)
    return f"{width}x{height}"
