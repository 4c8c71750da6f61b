"""rtseg process with a folder of videos, on this machine or on a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.offline import ClipJob
    from rtseg.offline.outcome import Outcome
    from rtseg.runtime.choice import NetworkChoice

_MOST_ROWS = 30


@dataclass(frozen=True)
class Asked:
    """The options for many clips."""

    jobs: int | None = None
    verify: bool = False
    ray: str | None = None
    task_cpus: float | None = None
    task_gpus: float = 0
    split_s: float | None = None


def done(input: str, job: ClipJob, network: NetworkChoice, asked: Asked) -> bool:
    """Do what was asked where it is for many clips; False where the input is something else."""
    from rtseg.errors import ConfigError

    if asked.verify:
        for given in (input, as_given(job.output)):
            if "://" in given:
                raise ConfigError(
                    f"{given}: is a URL; --verify compares folders of this machine, so copy it here"
                )
        if asked.ray is not None:
            raise ConfigError("--verify compares folders of this machine; leave out --ray")
        verify(input, job.output)
        return True
    if asked.ray is not None:
        from rtseg.cli.process_fleet import process_on_ray

        process_on_ray(input, job, network, asked)
        return True
    if asked.task_cpus is not None or asked.task_gpus or asked.split_s is not None:
        raise ConfigError("--task-cpus, --task-gpus and --split-s are for --ray; add it, or leave them out")
    for given in asked_folders(job).values():
        if "://" in given:
            raise ConfigError(f"{given}: is a URL; add --ray local, which writes to storage")
    if input.startswith(("s3://", "gs://")):
        raise ConfigError(f"{input}: is in storage; add --ray local, which reads from there")
    names = clips_in(input, (job.output, job.masks, job.jsonl, job.parquet, job.summary))
    if names:
        process_here(Path(input), names, job, network, asked.jobs)
    elif Path(input).is_dir() and not any(Path(input).iterdir()):
        raise ConfigError(f"{input}: is empty; give a folder with videos or pictures")
    elif asked.jobs is not None:
        raise ConfigError(f"{input}: --jobs is for a folder of videos, and there are none")
    return bool(names)


def clips_in(input: str, outside: tuple[Path | None, ...]) -> tuple[str, ...]:
    """Names of the videos in a folder; none where the input is no folder, or one of pictures."""
    from rtseg.offline.tree import find_clips

    folder = Path(input)
    if not folder.is_dir():
        return ()
    inside = [path for path in outside if path is not None and path.resolve() != folder.resolve()]
    return find_clips(folder, outside=inside)


def process_here(
    folder: Path, names: tuple[str, ...], job: ClipJob, network: NetworkChoice, jobs: int | None
) -> None:
    """Do the clips of a folder, as many at once as jobs says; the paths of the job are folders."""
    from rtseg.cli.board import Board
    from rtseg.cli.watching import signals
    from rtseg.errors import ConfigError
    from rtseg.offline import codecs
    from rtseg.offline.folder import process_folder
    from rtseg.offline.manifest import MANIFEST
    from rtseg.threads import processors

    folders = {kind: Path(path) for kind, path in asked_folders(job).items()}
    for path in folders.values():
        if path.exists() and not path.is_dir():
            raise ConfigError(f"{path}: is a file; many videos go into folders, so give the name of one")
        if path.resolve() == folder.resolve():
            raise ConfigError(f"{path}: is the folder of the input; choose another one for the results")
    codecs.check(job.encoder)
    workers = jobs or default_jobs()
    network = replace(network, threads=max(1, processors() // 2 // workers))
    paths = {name: folder / name for name in names}
    sizes = {name: path.stat().st_size if path.exists() else 0 for name, path in paths.items()}
    console = common.console()
    with signals() as caught, Board(sizes, console) as board:
        process_folder(
            folder,
            names,
            folders,
            _plain(job),
            network,
            workers=workers,
            watcher=board,
            stopping=lambda: board.heed(bool(caught)),
        )
    finish(board.outcomes, len(names), caught, console)
    typer.echo(folders["video"] / MANIFEST)
    leave(board.outcomes, caught)


def default_jobs() -> int:
    """A clip keeps about four processors busy; see tools/bench_fleet.py for two."""
    from rtseg.threads import processors

    return max(1, processors() // 4)


def asked_folders(job: ClipJob) -> dict[str, str]:
    """By kind of output, as they were given: folders, or URLs."""
    paths = {"video": job.output, "masks": job.masks, "jsonl": job.jsonl}
    paths |= {"parquet": job.parquet, "summary": job.summary}
    return {kind: as_given(path) for kind, path in paths.items() if path is not None}


def as_given(path: Path) -> str:
    """A path, or the URL that was given as one: a Path keeps only one of its slashes."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?!/)", r"\1://", path.as_posix())


def verify(input: str, output: Path) -> None:
    """Compare results with their manifest; exit code 1 where one does not fit."""
    from rtseg.offline.folder import verify_folder

    console = common.console()
    wrong = checked = 0
    for name, problem in verify_folder(Path(input), output):
        checked += 1
        if problem is not None:
            wrong += 1
            console.print(common.shown(f"{name}: {problem}"))
    console.print(f"{checked - wrong} of {checked} results are what the manifest says")
    if wrong or not checked:
        raise typer.Exit(1)


def _plain(job: ClipJob) -> ClipJob:
    return replace(job, masks=None, jsonl=None, parquet=None, summary=None)


def finish(outcomes: Mapping[str, Outcome], asked: int, caught: list[int], console: Console) -> None:
    """The table at the end: every clip, or where they are too many those that failed, and the sums."""
    states = [outcome.state for outcome in outcomes.values()]
    shown = [each for each in outcomes.values() if asked <= _MOST_ROWS or each.state == "failed"]
    if shown:
        table = common.borderless_table("clip", "state", "frames>", "fps>", "")
        for outcome in sorted(shown, key=lambda each: each.name):
            entry = outcome.entry
            frames, fps = (entry.frames, entry.fps) if entry is not None else (None, None)
            notes = outcome.error or "; ".join(entry.troubles if entry is not None else ())
            table.add_row(common.shown(outcome.name), outcome.state, str(frames or ""), str(fps or ""), notes)
        console.print(table, soft_wrap=False)
    counts = [f"{states.count(state)} {state}" for state in ("done", "skipped", "failed") if state in states]
    if (left := asked - sum(state != "stopped" for state in states)) > 0:
        counts.append(f"{left} left; the same command goes on with them")
    console.print(f"{asked} clips: {', '.join(counts)}")


def leave(outcomes: Mapping[str, Outcome], caught: list[int]) -> None:
    """Exit with the code that tells: a signal's while something is left, 1 where a clip failed, or 0."""
    if caught:
        raise typer.Exit(128 + caught[0])
    if any(outcome.state == "failed" for outcome in outcomes.values()):
        raise typer.Exit(1)
