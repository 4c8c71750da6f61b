"""Results of clips in storage: what is there, what is put there, what makes room for it."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtseg.errors import SinkError
from rtseg.fleet.items import Item, Work, parts_of
from rtseg.fleet.storage import Store
from rtseg.offline import (
    ClipJob,
    ClipSummary,
    sides,
)
from rtseg.offline.manifest import Entry, Output, describe, describe_files
from rtseg.offline.one_of_many import changed, done_entry
from rtseg.offline.outcome import Outcome
from rtseg.offline.tree import VIDEO, job_for, result_names


def publish(
    work: Work,
    name: str,
    job: ClipJob,
    summary: ClipSummary,
    began_s: float,
    masks: Sequence[tuple[str, int, str]] | None = None,
) -> Outcome:
    """Put results into storage, the video last. Masks that are there already are given as files."""
    names = result_names(name, work.folders)
    if job.summary is not None:
        output = work.base.called(names[VIDEO])
        sides.write_summary(job, replace(summary, input=work.source.called(name), output=output))
    paths = {"masks": job.masks, "jsonl": job.jsonl, "parquet": job.parquet}
    paths |= {"summary": job.summary, VIDEO: job.output}
    outputs = {}
    for kind, path in paths.items():
        if path is None:
            continue
        store, called = work.folders[kind], _path_in(work.base, work.folders[kind], names[kind])
        if kind == "masks" and masks is not None:
            outputs[kind] = describe_files(called, masks)
            continue
        outputs[kind] = describe(path, called)
        for file in sorted(path.iterdir()) if path.is_dir() else (path,):
            store.put(file, f"{names[kind]}/{file.name}" if path.is_dir() else names[kind])
    return Outcome(name, "done", done_entry(summary, outputs, time.time() - began_s))


def local_job(work: Work, name: str, input: Path, folder: Path) -> ClipJob:
    """With outputs on this machine's disk."""
    job = job_for(work.template, name, input, {kind: folder / kind for kind in work.folders})
    return replace(job, overwrite=True, resume=False)


def _path_in(base: Store, store: Store, name: str) -> str:
    if base.scheme != store.scheme:
        return store.called(name)
    return posixpath.relpath(f"{store.url}/{name}", base.url)


def changed_in_storage(work: Work, item: Item, entry: Entry, key: dict[str, Any]) -> str | None:
    """Of what is in storage only the sizes are looked at."""
    names = result_names(item.name, work.folders)

    def differs(kind: str, said: Output) -> str | None:
        fits = kind not in names or _is_there(work.folders[kind], names[kind], said)
        return None if fits else "is not what the manifest says"

    return changed(entry, key, differs)


def _is_there(store: Store, name: str, said: Output) -> bool:
    if said.files is None:
        return store.size(name) == said.bytes
    files = store.files(name)
    return (len(files), sum(files.values())) == (said.files, said.bytes)


def remove_masks(work: Work, name: str) -> None:
    """Those of an earlier result, which may have had more frames; and parts, for theirs are among them."""
    if "masks" in work.folders:
        work.folders["masks"].remove(result_names(name, ["masks"])["masks"])
        work.base.remove(parts_of(name))


def refuse_others(work: Work, name: str) -> None:
    for kind, result in result_names(name, work.folders).items():
        store = work.folders[kind]
        if store.files(result) if kind == "masks" else store.size(result) is not None:
            raise SinkError(
                f"{store.called(result)}: exists already; add -y to write over it, or choose another folder"
            )
