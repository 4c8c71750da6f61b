"""Which network runs, and on what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkChoice:
    """A model, a backend and a precision by the names that the command line has for them."""

    model: str
    backend: str = "auto"
    precision: str = "auto"
