"""The learning curves of several runs in one plot: mean IoU on val over the epochs.

.venv/bin/python tools/plot_runs.py runs/with-imagenet runs/from-nothing -o transfer.png
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from matplotlib.figure import Figure

from rtseg.training.resume import LOG_FILE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders that rtseg train wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture, .png or .svg")
    options = parser.parse_args()

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for run in options.runs:
        try:
            with (run / LOG_FILE).open(encoding="utf-8", newline="") as file:
                means = [float(row["val_mean_iou"]) for row in csv.DictReader(file)]
        except (OSError, KeyError, ValueError) as error:
            print(f"plot_runs: {run}: holds no log of a training: {error}", file=sys.stderr)
            return 2
        axes.plot(range(1, len(means) + 1), means, marker="o", markersize=3, label=run.name)
    axes.set(xlabel="epoch", ylabel="mean IoU on val", ylim=(0, 1))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(options.output, dpi=100)
    return 0


if __name__ == "__main__":
    sys.exit(main())
