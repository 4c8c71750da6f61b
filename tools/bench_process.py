"""The figures asked of offline processing, measured in one run, beside a plain decode and re-encode.

    .venv/bin/python tools/bench_process.py [--quick] [--only NAME] [--minutes 60]

Clips are drawn once by the demo and kept in the temporary folder; the long one is the short one, looped.
Whatever else runs on the machine counts against every figure, so its load is printed too; ratios are medians
of rounds in turns.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import av
from _clip import kept_clip
from _offline import Offline, turns
from _rows import Row, Rows, arguments, measure

from rtseg.frame import Size
from rtseg.offline import ClipJob, borders, process_clip
from rtseg.segmenter import Segmenter, load
from rtseg.threads import share
from rtseg.video.video_sink import ENCODER_OPTIONS

FULL_HD: Size = (1920, 1080)
SMALL: Size = (640, 360)
MODEL = "street-s"


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    frames: int
    rounds: int
    minutes: float


def plain(clip: Path, output: Path, options: dict[str, str]) -> int:
    """Decode and encode again, as one would write it with PyAV."""
    frames = 0
    with av.open(str(clip)) as source, av.open(str(output), "w", format="mp4") as target:
        video = source.streams.video[0]
        video.thread_type = "AUTO"
        video.codec_context.thread_count = share("offline").decoder
        stream = target.add_stream("libx264", video.average_rate, options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.time_base = video.time_base
        stream.codec_context.thread_count = share("offline").encoder
        for frame in source.decode(video):
            target.mux(stream.encode(frame))
            frames += 1
        target.mux(stream.encode(None))
    return frames


def ours(segmenter: Segmenter, clip: Path, folder: Path) -> int:
    return process_clip(ClipJob(clip, folder / "ours.mp4", overwrite=True), segmenter).frames


def rate(plan: Plan) -> Row:
    """Beside the same preset, and beside the very same options, which leave out what costs it most."""
    clip = kept_clip(FULL_HD, plan.frames, 15)
    preset = {key: ENCODER_OPTIONS[key] for key in ("preset", "crf")}
    with tempfile.TemporaryDirectory() as name, load(MODEL, mode="offline", measure=True) as segmenter:
        mine, like, same = Path(name) / "mine.mp4", Path(name) / "like.mp4", Path(name) / "same.mp4"
        job = ClipJob(clip, mine, overwrite=True)
        runs = {
            "mine": lambda: process_clip(job, segmenter).frames,
            "like": lambda: plain(clip, like, preset),
            "same": lambda: plain(clip, same, ENCODER_OPTIONS),
        }
        rounds = [{name: Offline.measure(run) for name, run in runs.items()} for _ in range(plan.rounds + 1)][
            1:
        ]
        larger = mine.stat().st_size / like.stat().st_size
    median = {name: statistics.median(each[name].fps for each in rounds) for name in runs}
    cpu_ms = {name: statistics.median(each[name].cpu_ms for each in rounds) for name in runs}
    ratio = statistics.median(each["mine"].fps / each["like"].fps for each in rounds)
    of_same = statistics.median(each["mine"].fps / each["same"].fps for each in rounds)
    measured = (
        f"{ratio:.2f} ({median['mine']:.1f} of {median['like']:.1f} fps, {of_same:.2f} of its own options' "
        f"{median['same']:.1f}; CPU {cpu_ms['mine']:.1f}, {cpu_ms['like']:.1f}, {cpu_ms['same']:.1f} ms a "
        f"frame; {larger:.2f} times the bytes)"
    )
    return Row("0.85 of plain", measured, ratio >= 0.85)


def looped(clip: Path, times: int) -> Path:
    """The clip so many times over, without encoding anew; kept beside it."""
    path = clip.with_name(f"{clip.stem}-times-{times}.mp4")
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as target:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                end = offset
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    end = max(end, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    target.mux(packet)
                offset = end
    part.replace(path)
    return path


def command(clip: Path, output: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "rtseg", "process", str(clip), "-o", str(output), "-m", MODEL, *more]


def peak_mib(clip: Path) -> float:
    """Of a process of its own, as a user starts it."""
    with tempfile.TemporaryDirectory() as folder:
        program = (
            "import resource, sys; from rtseg.cli import main; sys.argv[0] = 'rtseg'\n"
            "try: main()\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        arguments = command(clip, Path(folder) / "out.mp4", "--jsonl", f"{folder}/out.jsonl")[3:]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
        )
    return int(done.stdout.split()[-1]) / 1024


def memory(plan: Plan, size: Size) -> Row:
    minute = kept_clip(size, 30 * 60, 1.5 if size == SMALL else 6)
    long = looped(minute, max(2, round(plan.minutes)))
    short_mib, long_mib = peak_mib(minute), peak_mib(long)
    ratio = long_mib / short_mib
    measured = f"{ratio:.2f} ({long_mib:.0f} MiB of {plan.minutes:g} min, {short_mib:.0f} MiB of one minute)"
    return Row("1.10 of one minute", measured, ratio <= 1.1)


def resume(plan: Plan) -> Row:
    """Killed at some moments: what was done again, in frames and in seconds of work."""
    clip = looped(kept_clip(FULL_HD, 240, 15), 5)
    lost, rate = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.mp4"
        part, journal = (output.with_name(f".out.mp4.{what}") for what in ("part", "journal"))
        for round_ in range(plan.rounds):
            program = subprocess.Popen(command(clip, output), stderr=subprocess.DEVNULL)
            while not part.exists():
                time.sleep(0.01)
            begun = time.monotonic()
            time.sleep(4 + 1.7 * round_)
            program.send_signal(signal.SIGKILL)
            program.wait()
            worked_s = time.monotonic() - begun
            with av.open(str(part)) as container:
                seen = sum(1 for packet in container.demux(video=0) if packet.size)
            lines = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
            kept = sum(line["frames"] for line in lines)
            again = max(0, seen - kept)
            lost.append((again, again / 30, again / max(1, seen) * worked_s))
            rate = seen / worked_s
            resumed = subprocess.run(
                command(clip, output, "--resume"), check=True, capture_output=True, text=True
            )
            expected = f"Going on at frame {kept}" if kept else "Nothing that was finished is left"
            assert expected in resumed.stderr, resumed.stderr
            output.unlink()
    frames, video_s, work_s = max(lost)
    measured = (
        f"at most {work_s:.1f} s of work ({frames} frames, {video_s:.1f} s of video) of {len(lost)} kills, "
        f"at {rate:.0f} fps"
    )
    return Row("5 s of work", measured, work_s <= 5 and video_s <= 5)


def restart(plan: Plan) -> Row:
    """What it costs to begin a new encoder for each segment."""
    clip = kept_clip(FULL_HD, plan.frames, 15)
    usual = borders.MIN_S, borders.MAX_S

    def one_segment() -> int:
        borders.MIN_S = borders.MAX_S = 1_000_000
        try:
            return ours(segmenter, clip, Path(folder))
        finally:
            borders.MIN_S, borders.MAX_S = usual

    with tempfile.TemporaryDirectory() as folder, load(MODEL, mode="offline", measure=True) as segmenter:
        rounds = turns(
            plan.rounds,
            lambda: Offline.measure(lambda: ours(segmenter, clip, Path(folder))),
            lambda: Offline.measure(one_segment),
        )
    ratio = statistics.median(mine.fps / one.fps for mine, one in rounds)
    cpu = statistics.median(mine.cpu_ms / one.cpu_ms for mine, one in rounds)
    return Row(
        "(for a look)", f"{ratio:.3f} of the rate of one encoder for all, {cpu:.3f} of the CPU time", True
    )


ROWS: Rows[Plan] = {
    "rate": ("rate, 1080p, H.264 in and out", rate),
    "restart": ("an encoder a segment", restart),
    "resume": ("repeated after a kill, 1080p", resume),
    "memory": ("peak memory, 360p", lambda plan: memory(plan, SMALL)),
    "memory-1080p": ("peak memory, 1080p", lambda plan: memory(plan, FULL_HD)),
}


def main() -> None:
    parser = arguments(__doc__, ROWS, "some minutes in all, for a look")
    parser.add_argument("--minutes", type=float, default=60, help="of the long clip")
    options = parser.parse_args()
    plan = Plan(480, 5, options.minutes)
    if options.quick:
        plan = replace(plan, frames=240, rounds=2, minutes=min(5, options.minutes))
    measure(ROWS, options.only, plan)


if __name__ == "__main__":
    main()
