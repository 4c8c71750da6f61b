"""PyCUDA, of which rtseg uses little: it has no type stubs, so what is used stands here as Protocols.

One thread owns the GPU at a time: it enters `context`, creates, uses and frees everything inside, and leaves.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from numpy.typing import DTypeLike, NDArray

from rtseg.backends import INSTALL_TENSORRT
from rtseg.errors import BackendUnavailable, ConfigError

INSTEAD = "or use a CPU backend (--backend onnxruntime)"
"""The end of each message about a GPU that cannot be used."""

MB = 1 << 20


class Context(Protocol):
    """pycuda.driver.Context."""

    def push(self) -> None: ...

    def pop(self) -> None: ...


class AnyDevice(Protocol):
    """pycuda.driver.Device."""

    def name(self) -> str: ...

    def compute_capability(self) -> tuple[int, int]: ...

    def total_memory(self) -> int: ...

    def get_attribute(self, attribute: Any) -> int: ...

    def retain_primary_context(self) -> Context: ...


class Devices(Protocol):
    """The class pycuda.driver.Device."""

    def __call__(self, ordinal: int) -> AnyDevice: ...

    def count(self) -> int: ...


class Allocation(Protocol):
    """pycuda.driver.DeviceAllocation: bytes on the GPU; int() is their address."""

    def __int__(self) -> int: ...

    def free(self) -> None: ...


class AnyStream(Protocol):
    """pycuda.driver.Stream."""

    @property
    def handle(self) -> int: ...

    def synchronize(self) -> None: ...


class Streams(Protocol):
    """The class pycuda.driver.Stream; 1 is CU_STREAM_NON_BLOCKING."""

    def __call__(self, flags: int) -> AnyStream: ...


class Function(Protocol):
    """pycuda.driver.Function: a kernel."""

    def prepare(self, arg_types: Sequence[str]) -> Function: ...

    def prepared_async_call(
        self, grid: tuple[int, int], block: tuple[int, int, int], stream: AnyStream, *args: bytes
    ) -> None: ...


class Module(Protocol):
    """pycuda.driver.Module: a loaded cubin."""

    def get_function(self, name: str) -> Function: ...


class Driver(Protocol):
    """The module pycuda.driver."""

    Device: Devices
    Stream: Streams
    Error: type[Exception]
    MemoryError: type[Exception]
    device_attribute: Any

    def init(self) -> None: ...

    def get_driver_version(self) -> int: ...

    def mem_get_info(self) -> tuple[int, int]: ...

    def mem_alloc(self, size: int) -> Allocation: ...

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]: ...

    def module_from_buffer(self, buffer: bytes) -> Module: ...

    def memcpy_htod_async(self, target: Allocation, source: NDArray[Any], stream: AnyStream) -> None: ...

    def memcpy_dtoh_async(self, target: NDArray[Any], source: Allocation, stream: AnyStream) -> None: ...


@dataclass(frozen=True)
class Gpu:
    """What a GPU is."""

    index: int
    name: str
    compute_capability: tuple[int, int]
    memory_bytes: int
    integrated: bool
    """Whether it shares its memory with the CPU, as on a Jetson."""


def open_driver() -> Driver:
    """PyCUDA on a driver that works, asked before TensorRT is, which without one ends the process.

    Raises BackendUnavailable.
    """
    try:
        driver = cast(Driver, importlib.import_module("pycuda.driver"))
    except ImportError as error:
        if "libcuda" in str(error):
            raise BackendUnavailable(
                f"there is no NVIDIA driver here ({error}); install it, {INSTEAD}"
            ) from error
        raise BackendUnavailable(
            f"TensorRT is run through the package 'pycuda', which cannot be imported ({error}); install it "
            f"with `{INSTALL_TENSORRT}`, {INSTEAD}"
        ) from error
    try:
        driver.init()
        count = driver.Device.count()
    except driver.Error as error:
        raise BackendUnavailable(_why_no_gpu(driver, str(error))) from error
    if count == 0:
        raise BackendUnavailable(f"the NVIDIA driver finds no GPU here; see `nvidia-smi`, {INSTEAD}")
    return driver


def read_gpu(driver: Driver, index: int = 0) -> Gpu:
    """Raises ConfigError for a GPU that is not there, BackendUnavailable for one that does not answer."""
    count = driver.Device.count()
    if not 0 <= index < count:
        raise ConfigError(f"GPU {index} was asked for; there are {count}, counted from 0")
    try:
        device = driver.Device(index)
        major, minor = device.compute_capability()
        return Gpu(
            index,
            device.name(),
            (major, minor),
            device.total_memory(),
            bool(device.get_attribute(driver.device_attribute.INTEGRATED)),
        )
    except driver.Error as error:
        raise is_gone(error) from error


@contextmanager
def context(driver: Driver, index: int = 0) -> Iterator[None]:
    """The GPU's primary context, which TensorRT uses too, current in this thread.

    A thread that ends with one still current ends the process. Raises BackendUnavailable.
    """
    try:
        primary = driver.Device(index).retain_primary_context()
        primary.push()
    except driver.Error as error:
        raise BackendUnavailable(f"GPU {index} gives no context ({_first_line(error)}), {INSTEAD}") from error
    try:
        yield
    finally:
        with suppress(driver.Error):  # of a GPU that is gone, after an error that says so
            primary.pop()


@contextmanager
def freeing_frames() -> Iterator[None]:
    """Inside a context: an error that leaves it keeps nothing of the GPU alive.

    Its traceback, as that of its cause, holds the variables of all functions that it came through, and what
    is freed after the context is left, or by another thread, leaks or ends the process.
    """
    try:
        yield
    except BaseException as error:
        cause: BaseException | None = error
        while cause is not None:
            traceback.clear_frames(cause.__traceback__)
            cause = cause.__cause__
        raise


def is_gone(error: Exception) -> BackendUnavailable:
    """What a user is told of an error of the driver's in the middle of the work."""
    reason = " ".join(str(error).split())
    return BackendUnavailable(f"the GPU failed or is gone ({reason}), {INSTEAD}")


def free_memory(driver: Driver) -> str:
    """For messages: how much of the GPU's memory is free. Inside a context."""
    try:
        free, total = driver.mem_get_info()
    except driver.Error:
        return "how much is free cannot be asked"
    return f"{free // MB} of {total // MB} MB are free"


def _why_no_gpu(driver: Driver, reason: str) -> str:
    told = " ".join(reason.split())
    lowered = told.lower()
    if "no cuda-capable device" in lowered:
        return f"there is no NVIDIA GPU here ({told}); see `nvidia-smi`, {INSTEAD}"
    if "insufficient" in lowered or "forward compatib" in lowered or "system has unsupported" in lowered:
        version = driver.get_driver_version()
        known = (
            f"it knows CUDA {version // 1000}.{version % 1000 // 10}" if version else "its version is unknown"
        )
        return f"the NVIDIA driver is too old ({told}; {known}); install a newer one, {INSTEAD}"
    return f"the NVIDIA driver does not start ({told}); see `nvidia-smi`, restart the machine, {INSTEAD}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
