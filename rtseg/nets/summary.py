"""What a network costs and how far it sees, read from its graph: nothing is trained or run.

Figures are those of the literature: parameters count the statistics of batch normalisation, multiply-
accumulates only those of convolutions and dense layers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import keras

from rtseg.frame import Size
from rtseg.nets import compose
from rtseg.nets.decoders import DECODERS
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.graph import ReceptiveField, calls_between, inputs_of, layers_of, macs, receptive_field

USUAL_ENCODER = "mobilenetv2"
"""What a decoder is measured on where no encoder is named: its cost depends on the channels it is given."""

_CITATION = re.compile(r"(?:[A-Z][\w-]+(?: et al\.| and [A-Z][\w-]+)? \d{4}, )?arXiv:\d{4}\.\d{4,5}")


@dataclass(frozen=True)
class Cost:
    """Of a part of a network: how many numbers it holds, how many multiply-accumulates a picture takes."""

    parameters: int
    trainable: int
    macs: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters, self.trainable + other.trainable, self.macs + other.macs
        )


@dataclass(frozen=True)
class Level:
    """One level of a pyramid, or the logits: `stride` times smaller than the picture."""

    name: str
    stride: int
    channels: int


@dataclass(frozen=True)
class EncoderSummary:
    """An encoder by itself; its receptive field is that of its deepest level."""

    name: str
    cost: Cost
    levels: tuple[Level, ...]
    receptive_field: ReceptiveField
    papers: tuple[str, ...]


@dataclass(frozen=True)
class DecoderSummary:
    """A decoder on an encoder: the levels that it takes, finest first, and the logits that it gives."""

    name: str
    cost: Cost
    takes: tuple[str, ...]
    logits: Level
    receptive_field: ReceptiveField
    """Of one logit, through decoder and encoder."""
    papers: tuple[str, ...]


def encoder_summary(name: str, size: Size) -> EncoderSummary:
    """Build the encoder of this name and measure it on pictures of a (width, height)."""
    image = _image(size)
    return _encoder_summary(name, image, ENCODERS[name](image, None))


def decoder_summaries(classes: int, size: Size) -> Iterator[DecoderSummary]:
    """Build one decoder after the other, on the usual encoder, and measure it."""
    image = _image(size)
    pyramid = ENCODERS[USUAL_ENCODER](image, None)
    for name, decoder in DECODERS.items():
        yield _decoder_summary(name, image, pyramid, decoder(pyramid, classes))


def net_summary(name: str, *, classes: int, size: Size) -> tuple[EncoderSummary, DecoderSummary]:
    """Build the network `<decoder>_<encoder>` and measure its parts. Raises as `rtseg.nets.build` does."""
    image, pyramid, logits = compose(name, classes=classes, size=size)
    decoder, _, encoder = name.partition("_")
    return _encoder_summary(encoder, image, pyramid), _decoder_summary(decoder, image, pyramid, logits)


def cost(inputs: Iterable[Any], outputs: Iterable[Any]) -> Cost:
    """The cost of all that lies between these tensors, whose sizes must be known.

    Raises NotImplementedError for a layer of unknown cost.
    """
    calls = calls_between(inputs, outputs)
    used = layers_of(calls)
    return Cost(
        parameters=_count(weight for layer in used for weight in layer.weights),
        trainable=_count(weight for layer in used for weight in layer.trainable_weights),
        macs=sum(map(macs, calls)),
    )


def papers(function: Any) -> tuple[str, ...]:
    """What the docstring of an encoder or decoder cites, or else that of its module; () for neither.

    A citation is an arXiv number, with authors and year before it or without them: "Long et al. 2015,
    arXiv:1411.4038".
    """
    while isinstance(function, partial):
        function = function.func
    for documented in (function, inspect.getmodule(function)):
        text = " ".join((inspect.getdoc(documented) or "").split())
        if found := tuple(match[0] for match in _CITATION.finditer(text)):
            return found
    return ()


def _image(size: Size) -> Any:
    return keras.Input((size[1], size[0], 3), dtype="uint8", name="image")


def _encoder_summary(name: str, image: Any, pyramid: dict[str, Any]) -> EncoderSummary:
    return EncoderSummary(
        name=name,
        cost=cost([image], pyramid.values()),
        levels=tuple(_level(level, image, features) for level, features in pyramid.items()),
        receptive_field=receptive_field(image, list(pyramid.values())[-1]),
        papers=papers(ENCODERS[name]),
    )


def _decoder_summary(name: str, image: Any, pyramid: dict[str, Any], logits: Any) -> DecoderSummary:
    calls = calls_between(pyramid.values(), [logits])
    taken = {id(tensor) for call in calls for tensor in inputs_of(call)}
    return DecoderSummary(
        name=name,
        cost=cost(pyramid.values(), [logits]),
        takes=tuple(level for level, features in pyramid.items() if id(features) in taken),
        logits=_level("logits", image, logits),
        receptive_field=receptive_field(image, logits),
        papers=papers(DECODERS[name]),
    )


def _level(name: str, image: Any, features: Any) -> Level:
    return Level(name, stride=image.shape[1] // features.shape[1], channels=features.shape[-1])


def _count(weights: Iterable[Any]) -> int:
    return sum(prod(weight.shape) for weight in weights)
