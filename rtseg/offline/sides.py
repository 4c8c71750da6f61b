"""What comes out of a clip besides the video: class maps and figures, as safe against any end as that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from rtseg.errors import ConfigError, SinkError
from rtseg.frame import Segmentation
from rtseg.labels import Rgb
from rtseg.offline.copying import copy_video
from rtseg.offline.figures import figures
from rtseg.offline.job import SCHEMA, ClipJob, ClipSummary
from rtseg.offline.journal import Segment, beside
from rtseg.offline.part import Part
from rtseg.offline.sink import Side
from rtseg.offline.writer import AddVideo, Writer
from rtseg.postprocess import frame_class_map
from rtseg.segmenter import Segmenter
from rtseg.video.outputs import check_folder, check_output, write_file
from rtseg.video.sinks import MaskSink, palette_png

__all__ = ["Side", "check", "make", "means", "whole_segments", "write_summary"]
MASK_KINDS = {".mov": "mov"}  # the kind that has always held PNG, and has exact times


def check(job: ClipJob) -> None:
    """Refuse what cannot work before anything is loaded or made. Raises SinkError or ConfigError."""
    for path in (job.jsonl, job.parquet, job.summary):
        if path is not None:
            check_output(path, overwrite=job.overwrite, inputs=[job.input])
    if job.masks is not None:
        if is_video(job.masks):
            check_output(job.masks, overwrite=job.overwrite, inputs=[job.input])
        else:
            check_folder(job.masks, overwrite=job.overwrite, inputs=[job.input])
    outputs = [path for path in (job.output, job.masks, job.jsonl, job.parquet, job.summary) if path]
    for number, path in enumerate(outputs):
        if any(path.absolute() == other.absolute() for other in outputs[:number]):
            raise SinkError(f"{path}: is the output of two things; choose another name for one of them")
    if job.parquet is not None:
        parquet_library()


def is_video(masks: Path) -> bool:
    """Whether the class maps become a video, and not a folder of pictures. Raises SinkError."""
    ending = masks.suffix.lower()
    if ending and ending not in MASK_KINDS and not masks.is_dir():
        raise SinkError(
            f"{masks}: class maps go into a folder, or a video {' '.join(MASK_KINDS)}; {ending} is neither"
        )
    return ending in MASK_KINDS


def make(job: ClipJob, segmenter: Segmenter, kept: Sequence[Segment]) -> list[Side]:
    """Those that the job asks for, with what the segments that are kept have brought."""
    frames = sum(segment.frames for segment in kept)
    made: list[Side] = []
    if job.wants_figures:
        made.append(FrameRows(job, segmenter.classes, frames))
    if job.masks is not None:
        palette = segmenter.card.palette
        made.append(
            MaskVideo(job.masks, palette, frames) if is_video(job.masks) else MaskFolder(job.masks, palette)
        )
    return made


def whole_segments(job: ClipJob, segments: Sequence[Segment]) -> int:
    """For how many segments, from the first on, everything is there that was asked for."""
    least = sum(segment.frames for segment in segments)
    ended = bool(segments) and segments[-1].next is None
    if (rows := rows_path(job)) is not None and not (ended and not rows.exists() and _has_rows(job)):
        least = min(least, _lines(rows))
    if job.masks is not None and segments and not (ended and _is_published(job.masks)):
        least = min(least, _masks(job.masks, segments[0].index, least))
    frames = number = 0
    for segment in segments:
        frames += segment.frames
        if frames > least:
            break
        number += 1
    return number


def _has_rows(job: ClipJob) -> bool:
    """Whether the figures have their names already."""
    return all(path.exists() for path in (job.jsonl, job.parquet) if path is not None)


def _is_published(masks: Path) -> bool:
    parts = (beside(masks, what) for what in ("part", "before"))
    return masks.is_file() and not any(part.exists() for part in parts)


def _lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _masks(masks: Path, first: int, frames: int) -> int:
    if is_video(masks):
        return max(_packets(beside(masks, what)) for what in ("part", "before"))
    for count in range(frames):
        if not (masks / f"{first + count:06d}.png").exists():
            return count
    return frames


def _packets(path: Path) -> int:
    try:
        with Part(path, 0) as part:
            return sum(1 for _ in part.packets())
    except (OSError, ValueError, IndexError):
        return 0


class MaskFolder:
    """Class maps as palette PNG, each whole under its name at once."""

    def __init__(self, folder: Path, palette: Sequence[Rgb]) -> None:
        self._sink = MaskSink(folder, palette)

    def write(self, segmentation: Segmentation) -> None:
        """One file a frame, named by its index."""
        self._sink.write(segmentation, segmentation.frame)

    def sync(self) -> tuple[float, ...]:
        """Every file is written already."""
        return ()

    def close(self, *, whole: bool) -> None:
        """Every file is finished already."""


class MaskVideo:
    """Class maps as a video of palette PNG: players show the colours, and the indices are kept."""

    def __init__(self, path: Path, palette: Sequence[Rgb], kept: int) -> None:
        """Kept is how many frames of an earlier run are to be taken over."""
        self._path = path
        self._palette = palette
        self._part, self._before = beside(path, "part"), beside(path, "before")
        self._kind = MASK_KINDS[path.suffix.lower()]
        self._writer: Writer | None = None
        self._add: AddVideo | None = None
        self._held: av.Packet[Any] | None = None
        if kept:
            if not _is_published(path):
                self._take_over(kept)
        else:
            self._part.unlink(missing_ok=True)

    def _take_over(self, kept: int) -> None:
        if _packets(self._part) >= kept:
            self._part.replace(self._before)
        with Part(self._before, 0) as part:
            self._add = palette_pngs(part.video.width, part.video.height, part.video.time_base)
            self._writer = Writer(self._part, self._kind, None, self._add, final=False)
            for number, packet in enumerate(part.packets()):
                if number == kept:
                    break
                self._writer.write(packet)

    def write(self, segmentation: Segmentation) -> None:
        """One picture a frame, at the frame's time. Raises SinkError."""
        frame = segmentation.frame
        time_base = frame.time_base or Fraction(1, 90_000)
        if self._writer is None:
            self._add = palette_pngs(*frame.size, time_base)
            self._writer = Writer(self._part, self._kind, None, self._add, final=False)
        packet: av.Packet[Any] = av.Packet(
            palette_png(frame_class_map(segmentation, frame.size), self._palette)
        )
        packet.pts = packet.dts = frame.pts
        packet.time_base = time_base
        packet.is_keyframe = True
        self._pass_on(packet)

    def _pass_on(self, packet: av.Packet[Any] | None) -> None:
        """A packet is written when the next is there, for only then is known how long it lasts."""
        held, self._held = self._held, packet
        if held is not None and self._writer is not None:
            if packet is not None and packet.pts is not None and held.pts is not None:
                held.duration = max(0, packet.pts - held.pts)
            self._writer.write(held)

    def sync(self) -> tuple[float, ...]:
        """The file is flushed as it grows."""
        return ()

    def close(self, *, whole: bool) -> None:
        """Raises SinkError."""
        writer = self._writer
        if writer is None:
            return
        self._pass_on(None)
        self._writer = None
        writer.close(whole=whole)
        if not whole:
            return
        final = beside(self._path, "final")
        copy_video([self._part], final, self._kind, None, 0, self._add)
        final.replace(self._path)
        self._part.unlink()
        self._before.unlink(missing_ok=True)


def palette_pngs(width: int, height: int, time_base: Fraction | None) -> AddVideo:
    """Adds a stream of pictures. What FFmpeg finds out of it later would be too much: its pixel format."""

    def add(output: OutputContainer) -> av.VideoStream:
        stream = output.add_mux_stream("png", width=width, height=height)
        stream.time_base = time_base or Fraction(1, 90_000)
        assert isinstance(stream, av.VideoStream)
        return stream

    return add


def rows_path(job: ClipJob) -> Path | None:
    """Where the figures of the frames gather until the clip is finished; None where they are not kept."""
    if job.jsonl is not None:
        return beside(job.jsonl, "part")
    return None if job.parquet is None else beside(job.parquet, "rows")


class FrameRows:
    """Figures of each frame, a line of JSON each."""

    def __init__(self, job: ClipJob, classes: Sequence[str], kept: int) -> None:
        """Kept is how many lines of an earlier run are to be kept. Raises SinkError."""
        self._job = job
        self._classes = classes
        self._path = rows_path(job)
        self._file = None
        self._sums = [0.0] * (len(classes) + 1)
        if self._path is not None and not (kept and not self._path.exists()):  # it has its name already
            try:
                self._file = self._path.open("r+b" if kept else "w+b")
                for _ in range(kept):
                    self._file.readline()
                self._file.truncate()
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error

    def write(self, segmentation: Segmentation) -> None:
        """One line. Raises SinkError."""
        found = figures(segmentation, self._classes)
        for number, value in enumerate((*found.share, found.confidence)):
            self._sums[number] += value
        if self._file is not None:
            try:
                self._file.write(json.dumps(found.row(self._classes)).encode() + b"\n")
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error

    def sync(self) -> tuple[float, ...]:
        """The sums of the segment: of each class's share, and of the confidence."""
        sums, self._sums = tuple(self._sums), [0.0] * len(self._sums)
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise SinkError(f"{self._path}: cannot be written ({error.strerror})") from error
        return sums

    def close(self, *, whole: bool) -> None:
        """Raises SinkError."""
        if self._file is None or self._path is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
            if not whole:
                return
            if self._job.parquet is not None:
                write_parquet(self._path, self._job.parquet)
            if self._job.jsonl is not None:
                self._path.replace(self._job.jsonl)
            else:
                self._path.unlink()
        except OSError as error:
            raise SinkError(f"{self._path}: cannot be finished ({error.strerror})") from error


def parquet_library() -> None:
    """Raises ConfigError where there is none."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "--parquet needs the package pyarrow; install it with `pip install 'rtseg[parquet]'`, or take "
            "--jsonl"
        ) from error


def write_parquet(rows: Path, output: Path) -> None:
    """The lines of a file of JSON lines as a Parquet file, some at a time. Raises OSError."""
    import pyarrow.json
    import pyarrow.parquet

    part = beside(output, "part")
    with pyarrow.json.open_json(rows) as reader, pyarrow.parquet.ParquetWriter(part, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    part.replace(output)


def means(
    classes: Sequence[str], segments: Sequence[Segment]
) -> tuple[dict[str, float] | None, float | None]:
    """The share of each class over all segments, and the confidence; None where no figures were kept."""
    frames = sum(segment.frames for segment in segments)
    if not frames or any(len(segment.sums) != len(classes) + 1 for segment in segments):
        return None, None
    totals = [sum(values) / frames for values in zip(*(s.sums for s in segments), strict=True)]
    shares = {name: round(total, 5) for name, total in zip(classes, totals, strict=False)}
    return shares, round(totals[-1], 4)


def write_joined_summary(
    path: Path, output: Path, clips: Sequence[dict[str, Any]], offsets_s: Sequence[float]
) -> None:
    """Of several clips that became one: their own summaries, and where each begins. Raises SinkError."""
    document = {
        "schema": SCHEMA,
        "output": str(output),
        "frames": sum(clip["frames"] for clip in clips),
        "clips": [{**clip, "offset_s": offset} for clip, offset in zip(clips, offsets_s, strict=True)],
    }
    write_file(path, (json.dumps(document, indent=2) + "\n").encode())


def write_summary(job: ClipJob, summary: ClipSummary) -> None:
    """Where one was asked for. Raises SinkError."""
    if job.summary is not None:
        write_file(job.summary, (json.dumps(summary.document, indent=2) + "\n").encode())
