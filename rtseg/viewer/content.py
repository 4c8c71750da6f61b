"""What the panels over the picture say: figures and names to rows of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rtseg.labels import Rgb
from rtseg.viewer import texts
from rtseg.viewer.meter import Reading
from rtseg.viewer.panels import Panel, Row

HUD_LEVELS: Final = ("none", "short", "full")
_DIGIT: Final = "\u2007"  # as wide as a digit, so that figures stay where they are


@dataclass(frozen=True)
class Running:
    """What is at work, in words and colours.

    palette has a colour of each of the classes, None for those that are not shown.
    """

    source: str
    state: str
    model: str
    backend: str
    precision: str
    classes: tuple[str, ...]
    palette: tuple[Rgb | None, ...]


def head_up_display(running: Running, reading: Reading, level: str = "full") -> Panel | None:
    """How fast, how late, what is lost, and what it runs on; None at level "none" of HUD_LEVELS."""
    if level == "none":
        return None
    return _short(reading) if level == "short" else _full(running, reading)


def _short(reading: Reading) -> Panel:
    age = texts.NO_VALUE if reading.age_p95_ms is None else f"{reading.age_p95_ms:.1f}"
    dropped = sum(reading.dropped.values())
    now = _short_line(f"{reading.fps:.1f}", age, str(dropped))
    return Panel((Row(now),), widest_label=_short_line("999.9", "9999.9", "9999999"))


def _short_line(fps: str, age: str, dropped: str) -> str:
    return texts.SHORT.format(fps=fps.rjust(5, _DIGIT), age=age.rjust(6, _DIGIT), dropped=dropped)


def _full(running: Running, reading: Reading) -> Panel:
    return Panel(
        widest=texts.RESOURCES.format(cpu=99.99, memory=99999),
        headline=(f"{reading.fps:.1f}", texts.FPS),
        rows=(
            Row(texts.CAPTURED, texts.RATE.format(value=reading.capture_fps)),
            Row(texts.SEGMENTED, texts.RATE.format(value=reading.inference_fps)),
            Row(texts.INFERENCE, _milliseconds(reading.inference_ms)),
            Row(texts.AGE_P50, _milliseconds(reading.age_ms)),
            Row(texts.AGE_P95, _milliseconds(reading.age_p95_ms)),
            Row(texts.CPU, _resources(reading)),
            *(
                Row(texts.DROPPED.format(stage=stage), str(count), apart=index == 0)
                for index, (stage, count) in enumerate(reading.dropped.items())
            ),
            Row(texts.MODEL, reading.rung or running.model, apart=True),
            Row(texts.BACKEND, running.backend),
            Row(texts.PRECISION, running.precision),
            Row(texts.SOURCE, running.source, apart=True),
            Row(texts.STATE, reading.trouble or running.state),
        ),
    )


def legend(running: Running, reading: Reading) -> Panel:
    """The classes that are tinted, with their colours and their live share."""
    classes = zip(running.classes, running.palette, strict=True)
    rows = tuple(
        Row(name, _percent(reading.shares.get(name)), color) for name, color in classes if color is not None
    )
    return Panel(rows, widest=_percent(1.0))


def _resources(reading: Reading) -> str:
    if reading.cpu is None or reading.memory_mib is None:
        return texts.NO_VALUE
    return texts.RESOURCES.format(cpu=reading.cpu, memory=reading.memory_mib)


def _milliseconds(value: float | None) -> str:
    return texts.NO_VALUE if value is None else texts.MILLISECONDS.format(value=value)


def _percent(share: float | None) -> str:
    return texts.NO_VALUE if share is None else texts.PERCENT.format(value=100 * share)
