from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PyQt6.QtCore import QPointF, QSizeF, Qt
from PyQt6.QtGui import QGuiApplication

from rtseg.frame import Frame
from rtseg.labels import CLASSES, PALETTE
from rtseg.viewer import content, texts
from rtseg.viewer.content import HUD_LEVELS, Running
from rtseg.viewer.meter import Meter, Reading
from rtseg.viewer.panels import Panel, Row, has_tabular_digits, places, text_font

pytestmark = pytest.mark.usefixtures("qapp")
RUNNING = Running(
    source="dashcam.mp4",
    state="playing",
    model="street-m",
    backend="openvino",
    precision="bf16",
    classes=CLASSES,
    palette=(None, *PALETTE[1:]),
)
SHARES = dict(zip(CLASSES, (0.5, 0.4, 0.05, 0.05), strict=True))


def little(**dropped: int) -> Reading:
    return Reading(fps=9.8, inference_ms=3.1, age_ms=9.9, age_p95_ms=9.9, dropped=dropped, shares=SHARES)


def much(**dropped: int) -> Reading:
    shares = dict(zip(CLASSES, (0, 1, 0, 0), strict=True))
    return Reading(
        fps=159.9, inference_ms=1234.5, age_ms=98765.4, age_p95_ms=9876.5, dropped=dropped, shares=shares
    )


@pytest.mark.parametrize("level", HUD_LEVELS[1:])
def test_nothing_moves_when_figures_grow(level: str) -> None:
    few, many = little(inference=0, display=0), much(inference=99999, display=1234567)
    widths = {
        content.head_up_display(RUNNING, reading, level).paint(15, 1.0).width()
        for reading in (few, many, Reading(dropped=few.dropped))
    }
    assert len(widths) == 1
    assert (
        content.legend(RUNNING, few).paint(15, 1.0).size()
        == content.legend(RUNNING, many).paint(15, 1.0).size()
    )
    assert has_tabular_digits(text_font(15))


def test_the_head_up_display_says_what_runs_and_how() -> None:
    panel = content.head_up_display(RUNNING, little(inference=2, overlay=0, display=7), "full")
    said = {row.label: row.value for row in panel.rows}
    assert panel.headline == ("9.8", texts.FPS)
    assert said[texts.INFERENCE] == "3.1 ms"
    assert said[texts.AGE_P50] == "9.9 ms"
    assert said[texts.DROPPED.format(stage="display")] == "7"
    assert said[texts.BACKEND] == "openvino"
    assert said[texts.PRECISION] == "bf16"
    assert said[texts.MODEL] == "street-m"
    assert said[texts.SOURCE] == "dashcam.mp4"
    assert said[texts.STATE] == "playing"


def test_the_short_one_says_the_same_in_a_line_and_none_says_nothing() -> None:
    panel = content.head_up_display(RUNNING, little(inference=2, display=7), "short")
    (row,) = panel.rows
    assert " ".join(row.label.replace("\u2007", " ").split()) == "9.8 fps 9.9 ms p95 9 dropped"
    assert content.head_up_display(RUNNING, little(), "none") is None


def test_a_source_in_trouble_is_said_instead_of_its_state() -> None:
    reading = replace(little(), trouble="no picture for 4 s")
    said = {row.label: row.value for row in content.head_up_display(RUNNING, reading, "full").rows}
    assert said[texts.STATE] == "no picture for 4 s"


def test_the_legend_names_each_class_that_is_shown() -> None:
    rows = content.legend(RUNNING, little()).rows
    assert [(row.label, row.color) for row in rows] == list(zip(CLASSES, PALETTE, strict=True))[1:]
    assert rows[0].value == "40.0 %"
    assert content.legend(RUNNING, Reading()).rows[0].value == texts.NO_VALUE
    hidden = replace(RUNNING, palette=(None, None, *PALETTE[2:]))
    assert [row.label for row in content.legend(hidden, little()).rows] == list(CLASSES[2:])


def test_a_long_name_is_shortened_not_run_over() -> None:
    long = replace(RUNNING, source="rtsp://camera.example/" + "path/" * 40)
    assert content.head_up_display(long, little(), "full").paint(10, 1.0).width() < 400


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


def test_panels_never_cover_each_other() -> None:
    top, bottom, right = (
        Qt.Corner.TopLeftCorner, Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner
    )  # fmt: skip
    sizes = {bottom: QSizeF(150, 60), top: QSizeF(200, 280), right: QSizeF(180, 30)}
    large = places(sizes, QSizeF(800, 500), 10)
    assert large == {top: QPointF(10, 10), right: QPointF(610, 460), bottom: QPointF(10, 430)}
    low = places(sizes, QSizeF(800, 340), 10)
    assert low[bottom] == QPointF(220, 270), "beside the figures"
    assert bottom not in places(sizes, QSizeF(480, 340), 10), "no room beside them either"


def test_a_picture_that_is_painted_again_is_no_new_one(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    meter = Meter(pipeline)
    frames = [Frame("bgr24", (), index=index, captured_ns=time.monotonic_ns() + index) for index in range(2)]
    for frame in (*frames, *frames[1:] * 20):
        meter.shown(frame)
    ages = meter.read().age_ms
    time.sleep(0.1)
    meter.shown(frames[1])
    assert meter.read().age_ms == ages


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


def test_the_time_of_each_stage_is_that_of_recent_frames(make_pipeline) -> None:
    pipeline, _ = make_pipeline()
    meter = Meter(pipeline)
    assert meter.read().stages_ms == {}
    pipeline.stats.stage_ns["inference"].extend([90_000_000] * 500 + [2_000_000] * 200)
    pipeline.stats.stage_ns["overlay"].append(500_000)
    assert meter.read().stages_ms == {"inference": 2.0, "overlay": 0.5}
    assert meter.read().inference_ms == 2.0
