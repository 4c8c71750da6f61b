"""OpenVINO on the CPU: the fastest way on x86, in bfloat16 where the hardware has it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from rtseg.backends import Inferred, Logits, Precision
from rtseg.backends.cache import CompiledCache
from rtseg.backends.contract import check_contract
from rtseg.closing import Closing
from rtseg.errors import ConfigError, ModelError
from rtseg.frame import UInt8Array
from rtseg.threads import Mode

# OpenVINO reports each import to its maker's statistics, from a thread of its own. A program that watches
# streets sends nothing anywhere: without this package OpenVINO takes its own stub. It also loads sooner.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402
from openvino import properties  # noqa: E402

_DEVICE = "CPU"
# A folder of pictures has a handful of aspects, a grid of three has three on each rung of --adaptive. Each
# compiled network holds memory.
_MAX_COMPILED = 12
_HINTS = {
    "live": properties.hint.PerformanceMode.LATENCY,
    "offline": properties.hint.PerformanceMode.THROUGHPUT,
}


class _Request:
    """One inference under way, and the memory that it uses."""

    def __init__(self, compiled: _Compiled, batch: UInt8Array) -> None:
        self._compiled = compiled
        self._request = compiled.idle.pop() if compiled.idle else compiled.network.create_infer_request()
        self._started_ns = time.perf_counter_ns()
        # The batch is read in place, and the request holds on to it.
        self._request.start_async({"image": batch}, share_inputs=True)

    def result(self) -> Inferred:
        """Wait for it; the logits are copied (0.2 MB), and the request is free for the next."""
        self._request.wait()
        logits: Logits = self._request.get_output_tensor(0).data.copy()
        # OpenVINO counts from the start, and with it the wait for those that were begun before.
        ended_ns = self._started_ns + round(self._request.latency * 1e6)
        spent_ns = ended_ns - max(self._started_ns, self._compiled.ended_ns)
        self._compiled.ended_ns = max(ended_ns, self._compiled.ended_ns)
        self._compiled.idle.append(self._request)
        return Inferred(logits, max(0, spent_ns))


class _Compiled:
    """A network compiled for one shape, and its requests that nobody uses."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.in_flight = int(network.get_property(properties.optimal_number_of_infer_requests()))
        self.idle: list[Any] = []
        self.ended_ns = 0


class OpenVinoBackend(Closing):
    """Runs the network with OpenVINO's CPU plug-in.

    A network compiled for one shape runs faster than one for any shape, so each shape that comes
    along gets its own.
    """

    name = "openvino"

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
        self._core = openvino.Core()
        self._mode = mode
        self._config: dict[str, Any] = {properties.hint.performance_mode(): _HINTS[mode]}
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
        capable = self._core.get_property(_DEVICE, properties.device.capabilities())
        if precision == "bf16" and properties.device.Capability.BF16 not in capable:
            raise ConfigError("this CPU has no bf16 arithmetic; use precision auto or f32")
        hinted = self._core.get_property(_DEVICE, properties.hint.inference_precision())
        self.precision = precision if precision != "auto" else hinted.get_type_name()
        self.in_flight = 1
        self.from_cache = False
        """Whether the network last made ready had been compiled before, by this process or another."""
        self._cache = CompiledCache(onnx_path, f"openvino {openvino.__version__}")
        self._compiled: dict[tuple[int, ...], _Compiled] = {}

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/4, W/4) float32. The first call of a shape compiles for it."""
        return self.submit(batch).result().logits

    def submit(self, batch: UInt8Array) -> _Request:
        """Begin an inference. Offline some run side by side, and one more waits for its turn."""
        compiled = self._compiled.get(batch.shape)
        if compiled is None:
            compiled = self._prepare(batch.shape)
        # One more than run side by side: so that none of them ever waits for a batch.
        self.in_flight = compiled.in_flight + 1 if self._mode == "offline" else 1
        return _Request(compiled, batch)

    def _prepare(self, shape: tuple[int, ...]) -> _Compiled:
        """Compile for batches of this shape, or load what was compiled before."""
        compiled = _Compiled(self._compile(shape))
        if len(self._compiled) == _MAX_COMPILED:
            del self._compiled[next(iter(self._compiled))]
        self._compiled[shape] = compiled
        return compiled

    def _compile(self, shape: tuple[int, ...]) -> Any:
        # Streams and threads are settled when it is loaded: what is kept is the same for all modes.
        name = f"{'x'.join(map(str, shape))}-{self.precision}.blob"
        if (blob := self._cache.read(name)) is not None:
            try:
                compiled = self._core.import_model(blob, _DEVICE, self._config)
            except RuntimeError:  # made by the same OpenVINO built otherwise: compile it anew
                pass
            else:
                self.from_cache = True
                return compiled
        self.from_cache = False
        network = self._network.clone()
        network.reshape(list(shape))
        compiled = self._core.compile_model(network, _DEVICE, self._config)
        self._cache.write(name, compiled.export_model().getvalue())
        return compiled

    def close(self) -> None:
        """Free the compiled networks."""
        self._compiled.clear()


def _shape(port: Any) -> list[object]:
    return [d.get_length() if d.is_static else "open" for d in port.get_partial_shape()]
