"""A plan that is run again and again: page-locked memory, recorded calls, frames by way of the GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtseg.backends import Logits
from rtseg.backends.tensorrt import cuda, graph
from rtseg.backends.tensorrt.frames import FramePath, Geometry, Kernels, Network
from rtseg.backends.tensorrt.graph import Replay
from rtseg.backends.tensorrt.memory import Memory
from rtseg.backends.tensorrt.session import PlanSession
from rtseg.errors import BackendUnavailable, ModelError
from rtseg.frame import Frame, Size, UInt8Array

_MOST_PATHS = 4  # each holds a frame's memory, here and on the GPU


class Runner(PlanSession):
    """Opened, used and closed by the thread that owns the GPU."""

    def __init__(
        self,
        plan: bytes,
        driver: cuda.Driver,
        *,
        path: Path,
        classes: int,
        gpu_index: int = 0,
        kernels: Kernels | None = None,
    ) -> None:
        """Without kernels no frames are taken, only batches. Raises as PlanSession does."""
        self._kernels = kernels
        self._memory = Memory(driver)
        self._library = graph.load_library()
        self._replay: Replay | None = None
        self._paths: dict[Geometry, tuple[FramePath, Replay]] = {}
        super().__init__(plan, driver, path=path, classes=classes, gpu_index=gpu_index)

    def infer(self, batch: UInt8Array) -> Logits:
        """As PlanSession.infer."""
        if batch.shape != self.shape:
            raise ModelError(
                f"the engine is for batches {self.shape}, not {batch.shape}; build one for that size"
            )
        assert self._replay is not None
        with self._gpu_errors():
            np.copyto(self._staged, batch)
            self._replay.run()
            self._used_stream.synchronize()
        logits: Logits = self._logits.copy()
        return logits

    def infer_frame(self, frame: Frame, map_size: Size) -> tuple[Logits, UInt8Array]:
        """A frame in any pixel format -> logits (C, h, w) float32, class map of map_size uint8.

        Raises BackendUnavailable where the GPU fails, is gone or has no room for the frame.
        """
        geometry = Geometry.of(frame, map_size)
        with self._gpu_errors():
            path, replay = self._paths.get(geometry) or self._add_path(geometry)
            path.stage(frame)
            replay.run()
            self._used_stream.synchronize()
        return self._logits[0].copy(), path.class_map()

    def _allocate(self) -> None:
        super()._allocate()
        self._staged: UInt8Array = self._memory.page_locked(self.shape, np.uint8)
        self._logits = self._memory.page_locked(self._logits.shape, np.float32)
        self._replay = Replay(self._call, self._used_stream, self._driver, self._library)

    def _call(self) -> None:
        self._driver.memcpy_htod_async(self._input, self._staged, self._used_stream)
        self._execute()
        self._driver.memcpy_dtoh_async(self._logits, self._output, self._used_stream)

    def _add_path(self, geometry: Geometry) -> tuple[FramePath, Replay]:
        assert self._kernels is not None
        if len(self._paths) == _MOST_PATHS:
            path, replay = self._paths.pop(next(iter(self._paths)))
            replay.free()
            path.free()
        _, height, width, _ = self.shape
        network = Network(
            int(self._input), (width, height), int(self._output), self._logits.shape[1:], self._execute
        )
        try:
            made = FramePath(geometry, network, self._kernels, self._driver, self._used_stream)
        except self._driver.MemoryError as error:
            wanted = sum(int(np.prod(shape)) for shape in geometry.shapes) // cuda.MB + 1
            raise BackendUnavailable(
                f"the GPU has no {wanted} MB for a frame ({cuda.free_memory(self._driver)}); close other "
                f"programs, {cuda.INSTEAD}"
            ) from error

        def call() -> None:
            made.call()
            self._driver.memcpy_dtoh_async(self._logits, self._output, self._used_stream)

        self._paths[geometry] = made, Replay(call, self._used_stream, self._driver, self._library)
        return self._paths[geometry]

    def _free_calls(self) -> None:
        for _, replay in self._paths.values():
            replay.free()
        if self._replay is not None:
            self._replay.free()
            self._replay = None

    def _free_memory(self) -> None:
        for path, _ in self._paths.values():
            path.free()
        self._paths = {}
        self._memory.free()
        self._kernels = None
