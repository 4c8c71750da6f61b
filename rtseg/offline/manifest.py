"""What proves that results belong to their inputs: a JSON document beside them, an entry a clip.

An entry holds the SHA-256 of the input, of the model and of each output, and the settings: all that a result
depends on. The README has its keys.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rtseg import __version__
from rtseg.errors import SinkError
from rtseg.offline.key import file_sha256

SCHEMA = 1
MANIFEST = "rtseg-manifest.json"
State = Literal["planned", "done", "failed"]


@dataclass(frozen=True)
class Output:
    """A file, or a folder of files."""

    path: str
    """Relative to the manifest's folder, with slashes; a whole path or URL where it lies elsewhere."""
    bytes: int
    sha256: str
    """Of a folder: of lines "SHA-256  name", sorted by name, as `sha256sum *` prints them."""
    files: int | None = None
    """How many a folder has; None for a file."""


@dataclass(frozen=True)
class Entry:
    """A clip. `planned` was begun by a run, so that what lies at its outputs is that run's."""

    state: State
    key: dict[str, Any] | None = None
    """{"input", "model", "settings"}: what the result depends on (rtseg.offline.key)."""
    outputs: dict[str, Output] = field(default_factory=dict)
    frames: int | None = None
    seconds: float | None = None
    wall_s: float | None = None
    """Of the run that finished it, hashes included."""
    fps: float | None = None
    """Frames a second of that run, those left out that an earlier one had done."""
    troubles: tuple[str, ...] = ()
    error: str | None = None

    @property
    def has_result(self) -> bool:
        """Whether outputs were finished once; one that failed later may still have them."""
        return self.key is not None


@dataclass(frozen=True)
class Manifest:
    """All clips by their names, which are relative to the input folder."""

    clips: dict[str, Entry] = field(default_factory=dict)

    def text(self) -> str:
        """The document."""
        clips = {name: asdict(entry) for name, entry in sorted(self.clips.items())}
        document = {"schema": SCHEMA, "rtseg": __version__, "clips": clips}
        return json.dumps(document, indent=1) + "\n"

    @staticmethod
    def parse(text: str, name: str) -> Manifest:
        """Raises SinkError for what is no manifest."""
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise ValueError(f"schema {document['schema']!r}")
            return Manifest({str(clip): _entry(entry) for clip, entry in document["clips"].items()})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SinkError(
                f"{name}: is no manifest of this rtseg ({error}); move it away to begin anew"
            ) from error


def _entry(document: Mapping[str, Any]) -> Entry:
    known = {name: document[name] for name in Entry.__dataclass_fields__ if name in document}
    outputs = {str(kind): Output(**output) for kind, output in document["outputs"].items()}
    if document["state"] not in {"planned", "done", "failed"}:
        raise ValueError(f"state {document['state']!r}")
    return Entry(**{**known, "outputs": outputs, "troubles": tuple(document["troubles"])})


def read_manifest(folder: Path) -> Manifest:
    """That of a folder of results; an empty one where there is none. Raises SinkError."""
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Manifest()
    except (OSError, UnicodeDecodeError) as error:
        raise SinkError(f"{path}: cannot be read ({error})") from error
    return Manifest.parse(text, str(path))


def path_in(folder: Path, path: Path) -> str:
    """How a manifest in this folder names a path."""
    whole, base = path.absolute(), folder.absolute()
    try:
        return Path(os.path.relpath(whole, base)).as_posix()
    except ValueError:  # on another drive
        return whole.as_posix()


def describe(path: Path, name: str) -> Output:
    """An output that is finished, called `name` in the manifest. Raises SourceError."""
    if not path.is_dir():
        return Output(name, path.stat().st_size, file_sha256(path))
    files = [each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")]
    return describe_files(name, ((each.name, each.stat().st_size, file_sha256(each)) for each in files))


def describe_files(name: str, files: Iterable[tuple[str, int, str]]) -> Output:
    """A folder of files, each given as (name, bytes, SHA-256)."""
    known = sorted(files)
    lines = "".join(f"{digest}  {file}\n" for file, _, digest in known)
    digest = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    return Output(name, sum(size for _, size, _ in known), digest, len(known))


def difference(path: Path, said: Output) -> str | None:
    """How an output differs from what a manifest says of it, in words; None where it does not.

    Raises SourceError where it cannot be read.
    """
    if not path.exists():
        return "is missing"
    if path.is_dir() != (said.files is not None):
        return "is another kind of file"
    if said.files is None and path.stat().st_size != said.bytes:
        return f"has {path.stat().st_size} bytes instead of {said.bytes}"
    found = describe(path, said.path)
    if found.files != said.files:
        return f"has {found.files} files instead of {said.files}"
    return None if found == said else "has other contents"
