"""Memory of the GPU, and memory of the CPU that the GPU reads and writes by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from numpy.typing import DTypeLike, NDArray

from rtseg.backends.tensorrt import cuda


class Memory:
    """What was allocated together, freed together, by the thread that owns the GPU."""

    def __init__(self, driver: cuda.Driver) -> None:
        self._driver = driver
        self._buffers: list[cuda.Allocation] = []
        self._pinned: list[Any] = []

    def device(self, size: int) -> cuda.Allocation:
        """So many bytes of the GPU's memory. Raises the driver's MemoryError."""
        buffer = self._driver.mem_alloc(size)
        self._buffers.append(buffer)
        return buffer

    def page_locked(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array that is copied to and from the GPU without the CPU. Raises the driver's MemoryError.

        Nobody may look at it after `free`.
        """
        array = self._driver.pagelocked_empty(shape, dtype)
        self._pinned.append(array.base)
        return array

    def free(self) -> None:
        """The GPU's first; harmless when repeated. Nothing may be under way."""
        for each in (*self._buffers, *self._pinned):
            with suppress(self._driver.Error):  # of a GPU that is gone
                each.free()
        self._buffers = []
        self._pinned = []
