"""What this machine has, whether it fits together, and what mends it.

    Place  ->  checks, a file each  ->  findings  ->  Diagnosis

A check is a function of a Place: of its files below a root, its environment, and what a fresh process
answers. So each can be tried on the files of a board that is not at hand. Native libraries are only ever
loaded by that other process (rtseg.doctor.probe): some of them end it where there is no driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rtseg.doctor import board, cache, cameras, cuda, display, opencv, packages, tensorrt, throttling
from rtseg.doctor.finding import Diagnosis, Finding, Use
from rtseg.doctor.place import Place

__all__ = ["CHECKS", "Diagnosis", "Finding", "Place", "Use", "examine"]

CHECKS: tuple[Callable[[Place], Iterable[Finding]], ...] = (
    board.check,
    packages.check,
    opencv.check,
    cuda.check,
    tensorrt.check,
    display.check,
    cameras.check,
    cache.check,
    throttling.check,
)


def examine(place: Place, use: Use, show: Callable[[str], None] = lambda name: None) -> Diagnosis:
    """Run every check. show is told the name of each before it runs: some take seconds."""

    def findings() -> Iterator[Finding]:
        for check in CHECKS:
            show(check.__module__.rpartition(".")[2])
            yield from check(place)

    return Diagnosis(use, tuple(finding.judged_for(use) for finding in findings()))
