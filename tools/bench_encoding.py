"""What x264's presets cost and give: CPU time, size and quality of the same pictures.

    .venv/bin/python tools/bench_encoding.py [VIDEO ...]

Without a video, the noisy 1080p clip of the demo that bench_runtime.py uses too. PSNR and SSIM are of luma.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from _clip import kept_clip
from av.video.frame import VideoFrame

from rtseg.threads import share
from rtseg.video.planes import planes_of
from rtseg.video.video_sink import ENCODER_OPTIONS

_FRAMES = 60
_EVERY = 6  # of which the SSIM is taken
_RATE = 30
_KERNEL, _SIGMA = (11, 11), 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
VARIANTS = {
    "as rtseg records": ENCODER_OPTIONS,
    **{
        f"{preset}, crf {crf}": {"preset": preset, "crf": str(crf), "bf": "0"}
        for preset, crf in (("veryfast", 20), ("veryfast", 23), ("superfast", 23), ("ultrafast", 23))
    },
}


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004), Gaussian windows of 11 pixels."""

    def blurred(image: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(image, _KERNEL, _SIGMA))

    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = blurred(a), blurred(b)
    variances = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    return float(np.mean(above / ((mean_a**2 + mean_b**2 + _C1) * (variances + _C2))))


def measure(frames: list[VideoFrame], options: dict[str, str], path: Path) -> str:
    began_s = time.process_time()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        stream.codec_context.thread_count = share("offline").encoder
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = index, Fraction(1, _RATE), 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    cpu_ms = 1e3 * (time.process_time() - began_s) / len(frames)
    megabits = path.stat().st_size * 8 * _RATE / len(frames) / 1e6
    errors, likeness = [], []
    with av.open(str(path)) as container:
        for index, (coded, frame) in enumerate(zip(container.decode(video=0), frames, strict=True)):
            one, other = planes_of(coded)[0][0], planes_of(frame)[0][0]
            errors.append(np.mean((one.astype(np.float32) - other) ** 2))
            if index % _EVERY == 0:
                likeness.append(ssim(one, other))
    psnr = 10 * np.log10(255**2 / np.mean(errors))
    return f"{cpu_ms:8.1f} {megabits:8.2f} {psnr:8.2f} {np.mean(likeness):8.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    for video in parser.parse_args().videos or [kept_clip((1920, 1080), 240, 15)]:
        with av.open(str(video)) as container:
            frames = list(itertools.islice(container.decode(video=0), _FRAMES))
        print(f"{video.name}, {frames[0].width}x{frames[0].height}, {len(frames)} frames")
        print(f"{'':20} {'CPU ms':>8} {'Mb/s':>8} {'PSNR dB':>8} {'SSIM':>8}")
        with tempfile.TemporaryDirectory() as folder:
            for name, options in VARIANTS.items():
                print(f"{name:20} {measure(frames, options, Path(folder) / 'coded.mp4')}", flush=True)


if __name__ == "__main__":
    main()
