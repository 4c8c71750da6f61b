"""What a run on a cluster is about: its clips, their plans, and where all is. Plain data for all machines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rtseg import __version__
from rtseg.fleet.storage import Store
from rtseg.offline import (
    ClipJob,
    Progress,
    Span,
)
from rtseg.offline.manifest import Entry
from rtseg.offline.tree import VIDEO, is_clip, natural
from rtseg.runtime.choice import NetworkChoice

PARTS = ".rtseg-parts"


class Report(Protocol):
    """Hears of a task; never raises."""

    def progress(self, progress: Progress) -> None: ...

    def tell(self, line: str) -> None: ...


@dataclass(frozen=True)
class Work:
    """What all tasks of a run share."""

    run: str
    """A name of the run that nobody can guess."""
    source: Store
    folders: dict[str, Store]
    """By the kind of output; the manifest lies in that of "video"."""
    template: ClipJob
    """What is asked of each clip; its paths do not count."""
    network: NetworkChoice
    model_files: dict[str, bytes]
    """Of a model that does not come with rtseg."""
    split_s: float
    version: str = __version__

    @property
    def base(self) -> Store:
        """Where the manifest lies."""
        return self.folders[VIDEO]


@dataclass(frozen=True)
class Item:
    """A clip in storage."""

    name: str
    size: int
    entry: Entry | None
    """What the manifest says; None where what is at its outputs is none of rtseg's doing."""


@dataclass(frozen=True)
class Plan:
    """A clip that is to be done in spans."""

    item: Item
    key: dict[str, Any]
    spans: tuple[Span, ...]
    copied: tuple[str, ...]
    """The other streams, in words."""

    @property
    def folder(self) -> str:
        """Where the results of the spans wait: another folder for whatever gives other results."""
        spans = [asdict(span) for span in self.spans]
        text = json.dumps([self.key, spans], sort_keys=True)
        return f"{parts_of(self.item.name)}/{_digest(text)}"

    @property
    def frames(self) -> int:
        """How many the clip should have."""
        return sum(span.frames or 0 for span in self.spans)


def find_items(source: Store, *, outside: Iterable[Store] = ()) -> dict[str, int]:
    """The bytes of all videos in a folder of storage, by name, in natural order.

    What lies in one of the folders `outside` is left out. Raises SourceError.
    """
    inside = [store.url.removeprefix(f"{source.url}/") for store in outside]
    found = source.files()
    names = [name for name in found if is_clip(name)]
    names = [name for name in names if not any(name.startswith(f"{folder}/") for folder in inside)]
    return {name: found[name] for name in sorted(names, key=natural)}


def parts_of(name: str) -> str:
    return f"{PARTS}/{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]
