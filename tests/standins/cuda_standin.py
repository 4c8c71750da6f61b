"""A stand-in for PyCUDA on a machine without a GPU: a test aid, which computes nothing on any GPU.

Memory is NumPy's, and so are the addresses; kernels run on the CPU where a test gives them. It writes down
the order of calls, and what a real GPU would punish is an error here at once: a call without a current
context, memory freed by another thread or left over, a wait while calls are being recorded.
"""

from __future__ import annotations

import ctypes
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from standins.kernels_on_cpu import CpuKernels

MB = 1 << 20


@dataclass
class Card:
    """What the GPU is said to be, what fails, and what was done."""

    name: str = "Stand-in GPU"
    capability: tuple[int, int] = (8, 7)
    integrated: bool = False
    count: int = 1
    memory: int = 8192 * MB
    calls: list[str] = field(default_factory=list)
    init_error: str = ""
    gone: bool = False
    """Fallen off the bus: whatever is asked of it fails, and nothing can be freed."""
    error: type[Exception] = Exception
    no_memory_after: int | None = None
    """So many allocations succeed."""
    on_copy: Callable[[], None] = lambda: None
    on_launch: Callable[[], None] = lambda: None
    memories: dict[int, Any] = field(default_factory=dict)
    """By address; what a stand-in engine computes on."""
    page_locked: set[int] = field(default_factory=set)
    """Addresses of what is there."""
    kernels: CpuKernels | None = None
    refuses_cubins: bool = False
    recording: list[Callable[[], None]] | None = None
    """What was put into the stream since it is being recorded."""
    contexts: dict[int, int] = field(default_factory=dict)
    """How many are current, by thread."""

    def note(self, call: str) -> None:
        self.calls.append(call)

    def check_current(self) -> None:
        assert self.contexts.get(threading.get_ident(), 0), "no context is current in this thread"

    def check_there(self) -> None:
        if self.gone:
            raise self.error("cuCtxSynchronize failed: the device is unavailable")

    def put(self, call: str, work: Callable[[], None]) -> None:
        """Into the stream: done at once, or kept for a recording."""
        self.check_current()
        self.check_there()

        def do() -> None:
            self.note(call)
            work()

        if self.recording is None:
            do()
        else:
            self.recording.append(do)

    def check_not_recording(self) -> None:
        assert self.recording is None, "not allowed while calls are being recorded"

    def nothing_left(self) -> None:
        assert not any(self.contexts.values()), f"contexts left current: {self.contexts}"
        if self.gone:
            return
        assert self.recording is None, "still recording"
        assert not self.page_locked, f"left page-locked: {self.page_locked}"
        assert not self.memories, f"left on the GPU: {self.memories}"


def make_pycuda(card: Card) -> tuple[types.ModuleType, types.ModuleType]:
    """The modules pycuda and pycuda.driver."""
    driver = types.ModuleType("pycuda.driver")

    class Error(Exception):
        pass

    class LogicError(Error):
        pass

    class OutOfMemory(Error):
        pass

    card.error = LogicError

    class Context:
        def push(self) -> None:
            thread = threading.get_ident()
            card.contexts[thread] = card.contexts.get(thread, 0) + 1
            card.note("context.push")

        def pop(self) -> None:
            card.check_current()
            card.contexts[threading.get_ident()] -= 1
            card.note("context.pop")
            card.check_there()

    class Device:
        def __init__(self, ordinal: int) -> None:
            if ordinal >= card.count:
                raise LogicError("cuDeviceGet failed: invalid device ordinal")

        @staticmethod
        def count() -> int:
            return card.count

        def name(self) -> str:
            card.check_there()
            return card.name

        def compute_capability(self) -> tuple[int, int]:
            return card.capability

        def total_memory(self) -> int:
            return card.memory

        def get_attribute(self, attribute: str) -> int:
            assert attribute == "INTEGRATED"
            return int(card.integrated)

        def retain_primary_context(self) -> Context:
            return Context()

    class Stream:
        handle = 4711

        def __init__(self, flags: int = 0) -> None:
            card.check_current()
            card.check_there()
            assert flags == 1, "the legacy stream waits for all others"
            card.note("stream")

        def synchronize(self) -> None:
            card.check_current()
            card.check_not_recording()
            card.check_there()
            card.note("stream.synchronize")

        def __del__(self) -> None:
            card.note("del stream")

    class Event:
        def record(self, stream: Stream) -> None:
            card.check_current()
            self.at_s = time.perf_counter()

        def synchronize(self) -> None:
            card.check_current()

        def time_till(self, other: Event) -> float:
            return (other.at_s - self.at_s) * 1000

    class Allocation:
        def __init__(self, size: int) -> None:
            card.check_current()
            card.check_not_recording()
            card.check_there()
            made = sum(call == "mem_alloc" for call in card.calls)
            if card.no_memory_after is not None and made >= card.no_memory_after:
                raise OutOfMemory("cuMemAlloc failed: out of memory")
            self.thread = threading.get_ident()
            memory = np.full(size, 0xA5, np.uint8)
            self.address = memory.ctypes.data
            card.memories[self.address] = memory
            card.note("mem_alloc")

        def __int__(self) -> int:
            return self.address

        def free(self) -> None:
            card.check_current()
            assert self.thread == threading.get_ident(), "freed by another thread: that leaks"
            card.check_there()
            del card.memories[self.address]
            card.note("free")

    def init() -> None:
        if card.init_error:
            raise LogicError(card.init_error)
        card.note("init")

    class HostAllocation:
        def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
            card.check_current()
            card.check_not_recording()
            self.thread = threading.get_ident()
            self.memory = np.full(shape, 0xA5 if np.dtype(dtype).itemsize == 1 else np.nan, dtype)
            self.__array_interface__ = self.memory.__array_interface__
            card.page_locked.add(self.memory.ctypes.data)
            card.note("pagelocked_empty")

        def free(self) -> None:
            card.check_current()
            assert self.thread == threading.get_ident(), "freed by another thread: that leaks"
            card.check_there()
            card.page_locked.remove(self.memory.ctypes.data)
            card.note("free page-locked")

    class Function:
        def __init__(self, name: str) -> None:
            self.name = name

        def prepare(self, arg_types: list[str]) -> Function:
            (layout,) = arg_types
            assert layout.endswith("s")
            self.size = int(layout[:-1])
            return self

        def prepared_async_call(
            self, grid: tuple[int, int], block: tuple[int, int, int], stream: Stream, *args: bytes
        ) -> None:
            (arguments,) = args
            assert len(arguments) == self.size
            card.on_launch()
            kernels = card.kernels
            assert kernels is not None
            card.put(self.name, lambda: kernels.run(self.name, arguments, grid, block))

    class Module:
        def get_function(self, name: str) -> Function:
            return Function(name)

        def __del__(self) -> None:
            card.check_current()

    def module_from_buffer(buffer: bytes) -> Module:
        card.check_current()
        if card.refuses_cubins:
            raise LogicError("cuModuleLoadDataEx failed: no kernel image is available for execution")
        card.note("module")
        return Module()

    def memcpy_htod_async(target: Allocation, source: np.ndarray, stream: Stream) -> None:
        card.on_copy()
        if card.recording is not None:
            assert source.ctypes.data in card.page_locked, "only page-locked memory can be recorded"

        def copy() -> None:
            card.memories[int(target)][:] = source.reshape(-1).view(np.uint8)

        card.put("htod", copy)

    def memcpy_dtoh_async(target: np.ndarray, source: Allocation, stream: Stream) -> None:
        if card.recording is not None:
            assert target.ctypes.data in card.page_locked, "only page-locked memory can be recorded"

        def copy() -> None:
            target.reshape(-1).view(np.uint8)[:] = card.memories[int(source)]

        card.put("dtoh", copy)

    def memcpy_dtod_async(target: int, source: int, size: int, stream: Stream) -> None:
        def copy() -> None:
            card.memories[target][:size] = card.memories[source][:size]

        card.put("dtod", copy)

    driver.__dict__.update(
        Context=Context,
        Device=Device,
        Stream=Stream,
        Event=Event,
        Error=Error,
        LogicError=LogicError,
        MemoryError=OutOfMemory,
        device_attribute=types.SimpleNamespace(INTEGRATED="INTEGRATED"),
        init=init,
        get_driver_version=lambda: 12020,
        mem_get_info=lambda: (1000 * MB, card.memory),
        mem_alloc=Allocation,
        pagelocked_empty=lambda shape, dtype: np.asarray(HostAllocation(shape, dtype)),
        module_from_buffer=module_from_buffer,
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtod_async=memcpy_dtod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )
    package = types.ModuleType("pycuda")
    package.driver = driver  # type: ignore[attr-defined]
    return package, driver


class Graphs:
    """A stand-in for the functions of libcuda that record calls."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._graphs: dict[int, list[Callable[[], None]]] = {}
        self.fails: dict[str, int] = {}
        """Error codes by the name of the function."""

    def cuStreamBeginCapture_v2(self, stream: int, mode: int) -> int:  # noqa: N802
        assert mode == 1
        if code := self.fails.get("cuStreamBeginCapture_v2"):
            return code
        self._card.recording = []
        return 0

    def cuStreamEndCapture(self, stream: int, graph: Any) -> int:  # noqa: N802
        recorded, self._card.recording = self._card.recording, None
        assert recorded is not None
        if code := self.fails.get("cuStreamEndCapture"):
            return code
        graph._obj.value = self._keep(recorded)
        return 0

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: ctypes.c_void_p, flags: int) -> int:  # noqa: N802
        assert flags == 0
        if code := self.fails.get("cuGraphInstantiateWithFlags"):
            return code
        assert graph.value is not None
        executable._obj.value = self._keep(self._graphs[graph.value])
        return 0

    def cuGraphLaunch(self, executable: ctypes.c_void_p, stream: int) -> int:  # noqa: N802
        self._card.check_current()
        if code := self.fails.get("cuGraphLaunch"):
            return code
        self._card.note("graph")
        assert executable.value is not None
        for work in self._graphs[executable.value]:
            work()
        return 0

    def cuGraphExecDestroy(self, executable: ctypes.c_void_p) -> int:  # noqa: N802
        assert executable.value is not None
        del self._graphs[executable.value]
        self._card.note("cuGraphExecDestroy")
        return 0

    def cuGraphDestroy(self, graph: ctypes.c_void_p) -> int:  # noqa: N802
        assert graph.value is not None
        del self._graphs[graph.value]
        return 0

    def nothing_left(self) -> None:
        assert not self._graphs, "graphs are left"

    def _keep(self, recorded: list[Callable[[], None]]) -> int:
        number = 1 + max(self._graphs, default=0)
        self._graphs[number] = recorded
        return number
