"""TensorRT for the sizes that it has engines of, a CPU backend for the others: said once, never silent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, cast

from rtseg.backends import Backend, FrameBackend, Logits, Pending, PendingFrame
from rtseg.closing import Closing
from rtseg.errors import BackendUnavailable
from rtseg.frame import Frame, Size, UInt8Array

_LOG = logging.getLogger(__name__)


class _Gpu(FrameBackend, Protocol):
    def why_no_engine(self) -> str: ...

    def prepare(self, size: Size) -> None: ...


def open_gpu_first(open_gpu: Callable[[], Backend], open_cpu: Callable[[], Backend]) -> Backend:
    """What --backend auto opens where TensorRT is installed: it, or a CPU one if it has no engine here."""
    try:
        gpu = cast(_Gpu, open_gpu())
    except BackendUnavailable as error:
        _LOG.warning("The network runs on the CPU: %s", error)
        return open_cpu()
    if why := gpu.why_no_engine():
        gpu.close()
        _LOG.warning("The network runs on the CPU: %s", why)
        return open_cpu()
    return GpuFirst(gpu, open_cpu)


class GpuFirst(Closing):
    """Decides for each size of input when it first comes along. A GPU that fails later is an error."""

    def __init__(self, gpu: _Gpu, open_cpu: Callable[[], Backend]) -> None:
        self._gpu = gpu
        self._open_cpu = open_cpu
        self._cpu: Backend | None = None
        self._on_gpu: dict[Size, bool] = {}
        self.name = gpu.name
        self.precision = gpu.precision
        self.in_flight = gpu.in_flight

    def infer(self, batch: UInt8Array) -> Logits:
        """As Backend.infer."""
        return self._for(batch).infer(batch)

    def submit(self, batch: UInt8Array) -> Pending:
        """As Backend.submit."""
        return self._for(batch).submit(batch)

    def takes_frames(self, size: Size) -> bool:
        """Whether TensorRT has an engine of this size, and takes frames."""
        return self._has_engine(size) and self._gpu.takes_frames(size)

    def submit_frame(self, frame: Frame, size: Size, map_size: Size) -> PendingFrame:
        """As FrameBackend.submit_frame, where `takes_frames` says so."""
        return self._gpu.submit_frame(frame, size, map_size)

    def close(self) -> None:
        """Close both."""
        self._gpu.close()
        if self._cpu is not None:
            self._cpu.close()

    def _for(self, batch: UInt8Array) -> Backend:
        if self._has_engine((batch.shape[2], batch.shape[1])):
            self.in_flight = self._gpu.in_flight
            return self._gpu
        if self._cpu is None:
            self._cpu = self._open_cpu()
            self.name = f"{self._gpu.name}, {self._cpu.name}"
            self.precision = f"{self._gpu.precision}, {self._cpu.precision}"
        self.in_flight = self._cpu.in_flight
        return self._cpu

    def _has_engine(self, size: Size) -> bool:
        if size not in self._on_gpu:
            try:
                self._gpu.prepare(size)
                self._on_gpu[size] = True
            except BackendUnavailable as error:
                _LOG.warning("Inputs of %dx%d run on the CPU: %s", *size, error)
                self._on_gpu[size] = False
        return self._on_gpu[size]
