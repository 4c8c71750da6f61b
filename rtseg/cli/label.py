"""rtseg label: pseudo-labels, so that a training can learn from pictures that nobody has labelled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common
from rtseg.cli.watching import tell_troubles

if TYPE_CHECKING:
    from rtseg.evaluation.predictor import Predictor
    from rtseg.evaluation.pseudo_labels import LabelConfig


def label(
    sources: Annotated[
        list[str], typer.Argument(help="Videos, folders of pictures or globs.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="The data set to write, a folder.")],
    teacher: Annotated[
        list[str],
        typer.Option(help="A model that says what it sees; several times for several, whose mean decides."),
    ] = ["street-m"],  # noqa: B006  typer reads it
    keep: Annotated[
        float, typer.Option(help="Least probability for which a pixel is labelled; the others do not count.")
    ] = 0.9,
    every: Annotated[int, typer.Option(help="Take every Nth frame.")] = 1,
    longest_side: Annotated[int, typer.Option(help="Pictures are shrunk to this many pixels.")] = 640,
    white_balance: Annotated[
        bool, typer.Option("--white-balance", help="Take out a colour cast first.")
    ] = False,
    data_license: Annotated[
        str, typer.Option("--license", help="The pictures' licence, for the cards of models trained on them.")
    ] = "not stated",
    yes: common.Overwrite = False,
) -> None:
    """Label the pixels that one or more teachers are sure of, and write them as a data set.

    Train on it beside real labels: rtseg train --data camvid --data drive-labelled=0.5 ...

    Example: rtseg label drive.mp4 --every 30 -o drive-labelled
    """
    from contextlib import ExitStack

    from rtseg.evaluation.pseudo_labels import LabelConfig
    from rtseg.segmenter import load

    config = LabelConfig(keep, every, longest_side, white_balance, data_license)
    with ExitStack() as stack:
        teachers = [stack.enter_context(load(name)) for name in teacher]
        label_sources(sources, teachers, out, config, overwrite=yes)


def label_sources(
    sources: Sequence[str], teachers: Sequence[Predictor], out: Path, config: LabelConfig, *, overwrite: bool
) -> None:
    """Open the sources, label them with a progress bar, and print what came of it."""
    from contextlib import ExitStack

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from rtseg.evaluation.pseudo_labels import check_replaceable, label
    from rtseg.video.outputs import check_folder
    from rtseg.video.source import open_source

    console = common.console()
    with ExitStack() as stack:
        opened = [stack.enter_context(open_source(source)) for source in sources]
        check_folder(out, overwrite=overwrite, inputs=[file for source in opened for file in source.files])
        check_replaceable(out)
        counts = [source.frame_count for source in opened]
        total = None if None in counts else sum(-(-(count or 0) // config.every) for count in counts)
        columns = (TextColumn("labelling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("label", total=total)
            labelled = label(opened, teachers, out, config, lambda: bar.advance(task))
        for source in opened:
            tell_troubles(source, console)
    table = Table("class", "share of all pixels", title=f"{labelled.pictures} pictures labelled")
    for name, pixels in zip(labelled.classes, labelled.pixels.tolist(), strict=True):
        table.add_row(name, f"{pixels / labelled.pixels_in_all:.2%}")
    table.add_row("not labelled", f"{1 - labelled.pixels.sum() / labelled.pixels_in_all:.2%}")
    console.print(table)
    typer.echo(out)
