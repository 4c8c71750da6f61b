"""Clips for the benchmarks, made from the demo source so that anyone can make the same."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import av

from rtseg.frame import Size
from rtseg.video.demo.scene import DemoScene

_FOLDER = Path(tempfile.gettempdir()) / "rtseg-bench-clips"


def make_clip(
    path: Path, size: Size, frames: int, *, seed: int = 1, rate: int = 30, megabits: float | None = None
) -> Path:
    """Write an H.264 clip of the demo scene with its sensor noise, at about so many Mb/s if asked for."""
    scene = DemoScene(size, seed)
    with av.open(str(path), "w", format="mp4") as container:
        options = {"preset": "veryfast"} | ({"crf": "23"} if megabits is None else {})
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        if megabits is not None:
            stream.bit_rate = int(megabits * 1e6)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene.picture(index / rate), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def kept_clip(size: Size, frames: int, megabits: float) -> Path:
    """Such a clip, made once and kept in a temporary folder."""
    _FOLDER.mkdir(exist_ok=True)
    path = _FOLDER / f"{size[0]}x{size[1]}-{frames}-{megabits:g}.mp4"
    if not path.exists():
        part = make_clip(path.with_suffix(".part"), size, frames, megabits=megabits)
        part.replace(path)
    return path


def megabits_per_second(path: Path) -> float:
    """Average rate of a file's video."""
    with av.open(str(path)) as container:
        return path.stat().st_size * 8 / 1e6 / (float(container.duration or 1) / av.time_base)
