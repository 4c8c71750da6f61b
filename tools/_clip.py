"""Clips for the benchmarks, made from the demo source so that anyone can make the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from rtseg.frame import Size
from rtseg.video.demo.scene import DemoScene


def make_clip(path: Path, size: Size, frames: int, *, seed: int = 1, rate: int = 30) -> Path:
    """Write an H.264 clip of the demo scene with its sensor noise."""
    scene = DemoScene(size, seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene.picture(index / rate), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def megabits_per_second(path: Path) -> float:
    """Average rate of a file's video."""
    with av.open(str(path)) as container:
        return path.stat().st_size * 8 / 1e6 / (float(container.duration or 1) / av.time_base)
