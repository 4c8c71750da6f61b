"""A clip among many: left alone where it is done, gone on with where it was cut off, begun anew otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rtseg.errors import RtsegError, SinkError
from rtseg.offline import codecs
from rtseg.offline.checks import check_job
from rtseg.offline.job import ClipJob, ClipSummary, Progress
from rtseg.offline.journal import Journal, beside
from rtseg.offline.key import file_sha256, key_of
from rtseg.offline.manifest import Entry, Output, describe, difference, path_in
from rtseg.offline.masks import remove_masks
from rtseg.offline.outcome import Outcome
from rtseg.offline.process import Tell, process_clip
from rtseg.offline.renamed import Known, take_over
from rtseg.offline.tree import VIDEO, make_folders
from rtseg.segmenter import Segmenter


@dataclass(frozen=True)
class Clip:
    """What is to be done with it, and what is known of it."""

    name: str
    job: ClipJob
    base: Path
    """The manifest's folder, which paths in it are relative to."""
    entry: Entry | None = None
    """What an earlier run has written of it: then what lies at its outputs is a result of rtseg."""
    same_size: tuple[Known, ...] = ()
    """Results of inputs that may be the same by another name."""


def do_clip(
    clip: Clip,
    segmenter: Segmenter,
    *,
    progress: Callable[[Progress], None],
    tell: Tell,
    stopping: Callable[[], bool],
) -> Outcome:
    """As `process_clip`, but what a user may have caused is in the outcome, and not raised."""
    process = partial(process_clip, segmenter=segmenter, progress=progress, tell=tell, stopping=stopping)
    try:
        return _do(clip, segmenter, process, tell)
    except RtsegError as error:
        outcome = Outcome.failed(clip.name, str(error))
    except OSError as error:
        outcome = Outcome.failed(clip.name, f"{error.filename or clip.job.output}: {error.strerror or error}")
    if clip.job.masks is not None:
        with suppress(OSError):  # not there, or not empty
            clip.job.masks.rmdir()
    return outcome


def _do(clip: Clip, segmenter: Segmenter, process: Callable[[ClipJob], ClipSummary], tell: Tell) -> Outcome:
    job = replace(clip.job, input_sha256=file_sha256(clip.job.input))
    key = key_of(job, segmenter, codecs.choose(job.encoder)[0])
    entry = clip.entry
    change = None
    if entry is not None and entry.has_result:
        change = changed(entry, key, lambda _, said: difference(clip.base / said.path, said))
        if change is None:
            return Outcome(clip.name, "skipped", replace(entry, state="done", error=None))
    make_folders(job)
    resumes, interrupted = _interrupted(job, key)
    if (entry is not None or job.overwrite) and not interrupted:
        found = take_over(clip.same_size, key, clip.base, job.input, _paths(job))
        if found is not None:
            known, outputs = found
            taken = replace(known.entry, state="done", error=None, outputs=outputs)
            tell(f"is {known.name} by another name, so its result is taken over")
            return Outcome(
                clip.name, "skipped", taken, moved_from=known.name if known.input_is_gone else None
            )
    if change is not None:
        tell(f"{change}; doing it again")
    job = replace(job, resume=resumes, overwrite=job.overwrite or entry is not None or interrupted)
    if interrupted and entry is None and not clip.job.overwrite and job.output.exists():
        raise SinkError(f"{job.output}: exists already; add -y to write over it, or choose another folder")
    if job.overwrite and not resumes:
        check_job(job)
        if job.masks is not None:
            remove_masks(job.masks)
    started = time.monotonic()
    summary = process(job)
    if not summary.finished:
        return Outcome(clip.name, "stopped")
    done = done_entry(summary, outputs_of(job, clip.base), time.monotonic() - started)
    return Outcome(clip.name, "done", done)


def changed(entry: Entry, key: Mapping[str, Any], differs: Callable[[str, Output], str | None]) -> str | None:
    """Why an entry does not hold any more, in words; None where it does.

    differs says of a kind of output how it is not what the manifest says, or None.
    """
    if entry.key != key:
        parts = [part for part in key if (entry.key or {}).get(part) != key[part]]
        return f"its {' and '.join(parts)} changed"
    for kind, said in entry.outputs.items():
        if (how := differs(kind, said)) is not None:
            return f"{said.path} {how}"
    return None


def done_entry(summary: ClipSummary, outputs: dict[str, Output], wall_s: float) -> Entry:
    """What the manifest says of a clip that is finished."""
    return Entry(
        "done",
        key=summary.key,
        outputs=outputs,
        frames=summary.frames,
        seconds=round(summary.seconds, 6),
        wall_s=round(wall_s, 3),
        fps=round(summary.fps, 1),
        troubles=summary.troubles,
    )


def outputs_of(job: ClipJob, base: Path) -> dict[str, Output]:
    """Each output of a finished job with its hash. Raises SourceError."""
    return {kind: describe(path, path_in(base, path)) for kind, path in _paths(job).items()}


def _paths(job: ClipJob) -> dict[str, Path]:
    paths = {VIDEO: job.output, "masks": job.masks, "jsonl": job.jsonl}
    paths |= {"parquet": job.parquet, "summary": job.summary}
    return {kind: path for kind, path in paths.items() if path is not None}


def _interrupted(job: ClipJob, key: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether to go on with what a run has left, and whether one has left anything. Raises SinkError."""
    if not beside(job.output, "journal").exists():
        return False, False
    journal = Journal(job.output)
    try:
        before, _ = journal.read()
    finally:
        journal.close(remove=False)
    return before == key, before is not None
