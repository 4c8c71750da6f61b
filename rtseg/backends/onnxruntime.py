"""ONNX Runtime on the CPU: everywhere, the reference that the others are compared with."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from rtseg.backends import Logits, Precision
from rtseg.backends.contract import check_contract
from rtseg.closing import Closing
from rtseg.errors import ConfigError, ModelError
from rtseg.frame import UInt8Array

_SILENT = 4


class OnnxRuntimeBackend(Closing):
    """Runs the network with ONNX Runtime's CPU provider, in float32 or, if it was quantised, in int8."""

    name = "onnxruntime"
    reuses_output = False

    def __init__(
        self, onnx_path: Path, *, classes: int, precision: Precision = "auto", threads: int | None = None
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
