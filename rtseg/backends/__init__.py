"""What runs a network: OpenVINO or ONNX Runtime, behind one interface.

infer: batch (N, H, W, 3) uint8 RGB  ->  logits (N, C, H/4, W/4) float32
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from rtseg.errors import BackendUnavailable, ConfigError
from rtseg.frame import UInt8Array
from rtseg.threads import Mode, share

Precision = Literal["auto", "f32", "bf16", "int8"]
Logits = NDArray[np.float32]


class Inferred(NamedTuple):
    """What an inference gave, and the time that it took, waiting for those before it left out."""

    logits: Logits
    spent_ns: int


class Pending(Protocol):
    """An inference that is under way."""

    def result(self) -> Inferred:
        """Wait for it. Called once."""


class Backend(Protocol):
    """An opened network. Used by one thread at a time; closed when done."""

    name: str
    precision: str
    """What the arithmetic really runs in, for example "bf16"."""
    reuses_output: bool
    """True when the next `infer` overwrites the logits of this one."""
    in_flight: int
    """How many inferences are worth having under way at once; may grow with the first of a shape."""

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32. The first of a shape may take a second.

        That first one may come from another thread, if it uses no other shape that is in use.
        """

    def submit(self, batch: UInt8Array) -> Pending:
        """Begin an inference. Results are asked for in the order in which they were begun.

        Nothing overwrites their logits.

        The batch must not be written to before its result is there.
        """

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class _Opener(Protocol):
    def __call__(
        self, onnx_path: Path, *, classes: int, precision: Precision, mode: Mode, threads: int | None
    ) -> Backend: ...


# name -> (package that it needs, module, class); a module is imported when its backend is asked for.
_BACKENDS = {
    "openvino": ("openvino", "rtseg.backends.openvino", "OpenVinoBackend"),
    "onnxruntime": ("onnxruntime", "rtseg.backends.onnxruntime", "OnnxRuntimeBackend"),
}
BACKENDS = ("auto", *_BACKENDS)


def open_backend(
    name: str,
    onnx_path: Path,
    *,
    classes: int,
    precision: Precision = "auto",
    mode: Mode = "live",
    threads: int | None = None,
) -> Backend:
    """Open a network with the backend of this name; "auto" takes the fastest that this machine can use.

    precision "int8" is for a network that was quantised, and such a network runs in no other. mode "live" has
    one inference done as soon as can be, "offline" as many a second as can be. threads limits the CPU threads
    of the network; None leaves them to rtseg.threads.

    Raises BackendUnavailable when its package is missing, ModelError when the file does not fit.
    """
    if name not in BACKENDS:
        raise ConfigError(f"unknown backend {name!r}; choose one of {', '.join(BACKENDS)}")
    chosen = _fastest() if name == "auto" else name
    package, module, class_name = _BACKENDS[chosen]
    try:
        opener = cast(_Opener, getattr(importlib.import_module(module), class_name))
    except ImportError as error:
        raise BackendUnavailable(
            f"backend {chosen!r} needs the package {package!r}, which cannot be imported ({error}); "
            f"install it with `pip install {package}` or choose another of {', '.join(BACKENDS)}"
        ) from error
    limit = threads if threads is not None else share(mode).network
    return opener(onnx_path, classes=classes, precision=precision, mode=mode, threads=limit)


def _fastest() -> str:
    # OpenVINO is the quicker one on x86, most of all with bf16; elsewhere ONNX Runtime has the kernels.
    on_x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return "openvino" if on_x86 and importlib.util.find_spec("openvino") else "onnxruntime"
