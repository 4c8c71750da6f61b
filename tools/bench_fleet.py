"""How much more gets done with two workers than with one, side by side in one run, and what a stream costs.

    .venv/bin/python tools/bench_fleet.py [--clips 4] [--frames 300] [--rounds 3] [--ray] [--model street-s]
        [--cameras 1000] [--hours 8]

Clips of the demo, 1920x1080 at 30 frames and 8 Mb a second, are done by `rtseg process FOLDER --jobs 1` and
`--jobs 2` in turns, and with --ray by one node and by two of a Ray cluster, each bound to a processor. The
start of the first process is left out, that of the second is not: short runs look worse than long ones. The
load of the machine is printed, for whatever else runs on it counts against every figure.

The last lines are the rates that tools/fleet/README.md reckons with, frames a second of a processor and bytes
a second of video, and what they come to for --cameras of --hours a day.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _clip import kept_clip

from rtseg.offline import ClipJob, Progress
from rtseg.offline.folder import process_folder
from rtseg.offline.outcome import Outcome
from rtseg.offline.tree import find_clips
from rtseg.runtime.choice import NetworkChoice
from rtseg.threads import processors

SIZE, RATE, MEGABITS = (1920, 1080), 30, 8


@dataclass
class Stopwatch:
    """A watcher that counts frames, and the time from the first of them on."""

    frames: int = 0
    began_s: float | None = None
    ended_s: float = 0.0
    failed: list[str] = field(default_factory=list)

    def begun(self, name: str) -> None:
        self.began_s = self.began_s or time.perf_counter()

    def advanced(self, name: str, progress: Progress) -> None:
        pass

    def told(self, name: str | None, line: str) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        self.ended_s = time.perf_counter()
        if outcome.entry is None or outcome.entry.frames is None:
            raise SystemExit(f"{outcome.name}: {outcome.error}")
        self.frames += outcome.entry.frames

    @property
    def fps(self) -> float:
        return self.frames / (self.ended_s - (self.began_s or 0))


@dataclass(frozen=True)
class Measured:
    fps: float
    cpu_ms: float
    """Of all processes, a frame."""
    bytes_out: int


@contextmanager
def results() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rtseg-bench-") as name:
        yield Path(name)


def by_jobs(folder: Path, model: str, jobs: int) -> Measured:
    network = NetworkChoice(model, threads=max(1, processors() // 2 // jobs))
    watch = Stopwatch()
    with results() as out:
        before = os.times()
        template = ClipJob(folder, out)
        names = find_clips(folder)
        process_folder(folder, names, {"video": out}, template, network, workers=jobs, watcher=watch)
        after = os.times()
        cpu_s = sum(after[:4]) - sum(before[:4])
        size = sum((out / name).stat().st_size for name in names)
    return Measured(watch.fps, 1e3 * cpu_s / watch.frames, size)


def by_nodes(folder: Path, model: str, address: str) -> Measured:
    from rtseg.fleet.cluster import connected
    from rtseg.fleet.items import find_items
    from rtseg.fleet.storage import Store

    watch = Stopwatch()
    source = Store.of(str(folder))
    with results() as out, connected(address):
        from rtseg.fleet.machines import Resources
        from rtseg.fleet.run import plain_work, process_on_cluster

        folders = {"video": Store.of(str(out))}
        work = plain_work(source, folders, ClipJob(folder, out), NetworkChoice(model, threads=1), 300)
        process_on_cluster(find_items(source), work, Resources(1), watcher=watch)
    return Measured(watch.fps, 0.0, 0)


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """Nodes of a processor each, which all that runs on them is bound to."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled")
    from ray.cluster_utils import Cluster

    mine = sorted(os.sched_getaffinity(0))
    started = Cluster()
    try:
        for number in range(nodes):
            os.sched_setaffinity(0, {mine[number % len(mine)]})
            started.add_node(num_cpus=1, object_store_memory=80 << 20, include_dashboard=False)
        os.sched_setaffinity(0, mine)
        yield str(started.address)
    finally:
        os.sched_setaffinity(0, mine)
        started.shutdown()


def report(what: str, one: list[Measured], two: list[Measured]) -> None:
    ratios = [b.fps / a.fps for a, b in zip(one, two, strict=True)]
    first, second = (statistics.median(each.fps for each in runs) for runs in (one, two))
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    median = statistics.median(ratios)
    print(f"{what:12} 1: {first:6.1f} fps   2: {second:6.1f} fps   ratio {median:.2f} ({spread})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--model", default="street-s")
    parser.add_argument("--cameras", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=8)
    asked = parser.parse_args()
    clip = kept_clip(SIZE, asked.frames, MEGABITS)
    with results() as folder:
        for number in range(asked.clips):
            shutil.copyfile(clip, folder / f"{number}.mp4")
        print(f"{processors()} processors, load {os.getloadavg()[0]:.1f} before")
        by_jobs(folder, asked.model, 1)  # compiles the network
        rounds = [[by_jobs(folder, asked.model, jobs) for jobs in (1, 2)] for _ in range(asked.rounds)]
        one, two = ([pair[number] for pair in rounds] for number in (0, 1))
        report("--jobs", one, two)
        if asked.ray:
            by_count: dict[int, list[Measured]] = {}
            for nodes in (1, 2):
                with cluster(nodes) as address:
                    by_count[nodes] = [by_nodes(folder, asked.model, address) for _ in range(asked.rounds)]
            report("Ray nodes", by_count[1], by_count[2])
    seconds = asked.clips * asked.frames / RATE
    best = max(statistics.median(each.fps for each in runs) for runs in (one, two))
    reckon(
        fps=best / processors(),
        mb_in=asked.clips * clip.stat().st_size / seconds / 1e6,
        mb_out=one[0].bytes_out / seconds / 1e6,
        cameras=asked.cameras,
        hours=asked.hours,
    )
    print(f"CPU time a frame       {statistics.median(each.cpu_ms for each in one):.1f} ms")


def reckon(*, fps: float, mb_in: float, mb_out: float, cameras: int, hours: float) -> None:
    """The arithmetic of tools/fleet/README.md."""
    seconds_a_day = cameras * hours * 3600
    busy = seconds_a_day * RATE / (fps * 86400)
    print(f"fps of a processor     {fps:.1f}, {fps / RATE:.2f} of real time")
    print(f"MB a second of video   {mb_in:.2f} in, {mb_out:.2f} out")
    print(f"{cameras} cameras, {hours:g} h: {seconds_a_day * RATE / 1e6:.0f} million frames a day")
    print(f"  processors busy      {busy:.0f}, around the clock")
    print(
        f"  TB a day             {seconds_a_day * mb_in / 1e6:.1f} in, {seconds_a_day * mb_out / 1e6:.1f} out"
    )
    rate_in, rate_out = (seconds_a_day * mb * 8e6 / 86400 / 1e9 for mb in (mb_in, mb_out))
    print(f"  Gb a second          {rate_in:.2f} in, {rate_out:.2f} out, over the whole day")
    print(f"  Mb a second          {1e3 * (rate_in + rate_out) / busy:.1f} a processor")


if __name__ == "__main__":
    main()
