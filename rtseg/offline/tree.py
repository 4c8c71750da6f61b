"""Which clips a folder holds, and what their results are called: the same tree again.

north/drive.mp4  ->  north/drive.mp4 in the folder of videos, north/drive.mp4.jsonl in that of figures, ...
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rtseg.errors import ConfigError, SourceError
from rtseg.offline.job import ClipJob
from rtseg.video.source import VIDEO_SUFFIXES
from rtseg.video.video_file import FORMATS

VIDEO = "video"
ENDINGS = {"masks": ".masks", "jsonl": ".jsonl", "parquet": ".parquet", "summary": ".json"}
"""By the kind of output; class maps are a folder for each clip."""


def is_clip(name: str) -> bool:
    """Whether a file of this name is a video, going by its ending; hidden files are not."""
    path = PurePosixPath(name)
    return path.suffix.lower() in VIDEO_SUFFIXES and not any(part.startswith(".") for part in path.parts)


def natural(name: str) -> list[tuple[int, str]]:
    """Sorts clip2 before clip10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def find_clips(folder: Path, *, outside: Iterable[Path] = ()) -> tuple[str, ...]:
    """Names of all videos below a folder, relative to it, in natural order.

    What lies in one of the folders `outside` is left out: results may be written below their input. Links to
    files are followed, links to folders are not. Raises SourceError for a folder that cannot be read.
    """

    def complain(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot be read ({error.strerror})") from error

    left_out = {path.resolve() for path in outside}
    names = []
    for here, folders, files in os.walk(folder, onerror=complain):
        place = Path(here)
        folders[:] = [each for each in folders if (place / each).resolve() not in left_out]
        for file in files:
            name = (place / file).relative_to(folder).as_posix()
            path = place / file
            is_lost = path.is_symlink() and not path.exists()  # a failure to tell, and no file to leave out
            if is_clip(name) and (path.is_file() or is_lost):
                names.append(name)
    return tuple(sorted(names, key=natural))


def result_names(name: str, kinds: Iterable[str]) -> dict[str, str]:
    """What the results of a clip are called, each relative to the folder of its kind."""
    names = {}
    for kind in kinds:
        if kind == VIDEO:
            names[kind] = name if PurePosixPath(name).suffix.lower() in FORMATS else f"{name}.mkv"
        else:
            names[kind] = name + ENDINGS[kind]
    return names


def check_names(names: Iterable[str], kinds: Iterable[str]) -> None:
    """Raises ConfigError where two clips would have one result."""
    taken: dict[tuple[str, str], str] = {}
    kinds = tuple(kinds)
    for name in names:
        for kind, result in result_names(name, kinds).items():
            other = taken.setdefault((kind, result), name)
            if other != name:
                raise ConfigError(f"{name} and {other} would both become {result}; rename one of them")


def job_for(template: ClipJob, name: str, input: Path, folders: Mapping[str, Path]) -> ClipJob:
    """The job of a clip, with its results in the folders of their kinds."""
    results = {kind: folders[kind] / result for kind, result in result_names(name, folders).items()}
    output = results.pop(VIDEO)
    return replace(template, input=input, output=output, **results)  # type: ignore[arg-type]


def make_folders(job: ClipJob) -> None:
    """Those that the results will lie in. Raises OSError."""
    for path in (job.output, job.masks, job.jsonl, job.parquet, job.summary):
        if path is not None:
            (path if path == job.masks else path.parent).mkdir(parents=True, exist_ok=True)
