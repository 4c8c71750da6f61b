"""Figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_WORST_SHOWN = 3


def evaluation_table(figures: Mapping[str, Any]) -> Table:
    """The chief figures of Evaluation.to_json."""
    only = f", {figures['only']}" if figures["only"] else ""
    table = _table(
        f"{figures['model']} on {figures['dataset']}, {figures['split']}{only}", "IoU", "boundary IoU"
    )
    for name, iou in figures["iou"].items():
        table.add_row(Text(name), _figure(iou), _figure(figures["boundary_iou"][name]))
    table.add_section()
    table.add_row("mean", _figure(figures["mean_iou"]))
    table.add_row("mean with background", _figure(figures["mean_iou_all"]))
    table.add_row("pixel accuracy", _figure(figures["pixel_accuracy"]))
    table.add_row("calibration error", _figure(figures["calibration"]["ece"]))
    table.add_section()
    for number, worst in enumerate(figures["worst"][:_WORST_SHOWN]):
        rank = "worst frame" if number == 0 else ""
        table.add_row(rank, _figure(worst["mean_iou"]), Text(worst["frame"]))
    return table


def video_table(figures: Mapping[str, Any]) -> Table:
    """The chief figures of VideoEvaluation.to_json."""
    table = _table(f"{figures['model']} on {figures['video']}", "warped IoU")
    for name, iou in figures["warped_iou"].items():
        table.add_row(Text(name), _figure(iou))
    table.add_section()
    table.add_row("mean", _figure(figures["warped_mean_iou"]))
    table.add_row("mean with background", _figure(figures["warped_mean_iou_all"]))
    table.add_row("label flip rate", _figure(figures["flip_rate"]))
    table.add_row("pixels followed", _figure(figures["followed"]))
    return table


def speed_line(figures: Mapping[str, Any]) -> str:
    """How many frames, how fast, with what."""
    return (
        f"{figures['frames']} frames, {figures['ms_per_frame']:.1f} ms each "
        f"({figures['backend']}, {figures['precision']})"
    )


def _table(title: str, *columns: str) -> Table:
    # Names come from files: brackets in them are no markup.
    return Table("", *columns, title=Text(title), min_width=min(80, cell_len(title) + 2))


def _figure(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"
