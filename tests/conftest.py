"""What all tests share: a check that each leaves nothing behind, and the things that are costly to make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import settings

from rtseg.cli import main

settings.register_profile("rtseg", deadline=None)  # a busy machine is no failure
settings.load_profile("rtseg")

SETTLE_S = 2.0  # what is on its way out when a test returns has this long to be gone

DATASET_TOML = """
name = "little"
license = "MIT"
ignore_index = 255
[raw]
0 = "house"
3 = "asphalt"
7 = "car"
8 = "lorry"
9 = "person"
200 = "blur"
[maps.road-vehicle-pedestrian]
background = ["house"]
road = ["asphalt"]
vehicle = ["car", "lorry"]
pedestrian = ["person"]
ignore = ["blur"]
[maps.all]
still = ["house", "asphalt", "blur"]
moving = ["car", "lorry", "person"]
"""
RAW_IDS = (0, 3, 7, 8, 9, 200)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """TMPDIR of this session, also of the processes that tests start: what lies in it was left."""
    folder = tmp_path_factory.mktemp("TMPDIR")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("RTSEG_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(tempfile, "tempdir", None)
        yield folder


def _temporary_files(folder: Path) -> set[Any]:
    return {path.name for path in folder.iterdir() if path.name.startswith(("rtseg", "tmp"))}


def _top_level_widgets() -> set[Any]:
    widgets = sys.modules.get("PyQt6.QtWidgets")
    app = widgets.QApplication.instance() if widgets else None
    if widgets is None or app is None:
        return set()
    core = sys.modules["PyQt6.QtCore"]
    app.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
    app.processEvents()
    return set(widgets.QApplication.topLevelWidgets())


@pytest.fixture(autouse=True)
def leaves_nothing_behind(own_temporary_folder: Path) -> Iterator[None]:
    """No test leaves a thread, a window or a temporary file behind."""
    kinds: dict[str, Callable[[], set[Any]]] = {
        "threads": lambda: set(threading.enumerate()),
        "temporary files": lambda: _temporary_files(own_temporary_folder),
        "windows": _top_level_widgets,
    }
    before = {kind: present() for kind, present in kinds.items()}
    yield
    deadline = time.monotonic() + SETTLE_S
    while True:
        left = {kind: new for kind, present in kinds.items() if (new := present() - before[kind])}
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert not left, f"left behind by the test: {left}"


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """A real virtual screen; gives its name for DISPLAY, for example ":7"."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("needs Xvfb, which is not installed (Debian: apt install xvfb)")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        # Xvfb chooses a free number and writes it as a line once it takes connections.
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb ended before it had a display"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real videos, data sets and weights that lies beside some checkouts."""
    beside = Path(__file__).parents[1].parent / "shared"
    folder = Path(os.environ.get("RTSEG_SHARED", beside))
    if not folder.is_dir():
        pytest.skip("needs ../shared, which is not in this checkout")
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole model with random weights, whose class maps still hold every class."""
    keras = pytest.importorskip("keras", reason="needs Keras to make a model (pip install 'rtseg[train]')")
    from rtseg import labels
    from rtseg.card import CARD_FILE, WEIGHTS_FILE, InputSpec, ModelCard
    from rtseg.export.onnx import export_onnx
    from rtseg.nets import build

    keras.utils.set_random_seed(1)
    network = build("lite_mobilenetv2x05", classes=4, size=(64, 64))
    # Untrained batch normalisation lets activations fade to 1e-5, where any two networks agree: let it see
    # some pictures, and centre the logits so that no class wins everywhere.
    pictures = np.stack([smooth_picture((64, 64), seed) for seed in range(16)])
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    network(pictures, training=True)
    logits = network.predict_on_batch(pictures)
    kernel, bias = network.get_layer("logits").get_weights()
    spread = logits.std(axis=(0, 1, 2))
    network.get_layer("logits").set_weights([kernel / spread, (bias - logits.mean(axis=(0, 1, 2))) / spread])

    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    network.save_weights(str(folder / WEIGHTS_FILE))
    card = ModelCard(
        name="tiny",
        net="lite_mobilenetv2x05",
        classes=labels.CLASSES,
        palette=labels.PALETTE,
        input=InputSpec(width=64, height=64),
    )
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    export_onnx(folder, folder)
    return folder


def smooth_picture(size: tuple[int, int], seed: int) -> np.ndarray:
    """(H, W, 3) uint8 of soft blobs in all colours: a picture with regions, as cameras see them."""
    blobs = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return cv2.resize(blobs, size, interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="session")
def picture() -> Callable[[tuple[int, int], int], np.ndarray]:
    """Makes a picture of a (width, height) from a seed."""
    return smooth_picture


@pytest.fixture(scope="session")
def write_data_set() -> Callable[..., Path]:
    """Writes a little data set of real files: blocks of all raw ids, coloured by id."""

    def write(root: Path, *, size: tuple[int, int] = (64, 64), train: int = 6, val: int = 2) -> Path:
        rng = np.random.default_rng(5)
        (root).mkdir(parents=True, exist_ok=True)
        (root / "dataset.toml").write_text(DATASET_TOML, encoding="utf-8")
        for split, count in (("train", train), ("val", val)):
            for folder in ("images", "labels"):
                (root / split / folder).mkdir(parents=True)
            for number in range(count):
                blocks = rng.permutation(np.resize(RAW_IDS, 36)).astype(np.uint8).reshape(6, 6)
                label = cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST)
                image = np.stack([label, 255 - label, label // 2 + 60], axis=-1)
                cv2.imwrite(str(root / split / "labels" / f"{number:02}.png"), label)
                cv2.imwrite(str(root / split / "images" / f"{number:02}.png"), image)
        return root

    return write


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def rtseg(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """rtseg("run", "--demo", ...) -> Outcome, without a window."""

    def call(*arguments: object, columns: int = 200) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["rtseg", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
