"""Which network segments the frames: plain data that can be sent to another process or machine."""

from __future__ import annotations

from dataclasses import dataclass

from rtseg.backends import Precision
from rtseg.segmenter import Segmenter, load


@dataclass(frozen=True)
class Network:
    """What `rtseg.segmenter.load` takes."""

    model: str = "street-m"
    backend: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    """Threads of the CPU; None leaves half of the processors to it."""

    def load(self) -> Segmenter:
        """Ready for recordings. Raises ModelError, BackendUnavailable."""
        return load(
            self.model,
            backend=self.backend,
            precision=self.precision,
            mode="offline",
            threads=self.threads,
            measure=True,
        )
