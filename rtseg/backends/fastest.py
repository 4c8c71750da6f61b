"""Whether a model's float network or its quantised one is faster here: measured once, and kept on disk."""

from __future__ import annotations

import importlib.util
import logging
import statistics
import time
from pathlib import Path

import numpy as np

from rtseg.backends import Backend, Precision, fastest_on_cpu, open_backend, require
from rtseg.backends.cache import CompiledCache
from rtseg.errors import RtsegError
from rtseg.frame import Size
from rtseg.threads import Mode

_LOG = logging.getLogger(__name__)
_ON_CPU = ("auto", "openvino", "onnxruntime")
_ROUNDS = 15
_WARM_UP = 3
_WORTH_IT = 0.92  # of the float network's time; for less, nobody wants other results


def fastest(
    backend: str, float_path: Path, int8_path: Path, *, classes: int, size: Size, mode: Mode
) -> Precision:
    """Gives "int8" or "auto". Both are measured in turns, at this input size: a second or two.

    Where nothing can be kept on disk it is not measured at each start: then it is "auto". So it is on a GPU:
    an engine is built in the precision that somebody chose, which takes minutes.

    Raises BackendUnavailable when the backend's package is missing.
    """
    require(backend)
    if backend not in _ON_CPU or (backend == "auto" and _has_engine(float_path)):
        return "auto"
    quantised = CompiledCache(int8_path, f"choice {backend} {mode}")
    name = f"{size[0]}x{size[1]}-{CompiledCache.digest(float_path)[:16]}.choice"
    if (known := quantised.read(name)) is not None:
        return "int8" if known == b"int8" else "auto"
    if not quantised.writable:
        return "auto"
    measured = fastest_on_cpu() if backend == "auto" else backend
    _LOG.warning("First start: measuring if %s is faster on %s than in floats", int8_path, measured)
    try:
        with (
            open_backend(measured, float_path, classes=classes, mode=mode) as usual,
            open_backend(measured, int8_path, classes=classes, precision="int8", mode=mode) as int8,
        ):
            chosen: Precision = "int8" if _ratio(int8, usual, size) < _WORTH_IT else "auto"
    except RtsegError:  # whoever opens what is chosen says what is wrong
        return "auto"
    quantised.write(name, chosen.encode())
    return chosen


def _has_engine(network: Path) -> bool:
    """Whether "auto" would take TensorRT."""
    if importlib.util.find_spec("tensorrt") is None:
        return False
    from rtseg.backends.tensorrt import cuda
    from rtseg.backends.tensorrt.engines import Engines

    try:
        return bool(Engines(network, "auto", cuda.open_driver()).sizes())
    except (RtsegError, ImportError):
        return False


def _ratio(one: Backend, other: Backend, size: Size) -> float:
    """The median of one's time over the other's, in turns: a drift of the machine's speed hits both alike."""
    image = np.random.default_rng(0).integers(0, 256, (1, size[1], size[0], 3), np.uint8)
    ratios = []
    for turn in range(_WARM_UP + _ROUNDS):
        spent = []
        for backend in (one, other):
            started = time.perf_counter()
            backend.infer(image)
            spent.append(time.perf_counter() - started)
        if turn >= _WARM_UP:
            ratios.append(spent[0] / spent[1])
    return statistics.median(ratios)
