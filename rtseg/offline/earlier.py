"""What an earlier run has left of a clip: found out, and put where this one goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rtseg.errors import SinkError
from rtseg.offline import sides
from rtseg.offline.checks import check_outputs
from rtseg.offline.job import ClipJob
from rtseg.offline.journal import Journal, Segment
from rtseg.offline.key import check_same
from rtseg.offline.part import whole_segments
from rtseg.offline.working import WorkingFiles
from rtseg.video.outputs import check_output


@dataclass(frozen=True)
class Earlier:
    """What is kept."""

    segments: list[Segment] = field(default_factory=list)
    """In the file `before`; none for a new beginning."""
    is_published: bool = False
    """Whether that run was ended at its very last step: the output has its name."""


def take_over(
    job: ClipJob,
    journal: Journal,
    key: dict[str, Any],
    position: Callable[[], int],
    tell: Callable[[str], None],
) -> Earlier:
    """Keep what is good, where the job says so and the key is the same; else begin anew.

    position gives the number of the video among the streams of the working file. Raises SinkError.
    """
    files = WorkingFiles.of(job.output)
    before, segments = journal.read()
    if before is None or not job.resume:
        if before is not None and not job.overwrite:
            raise SinkError(
                f"{job.output}: an earlier run was interrupted; add --resume to go on with it, or -y to "
                "begin anew"
            )
        check_outputs(job)
        files.remove()
        journal.begin(key)
        return Earlier()
    # What is there by that name may be what the run that was interrupted at its very end has made.
    finished = bool(segments) and segments[-1].next is None
    check_output(job.output, overwrite=job.overwrite or finished, inputs=[job.input])
    check_same(job.output, before, key)
    if finished and job.output.exists() and not files.exist:
        return Earlier(segments, is_published=True)
    if segments:
        sides.check_left(job, segments)
    segments = segments[: sides.whole_segments(job, segments)]
    number = position()
    found = {path: whole_segments(path, number, segments) for path in (files.part, files.before)}
    best = max(found, key=lambda path: found[path])
    kept = segments[: found[best]]
    if found[best] and best == files.part:
        files.part.replace(files.before)
    else:
        files.part.unlink(missing_ok=True)
    if kept:
        tell(f"Going on at frame {kept[-1].index + kept[-1].frames}; {len(kept)} segments are kept")
    else:
        tell("Nothing that was finished is left; beginning anew")
    return Earlier(kept)
