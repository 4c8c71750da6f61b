"""rtseg export: a trained model to what a backend runs."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.export.parity import Gate


def export(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="onnx: a folder that `rtseg train` wrote; int8 and engine: a model's name or its folder.",
        ),
    ],
    format: Annotated[
        Literal["onnx", "int8", "engine"],
        typer.Option(
            help="onnx: model.onnx from trained weights; int8: from model.onnx a smaller and quicker "
            "model.int8.onnx, which --precision int8 runs; engine: a TensorRT engine for this GPU."
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
    precision: Annotated[
        Literal["fp32", "fp16", "int8"] | None,
        typer.Option(help="engine: its arithmetic; fp16 unless given. int8 needs a model that has int8."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="engine: its input, WIDTHxHEIGHT; what the model was trained on unless given."),
    ] = None,
    workspace: Annotated[
        int | None, typer.Option(min=1, help="engine: MB of GPU memory to build with; 1024 unless given.")
    ] = None,
    dla: Annotated[
        int | None, typer.Option(min=0, help="engine: run on this core of the board's DLA accelerator.")
    ] = None,
    timing_cache: Annotated[
        Path | None,
        typer.Option(help="engine: a file of what builds measured, which makes the next ones quicker."),
    ] = None,
    parity_frames: Annotated[
        Path | None,
        typer.Option(help="Compare with the model on pictures of this folder; on demo scenes unless given."),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Fail where it agrees with the model on less than this share of pixels; the limits of the "
            "worst frame and of each class's IoU move along.",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the comparison with the model as JSON.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write; the same folder unless given. An engine is copied there for other "
            "programs: rtseg runs those of its cache.",
        ),
    ] = None,
    yes: common.Overwrite = False,
) -> None:
    """Write a network and its card for OpenVINO, ONNX Runtime and TensorRT.

    Each is compared with the model that it was made of, and not kept where it says something else.

    Example: rtseg export --model street-m --format int8 --data camvid -o street-m-int8
    """
    from rtseg.errors import ConfigError

    for_engine = {
        "--precision": precision,
        "--size": size,
        "--workspace": workspace,
        "--dla": dla,
        "--timing-cache": timing_cache,
    }
    given = [name for name, value in for_engine.items() if value is not None]
    if given and format != "engine":
        raise ConfigError(f"{given[0]} says how an engine is built; add --format engine")
    if (data is not None or demo is not None) and format != "int8":
        raise ConfigError("--data and --demo calibrate an int8 network; add --format int8")
    if data is not None and demo is not None:
        raise ConfigError(
            "--data and --demo each say which pictures calibrate the int8 network; give one of them"
        )
    from rtseg.export.folders import output_folder

    with output_folder(out) if out is not None else nullcontext():
        gate = _gate(parity_frames, min_agreement, report, overwrite=yes)
        if format == "engine":
            from rtseg.cli.export_engine import export_engine

            export_engine(
                model,
                out,
                gate,
                precision=precision or "fp16",
                size=common.parse_size(size) if size is not None else None,
                workspace_mb=workspace,
                dla_core=dla,
                timing_cache=timing_cache,
                prove_again=any(given is not None for given in (report, parity_frames, min_agreement)),
                overwrite=yes,
            )
        elif format == "int8":
            from rtseg.cli.export_int8 import export_int8

            with common.train_extra("exporting"):
                export_int8(model, out, data, demo, split, samples, gate, overwrite=yes)
        else:
            _export_onnx(model, out, gate)
    common.print_paths(report)


def _export_onnx(model: str, out: Path | None, gate: Gate) -> None:
    from rtseg.card import ONNX_FILE
    from rtseg.export.folders import trained_folder

    folder = trained_folder(model)
    with common.train_extra("exporting"):
        common.start_keras()
        from rtseg.export.onnx import export_onnx

        export_onnx(folder, out or folder, gate, common.console().print)
    common.print_paths((out or folder) / ONNX_FILE)


def _gate(pictures: Path | None, agreement: float | None, report: Path | None, *, overwrite: bool) -> Gate:
    """What each export must pass; the table goes to stderr, and to a file also where it fails."""
    from rtseg.export.parity import Gate, Parity
    from rtseg.export.samples import find_pictures
    from rtseg.export.tables import parity_table
    from rtseg.video.outputs import check_output, write_file

    if report is not None:
        check_output(report, overwrite=overwrite)
    if pictures is not None:
        find_pictures(pictures, 1)  # said now, and not after minutes

    def tell(parity: Parity) -> None:
        common.console().print(parity_table(parity))
        if report is not None:
            write_file(report, parity.to_json().encode())

    where = "see the table above" + (f" and {report}" if report is not None else "; --report FILE keeps it")
    return Gate(pictures, agreement=agreement, tell=tell, told=where)
