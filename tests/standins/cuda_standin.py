"""A stand-in for PyCUDA on a machine without a GPU: a test aid, which computes nothing on any GPU.

Memory is NumPy's, addresses are made up. It writes down the order of calls, and what a real GPU would punish
is an error here at once: a call without a current context, memory freed by another thread or left over.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    no_memory_after: int | None = None
    """So many allocations succeed."""
    on_copy: Callable[[], None] = lambda: None
    memories: dict[int, Any] = field(default_factory=dict)
    """By made-up address; what a stand-in engine computes on."""
    contexts: dict[int, int] = field(default_factory=dict)
    """How many are current, by thread."""

    def note(self, call: str) -> None:
        self.calls.append(call)

    def check_current(self) -> None:
        assert self.contexts.get(threading.get_ident(), 0), "no context is current in this thread"

    def nothing_left(self) -> None:
        assert not self.memories, f"left on the GPU: {self.memories}"
        assert not any(self.contexts.values()), f"contexts left current: {self.contexts}"


def make_pycuda(card: Card) -> tuple[types.ModuleType, types.ModuleType]:
    """The modules pycuda and pycuda.driver."""
    driver = types.ModuleType("pycuda.driver")

    class Error(Exception):
        pass

    class LogicError(Error):
        pass

    class OutOfMemory(Error):
        pass

    class Context:
        def push(self) -> None:
            thread = threading.get_ident()
            card.contexts[thread] = card.contexts.get(thread, 0) + 1
            card.note("context.push")

        def pop(self) -> None:
            card.check_current()
            card.contexts[threading.get_ident()] -= 1
            card.note("context.pop")

    class Device:
        def __init__(self, ordinal: int) -> None:
            if ordinal >= card.count:
                raise LogicError("cuDeviceGet failed: invalid device ordinal")

        @staticmethod
        def count() -> int:
            return card.count

        def name(self) -> str:
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
            assert flags == 1, "the legacy stream waits for all others"
            card.note("stream")

        def synchronize(self) -> None:
            card.check_current()
            card.note("stream.synchronize")

        def __del__(self) -> None:
            card.note("del stream")

    class Allocation:
        def __init__(self, size: int) -> None:
            card.check_current()
            made = sum(call == "mem_alloc" for call in card.calls)
            if card.no_memory_after is not None and made >= card.no_memory_after:
                raise OutOfMemory("cuMemAlloc failed: out of memory")
            self.thread = threading.get_ident()
            self.address = 0x7000_0000 + MB * made
            card.memories[self.address] = np.zeros(size, np.uint8)
            card.note("mem_alloc")

        def __int__(self) -> int:
            return self.address

        def free(self) -> None:
            card.check_current()
            assert self.thread == threading.get_ident(), "freed by another thread: that leaks"
            del card.memories[self.address]
            card.note("free")

    def init() -> None:
        if card.init_error:
            raise LogicError(card.init_error)
        card.note("init")

    def memcpy_htod_async(target: Allocation, source: np.ndarray, stream: Stream) -> None:
        card.check_current()
        card.on_copy()
        card.memories[int(target)][:] = source.reshape(-1).view(np.uint8)
        card.note("htod")

    def memcpy_dtoh_async(target: np.ndarray, source: Allocation, stream: Stream) -> None:
        card.check_current()
        target.reshape(-1).view(np.uint8)[:] = card.memories[int(source)]
        card.note("dtoh")

    driver.__dict__.update(
        Context=Context,
        Device=Device,
        Stream=Stream,
        Error=Error,
        LogicError=LogicError,
        MemoryError=OutOfMemory,
        device_attribute=types.SimpleNamespace(INTEGRATED="INTEGRATED"),
        init=init,
        get_driver_version=lambda: 12020,
        mem_get_info=lambda: (1000 * MB, card.memory),
        mem_alloc=Allocation,
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )
    package = types.ModuleType("pycuda")
    package.driver = driver  # type: ignore[attr-defined]
    return package, driver
