"""rtseg process: every frame comes out, in order, at its time, whatever the file is called."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from clips import times, write_clip

from rtseg import labels, load
from rtseg.postprocess import class_map
from rtseg.video.file import VideoSource

Rtseg = Callable[..., Any]
VARIABLE = [0, 3000, 6001, 9500, 20000, 90000, 93003, 200000]
CLOCK = Fraction(1, 90000)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def process(rtseg: Rtseg, tiny_model: Path) -> Rtseg:
    return lambda *arguments: rtseg("process", *arguments, "--model", tiny_model)


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        chunks[kind] = body
        at += 12 + length
    return chunks


def test_frames_times_and_masks(here: Path, process: Rtseg, tiny_model: Path) -> None:
    write_clip(here / "in.mp4", VARIABLE, time_base=CLOCK, rate=30)
    outcome = process("in.mp4", "-o", "out.mp4", "--masks", "masks")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == ["out.mp4", "masks"]
    assert f"{len(VARIABLE)} frames in" in outcome.err
    assert times(here / "out.mp4") == [pts * CLOCK for pts in VARIABLE]

    masks = sorted((here / "masks").iterdir())
    assert [path.name for path in masks] == [f"{index:06d}.png" for index in range(len(VARIABLE))]
    with VideoSource("in.mp4") as source, load(str(tiny_model)) as segmenter:
        for frame, path in zip(source.frames(), masks, strict=True):
            chunks = png_chunks(path.read_bytes())
            assert chunks[b"PLTE"] == bytes(value for color in labels.PALETTE for value in color)
            with av.open(str(path)) as container:
                picture = next(container.decode(video=0))
            assert picture.format.name == "pal8"
            indices = np.frombuffer(picture.planes[0], np.uint8).reshape(frame.height, -1)[:, : frame.width]
            np.testing.assert_array_equal(indices, class_map(segmenter.segment(frame).logits, frame.size))
            colors = cv2.imread(str(path))[..., ::-1]
            np.testing.assert_array_equal(colors, np.array(labels.PALETTE, np.uint8)[indices])


def test_pictures_of_any_size_into_a_folder(here: Path, process: Rtseg) -> None:
    sizes = {"one": (1, 1), "odd": (63, 47), "large": (2000, 1500)}
    (here / "in").mkdir()
    for name, (width, height) in sizes.items():
        cv2.imwrite(f"in/{name}.png", np.full((height, width, 3), 90, np.uint8))
    outcome = process("in", "-o", "out", "--masks", "masks")
    assert outcome.code == 0, outcome.err
    for folder in ("out", "masks"):
        shapes = {path.stem: cv2.imread(str(path)).shape[1::-1] for path in Path(folder).iterdir()}
        assert shapes == sizes


def test_a_picture_of_48_million_pixels(here: Path, process: Rtseg) -> None:
    cv2.imwrite("in.jpg", np.full((6000, 8000, 3), 90, np.uint8))
    outcome = process("in.jpg", "-o", "out", "--masks", "masks")
    assert outcome.code == 0, outcome.err
    with av.open("masks/in.png") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (8000, 6000)


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("ffv1", "yuv420p"), ("ffv1", "yuv422p10le"), ("ffv1", "gray"), ("ffv1", "bgr0")]
)
def test_odd_sizes_and_formats(here: Path, process: Rtseg, codec: str, pix_fmt: str) -> None:
    def picture(index: int) -> np.ndarray:
        return np.full((47, 63, 3), 20 * index, np.uint8)

    write_clip(here / "in.mkv", range(5), codec=codec, pix_fmt=pix_fmt, picture=picture)
    outcome = process("in.mkv", "-o", "out.mkv")
    assert outcome.code == 0, outcome.err
    with VideoSource("out.mkv") as source:
        assert [frame.size for frame in source.frames()] == [(63, 47)] * 5


def test_a_video_cut_off_is_done_as_far_as_it_goes(here: Path, process: Rtseg) -> None:
    write_clip(here / "in.mp4", range(200), container_options={"movflags": "faststart"})
    data = (here / "in.mp4").read_bytes()
    (here / "in.mp4").write_bytes(data[: len(data) * 3 // 4])
    outcome = process("in.mp4", "-o", "out.mp4")
    assert outcome.code == 0
    assert "Note: in.mp4 is cut off: " in outcome.err
    done = len(times(here / "out.mp4"))
    assert 20 < done < 200
    assert f"{done} frames" in outcome.err


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("two words '\"🚗.mp4", "a b'\"🚗.mp4"),
        ("-x.mp4", "./-y.mp4"),
        ("100%d.mp4", "50%s.mp4"),
        ("concat:a|b", "tcp:127.0.0.1:9.mp4"),
        ("[red]:car:.mp4", "[red].mp4"),
        (os.fsdecode(b"\xff.mp4"), "out.mp4"),
    ],
)
def test_names_are_names(here: Path, rtseg: Rtseg, tiny_model: Path, name: str, output: str) -> None:
    write_clip(here / "in.mp4", range(3), container_options={"movflags": "faststart"})
    Path("in.mp4").rename(name)
    outcome = rtseg("process", "-o", output, "--model", tiny_model, "--", name)
    assert outcome.code == 0, outcome.err
    assert len(times(here / output)) == 3
    assert sorted(path.name for path in here.iterdir()) == sorted([name, Path(output).name])


def test_the_old_output_stays_until_the_new_one_is_finished(here: Path, process: Rtseg) -> None:
    write_clip(here / "in.mp4", range(3))
    (here / "out.mp4").write_text("the old one")
    (here / "broken.mp4").write_bytes((here / "in.mp4").read_bytes()[:-500])
    assert process("broken.mp4", "-o", "out.mp4", "-y").code == 2
    assert (here / "out.mp4").read_text() == "the old one"
    assert process("in.mp4", "-o", "out.mp4", "-y").code == 0
    assert len(times(here / "out.mp4")) == 3
