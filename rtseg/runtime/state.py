"""What a session has and does, as one frozen whole that any thread may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rtseg.runtime.captures import Saved
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.policy import Policy
from rtseg.runtime.recording import Recording
from rtseg.runtime.request import SourceRequest
from rtseg.runtime.shown import Shown
from rtseg.video.cameras import CameraInfo
from rtseg.video.player import Player
from rtseg.video.source import Source


@dataclass(frozen=True)
class Playing:
    """A loop that runs, or ran last."""

    request: SourceRequest
    pipeline: Pipeline
    view: LatestSlot[Shown]
    player: Player | None
    """Where it is a recording, which can be paused and sought in."""
    ended: bool = False

    @property
    def source(self) -> Source:
        return self.pipeline.source


@dataclass(frozen=True)
class Busy:
    """What takes a moment: a source is opened, or a network loaded."""

    doing: Literal["opening", "loading"]
    what: str


@dataclass(frozen=True, eq=False)
class Trouble:
    """What went wrong, and what `Session.retry` does: the same again, open the source, or nothing."""

    error: BaseException
    retry: Literal["again", "reopen", ""] = ""

    @property
    def text(self) -> str:
        """For people, with the cause where that says more; empty where the error has no message.

        A message of ours says what is wrong, and after a semicolon what to do.
        """
        (wrong, semicolon, mend), cause = str(self.error).partition("; "), self.error.__cause__
        # Of the system's errors only the words: their numbers and files say nothing to people.
        more = "" if cause is None else str(getattr(cause, "strerror", None) or cause)
        if more and more not in wrong:
            wrong = f"{wrong} ({more})"
        return wrong + semicolon + mend


@dataclass(frozen=True)
class State:
    """A new one takes the place of the old one with every change."""

    playing: Playing | None = None
    network: NetworkChoice = field(default_factory=NetworkChoice)
    policy: Policy = "auto"
    busy: Busy | None = None
    trouble: Trouble | None = None
    recording: Recording | None = None
    saved: Saved | None = None
    """The last that was written."""
    cameras: tuple[CameraInfo, ...] | None = None
    """Those that were found when they were last looked for; None before that."""
