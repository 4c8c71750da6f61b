"""Runs `rtseg` with its real window in this process and notes how the window does. For bench_viewer.py.

    python tools/_watched.py TASK OUT.json ARGUMENTS...

TASK is JSON: {"watch_s": ...} watches so long, {"changes": [URI, ...], "count": ..., "hold_s": ...} plays one
source after the other. The figures are written to OUT.json when the window is closed, which is done here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QTimer

from rtseg.viewer.canvas import Canvas

_SETTLE_S = 3.0  # until what happens once has happened
_TICK_MS = 20
_PATIENCE_S = 60.0
_SIZE = 1280, 720
_RESIDENT = "VmRSS:"

Step = Callable[[], bool]


class Notes:
    """What is measured, all of it on the GUI thread."""

    def __init__(self) -> None:
        self.window_at: float | None = None
        """Moments of time.monotonic(), which all processes share."""
        self.picture_at: float | None = None
        self.window_cpu_s = self.picture_cpu_s = 0.0
        """What the process, all of its threads, had taken by then."""
        self.pictures = 0
        self.paint_ms: list[float] = []
        self.sessions: list[Any] = []

    def figures(self) -> dict[str, Any]:
        return {
            "window_at": self.window_at,
            "picture_at": self.picture_at,
            "window_cpu_s": self.window_cpu_s,
            "picture_cpu_s": self.picture_cpu_s,
        }


def hook(notes: Notes, begun: Callable[[Canvas], None]) -> None:
    """Have the canvas time its painting, and `begun` called when it paints first."""
    paint = Canvas.paintEvent

    def came(_: object) -> None:
        if notes.picture_at is None:
            notes.picture_at, notes.picture_cpu_s = time.monotonic(), time.process_time()
        notes.pictures += 1

    def timed(canvas: Canvas, event: Any) -> None:
        is_first = notes.window_at is None
        if is_first:
            canvas.painted.connect(came)
        began = time.perf_counter()
        paint(canvas, event)
        notes.paint_ms.append(1e3 * (time.perf_counter() - began))
        if is_first:
            notes.window_at, notes.window_cpu_s = time.monotonic(), time.process_time()
            QTimer.singleShot(0, lambda: begun(canvas))

    Canvas.paintEvent = timed  # type: ignore[method-assign]


def note_sessions(notes: Notes) -> None:
    """Keep hold of each session that is made."""
    from rtseg.runtime.session import Session

    make = Session.__init__

    def noted(session: Any, *given: Any, **named: Any) -> None:
        make(session, *given, **named)
        notes.sessions.append(session)

    Session.__init__ = noted  # type: ignore[method-assign]


def drive(canvas: Canvas, steps: Iterator[Step]) -> None:
    """Go on to the next step whenever the last one says so; close the window at the end."""
    timer = QTimer(canvas)
    state: dict[str, Any] = {"awaited": lambda: True, "since": time.monotonic()}

    def tick() -> None:
        try:
            if not go_on():
                end()
        except Exception:
            end()
            raise  # the window has it told, and raises it at its end

    def go_on() -> bool:
        if time.monotonic() - state["since"] > _PATIENCE_S:
            raise TimeoutError("the window was waited for in vain")
        if state["awaited"]():
            following = next(steps, None)
            if following is None:
                return False
            state["awaited"], state["since"] = following, time.monotonic()
        return True

    def end() -> None:
        timer.stop()
        window = canvas.window()
        assert window is not None
        window.close()

    timer.timeout.connect(tick)
    timer.start(_TICK_MS)


def after(seconds: float) -> Step:
    """A step that lasts so long; less than the patience."""
    until = time.monotonic() + min(seconds, _PATIENCE_S - 1)
    return lambda: time.monotonic() > until


def long(seconds: float) -> Iterator[Step]:
    """Steps that last so long together."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield after(left)


def watch(canvas: Canvas, notes: Notes, figures: dict[str, Any], seconds: float) -> Iterator[Step]:
    """How much of a processor the GUI thread takes, and how long painting does."""
    window = canvas.window()
    assert window is not None
    window.resize(*_SIZE)
    yield lambda: notes.pictures > 0
    yield from long(_SETTLE_S if seconds > _SETTLE_S else 0)
    notes.paint_ms.clear()
    pictures, cpu, began = notes.pictures, time.thread_time(), time.monotonic()
    yield from long(seconds)
    spent = time.monotonic() - began
    figures["gui_share"] = (time.thread_time() - cpu) / spent
    figures["fps"] = (notes.pictures - pictures) / spent
    figures["paint_ms"] = list(notes.paint_ms)
    figures["canvas"] = canvas.width(), canvas.height()


def change(
    notes: Notes, figures: dict[str, Any], uris: list[str], count: int, hold_s: float
) -> Iterator[Step]:
    """Play one source after the other, and look what the process takes before each change."""
    from rtseg.runtime.request import SourceRequest

    (session,) = notes.sessions
    seen = figures["seen"] = []
    for number in range(count):
        request, pictures = SourceRequest((uris[number % len(uris)],)), notes.pictures
        session.open(request)
        yield lambda request=request: (  # type: ignore[misc]
            (session.state.playing is not None and session.state.playing.request is request)
            or session.state.trouble is not None
        )
        assert session.state.trouble is None, session.state.trouble
        pictures = notes.pictures
        yield lambda pictures=pictures: notes.pictures > pictures + 1  # type: ignore[misc]
        yield from long(hold_s)
        seen.append({"source": number % len(uris), "memory_mib": _resident_mib(), "threads": _threads()})


def _resident_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(_RESIDENT)) / 1024


def _threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def main() -> None:
    task, out, arguments = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    notes, figures = Notes(), dict[str, Any]()

    def begun(canvas: Canvas) -> None:
        if "changes" in task:
            steps = change(notes, figures, task["changes"], task["count"], task["hold_s"])
        else:
            steps = watch(canvas, notes, figures, task["watch_s"])
        drive(canvas, steps)

    hook(notes, begun)
    if "changes" in task:
        note_sessions(notes)
    from rtseg.cli import main as rtseg

    sys.argv = ["rtseg", *arguments]
    try:
        rtseg()
    finally:
        out.write_text(json.dumps(figures | notes.figures()), encoding="utf-8")


if __name__ == "__main__":
    main()
