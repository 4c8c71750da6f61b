"""What comes out of a clip besides the video: class maps and figures, as safe against any end as that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtseg.errors import SinkError
from rtseg.offline.job import SCHEMA, ClipJob, ClipSummary
from rtseg.offline.journal import Segment
from rtseg.offline.masks import MaskFolder, MaskVideo, are_begun, count_masks, is_published, is_video
from rtseg.offline.rows import FrameRows, are_published, count_rows, parquet_library, rows_path
from rtseg.offline.sink import Side
from rtseg.segmenter import Segmenter
from rtseg.video.outputs import check_folder, check_output, write_file


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


def check_left(job: ClipJob, segments: Sequence[Segment]) -> None:
    """Raises SinkError where a run that was interrupted had another name for something of this.

    To go on would then be to begin anew, and to lose what that run has finished.
    """
    rows = rows_path(job)
    lost = []
    if rows is not None and not rows.exists() and not are_published(job):
        lost.append(job.jsonl or job.parquet)
    if job.masks is not None and not are_begun(job.masks, segments[0].index):
        lost.append(job.masks)
    for path in lost:
        raise SinkError(
            f"{path}: holds nothing of the run that was interrupted; give it the name that it had then, or "
            "leave out --resume and add -y to begin anew"
        )


def whole_segments(job: ClipJob, segments: Sequence[Segment]) -> int:
    """For how many segments, from the first on, everything is there that was asked for."""
    least = sum(segment.frames for segment in segments)
    ended = bool(segments) and segments[-1].next is None
    if (rows := rows_path(job)) is not None and not (ended and not rows.exists() and are_published(job)):
        least = min(least, count_rows(rows))
    if job.masks is not None and segments and not (ended and is_published(job.masks)):
        least = min(least, count_masks(job.masks, segments[0].index, least))
    frames = number = 0
    for segment in segments:
        frames += segment.frames
        if frames > least:
            break
        number += 1
    return number


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
