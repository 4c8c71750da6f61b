"""ONNX Runtime on the CPU: everywhere, the reference that the others are compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from rtseg.backends import Inferred, Logits, Precision
from rtseg.backends.contract import check_contract
from rtseg.closing import Closing
from rtseg.errors import ConfigError, ModelError
from rtseg.frame import UInt8Array
from rtseg.threads import Mode

_SILENT = 4


@dataclass(frozen=True)
class _Done:
    """One that was waited for when it was begun."""

    inferred: Inferred

    def result(self) -> Inferred:
        return self.inferred


class OnnxRuntimeBackend(Closing):
    """Runs the network with ONNX Runtime's CPU provider, in float32 or, if it was quantised, in int8."""

    name = "onnxruntime"
    reuses_output = False
    in_flight = 1

    def __init__(
        self,
        onnx_path: Path,
        *,
        classes: int,
        precision: Precision = "auto",
        mode: Mode = "live",
        threads: int | None = None,
    ) -> None:
        """Raises ModelError for a file that is no ONNX or not of our contract."""
        if precision == "bf16":
            raise ConfigError("ONNX Runtime's CPU kernels know no bf16; use f32 or the backend openvino")
        self.precision = "int8" if precision == "int8" else "f32"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = threads or 0
        try:
            self._session = onnxruntime.InferenceSession(
                str(onnx_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{onnx_path}: ONNX Runtime cannot load it: {reason}") from error
        outputs = self._session.get_outputs()
        check_contract(
            onnx_path,
            inputs={node.name: node.shape for node in self._session.get_inputs()},
            outputs={node.name: node.shape for node in outputs},
            classes=classes,
        )

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32."""
        logits: Logits = self._session.run(["logits"], {"image": batch})[0]
        return logits

    def submit(self, batch: UInt8Array) -> _Done:
        """Infer at once: ONNX Runtime's other way calls back into Python from a thread of its own."""
        started_ns = time.perf_counter_ns()
        return _Done(Inferred(self.infer(batch), time.perf_counter_ns() - started_ns))
