"""rtseg export: Keras weights to what a backend runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    model: Annotated[Path, typer.Option("--model", "-m", help="A folder that `rtseg train` wrote.")],
    format: Annotated[Literal["onnx"], typer.Option(help="onnx: for OpenVINO and ONNX Runtime.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; the same folder unless given.")
    ] = None,
) -> None:
    """Write model.onnx and its card from trained weights."""
    import os

    from rtseg.card import ONNX_FILE

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from rtseg.export.onnx import export_onnx

    folder = out or model
    export_onnx(model, folder)
    typer.echo(folder / ONNX_FILE)
