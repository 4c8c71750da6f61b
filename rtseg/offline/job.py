"""What is to be done with a clip, and what was: plain data that can be sent to another machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rtseg.runtime.style import Style
from rtseg.threads import share

Codec = Literal["h264", "h265", "av1", "ffv1"]
SCHEMA = 1


@dataclass(frozen=True)
class EncoderSettings:
    """How the video is encoded.

    The bytes of an encoder depend on its number of threads: machines that are to give the same have the same.
    """

    codec: Codec = "h264"
    crf: int | None = None
    """Quality, the smaller the better; None is the usual one of the codec."""
    preset: str | None = None
    """Speed, by the encoder's own names; None is the usual one of the codec."""
    threads: int = field(default_factory=lambda: share("offline").encoder)
    hwaccel: str = "none"
    """none, auto, or a kind of device: cuda, vaapi, qsv, videotoolbox."""


@dataclass(frozen=True)
class Span:
    """A run of whole segments of a clip. Times are in ticks of the video stream's time base."""

    start: int | None
    """Where its first segment begins; None is the beginning of the clip."""
    end: int | None
    """Where the segment after its last one begins; None is the end of the clip."""
    first_index: int = 0
    """How many frames come before it in the clip."""
    frames: int | None = None
    """How many it should have, for progress bars."""


@dataclass(frozen=True)
class ClipJob:
    """One clip, or a span of one."""

    input: Path
    output: Path
    stream: int | None = None
    """Which video stream is segmented, counted from 0; None is the first. Others are copied."""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    masks: Path | None = None
    """A folder for palette PNG, or a video of them."""
    jsonl: Path | None = None
    """Figures of each frame."""
    parquet: Path | None = None
    """The same as a Parquet file."""
    summary: Path | None = None
    """What `ClipSummary` holds, as JSON."""
    opacity: float = 0.5
    classes: tuple[str, ...] = ()
    """Those that are shown; empty shows all."""
    leave_out: frozenset[int] = frozenset()
    """Numbers of streams that are not copied."""
    span: Span | None = None
    """Only these segments, and no other streams; `join_spans` puts the spans together."""
    resume: bool = False
    """Go on with what an interrupted run has left, if anything."""
    overwrite: bool = False
    input_sha256: str | None = None
    """Of the input, where it is known already; else it is computed."""

    @property
    def style(self) -> Style:
        """How classes are shown."""
        return Style(self.opacity, self.classes or None)

    @property
    def wants_figures(self) -> bool:
        """Whether anything is asked for that needs figures of each frame."""
        return self.jsonl is not None or self.parquet is not None or self.summary is not None


@dataclass(frozen=True)
class Progress:
    """How far a clip is."""

    frames: int
    """Done, those of an earlier run included."""
    total: int | None
    fps: float
    """Over the last two seconds."""


@dataclass(frozen=True)
class ClipSummary:
    """What was done. `document` is the summary file."""

    input: str
    output: str
    key: dict[str, Any]
    """What the result depends on: input, model, settings (rtseg.offline.key)."""
    frames: int
    segments: int
    seconds: float
    """From the first frame's time to the end of the last."""
    resumed_at: int | None
    """The frame that this run began with, if an earlier one had done those before it."""
    finished: bool
    """False when the run was stopped: what there is waits for a resume."""
    wall_s: float
    fps: float
    """Frames a second of this run."""
    size: tuple[int, int]
    time_base: str
    first_pts: int
    encoder: str
    copied: tuple[str, ...]
    """The other streams, in words."""
    class_share: dict[str, float] | None
    """Of all pixels of all frames; None where no figures were asked for."""
    confidence: float | None
    troubles: tuple[str, ...]
    """What went wrong without ending the run, a sentence each."""

    @property
    def document(self) -> dict[str, Any]:
        """The documented keys of the summary file."""
        return {"schema": SCHEMA, **{name: getattr(self, name) for name in self.__dataclass_fields__}}
