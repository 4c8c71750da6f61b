"""rtseg eval: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtseg.cli import common


def evaluate(
    data: Annotated[
        Path | None, typer.Option(help="A data set: a folder with dataset.toml.", show_default=False)
    ] = None,
    demo: Annotated[
        int | None, typer.Option(min=1, help="Instead: this many demo scenes that no training has seen.")
    ] = None,
    model: common.Model = "street-m",
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "val",
    class_map: Annotated[
        str, typer.Option("--map", help="Which map of dataset.toml.")
    ] = "road-vehicle-pedestrian",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Put the figures into the model's card, with this command.")
    ] = False,
    yes: common.Overwrite = False,
) -> None:
    """Measure IoU per class on a data set at its own resolution, or on demo scenes.

    Example: rtseg eval --model street-m --data camvid --split val
    """
    import json
    import shlex
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from rtseg.card import add_metric
    from rtseg.data.data_set import open_data_set
    from rtseg.errors import ConfigError
    from rtseg.evaluation.evaluate import evaluate_data_set, evaluate_demo
    from rtseg.segmenter import load
    from rtseg.video.outputs import check_output, write_file

    if (data is None) == (demo is None):
        raise ConfigError("name one of --data FOLDER and --demo NUMBER")
    if json_file is not None:
        check_output(json_file, overwrite=yes)
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        load(model, backend=backend, precision=precision) as segmenter,
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("eval")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if data is not None:
            data_set = open_data_set(data, class_map)
            evaluation = evaluate_data_set(segmenter, data_set, split, show)
        else:
            evaluation = evaluate_demo(segmenter, demo or 0, show)

    figures = evaluation.to_json(segmenter.card.name) | {
        "backend": segmenter.backend.name,
        "precision": segmenter.backend.precision,
    }
    table = Table("class", "IoU", title=f"{figures['model']} on {figures['dataset']}, {figures['split']}")
    for name, iou in figures["iou"].items():
        table.add_row(name, "absent" if iou is None else f"{iou:.4f}")
    table.add_section()
    table.add_row("mean", f"{figures['mean_iou']:.4f}")
    table.add_row("mean with background", f"{figures['mean_iou_all']:.4f}")
    table.add_row("pixel accuracy", f"{figures['pixel_accuracy']:.4f}")
    Console().print(table)
    typer.echo(
        f"{figures['frames']} frames, {figures['ms_per_frame']:.1f} ms each "
        f"({figures['backend']}, {figures['precision']})",
        err=True,
    )
    if json_file is not None:
        write_file(json_file, (json.dumps(figures, indent=2) + "\n").encode())
    if card:
        command = shlex.join(["rtseg", *(part for part in sys.argv[1:] if part != "--card")])
        typer.echo(add_metric(model, evaluation.to_metric(command)))
