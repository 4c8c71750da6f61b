"""What is done to a frame before and after the network, each beside the usual way, on one thread.

Rounds go through all of them in turns, a few calls each, so that a drift of the machine's speed hits all
alike. On a busy machine the minima tell more than the medians.

.venv/bin/python tools/bench_overlay.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from rtseg import overlay, postprocess, preprocess
from rtseg.frame import Frame, Size, UInt8Array
from rtseg.labels import CLASSES, PALETTE
from rtseg.video.demo.scene import DemoScene
from rtseg.video.planes import planes_of

CALLS = 5
OPACITY = 0.5
VISIBLE = (None, *PALETTE[1:])
NET_SIZES = {(1920, 1080): (544, 320), (1280, 720): (544, 320)}


@dataclass
class Row:
    name: str
    asked: str
    ours: Callable[[], object]
    usual_name: str
    usual: Callable[[], object]


class Scene:
    """A demo street as a picture, as planes, and as logits that see it as it is."""

    def __init__(self, size: Size) -> None:
        self.size = size
        picture, truth = DemoScene(size, 3).render(2.0)
        self.bgr = Frame("bgr24", (picture,), 0, 0)
        self.video = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        planes, color = planes_of(self.video)
        self.yuv = Frame("yuv420p", planes, 0, 0, color=color)
        width, height = NET_SIZES[size]
        labels = cv2.resize(truth, (width // 4, height // 4), interpolation=cv2.INTER_NEAREST)
        noise = np.random.default_rng(0).normal(size=(len(CLASSES), *labels.shape))
        self.logits = (8 * (labels == np.arange(len(CLASSES))[:, None, None]) + noise).astype(np.float32)

    def class_map(self, size: Size) -> UInt8Array:
        return postprocess.class_map(self.logits, size)


def overlay_rows(scene: Scene) -> list[Row]:
    height = scene.size[1]
    picture, full = scene.bgr.planes[0], scene.class_map(scene.size)
    levels = np.asarray(full * 80, np.uint8)

    def color_map() -> object:
        colors = cv2.applyColorMap(levels, cv2.COLORMAP_JET)
        return cv2.addWeighted(picture, 1 - OPACITY, colors, OPACITY, 0)

    small = scene.class_map(overlay.class_map_size(scene.yuv))
    asked = "0.6 ms, 4 times" if height == 1080 else ""
    blend = partial(overlay.blend, palette=VISIBLE, opacity=OPACITY)
    usual = "applyColorMap + addWeighted"
    return [
        Row(f"overlay {height}p, planes", asked, partial(blend, scene.yuv, small), usual, color_map),
        Row(f"overlay {height}p, BGR", "", partial(blend, scene.bgr, full), usual, color_map),
    ]


def class_map_rows(scene: Scene) -> list[Row]:
    planes_480 = np.stack([cv2.resize(plane, (120, 90)) for plane in scene.logits])

    def interleaved(logits: np.ndarray, size: Size) -> object:
        full = cv2.resize(np.ascontiguousarray(logits.transpose(1, 2, 0)), size)
        return full.argmax(axis=-1).astype(np.uint8)

    return [
        Row(
            f"class map {size[0]}x{size[1]}, 4 classes",
            asked,
            partial(postprocess.class_map, logits, size),
            "cv2.resize + np.argmax",
            partial(interleaved, logits, size),
        )
        for logits, size, asked in (
            (planes_480, (480, 360), "1.0 ms"),
            (scene.logits, overlay.class_map_size(scene.yuv), ""),
        )
    ]


def network_input_row(scene: Scene) -> Row:
    reformatter = VideoReformatter()
    width, height = NET_SIZES[scene.size]
    return Row(
        f"network input from {scene.size[1]}p",
        "",
        partial(preprocess.network_input, scene.yuv, (width, height)),
        "libswscale, area",
        lambda: reformatter.reformat(scene.video, width, height, "rgb24", interpolation="AREA", threads=1),
    )


def format_row(scene: Scene, pixel_format: str) -> Row:
    video = scene.video.reformat(format=pixel_format)
    reformatter = VideoReformatter()
    return Row(
        f"{scene.size[1]}p {pixel_format} to 4:2:0",
        "",
        partial(planes_of, video),
        "libswscale",
        lambda: reformatter.reformat(video, format="yuv420p", threads=1),
    )


def measure(rows: list[Row], rounds: int) -> list[tuple[list[float], list[float]]]:
    """Milliseconds of every call, ours and the usual one, a row."""
    spent: list[tuple[list[float], list[float]]] = [([], []) for _ in rows]
    for turn in range(rounds + 1):
        for row, times in zip(rows, spent, strict=True):
            for call, into in zip((row.ours, row.usual), times, strict=True):
                for _ in range(CALLS):
                    started = time.perf_counter()
                    call()
                    if turn:
                        into.append((time.perf_counter() - started) * 1e3)
    return spent


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, OpenCV {cv2.__version__}, PyAV {av.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    large, small = Scene((1920, 1080)), Scene((1280, 720))
    rows = [*overlay_rows(large), *overlay_rows(small), *class_map_rows(large)]
    rows += [network_input_row(large), network_input_row(small)]
    rows += [format_row(large, name) for name in ("yuv422p", "yuv444p", "yuv420p10le", "nv12")]
    spent = measure(rows, options.rounds)
    print(f"{machine()}; one thread, ms, minimum (median) of {options.rounds * CALLS} calls")
    print(f"{'':31}{'rtseg':>14}{'usual':>16}{'ratio':>8}  usual way; asked of rtseg")
    for row, (ours, usual) in zip(rows, spent, strict=True):
        cells = [f"{min(times):.2f} ({statistics.median(times):.2f})" for times in (ours, usual)]
        ratio = min(usual) / min(ours)
        asked = f"; {row.asked}" if row.asked else ""
        print(f"{row.name:31}{cells[0]:>14}{cells[1]:>16}{ratio:8.1f}  {row.usual_name}{asked}")


if __name__ == "__main__":
    main()
