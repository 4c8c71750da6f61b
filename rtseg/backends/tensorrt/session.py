"""A plan opened on the GPU and run plainly, one batch after the other.

batch (1, H, W, 3) uint8 RGB  ->  logits (1, C, H/s, W/s) float32
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import tensorrt as trt

from rtseg.backends import Logits
from rtseg.backends.contract import check_contract
from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.journal import JOURNAL
from rtseg.backends.tensorrt.library import logger, version
from rtseg.closing import Closing
from rtseg.errors import BackendUnavailable, ModelError
from rtseg.frame import UInt8Array

_NON_BLOCKING = 1


class PlanSession(Closing):
    """Opened, used and closed by one thread, which owns the GPU meanwhile."""

    def __init__(
        self, plan: bytes, driver: cuda.Driver, *, path: Path, classes: int, gpu_index: int = 0
    ) -> None:
        """Path is for messages.

        Raises ModelError for a plan that TensorRT refuses or that is not of our contract, BackendUnavailable
        where the GPU has no room for it, fails or is gone. Whatever was opened until then is closed again.
        """
        self._driver = driver
        self._runtime: trt.Runtime | None = None
        self._engine: trt.ICudaEngine | None = None
        self._context: trt.IExecutionContext | None = None
        self._stream: cuda.AnyStream | None = None
        self._buffers: list[cuda.Allocation] = []
        with ExitStack() as stack:
            stack.enter_context(cuda.context(driver, gpu_index))
            stack.callback(self._free)
            stack.enter_context(cuda.freeing_frames())
            with self._gpu_errors():
                self._open(plan, path, classes)
                try:
                    self._allocate()
                except driver.MemoryError as error:
                    wanted = self._input_bytes + self._logits.nbytes
                    raise self._no_room(path, "its input and output", wanted) from error
            self._stack = stack.pop_all()

    def infer(self, batch: UInt8Array) -> Logits:
        """(1, H, W, 3) uint8 RGB of the size that it was built for -> (1, C, H/s, W/s) float32.

        Raises ModelError for another size, BackendUnavailable where the GPU fails or is gone.
        """
        if batch.shape != self.shape:
            raise ModelError(
                f"the engine is for batches {self.shape}, not {batch.shape}; build one for that size"
            )
        with self._gpu_errors():
            self._driver.memcpy_htod_async(self._input, np.ascontiguousarray(batch), self._used_stream)
            self._execute()
            self._driver.memcpy_dtoh_async(self._logits, self._output, self._used_stream)
            self._used_stream.synchronize()
        logits: Logits = self._logits.copy()
        return logits

    def close(self) -> None:
        """Free all, in the order in which it depends on each other; harmless when done twice."""
        self._stack.close()

    @property
    def _used_stream(self) -> cuda.AnyStream:
        assert self._stream is not None
        return self._stream

    def _execute(self) -> None:
        """Put the network into the stream. Raises BackendUnavailable where TensorRT does not take it."""
        assert self._context is not None
        if not self._context.execute_async_v3(self._used_stream.handle):
            raise BackendUnavailable(f"TensorRT stopped: {JOURNAL.last_error()}, {cuda.INSTEAD}")

    @contextmanager
    def _gpu_errors(self) -> Iterator[None]:
        JOURNAL.clear()
        try:
            yield
        except self._driver.Error as error:
            raise cuda.is_gone(error) from error

    def _open(self, plan: bytes, path: Path, classes: int) -> None:
        self._runtime = trt.Runtime(logger())
        self._engine = engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            if JOURNAL.memory_wanted() is not None:  # the plan is good, and stays
                raise self._no_room(path, "the engine", len(plan))
            raise ModelError(f"{path}: TensorRT {version()} refuses this engine ({JOURNAL.last_error()})")
        _check(path, engine, classes)
        self.shape: tuple[int, ...] = tuple(engine.get_tensor_profile_shape("image", 0)[1])
        """(1, H, W, 3) of the input."""
        self._context = engine.create_execution_context()
        if self._context is None:
            raise self._no_room(path, "the engine's own memory", _context_bytes(engine))
        self._context.set_input_shape("image", self.shape)
        if missing := self._context.infer_shapes():
            raise ModelError(f"{path}: TensorRT does not know the shape of {', '.join(missing)}")

    def _no_room(self, path: Path, purpose: str, least: int) -> BackendUnavailable:
        """For want of memory: as many bytes as TensorRT says that it wanted, else at least these."""
        wanted = (JOURNAL.memory_wanted() or least) // cuda.MB + 1
        return BackendUnavailable(
            f"{path}: the GPU has no {wanted} MB for {purpose} ({cuda.free_memory(self._driver)}); close "
            f"other programs, {cuda.INSTEAD}"
        )

    def _allocate(self) -> None:
        assert self._context is not None
        self._input_bytes = math.prod(self.shape)
        self._logits: Logits = np.empty(tuple(self._context.get_tensor_shape("logits")), np.float32)
        self._stream = self._driver.Stream(_NON_BLOCKING)
        self._input = self._driver.mem_alloc(self._input_bytes)
        self._buffers.append(self._input)
        self._output = self._driver.mem_alloc(self._logits.nbytes)
        self._buffers.append(self._output)
        self._context.set_tensor_address("image", int(self._input))
        self._context.set_tensor_address("logits", int(self._output))

    def _free(self) -> None:
        """What uses goes before what is used; letting go of a name frees what is TensorRT's."""
        # A GPU that is gone frees nothing, and the rest must still be let go.
        with suppress(self._driver.Error):
            if self._stream is not None:
                self._stream.synchronize()
        self._free_calls()
        self._context = None
        self._engine = None
        self._runtime = None
        for buffer in self._buffers:
            with suppress(self._driver.Error):
                buffer.free()
        self._buffers = []
        self._free_memory()
        self._stream = None

    def _free_calls(self) -> None:
        """What refers to the execution context; nothing here."""

    def _free_memory(self) -> None:
        """Further memory; none here."""


def _check(path: Path, engine: trt.ICudaEngine, classes: int) -> None:
    """Compare names, shapes and types with the contract. Raises ModelError."""
    shapes: dict[bool, dict[str, list[object]]] = {True: {}, False: {}}
    types = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        # -1 is an open side, which the profile closes.
        shapes[is_input][name] = [side if side >= 0 else "open" for side in engine.get_tensor_shape(name)]
        types[name] = engine.get_tensor_dtype(name)
    check_contract(path, inputs=shapes[True], outputs=shapes[False], classes=classes)
    if types != {"image": trt.DataType.UINT8, "logits": trt.DataType.FLOAT}:
        raise ModelError(f"{path}: takes or gives other numbers than uint8 and float32; build it with rtseg")


def _context_bytes(engine: trt.ICudaEngine) -> int:
    """TensorRT 10 gave the figure another name, and 11 took the old one away."""
    for name in ("device_memory_size_v2", "device_memory_size"):
        if (found := getattr(engine, name, None)) is not None:
            return int(found)
    return 0
