"""rtseg export: a trained model to what a backend runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rtseg.cli import common


def export(
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="A folder that `rtseg train` wrote; for int8 also a model's name."
        ),
    ],
    format: Annotated[
        Literal["onnx", "int8"],
        typer.Option(
            help="onnx: model.onnx from trained weights; int8: from model.onnx a smaller and quicker "
            "model.int8.onnx, which --precision int8 runs."
        ),
    ] = "onnx",
    data: Annotated[
        Path | None,
        typer.Option(help="int8: calibrate with pictures of this data set (labels do not matter)."),
    ] = None,
    demo: Annotated[
        int | None, typer.Option(min=1, help="int8: calibrate with so many demo scenes instead.")
    ] = None,
    split: Annotated[str, typer.Option(help="int8: which part of the data set.")] = "train",
    samples: Annotated[int, typer.Option(min=1, help="int8: take so many of its pictures.")] = 100,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; the same folder unless given.")
    ] = None,
    yes: common.Overwrite = False,
) -> None:
    """Write a network and its card for OpenVINO, ONNX Runtime and TensorRT.

    Example: rtseg export --model street-m --format int8 --data camvid -o street-m-int8
    """
    from rtseg.errors import ConfigError

    with common.train_extra("exporting"):
        if format == "int8":
            _export_int8(model, out, data, demo, split, samples, overwrite=yes)
            return
        if data is not None or demo is not None:
            raise ConfigError("--data and --demo calibrate an int8 network; add --format int8")
        from rtseg.card import ONNX_FILE

        common.start_keras()
        from rtseg.export.onnx import export_onnx

        folder = out or Path(model)
        export_onnx(Path(model), folder)
    common.print_paths(folder / ONNX_FILE)


def _export_int8(
    name: str,
    out: Path | None,
    data: Path | None,
    demo: int | None,
    split: str,
    samples: int,
    *,
    overwrite: bool,
) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from rtseg.card import INT8_FILE
    from rtseg.errors import ConfigError
    from rtseg.export import calibration, quantize

    if (data is None) == (demo is None):
        raise ConfigError(
            "int8 is calibrated with pictures like those that it will see; name one of --data FOLDER and "
            "--demo NUMBER"
        )
    model = quantize.find_float_model(name)
    if data is not None:
        pictures = calibration.data_set_pictures(data, split, samples)
    else:
        pictures = calibration.demo_pictures(demo or 0)
    folder = out or model.onnx_path.parent
    quantize.check_folder(model, folder, overwrite=overwrite)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = common.console()
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        quantised = quantize.quantize_model(model, folder, pictures, show)
    path = folder / INT8_FILE
    share = path.stat().st_size / model.onnx_path.stat().st_size
    console.print(
        f"{share:.1%} of {model.onnx_path.name}'s size, equal to it in {quantised.agreement:.2%} of pixels; "
        f"{quantised.stay_float} convolutions stay float. `rtseg eval --precision int8` measures it"
    )
    common.print_paths(path)
