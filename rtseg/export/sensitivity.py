"""Which convolutions had better stay float, found by trying them where int8 for all changes too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtseg.export.conv_graph import ConvGraph
from rtseg.export.qdq import Statistics, open_session, quantise
from rtseg.frame import UInt8Array

ALIKE = 0.996
"""A network that says the same about this share of the pixels is good enough as it is."""

_MOST_FLOAT_WEIGHTS = 0.01
_MOST_FLOAT_CONVS = 8
_FRAMES_FOR_EACH = 2

Progress = Callable[[int, int], None]
"""Called with convolutions tried and convolutions in all."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """A model with int8 convolutions, all but stay_float of them.

    agreement is the share of pixels in which it is of the float model's opinion.
    """

    model: Any
    agreement: float
    stay_float: int


def quantise_alike(
    model: Any, statistics: Mapping[str, Statistics], frames: Sequence[UInt8Array], progress: Progress
) -> Quantised:
    """Quantise all convolutions, or all but the worst few where that alone is not good enough.

    Judged on frames (H, W, 3) uint8 RGB. The few hold a hundredth of the weights at most, so the file stays
    small; they are at a network's beginning as a rule, where pixels are many and channels few.
    """
    expected = _logits(model, frames)

    def attempt(stay_float: frozenset[str]) -> Quantised:
        quantised = quantise(model, statistics, stay_float)
        same = [
            (found.argmax(axis=0) == wanted.argmax(axis=0)).mean()
            for found, wanted in zip(_logits(quantised, frames), expected, strict=True)
        ]
        return Quantised(quantised, float(np.mean(same)), len(stay_float))

    best = attempt(frozenset())
    if best.agreement >= ALIKE:
        return best
    graph = ConvGraph(model.graph)
    weights = {conv.output[0]: graph.constants[conv.input[1]].size for conv in graph.convs}
    room = int(_MOST_FLOAT_WEIGHTS * sum(weights.values()))
    every = frozenset(weights)
    noise: dict[str, float] = {}
    candidates = [name for name, size in weights.items() if size <= room]
    for done, name in enumerate(candidates):
        progress(done, len(candidates))
        alone = quantise(model, statistics, every - {name})
        pairs = zip(_logits(alone, frames[:_FRAMES_FOR_EACH]), expected, strict=False)
        noise[name] = float(np.mean([np.square(found - wanted).mean() for found, wanted in pairs]))
    progress(len(candidates), len(candidates))
    stay_float: frozenset[str] = frozenset()
    for name in sorted(noise, key=lambda name: noise[name], reverse=True)[:_MOST_FLOAT_CONVS]:
        if weights[name] > room:
            continue
        room -= weights[name]
        stay_float |= {name}
        better = attempt(stay_float)
        best = max(best, better, key=lambda each: each.agreement)
        if best.agreement >= ALIKE:
            break
    return best


def _logits(model: Any, frames: Sequence[UInt8Array]) -> list[np.ndarray]:
    """Of each frame (C, H/4, W/4) float32."""
    session = open_session(model)
    return [session.run(["logits"], {"image": image[None]})[0][0] for image in frames]
