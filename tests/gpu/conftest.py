"""A real GPU, or a skip that says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from kernel_runs import Place

from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.frames import Kernels
from rtseg.backends.tensorrt.kernels.arguments import Call
from rtseg.backends.tensorrt.kernels.compiled import cubin
from rtseg.backends.tensorrt.memory import Memory
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.errors import BackendUnavailable


@pytest.fixture(scope="session")
def driver() -> Any:
    """PyCUDA on a GPU that answers."""
    try:
        return cuda.open_driver()
    except BackendUnavailable as error:
        pytest.skip(f"needs an NVIDIA GPU: {error}")


class OnGpu:
    """Kernels on the GPU; used inside its thread."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._memory = Memory(driver)
        self._kernels: Kernels | None = Kernels(driver, cubin(cuda.read_gpu(driver).compute_capability))
        self._stream = driver.Stream(1)
        self._there: dict[int, tuple[np.ndarray, cuda.Allocation]] = {}

    def put(self, array: np.ndarray) -> int:
        if id(array) not in self._there:
            buffer = self._memory.device(array.nbytes)
            self._driver.memcpy_htod_async(buffer, array, self._stream)
            self._stream.synchronize()
            self._there[id(array)] = array, buffer
        return int(self._there[id(array)][1])

    def launch(self, call: Call) -> None:
        assert self._kernels is not None
        self._kernels.launch(call, self._stream)

    def fetch(self, array: np.ndarray) -> None:
        self._driver.memcpy_dtoh_async(array, self._there[id(array)][1], self._stream)
        self._stream.synchronize()

    def free(self) -> None:
        self._there = {}
        self._memory.free()
        self._kernels = None
        self._stream = None


@pytest.fixture
def thread(driver: Any) -> Iterator[GpuThread]:
    """The thread that owns the GPU."""
    with GpuThread(driver, 0, lambda: None) as opened:
        yield opened


@pytest.fixture
def on_gpu(driver: Any, thread: GpuThread) -> Callable[[Callable[[Place], np.ndarray]], np.ndarray]:
    """Runs a function of a place on the GPU, and frees what it put there."""

    def run(work: Callable[[Place], np.ndarray]) -> np.ndarray:
        def whole() -> np.ndarray:
            place = OnGpu(driver)
            try:
                return work(place)
            finally:
                place.free()

        return thread.submit(whole).result()

    return run
