"""Engines of the stand-in for TensorRT, put into the cache without a build: a test aid."""

from __future__ import annotations

import json
from pathlib import Path

from standins.tensorrt_standin import MAGIC, Script

from rtseg.backends.cache import CompiledCache
from rtseg.backends.tensorrt.cache import EngineCache
from rtseg.backends.tensorrt.key import EnginePrecision, Options, Place, make_key
from rtseg.card import ONNX_FILE
from rtseg.frame import Size


def put_engine(
    model: Path, size: Size, script: Script, *, precision: EnginePrecision = "fp16", gpu: str = ""
) -> Path:
    """Inside `standing_in`: the engine of a model's folder for inputs of this size; returns its path."""
    from rtseg.backends.tensorrt import library

    onnx = model / ONNX_FILE
    options = Options(precision)
    place = Place(library.version(), gpu or script.card.name, script.card.capability)
    key = make_key(CompiledCache.digest(onnx), options, size, place, library.typing_of(options))
    head = json.dumps({"version": library.version(), "shape": key.shape}).encode()
    plan = MAGIC + head + b"\n" + onnx.read_bytes()
    return EngineCache().store("tiny", key, plan, build_s=1.0)
