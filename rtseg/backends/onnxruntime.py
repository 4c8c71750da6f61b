"""ONNX Runtime: on the CPU everywhere, the reference for all others; and on NVIDIA's GPUs."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from rtseg.backends import Inferred, Logits, Precision
from rtseg.backends.cache import cache_root
from rtseg.backends.contract import check_contract
from rtseg.closing import Closing
from rtseg.errors import BackendUnavailable, ConfigError, ModelError
from rtseg.frame import UInt8Array
from rtseg.threads import Mode

_SILENT = 4
_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_INSTEAD = "--backend onnxruntime"
_Provider = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class _Done:
    """One that was waited for when it was begun."""

    inferred: Inferred

    def result(self) -> Inferred:
        return self.inferred


class OnnxRuntimeBackend(Closing):
    """Runs the network with ONNX Runtime's CPU provider, in float32 or, if it was quantised, in int8."""

    name = "onnxruntime"
    in_flight = 1
    _provider = _CPU

    def __init__(
        self,
        onnx_path: Path,
        *,
        classes: int,
        precision: Precision = "auto",
        mode: Mode = "live",
        threads: int | None = None,
    ) -> None:
        """Raises ModelError for a file that is no ONNX or not of our contract.

        On a GPU also BackendUnavailable, where this ONNX Runtime cannot use one.
        """
        _require(self.name, self._provider)
        if precision == "bf16":
            raise ConfigError("ONNX Runtime's kernels know no bf16; use f32 or the backend openvino")
        self.precision = "int8" if precision == "int8" else "f32"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = threads or 0
        providers = self._providers(precision)
        said = _load_cuda() if self._on_gpu else ""
        try:
            # Without its fallback: where a provider fails, now or later, it would go on with another.
            self._session = onnxruntime.InferenceSession(
                str(onnx_path), options, providers=providers, enable_fallback=0
            )
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            if self._on_gpu and isinstance(
                error, ValueError | RuntimeError
            ):  # of a provider, not of the file
                raise self._cannot_start(said or _first_line(error)) from error
            raise ModelError(f"{onnx_path}: ONNX Runtime cannot load it: {_first_line(error)}") from error
        self._session.disable_fallback()  # older ones do not know the argument
        if self._provider not in self._session.get_providers():  # left out without a word
            raise self._cannot_start(said)
        outputs = self._session.get_outputs()
        check_contract(
            onnx_path,
            inputs={node.name: node.shape for node in self._session.get_inputs()},
            outputs={node.name: node.shape for node in outputs},
            classes=classes,
        )

    @property
    def _on_gpu(self) -> bool:
        return self._provider != _CPU

    def _cannot_start(self, why: str) -> BackendUnavailable:
        told = f" ({why})" if why else ""
        return BackendUnavailable(
            f"backend {self.name!r}: ONNX Runtime has {self._provider} but cannot start it here{told}, and "
            "would run on the CPU; see `rtseg doctor --for tensorrt` for the driver, and fetch the libraries "
            f"with `pip install 'onnxruntime-gpu[cuda,cudnn]'`, or use {_INSTEAD}"
        )

    def _providers(self, precision: Precision) -> list[_Provider]:
        """In the order in which they are asked, each with its options."""
        return [(_CPU, {})]

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32.

        On a GPU, raises BackendUnavailable where that fails, is gone or has too little memory.
        """
        try:
            logits: Logits = self._session.run(["logits"], {"image": batch})[0]
        except Exception as error:  # as above
            if not self._on_gpu:
                raise
            raise BackendUnavailable(
                f"backend {self.name!r}: the GPU failed, is gone or has too little memory "
                f"({_first_line(error)}); close other programs, or use {_INSTEAD}"
            ) from error
        return logits

    def submit(self, batch: UInt8Array) -> _Done:
        """Infer at once: ONNX Runtime's other way calls back into Python from a thread of its own."""
        started_ns = time.perf_counter_ns()
        return _Done(Inferred(self.infer(batch), time.perf_counter_ns() - started_ns))


class OnnxRuntimeCudaBackend(OnnxRuntimeBackend):
    """Runs the network with ONNX Runtime's CUDA provider, of the package onnxruntime-gpu."""

    name = "onnxruntime-cuda"
    _provider = _CUDA

    def _providers(self, precision: Precision) -> list[_Provider]:
        # In float32 as it says, and not in the 10 bits of mantissa that tensor cores take by default.
        # What it does not know runs on the CPU.
        return [(_CUDA, {"use_tf32": "0" if precision == "f32" else "1"}), (_CPU, {})]


class OnnxRuntimeTensorRtBackend(OnnxRuntimeBackend):
    """Runs the network with ONNX Runtime's TensorRT provider, which builds its engines by itself.

    Minutes for each size of input, the first time; the cache folder keeps them.
    """

    name = "onnxruntime-tensorrt"
    _provider = _TENSORRT

    def _providers(self, precision: Precision) -> list[_Provider]:
        if precision == "auto":
            self.precision = "f16"
        options = {"trt_fp16_enable": str(precision == "auto"), "trt_int8_enable": str(precision == "int8")}
        try:
            folder = cache_root() / "onnxruntime-engines"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:
            raise BackendUnavailable(
                f"backend {self.name!r} has no place for its engines ({error}), and would build them at each "
                "start; RTSEG_CACHE can name another folder"
            ) from error
        options |= {"trt_engine_cache_enable": "True", "trt_engine_cache_path": str(folder)}
        return [(_TENSORRT, options), (_CUDA, {}), (_CPU, {})]


def _require(name: str, provider: str) -> None:
    """Raises BackendUnavailable where this ONNX Runtime was built without a provider."""
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise BackendUnavailable(
            f"backend {name!r} needs ONNX Runtime's {provider}; the one that is installed has "
            f"{', '.join(available)}. Put the other in its place: `pip uninstall onnxruntime` and "
            "`pip install 'onnxruntime-gpu[cuda,cudnn]'`"
        )


def _load_cuda() -> str:
    """Load CUDA's libraries where pip has put them; returns what ONNX Runtime says of those that are not."""
    onnxruntime.set_default_logger_severity(_SILENT)  # or it says the same in many lines of its own
    load = getattr(onnxruntime, "preload_dlls", None)  # from 1.21 on
    said = io.StringIO()
    if load is not None:
        with redirect_stdout(said):
            load()
    return said.getvalue().strip().partition("\n")[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
