"""TensorRT itself: its one logger, and its version. Importing this imports tensorrt."""

from __future__ import annotations

import functools
from typing import Any, cast

import tensorrt as trt

from rtseg.backends.tensorrt.journal import JOURNAL
from rtseg.backends.tensorrt.key import Options, Typing


@functools.cache
def logger() -> trt.ILogger:
    """The logger of this process: TensorRT keeps using the first that it was given until the very end."""

    def log(_: object, severity: Any, msg: str) -> None:
        JOURNAL.add(str(severity).rpartition(".")[2], msg)

    # Made by hand: a checker that has no stubs of tensorrt refuses a class statement on what it cannot see.
    return cast("trt.ILogger", type("Logger", (trt.ILogger,), {"log": log})())


def version() -> str:
    """The full version."""
    return str(trt.__version__)


def typing_of(options: Options) -> Typing:
    """How this TensorRT takes an ONNX.

    Strongly typed wherever it can, as TensorRT 11 always is. The accelerator of older boards takes weakly
    typed networks only.
    """
    weakly = "FP16" in trt.BuilderFlag.__members__
    strongly = "STRONGLY_TYPED" in trt.NetworkDefinitionCreationFlag.__members__
    if weakly and (not strongly or options.dla_core is not None):
        return "weak"
    return "strong"
