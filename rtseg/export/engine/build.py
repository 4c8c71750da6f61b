"""Building a plan: in a thread of its own, so that this one can show how far it is and hear Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import tensorrt as trt

from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.cuda import freeing_frames
from rtseg.backends.tensorrt.journal import JOURNAL
from rtseg.backends.tensorrt.library import version
from rtseg.errors import BackendUnavailable, ModelError
from rtseg.export.engine.config import MONITOR, configure
from rtseg.export.engine.network import open_builder, parse
from rtseg.export.engine.progress import BuildProgress, Event, make_monitor
from rtseg.export.engine.request import BuildRequest, Built

Report = Callable[[str, "float | None"], None]
"""Called with what is being done and the share that is done, 0 to 1; None where TensorRT does not say."""

_TICK_S = 0.1


class Cancelled(KeyboardInterrupt):
    """The user stopped a build; nothing of it is left."""


def build_plan(request: BuildRequest, driver: cuda.Driver, report: Report) -> Built:
    """Build, from any thread; minutes on a small board.

    Raises Cancelled after Ctrl-C, ModelError for a network that TensorRT cannot build, BackendUnavailable
    where the GPU has too little memory or fails, ConfigError for options that this board cannot fulfil.
    """
    events: SimpleQueue[Event | Built | BaseException] = SimpleQueue()
    cancel = threading.Event()

    def work() -> None:
        try:
            with cuda.context(driver, request.gpu.index), freeing_frames():
                events.put(_build(request, driver, events.put, cancel.is_set))
        except driver.Error as error:
            events.put(cuda.is_gone(error))
        except BaseException as error:  # whatever it is, the other thread raises it
            events.put(error)

    # Where TensorRT cannot be stopped, a second Ctrl-C must still end the process.
    worker = threading.Thread(target=work, name="rtseg-build", daemon=True)
    worker.start()
    try:
        result = _watch(events, report)
    except KeyboardInterrupt:
        cancel.set()
        with _ending_at_once():
            report("stopping" if _has_monitor() else _CANNOT_STOP, None)
            worker.join()
        raise Cancelled("the build was stopped") from None
    except Exception:  # of whoever shows the progress: no thread stays behind
        cancel.set()
        worker.join()
        raise
    worker.join()
    if isinstance(result, BaseException):
        raise result
    return result


_CANNOT_STOP = (
    "stopping when the build is done, which this TensorRT cannot break off; Ctrl-C again ends at once"
)


def _watch(events: SimpleQueue[Event | Built | BaseException], report: Report) -> Built | BaseException:
    """Show what the worker says until it has ended. Short waits, since not every system breaks one off."""
    progress = BuildProgress()
    report("building", 0.0 if _has_monitor() else None)
    while True:
        try:
            event = events.get(timeout=_TICK_S)
        except Empty:
            continue
        if not isinstance(event, Event):
            return event
        share = progress.add(event)
        report(progress.phase or "building", share)


def _build(
    request: BuildRequest,
    driver: cuda.Driver,
    send: Callable[[Event], None],
    is_cancelled: Callable[[], bool],
) -> Built:
    """In the worker, inside its context. All of TensorRT's own is let go on return."""
    started = time.monotonic()
    builder = open_builder()
    parsed = parse(builder, request)
    config, remarks = configure(builder, request)
    base = getattr(trt, "IProgressMonitor", None)
    if base is not None:
        # Not a plain assignment: the bindings of 8.6 have no such attribute, and its type check would say so.
        setattr(config, MONITOR, make_monitor(base, send, is_cancelled))
    JOURNAL.clear()
    plan = builder.build_serialized_network(parsed.network, config)
    if plan is None:
        if is_cancelled():
            raise Cancelled("the build was stopped")
        raise _why_none(request, driver)
    timings = None
    if request.timing_cache is not None:
        cache = config.get_timing_cache()
        serialized = cache.serialize() if cache is not None else None
        timings = bytes(serialized) if serialized is not None else None
    return Built(bytes(plan), time.monotonic() - started, timings, remarks)


def _why_none(request: BuildRequest, driver: cuda.Driver) -> ModelError | BackendUnavailable:
    """From TensorRT's log: it gives back nothing but None."""
    reason = JOURNAL.last_error()
    wanted = JOURNAL.memory_wanted()
    if wanted is not None:
        asked = f"{wanted // cuda.MB} MB more" if wanted else "more (it does not say how much)"
        return BackendUnavailable(
            f"{request.source}: out of GPU memory while the engine was built: TensorRT wanted {asked}, and "
            f"{cuda.free_memory(driver)} of {request.gpu.name}; close other programs, give less than "
            f"--workspace {request.options.workspace_mb}, {cuda.INSTEAD}"
        )
    hint = cuda.INSTEAD.removeprefix("or ")
    if "insufficient workspace" in reason.lower():
        hint = f"give more than --workspace {request.options.workspace_mb}, {cuda.INSTEAD}"
    return ModelError(f"{request.source}: TensorRT {version()} cannot build it ({reason}); {hint}")


def _has_monitor() -> bool:
    return hasattr(trt, "IProgressMonitor")


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """While this lasts, another Ctrl-C ends the process: nothing is on disk that could be left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
