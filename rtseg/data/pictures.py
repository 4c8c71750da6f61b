"""Reading picture files that others made: whole ones of kinds that are known, and nothing else.

cv2.imread fills what a cut-off JPEG lacks with grey and gives it for whole, so the bytes are looked at first.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from rtseg.errors import DataError
from rtseg.frame import UInt8Array

_MOST_PIXELS: Final = 2**27
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PALETTE: Final = 3
# In the coded part of a JPEG, 0xFF is followed by 0x00 or a restart marker; anything else ends that part.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_whole(path: Path) -> bytes:
    """The bytes of a PNG, JPEG or BMP file that is not cut off. Raises DataError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        width, height = _size(data)
    except EOFError as error:
        raise DataError(f"{path}: is cut off ({error}); copy it again or take it out") from error
    except (struct.error, IndexError) as error:
        raise DataError(f"{path}: is cut off in its header; copy it again or take it out") from error
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as a picture, {error}; replace it or take it out") from error
    if width * height > _MOST_PIXELS:
        raise DataError(f"{path}: is {width}x{height}; pictures may have {_MOST_PIXELS} pixels at most")
    return data


def decode_rgb(path: Path, data: bytes) -> UInt8Array:
    """(H, W, 3) RGB, 8 bits a channel whatever the file has. Raises DataError."""
    return np.asarray(cv2.cvtColor(decode_bgr(path, data), cv2.COLOR_BGR2RGB), np.uint8)


def decode_bgr(path: Path, data: bytes) -> UInt8Array:
    """(H, W, 3) BGR, 8 bits a channel whatever the file has. Raises DataError."""
    return np.asarray(_decode(path, data, cv2.IMREAD_COLOR), np.uint8)


def decode_labels(path: Path, data: bytes) -> np.ndarray:
    """What is stored: (H, W) or (H, W, C), of a palette PNG the indices (H, W). Raises DataError."""
    if data.startswith(_PNG):
        depth, kind = data[24], data[25]
        if kind == _PALETTE:
            return _decode(path, _with_grey_palette(data, depth), cv2.IMREAD_COLOR)[..., 0]
        if depth < 8:
            # OpenCV would spread 0 to 15 over 0 to 255.
            raise DataError(f"{path}: has {depth} bits a pixel; labels need 8. Save it again as 8-bit grey")
    return _decode(path, data, cv2.IMREAD_UNCHANGED)


def _decode(path: Path, data: bytes, flags: int) -> np.ndarray:
    try:
        array = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        array = None
    if array is None:
        raise DataError(f"{path}: cannot be read as a picture; replace it or take it out")
    return np.asarray(array)


def _size(data: bytes) -> tuple[int, int]:
    """(width, height) of a file that was followed to its end.

    Raises EOFError where the end is missing, struct.error or IndexError within a header, and ValueError for
    what is damaged or of another kind.
    """
    if data.startswith(_PNG):
        chunks = _png_chunks(data)
        _, header = next(chunks)
        for _ in chunks:
            pass
        width, height = struct.unpack(">II", header[:8])
        return width, height
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(data)
    if data.startswith(b"BM"):
        length, header_length = struct.unpack("<2xI8xI", data[:18])
        width, height = struct.unpack_from("<HH" if header_length == 12 else "<ii", data, 18)
        if length > len(data):
            raise EOFError(f"{len(data)} of {length} bytes")
        return abs(width), abs(height)  # a negative height means from top to bottom
    raise ValueError("it is no PNG, JPEG or BMP file" if data else "it is empty")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG (ISO/IEC 15948), the last one IEND."""
    place = len(_PNG)
    kind = b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise EOFError("a PNG without its end")
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + length]
        place += 12 + length
        if place == 20 + length and (kind != b"IHDR" or length != 13):
            raise ValueError("a PNG without its header")
        if place > len(data):
            raise EOFError("a PNG without its end")
        if struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))) != data[place - 4 : place]:
            raise ValueError("a checksum inside the PNG is wrong")
        yield kind, content


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a JPEG (ITU-T T.81) that has its end-of-image marker."""
    size = (0, 0)
    place = 2
    while True:
        # Looked for from header to header: a thumbnail inside has an end of its own.
        found = _JPEG_MARKER.search(data, place)
        if found is None:
            raise EOFError("a JPEG without its end")
        marker = data[found.start() + 1]
        if marker == 0xD9:
            return size
        place = found.end()
        (length,) = struct.unpack(">H", data[place : place + 2])
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[place + 3 : place + 7])
            size = (width, height)
        place += length


def _with_grey_palette(data: bytes, depth: int) -> bytes:
    """The PNG with index i coloured grey i: OpenCV gives colours only, and so they are the indices."""
    greys = np.repeat(np.arange(2 ** min(depth, 8), dtype=np.uint8), 3).tobytes()
    chunks = [(kind, greys if kind == b"PLTE" else content) for kind, content in _png_chunks(data)]
    return _PNG + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
        if kind in {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    )
