"""Which decoder pays: the same short training for each, then one table and one plot, accuracy over latency.

.venv/bin/python tools/compare_zoo.py --data camvid --encoder-weights imagenet -o runs/zoo [--epochs 4]
.venv/bin/python tools/compare_zoo.py --data camvid --net fcn8_vgg16 -o runs/zoo --epochs 2  # adds one
.venv/bin/python tools/compare_zoo.py -o runs/zoo            # only the table and the plot of what is there

Each net is trained by `rtseg train` in a folder of its own; what was interrupted goes on, what is there is
not trained again. Times are medians of calls in turns, so that a drift of the machine's speed hits all alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_inference import median_ms
from matplotlib.figure import Figure

from rtseg.card import CARD_FILE, ONNX_FILE, read_card
from rtseg.errors import RtsegError
from rtseg.nets.decoders import DECODERS
from rtseg.nets.summary import net_summary
from rtseg.segmenter import load
from rtseg.training.config import CONFIG_FILE, load_config

BACKENDS = {"OpenVINO": "openvino", "ONNX Runtime": "onnxruntime"}
SIZE = (480, 352)
"""Width and height of the pictures that costs and times are told for, whatever a net was trained on."""

FIGURES_FILE = "figures.json"
NARROW_ENCODER_DECODERS = ("litex05",)
"""Decoders for a narrower encoder than the one that all are compared over."""


def train(name: str, folder: Path, options: argparse.Namespace) -> None:
    """Train a net until its folder is a whole model. Raises CalledProcessError."""
    if (folder / ONNX_FILE).exists():
        return
    rtseg = [sys.executable, "-m", "rtseg", "train", "-o", str(folder)]
    if (folder / CONFIG_FILE).exists():
        subprocess.run([*rtseg, "--resume"], check=True)
        return
    flags = {
        "--net": name,
        "--data": options.data,
        "--epochs": options.epochs,
        "--calm-epochs": options.epochs,
        "--size": options.size,
        "--batch": options.batch,
        "--learning-rate": options.learning_rate,
        "--demo-share": 0,
        **({"--class-weights": options.class_weights} if options.class_weights else {}),
    }
    if options.encoder_weights:
        flags |= {"--encoder-weights": options.encoder_weights, "--freeze": "bn"}
    print(f"\n{name}, {options.epochs} epochs", flush=True)
    subprocess.run([*rtseg, *(str(part) for flag in flags.items() for part in flag)], check=True)


def evaluate(folder: Path, data: Path) -> dict[str, Any]:
    """What `rtseg eval` measures on the val split, from a file beside the model if it was measured before."""
    path = folder / FIGURES_FILE
    if not path.exists():
        options = ["--model", str(folder), "--data", str(data), "--precision", "f32", "--json", str(path)]
        command = [sys.executable, "-m", "rtseg", "eval", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def measure_times(folders: list[Path], rounds: int) -> list[dict[str, float]]:
    """Milliseconds a picture in float32, {backend: ms} for each model, all of them in turns."""
    times: list[dict[str, float]] = [{} for _ in folders]
    image = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), np.uint8)
    for label, backend in BACKENDS.items():
        opened = [load(str(folder), backend=backend, precision="f32") for folder in folders]
        calls = []
        for segmenter in opened:
            calls.append(partial(segmenter.infer, image))
        for row, spent in zip(times, median_ms(*calls, rounds=rounds), strict=True):
            row[label] = spent
        for segmenter in opened:
            segmenter.close()
    return times


def row_of(folder: Path, data: Path, times: dict[str, float]) -> dict[str, Any]:
    """All that the table says of one net."""
    card = read_card(folder / CARD_FILE)
    config = load_config(folder / CONFIG_FILE, {"out": folder})
    encoder, decoder = net_summary(card.net, classes=len(card.classes), size=SIZE)
    cost = encoder.cost + decoder.cost
    figures = evaluate(folder, data)
    return {
        "net": card.net,
        "epochs": config.epochs,
        "start": "ImageNet" if config.encoder_weights else "nothing",
        "parameters": cost.parameters,
        "gmacs": cost.macs / 1e9,
        "ms": times,
        "iou": {name: figures["iou"][name] for name in card.classes[1:]},
        "mean_iou": figures["mean_iou"],
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table, the best first."""
    classes = list(rows[0]["iou"])
    head = ["net", "from", "epochs", "parameters", "GMACs", *(f"{each} ms" for each in BACKENDS)]
    head += [*classes, "mean IoU"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [
            f"`{row['net']}`",
            row["start"],
            str(row["epochs"]),
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['gmacs']:.2f}",
        ]
        cells += [f"{row['ms'][each]:.1f}" for each in BACKENDS]
        cells += [f"{row['iou'][each]:.3f}" for each in classes] + [f"**{row['mean_iou']:.3f}**"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Accuracy over latency: up and to the left is better."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        (line,) = axes.plot(row["ms"]["OpenVINO"], row["mean_iou"], "o", markersize=8)
        axes.annotate(
            row["net"],
            (row["ms"]["OpenVINO"], row["mean_iou"]),
            xytext=(7, 4),
            textcoords="offset points",
            fontsize=9,
            color=line.get_color(),
        )
    axes.set(
        xscale="log",
        xlabel=f"milliseconds a picture (OpenVINO, float32, {SIZE[0]}x{SIZE[1]})",
        ylabel="mean IoU on val",
    )
    axes.margins(x=0.25, y=0.15)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=100)


def trained(out: Path) -> list[Path]:
    """The folders of whole models in it."""
    return sorted(path.parent for path in out.glob(f"*/{ONNX_FILE}"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="data set to train and measure on")
    parser.add_argument("--net", action="append", help="a net; several times for several [each decoder]")
    parser.add_argument("--encoder", default="mobilenetv2", help="what all decoders are put on")
    parser.add_argument("--encoder-weights", help="imagenet, or a file [none: from nothing]")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--size", default="480x352", help="of the crops that are trained on")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--class-weights", help="as rtseg train takes them [all the same]")
    parser.add_argument("--rounds", type=int, default=50, help="how often each is timed")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of all runs")
    options = parser.parse_args()
    nets = options.net or [
        f"{decoder}_{options.encoder}" for decoder in DECODERS if decoder not in NARROW_ENCODER_DECODERS
    ]
    try:
        if options.data is not None:
            options.output.mkdir(parents=True, exist_ok=True)
            for name in nets:
                train(name, options.output / name, options)
        folders = trained(options.output)
        if not folders:
            parser.error(f"{options.output}: holds no trained net; name a data set with --data")
        data = options.data or next(iter(load_config(folders[0] / CONFIG_FILE, {"out": folders[0]}).data))
        times = measure_times(folders, options.rounds)
        rows = [row_of(folder, data, spent) for folder, spent in zip(folders, times, strict=True)]
    except subprocess.CalledProcessError as error:
        return error.returncode  # it has said why
    except RtsegError as error:
        print(f"compare_zoo: {error}", file=sys.stderr)
        return 2
    rows.sort(key=lambda row: -row["mean_iou"])
    (options.output / "zoo.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    plot(rows, options.output / "zoo.png")
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
