"""Small pictures of a recording, found in the background."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import write_clip
from streaming import until

from rtseg.video.thumbnails import Thumbnails

FRAMES = 200
RATE = 25


def shade(index: int) -> np.ndarray:
    """From dark to light, in colours that tell red from blue."""
    picture = np.full((48, 96, 3), index, np.uint8)
    picture[..., 0] = 200
    return picture


def of(path: Path | str, **options: object) -> Thumbnails:
    thumbnails = Thumbnails(path, **options)  # type: ignore[arg-type]
    until(lambda: thumbnails.finished)
    return thumbnails


@pytest.mark.parametrize(("name", "first"), [("a.mp4", 0), ("a.mkv", 50), ("a.ts", 0)])
def test_the_nearest_key_frame_is_there(tmp_path: Path, name: str, first: int) -> None:
    pts = range(first, first + FRAMES)
    path = write_clip(tmp_path / name, pts, picture=shade, codec_options={"g": "10", "bf": "2"})
    with of(path, count=10) as thumbnails:
        assert thumbnails.count == 10
        for index in range(0, FRAMES, 15):
            picture = thumbnails.at(index / RATE)
            assert picture.shape == (90, 180, 3)
            red, green, _ = picture[45, 90]
            assert abs(int(red) - 200) < 12
            assert abs(int(green) - index) < 22  # half of what lies between two, and a group of pictures


def test_coarse_ones_come_first(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options={"g": "5"})
    with Thumbnails(path, count=40) as thumbnails:
        until(lambda: thumbnails.count >= 4)
        seen = [int(thumbnails.at(index / RATE)[45, 90, 1]) for index in range(0, FRAMES, 20)]
    assert max(seen) - min(seen) > FRAMES / 2


def test_few_key_frames_are_few_pictures(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options={"g": "100", "sc_threshold": "0"}
    )
    with of(path.as_uri()) as thumbnails:
        assert 1 <= thumbnails.count <= 3


def test_pictures_in_a_folder(tmp_path: Path) -> None:
    for index in range(8):
        cv2.imwrite(str(tmp_path / f"{index}.png"), shade(30 * index)[..., ::-1])
    with of(tmp_path) as thumbnails:
        assert thumbnails.count == 8
        assert thumbnails.at(3.5)[45, 90].tolist() == [200, 210, 210]


@pytest.mark.parametrize("uri", ["0", "rtsp://127.0.0.1:1/stream", "http://127.0.0.1:1/a.mp4"])
def test_of_cameras_and_links_there_are_none(uri: str) -> None:
    with of(uri) as thumbnails:
        assert thumbnails.at(0.0) is None


@pytest.mark.parametrize("name", ["none.mp4", "text.mp4", "a.h264"])
def test_of_what_cannot_be_searched_there_are_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "text.mp4":
        path.write_text("dear diary\n" * 99)
    elif name == "a.h264":
        write_clip(path)
    with of(path) as thumbnails:
        assert (thumbnails.at(0.0), thumbnails.count) == (None, 0)


def test_closing_does_not_wait_for_all_of_them(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), codec_options={"g": "1"})
    thumbnails = Thumbnails(path, count=50_000)
    until(lambda: thumbnails.count > 3)
    began = time.monotonic()
    thumbnails.close()
    assert time.monotonic() - began < 1
    assert thumbnails.finished
