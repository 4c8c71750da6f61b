"""What is remembered comes back, and nothing that somebody wrote into the file does any harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QSettings

from rtseg.viewer.settings import Settings

DEFAULTS = {
    "geometry": b"",
    "state": b"",
    "panel_shown": True,
    "folded": (),
    "view_mode": "overlay",
    "hud_level": "short",
    "opacity": 0.5,
    "palette_name": "",
    "colors": (),
    "hidden": (),
    "recent": (),
}
OTHERS = {
    "geometry": b"\x00\xffgeometry",
    "state": b"state",
    "panel_shown": False,
    "folded": ("plots",),
    "view_mode": "split",
    "hud_level": "none",
    "opacity": 0.25,
    "palette_name": "bright",
    "colors": (("road", (1, 2, 3)), ("tree, large", (255, 255, 255))),
    "hidden": ("vehicle", "Fußgänger"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "viewer.conf"


def opened(file: Path) -> Settings:
    return Settings(QSettings(str(file), QSettings.Format.IniFormat))


def test_without_a_file_everything_is_as_usual(file: Path) -> None:
    settings = opened(file)
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert settings.captures.is_absolute()


def test_everything_comes_back_and_can_be_forgotten(file: Path, tmp_path: Path) -> None:
    settings = opened(file)
    for name, value in OTHERS.items():
        setattr(settings, name, value)
    settings.captures = tmp_path / "captures"
    settings.add_recent(str(tmp_path))
    settings.store.sync()
    again = opened(file)
    assert {name: getattr(again, name) for name in OTHERS} == OTHERS
    assert again.captures == tmp_path / "captures"
    assert again.recent == (str(tmp_path),)
    again.reset()
    assert {name: getattr(opened(file), name) for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "nonsense",
        "NaN",
        "Infinity",
        "-1",
        "1e999",
        "null",
        "true",
        "[]",
        "{}",
        '"\\u0000"',
        "[[1]]",
        '{"road": 7}',
        '{"road": [1, 2, 300]}',
        '{"road": [1, 2]}',
        "[" * 100_000,
        "@ByteArray(x)",
        "@Invalid()",
    ],
)
def test_nonsense_in_the_file_is_read_as_the_usual(file: Path, nonsense: str) -> None:
    settings = opened(file)
    for name, value in OTHERS.items():
        setattr(settings, name, value)
    settings.captures = Path("/captures")
    settings.add_recent("demo://")
    for key in settings.store.allKeys():
        settings.store.setValue(key, nonsense)
    settings.store.sync()
    read = {name: getattr(opened(file), name) for name in DEFAULTS}
    # Some of it is a value for one of them by chance: then it has that one's type.
    assert all(type(value) is type(DEFAULTS[name]) for name, value in read.items())
    assert {name: value for name, value in read.items() if name not in {"panel_shown", "palette_name"}} == {
        name: value for name, value in DEFAULTS.items() if name not in {"panel_shown", "palette_name"}
    }
    assert opened(file).captures.is_absolute()


def test_values_of_other_types_are_read_as_the_usual(file: Path) -> None:
    settings = opened(file)
    for key in ("view/mode", "classes/opacity", "sources/recent", "window/geometry"):
        settings.store.setValue(key, {"a": [1, 2.5]})
    read = {name: getattr(settings, name) for name in DEFAULTS}
    assert read == DEFAULTS


def test_a_file_that_is_no_settings_at_all(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 20)
    assert {name: getattr(opened(file), name) for name in DEFAULTS} == DEFAULTS


def test_recent_sources_are_the_newest_first_each_once_and_ten(file: Path, tmp_path: Path) -> None:
    settings = opened(file)
    paths = [tmp_path / f"{number}.mp4" for number in range(13)]
    for path in paths:
        path.touch()
        settings.add_recent(str(path))
    settings.add_recent(str(paths[9]))
    expected = [paths[9], *(paths[number] for number in (12, 11, 10, 8, 7, 6, 5, 4, 3))]
    assert settings.recent == tuple(map(str, expected))
    paths[12].unlink()
    assert settings.recent == tuple(str(path) for path in expected if path != paths[12])
    settings.forget_recent()
    assert settings.recent == ()


def test_urls_are_kept_without_their_secrets(file: Path) -> None:
    settings = opened(file)
    settings.add_recent("rtsp://me:word@camera.example/live?token=1234&channel=2")
    settings.store.sync()
    assert settings.recent == ("rtsp://camera.example/live?token=...&channel=2",)
    assert b"word" not in file.read_bytes()
    assert b"1234" not in file.read_bytes()


def test_cameras_and_globs_are_kept_as_they_are_meant(file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = opened(file)
    for uri in ("0", "csi://0", "demo://", "*.png", "gone/*.png"):
        settings.add_recent(uri)
    assert settings.recent == (str(tmp_path / "*.png"), "demo://", "csi://0", "0")
