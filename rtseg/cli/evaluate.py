"""rtseg eval: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common
from rtseg.cli.watching import tell_troubles

if TYPE_CHECKING:
    from rtseg.segmenter import Segmenter


def evaluate(
    data: Annotated[
        Path | None, typer.Option(help="A data set: a folder with dataset.toml.", show_default=False)
    ] = None,
    demo: Annotated[
        int | None, typer.Option(min=1, help="Instead: this many demo scenes that no training has seen.")
    ] = None,
    video: Annotated[
        str | None, typer.Option(help="Instead: a video without labels; how steady is the model on it?")
    ] = None,
    model: common.Model = "street-m",
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "val",
    only: Annotated[
        str | None, typer.Option(help="Only pictures whose names without ending match, as in 'drive7_*'.")
    ] = None,
    class_map: Annotated[
        str, typer.Option("--map", help="Which map of dataset.toml.")
    ] = "road-vehicle-pedestrian",
    frames: Annotated[int | None, typer.Option(min=2, help="Stop after so many frames of the video.")] = None,
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page with tables, curves and the worst frames into this folder."),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Put the figures into the model's card, with this command.")
    ] = False,
    yes: common.Overwrite = False,
) -> None:
    """Measure IoU, outlines and calibration on a data set or on demo scenes; steadiness on a video.

    Example: rtseg eval --model street-m --data camvid --split val --report camvid-report
    """
    import shlex
    import sys

    from rtseg.card import add_metric
    from rtseg.data.data_set import open_data_set
    from rtseg.errors import ConfigError
    from rtseg.evaluation.evaluate import evaluate_data_set, evaluate_demo
    from rtseg.evaluation.outputs import check_outputs, progress_bar, tell_evaluation
    from rtseg.segmenter import load

    if [data, demo, video].count(None) != 2:
        raise ConfigError("name one of --data FOLDER, --demo NUMBER and --video FILE")
    if only is not None and data is None:
        raise ConfigError("--only chooses among the pictures of a data set; name one with --data")
    if only is not None and card:
        raise ConfigError("--card is for figures of a whole split; leave --only out")
    if frames is not None and video is None:
        raise ConfigError("--frames is for --video; --demo itself says how many scenes")
    if video is not None and (report is not None or card):
        raise ConfigError("--report and --card are for figures with labels; a video gives --json only")
    check_outputs(json_file, report, overwrite=yes)
    if video is not None:
        with load(model, backend=backend, precision=precision) as segmenter:
            _evaluate_video(segmenter, video, frames, json_file)
        return

    with load(model, backend=backend, precision=precision) as segmenter, progress_bar() as show:
        if data is not None:
            data_set = open_data_set(data, class_map)
            evaluation = evaluate_data_set(segmenter, data_set, split, show, only=only)
        else:
            evaluation = evaluate_demo(segmenter, demo or 0, show)
    figures = evaluation.to_json(segmenter.name) | _arithmetics(segmenter)
    command = shlex.join(["rtseg", *(part for part in sys.argv[1:] if part != "--card")])
    palette = segmenter.card.palette
    tell_evaluation(evaluation, figures, json_file=json_file, report=report, palette=palette, command=command)
    if card:
        measured_in = {"precision": segmenter.card.precision}
        typer.echo(add_metric(model, evaluation.to_metric(command).model_copy(update=measured_in)))


def _evaluate_video(segmenter: Segmenter, uri: str, frames: int | None, json_file: Path | None) -> None:
    from rtseg.evaluation.outputs import progress_bar, tell
    from rtseg.evaluation.tables import video_table
    from rtseg.evaluation.video import evaluate_video
    from rtseg.video.source import open_source

    with open_source(uri) as source:
        with progress_bar() as show:
            evaluation = evaluate_video(segmenter, source, frames, show)
        tell_troubles(source, common.console())
    figures = evaluation.to_json(segmenter.name) | _arithmetics(segmenter)
    tell(figures, video_table(figures), json_file)


def _arithmetics(segmenter: Segmenter) -> dict[str, str]:
    return {"backend": segmenter.backend.name, "precision": segmenter.backend.precision}
