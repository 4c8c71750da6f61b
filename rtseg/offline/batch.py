"""Many clips on one machine: processes that each load the network once and take clip after clip.

Processes and not threads, so that a file that crashes a decoder costs that file alone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from rtseg.errors import ConfigError, RtsegError
from rtseg.offline.job import Progress
from rtseg.offline.one_of_many import Clip, do_clip
from rtseg.offline.outcome import Outcome, Watcher
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.process import share_heaps
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter

_POLL_S = 0.25
_TRIES = 2  # of a clip whose process died: what killed it may have been another


@dataclass(frozen=True)
class _Ready:
    """The network is loaded."""


@dataclass(frozen=True)
class _Told:
    line: str


def process_clips(
    clips: Sequence[Clip],
    network: NetworkChoice,
    *,
    workers: int,
    watcher: Watcher,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Do them all, as many at once as there are workers; a clip that fails does not end the others.

    When stopping answers True, what is under way is left for another run to go on with, and the rest is not
    begun. The calling thread blocks, and calls watcher. Raises ModelError, BackendUnavailable, ConfigError
    where no clip could be done.
    """
    if clips:
        _Pool(clips, network, workers, watcher, stopping).run()


class _Worker:
    """A process of ours, and the clip that it has; used by the thread that runs the pool."""

    def __init__(self, network: NetworkChoice, style: Style) -> None:
        context = multiprocessing.get_context("spawn")  # threads of libraries do not survive a fork
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_work, args=(theirs, network, style), name="rtseg-clips", daemon=True
        )
        self.process.start()
        theirs.close()
        self.ready = False
        self.clip: Clip | None = None

    def send(self, what: Clip | None) -> None:
        """None asks to stop. What has died is noticed by who reads from it."""
        with contextlib.suppress(OSError):
            self.connection.send(what)

    def end(self, patience_s: float) -> None:
        """Close the connection, which ends the process after what it is at."""
        self.connection.close()
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class _Pool:
    def __init__(
        self,
        clips: Sequence[Clip],
        network: NetworkChoice,
        workers: int,
        watcher: Watcher,
        stopping: Callable[[], bool],
    ) -> None:
        self.waiting = deque(clips)
        self.tries: dict[str, int] = {}
        first = clips[0].job
        self.network, self.style = network, first.style
        self.watcher = watcher
        self.stopping = stopping
        self.stopped = False
        self.workers = [_Worker(network, self.style) for _ in range(min(workers, len(clips)))]

    def run(self) -> None:
        patience_s = 0.0
        try:
            while self.workers:
                self._hear(_POLL_S)
                if not self.stopped and self.stopping():
                    self.stopped = True
                    for worker in self.workers:
                        worker.send(None)
            patience_s = 10.0
        finally:
            for worker in self.workers:
                worker.end(patience_s)

    def _hear(self, timeout_s: float) -> None:
        by_connection = {worker.connection: worker for worker in self.workers}
        for connection in wait(list(by_connection), timeout_s):
            assert isinstance(connection, Connection)
            worker = by_connection[connection]
            try:
                message = connection.recv()
            except (EOFError, OSError):
                self._bury(worker)
            else:
                self._take(worker, message)

    def _take(self, worker: _Worker, message: object) -> None:
        if isinstance(message, RtsegError):
            raise message
        if isinstance(message, Progress) and worker.clip is not None:
            self.watcher.advanced(worker.clip.name, message)
        elif isinstance(message, _Told) and worker.clip is not None:
            self.watcher.told(worker.clip.name, message.line)
        elif isinstance(message, Outcome):
            worker.clip = None
            self.watcher.ended(message)
            self._occupy(worker)
        elif isinstance(message, _Ready):
            worker.ready = True
            self._occupy(worker)

    def _occupy(self, worker: _Worker) -> None:
        """Give it the next clip, or let it go."""
        if self.stopped or not self.waiting:
            self.workers.remove(worker)
            worker.end(10.0)
            return
        worker.clip = self.waiting.popleft()
        self.watcher.begun(worker.clip.name)
        worker.send(worker.clip)

    def _bury(self, worker: _Worker) -> None:
        """Its process has died; another takes its place."""
        self.workers.remove(worker)
        worker.process.join()
        how = _death(worker.process.exitcode)
        clip, ready = worker.clip, worker.ready
        worker.end(0.0)
        if not ready:
            raise ConfigError(
                f"a process that was to segment ended {how} while it loaded the network; where memory is "
                "short, give fewer --jobs"
            )
        if clip is not None:
            tries = self.tries[clip.name] = self.tries.get(clip.name, 0) + 1
            if tries < _TRIES and not self.stopped:
                self.watcher.told(clip.name, f"its process ended {how}; trying once more")
                self.waiting.appendleft(clip)
            else:
                self.watcher.ended(Outcome.failed(clip.name, f"its process ended {how}"))
        if self.waiting and not self.stopped:
            self.workers.append(_Worker(self.network, self.style))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"by {signal.Signals(-code).name}"
        except ValueError:
            return f"by signal {-code}"
    return f"with exit code {code}"


def _work(connection: Connection, network: NetworkChoice, style: Style) -> None:
    """What a worker's process does until its connection is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        if number is not None:  # the whole group gets them, and who runs the pool says what is to be done
            signal.signal(number, signal.SIG_IGN)
    share_heaps()
    try:
        segmenter = network.load("offline")
        with segmenter:
            style.check(segmenter.classes)
            connection.send(_Ready())
            while (clip := connection.recv()) is not None:
                connection.send(_do_one(clip, segmenter, connection))
    except RtsegError as error:
        connection.send(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody waits for this any more


def _do_one(clip: Clip, segmenter: Segmenter, connection: Connection) -> Outcome:
    asked_to_stop = False

    def stopping() -> bool:
        nonlocal asked_to_stop
        # Whether it is a word to stop or the end of the connection is all the same.
        asked_to_stop = asked_to_stop or connection.poll()
        return asked_to_stop

    def send(message: Progress | _Told) -> None:
        with contextlib.suppress(OSError):  # then the connection's end stops the clip
            connection.send(message)

    try:
        return do_clip(clip, segmenter, progress=send, tell=lambda line: send(_Told(line)), stopping=stopping)
    except Exception as error:
        traceback.print_exc()
        return Outcome.failed(clip.name, f"a defect of rtseg, {type(error).__name__}: {error}")
