from __future__ import annotations

import pytest
from PyQt6.QtGui import QGuiApplication

from rtseg.viewer import content, texts
from rtseg.viewer.meter import Meter, Reading
from rtseg.viewer.panels import Panel, Row, has_tabular_digits, text_font

pytestmark = pytest.mark.usefixtures("qapp")


def little(**dropped: int) -> Reading:
    return Reading(
        fps=9.8, inference_ms=3.1, age_ms=9.9, dropped=dropped, shares={"road": 0.4, "vehicle": 0.05}
    )


def much(**dropped: int) -> Reading:
    return Reading(fps=59.9, inference_ms=1234.5, age_ms=98765.4, dropped=dropped, shares={"road": 1})


def test_nothing_moves_when_figures_grow(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    few, many = little(inference=0, display=0), much(inference=99999, display=1234567)
    for make in (
        lambda reading: content.head_up_display(pipeline, "demo", reading),
        lambda reading: content.legend(pipeline, reading),
    ):
        assert make(few).paint(15, 1.0).size() == make(many).paint(15, 1.0).size()
    assert has_tabular_digits(text_font(15))


def test_the_head_up_display_says_what_runs_and_how(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    panel = content.head_up_display(pipeline, "dashcam.mp4", little(inference=2, overlay=0, display=7))
    said = {row.label: row.value for row in panel.rows}
    assert panel.headline == ("9.8", texts.FPS)
    assert said[texts.INFERENCE] == "3.1 ms"
    assert said[texts.AGE] == "9.9 ms"
    assert said[texts.DROPPED.format(stage="display")] == "7"
    assert said[texts.BACKEND] == f"{pipeline.segmenter.backend.name} {pipeline.segmenter.backend.precision}"
    assert said[texts.MODEL] == pipeline.segmenter.card.name
    assert said[texts.SOURCE] == "dashcam.mp4"


def test_the_legend_names_each_class_but_the_background(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    card = pipeline.segmenter.card
    rows = content.legend(pipeline, little()).rows
    assert [(row.label, row.color) for row in rows] == list(zip(card.classes, card.palette, strict=True))[1:]
    assert rows[0].value == "40.0 %"
    assert content.legend(pipeline, Reading()).rows[0].value == texts.NO_VALUE


def test_a_long_name_is_shortened_not_run_over(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    long = content.head_up_display(pipeline, "rtsp://camera.example/" + "path/" * 40, little())
    assert long.paint(10, 1.0).width() < 400


def test_a_panel_is_sharp_on_a_dense_screen() -> None:
    panel = Panel((Row("road", "1 %", (0, 158, 115)),))
    image = panel.paint(15, 2.0)
    assert image.width() == 2 * panel.paint(15, 1.0).width()
    assert image.devicePixelRatio() == 2.0
    assert image.pixelColor(0, 0).alpha() == 0
    assert 100 < image.pixelColor(image.width() // 2, 4).alpha() < 255


def test_a_font_with_uneven_digits_is_not_taken(monkeypatch) -> None:
    from rtseg.viewer import panels

    monkeypatch.setattr(panels, "has_tabular_digits", lambda font: False)
    assert has_tabular_digits(text_font(15))
    assert text_font(15).family() != QGuiApplication.font().family()


def test_shares_are_those_of_the_moment(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    meter = Meter(pipeline)
    assert meter.read().shares == {}
    assert meter.read().dropped == pipeline.dropped()
    pipeline.stats.frame_out({"background": 10, "road": 0})
    assert meter.read().shares == {"background": 1, "road": 0}
    pipeline.stats.frame_out({"background": 1, "road": 3})
    assert meter.read().shares == {"background": 0.25, "road": 0.75}
    assert meter.read().shares == {"background": 0.25, "road": 0.75}, "without a new picture they stay"
