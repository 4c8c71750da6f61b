"""The figures asked of the window, measured of the real one on a virtual screen.

    .venv/bin/python tools/bench_viewer.py [--quick] [--only NAME] [--minutes 30] [--changes 200]

The window runs in a process of its own under Xvfb (Debian: apt install xvfb), without Xvfb off any screen.
Whatever else runs on the machine counts against every figure, so its load is printed too.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from _clip import kept_clip, make_clip
from _rows import Row, Rows, arguments, measure

from rtseg.video.sinks import write_png

_WATCHED = Path(__file__).with_name("_watched.py")
_CLIP_FRAMES = 300
_SECONDS = 90  # of the clip that is played at 60 a second
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Plan:
    """How long to measure, and where."""

    watch_s: float
    starts: int
    minutes: float
    changes: int
    environment: dict[str, str]


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """The environment of processes whose windows come to a virtual screen, and remember nothing."""
    with tempfile.TemporaryDirectory() as settings, _display() as display:
        yield {**os.environ, "XDG_CONFIG_HOME": settings, **display}


@contextmanager
def _display() -> Iterator[dict[str, str]]:
    program = shutil.which("Xvfb")
    if program is None:
        print("no Xvfb: the window is drawn, but on no screen")
        yield {"QT_QPA_PLATFORM": "offscreen"}
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(writing), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        yield {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    finally:
        server.terminate()
        server.wait()


def watched(plan: Plan, task: dict[str, Any], arguments: list[str], timeout_s: float) -> dict[str, Any]:
    """Run `rtseg ARGUMENTS` with its window -> what tools/_watched.py noted, and when it began."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(_WATCHED), json.dumps(task), str(out), *arguments],
            env=plan.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            sys.exit(f"rtseg {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return figures | {"began": began, "ended": time.monotonic()}


def clip_of_sixty() -> Path:
    """1280x720 at 60 frames a second, some of it again and again, so that it is long without taking long."""
    path = kept_clip((1280, 720), _CLIP_FRAMES, 6).with_name("1280x720-60fps.mp4")
    if path.exists():
        return path
    short = make_clip(path.with_suffix(".short"), (1280, 720), _CLIP_FRAMES, rate=60, megabits=8)
    part = path.with_suffix(".part")
    with av.open(str(short)) as given, av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.size]
        coded = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in packets]
        time_base = given.streams.video[0].time_base or Fraction(1, 60)
        length = round(Fraction(_CLIP_FRAMES, 60) / time_base)
        for turn in range(_SECONDS * 60 // _CLIP_FRAMES):
            for data, pts, dts, duration, is_key in coded:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.duration = stream, time_base, duration
                packet.pts, packet.dts = (pts or 0) + turn * length, (dts or 0) + turn * length
                packet.is_keyframe = is_key
                container.mux(packet)
    short.unlink()
    part.replace(path)
    return path


def watching(plan: Plan) -> Row:
    # As a camera, with the faster network: as many pictures as this machine has come to the window.
    arguments = ["run", "--source", str(clip_of_sixty()), "--policy", "latest", "--model", "street-s"]
    figures = watched(plan, {"watch_s": plan.watch_s}, arguments, plan.watch_s + _TIMEOUT_S)
    share, p95_ms = figures["gui_share"], float(np.percentile(figures["paint_ms"], 95))
    width, height = figures["canvas"]
    measured = (
        f"{share:.0%} of a processor, paint p95 {p95_ms:.1f} ms ({figures['fps']:.0f} pictures a second "
        f"shown, canvas {width}x{height})"
    )
    return Row("25 %, 8 ms", measured, share <= 0.25 and p95_ms <= 8)


def start(plan: Plan) -> Row:
    arguments = ["run", "--source", str(kept_clip((1280, 720), _CLIP_FRAMES, 6))]
    runs = [watched(plan, {"watch_s": 0}, arguments, _TIMEOUT_S) for _ in range(plan.starts + 1)][1:]
    window_s, picture_s = (
        statistics.median(run[moment] - run["began"] for run in runs)
        for moment in ("window_at", "picture_at")
    )
    measured = f"window {window_s:.2f} s, first segmented frame {picture_s:.2f} s (of {plan.starts} starts)"
    return Row("0.7 s, 2.0 s", measured, window_s <= 0.7 and picture_s <= 2)


def growth(plan: Plan) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        clip = kept_clip((1280, 720), _CLIP_FRAMES, 6)
        small = make_clip(Path(folder) / "small.mp4", (640, 360), 90)
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        with av.open(str(small)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % 10 == 0:
                    write_png(pictures / f"{index:03}.png", frame.to_ndarray(format="bgr24"))
        uris = [str(clip), "demo://", str(small), str(pictures)]
        hold_s = max(0.0, 60 * plan.minutes / plan.changes - 0.5)
        task = {"changes": uris, "count": plan.changes, "hold_s": hold_s}
        arguments = ["run", "--source", uris[0]]
        figures = watched(plan, task, arguments, 120 * plan.minutes + plan.changes * 5 + _TIMEOUT_S)
    # Each kind of source is compared with itself, from its third turn on: until then caches fill.
    grown, threads = [], []
    for kind in range(len(uris)):
        seen = [each for each in figures["seen"] if each["source"] == kind][2:]
        some = max(1, len(seen) // 5)
        first, last = seen[:some], seen[-some:]
        grown.append(_median(last, "memory_mib") - _median(first, "memory_mib"))
        threads.append(_median(last, "threads") - _median(first, "threads"))
    minutes = (figures["ended"] - figures["began"]) / 60
    measured = (
        f"{max(grown):+.1f} MiB, {max(threads):+.0f} threads in {minutes:.1f} min and {plan.changes} changes"
    )
    return Row("30 MB, none", measured, max(grown) < 30 and max(threads) <= 0)


def _median(seen: list[dict[str, Any]], what: str) -> float:
    return statistics.median(each[what] for each in seen)


ROWS: Rows[Plan] = {
    "watching": ("720p at 60 fps: GUI thread, painting", watching),
    "start": ("rtseg run to its window, to a picture", start),
    "growth": ("growth of memory and threads", growth),
}


def main() -> None:
    parser = arguments(__doc__, ROWS, "two minutes in all, for a look")
    parser.add_argument("--minutes", type=float, default=30, help="of the growth")
    parser.add_argument("--changes", type=int, default=200, help="of the source in that time; 16 at least")
    options = parser.parse_args()
    with screen() as environment:
        if options.quick:
            plan = Plan(8, 2, 0.7, 16, environment)
        else:
            plan = Plan(60, 7, options.minutes, max(16, options.changes), environment)
        measure(ROWS, options.only, plan)


if __name__ == "__main__":
    main()
