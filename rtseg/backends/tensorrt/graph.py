"""CUDA graphs: calls recorded once and launched as one, for a launch from Python costs more than a kernel.

PyCUDA has none, so the driver is asked itself.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable
from typing import Any

from rtseg.backends.tensorrt import cuda
from rtseg.errors import BackendUnavailable

_LOG = logging.getLogger(__name__)
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do does not spoil it
_HANDLE = ctypes.c_void_p
_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "cuStreamBeginCapture_v2": (_HANDLE, ctypes.c_int),
    "cuStreamEndCapture": (_HANDLE, ctypes.POINTER(_HANDLE)),
    "cuGraphInstantiateWithFlags": (ctypes.POINTER(_HANDLE), _HANDLE, ctypes.c_ulonglong),
    "cuGraphLaunch": (_HANDLE, _HANDLE),
    "cuGraphExecDestroy": (_HANDLE,),
    "cuGraphDestroy": (_HANDLE,),
}


def load_library() -> Any | None:
    """The driver's own library, if it has graphs (from CUDA 11.4)."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        for name, types in _PROTOTYPES.items():
            function = getattr(library, name)
            function.argtypes = types
            function.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return library


class Replay:
    """Calls into one stream, the same each time. Used and freed by the thread that owns the GPU.

    The first time they are made as they are, for some make ready what a recording cannot hold; the second
    time they are recorded, and from then on launched. What cannot be recorded is made anew each time.
    """

    def __init__(
        self, calls: Callable[[], None], stream: cuda.AnyStream, driver: cuda.Driver, library: Any | None
    ) -> None:
        """Library is what `load_library` gave."""
        self._calls = calls
        self._stream = stream
        self._driver = driver
        self._library = library
        self._executable: ctypes.c_void_p | None = None
        self._warm = False

    @property
    def recorded(self) -> bool:
        """Whether they are launched as one."""
        return self._executable is not None

    def run(self) -> None:
        """Put them into the stream. Raises what the calls raise, and the driver's Error."""
        if self._warm and self._executable is None and self._library is not None:
            self._executable = self._record(self._library)
            if self._executable is None:
                self._library = None
        if self._executable is None or self._library is None:
            self._calls()
            self._warm = True
        elif code := self._library.cuGraphLaunch(self._executable, self._stream.handle):
            raise self._driver.Error(f"cuGraphLaunch failed: error {code}")

    def free(self) -> None:
        """Before the execution context that is recorded in it; harmless when repeated."""
        if self._executable is not None and self._library is not None:
            self._library.cuGraphExecDestroy(self._executable)
        self._executable = None
        self._library = None

    def _record(self, library: Any) -> ctypes.c_void_p | None:
        graph, executable = _HANDLE(), _HANDLE()
        if code := library.cuStreamBeginCapture_v2(self._stream.handle, _THREAD_LOCAL):
            _say_cannot(f"error {code}")
            return None
        failed = ""
        try:
            self._calls()
        except (self._driver.Error, BackendUnavailable) as error:
            failed = " ".join(str(error).split())
        finally:
            # Ended whatever happened, or the stream takes nothing any more.
            code = library.cuStreamEndCapture(self._stream.handle, ctypes.byref(graph))
        if not (failed or code):
            code = library.cuGraphInstantiateWithFlags(ctypes.byref(executable), graph, 0)
        if graph.value:
            library.cuGraphDestroy(graph)
        if failed or code:
            _say_cannot(failed or f"error {code}")
            return None
        return executable


def _say_cannot(why: str) -> None:
    _LOG.info("The GPU's calls cannot be recorded (%s); they are made one by one", why)
