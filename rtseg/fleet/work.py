"""What the machines of a cluster do with a clip. Knows storage and disks, but nothing of who calls it.

Results of spans wait in storage, each with a JSON file that says it is whole, so that they outlive the
machine that made them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from rtseg import __version__
from rtseg.errors import ConfigError, RtsegError, SinkError
from rtseg.fleet.items import Item, Plan, Report, Work, parts_of
from rtseg.fleet.node import fetched, kept_model, scratch
from rtseg.fleet.results import changed_in_storage, local_job, publish, refuse_others, remove_masks
from rtseg.offline import (
    ClipJob,
    ClipSummary,
    check_job,
    codecs,
    join_spans,
    plan_spans,
    process_clip,
)
from rtseg.offline.key import file_sha256, key_of
from rtseg.offline.outcome import Outcome
from rtseg.offline.rows import write_parquet
from rtseg.offline.tree import make_folders, result_names
from rtseg.runtime.choice import NetworkChoice
from rtseg.segmenter import Segmenter

T = TypeVar("T")


def resolve(work: Work) -> tuple[str, str] | RtsegError:
    """Which backend and precision the machines have, so that all take the same; or what is wrong."""
    if work.version != __version__:
        return ConfigError(f"rtseg is {work.version} here, but {__version__} on a machine of the cluster")
    try:
        segmenter = segmenter_of(work)
        template = work.template
        template.style.check(segmenter.classes)
        return segmenter.backend.name, segmenter.backend.precision
    except RtsegError as error:
        return error


_loaded: dict[tuple[str, NetworkChoice], Segmenter] = {}


def segmenter_of(work: Work) -> Segmenter:
    """The network, loaded once in each process. Raises ModelError, BackendUnavailable."""
    which = (work.run, work.network)
    if which not in _loaded:
        while _loaded:
            _loaded.popitem()[1].close()
        network = work.network
        if work.model_files:
            network = replace(network, model=str(kept_model(work.run, network.model, work.model_files)))
        _loaded[which] = network.load("offline")
    return _loaded[which]


def do_clip(work: Work, item: Item, report: Report) -> Outcome | Plan:
    """A clip from storage to storage, or the plan of one that is long."""
    return _told(work, item.name, lambda: _do_clip(work, item, report))


def do_span(work: Work, plan: Plan, number: int, report: Report) -> Outcome | None:
    """One span of a plan, from storage to storage, unless it is there already; an outcome if it failed."""
    return _told(work, plan.item.name, lambda: _do_span(work, plan, number, report))


def join(work: Work, plan: Plan, began_s: float) -> Outcome:
    """The spans of a plan, which are all in storage, as one result; began_s is in seconds of time.time."""
    return _told(work, plan.item.name, lambda: _join(work, plan, began_s))


def _told(work: Work, name: str, do: Callable[[], T]) -> T | Outcome:
    """What a user may have caused is an outcome: an exception would come back as a text of many lines."""
    try:
        return do()
    except RtsegError as error:
        text = str(error)
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    # What is called so on a machine's disk is what the user calls otherwise.
    for word in text.split():
        if f"rtseg-fleet-{work.run}" in word:
            ending = ":" if word.endswith(":") else ""
            text = text.replace(word, work.source.called(name) + ending)
    return Outcome.failed(name, text)


def _do_clip(work: Work, item: Item, report: Report) -> Outcome | Plan:
    began_s = time.time()
    segmenter = segmenter_of(work)
    with fetched(work.run, work.source, item.name, item.size) as input, scratch(work.run) as folder:
        job = local_job(work, item.name, input, folder)
        job = replace(job, input_sha256=file_sha256(input))
        key = key_of(job, segmenter, codecs.choose(job.encoder)[0])
        if item.entry is not None and item.entry.has_result:
            change = changed_in_storage(work, item, item.entry, key)
            if change is None:
                return Outcome(item.name, "skipped", replace(item.entry, state="done", error=None))
            report.tell(f"{change}; doing it again")
        if item.entry is None and not work.template.overwrite:
            refuse_others(work, item.name)
        make_folders(job)
        spans = plan_spans(input, stream=job.stream, min_s=work.split_s)
        if item.entry is None or item.entry.has_result:
            remove_masks(work, item.name)
        if len(spans) > 1:
            return Plan(item, key, spans, check_job(job).copied)
        summary = process_clip(job, segmenter, progress=report.progress, tell=report.tell)
        return publish(work, item.name, job, summary, began_s)


def _do_span(work: Work, plan: Plan, number: int, report: Report) -> None:
    where = f"{plan.folder}/{number:05d}"
    if work.base.size(f"{where}.json") is not None:
        return
    name, span = plan.item.name, plan.spans[number]
    with fetched(work.run, work.source, name, plan.item.size) as input, scratch(work.run) as folder:
        job = local_job(work, name, input, folder)
        rows = folder / "rows.jsonl" if job.wants_figures else None
        job = replace(
            job, span=span, jsonl=rows, parquet=None, summary=None, input_sha256=plan.key["input"]["sha256"]
        )
        make_folders(job)
        summary = process_clip(job, segmenter_of(work), progress=report.progress, tell=report.tell)
        work.base.put(job.output, f"{where}{job.output.suffix}")
        if rows is not None:
            work.base.put(rows, f"{where}.jsonl")
        masks = []
        if job.masks is not None:
            for path in sorted(job.masks.glob("*.png")):
                work.folders["masks"].put(path, f"{result_names(name, ['masks'])['masks']}/{path.name}")
                masks.append((path.name, path.stat().st_size, file_sha256(path)))
        said = {"sha256": file_sha256(job.output), "summary": summary.document, "masks": masks}
        work.base.write(f"{where}.json", json.dumps(said).encode())


def _join(work: Work, plan: Plan, began_s: float) -> Outcome:
    name = plan.item.name
    with fetched(work.run, work.source, name, plan.item.size) as input, scratch(work.run) as folder:
        job = local_job(work, name, input, folder)
        make_folders(job)
        parts, said = [], []
        for number in range(len(plan.spans)):
            part = folder / f"{number:05d}{job.output.suffix}"
            said.append(_fetch_part(work, plan, number, part))
            parts.append(part)
        summary = _together(job, plan, said)
        join_spans(job, parts)
        rows = folder / "rows.jsonl"
        if job.wants_figures:
            _concatenate(work, plan, rows)
        if job.parquet is not None:
            write_parquet(rows, job.parquet)
        if job.jsonl is not None:
            rows.replace(job.jsonl)
        masks = [(file, size, digest) for each in said for file, size, digest in each["masks"]]
        outcome = publish(work, name, job, summary, began_s, masks)
    work.base.remove(parts_of(name))
    return outcome


def _fetch_part(work: Work, plan: Plan, number: int, part: Path) -> dict[str, Any]:
    where = f"{plan.folder}/{number:05d}"
    text = work.base.read(f"{where}.json")
    said: dict[str, Any] = {} if text is None else json.loads(text)
    if text is not None:
        work.base.fetch(f"{where}{part.suffix}", part)
    if text is None or file_sha256(part) != said["sha256"]:
        work.base.remove(plan.folder)
        raise SinkError(f"{work.base.called(where)}: is not what was put there; run the same again")
    return said


def _concatenate(work: Work, plan: Plan, rows: Path) -> None:
    piece = rows.with_name("piece.jsonl")
    with rows.open("wb") as whole:
        for number in range(len(plan.spans)):
            work.base.fetch(f"{plan.folder}/{number:05d}.jsonl", piece)
            with piece.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _together(job: ClipJob, plan: Plan, said: Sequence[dict[str, Any]]) -> ClipSummary:
    """One summary of those of the spans."""
    each = [entry["summary"] for entry in said]
    frames = [one["frames"] - (span.first_index) for one, span in zip(each, plan.spans, strict=True)]
    total = sum(frames)
    shares = confidence = None
    if all(one["class_share"] is not None for one in each) and total:
        weights = [(count / total, one) for count, one in zip(frames, each, strict=True)]
        names = each[0]["class_share"]
        shares = {name: round(sum(w * one["class_share"][name] for w, one in weights), 5) for name in names}
        confidence = round(sum(w * one["confidence"] for w, one in weights), 4)
    wall_s = sum(one["wall_s"] for one in each)
    first = each[0]
    return ClipSummary(
        input=str(job.input),
        output=str(job.output),
        key=plan.key,
        frames=total,
        segments=sum(one["segments"] for one in each),
        seconds=sum(one["seconds"] for one in each),
        resumed_at=None,
        finished=True,
        wall_s=wall_s,
        fps=total / max(wall_s, 1e-9),
        size=tuple(first["size"]),
        time_base=first["time_base"],
        first_pts=first["first_pts"],
        encoder=first["encoder"],
        copied=plan.copied,
        class_share=shares,
        confidence=confidence,
        troubles=tuple(trouble for one in each for trouble in one["troubles"]),
    )
