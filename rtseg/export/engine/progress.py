"""How far a build is, from the phases within phases that TensorRT reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Event(NamedTuple):
    """A phase of a build began, made a step or ended; sent from any of TensorRT's threads."""

    phase: str
    parent: str | None = None
    steps: int | None = None
    """How many there will be, when the phase begins."""
    step: int | None = None
    """Which was done, counted from 0."""


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: float = 0.0
    """Steps done, with the part of the next that its own phases have done."""


class BuildProgress:
    """Folds events into one number. Used by one thread."""

    def __init__(self) -> None:
        self._phases: dict[str, _Phase] = {}
        self._best = 0.0
        self.phase = ""
        """What is being done, in TensorRT's words."""

    def add(self, event: Event) -> float:
        """The share that is done, 0 to 1, which never falls."""
        if event.steps is not None:
            parent = event.parent if event.parent in self._phases else None
            self._phases[event.phase] = _Phase(parent, max(1, event.steps))
            self.phase = event.phase
        elif (phase := self._phases.get(event.phase)) is None:
            return self._best
        elif event.step is not None:
            phase.done = max(phase.done, min(event.step + 1, phase.steps))
        else:
            phase.done = phase.steps
            self._drop(event.phase)
        roots = [name for name, phase in self._phases.items() if phase.parent is None]
        if roots:
            # A second root begins when the first is nearly done; only the first tells how long it takes.
            self._best = max(self._best, self._share(roots[0]))
        return self._best

    def _share(self, name: str) -> float:
        phase = self._phases[name]
        inner = max(
            (self._share(child) for child, found in self._phases.items() if found.parent == name), default=0.0
        )
        return min(1.0, (phase.done + min(inner, 1.0)) / phase.steps)

    def _drop(self, name: str) -> None:
        """Forget a phase that has ended: its parent says with a step that it counts."""
        phase = self._phases[name]
        if phase.parent is not None:
            del self._phases[name]


def make_monitor(base: type, send: Callable[[Event], None], is_cancelled: Callable[[], bool]) -> object:
    """An IProgressMonitor, whose class is given: TensorRT 8.6 has none.

    TensorRT calls it from several threads; it only sends, and looks whether to go on.
    """

    def phase_start(_: object, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        send(Event(phase_name, parent=parent_phase, steps=num_steps))

    def step_complete(_: object, phase_name: str, step: int) -> bool:
        send(Event(phase_name, step=step))
        return not is_cancelled()

    def phase_finish(_: object, phase_name: str) -> None:
        send(Event(phase_name))

    methods = {"phase_start": phase_start, "step_complete": step_complete, "phase_finish": phase_finish}
    # Its __init__ is the base's own, which TensorRT insists on.
    monitor: object = type("ProgressMonitor", (base,), methods)()
    return monitor
