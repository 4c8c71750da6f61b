"""How fast the demo source draws, on one thread: CPU milliseconds a frame over several streets.

.venv/bin/python tools/bench_demo.py [--size 1280x720] [--seeds 8] [--frames 60]
"""

from __future__ import annotations

import argparse
import statistics
import time

import cv2

from rtseg.video.demo.scene import DemoScene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    cv2.setNumThreads(1)
    means = []
    for seed in range(options.seeds):
        scene = DemoScene((width, height), seed)
        scene.picture(0.0)
        started = time.process_time()
        for index in range(options.frames):
            scene.picture(index / 30)
        means.append((time.process_time() - started) / options.frames * 1e3)
    mean, worst = statistics.mean(means), max(means)
    print(
        f"demo {width}x{height}, one thread: mean {mean:.1f} ms of CPU a frame = {1e3 / mean:.0f} a second; "
        f"slowest of {options.seeds} streets {worst:.1f} ms = {1e3 / worst:.0f} a second"
    )


if __name__ == "__main__":
    main()
