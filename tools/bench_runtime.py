"""The figures asked of the runtime, measured side by side in one run, beside a loop written by hand.

    .venv/bin/python tools/bench_runtime.py [--quick] [--only NAME] [--minutes 10]

Clips are drawn once by the demo and kept in the temporary folder. Whatever else runs on the machine counts
against every figure, so its load is printed too; ratios are medians of rounds in turns.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bench_overlay
from _by_hand import HandWritten
from _clip import kept_clip, megabits_per_second
from _offline import Offline, quality_db, run_offline, turns
from _online import first_frame_s, overloaded, thirty_a_second
from _rows import Row, Rows, arguments, measure

from rtseg.frame import Size
from rtseg.segmenter import load

FULL_HD: Size = (1920, 1080)
HD: Size = (1280, 720)


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    frames: int
    rounds: int
    live_s: float
    minutes: float


def clip(plan: Plan, size: Size, megabits: float) -> Path:
    return kept_clip(size, plan.frames, megabits)


def overlay(plan: Plan) -> Row:
    rows = bench_overlay.overlay_rows(bench_overlay.Scene(FULL_HD))[:1]
    ((ours, usual),) = bench_overlay.measure(rows, plan.rounds * 4)
    ratio = min(usual) / min(ours)
    measured = f"{min(ours):.2f} ms (median {statistics.median(ours):.2f}), {ratio:.1f} times faster"
    return Row("0.6 ms, 4 times faster", measured, min(ours) <= 0.6 and ratio >= 4)


def class_map(plan: Plan) -> Row:
    rows = bench_overlay.class_map_rows(bench_overlay.Scene(FULL_HD))[:1]
    ((ours, _),) = bench_overlay.measure(rows, plan.rounds * 4)
    measured = f"{min(ours):.2f} ms (median {statistics.median(ours):.2f})"
    return Row("1.0 ms", measured, min(ours) <= 1.0)


def of_decoding(plan: Plan) -> Row:
    path = clip(plan, FULL_HD, 15)
    with load("street-s", mode="offline", measure=True) as segmenter:
        rounds = turns(plan.rounds, lambda: run_offline(segmenter, path), lambda: Offline.of_decoding(path))
        precision = segmenter.backend.precision
    ratio = statistics.median(ours.fps / alone.fps for ours, alone in rounds)
    ours, alone = (statistics.median(each[n].cpu_ms for each in rounds) for n in (0, 1))
    fps = statistics.median(each[0].fps for each in rounds)
    measured = f"{ratio:.2f} ({precision}, {fps:.0f} fps; CPU {ours:.1f} ms a frame, decoding {alone:.1f})"
    return Row("0.60 of decoding", measured, ratio >= 0.6)


def cpu_time(plan: Plan, megabits: float, asked: float) -> Row:
    path = clip(plan, FULL_HD, megabits)
    by_hand = HandWritten("street-s")
    with load("street-s", mode="offline") as segmenter:
        size = segmenter.input_size(FULL_HD)
        rounds = turns(
            plan.rounds,
            lambda: run_offline(segmenter, path),
            lambda: Offline.measure(lambda: by_hand.run(path, size)),
        )
    ratio = statistics.median(ours.cpu_ms / theirs.cpu_ms for ours, theirs in rounds)
    ours, theirs = (statistics.median(each[n].cpu_ms for each in rounds) for n in (0, 1))
    measured = f"{ratio:.2f} ({ours:.1f} of {theirs:.1f} ms) at {megabits_per_second(path):.1f} Mb/s"
    return Row(f"{asked:.2f} of by hand", measured, ratio <= asked)


def encoding(plan: Plan) -> Row:
    path = clip(plan, FULL_HD, 15)
    by_hand = HandWritten("street-s")
    with tempfile.TemporaryDirectory() as folder, load("street-s", mode="offline") as segmenter:
        mine, theirs = Path(folder) / "a.mp4", Path(folder) / "b.mp4"
        size = segmenter.input_size(FULL_HD)
        rounds = turns(
            plan.rounds,
            lambda: run_offline(segmenter, path, mine),
            lambda: Offline.measure(lambda: by_hand.run(path, size, theirs)),
        )
        ratio = statistics.median(ours.fps / hand.fps for ours, hand in rounds)
        quality = quality_db(segmenter, path, Path(folder))
    measured = f"{ratio:.1f} times; {quality[0]:.1f} against {quality[1]:.1f} dB in files of one size"
    return Row("2.0 times, better", measured, ratio >= 2 and quality[0] > quality[1])


def live(plan: Plan) -> Row:
    age_ms, dropped, frames = thirty_a_second(kept_clip(HD, round(30 * plan.live_s), 6))
    measured = f"p95 {age_ms['p95']:.1f} ms (p50 {age_ms['p50']:.1f}), {dropped} of {frames} dropped"
    return Row("25 ms, none dropped", measured, age_ms["p95"] <= 25 and dropped == 0)


def overload(plan: Plan) -> Row:
    first_ms, last_ms, grown_mib, rate = overloaded(clip(plan, HD, 6), plan.minutes)
    measured = (
        f"{last_ms / first_ms:.2f} ({first_ms:.0f} to {last_ms:.0f} ms), {grown_mib:+.1f} MB "
        f"in {plan.minutes:g} min at {rate:.0f} fps"
    )
    return Row("1.10 times, 20 MB", measured, last_ms <= 1.1 * first_ms and grown_mib < 20)


def efficiency(plan: Plan) -> Row:
    with load("street-s", mode="offline") as segmenter:
        path = clip(plan, FULL_HD, 15)
        rounds = [run_offline(segmenter, path) for _ in range(plan.rounds)]
    used = statistics.median(each.efficiency for each in rounds)
    left = [each.of_what_was_left for each in rounds if each.of_what_was_left is not None]
    of_left = f", {statistics.median(left):.2f} of what others left" if left else ""
    return Row("0.85", f"{used:.2f}{of_left}", used >= 0.85)


def start(plan: Plan) -> Row:
    seconds, how = first_frame_s(clip(plan, HD, 6), plan.rounds)
    return Row("2.0 s", f"{seconds:.2f} s ({how})", seconds <= 2.0)


ROWS: Rows[Plan] = {
    "overlay": ("overlay, 1080p, one thread", overlay),
    "class-map": ("logits to class map, 480x360", class_map),
    "decoding": ("no encoding, 15 Mb/s, of decoding alone", of_decoding),
    "cpu-3": ("CPU a frame, 3 Mb/s", lambda plan: cpu_time(plan, 3, 1 / 4)),
    "cpu-15": ("CPU a frame, 15 Mb/s", lambda plan: cpu_time(plan, 15, 1 / 3)),
    "encoding": ("encoding, 15 Mb/s, over by hand", encoding),
    "live": ("age, live, 30 fps, 720p, street-m", live),
    "overload": ("age, last of first, at twice the load", overload),
    "efficiency": ("thread efficiency, offline", efficiency),
    "start": ("rtseg run to the first frame", start),
}


def main() -> None:
    parser = arguments(__doc__, ROWS, "a minute in all, for a look")
    parser.add_argument("--minutes", type=float, default=10, help="of the overload")
    options = parser.parse_args()
    plan = Plan(60, 2, 4, 0.3) if options.quick else Plan(240, 5, 30, options.minutes)
    measure(ROWS, options.only, plan)


if __name__ == "__main__":
    main()
