"""Windows without a screen, a real pipeline, and a way to act while `show` runs its event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from rtseg.card import models_folder
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.shown import Shown
from rtseg.segmenter import Segmenter, load
from rtseg.video.demo.source import DemoSource
from rtseg.viewer.window import ViewerWindow

Steps = Iterator[Callable[[], object]]
PATIENCE_S = 30.0


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    # Not by QT_QPA_PLATFORM: processes that other tests start would inherit it and open windows.
    return ["rtseg-tests", "-platform", "offscreen"]


@pytest.fixture(scope="session")
def model_folder(request: pytest.FixtureRequest) -> Path:
    shipped = models_folder() / "street-m"
    return shipped if (shipped / "model.onnx").is_file() else request.getfixturevalue("tiny_model")


@pytest.fixture(scope="session")
def segmenter(model_folder: Path) -> Iterator[Segmenter]:
    with load(str(model_folder)) as opened:
        yield opened


@pytest.fixture
def make_pipeline(segmenter: Segmenter) -> Iterator[Callable[..., tuple[Pipeline, LatestSlot[Shown]]]]:
    """Makes a real pipeline over the demo street, or another source, and its slot."""
    made: list[Pipeline] = []

    def make(source: Any = None, **options: Any) -> tuple[Pipeline, LatestSlot[Shown]]:
        view: LatestSlot[Shown] = LatestSlot()
        made.append(Pipeline(source or DemoSource((320, 180)), segmenter, view=view, **options))
        return made[-1], view

    yield make
    for pipeline in made:
        pipeline.stop()


@pytest.fixture
def act(qapp: QApplication) -> Iterator[Callable[[Callable[[ViewerWindow], Steps]], None]]:
    """Runs steps while `show` has its window open; each `yield` gives what is to be waited for."""
    timers: list[QTimer] = []

    def begin(steps: Callable[[ViewerWindow], Steps]) -> None:
        state: dict[str, Any] = {"left": PATIENCE_S / 0.02}

        def tick() -> None:
            if "steps" not in state:
                windows = [top for top in qapp.topLevelWidgets() if isinstance(top, ViewerWindow)]
                if not windows:
                    return
                state["steps"] = steps(windows[0])
                state["awaited"] = next(state["steps"])
            state["left"] -= 1
            assert state["left"] > 0, "waited in vain"
            if state["awaited"]():
                state["awaited"] = next(state["steps"], lambda: False)

        timer = QTimer()
        timer.timeout.connect(tick)
        timer.start(20)
        timers.append(timer)

    yield begin
    for timer in timers:
        timer.stop()
