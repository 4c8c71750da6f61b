"""rtseg train: from a data set to a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def train(
    data: Annotated[Path, typer.Option(help="A data set: a folder with dataset.toml.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", help="The run's folder; it becomes a model's folder.")
    ],
    net: Annotated[
        str, typer.Option(help="DECODER_ENCODER, for example lite_mobilenetv2.")
    ] = "lite_mobilenetv2",
    epochs: Annotated[int, typer.Option(help="How many times each picture is shown.")] = 40,
    class_map: Annotated[str, typer.Option("--map", help="Which map of dataset.toml to train.")] = (
        "road-vehicle-pedestrian"
    ),
    encoder_weights: Annotated[
        Path | None,
        typer.Option(help="ImageNet weights of the encoder (.weights.h5); none starts from nothing."),
    ] = None,
    encoder_license: Annotated[
        str, typer.Option(help="The licence of those weights, for the model's card.")
    ] = "not stated",
    freeze: Annotated[
        Literal["none", "bn", "encoder"],
        typer.Option(
            help="Keep of the encoder as it is: none; bn, its batch normalisation (a far quicker step on "
            "a CPU); encoder, all of it."
        ),
    ] = "none",
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 8,
    size: Annotated[str, typer.Option(help="Size of the crops, multiples of 32.")] = "480x352",
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate of the schedule.")] = 5e-4,
    weight_decay: Annotated[float, typer.Option(help="AdamW's weight decay.")] = 1e-4,
    class_weights: Annotated[
        str, typer.Option(help="Weights of the classes in the cross-entropy, separated by commas.")
    ] = "",
    demo_share: Annotated[float, typer.Option(help="Share of samples that the demo source draws.")] = 0.2,
    precision: Annotated[
        Literal["float32", "mixed_bfloat16", "mixed_float16"],
        typer.Option(help="Arithmetic; a mixed one where the device is faster with it."),
    ] = "float32",
    seed: Annotated[int, typer.Option(help="Two runs of one seed start alike.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
) -> None:
    """Train a network with transfer learning, and export the best epoch as a model.

    Example: rtseg train --data camvid -o runs/mine --encoder-weights mobilenet_v2.weights.h5
    """
    import os
    import shlex
    import sys

    from rtseg.cli.common import parse_size
    from rtseg.errors import ConfigError

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from rtseg.training.config import TrainConfig

    try:
        weights = tuple(float(part) for part in class_weights.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(f"class weights {class_weights!r} are not numbers separated by commas") from error
    config = TrainConfig(
        data=data,
        out=out,
        net=net,
        encoder_weights=encoder_weights,
        encoder_license=encoder_license,
        freeze=freeze,
        class_map=class_map,
        epochs=epochs,
        batch=batch,
        size=parse_size(size),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        class_weights=weights,
        demo_share=demo_share,
        seed=seed,
        precision=precision,
        command=shlex.join(["rtseg", *(part for part in sys.argv[1:] if part != "--resume")]),
    )
    from rtseg.export.onnx import export_onnx
    from rtseg.training.fit import train as fit

    best = fit(config, resume=resume)
    export_onnx(out, out)
    typer.echo(f"best epoch {best['epoch']:.0f}: mean IoU {best['mean_iou']:.4f}", err=True)
    typer.echo(out)
