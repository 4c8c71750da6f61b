"""Which network runs, and on what: plain data that can be sent to another process or machine."""

from __future__ import annotations

from dataclasses import dataclass

from rtseg.backends import Precision
from rtseg.segmenter import Segmenter, load
from rtseg.threads import Mode


@dataclass(frozen=True)
class NetworkChoice:
    """A model, a backend and a precision by the names that the command line has for them."""

    model: str = "street-m"
    backend: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    """Of the CPU; None leaves them to the mode."""

    def load(self, mode: Mode) -> Segmenter:
        """The quantised network where that is faster here and nothing else was asked. Raises RtsegError."""
        return load(
            self.model,
            backend=self.backend,
            precision=self.precision,
            mode=mode,
            threads=self.threads,
            measure=True,
        )
