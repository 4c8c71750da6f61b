"""CPU time a frame: rtseg's pipeline beside the loop that one would write by hand, in one run.

The hand-written loop: cv2.VideoCapture, cv2.resize, ONNX Runtime on the same network, bilinear logits at
the network's input size, np.argmax, a palette look-up, cv2.resize of the colours, cv2.addWeighted. Both are
run in turns, and the median of the ratios is what counts: the machine may be noisy.

    .venv/bin/python tools/bench_naive.py [--model street-m] [--size 1280x720] [--frames 150] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from _clip import make_clip, megabits_per_second

from rtseg.card import find_model
from rtseg.runtime.pipeline import Pipeline
from rtseg.segmenter import Segmenter, load, offline_threads
from rtseg.video.source import open_source
from rtseg.video.video_sink import VideoSink


class HandWritten:
    """The loop that a tutorial would write."""

    def __init__(self, model: str) -> None:
        found = find_model(model)
        self.session = onnxruntime.InferenceSession(str(found.onnx_path), providers=["CPUExecutionProvider"])
        self.palette = np.array([color[::-1] for color in found.card.palette], np.uint8)

    def run(self, clip: Path, input_size: tuple[int, int], out: Path | None) -> int:
        cv2.setNumThreads(OPENCV_THREADS)  # the pipeline sets it to one
        capture = cv2.VideoCapture(str(clip))
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        writer = None
        if out is not None:
            fourcc = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(out), fourcc, capture.get(cv2.CAP_PROP_FPS), (width, height))
        frames = 0
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            rgb = cv2.cvtColor(cv2.resize(frame, input_size), cv2.COLOR_BGR2RGB)
            logits = self.session.run(None, {"image": rgb[None]})[0][0]
            full = cv2.resize(logits.transpose(1, 2, 0), input_size)
            colors = self.palette[np.argmax(full, axis=-1)]
            colors = cv2.resize(colors, (width, height), interpolation=cv2.INTER_NEAREST)
            blended = cv2.addWeighted(frame, 0.5, colors, 0.5, 0)
            if writer is not None:
                writer.write(blended)
            frames += 1
        capture.release()
        if writer is not None:
            writer.release()
        return frames


OPENCV_THREADS = cv2.getNumThreads()


def rtseg_run(segmenter: Segmenter, clip: Path, out: Path | None) -> int:
    with open_source(str(clip)) as source:
        sinks = [] if out is None else [VideoSink(out, rate=source.rate or Fraction(30))]
        pipeline = Pipeline(source, segmenter, sinks=sinks, policy="every-frame")
        pipeline.start()
        pipeline.join()
    return pipeline.stats.frames_out


def measure(work: Callable[[], int]) -> tuple[float, float]:
    """-> (CPU ms, wall ms) a frame, over all threads."""
    cpu, wall = time.process_time(), time.perf_counter()
    frames = work()
    return (time.process_time() - cpu) / frames * 1e3, (time.perf_counter() - wall) / frames * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="street-m")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))

    with tempfile.TemporaryDirectory() as folder, load(options.model, threads=offline_threads()) as segmenter:
        clip = make_clip(Path(folder) / "clip.mp4", (width, height), options.frames)
        print(
            f"clip {width}x{height}, {options.frames} frames, {megabits_per_second(clip):.1f} Mb/s; ", end=""
        )
        print(f"{segmenter.card.name}, rtseg on {segmenter.backend.name} {segmenter.backend.precision}")
        by_hand = HandWritten(options.model)
        input_size = segmenter.input_size((width, height))
        for label, ours, theirs in (
            ("no encoding", None, None),
            ("encoding (x264 veryfast against mp4v)", Path(folder) / "a.mp4", Path(folder) / "b.mp4"),
        ):
            rows = []
            for turn in range(options.rounds + 1):
                a = measure(lambda out=ours: rtseg_run(segmenter, clip, out))
                b = measure(lambda out=theirs: by_hand.run(clip, input_size, out))
                if turn:  # the first round warms up caches and compiles
                    rows.append((a[0], b[0], a[0] / b[0], a[1] / b[1]))
            median = [statistics.median(column) for column in zip(*rows, strict=True)]
            print(
                f"{label}: CPU a frame rtseg {median[0]:.1f} ms, by hand {median[1]:.1f} ms, "
                f"ratio {median[2]:.2f} (wall {median[3]:.2f})"
            )


if __name__ == "__main__":
    main()
