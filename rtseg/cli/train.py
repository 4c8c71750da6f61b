"""rtseg train: from data sets to a model folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

_Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]


def _flag(help_text: str, *names: str, panel: str) -> Any:
    # Rich would take [none] for a tag and swallow it.
    shown = re.sub(r"\[(?=[a-z])", r"\\[", help_text)
    return typer.Option(*names, help=shown, rich_help_panel=panel, show_default=False)


def train(
    out: Annotated[
        Path, typer.Option("--output", "-o", help="The run's folder; it becomes a model's folder.")
    ],
    config: Annotated[
        Path | None, typer.Option(help="A train.toml, as in the folders of the shipped models.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run; its train.toml is read.")
    ] = False,
    data: Annotated[
        list[str] | None,
        _flag(
            "A data set: a folder with dataset.toml. Several times for several; FOLDER=2 shows each of its "
            "pictures twice an epoch, FOLDER=0.5 every other.",
            panel="Data",
        ),
    ] = None,
    class_map: Annotated[
        str | None, _flag("Map of dataset.toml [road-vehicle-pedestrian].", "--map", panel="Data")
    ] = None,
    hold_out: Annotated[
        str | None,
        _flag("Leave out training pictures of these names, globs separated by commas.", panel="Data"),
    ] = None,
    demo_share: Annotated[
        float | None,
        _flag("Share of samples that the demo source draws [0.2, or 0 for other classes].", panel="Data"),
    ] = None,
    size: Annotated[str | None, _flag("Size of the crops, multiples of 32 [480x352].", panel="Data")] = None,
    net: Annotated[str | None, _flag("DECODER_ENCODER [lite_mobilenetv2].", panel="Network")] = None,
    init: Annotated[str | None, _flag("Start from this model: a name or a folder.", panel="Network")] = None,
    encoder_weights: Annotated[
        str | None,
        _flag(
            "What the encoder starts from: imagenet, weights that Keras fetches once and keeps; PATH, a file "
            "of weights (.weights.h5, .h5); none [none].",
            panel="Network",
        ),
    ] = None,
    encoder_license: Annotated[
        str | None, _flag("The licence of those weights, for the model's card.", panel="Network")
    ] = None,
    freeze: Annotated[
        Literal["none", "bn", "all-bn", "encoder"] | None,
        _flag(
            "Keep as it is: none; bn, the encoder's batch normalisation (a far quicker step on a CPU); "
            "all-bn, the decoder's too (for a last stage from a trained model); encoder, all of it [none].",
            panel="Network",
        ),
    ] = None,
    unfreeze_after: Annotated[
        int | None,
        _flag(
            "After so many epochs, what --freeze kept learns too [0: never]. The optimizer begins anew then, "
            "and the rate warms up once more to where it stood. Usually wants a lower --learning-rate than a "
            "decoder alone, or the encoder forgets what it knew.",
            panel="Network",
        ),
    ] = None,
    epochs: Annotated[int | None, _flag("How many [40].", panel="Steps")] = None,
    calm_epochs: Annotated[
        int | None, _flag("So many last epochs without painted weather and bonnets [0].", panel="Steps")
    ] = None,
    batch: Annotated[int | None, _flag("Pictures a step [8].", panel="Steps")] = None,
    learning_rate: Annotated[
        float | None, _flag("Highest learning rate of the schedule [5e-4].", panel="Steps")
    ] = None,
    weight_decay: Annotated[float | None, _flag("AdamW's [1e-4].", panel="Steps")] = None,
    ema: Annotated[
        float | None,
        _flag("Momentum of the weights' average, 0 for none [over the last tenth].", panel="Steps"),
    ] = None,
    keep: Annotated[
        Literal["best", "last"] | None,
        _flag("Which epoch's weights: the best one on val, or the last [best].", panel="Steps"),
    ] = None,
    blend: Annotated[
        float | None,
        _flag(
            "Keep a mean with the weights of --init, with this share of the trained ones [1].", panel="Steps"
        ),
    ] = None,
    precision: Annotated[
        _Precision | None,
        _flag("Arithmetic [auto: bfloat16 on a GPU, float32 on a CPU].", panel="Steps"),
    ] = None,
    seed: Annotated[int | None, _flag("Two runs of one seed start alike [0].", panel="Steps")] = None,
    class_weights: Annotated[
        str | None,
        _flag("Of the cross-entropy, separated by commas, for example 1,1,1.5,2.5.", panel="Loss"),
    ] = None,
    focal: Annotated[float | None, _flag("Exponent of the focal loss, 0 for none [0].", panel="Loss")] = None,
    dice: Annotated[float | None, _flag("Weight of the Dice loss [0.5].", panel="Loss")] = None,
    auxiliary: Annotated[
        float | None, _flag("Weight of a second head at training time [0].", panel="Loss")
    ] = None,
    teacher: Annotated[
        str | None, _flag("Learn from this model too: a name or a folder.", panel="Loss")
    ] = None,
    distillation: Annotated[float | None, _flag("Weight of what the teacher says [1].", panel="Loss")] = None,
    pictures_every: Annotated[int | None, _flag("Epochs between picture sheets [5].", panel="Steps")] = None,
) -> None:
    """Train a network with transfer learning, and export the epoch that is kept as a model.

    The run's folder shows how it goes: curves.png, pictures/, log.csv, tensorboard/.

    Example: rtseg train --data camvid -o runs/mine --encoder-weights imagenet

    First the decoder alone, then all: add --freeze encoder --unfreeze-after 5 --learning-rate 2e-4

    The first stage of street-m: rtseg train --config models/street-m/start.toml -o runs/street-m-start
    """
    import shlex
    import sys

    from rtseg.cli.common import names, parse_size, start_keras, train_extra
    from rtseg.errors import ConfigError

    with train_extra("training"):
        start_keras()
        from rtseg.training.config import CONFIG_FILE, load_config
        from rtseg.training.fit import train as fit

    given: dict[str, Any] = {
        "data": _weighted(data) if data else None,
        "class_map": class_map,
        "hold_out": names(hold_out) if hold_out is not None else None,
        "demo_share": demo_share,
        "size": parse_size(size) if size else None,
        "net": net,
        "init": init,
        "encoder_weights": encoder_weights,
        "encoder_license": encoder_license,
        "freeze": freeze,
        "unfreeze_after": unfreeze_after,
        "epochs": epochs,
        "calm_epochs": calm_epochs,
        "batch": batch,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "ema": ema,
        "keep": keep,
        "blend": blend,
        "precision": precision,
        "seed": seed,
        "class_weights": names(class_weights) if class_weights is not None else None,
        "focal": focal,
        "dice": dice,
        "auxiliary": auxiliary,
        "teacher": teacher,
        "distillation": distillation,
        "pictures_every": pictures_every,
    }
    flags = {key: value for key, value in given.items() if value is not None}
    if resume and config is None:
        config = out / CONFIG_FILE
        if not config.is_file():
            raise ConfigError(
                f"{out}: holds no run to go on with (no {CONFIG_FILE}); start one without --resume"
            )
    else:
        flags["command"] = shlex.join(["rtseg", *(part for part in sys.argv[1:] if part != "--resume")])
    settings = load_config(config, {**flags, "out": out})

    best = fit(settings, resume=resume)
    typer.echo(f"{settings.keep} epoch {best['epoch']:.0f}: mean IoU {best['mean_iou']:.4f}", err=True)
    _export(out)
    typer.echo(out)


def _export(out: Path) -> None:
    """Write model.onnx, or say how to where this Python cannot."""
    import shlex

    from rtseg.export.availability import why_unavailable

    why = why_unavailable()
    if why is None:
        from rtseg.export.onnx import export_onnx

        export_onnx(out, out)
        return
    command = shlex.join(["rtseg", "export", "--model", str(out)])
    typer.echo(
        f"{out}: weights and card are complete, but {why}; make model.onnx where TensorFlow is: "
        f"KERAS_BACKEND=tensorflow {command}",
        err=True,
    )


def _weighted(data: list[str]) -> dict[str, str]:
    """FOLDER or FOLDER=TIMES, each folder once."""
    from rtseg.errors import ConfigError

    weighted: dict[str, str] = {}
    for text in data:
        folder, sign, times = text.rpartition("=")
        path = str(Path(folder if sign else text))
        if path in weighted:
            raise ConfigError(
                f"--data names {path} twice; to show its pictures more often, {path}=2 is enough"
            )
        weighted[path] = times if sign else "1"
    return weighted
