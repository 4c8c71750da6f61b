"""Where a recording is and how it plays, for whoever shows it; loads nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """Where a player is, and how it plays."""

    position_s: float = 0.0
    duration_s: float | None = None
    paused: bool = False
    speed: float = 1.0
    loop: bool = False
    seekable: bool = False
    ended: bool = False
