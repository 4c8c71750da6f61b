"""What a window drives: a loop whose source, network and recordings change while it runs.

Everything that takes long, or can fail, is done by a thread of the session's own, one command after the other;
whoever asks never waits. What there is now is in `state`, a frozen whole that any thread may read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rtseg.errors import RtsegError
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.channel import BoundedQueue, ChannelClosed, LatestSlot
from rtseg.runtime.ladder import Ladder
from rtseg.runtime.pipeline import Pipeline, Policy
from rtseg.runtime.request import SourceRequest, open_request
from rtseg.runtime.shown import Shown
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter
from rtseg.video.player import Player
from rtseg.video.sinks import Sink
from rtseg.video.source import Source

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05
_STOP_S = 3.0
_SWITCH_S = 10.0
_COMMANDS = 1000  # more than anybody can give: to put one never waits


@dataclass(frozen=True)
class Playing:
    """A loop that runs, or ran last."""

    request: SourceRequest
    pipeline: Pipeline
    view: LatestSlot[Shown]
    player: Player | None
    """Where it is a recording, which can be paused and sought in."""

    @property
    def source(self) -> Source:
        return self.pipeline.source


@dataclass(frozen=True)
class Trouble:
    """What went wrong. retry names what `Session.retry` does about it, empty where it can do nothing."""

    error: BaseException
    retry: str = ""

    @property
    def text(self) -> str:
        """For people; with the cause, if that says more."""
        text = str(self.error) or f"{type(self.error).__name__}, without a message"
        cause = self.error.__cause__
        return f"{text} ({cause})" if cause is not None and str(cause) and str(cause) not in text else text


@dataclass(frozen=True)
class State:
    """What a session has and does."""

    playing: Playing | None = None
    network: NetworkChoice = NetworkChoice()
    policy: Policy = "auto"
    busy: str = ""
    """What it is at, which may take seconds; empty when it waits for commands."""
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Extras:
    """What the first loop of a session has beside the others."""

    sinks: Callable[[Source, Segmenter], Sequence[Sink]] | None = None
    ladder: Callable[[Source, Segmenter], Ladder] | None = None
    max_frames: int | None = None
    max_age_ms: float | None = None


class Session:
    """Made, told and closed by one thread, a window's."""

    def __init__(
        self,
        network: NetworkChoice | None = None,
        *,
        policy: Policy = "auto",
        style: Style | None = None,
        extras: Extras | None = None,
    ) -> None:
        """Nothing is opened before the first `open`; the network is loaded for it."""
        self.state = State(network=network or NetworkChoice(), policy=policy)
        self.style = style or Style()
        self._extras = extras or Extras()
        self._segmenter: Segmenter | None = None
        self._ladder: Ladder | None = None
        self._retry: Callable[[], None] | None = None
        self._seen_end = True
        self._closing = threading.Event()
        self._commands: BoundedQueue[Callable[[], None]] = BoundedQueue(_COMMANDS)
        self._thread = threading.Thread(target=self._run, name="rtseg-session", daemon=True)
        self._thread.start()

    # What a window asks for: each returns at once.

    def open(self, request: SourceRequest) -> None:
        """Play another source; the one that plays goes on until the new one is open."""
        self._commands.put(lambda: self._open(request))

    def use(self, network: NetworkChoice) -> None:
        """Segment with another network; the one in use goes on until the new one is ready."""
        self._commands.put(lambda: self._use(network))

    def set_policy(self, policy: Policy) -> None:
        """Show the latest frame, or every one."""
        self._commands.put(lambda: self._set_policy(policy))

    def set_style(self, style: Style) -> None:
        """Tint like this from the next frame on, and a picture that stays too."""
        self.style = style
        if (playing := self.state.playing) is not None:
            playing.pipeline.style = style

    def retry(self) -> None:
        """Do again what failed last."""
        if (again := self._retry) is not None:
            self._commands.put(again)

    def dismiss(self) -> None:
        """Forget the trouble."""
        self._commands.put(lambda: self._set(trouble=None))

    def begin_close(self) -> None:
        """Ask for the end of everything; `join` waits for it."""
        self._closing.set()
        self._commands.close()
        if (playing := self.state.playing) is not None:
            playing.pipeline.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the end; True when it came in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # What the session's thread does.

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                command = self._commands.get(timeout=_LOOK_S)
            except TimeoutError:
                self._look()
            except ChannelClosed:
                break
            else:
                self._do(command)
        self._stop()
        self._close_network()

    def _do(self, command: Callable[[], None], again: str = "") -> None:
        try:
            command()
        except RtsegError as error:
            self._retry = command
            self._set(trouble=Trouble(error, again or "Try again"))
        except Exception as error:  # a mistake of ours: to be seen, and no reason for the window to die
            _LOG.exception("a command failed")
            self._retry = None
            self._set(trouble=Trouble(error))
        finally:
            self._set(busy="")

    def _set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def _look(self) -> None:
        """Notice that the loop has ended."""
        playing = self.state.playing
        if playing is None or self._seen_end or playing.pipeline.running:
            return
        self._seen_end = True
        try:
            playing.pipeline.join(timeout=0)
        except Exception as error:
            self._retry = lambda: self._open(playing.request)
            self._set(trouble=Trouble(error, "Open it again"))

    def _open(self, request: SourceRequest) -> None:
        self._set(busy=f"Opening {', '.join(request.uris)} …")
        playing = self.state.playing
        if playing is not None and set(playing.request.uris) & set(request.uris):
            self._stop()  # a camera cannot be opened twice
        source = open_request(request, policy=self.state.policy, watched=True)
        try:
            segmenter = self._loaded(self.state.network)
            self._set(busy=f"Opening {source.name} …")
            self._stop()
            extras, self._extras = self._extras, Extras()
            self._ladder = extras.ladder and extras.ladder(source, segmenter)
            view: LatestSlot[Shown] = LatestSlot()
            pipeline = Pipeline(
                source,
                segmenter,
                sinks=extras.sinks(source, segmenter) if extras.sinks else (),
                policy=self.state.policy,
                style=self.style,
                max_frames=extras.max_frames,
                max_age_ms=extras.max_age_ms,
                ladder=self._ladder,
                view=view,
            )
            if self._closing.is_set():
                source.close()
                return
            pipeline.start()
        except BaseException:
            source.close()
            raise
        player = source if isinstance(source, Player) else None
        self._seen_end = False
        self._set(playing=Playing(request, pipeline, view, player), trouble=None)

    def _loaded(self, network: NetworkChoice) -> Segmenter:
        if self._segmenter is None:
            self._set(busy=f"Loading {network.model} …")
            self._segmenter = network.load("live")
        return self._segmenter

    def _use(self, network: NetworkChoice) -> None:
        self._set(busy=f"Loading {network.model} …")
        playing = self.state.playing
        if playing is not None and playing.pipeline.ladder is not None:
            playing.pipeline.switch_to(playing.pipeline.segmenter)  # says why not
        new = network.load("live")
        old = self._segmenter
        try:
            if playing is not None and playing.pipeline.running:
                if (size := playing.source.size) is not None:
                    new.prepare(tuple(tile.size for tile in playing.source.tiles) or (size,))
                playing.pipeline.switch_to(new)
                deadline = time.monotonic() + _SWITCH_S
                while playing.pipeline.running and playing.pipeline.segmenter is not new:
                    if time.monotonic() > deadline or self._closing.is_set():
                        break
                    time.sleep(0.01)
                if playing.player is not None and playing.player.paused:
                    playing.player.repeat()  # the picture that stays shall be seen by it too
        except BaseException:
            new.close()
            raise
        self._segmenter = new
        if old is not None:
            old.close()
        self._set(network=network, trouble=None)

    def _set_policy(self, policy: Policy) -> None:
        if (playing := self.state.playing) is not None:
            playing.pipeline.set_policy(policy)
        self._set(policy=policy, trouble=None)

    def _stop(self) -> None:
        """End the loop that plays, and close what it uses but for the network."""
        playing = self.state.playing
        if playing is None:
            return
        pipeline = playing.pipeline
        pipeline.stop()
        try:
            ended = pipeline.join(timeout=_STOP_S)
        except Exception as error:
            ended = not pipeline.running
            if not self._seen_end:
                _LOG.warning("%s", error)
        self._seen_end = True
        if self._ladder is not None:
            self._ladder.close()
            self._ladder = None
        if not ended:
            # A call that does not return still uses it: it can only be left behind.
            self._segmenter = None
        if ended and not pipeline.abandoned:
            playing.source.close()

    def _close_network(self) -> None:
        if self._segmenter is not None:
            self._segmenter.close()
            self._segmenter = None
