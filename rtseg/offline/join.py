"""Results put together without encoding anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rtseg.errors import SinkError
from rtseg.offline.copying import copy_video
from rtseg.offline.job import ClipJob
from rtseg.offline.journal import beside
from rtseg.offline.reading import ClipReader
from rtseg.offline.streams import OtherStreams
from rtseg.video.video_sink import FORMATS


def join_spans(job: ClipJob, parts: Sequence[Path]) -> None:
    """Make job.output of the outputs of its spans, in order, and of the input's other streams.

    The same, frame for frame, as the whole clip done at once. Raises SinkError, SourceError.
    """
    kind = FORMATS[job.output.suffix.lower()]
    with ClipReader(job.input, number=job.stream) as reader:
        index = reader.stream_index
    final = beside(job.output, "final")
    copy_video(list(parts), final, kind, OtherStreams(job.input, index, job.leave_out), 0)
    try:
        final.replace(job.output)
    except OSError as error:
        raise SinkError(f"{job.output}: cannot be finished ({error.strerror})") from error
