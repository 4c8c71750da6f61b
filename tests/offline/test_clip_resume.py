"""Whatever ends a run: what it has made can be played, and another goes on to the same result."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import times
from recordings import NTSC, packets_of, record, video_of

from rtseg.errors import RtsegError, SinkError
from rtseg.offline import ClipJob, EncoderSettings, join_spans, plan_spans, process_clip
from rtseg.offline.journal import Journal
from rtseg.segmenter import Segmenter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes as POSIX does")
KILLS = 20
LONG = [5000 + 3003 * index for index in range(600)]  # 20 s, ten segments
# For each output that it is told it forks a process that makes it, and so loads its libraries once for all.
FORKING = """
import os, sys
from pathlib import Path
import onnxruntime
from rtseg.offline import ClipJob, process_clip
from rtseg.segmenter import load
source, model = map(Path, sys.argv[1:])
for line in sys.stdin:
    if child := os.fork():
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
        continue
    output = Path(line.strip())
    rows, masks = output.with_suffix(".jsonl"), output.with_suffix(".mov")
    with load(str(model), backend="onnxruntime", mode="offline", threads=1) as segmenter:
        process_clip(ClipJob(source, output, jsonl=rows, masks=masks, resume=True), segmenter)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"g": "15", "bf": "2", "sc_threshold": "0", "preset": "ultrafast"}
    return record(tmp_path_factory.mktemp("long") / "long.mp4", LONG, options=options, size=(320, 240))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"g": "15", "bf": "2", "sc_threshold": "0", "preset": "ultrafast"}
    return record(tmp_path_factory.mktemp("short") / "short.mp4", LONG[:270], options=options)


def stop_at(job: ClipJob, segmenter: Segmenter, frame: int) -> int:
    """Begin a clip and stop it soon after a frame; -> how many frames were done."""
    done = [0]
    summary = process_clip(
        job,
        segmenter,
        progress=lambda progress: done.__setitem__(0, progress.frames),
        stopping=lambda: done[0] >= frame,
    )
    assert not summary.finished
    assert not job.output.exists()
    return summary.frames


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run can be stopped near a frame."""
    monkeypatch.setattr("rtseg.offline.process._POLL_S", 0.01)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_a_resumed_run_gives_what_an_undisturbed_one_does(
    tmp_path: Path, segmenter: Segmenter, long: Path, ending: str
) -> None:
    def job(name: str) -> ClipJob:
        return ClipJob(
            long,
            tmp_path / f"{name}.{ending}",
            jsonl=tmp_path / f"{name}.jsonl",
            masks=tmp_path / f"{name}.mov",
            summary=tmp_path / f"{name}.json",
        )

    whole = process_clip(job("whole"), segmenter)
    assert whole.segments > 5
    stopped = stop_at(job("parts"), segmenter, 150)
    stopped = stop_at(replace(job("parts"), resume=True), segmenter, stopped + 150)
    resumed = process_clip(replace(job("parts"), resume=True), segmenter)
    assert resumed.resumed_at is not None
    assert 0 <= stopped - resumed.resumed_at <= 150
    assert packets_of(tmp_path / f"parts.{ending}") == packets_of(tmp_path / f"whole.{ending}")
    assert video_of(tmp_path / "parts.mov") == video_of(tmp_path / "whole.mov")
    assert (tmp_path / "parts.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert (resumed.frames, resumed.segments, resumed.class_share, resumed.confidence) == (
        whole.frames, whole.segments, whole.class_share, whole.confidence,
    )  # fmt: skip
    assert not list(tmp_path.glob(".*"))


def test_killed_at_any_moment(tmp_path: Path, tiny_model: Path, short: Path) -> None:
    """Each run goes on from where the one before was killed; what is finished is compared, and done again."""
    command = [sys.executable, "-c", FORKING, str(short), str(tiny_model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def run(name: str, kill_after_s: float | None = None) -> int:
            print(tmp_path / f"{name}.mp4", file=server.stdin, flush=True)
            child = int(server.stdout.readline())
            if kill_after_s is not None:
                time.sleep(kill_after_s)
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            return int(server.stdout.readline())

        def check(name: str) -> None:
            assert packets_of(tmp_path / f"{name}.mp4") == packets_of(tmp_path / "whole.mp4")
            assert (tmp_path / f"{name}.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
            assert video_of(tmp_path / f"{name}.mov") == video_of(tmp_path / "whole.mov")

        begun = time.monotonic()
        assert run("whole") == 0
        whole_s = time.monotonic() - begun
        chance = random.Random(4)
        outputs = played = 0
        for _ in range(KILLS):
            name = f"killed{outputs}"
            assert run(name, chance.uniform(0.1, 0.7) * whole_s) in {0, signal.SIGKILL}
            part = tmp_path / f".{name}.mp4.part"
            if (tmp_path / f"{name}.mp4").exists() and not (tmp_path / f".{name}.mp4.journal").exists():
                check(name)
                outputs += 1
            elif part.exists() and part.stat().st_size > 30_000:
                played += len(times(part)) > 0
        assert played > 3
        if list(tmp_path.glob(".*")):
            assert run(name) == 0
            check(name)
        assert not list(tmp_path.glob(".*"))
        server.stdin.close()


def test_spans_put_together_are_the_clip(tmp_path: Path, segmenter: Segmenter, long: Path) -> None:
    job = ClipJob(long, tmp_path / "whole.mp4")
    process_clip(job, segmenter)
    spans = plan_spans(long, min_s=4)
    assert len(spans) > 3
    assert sum(span.frames or 0 for span in spans) == len(LONG)
    parts = []
    for number, span in reversed(list(enumerate(spans))):
        part = replace(job, output=tmp_path / f"{number}.mp4", span=span, jsonl=tmp_path / f"{number}.jsonl")
        assert process_clip(part, segmenter).finished
        rows = [json.loads(line)["index"] for line in part.jsonl.read_text().splitlines()]
        assert rows == list(range(span.first_index, span.first_index + (span.frames or 0)))
        parts.insert(0, part.output)
    join_spans(replace(job, output=tmp_path / "joined.mp4"), parts)
    assert packets_of(tmp_path / "joined.mp4") == packets_of(tmp_path / "whole.mp4")


def test_a_resume_of_something_else_says_what_differs(
    tmp_path: Path, segmenter: Segmenter, long: Path
) -> None:
    job = ClipJob(long, tmp_path / "out.mp4")
    stop_at(job, segmenter, 100)
    with pytest.raises(SinkError, match="add --resume to go on with it, or -y to begin anew"):
        process_clip(job, segmenter)
    other = replace(job, resume=True, opacity=0.7, encoder=EncoderSettings(crf=30))
    with pytest.raises(
        SinkError, match=r"encoder_options.crf was '24', is '30'; settings.opacity was 0.5, is 0.7. Give"
    ):
        process_clip(other, segmenter)
    (tmp_path / "long.mp4").write_bytes(long.read_bytes() + b"x")
    with pytest.raises(SinkError, match=r"input.bytes was .*; input has other contents"):
        process_clip(replace(job, input=tmp_path / "long.mp4", resume=True), segmenter)
    assert process_clip(replace(job, overwrite=True), segmenter).resumed_at is None


def test_a_resume_with_another_name_for_the_class_maps_loses_nothing(
    tmp_path: Path, segmenter: Segmenter, long: Path
) -> None:
    job = ClipJob(long, tmp_path / "out.mp4", masks=tmp_path / "a.mov", jsonl=tmp_path / "a.jsonl")
    stop_at(job, segmenter, 150)
    for changed in ({"masks": tmp_path / "b.mov"}, {"jsonl": tmp_path / "b.jsonl"}):
        with pytest.raises(SinkError, match=r"b.(mov|jsonl): holds nothing of the run that was interrupted"):
            process_clip(replace(job, resume=True, **changed), segmenter)  # type: ignore[arg-type]
    assert (process_clip(replace(job, resume=True), segmenter).resumed_at or 0) > 0


def test_the_second_of_two_runs_says_so(tmp_path: Path, segmenter: Segmenter, long: Path) -> None:
    job = ClipJob(long, tmp_path / "out.mp4", overwrite=True)
    first = Journal(job.output)
    with pytest.raises(SinkError, match=r"out.mp4: another run is writing it; wait for its end, or stop it"):
        process_clip(job, segmenter)
    first.close(remove=False)
    assert process_clip(job, segmenter).finished


@pytest.fixture
def no_space() -> Iterator[Callable[[], None]]:
    """No file of this process grows over 2.5 MB, which is as good as a full disk; until it is called."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_a_full_disk_is_told_and_what_is_good_is_kept(
    tmp_path: Path, segmenter: Segmenter, long: Path, no_space: Callable[[], None], ending: str
) -> None:
    job = ClipJob(long, tmp_path / f"out.{ending}")
    with pytest.raises(SinkError, match=r"cannot be (written|finished) .File too large.*add --resume"):
        process_clip(job, segmenter)
    assert not job.output.exists()
    no_space()
    resumed = process_clip(replace(job, resume=True), segmenter)
    assert (resumed.resumed_at or 0) > 0
    process_clip(replace(job, output=tmp_path / f"whole.{ending}"), segmenter)
    assert packets_of(job.output) == packets_of(tmp_path / f"whole.{ending}")


def damage(path: Path, ending: str) -> None:
    data = bytearray(path.read_bytes())
    if ending == "cut":
        path.write_bytes(data[: len(data) * 3 // 4])
    else:
        middle = len(data) // 2
        data[middle : middle + 4000] = random.Random(1).randbytes(4000)
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "middle"])
@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_a_damaged_input_gives_what_is_there(
    tmp_path: Path, segmenter: Segmenter, name: str, how: str
) -> None:
    source = record(tmp_path / name, LONG[:300], options={"g": "15", "bf": "0", "sc_threshold": "0"})
    damage(source, how)
    summary = process_clip(ClipJob(source, tmp_path / "out.mp4"), segmenter)
    assert 200 <= summary.frames < 300
    assert len(video_of(tmp_path / "out.mp4")) == summary.frames
    if (name, how) in {("a.mkv", "cut"), ("a.ts", "middle")}:  # of the others FFmpeg says nothing
        assert summary.troubles


def test_a_gap_that_damage_may_have_made_is_told(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "a.mkv", [*LONG[:60], *LONG[150:210]], sound=None)
    summary = process_clip(ClipJob(source, tmp_path / "out.mkv"), segmenter)
    (trouble,) = summary.troubles
    assert "a.mkv has places without a frame, 1 in all, the longest 3.0 s from second 2.1 on" in trouble


def test_times_that_begin_anew_run_on(tmp_path: Path, segmenter: Segmenter) -> None:
    one = record(tmp_path / "one.ts", NTSC[:90])
    (tmp_path / "in.ts").write_bytes(one.read_bytes() * 2)
    job = ClipJob(tmp_path / "in.ts", tmp_path / "out.mp4")
    summary = process_clip(job, segmenter)
    moments = [moment for moment, _ in video_of(job.output)]
    assert len(moments) == summary.frames == 180
    steps = {later - earlier for earlier, later in pairwise(moments)}
    assert max(steps) < 0.2
    assert min(steps) > 0
    stop_at(replace(job, output=tmp_path / "again.mp4"), segmenter, 130)
    process_clip(replace(job, output=tmp_path / "again.mp4", resume=True), segmenter)
    assert packets_of(tmp_path / "again.mp4") == packets_of(job.output)


def test_sound_alone_and_texts_are_refused(tmp_path: Path, segmenter: Segmenter) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(RtsegError, match=r"sound.mp4: has no video in it, only audio"):
        process_clip(ClipJob(path, tmp_path / "out.mp4"), segmenter)
    assert [each.name for each in tmp_path.iterdir()] == ["sound.mp4"]
