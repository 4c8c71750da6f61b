"""What runs a network: OpenVINO, ONNX Runtime or TensorRT, behind one interface.

infer: batch (N, H, W, 3) uint8 RGB  ->  logits (N, C, H/4, W/4) float32
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from rtseg.errors import BackendUnavailable, ConfigError
from rtseg.frame import Frame, Size, UInt8Array
from rtseg.threads import Mode, share

Precision = Literal["auto", "f32", "bf16", "int8"]
Logits = NDArray[np.float32]


class Inferred(NamedTuple):
    """What an inference gave, and the time that it took, waiting for those before it left out."""

    logits: Logits
    spent_ns: int


class FrameInferred(NamedTuple):
    """What an inference on a whole frame gave, and the time that it took.

    logits (C, h, w) float32; class_map (H, W) uint8 of the size that was asked for.
    """

    logits: Logits
    class_map: UInt8Array
    spent_ns: int


class Pending(Protocol):
    """An inference that is under way."""

    def result(self) -> Inferred:
        """Wait for it. Called once."""


class Backend(Protocol):
    """An opened network. Used by one thread at a time; closed when done."""

    name: str
    in_flight: int
    """How many inferences are worth having under way at once; may grow with the first of a shape."""

    @property
    def precision(self) -> str:
        """What the arithmetic really runs in, for example "bf16"."""

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32. The first of a shape may take a second.

        The logits are an array of their own: nothing overwrites them. That first one may come from another
        thread, if it uses no other shape that is in use.
        """

    def submit(self, batch: UInt8Array) -> Pending:
        """Begin an inference. Results are asked for in the order in which they were begun.

        Their logits are as those of `infer`. The batch must not be written to before its result is there.
        """

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class PendingFrame(Protocol):
    """A frame that is under way."""

    def result(self) -> FrameInferred:
        """Wait for it. Called once."""


@runtime_checkable
class FrameBackend(Backend, Protocol):
    """One that also does what comes before and after the network, on the GPU."""

    def takes_frames(self, size: Size) -> bool:
        """Whether it does so for network inputs of this size (width, height)."""

    def submit_frame(self, frame: Frame, size: Size, map_size: Size) -> PendingFrame:
        """Begin with a frame as it came, which is one picture; the class map shall have map_size.

        In turn with `submit`: results are asked for in the order in which they were begun.
        """


class _Opener(Protocol):
    def __call__(
        self, onnx_path: Path, *, classes: int, precision: Precision, mode: Mode, threads: int | None
    ) -> Backend: ...


class _Entry(NamedTuple):
    package: str
    module: str
    """Imported when its backend is asked for."""
    class_name: str
    remedy: str


INSTALL_TENSORRT = "PATH=/usr/local/cuda/bin:$PATH pip install 'rtseg[tensorrt]'"
"""PyCUDA is compiled meanwhile, with the CUDA toolkit. A Jetson keeps the TensorRT of its JetPack."""

_TENSORRT_REMEDY = (
    "on a Jetson it comes with JetPack: make the environment with `python3 -m venv --system-site-packages`; "
    f"on a PC install it with `{INSTALL_TENSORRT}`"
)
_ORT = "rtseg.backends.onnxruntime"
_BACKENDS = {
    "openvino": _Entry(
        "openvino", "rtseg.backends.openvino", "OpenVinoBackend", "install it with `pip install openvino`"
    ),
    "onnxruntime": _Entry(
        "onnxruntime", _ORT, "OnnxRuntimeBackend", "install it with `pip install onnxruntime`"
    ),
    "tensorrt": _Entry("tensorrt", "rtseg.backends.tensorrt.backend", "TensorRtBackend", _TENSORRT_REMEDY),
    "onnxruntime-cuda": _Entry(
        "onnxruntime", _ORT, "OnnxRuntimeCudaBackend", "install it with `pip install onnxruntime-gpu`"
    ),
    "onnxruntime-tensorrt": _Entry(
        "onnxruntime", _ORT, "OnnxRuntimeTensorRtBackend", "install it with `pip install onnxruntime-gpu`"
    ),
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
    require(name)
    limit = threads if threads is not None else share(mode).network

    def opened(chosen: str) -> Backend:
        opener = _opener(chosen)
        return opener(onnx_path, classes=classes, precision=precision, mode=mode, threads=limit)

    if name != "auto":
        return opened(name)
    if precision != "bf16" and importlib.util.find_spec("tensorrt"):
        from rtseg.backends.auto import open_gpu_first

        return open_gpu_first(lambda: opened("tensorrt"), lambda: opened(fastest_on_cpu()))
    return opened(fastest_on_cpu())


def require(name: str) -> None:
    """Raises ConfigError for a name that is none, BackendUnavailable when its package is missing."""
    if name not in BACKENDS:
        raise ConfigError(f"unknown backend {name!r}; choose one of {', '.join(BACKENDS)}")
    if name != "auto":
        _opener(name)


def _opener(name: str) -> _Opener:
    """Raises BackendUnavailable."""
    entry = _BACKENDS[name]
    try:
        return cast(_Opener, getattr(importlib.import_module(entry.module), entry.class_name))
    except ImportError as error:
        raise BackendUnavailable(
            f"backend {name!r} needs the package {entry.package!r}, which cannot be imported ({error}); "
            f"{entry.remedy} or choose another of {', '.join(BACKENDS)}"
        ) from error


def fastest_on_cpu() -> str:
    """What "auto" takes where there is no engine for a GPU."""
    # OpenVINO is the quicker one on x86, most of all with bf16; elsewhere ONNX Runtime has the kernels.
    on_x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return "openvino" if on_x86 and importlib.util.find_spec("openvino") else "onnxruntime"
