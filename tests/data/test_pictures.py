"""Picture files: a whole one is read; one that lost its end, its bits or its senses is refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtseg.data.pictures import decode_rgb, read_whole
from rtseg.errors import DataError

PICTURE = cv2.resize(np.random.default_rng(2).integers(0, 256, (5, 7, 3), np.uint8), (45, 33))
JPEG_KINDS = {
    "baseline": [],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
}


def encoded(suffix: str, options: list[int] | None = None) -> bytes:
    return bytes(cv2.imencode(suffix, PICTURE, options or [])[1].tobytes())


def with_thumbnail(jpeg: bytes) -> bytes:
    """With a small JPEG, and so an end of image, inside an application segment."""
    inner = b"Exif\0\0" + bytes(cv2.imencode(".jpg", PICTURE[:8, :8])[1].tobytes())
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + jpeg[2:]


def read(folder: Path, data: bytes) -> np.ndarray:
    path = folder / "picture"
    path.write_bytes(data)
    return decode_rgb(path, read_whole(path))


@pytest.mark.parametrize("data", [encoded(".png"), encoded(".bmp")], ids=["png", "bmp"])
def test_a_picture_comes_as_rgb(tmp_path: Path, data: bytes) -> None:
    np.testing.assert_array_equal(read(tmp_path, data), PICTURE[..., ::-1])


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("thumbnail", [False, True])
def test_every_kind_of_jpeg_is_whole_until_it_is_cut(tmp_path: Path, kind: str, thumbnail: bool) -> None:
    data = encoded(".jpg", JPEG_KINDS[kind])
    data = with_thumbnail(data) if thumbnail else data
    assert read(tmp_path, data).shape == PICTURE.shape
    assert read(tmp_path, data + b"\0" * 100).shape == PICTURE.shape  # cameras fill up their blocks
    for length in (*range(3, len(data) - 2, 37), len(data) - 2, len(data) - 1):
        with pytest.raises(DataError, match="is cut off"):
            read(tmp_path, data[:length])


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_a_cut_file_is_noticed_wherever_it_is_cut(tmp_path: Path, suffix: str) -> None:
    data = encoded(suffix)
    for length in (*range(8, len(data), 97), len(data) - 1):
        with pytest.raises(DataError, match="is cut off"):
            read(tmp_path, data[:length])


def test_a_png_with_one_bit_wrong_is_damaged(tmp_path: Path) -> None:
    data = bytearray(encoded(".png"))
    data[len(data) // 2] ^= 4
    with pytest.raises(DataError, match="a checksum inside the PNG is wrong"):
        read(tmp_path, bytes(data))


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read as a picture, it is empty"),
        (b"GIF89a", "cannot be read as a picture, it is no PNG, JPEG or BMP"),
        (png_header(60_000, 60_000), "is 60000x60000; pictures may have"),
        (png_header(0, 5), "cannot be read as a picture"),
        (b"\x89PNG\r\n\x1a\n" + png_header(4, 4)[33:], "a PNG without its header"),
        (b"\xff\xd8\xff\xd9", "cannot be read as a picture"),
    ],
    ids=["empty", "another kind", "a bomb", "no width", "no header", "no content"],
)
def test_what_is_no_picture_is_refused_before_it_is_decoded(
    tmp_path: Path, data: bytes, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, data)
    assert message in str(caught.value)
    assert str(tmp_path / "picture") in str(caught.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_whole(tmp_path)
