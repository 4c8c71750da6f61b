"""What is looked at before a clip is begun: its input, its outputs, its settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction

from rtseg.errors import SinkError
from rtseg.offline import codecs, sides
from rtseg.offline.holding import check_left_out, check_streams, needed_shift_s
from rtseg.offline.job import ClipJob
from rtseg.offline.journal import beside
from rtseg.offline.key import key_of
from rtseg.offline.reading import ClipReader
from rtseg.offline.streams import OtherStreams
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter
from rtseg.video.outputs import check_output
from rtseg.video.video_file import FORMATS
from rtseg.video.video_sink import check_video_name

_KEPT_FORMATS = {"yuv420p", "yuvj420p", "nv12", "gray", None}


@dataclass(frozen=True)
class Checked:
    """What was found out about a job."""

    video: int
    """The index of the video stream."""
    copied: tuple[str, ...]
    """The other streams, in words."""
    shift_s: Fraction
    """By how much times are moved."""
    notes: tuple[str, ...]
    """Lines for people."""


def check_job(job: ClipJob) -> Checked:
    """Refuse what cannot work before anything is loaded or made.

    Raises SourceError, SinkError or ConfigError.
    """
    if not (job.resume and beside(job.output, "journal").exists()):
        check_outputs(job)
    check_video_name(job.output)
    kind = FORMATS[job.output.suffix.lower()]
    codecs.check(job.encoder)
    Style(job.opacity)  # raises
    if job.encoder.codec == "ffv1" and kind not in {"matroska", "mov"}:
        raise SinkError(f"{job.output}: cannot hold FFV1; name the output {job.output.stem}.mkv")
    if job.encoder.codec == "av1" and kind == "mpegts":  # FFmpeg would write what no player knows again
        raise SinkError(f"{job.output}: MPEG-TS cannot hold AV1; name the output {job.output.stem}.mkv")
    with ClipReader(job.input, number=job.stream) as reader:
        index, notes = reader.stream_index, []
        if (stored := reader.pixel_format) not in _KEPT_FORMATS:
            notes.append(f"{reader.name} is {stored}: the output has 8 bits, and colour at half the size")
        if job.stream is None and len(reader.videos) > 1:
            notes.append(
                f"{reader.name} has {len(reader.videos)} videos: {'; '.join(reader.videos)}. Video 0 is "
                "segmented, the others are copied; --stream takes another"
            )
    check_left_out(job.input, index, job.leave_out)
    with OtherStreams(job.input, index, job.leave_out) as others:
        check_streams(others, job.output, kind)
        shift_s = needed_shift_s(others, kind)
        notes += others.losses(kind)
        if shift_s:
            notes.append(
                f"{job.input} has times before zero, which {job.output.suffix} cannot hold: everything comes "
                f"{float(shift_s * 1000):g} ms later"
            )
        return Checked(index, others.described, shift_s, tuple(notes))


def is_done(job: ClipJob, segmenter: Segmenter) -> bool:
    """Whether the output is there, with a summary that says it is of this input, model and settings."""
    if job.summary is None or not job.summary.exists() or not job.output.exists():
        return False
    if beside(job.output, "journal").exists():
        return False
    encoder, _ = codecs.choose(job.encoder)
    try:
        return bool(json.loads(job.summary.read_text())["key"] == key_of(job, segmenter, encoder))
    except (ValueError, KeyError, TypeError):
        return False


def check_outputs(job: ClipJob) -> None:
    """Refuse outputs that are there already, or could not be written. Raises SinkError or ConfigError."""
    check_output(job.output, overwrite=job.overwrite, inputs=[job.input])
    sides.check(job)
