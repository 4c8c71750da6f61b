"""TensorRT: the engine of this board for the size at hand, run by the one thread that owns the GPU.

infer:         batch (N, H, W, 3) uint8 RGB  ->  logits (N, C, H/s, W/s) float32
submit_frame:  planes as they came           ->  logits (C, H/s, W/s) float32 and a class map (H, W) uint8
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtseg.backends import FrameInferred, Inferred, Logits, Precision
from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.engines import Engines
from rtseg.backends.tensorrt.frames import Kernels
from rtseg.backends.tensorrt.kernels.compiled import cubin
from rtseg.backends.tensorrt.runner import Runner
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.closing import Closing
from rtseg.errors import BackendUnavailable, ModelError
from rtseg.frame import Frame, Size, UInt8Array
from rtseg.threads import Mode

_LOG = logging.getLogger(__name__)
_MOST_ENGINES = 4  # open at once: each takes memory of the GPU
_NAMES = {"fp32": "f32", "fp16": "f16", "int8": "int8"}


@dataclass(frozen=True)
class _Pending:
    """A batch that the GPU's thread has or will have."""

    done: Future[Inferred]

    def result(self) -> Inferred:
        return self.done.result()


@dataclass(frozen=True)
class _PendingFrame:
    """A frame that the GPU's thread has or will have."""

    done: Future[FrameInferred]

    def result(self) -> FrameInferred:
        return self.done.result()


class _Workshop:
    """All that lies on the GPU. Touched by the thread that owns it, and by no other."""

    def __init__(self, engines: Engines, driver: cuda.Driver, classes: int, gpu_index: int) -> None:
        self._engines = engines
        self._driver = driver
        self._classes = classes
        self._gpu_index = gpu_index
        self._kernels: Kernels | None = None
        self._runners: dict[Size, Runner] = {}

    def load_kernels(self) -> bool:
        """Whether frames can be taken as they are; where not, it is said why, and batches can."""
        try:
            capability = cuda.read_gpu(self._driver, self._gpu_index).compute_capability
            self._kernels = Kernels(self._driver, cubin(capability))
        except (BackendUnavailable, self._driver.Error) as error:
            reason = " ".join(str(error).split())
            _LOG.warning("Frames are scaled by the CPU and not by the GPU: %s", reason)
        return self._kernels is not None

    def runner(self, size: Size) -> Runner:
        """The engine for this size, opened when it is first asked for."""
        if (runner := self._runners.get(size)) is not None:
            return runner
        plan, path = self._engines.find(size)
        if len(self._runners) == _MOST_ENGINES:
            self._runners.pop(next(iter(self._runners))).close()
        try:
            runner = Runner(
                plan,
                self._driver,
                path=path,
                classes=self._classes,
                gpu_index=self._gpu_index,
                kernels=self._kernels,
            )
        except ModelError as error:
            raise BackendUnavailable(
                f"{error}; build it anew with `{self._engines.command(size)} -y`, {cuda.INSTEAD}"
            ) from error
        self._runners[size] = runner
        return runner

    def infer(self, batch: UInt8Array) -> Inferred:
        started_ns = time.perf_counter_ns()
        runner = self.runner((batch.shape[2], batch.shape[1]))
        parts = [runner.infer(batch[n : n + 1]) for n in range(len(batch))]
        logits = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Inferred(logits, time.perf_counter_ns() - started_ns)

    def infer_frame(self, frame: Frame, size: Size, map_size: Size) -> FrameInferred:
        started_ns = time.perf_counter_ns()
        logits, class_map = self.runner(size).infer_frame(frame, map_size)
        return FrameInferred(logits, class_map, time.perf_counter_ns() - started_ns)

    def close(self) -> None:
        for runner in self._runners.values():
            runner.close()
        self._runners = {}
        self._kernels = None


class TensorRtBackend(Closing):
    """Runs the network with TensorRT; methods may be called by any thread, which then waits for the GPU's.

    Each size of input needs an engine of its own, made by `rtseg export --format engine`: nothing is built
    here, for that takes minutes.
    """

    name = "tensorrt"

    def __init__(
        self,
        onnx_path: Path,
        *,
        classes: int,
        precision: Precision = "auto",
        mode: Mode = "live",
        threads: int | None = None,
        gpu_index: int = 0,
    ) -> None:
        """Threads is for CPU backends.

        Raises BackendUnavailable where the driver or the GPU is missing or does not work, saying what to do.
        Whether there is an engine turns out when the size of the input is known.
        """
        driver = cuda.open_driver()
        self._engines = Engines(onnx_path, precision, driver, gpu_index)
        self.in_flight = 1 if mode == "live" else 2
        self._workshop = _Workshop(self._engines, driver, classes, gpu_index)
        self._thread = GpuThread(driver, gpu_index, self._workshop.close)
        self._takes_frames = self._do(self._workshop.load_kernels)

    @property
    def precision(self) -> str:
        """Of the engine last opened, or of the one that there is to open."""
        return _NAMES[self._engines.precision]

    def why_no_engine(self) -> str:
        """Where there is none of any size, in words what to do; else empty."""
        return "" if self._engines.sizes() else self._engines.none_at_all()

    def prepare(self, size: Size) -> None:
        """Open the engine for inputs of this size (width, height). Raises BackendUnavailable."""
        self._do(lambda: self._workshop.runner(size) is not None)

    def infer(self, batch: UInt8Array) -> Logits:
        """(N, H, W, 3) uint8 RGB -> (N, C, H/s, W/s) float32. The first of a size opens its engine.

        Raises BackendUnavailable where there is none of this size, or the GPU fails or is gone.
        """
        return self.submit(batch).result().logits

    def submit(self, batch: UInt8Array) -> _Pending:
        """Begin an inference; errors come with its result."""
        return _Pending(self._thread.submit(lambda: self._workshop.infer(batch)))

    def takes_frames(self, size: Size) -> bool:
        """Whether `submit_frame` works for network inputs of this size."""
        return self._takes_frames

    def submit_frame(self, frame: Frame, size: Size, map_size: Size) -> _PendingFrame:
        """Begin with a frame as it came: scaled, run and upsampled on the GPU; errors come with its result.

        size (width, height) is that of the network's input, map_size that of the class map.
        """
        return _PendingFrame(self._thread.submit(lambda: self._workshop.infer_frame(frame, size, map_size)))

    def close(self) -> None:
        """Finish what is under way and free all, by the GPU's thread; harmless when done twice."""
        self._thread.close()

    def _do(self, work: Callable[[], bool]) -> bool:
        return self._thread.submit(work).result()
