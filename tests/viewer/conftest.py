"""Windows without a screen, over real sessions and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from rtseg.card import models_folder
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.request import SourceRequest
from rtseg.runtime.session import Session
from rtseg.runtime.shown import Shown
from rtseg.segmenter import Segmenter, load
from rtseg.video.demo.source import DemoSource
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.canvas import BACKGROUND
from rtseg.viewer.settings import Settings
from rtseg.viewer.window import ViewerWindow


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
def settings(tmp_path: Path) -> Settings:
    """Of a first day, in a file of their own."""
    kept = Settings(QSettings(str(tmp_path / "viewer.ini"), QSettings.Format.IniFormat))
    kept.captures = tmp_path / "captures"
    return kept


@pytest.fixture
def open_window(
    qapp: QApplication, settings: Settings, request: pytest.FixtureRequest
) -> Iterator[Callable[..., ViewerWindow]]:
    """Opens a real window over a session; without a source it asks for one."""
    opened: list[ViewerWindow] = []

    def make(uri: str | None = None, *, model: str = "street-s", **options: Any) -> ViewerWindow:
        folder = models_folder() / model
        chosen = str(folder if (folder / "model.onnx").is_file() else request.getfixturevalue("tiny_model"))
        session = Session(NetworkChoice(chosen), **options)
        window = ViewerWindow(Bridge(session, BACKGROUND), settings)
        opened.append(window)
        if uri is None:
            window.sources.pick()
        else:
            session.open(SourceRequest((uri,), demo_size=(320, 180)))
        window.show()
        window.activateWindow()
        return window

    yield make
    for window in opened:
        window.close()
        assert window.bridge.session.join(5)
        for thing in (window, window.bridge):
            thing.deleteLater()
