"""rtseg process FOLDER: the same tree again, each clip once, whatever goes wrong with the others."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import moving, times, write_clip

from rtseg.offline import ClipJob, Progress
from rtseg.offline.folder import process_folder
from rtseg.offline.journal import Journal
from rtseg.offline.manifest import MANIFEST
from rtseg.offline.outcome import Outcome
from rtseg.offline.tree import find_clips
from rtseg.runtime.choice import NetworkChoice

Rtseg = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/north side").mkdir(parents=True)
    write_clip(tmp_path / "in/a.mp4")
    write_clip(tmp_path / "in/north side/-ü 'b'.mkv", range(20))
    return tmp_path


@pytest.fixture
def process(rtseg: Rtseg, tiny_model: Path) -> Rtseg:
    return lambda *arguments: rtseg("process", *arguments, "--model", tiny_model)


def entries(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / MANIFEST).read_text())
    assert document["schema"] == 1
    clips: dict[str, Any] = document["clips"]
    return clips


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_tree_is_mirrored_skipped_by_content_mended_and_verified(here: Path, process: Rtseg) -> None:
    everything = ("in", "-o", "out", "--jsonl", "out", "--summary", "out", "--masks", "maps", "--jobs", "2")
    (here / "in/broken.mov").symlink_to("nowhere")
    outcome = process(*everything)
    assert outcome.code == 1, outcome.err
    assert outcome.out.splitlines() == [f"out/{MANIFEST}"]
    assert "broken.mov: failed: " in outcome.err
    assert "3 clips: 2 done, 1 failed" in outcome.err
    assert not (here / "maps/broken.mov.masks").exists()
    name = "north side/-ü 'b'.mkv"
    assert files(here / "out") == sorted(
        [MANIFEST, *(f"{clip}{end}" for clip in ("a.mp4", name) for end in ("", ".jsonl", ".json"))]
    )
    assert len(list((here / "maps" / f"{name}.masks").iterdir())) == 20
    assert times(here / "out" / name) == times(here / "in" / name)
    written = entries(here / "out")
    assert [written[clip]["state"] for clip in ("a.mp4", "broken.mov", name)] == ["done", "failed", "done"]
    assert written[name]["outputs"]["masks"]["files"] == 20
    assert written[name]["outputs"]["masks"]["path"] == f"../maps/{name}.masks"
    sums = subprocess.run(
        "sha256sum * | sha256sum", shell=True, cwd=here / "maps" / f"{name}.masks", stdout=-1, check=True
    )
    assert sums.stdout.decode().split()[0] == written[name]["outputs"]["masks"]["sha256"]

    # A name says nothing: what is moved or touched is done, what has other contents is not.
    (here / "in/broken.mov").unlink()
    os.utime(here / "in/a.mp4")
    untouched = (here / "out/a.mp4").stat().st_mtime_ns
    write_clip(here / "in" / name, range(15))
    with (here / "out/a.mp4.jsonl").open("ab") as file:
        file.write(b"{}\n")
    outcome = process("in", "-o", "out", "--verify")
    assert outcome.code == 1
    assert f"{name}: the input has other contents" in outcome.err
    assert "a.mp4: a.mp4.jsonl has " in outcome.err
    outcome = process(*everything)
    assert outcome.code == 0, outcome.err
    assert "2 clips: 2 done" in outcome.err
    assert len(list((here / "maps" / f"{name}.masks").iterdir())) == 15
    assert (here / "out/a.mp4").stat().st_mtime_ns != untouched
    assert process("in", "-o", "out", "--verify").code == 0
    # What fails by an option keeps what it has, and what has got another name takes it along.
    outcome = process(*everything, "--stream", "3")
    assert outcome.code == 1 and "2 clips: 2 failed" in outcome.err
    made = (here / "out" / name).stat().st_ino
    (here / "in" / name).rename(here / "in/c.mkv")
    outcome = process(*everything)
    assert outcome.code == 0, outcome.err
    assert f"c.mkv: is {name} by another name" in outcome.err
    assert "2 clips: 2 skipped" in outcome.err
    assert (here / "out/c.mkv").stat().st_ino == made
    assert json.loads((here / "out/c.mkv.json").read_text())["input"] == "in/c.mkv"
    assert len(list((here / "maps/c.mkv.masks").iterdir())) == 15
    assert not (here / "out" / name).exists()
    outcome = process("in", "-o", "out", "--verify")
    assert outcome.code == 0 and "2 of 2 results" in outcome.err


def test_what_rtseg_has_not_made_is_not_written_over(here: Path, process: Rtseg) -> None:
    (here / "out").mkdir()
    (here / "out/a.mp4").write_bytes(b"mine")
    for _ in range(2):
        outcome = process("in", "-o", "out")
        assert outcome.code == 1
        assert "out/a.mp4: exists already; add -y" in outcome.err
        assert (here / "out/a.mp4").read_bytes() == b"mine"
    outcome = process("in", "-o", "out", "-y")
    assert outcome.code == 0, outcome.err
    assert len(times(here / "out/a.mp4")) == 12


def test_mistakes_are_a_line(here: Path, process: Rtseg) -> None:
    (here / "out").mkdir()
    (here / "empty").mkdir()
    lock = Journal(here / "out" / MANIFEST)
    mistakes = {
        ("in", "-o", "out"): "another run is writing it",
        ("in", "-o", "in"): "is the folder of the input",
        ("in", "-o", "in/a.mp4"): "is a file",
        ("in", "-o", "new", "--classes", "rod"): "unknown class 'rod'",
        ("in", "-o", "none", "--verify"): f"has no {MANIFEST}",
        ("in", "-o", "s3://cars/out", "--verify"): "s3://cars/out: is a URL",
        ("in", "-o", "new", "--split-s", "9"): "are for --ray",
        ("in", "-o", "new", "--join", "--jobs", "2"): "--join makes one video",
        ("s3://cars/in", "-o", "new"): "is in storage; add --ray",
        ("empty", "-o", "new"): "empty: is empty",
    }
    for arguments, line in mistakes.items():
        outcome = process(*arguments)
        assert outcome.code == 2, outcome.err
        assert line in outcome.err and len(outcome.err.splitlines()) == 1, outcome.err
    lock.close(remove=True)
    (here / "out" / MANIFEST).write_text('{"schema": 1, "clips": {"a.mp4": 5}}')
    outcome = process("in", "-o", "out")
    assert outcome.code == 2
    assert "is no manifest" in outcome.err


def test_a_folder_of_pictures_is_what_it_was(here: Path, process: Rtseg) -> None:
    (here / "pictures").mkdir()
    cv2.imwrite("pictures/one.png", np.full((40, 60, 3), 90, np.uint8))
    assert process("pictures", "-o", "seen").code == 0
    assert files(here / "seen") == ["one.png"]
    assert process("pictures", "-o", "other", "--jobs", "2").code == 2


def test_results_below_the_input_are_no_input(here: Path) -> None:
    (here / "in/out").mkdir()
    write_clip(here / "in/out/a.mp4")
    write_clip(here / "in/.hidden.mp4")
    assert find_clips(here / "in", outside=[here / "in/out"]) == ("a.mp4", "north side/-ü 'b'.mkv")


def command(tiny_model: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "rtseg", "process", *arguments, "--model", str(tiny_model)]


def large(index: int) -> np.ndarray:
    return cv2.resize(moving(index), (960, 540), interpolation=cv2.INTER_NEAREST)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_what_was_cut_off_is_gone_on_with(here: Path, tiny_model: Path) -> None:
    write_clip(
        here / "in/long.mp4", range(300), picture=large, codec_options={"preset": "ultrafast", "g": "25"}
    )
    run = subprocess.Popen(command(tiny_model, "in", "-o", "out"), stderr=subprocess.PIPE, text=True)
    journal = here / "out/.long.mp4.journal"
    deadline = time.monotonic() + 60
    while not (journal.exists() and len(journal.read_text().splitlines()) > 2):
        assert run.poll() is None and time.monotonic() < deadline, run.communicate()
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 143, err
    assert "left; the same command goes on" in err
    again = subprocess.run(
        command(tiny_model, "in", "-o", "out"), stderr=subprocess.PIPE, text=True, timeout=100, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "long.mp4: Going on at frame" in again.stderr
    assert "3 clips: 2 done, 1 skipped" in again.stderr
    assert times(here / "out/long.mp4") == times(here / "in/long.mp4")


class Killer:
    """A watcher that kills the process of a clip once it has finished a segment."""

    def __init__(self, journal: Path, times: int) -> None:
        self.journal, self.times = journal, times
        self.lines: list[str] = []
        self.outcomes: list[Outcome] = []

    def begun(self, name: str) -> None:
        pass

    def advanced(self, name: str, progress: Progress) -> None:
        if self.times and self.journal.exists() and len(self.journal.read_text().splitlines()) > 3:
            self.times -= 1
            for process in multiprocessing.active_children():
                process.kill()

    def told(self, name: str | None, line: str) -> None:
        self.lines.append(line)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def test_a_process_that_dies_costs_a_segment(here: Path, tiny_model: Path) -> None:
    options = {"preset": "ultrafast", "g": "25"}
    write_clip(here / "in/long.mp4", range(300), picture=large, codec_options=options)
    watcher = Killer(here / "out/.long.mp4.journal", 1)
    template, folders = ClipJob(here, here), {"video": here / "out"}
    process_folder(
        here / "in",
        ["long.mp4"],
        folders,
        template,
        NetworkChoice(str(tiny_model)),
        workers=1,
        watcher=watcher,
    )
    assert watcher.lines[0] == "its process ended by SIGKILL; trying once more"
    assert watcher.lines[1].startswith("Going on at frame")
    assert [outcome.state for outcome in watcher.outcomes] == ["done"]
    assert times(here / "out/long.mp4") == times(here / "in/long.mp4")
