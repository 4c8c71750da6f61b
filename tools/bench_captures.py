"""What captures cost a live run: recordings of each kind, the last seconds kept in memory, a snapshot.

    .venv/bin/python tools/bench_captures.py [--seconds 6] [--rate 30]

Frames of a noisy clip of the demo come at the rate of a camera. "held up" is the time that the overlay thread
spends on a frame for it, "CPU" what all threads do, in percent of one processor.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import bench_overlay
import cv2
from _clip import kept_clip

from rtseg import overlay
from rtseg.frame import Frame, Segmentation, Size
from rtseg.labels import CLASSES
from rtseg.runtime.recording import Recording
from rtseg.runtime.replay import Replay
from rtseg.runtime.shown import Shown
from rtseg.runtime.snapshot import save_snapshot
from rtseg.video.file import VideoSource
from rtseg.video.sinks import Sink

_CLIP_FRAMES = 90
_SNAPSHOTS = 10


@dataclass(frozen=True)
class Cost:
    held_up_ms: float
    cpu_percent: float
    note: str = ""

    def __str__(self) -> str:
        return f"{self.held_up_ms:8.2f} {self.cpu_percent:8.1f}   {self.note}"


class Street:
    """What the overlay thread hands to sinks, again and again."""

    def __init__(self, size: Size) -> None:
        logits = bench_overlay.Scene(size).logits
        with VideoSource(str(kept_clip(size, _CLIP_FRAMES, 6 if size[1] == 720 else 15))) as source:
            frames = [replace(f, planes=tuple(p.copy() for p in f.planes)) for f in source.frames()]
        self.shown = [self._tinted(Segmentation(f, (logits,), 0, 0, classes=CLASSES)) for f in frames]

    @staticmethod
    def _tinted(segmentation: Segmentation) -> Shown:
        frame = segmentation.frame
        class_map = bench_overlay.postprocess.frame_class_map(segmentation, overlay.class_map_size(frame))
        palette = bench_overlay.VISIBLE
        return Shown(segmentation, class_map, overlay.blend(frame, class_map, palette, 0.5), palette, 0.5)

    def live(self, seconds: float, rate: int) -> Iterator[tuple[Segmentation, Frame]]:
        """At the pace of a camera, with times that go on."""
        began = time.monotonic()
        for index, shown in enumerate(itertools.islice(itertools.cycle(self.shown), round(seconds * rate))):
            time.sleep(max(0.0, began + index / rate - time.monotonic()))
            place = {"index": index, "pts": index, "time_base": Fraction(1, rate)}
            frame = replace(shown.frame, **place, captured_ns=time.monotonic_ns())
            yield replace(shown.segmentation, frame=frame), replace(shown.blended, **place)


def of_sink(street: Street, sink: Sink, seconds: float, rate: int, note: Callable[[], str]) -> Cost:
    held_up_ns = []
    began, cpu = time.perf_counter(), time.process_time()
    for segmentation, blended in street.live(seconds, rate):
        before = time.perf_counter_ns()
        sink.write(segmentation, blended)
        held_up_ns.append(time.perf_counter_ns() - before)
    said = note()
    sink.close()
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - began
    return Cost(statistics.mean(held_up_ns) / 1e6, 100 * cpu_s / wall_s, said)


def of_nothing(street: Street, seconds: float, rate: int) -> float:
    """CPU of the clock that paces the frames, in percent."""
    began, cpu = time.perf_counter(), time.process_time()
    for _ in street.live(seconds, rate):
        pass
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - began)


def megabits(paths: tuple[Path, ...], seconds: float) -> str:
    return " + ".join(f"{path.stat().st_size * 8 / seconds / 1e6:.1f}" for path in paths) + " Mb/s"


def measure(size: Size, seconds: float, rate: int, folder: Path) -> None:
    street = Street(size)
    print(f"\n{size[0]}x{size[1]} at {rate} a second")
    print(f"{'':28} {'held up ms':>8} {'CPU %':>6}")
    print(f"{'nothing':28} {'':8} {of_nothing(street, seconds, rate):8.1f}", flush=True)
    for kind in ("seen", "clean"):
        recording = Recording(kind, folder, rate=Fraction(rate))
        cost = of_sink(street, recording, seconds, rate, lambda: "")
        cost = replace(cost, note=megabits(recording.files, seconds))
        print(f"{f'recording, {kind}':28} {cost}", flush=True)
    replay = Replay(rate=Fraction(rate))

    def saved() -> str:
        time.sleep(0.1)  # what was handed over last
        before = time.perf_counter()
        length_s = replay.save(folder / "last.mp4")
        spent_ms = 1e3 * (time.perf_counter() - before)
        missing = round(seconds * rate) - replay.encoded
        return (
            f"{replay.memory_bytes / 1e6:.1f} MB for {length_s:.1f} s, {missing} frames left out; "
            f"saved in {spent_ms:.0f} ms"
        )

    print(f"{'last seconds kept':28} {of_sink(street, replay, seconds, rate, saved)}", flush=True)
    spent = []
    for shown in street.shown[:_SNAPSHOTS]:
        before = time.perf_counter()
        save_snapshot(shown, folder)
        spent.append(1e3 * (time.perf_counter() - before))
    print(f"{'snapshot':28} {statistics.median(spent):.0f} ms, in whichever thread takes it", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6, help="of each")
    parser.add_argument("--rate", type=int, default=30, help="frames a second")
    options = parser.parse_args()
    cv2.setNumThreads(1)  # as in a run
    print(f"{bench_overlay.machine()}; load {os.getloadavg()[0]:.1f} at the start")
    for size in ((1280, 720), (1920, 1080)):
        with tempfile.TemporaryDirectory() as folder:
            measure(size, options.seconds, options.rate, Path(folder))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
