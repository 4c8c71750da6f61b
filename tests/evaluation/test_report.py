"""The report: one page that needs nothing else, and shows hostile names as text."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg import labels
from rtseg.data.data_set import open_data_set
from rtseg.evaluation.evaluate import evaluate_data_set
from rtseg.evaluation.tally import WORST

pytest.importorskip("jinja2", reason="needs jinja2 (pip install 'rtseg[train]')")
pytest.importorskip("matplotlib", reason="needs matplotlib (pip install 'rtseg[train]')")

from rtseg.evaluation import curves
from rtseg.evaluation.report import report_page
from rtseg.metrics.calibration import Bin

HOSTILE = '<script>alert("x")</script> $\\frac{ & {{ 7 * 7 }}'


class Page(HTMLParser):
    """Tags with their attributes, and the text, as a browser takes them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def images(self) -> list[np.ndarray]:
        sources = [str(attributes["src"]) for tag, attributes in self.tags if tag == "img"]
        kinds = {source.partition(",")[0] for source in sources}
        assert kinds <= {"data:image/jpeg;base64"}
        data = (base64.b64decode(source.partition(",")[2]) for source in sources)
        return [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in data]


class AllOneClass:
    """Says road of everything."""

    name = "one-class"

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes

    def probabilities(self, image_rgb: np.ndarray) -> np.ndarray:
        shares = np.full((len(self.classes), *image_rgb.shape[:2]), 0.1, np.float32)
        shares[1] = 1.1 - 0.1 * len(self.classes)
        return shares


@pytest.fixture
def make_page(tmp_path: Path, write_data_set: Callable[..., Path]) -> Callable[..., str]:
    def make(
        *, name: str = "little", vehicle: str = "vehicle", size: tuple[int, int] = (64, 48), val: int = 12
    ) -> str:
        root = write_data_set(tmp_path / "little", size=size, val=val)
        toml = (root / "dataset.toml").read_text(encoding="utf-8")
        toml = toml.replace('name = "little"', f"name = '{name}'").replace("vehicle = [", f"'{vehicle}' = [")
        (root / "dataset.toml").write_text(toml, encoding="utf-8")
        data_set = open_data_set(root, "road-vehicle-pedestrian")
        predictor = AllOneClass(data_set.classes)
        evaluation = evaluate_data_set(predictor, data_set, "val", lambda done, total: None)
        figures = evaluation.to_json("one-class") | {"backend": "openvino", "precision": "f32"}
        return report_page(
            evaluation, figures, palette=labels.palette(data_set.classes), command=f"rtseg eval --data {name}"
        )

    return make


def test_a_page_has_all_its_parts_and_needs_nothing_else(make_page: Callable[..., str]) -> None:
    html = make_page()
    page = Page(html)
    assert "one-class on little, val" in page.text
    assert "rtseg eval --data little" in page.text
    for part in ("boundary IoU", "recall", "Confusion", "Reliability", "calibration error", "pedestrian"):
        assert part in page.text
    assert [tag for tag, _ in page.tags].count("svg") == 3
    linked = [
        value
        for _, attributes in page.tags
        for key, value in attributes.items()
        if key in {"src", "href", "xlink:href", "action"} and not str(value).startswith(("data:", "#"))
    ]
    assert linked == []
    assert "@import" not in html
    assert "script" not in {tag for tag, _ in page.tags}
    assert "prefers-color-scheme: dark" in html


def test_the_worst_frames_are_shown_with_truth_and_prediction(make_page: Callable[..., str]) -> None:
    images = Page(make_page()).images()
    assert len(images) == 3 * WORST
    assert {image.shape for image in images} == {(48, 64, 3)}
    # All is called road, so every pixel of a prediction is greener than it is red.
    prediction = images[2].astype(int)
    assert (prediction[..., 1] > prediction[..., 2]).mean() > 0.95


def test_large_pictures_are_shown_small(make_page: Callable[..., str]) -> None:
    html = make_page(size=(1600, 1200), val=1)
    assert {image.shape for image in Page(html).images()} == {(360, 480, 3)}
    assert len(html) < 1e6


def test_names_are_text_whatever_they_hold(make_page: Callable[..., str]) -> None:
    page = Page(make_page(name=HOSTILE, vehicle=HOSTILE))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(HOSTILE) >= 6


def test_plots_take_on_the_colours_of_the_page() -> None:
    plots = [
        curves.class_bars(["road", "vehicle"], [0.9, float("nan")], [0.5, float("nan")]),
        curves.reliability_curve([Bin(0.5, 0.4, 0.2), Bin(0.9, 0.95, 0.8)]),
        curves.frame_curve([0.3]),
        curves.frame_curve([]),
    ]
    for svg in plots:
        assert svg.startswith("<svg")
        assert "currentColor" in svg
        assert "<style" not in svg
        assert "http" not in svg.replace("http://www.w3.org/", "")
