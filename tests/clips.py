"""Makes real video files for tests, of any codec, pixel format, rate and set of times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rtseg.video.file import VideoSource

PATCHES = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
}
LUMA_WEIGHTS = {
    "bt601": (0.299, 0.587, 0.114),
    "bt709": (0.2126, 0.7152, 0.0722),
    "bt2020": (0.2627, 0.678, 0.0593),
}


def moving(index: int, width: int = 96, height: int = 64) -> np.ndarray:
    """(H, W, 3) RGB: a slope with a block whose place says the index."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack([rows * 3 % 256, columns * 2 % 256, (rows + columns) % 256], axis=-1).astype(np.uint8)
    left = 4 * index % max(1, width - 16)
    picture[8:24, left : left + 16] = (220, 40, 40)
    return picture


def write_clip(
    path: Path,
    pts: Sequence[int] = tuple(range(12)),
    *,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction | int = 25,
    picture: Callable[[int], np.ndarray] = moving,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    frames: Iterable[av.VideoFrame] | None = None,
) -> Path:
    """A video with one frame at each of `pts`; the frames are drawn by `picture`, or given ready."""
    with av.open(f"file:{path}", "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=codec_options or {})
        context = stream.codec_context
        context.time_base = time_base
        context.pix_fmt = pix_fmt
        if colorspace is not None:
            context.colorspace = colorspace
        if color_range is not None:
            context.color_range = color_range
        pictures = (av.VideoFrame.from_ndarray(picture(index)) for index in range(len(pts)))
        for frame, moment in zip(frames or pictures, pts, strict=True):
            if not context.is_open:
                stream.width, stream.height = frame.width, frame.height
            converted = frame.reformat(format=pix_fmt)
            converted.pts, converted.time_base = moment, time_base
            container.mux(stream.encode(converted))
        if pts:
            container.mux(stream.encode(None))
    return path


def times(path: Path) -> list[Fraction]:
    """The exact presentation time of every frame, in seconds."""
    with VideoSource(str(path)) as source:
        return [frame.pts * frame.time_base for frame in source.frames()]


def patches_frame(
    pix_fmt: str, size: tuple[int, int] = (96, 48), *, matrix: str = "bt601", full_range: bool = False
) -> av.VideoFrame:
    """Flat PATCHES side by side, in any planar pixel format, by the standards' formulas, not by FFmpeg."""
    width, height = size
    rgb = np.zeros((height, width, 3))
    step = width // len(PATCHES)
    for number, color in enumerate(PATCHES.values()):
        rgb[:, number * step : (number + 1) * step if number + 1 < len(PATCHES) else width] = color
    if pix_fmt in {"rgb24", "gbrp", "bgr0"}:
        return av.VideoFrame.from_ndarray(rgb.astype(np.uint8), format="rgb24").reformat(format=pix_fmt)
    red, _, blue = LUMA_WEIGHTS[matrix]
    luma = rgb @ LUMA_WEIGHTS[matrix] / 255
    planes = [
        luma,
        (rgb[..., 2] / 255 - luma) / (2 * (1 - blue)),
        (rgb[..., 0] / 255 - luma) / (2 * (1 - red)),
    ]
    frame = av.VideoFrame(width, height, pix_fmt)
    bits = frame.format.components[0].bits
    scale = 1 << (bits - 8)
    peak = (1 << bits) - 1
    for number, (plane, values) in enumerate(zip(frame.planes, planes, strict=False)):
        if full_range:
            codes = values * peak + (0 if number == 0 else 128 * scale)
        else:
            codes = (values * 219 + 16 if number == 0 else values * 224 + 128) * scale
        dtype = np.uint8 if bits == 8 else np.uint16
        columns = np.arange(plane.width) * (width - 1) // max(1, plane.width - 1)
        rows = np.arange(plane.height) * (height - 1) // max(1, plane.height - 1)
        memory = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        memory[:, : plane.width] = np.clip(np.rint(codes), 0, peak)[rows][:, columns]
    return frame


def patch_colors(picture_rgb: np.ndarray) -> dict[str, tuple[int, ...]]:
    """The colour in the middle of each patch."""
    height, width = picture_rgb.shape[:2]
    step = width // len(PATCHES)
    return {
        name: tuple(int(value) for value in picture_rgb[height // 2, number * step + step // 2])
        for number, name in enumerate(PATCHES)
    }
