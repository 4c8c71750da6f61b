"""rtseg process --ray: a folder of videos, in storage or here, on a Ray cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from rtseg.cli import common
from rtseg.cli.process_many import Asked, asked_folders, finish, leave

if TYPE_CHECKING:
    from rtseg.offline import ClipJob
    from rtseg.runtime.choice import NetworkChoice

_MOST_CPUS = 4  # what a clip keeps busy
_SPLIT_S = 300.0
_GOODBYE = "Stopping; what machines are at is given up, what is in storage is kept."


def process_on_ray(input: str, job: ClipJob, network: NetworkChoice, asked: Asked) -> None:
    """Do the clips of a folder on a cluster; the paths of the job are folders or URLs."""
    from rtseg.cli.board import Board
    from rtseg.cli.watching import signals
    from rtseg.errors import ConfigError, SourceError
    from rtseg.fleet.cluster import connected, largest
    from rtseg.fleet.items import find_items
    from rtseg.fleet.storage import Store
    from rtseg.offline import codecs
    from rtseg.offline.manifest import MANIFEST
    from rtseg.threads import processors

    assert asked.ray is not None
    if asked.jobs is not None:
        raise ConfigError("--jobs is for this machine alone; with --ray give --task-cpus, the CPUs of a task")
    if asked.ray == "local" and (asked.task_cpus or 0) > processors():  # another cluster may grow
        raise ConfigError(f"--task-cpus {asked.task_cpus:g}: this machine has {processors()}; ask for less")
    codecs.check(job.encoder)
    source = Store.of(input)
    folders = {kind: Store.of(given) for kind, given in asked_folders(job).items()}
    for store in folders.values():
        if store == source:
            raise ConfigError(f"{store}: is the folder of the input; choose another one for the results")
    for store in folders.values():
        store.size(MANIFEST)  # complains of what it lacks before anything is started
    template = replace(job, masks=None, jsonl=None, parquet=None, summary=None)
    sizes = find_items(source, outside=folders.values())
    if not sizes:
        raise SourceError(f"{source}: no videos there; check its name, and that it is a folder")
    console = common.console()
    with connected(asked.ray):
        from rtseg.fleet.machines import Resources
        from rtseg.fleet.run import plain_work, process_on_cluster

        cpus = asked.task_cpus or min(_MOST_CPUS, largest("CPU") or _MOST_CPUS)
        if asked.ray == "local" and asked.task_gpus > largest("GPU"):
            raise ConfigError(
                f"--task-gpus {asked.task_gpus:g}: Ray finds {largest('GPU'):g} GPUs here; ask for less"
            )
        network = replace(network, threads=max(1, round(cpus / 2)))
        work = plain_work(source, folders, template, network, asked.split_s or _SPLIT_S)
        with signals() as caught, Board(sizes, console, _GOODBYE) as board:
            process_on_cluster(
                sizes,
                work,
                Resources(cpus, asked.task_gpus),
                watcher=board,
                stopping=lambda: board.heed(bool(caught)),
            )
    finish(board.outcomes, len(sizes), caught, console)
    typer.echo(folders["video"].called(MANIFEST))
    leave(board.outcomes, caught)
