"""OpenVINO on the CPU: the fastest way on x86, in bfloat16 where the hardware has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rtseg.backends import Logits, Precision
from rtseg.backends.contract import check_contract
from rtseg.closing import Closing
from rtseg.errors import ConfigError, ModelError
from rtseg.frame import UInt8Array

# OpenVINO reports each import to its maker's statistics, from a thread of its own. A program that watches
# streets sends nothing anywhere: without this package OpenVINO takes its own stub. It also loads sooner.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402
from openvino import properties  # noqa: E402

_DEVICE = "CPU"
_MAX_COMPILED = 8  # a folder of pictures has a handful of aspects, and each compiled network holds memory


class OpenVinoBackend(Closing):
    """Runs the network with OpenVINO's CPU plug-in.

    A network compiled for one shape runs faster than one for any shape, so each shape that comes
    along gets its own.
    """

    name = "openvino"
    reuses_output = False

    def __init__(
        self, onnx_path: Path, *, classes: int, precision: Precision = "auto", threads: int | None = None
    ) -> None:
        """Raises ModelError for a file that is no ONNX or not of our contract."""
        self._core = openvino.Core()
        self._config: dict[str, Any] = {
            properties.hint.performance_mode(): properties.hint.PerformanceMode.LATENCY
        }
        if threads is not None:
            self._config[properties.inference_num_threads()] = threads
        # What is not quantised of an int8 network runs in what the CPU does fastest, as with auto.
        if precision in {"f32", "bf16"}:
            self._config[properties.hint.inference_precision()] = precision
        try:
            self._network = self._core.read_model(onnx_path)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"{onnx_path}: OpenVINO cannot load it: {reason}") from error
        check_contract(
            onnx_path,
            inputs={port.get_any_name(): _shape(port) for port in self._network.inputs},
            outputs={port.get_any_name(): _shape(port) for port in self._network.outputs},
            classes=classes,
        )
        self._requests: dict[tuple[int, ...], Any] = {}
        capable = self._core.get_property(_DEVICE, properties.device.capabilities())
        if precision == "bf16" and properties.device.Capability.BF16 not in capable:
            raise ConfigError("this CPU has no bf16 arithmetic; use precision auto or f32")
        hinted = self._core.get_property(_DEVICE, properties.hint.inference_precision())
        self.precision = precision if precision != "auto" else hinted.get_type_name()

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32. The first call of a shape compiles for it."""
        request = self._requests.get(batch.shape)
        if request is None:
            request = self._compile(batch.shape)
        # The batch may be read in place: it outlives this blocking call. The output is copied (0.2 MB).
        logits: Logits = request.infer({"image": batch}, share_inputs=True)[0]
        return logits

    def _compile(self, shape: tuple[int, ...]) -> Any:
        if len(self._requests) == _MAX_COMPILED:
            del self._requests[next(iter(self._requests))]
        network = self._network.clone()
        network.reshape(list(shape))
        request = self._core.compile_model(network, _DEVICE, self._config).create_infer_request()
        self._requests[shape] = request
        return request

    def close(self) -> None:
        """Free the compiled networks."""
        self._requests.clear()


def _shape(port: Any) -> list[object]:
    return [d.get_length() if d.is_static else "open" for d in port.get_partial_shape()]
