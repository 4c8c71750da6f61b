"""Plots for the report, as SVG that takes on the colours and the font of the page it stands in."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtseg.metrics.calibration import Bin

_INK = "#010203"  # a colour that nothing else has, to be the page's own in the end
_FIRST, _SECOND = "#3987e5", "#eb6834"
_STYLE = {
    "svg.fonttype": "none",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
}
_HEIGHT = 2.8  # inches
_UNWANTED = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def class_bars(classes: Sequence[str], ious: Sequence[float], boundary_ious: Sequence[float]) -> str:
    """IoU and boundary IoU of each class; NaN leaves a gap."""
    with mpl.rc_context(_STYLE):
        figure, axes = _plot(height=max(_HEIGHT, 0.6 + 0.4 * len(classes)))
        rows = range(len(classes))
        axes.barh([row - 0.19 for row in rows], ious, 0.34, color=_FIRST, label="IoU")
        axes.barh([row + 0.19 for row in rows], boundary_ious, 0.34, color=_SECOND, label="boundary IoU")
        # A class may be called anything; a dollar sign in its name begins no formula.
        axes.set_yticks(list(rows), list(classes), parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.grid(axis="x", color=_INK, alpha=0.15, linewidth=0.7)
        axes.tick_params(axis="y", length=0)
        _legend(figure, axes)
        return _svg(figure, "classes")


def reliability_curve(bins: Sequence[Bin]) -> str:
    """Accuracy over confidence, and how many pixels each confidence has."""
    with mpl.rc_context(_STYLE):
        figure, axes = _plot(height=_HEIGHT)
        confidences = [each.confidence for each in bins]
        axes.plot([0, 1], [0, 1], color=_INK, alpha=0.5, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
        axes.plot(
            confidences, [each.accuracy for each in bins], "o-", color=_FIRST, markersize=4, label="accuracy"
        )
        axes.bar(
            confidences,
            [each.share for each in bins],
            0.03,
            color=_SECOND,
            alpha=0.6,
            label="share of pixels",
        )
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence")
        _legend(figure, axes)
        return _svg(figure, "reliability")


def frame_curve(mean_ious: Sequence[float]) -> str:
    """Mean IoU of every frame, the worst first."""
    with mpl.rc_context(_STYLE):
        figure, axes = _plot(height=_HEIGHT)
        heights = sorted(mean_ious)
        ranks = range(1, len(heights) + 1)
        axes.fill_between(ranks, heights, color=_FIRST, alpha=0.2, linewidth=0)
        axes.plot(ranks, heights, "o-" if len(heights) < 3 else "-", color=_FIRST, markersize=4)
        axes.set(ylim=(0, 1.02), xlabel="frames, the worst first", ylabel="mean IoU")
        axes.margins(x=0.01)
        axes.grid(axis="y", color=_INK, alpha=0.15, linewidth=0.7)
        return _svg(figure, "frames")


def _plot(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.2, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    return figure, axes


def _legend(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)


def _svg(figure: Figure, name: str) -> str:
    written = io.StringIO()
    # The salt keeps names inside one plot from meaning something of another on the same page.
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(written, format="svg", transparent=True, metadata=_UNWANTED)
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([\w-]+)"', lambda found: found[0] if found[1] in used else "", svg)
    return svg.replace(_INK, "currentColor")
