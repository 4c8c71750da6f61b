"""What the panels say: figures and names to rows of text."""

from __future__ import annotations

from rtseg.runtime.pipeline import Pipeline
from rtseg.viewer import texts
from rtseg.viewer.meter import Reading
from rtseg.viewer.panels import Panel, Row


def head_up_display(pipeline: Pipeline, source: str, reading: Reading) -> Panel:
    """How fast, how late, what is lost, and what it runs on."""
    backend, card = pipeline.segmenter.backend, pipeline.segmenter.card
    return Panel(
        widest=texts.RESOURCES.format(cpu=99.99, memory=99999),
        headline=(f"{reading.fps:.1f}", texts.FPS),
        rows=(
            Row(
                texts.CAPTURED,
                texts.RATES.format(capture=reading.capture_fps, inference=reading.inference_fps),
            ),
            Row(texts.INFERENCE, _milliseconds(reading.inference_ms)),
            Row(texts.AGE, _milliseconds(reading.age_ms)),
            Row(texts.AGE_P95, _milliseconds(reading.age_p95_ms)),
            Row(texts.CPU, _resources(reading)),
            *(
                Row(texts.DROPPED.format(stage=stage), str(count), apart=index == 0)
                for index, (stage, count) in enumerate(reading.dropped.items())
            ),
            Row(texts.BACKEND, f"{backend.name} {backend.precision}", apart=True),
            Row(texts.MODEL, reading.rung or card.name),
            Row(texts.SOURCE, reading.trouble or source),
        ),
    )


def legend(pipeline: Pipeline, reading: Reading) -> Panel:
    """The classes that are tinted, with their colours and their live share."""
    card = pipeline.segmenter.card
    classes = zip(card.classes, pipeline.palette, strict=True)
    rows = tuple(
        Row(name, _percent(reading.shares.get(name)), color) for name, color in classes if color is not None
    )
    return Panel(rows, widest=_percent(1.0))


def status(text: str, *, with_keys: bool) -> Panel | None:
    """What is to be said, if anything, and the keys."""
    rows = [Row(text)] if text else []
    if with_keys:
        rows.append(Row(texts.KEYS, quiet=True))
    return Panel(tuple(rows)) if rows else None


def _resources(reading: Reading) -> str:
    if reading.cpu is None or reading.memory_mib is None:
        return texts.NO_VALUE
    return texts.RESOURCES.format(cpu=reading.cpu, memory=reading.memory_mib)


def _milliseconds(value: float | None) -> str:
    return texts.NO_VALUE if value is None else texts.MILLISECONDS.format(value=value)


def _percent(share: float | None) -> str:
    return texts.NO_VALUE if share is None else texts.PERCENT.format(value=100 * share)
