"""rtseg models: what is there, and what a card says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.card import Metric

app = typer.Typer(help="Show the models that come with rtseg.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]

_NET_COLUMN = len("litex05_mobilenetv2x05")


@app.command("list")
def list_models(json_output: Json = False) -> None:
    """List the models by name, with their accuracy and size."""
    import json
    import textwrap

    from rich.console import Console

    from rtseg.card import INT8_FILE, ONNX_FILE, find_model, shipped_models
    from rtseg.labels import has_background

    cards = [find_model(name).card for name in shipped_models()]
    if json_output:
        typer.echo(json.dumps([card.model_dump(mode="json", by_alias=True) for card in cards], indent=2))
        return
    table = common.borderless_table("name", "net, input, classes", "parameters>", "MB>", "mean IoU")
    for card in cards:
        figures = [f"{metric.mean_iou:.3f} {_measured_on(metric)}" for metric in card.metrics]
        size = f"{card.input.width}x{card.input.height}"
        classes = ", ".join(card.classes[has_background(card.classes) :])
        megabytes = [
            f"{label}{card.files[file].bytes / 1e6:.1f}"
            for file, label in ((ONNX_FILE, ""), (INT8_FILE, "int8 "))
            if file in card.files
        ]
        table.add_row(
            card.name,
            "\n".join([card.net, size, *textwrap.wrap(classes, _NET_COLUMN)]),
            f"{card.parameters / 1e6:.2f} M" if card.parameters else "",
            "\n".join(megabytes),
            "\n".join(figures) or "not measured",
        )
    Console(highlight=False).print(table)


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="A model's name, its folder, or an ONNX file of ours.")],
    json_output: Json = False,
) -> None:
    """Show one model's card: figures per class, training data and licences."""
    from rich.console import Console
    from rich.table import Table

    from rtseg.card import find_model

    card = find_model(name).card
    if json_output:
        typer.echo(card.to_json(), nl=False)
        return
    console = Console(highlight=False)
    console.print(
        f"[bold]{card.name}[/]: {card.net}, {card.precision}, {card.input.width}x{card.input.height}"
    )
    for data in card.training_data:
        console.print(f"learned from {data.name}: {data.license}", soft_wrap=True)
    table = Table("", "mean", *card.classes)
    for metric in card.metrics:
        ious = [metric.iou.get(name) for name in card.classes]
        cells = ["-" if iou is None else f"{iou:.3f}" for iou in ious]
        table.add_row(_measured_on(metric), f"{metric.mean_iou:.3f}", *cells)
    console.print(table)
    console.print(f"trained by: {card.training_command}", soft_wrap=True)


def _measured_on(metric: Metric) -> str:
    network = ", int8" if metric.precision == "int8" else ""
    return f"{metric.dataset} {metric.split}{network}"
