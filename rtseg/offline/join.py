"""Results put together without encoding anew: the spans of a clip, or clips that follow each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error

from rtseg.errors import ConfigError, SinkError
from rtseg.offline import sides
from rtseg.offline.copying import copy_video
from rtseg.offline.holding import needed_shift_s
from rtseg.offline.job import ClipJob
from rtseg.offline.join_checks import check_kinds, check_size
from rtseg.offline.journal import beside
from rtseg.offline.masks import MASK_KINDS, is_video, palette_pngs
from rtseg.offline.part import Part
from rtseg.offline.reading import ClipReader
from rtseg.offline.rows import rows_path, write_parquet
from rtseg.offline.streams import OtherStreams
from rtseg.offline.writer import AddVideo, Writer, like
from rtseg.video.video_file import FORMATS


def join_spans(job: ClipJob, parts: Sequence[Path]) -> None:
    """Make job.output of the outputs of its spans, in order, and of the input's other streams.

    The same, frame for frame, as the whole clip done at once. Raises SinkError, SourceError.
    """
    kind = FORMATS[job.output.suffix.lower()]
    final = beside(job.output, "final")
    others = _others(job, kind)
    copy_video(list(parts), final, kind, others, 0)
    _publish(final, job.output)


def clip_jobs(job: ClipJob, inputs: Sequence[Path]) -> tuple[ClipJob, ...]:
    """The jobs whose results `join_clips` puts together: each writes hidden files beside the job's own."""

    def hidden(path: Path | None, number: int) -> Path | None:
        return None if path is None else path.with_name(f".{path.stem}-{number}{path.suffix}")

    return tuple(
        ClipJob(
            **{
                **{name: getattr(job, name) for name in job.__dataclass_fields__},
                "input": path,
                "output": hidden(job.output, number),
                "masks": hidden(job.masks, number),
                # Of which a Parquet file can be made just as well, when they are together.
                "jsonl": hidden(job.jsonl or job.parquet, number),
                "parquet": None,
                "summary": hidden(job.output.with_suffix(".json"), number),
                "overwrite": True,
            }
        )
        for number, path in enumerate(inputs)
    )


@dataclass(frozen=True)
class _Place:
    """Where a clip lies in the whole."""

    offset_s: Fraction
    first_index: int
    frames: int


def join_clips(job: ClipJob, jobs: Sequence[ClipJob]) -> None:
    """Make job's outputs of those of `clip_jobs`, in order, in one continuous time, and remove those.

    A clip begins where the one before it ends: its video or its sound, whichever is longer. Raises SinkError,
    SourceError.
    """
    kind = FORMATS[job.output.suffix.lower()]
    final = beside(job.output, "final")
    places = _join_videos(jobs, final, kind)
    _publish(final, job.output)
    if job.masks is not None:
        _join_masks(job.masks, [each.masks for each in jobs if each.masks], places)
    rows = rows_path(job)
    if rows is not None:
        with rows.open("w", encoding="utf-8") as file:
            file.writelines(_joined_rows([each.jsonl for each in jobs if each.jsonl], places))
        if job.parquet is not None:
            write_parquet(rows, job.parquet)
        if job.jsonl is not None:
            rows.replace(job.jsonl)
        else:
            rows.unlink()
    if job.summary is not None:
        clips = [json.loads(each.summary.read_text()) for each in jobs if each.summary]
        sides.write_joined_summary(job.summary, job.output, clips, [float(p.offset_s) for p in places])
    for each in jobs:
        for path in (each.output, each.jsonl, each.summary):
            if path is not None:
                path.unlink(missing_ok=True)


def _join_videos(jobs: Sequence[ClipJob], final: Path, kind: str) -> list[_Place]:
    places: list[_Place] = []
    with ExitStack() as stack:
        parts = [stack.enter_context(Part(each.output, _position(each))) for each in jobs]
        _check_alike(jobs, [part.video for part in parts])
        others = [stack.enter_context(_others(each, kind)) for each in jobs]
        for each, streams in zip(jobs, others, strict=True):
            check_kinds(each, jobs[0], streams.kinds, others[0].kinds)
        writer = Writer(final, kind, others[0], like(parts[0].video, kind), final=True)
        try:
            end_s, index = Fraction(0), 0
            for number, (part, streams) in enumerate(zip(parts, others, strict=True)):
                offset_s = Fraction(0)
                if number:
                    begins_s = [_start_s(part.video), streams.start_s]
                    offset_s = end_s - min(start for start in begins_s if start is not None)
                    offset_s = max(Fraction(0), offset_s)
                    writer.go_on_with(streams)
                    streams.go_on_from(others[number - 1], offset_s)
                frames, video_end_s = _pour(part, writer, offset_s)
                writer.go_on_with(streams)  # to the end of its other streams
                end_s = max(video_end_s, streams.end_s)
                places.append(_Place(offset_s, index, frames))
                index += frames
            writer.close(whole=True)
        except BaseException:
            writer.abandon()
            final.unlink(missing_ok=True)
            raise
    return places


def _pour(part: Part, writer: Writer, offset_s: Fraction) -> tuple[int, Fraction]:
    """All packets, moved; -> how many, and when the last ends."""
    frames, end_s = 0, offset_s
    for packet in part.packets():
        ticks = round(offset_s / packet.time_base)
        packet.pts = (packet.pts or 0) + ticks
        packet.dts = (packet.dts or 0) + ticks
        end_s = max(end_s, (packet.pts + (packet.duration or 0)) * packet.time_base)
        writer.write(packet)
        frames += 1
    return frames, end_s


def _check_alike(jobs: Sequence[ClipJob], videos: Sequence[av.VideoStream]) -> None:
    """One header has to do for all. Raises ConfigError."""
    first = videos[0]
    for job, video in zip(jobs, videos, strict=True):
        check_size(job, jobs[0], (video.width, video.height), (first.width, first.height))
        if video.codec_context.extradata != first.codec_context.extradata:
            raise ConfigError(
                f"{job.input}: differs from {jobs[0].input} in its rate, its clock or its colours; only "
                "clips of one camera can be joined"
            )


def _join_masks(masks: Path, parts: Sequence[Path], places: Sequence[_Place]) -> None:
    if not is_video(masks):
        masks.mkdir(exist_ok=True)
        for folder, place in zip(parts, places, strict=True):
            for index in range(place.frames):
                picture = folder / f"{index:06d}.png"
                picture.replace(masks / f"{place.first_index + index:06d}.png")
            folder.rmdir()
        return
    final = beside(masks, "final")
    with ExitStack() as stack:
        opened = [stack.enter_context(Part(path, 0)) for path in parts]
        video = opened[0].video
        add: AddVideo = palette_pngs(video.width, video.height, video.time_base)
        writer = Writer(final, MASK_KINDS[masks.suffix.lower()], None, add, final=True)
        for part, place in zip(opened, places, strict=True):
            _pour(part, writer, place.offset_s)
        writer.close(whole=True)
    _publish(final, masks)
    for path in parts:
        path.unlink()


def _joined_rows(files: Sequence[Path], places: Sequence[_Place]) -> Iterator[str]:
    for path, place in zip(files, places, strict=True):
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                # The same as in the video, whose ticks are whole.
                base = Fraction(row["time_base"])
                row["index"] += place.first_index
                row["pts"] += round(place.offset_s / base)
                row["seconds"] = float(row["pts"] * base)
                yield json.dumps(row) + "\n"


def _start_s(video: av.VideoStream) -> Fraction:
    return (video.start_time or 0) * (video.time_base or Fraction(0))


def _others(job: ClipJob, kind: str) -> OtherStreams:
    index = _video_index(job)
    with OtherStreams(job.input, index, job.leave_out) as others:
        shift_s = needed_shift_s(others, kind)
    return OtherStreams(job.input, index, job.leave_out, shift_s=shift_s)


def _video_index(job: ClipJob) -> int:
    with ClipReader(job.input, number=job.stream) as reader:
        return reader.stream_index


def _position(job: ClipJob) -> int:
    with OtherStreams(job.input, _video_index(job), job.leave_out) as others:
        return others.position


def _publish(final: Path, output: Path) -> None:
    try:
        final.replace(output)
    except OSError as error:
        raise SinkError(f"{output}: cannot be finished ({error.strerror})") from error
