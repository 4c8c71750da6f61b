"""The parity gate: what is exported must say what it was made of says, or it is not kept.

Both are asked about the same frames, and their class maps are compared: the share of pixels that agree, the
IoU of each class, the worst frame. One gate for ONNX, int8 and engines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtseg import metrics, postprocess
from rtseg.errors import ModelError
from rtseg.export.samples import Sample, demo_samples, find_pictures, folder_samples
from rtseg.frame import Size, UInt8Array

Kind = Literal["fp32", "fp16", "int8"]

_RARE = 1e-3  # of all pixels: the IoU of a class with fewer hangs on a few of them


@dataclass(frozen=True)
class Predictor:
    """A network, whoever runs it: (1, H, W, 3) uint8 RGB -> logits (1, C, h, w) float32."""

    name: str
    infer: Callable[[UInt8Array], NDArray[np.float32]]


@dataclass(frozen=True)
class Limits:
    """The least with which a network passes, each 0 to 1."""

    agreement: float
    """Share of pixels, over all frames."""
    worst: float
    """Share of pixels, of any frame."""
    iou: float
    """IoU of any class that is not rare with the same class of the reference, over all frames."""


LIMITS: dict[Kind, Limits] = {
    "fp32": Limits(0.999, 0.995, 0.99),
    "fp16": Limits(0.998, 0.99, 0.97),
    "int8": Limits(0.985, 0.95, 0.85),
}


class Shortfall(NamedTuple):
    """What is past its limit: by how much, 0 to 1 or infinite, and in words."""

    by: float
    text: str


@dataclass(frozen=True)
class Parity:
    """How two networks compare."""

    model: str
    exported: str
    reference: str
    kind: Kind
    size: Size
    limits: Limits
    agreement_of: dict[str, float]
    """By frame."""
    iou: dict[str, float | None]
    """Of each class of the exported one with the reference's; None where neither has it."""
    iou_change: dict[str, float | None] | None
    """By how much the IoU with the truth changes; None where no truth is known."""
    rare: frozenset[str] = frozenset()
    """Classes of which the frames show too little to judge them."""
    not_finite: tuple[str, ...] = ()
    """Frames for which the exported one gives no numbers."""

    @property
    def agreement(self) -> float:
        return float(np.mean(list(self.agreement_of.values())))

    @property
    def worst(self) -> str:
        """The frame with the least agreement."""
        return min(self.agreement_of, key=lambda name: self.agreement_of[name])

    @property
    def shortfalls(self) -> tuple[Shortfall, ...]:
        """What is past its limit, the worst first."""
        limits, least = self.limits, self.agreement_of[self.worst]
        found = [
            Shortfall(math.inf, f"its logits are no finite numbers on {frame}") for frame in self.not_finite
        ]
        if self.agreement < limits.agreement:
            text = f"it agrees on {self.agreement:.2%} of pixels, not {limits.agreement:.2%}"
            found.append(Shortfall(limits.agreement - self.agreement, text))
        if least < limits.worst:
            text = f"on {self.worst} it agrees on {least:.2%}, not {limits.worst:.2%}"
            found.append(Shortfall(limits.worst - least, text))
        for name, iou in self.iou.items():
            if iou is not None and name not in self.rare and iou < limits.iou:
                text = f"its {name} has an IoU of {iou:.3f} with the reference's, not {limits.iou:.3f}"
                found.append(Shortfall(limits.iou - iou, text))
        return tuple(sorted(found, key=lambda each: -each.by))

    @property
    def failures(self) -> tuple[str, ...]:
        """The same in words alone."""
        return tuple(each.text for each in self.shortfalls)

    def to_json(self) -> str:
        """The report: documented keys, one schema version."""
        data: dict[str, Any] = {
            "schema": 1,
            "model": self.model,
            "exported": self.exported,
            "reference": self.reference,
            "precision": self.kind,
            "size": list(self.size),
            "passed": not self.failures,
            "failures": list(self.failures),
            "limits": {
                "agreement": self.limits.agreement,
                "worst": self.limits.worst,
                "iou": self.limits.iou,
            },
            "agreement": _rounded(self.agreement),
            "worst": {"frame": self.worst, "agreement": _rounded(self.agreement_of[self.worst])},
            "iou": {name: _rounded(value) for name, value in self.iou.items()},
            "iou_change": self.iou_change
            and {name: _rounded(value) for name, value in self.iou_change.items()},
            "frames": [
                {"frame": name, "agreement": _rounded(value)} for name, value in self.agreement_of.items()
            ],
        }
        return json.dumps(data, indent=2) + "\n"


@dataclass(frozen=True)
class Gate:
    """What to compare on, how strictly, and who is told."""

    pictures: Path | None = None
    """A folder; None is scenes of the demo source."""
    count: int = 8
    agreement: float | None = None
    """Takes the place of the usual limit; the others are then as far below it as they are usually."""
    tell: Callable[[Parity], None] = field(default=lambda parity: None)
    """Called with each comparison, also one that fails."""
    told: str = ""
    """Where that can be read, for the message of one that fails: "the table above"."""

    def samples(self, size: Size, classes: tuple[str, ...]) -> Iterable[Sample]:
        """The frames at the size (width, height). Raises DataError, at once for a folder without any."""
        if self.pictures is None:
            return demo_samples(size, self.count, classes)
        return folder_samples(find_pictures(self.pictures, self.count), size)

    def limits(self, kind: Kind) -> Limits:
        """For a network of this precision."""
        usual = LIMITS[kind]
        if self.agreement is None:
            return usual
        strictness = (1 - self.agreement) / (1 - usual.agreement)
        worst, iou = (max(0.0, 1 - strictness * (1 - limit)) for limit in (usual.worst, usual.iou))
        return Limits(self.agreement, worst, iou)

    def check(
        self,
        exported: Predictor,
        reference: Predictor,
        *,
        model: str,
        classes: tuple[str, ...],
        size: Size,
        kind: Kind,
        advice: str = "",
    ) -> Parity:
        """Compare at this size (width, height). Raises ModelError where it is past a limit.

        advice is what makes it say more of the same, in words for the message.
        """
        samples = self.samples(size, classes)
        parity = compare(
            exported,
            reference,
            samples,
            model=model,
            classes=classes,
            size=size,
            kind=kind,
            limits=self.limits(kind),
        )
        self.tell(parity)
        if parity.shortfalls:
            raise ModelError(self._why_not_kept(parity, advice))
        return parity

    def _why_not_kept(self, parity: Parity, advice: str) -> str:
        """The worst that was found, where the rest is, and what can be done."""
        worst, *others = parity.shortfalls
        more = f" and {len(others)} more" if others else ""
        where = f" ({self.told})" if self.told else ""
        hint = f"{advice}, or " if advice else ""
        return (
            f"{parity.model} as {parity.exported} differs too much from {parity.reference}: "
            f"{worst.text}{more}{where}. Not kept: {hint}give a smaller --min-agreement if it is right for "
            "you all the same"
        )


def compare(
    exported: Predictor,
    reference: Predictor,
    samples: Iterable[Sample],
    *,
    model: str,
    classes: tuple[str, ...],
    size: Size,
    kind: Kind,
    limits: Limits,
) -> Parity:
    """Ask both about each frame; there must be one at least."""
    count = len(classes)
    between = np.zeros((count, count), np.int64)
    with_truth = [np.zeros((count, count), np.int64) for _ in range(2)]
    has_truth = False
    agreement: dict[str, float] = {}
    not_finite = []
    for sample in samples:
        logits = exported.infer(sample.image_rgb[None])[0]
        if not np.isfinite(logits).all():
            not_finite.append(sample.name)
        found, expected = (
            postprocess.class_map(np.ascontiguousarray(each, np.float32), size)
            for each in (logits, reference.infer(sample.image_rgb[None])[0])
        )
        agreement[sample.name] = float(np.mean(found == expected))
        between += metrics.confusion_matrix(expected, found, count)
        if sample.truth is not None:
            has_truth = True
            with_truth[0] += metrics.confusion_matrix(sample.truth, found, count)
            with_truth[1] += metrics.confusion_matrix(sample.truth, expected, count)
    shown = between.sum(axis=1) / max(1, between.sum())
    changes = metrics.iou_per_class(with_truth[0]) - metrics.iou_per_class(with_truth[1])
    return Parity(
        model=model,
        exported=exported.name,
        reference=reference.name,
        kind=kind,
        size=size,
        limits=limits,
        agreement_of=agreement,
        iou=_by_class(classes, metrics.iou_per_class(between)),
        iou_change=_by_class(classes, changes) if has_truth else None,
        rare=frozenset(name for name, share in zip(classes, shown, strict=True) if share < _RARE),
        not_finite=tuple(not_finite),
    )


def _by_class(classes: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float | None]:
    return {
        name: None if math.isnan(value) else float(value) for name, value in zip(classes, values, strict=True)
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
