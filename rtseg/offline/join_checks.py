"""What is looked at before clips are joined: whether they fit, and whether something would be lost."""

from __future__ import annotations

from collections.abc import Sequence

from rtseg.errors import ConfigError, SinkError
from rtseg.frame import Size
from rtseg.offline.job import ClipJob
from rtseg.offline.journal import beside
from rtseg.offline.reading import ClipReader
from rtseg.offline.streams import OtherStreams


def check_join(job: ClipJob, jobs: Sequence[ClipJob]) -> None:
    """Refuse what cannot work before any work is done; jobs are those of `clip_jobs`.

    Raises SinkError, SourceError or ConfigError.
    """
    outputs = [path for path in (job.output, job.masks, job.jsonl, job.parquet, job.summary) if path]
    for each in jobs:
        for path in outputs:
            if path.exists() and path.samefile(each.input):
                raise SinkError(f"{path}: is an input itself; choose another output")
    begun = (beside(each.output, "journal").exists() or each.output.exists() for each in jobs)
    if not job.resume and not job.overwrite and any(begun):
        raise SinkError(
            f"{job.output}: an earlier run was interrupted; add --resume to go on with it, or -y to "
            "begin anew"
        )
    found = []
    for each in jobs:
        with ClipReader(each.input, number=each.stream) as reader:
            index, size, time_base = reader.stream_index, reader.size or (0, 0), reader.time_base
        with OtherStreams(each.input, index, each.leave_out) as others:
            found.append((size, time_base, others.kinds))
    for each, (size, time_base, kinds) in zip(jobs, found, strict=True):
        check_size(each, jobs[0], size, found[0][0])
        check_kinds(each, jobs[0], kinds, found[0][2])
        if time_base != found[0][1]:
            raise ConfigError(
                f"{each.input}: has ticks of {time_base} s, {jobs[0].input} has {found[0][1]}; only clips of "
                "one camera can be joined"
            )


def check_size(job: ClipJob, first: ClipJob, size: Size, wanted: Size) -> None:
    """Raises ConfigError where a clip has another size than the first."""
    if size != wanted:
        raise ConfigError(
            f"{job.input}: is {size[0]}x{size[1]}, {first.input} is {wanted[0]}x{wanted[1]}; only clips of "
            "one size can be joined"
        )


def check_kinds(
    job: ClipJob, first: ClipJob, kinds: Sequence[tuple[str, str]], wanted: Sequence[tuple[str, str]]
) -> None:
    """Raises SinkError where a clip has other streams than the first."""
    if kinds != wanted:
        raise SinkError(
            f"{job.input}: has other streams than {first.input}; leave out those that differ with --leave-out"
        )
