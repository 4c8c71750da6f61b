"""Pictures of every kind that people have, as frames."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.video.images import ImagesSource

RED = np.full((4, 6, 3), (0, 0, 255), np.uint8)


def frames(path: Path) -> list[Frame]:
    with ImagesSource(str(path)) as source:
        return list(source.frames())


@pytest.mark.parametrize(
    ("name", "picture", "expected"),
    [
        ("bgr.png", RED, (0, 0, 255)),
        ("bgr.bmp", RED, (0, 0, 255)),
        ("bgr.tiff", RED, (0, 0, 255)),
        ("bgr.webp", RED, (0, 0, 255)),
        ("bgr.jpg", RED, (0, 0, 255)),
        ("grey.png", np.full((4, 6), 90, np.uint8), (90, 90, 90)),
        ("deep.png", np.full((4, 6, 3), (0, 0x8000, 0xFFFF), np.uint16), (0, 128, 255)),
        ("deep-grey.png", np.full((4, 6), 0x8000, np.uint16), (128, 128, 128)),
        ("alpha.png", np.full((4, 6, 4), (10, 20, 30, 0), np.uint8), (10, 20, 30)),
    ],
)
def test_pictures_of_any_kind_are_8_bit_bgr(
    tmp_path: Path, name: str, picture: np.ndarray, expected: tuple[int, ...]
) -> None:
    cv2.imwrite(str(tmp_path / name), picture, [cv2.IMWRITE_WEBP_QUALITY, 101] if "webp" in name else [])
    (frame,) = frames(tmp_path / name)
    assert (frame.pixel_format, frame.size, frame.pts) == ("bgr24", (6, 4), None)
    assert frame.planes[0].dtype == np.uint8
    assert np.abs(frame.planes[0].astype(int) - expected).max() <= 2


def test_sizes_from_one_pixel_to_48_million_in_natural_order(tmp_path: Path) -> None:
    sizes = {"1.png": (1, 1), "2.png": (63, 47), "10.png": (8000, 6000)}
    for name, (width, height) in sizes.items():
        cv2.imwrite(str(tmp_path / name), np.zeros((height, width, 3), np.uint8))
    assert [(f"{frame.name}.png", frame.size) for frame in frames(tmp_path)] == list(sizes.items())


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["a.jpg", "a.png"], ["a.jpg", "a.png"]),
        (["north/1.png", "south/1.png"], ["north-1", "south-1"]),
    ],
)
def test_names_tell_the_pictures_apart(tmp_path: Path, paths: list[str], names: list[str]) -> None:
    """Their outputs are called like them, so two of one name would be one file."""
    for path in paths:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / path), RED)
    assert [frame.name for frame in frames(tmp_path / "**/*.*g")] == names


def test_unreadable_pictures_are_skipped_and_told(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "good.png"), RED)
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("dear diary")
    (tmp_path / "folder.png").mkdir()
    # A header that promises more pixels than there is memory for.
    good = (tmp_path / "good.png").read_bytes()
    header = b"IHDR" + (2**19).to_bytes(4, "big") * 2 + good[24:29]
    (tmp_path / "huge.png").write_bytes(
        good[:12] + header + zlib.crc32(header).to_bytes(4, "big") + good[33:]
    )
    with ImagesSource(str(tmp_path)) as source:
        assert [frame.name for frame in source.frames()] == ["good"]
        assert source.troubles == [f"3 of 4 pictures cannot be read: first {tmp_path / 'empty.png'}"]


def test_a_folder_whose_pictures_are_all_broken(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("dear diary")
    with pytest.raises(SourceError, match=r"no picture there can be read, beginning with .*text.png"):
        frames(tmp_path)
