"""Clips that follow each other become one: all frames, all sound, one continuous time."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from clips import times
from recordings import CLOCK, NTSC, packets_of, record

from rtseg.offline import ClipJob, clip_jobs, process_clip
from rtseg.segmenter import Segmenter

Rtseg = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def process(rtseg: Rtseg, tiny_model: Path) -> Rtseg:
    return lambda *arguments: rtseg("process", *arguments, "--model", tiny_model)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_clips_become_one(here: Path, process: Rtseg, ending: str) -> None:
    names = [f"{number}.mp4" for number in range(3)]
    for number, name in enumerate(names):
        record(here / name, NTSC[: 60 + 10 * number])
    output = f"out.{ending}"
    outcome = process(
        *names, "--join", "-o", output, "--jsonl", "f.jsonl", "--masks", "m", "--summary", "s.json"
    )
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == [output, "m", "f.jsonl", "s.json"]
    moments = times(here / output)
    assert len(moments) == 60 + 70 + 80
    usual = Fraction(3003, 90_000)
    steps = [later - earlier for earlier, later in pairwise(moments)]
    assert all(abs(step - usual) < Fraction(30, 1000) for step in steps)
    sound = [data for name in names for _, data in packets_of(here / name)["1 audio"]]
    assert [data for _, data in packets_of(here / output)["1 audio"]] == sound
    rows = [json.loads(line) for line in (here / "f.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == list(range(210))
    if ending == "mp4":
        assert [row["pts"] * CLOCK for row in rows] == moments
    assert [path.name for path in sorted((here / "m").iterdir())] == [f"{n:06d}.png" for n in range(210)]
    told = json.loads((here / "s.json").read_text())
    assert (told["frames"], [clip["frames"] for clip in told["clips"]]) == (210, [60, 70, 80])
    assert not list(here.glob(".*"))


def test_a_join_that_was_interrupted_goes_on(
    here: Path, process: Rtseg, segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtseg.offline.process._POLL_S", 0.01)
    clips = [record(here / f"{number}.mp4", [3003 * n for n in range(240)]) for number in range(2)]
    job = ClipJob(clips[0], here / "out.mp4", jsonl=here / "f.jsonl")
    first, second = clip_jobs(job, clips)
    process_clip(first, segmenter)
    seen = [0]
    stopped = process_clip(
        second,
        segmenter,
        progress=lambda progress: seen.__setitem__(0, progress.frames),
        stopping=lambda: seen[0] > 80,
    )
    assert not stopped.finished
    arguments = ["0.mp4", "1.mp4", "--join", "-o", "out.mp4", "--jsonl", "f.jsonl"]
    refused = process(*arguments)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "add --resume to go on with it, or -y to begin anew" in refused.err
    resumed = process(*arguments, "--resume")
    assert resumed.code == 0, resumed.err
    assert "0.mp4:" not in resumed.err
    assert "Going on at frame" in resumed.err
    assert process("0.mp4", "1.mp4", "--join", "-o", "whole.mp4", "--jsonl", "w.jsonl").code == 0
    assert packets_of(here / "out.mp4") == packets_of(here / "whole.mp4")
    assert (here / "f.jsonl").read_bytes() == (here / "w.jsonl").read_bytes()
    assert not list(here.glob(".*"))


def test_clips_that_do_not_fit_are_told(here: Path, process: Rtseg) -> None:
    record(here / "a.mp4", NTSC[:30])
    record(here / "b.mp4", NTSC[:30], size=(64, 64))
    outcome = process("a.mp4", "b.mp4", "--join", "-o", "out.mp4")
    assert outcome.code == 2
    assert "b.mp4: is 64x64, a.mp4 is 96x64; only clips of one size can be joined" in outcome.err
    (here / "c.mp4").write_bytes((here / "a.mp4").read_bytes())
    lost = process("a.mp4", "c.mp4", "--join", "-o", "c.mp4", "-y")
    assert (lost.code, lost.err.strip()) == (2, "rtseg: c.mp4: is an input itself; choose another output")
    assert sorted(path.name for path in here.iterdir()) == ["a.mp4", "b.mp4", "c.mp4"]
    assert "add --join" in process("a.mp4", "b.mp4", "-o", "out.mp4").err
