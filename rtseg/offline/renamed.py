"""A result taken over for an input that had another name before: moved, or copied if both are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtseg.offline.manifest import Entry, Output, describe, difference, path_in
from rtseg.offline.masks import remove_masks
from rtseg.offline.tree import VIDEO
from rtseg.video.outputs import part_of, write_file


@dataclass(frozen=True)
class Known:
    """What a manifest says of a result."""

    name: str
    entry: Entry
    input_is_gone: bool
    """Whether no input has this name any more."""


def take_over(
    candidates: Iterable[Known], key: Mapping[str, Any], base: Path, input: Path, paths: Mapping[str, Path]
) -> tuple[Known, dict[str, Output]] | None:
    """The first that has the same key and still is what it was, with where its outputs are now.

    base is the manifest's folder; paths say by kind where each output is to lie. What is there is written
    over. None where there is no such result. Raises OSError, SourceError, SinkError.
    """
    for known in candidates:
        before = known.entry.outputs
        if known.entry.key != key or before.keys() != paths.keys():
            continue
        if any(difference(base / said.path, said) is not None for said in before.values()):
            continue
        for kind, said in before.items():
            _take(base / said.path, paths[kind], move=known.input_is_gone)
        outputs = {kind: describe(path, path_in(base, path)) for kind, path in paths.items()}
        if any(outputs[kind].sha256 != said.sha256 for kind, said in before.items()):
            continue  # another process has just written it anew
        if (summary := paths.get("summary")) is not None:
            document = json.loads(summary.read_text(encoding="utf-8"))
            document |= {"input": str(input), "output": str(paths[VIDEO])}
            write_file(summary, (json.dumps(document, indent=2) + "\n").encode())
            outputs["summary"] = describe(summary, path_in(base, summary))
        return known, outputs
    return None


def _take(source: Path, target: Path, *, move: bool) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        remove_masks(target)
        for file in source.iterdir():
            _take(file, target / file.name, move=move)
        if move:
            source.rmdir()
        return
    part = part_of(target)
    if move:
        shutil.move(source, part)
    else:
        shutil.copyfile(source, part)
    part.replace(target)
