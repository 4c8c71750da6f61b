"""An evaluation as one HTML page that needs no other file and no script."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import jinja2
import markupsafe
import numpy as np

from rtseg import metrics
from rtseg.evaluation import curves
from rtseg.evaluation.evaluate import Evaluation
from rtseg.evaluation.tally import ShownFrame
from rtseg.frame import UInt8Array
from rtseg.labels import Rgb
from rtseg.metrics.boundary import boundary_iou
from rtseg.metrics.calibration import reliability

REPORT_FILE = "report.html"
_TEMPLATE = "report.html.jinja"
_JPEG_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 80)
_TINT = 0.6
_UNCOUNTED: Rgb = (200, 200, 200)


def report_page(
    evaluation: Evaluation, figures: Mapping[str, Any], *, palette: Sequence[Rgb], command: str
) -> str:
    """The page; figures are those of the evaluation's to_json with backend and precision.

    palette gives the RGB of each class, command is what measured it. What files were called and what they
    hold is shown as text, whatever it is.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = lambda value: "–" if value is None else f"{value:.4f}"
    tally = evaluation.tally
    ious = metrics.iou_per_class(evaluation.confusion)
    boundary_ious = boundary_iou(tally.boundary)
    plots = {
        "IoU per class": curves.class_bars(evaluation.classes, ious.tolist(), boundary_ious.tolist()),
        "Mean IoU of each frame": curves.frame_curve(_mean_ious(evaluation)),
        "Reliability": curves.reliability_curve(reliability(tally.calibration)),
    }
    page = environment.get_template(_TEMPLATE).render(
        figures=figures,
        command=command,
        classes=_class_rows(evaluation, figures, palette),
        confusion=_confusion_rows(evaluation),
        # Safe: matplotlib escapes the texts that it draws.
        plots={title: markupsafe.Markup(svg) for title, svg in plots.items()},  # noqa: S704
        worst=[_pictures(shown, palette) for shown in tally.worst],
        uncounted=_css(_UNCOUNTED),
    )
    return str(page)


def _mean_ious(evaluation: Evaluation) -> list[float]:
    means = [score.mean_iou for score in evaluation.tally.scores]
    return [mean for mean in means if not np.isnan(mean)]


def _class_rows(
    evaluation: Evaluation, figures: Mapping[str, Any], palette: Sequence[Rgb]
) -> list[dict[str, Any]]:
    shares = evaluation.confusion.sum(axis=1) / max(1, evaluation.confusion.sum())
    columns = zip(
        evaluation.classes,
        palette,
        shares.tolist(),
        _or_none(metrics.recall_per_class(evaluation.confusion)),
        _or_none(metrics.precision_per_class(evaluation.confusion)),
        strict=True,
    )
    return [
        {
            "name": name,
            "color": _css(color),
            "share": share,
            "iou": figures["iou"][name],
            "boundary_iou": figures["boundary_iou"][name],
            "recall": recall,
            "precision": precision,
        }
        for name, color, share, recall, precision in columns
    ]


def _or_none(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _confusion_rows(evaluation: Evaluation) -> list[tuple[str, list[float | None]]]:
    """Each true class with the shares of its pixels that were called each class."""
    totals = evaluation.confusion.sum(axis=1)
    return [
        (name, [float(pixels / total) if total else None for pixels in row])
        for name, row, total in zip(evaluation.classes, evaluation.confusion, totals, strict=True)
    ]


def _pictures(shown: ShownFrame, palette: Sequence[Rgb]) -> dict[str, Any]:
    return {
        "name": shown.score.name,
        "mean_iou": shown.score.mean_iou,
        "ious": _or_none(shown.score.ious),
        "pictures": {
            "picture": _data_uri(shown.image_rgb),
            "truth": _data_uri(_tinted(shown.image_rgb, shown.truth, palette)),
            "prediction": _data_uri(_tinted(shown.image_rgb, shown.prediction, palette)),
        },
    }


def _tinted(image_rgb: UInt8Array, class_map: UInt8Array, palette: Sequence[Rgb]) -> UInt8Array:
    """The picture in grey under the colours of its classes."""
    colors = np.full((256, 3), _UNCOUNTED, np.uint8)
    colors[: len(palette)] = palette
    grey = cv2.cvtColor(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(colors[class_map], _TINT, grey, 1 - _TINT, 0), np.uint8)


def _data_uri(image_rgb: UInt8Array) -> str:
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), _JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"


def _css(color: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
