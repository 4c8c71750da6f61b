"""What a window drives: a loop whose source, network and recordings change while it runs.

Everything that takes long, or can fail, is done by a thread of the session's own, one thing after the
other, and whoever asks never waits. What there is now is in `state`, a frozen whole that any thread may read.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtseg.errors import RtsegError
from rtseg.runtime.captures import Captures, Saved
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.errands import Errand, Errands
from rtseg.runtime.extras import Extras
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.policy import Policy
from rtseg.runtime.process import give_memory_back
from rtseg.runtime.recording import Recording, RecordingKind
from rtseg.runtime.request import SourceRequest, open_request
from rtseg.runtime.shown import Shown
from rtseg.runtime.state import Busy, Playing, State, Trouble
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter
from rtseg.video.cameras import cameras
from rtseg.video.live import LiveSource
from rtseg.video.player import Player
from rtseg.video.source import Source

_LOG = logging.getLogger(__name__)
_STOP_S = 10.0
_SWITCH_S = 10.0


class Session:
    """Made, told and closed by one thread, a window's."""

    def __init__(
        self,
        network: NetworkChoice | None = None,
        *,
        policy: Policy = "auto",
        style: Style | None = None,
        extras: Extras | None = None,
        replay: bool = True,
    ) -> None:
        """Nothing is opened before the first `open`; the network is loaded for it.

        With replay the last seconds are kept encoded all the time, to be saved when something has happened.
        """
        self.state = State(network=network or NetworkChoice(), policy=policy)
        self.style = style or Style()
        self.saved: list[Path] = []
        """Files that were written so far."""
        self._extras = extras or Extras()
        self._captures = Captures(replay=replay, finished=self._recorded)
        self._segmenter: Segmenter | None = None
        self._again: Errand | None = None
        self._seen_end = True
        self._errands = Errands("rtseg-session", do=self._do, idle=self._look, last=self._end)
        self._errands.start()

    # What a window asks for: each returns at once.

    def open(self, request: SourceRequest) -> None:
        """Play another source; the one that plays goes on until the new one is open."""
        self._errands.ask(lambda: self._open(request))

    def use(self, network: NetworkChoice) -> None:
        """Segment with another network; the one in use goes on until the new one is ready."""
        self._errands.ask(lambda: self._use(network))

    def set_policy(self, policy: Policy) -> None:
        """Show the latest frame, or every one."""
        self._errands.ask(lambda: self._set_policy(policy))

    def set_style(self, style: Style) -> None:
        """Tint like this from the next frame on, and a picture that stays too."""
        self.style = style
        if (playing := self.state.playing) is not None:
            playing.pipeline.style = style

    def snapshot(self, shown: Shown, folder: Path) -> None:
        """Save a picture with its class map and its overlay."""
        self._errands.ask(lambda: self._save(self._captures.snapshot(shown, folder)))

    def save_replay(self, folder: Path) -> None:
        """Save the last seconds of what was seen."""
        self._errands.ask(lambda: self._save(self._captures.save_replay(folder)))

    def toggle_recording(self, kind: RecordingKind, folder: Path) -> None:
        """Record from now on; or finish the recording, if there is one of any kind."""
        self._errands.ask(lambda: self._toggle_recording(kind, folder))

    def look_for_cameras(self) -> None:
        """Find out which cameras there are."""
        self._errands.ask(lambda: self._set(cameras=cameras()))

    def retry(self) -> None:
        """Do again what failed last."""
        if (again := self._again) is not None:
            self._errands.ask(again)

    def connect_now(self) -> None:
        """Wait no longer until a source that was lost is tried again."""
        playing = self.state.playing
        if playing is not None and isinstance(playing.source, LiveSource):
            playing.source.connect_now()

    def dismiss(self) -> None:
        """Forget the trouble."""
        self._errands.ask(lambda: self._set(trouble=None))

    def begin_close(self) -> None:
        """Ask for the end of everything; `join` waits for it."""
        self._errands.close()
        if (playing := self.state.playing) is not None:
            playing.pipeline.stop()

    @property
    def waits_for_a_source(self) -> bool:
        """Whether it does nothing but open one, which may take as long as a server likes. From any thread."""
        busy, playing = self.state.busy, self.state.playing
        opens = busy is not None and busy.doing == "opening"
        return opens and (playing is None or not playing.pipeline.running)

    def join(self, timeout: float) -> bool:
        """Wait for the end; True when it came in time."""
        return self._errands.join(timeout)

    # What the session's thread does.

    def _end(self) -> None:
        self._stop()
        if self._segmenter is not None:
            self._segmenter.close()

    def _do(self, errand: Errand) -> None:
        # That it is done and what came of it are one change: nobody sees a trouble while it is still busy.
        try:
            errand()
        except RtsegError as error:
            self._again = errand
            self._set(trouble=Trouble(error, "again"), busy=None)
        except Exception as error:  # a mistake of ours: to be seen, and no reason for the window to die
            _LOG.exception("rtseg made a mistake")
            self._set(trouble=Trouble(error), busy=None)
        else:
            self._set(busy=None)

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
            self._again = lambda: self._open(playing.request)
            self._set(trouble=Trouble(error, "reopen"))
        self._set(playing=replace(playing, ended=True))

    def _open(self, request: SourceRequest) -> None:
        self._set(busy=Busy("opening", request.name))
        before = self.state.playing
        try:
            if before is not None and set(before.request.uris) & set(request.uris):
                self._stop()  # a camera cannot be opened twice
            source = open_request(request, policy=self.state.policy, watched=True)
            try:
                self._play(request, source)
            except BaseException:
                source.close()
                raise
        except BaseException:
            if before is not None and not before.pipeline.running:
                self._set(playing=replace(before, ended=True))
            raise

    def _play(self, request: SourceRequest, source: Source) -> None:
        self._loaded()
        self._set(busy=Busy("opening", source.name))
        self._stop()
        segmenter = self._loaded()  # anew, where a loop that did not end still has it
        give_memory_back()  # what the loop before has left
        if self._errands.closing:
            source.close()
            return
        view: LatestSlot[Shown] = LatestSlot()
        pipeline = self._extras.begin(source, segmenter, self.state.policy, self.style, view)
        self._extras = Extras()  # had by the first that runs: what cannot begin is tried again with all of it
        self._captures.watch(pipeline)
        self._seen_end = False
        player = source if isinstance(source, Player) else None
        self._set(playing=Playing(request, pipeline, view, player), trouble=None, recording=None)

    def _loaded(self) -> Segmenter:
        if self._segmenter is None:
            self._set(busy=Busy("loading", self.state.network.model))
            self._segmenter = self.state.network.load("live")
        return self._segmenter

    def _use(self, network: NetworkChoice) -> None:
        self._set(busy=Busy("loading", network.model))
        playing = self.state.playing
        pipeline = playing.pipeline if playing is not None and playing.pipeline.running else None
        if pipeline is not None:
            pipeline.check_switch()
        new = network.load("live")
        try:
            if pipeline is not None:
                if (size := pipeline.source.size) is not None:
                    new.prepare(tuple(tile.size for tile in pipeline.source.tiles) or (size,))
                self._switch(pipeline, new)
        except BaseException:
            new.close()
            raise
        old, self._segmenter = self._segmenter, new
        if old is not None:
            old.close()
        if playing is not None and playing.player is not None and playing.player.paused:
            playing.player.repeat()  # the picture that stays shall be seen by it too
        self._set(network=network, trouble=None)

    def _switch(self, pipeline: Pipeline, new: Segmenter) -> None:
        """Wait until the loop has let go of its network."""
        pipeline.switch_to(new)
        deadline = time.monotonic() + _SWITCH_S
        while pipeline.running and pipeline.segmenter is not new and time.monotonic() < deadline:
            time.sleep(0.005)
        if pipeline.running and pipeline.segmenter is not new:
            raise RtsegError("the network in use does not come to an end; open the source again")

    def _set_policy(self, policy: Policy) -> None:
        if (playing := self.state.playing) is not None:
            playing.pipeline.set_policy(policy)
        self._set(policy=policy, trouble=None)

    def _toggle_recording(self, kind: RecordingKind, folder: Path) -> None:
        if self.state.recording is not None:
            self._captures.end()
            self._set(recording=None)
        else:
            self._set(recording=self._captures.begin(kind, folder))

    def _save(self, saved: Saved) -> None:
        self.saved += saved.files
        self._set(saved=saved)

    def _recorded(self, recording: Recording, error: Exception | None) -> None:
        """Called by the loop's thread."""
        self.saved += [path for path in recording.files if path.exists()]

        def tell() -> None:
            if self.state.recording is recording:
                self._set(recording=None)
            if error is not None:
                raise error
            self._set(saved=Saved(recording.files, recording.seconds))

        self._errands.ask(tell)

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
        if pipeline.ladder is not None:
            pipeline.ladder.close()
        if not ended:
            self._segmenter = None  # a call that does not return still uses it: it can only be left behind
        elif not pipeline.abandoned:
            playing.source.close()
