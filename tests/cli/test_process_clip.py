"""rtseg process on a clip, as a user sees it: options, interruption, mistakes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clips import times
from recordings import CLOCK, NTSC, record

Rtseg = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "in.mp4", NTSC[:45], second_video=True)
    record(tmp_path / "texts.mkv", NTSC[:45], subtitles="subrip")
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_leaves_what_a_resume_goes_on_with(tmp_path: Path, tiny_model: Path) -> None:
    long = record(tmp_path / "long.mp4", [3003 * index for index in range(500)], size=(320, 240))
    output, part, journal = (tmp_path / name for name in ("out.mp4", ".out.mp4.part", ".out.mp4.journal"))
    command = [
        sys.executable,
        "-m",
        "rtseg",
        "process",
        str(long),
        "-o",
        str(output),
        "--model",
        str(tiny_model),
    ]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    # The key and a segment that is finished.
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 1) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    stdout, stderr = program.communicate(timeout=30)
    assert (program.returncode, stdout) == (130, ""), stderr
    assert "add --resume to go on from there" in stderr
    assert not output.exists()
    assert 0 < len(times(part)) < 500
    done = subprocess.run([*command, "--resume"], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [str(output)]
    assert "Going on at frame" in done.stderr
    assert times(output) == [3003 * index * CLOCK for index in range(500)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("in.mp4 -o out.mp4 --stream 7", "in.mp4: has no video 7, only 0 is h264 96x64; 1 is h264 32x32"),
        ("in.mp4 -o out.mp4 --codec ffv1", "out.mp4: cannot hold FFV1; name the output out.mkv"),
        ("in.mp4 -o out.ts --codec av1", "out.ts: MPEG-TS cannot hold AV1; name the output out.mkv"),
        (f"in.mp4 -o {'n' * 300}.mp4", "cannot be written (File name too long)"),
        ("in.mp4 -o out.mp4 --opacity 3", "opacity is 3.0; it must be between 0"),
        ("in.mp4 -o out.mp4 --preset quick", "preset 'quick' is unknown to h264"),
        ("in.mp4 -o out.mp4 --leave-out sound", "--leave-out 'sound': expected numbers of streams"),
        ("in.mp4 -o out.mp4 --masks m.mkv", "m.mkv: class maps go into a folder, or a video .mov"),
        ("in.mp4 -o out.mp4 --jsonl out.mp4", "out.mp4: is the output of two things"),
        ("in.mp4 -o out.mp4 --jsonl in.mp4", "in.mp4: is the input itself"),
        ("texts.mkv -o out.mp4", "out.mp4: a .mp4 file cannot hold stream 2 (subtitle: subrip"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    here: Path, rtseg: Rtseg, arguments: str, message: str
) -> None:
    before = sorted(path.name for path in here.iterdir())
    outcome = rtseg("process", *arguments.split())
    assert outcome.code == 2
    assert len(outcome.err.strip().splitlines()) == 1, outcome.err
    assert message in outcome.err
    assert sorted(path.name for path in here.iterdir()) == before


def test_without_pyarrow_parquet_is_told(
    here: Path, rtseg: Rtseg, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = rtseg("process", "in.mp4", "-o", "out.mp4", "--parquet", "f.parquet", "--model", tiny_model)
    assert outcome.code == 2
    assert (
        "--parquet needs the package pyarrow; install it with `pip install 'rtseg[parquet]'`" in outcome.err
    )


def test_parquet_holds_what_the_lines_do(here: Path, rtseg: Rtseg, tiny_model: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    outcome = rtseg("process", "in.mp4", "-o", "out.mp4", "--parquet", "f.parquet", "--model", tiny_model)
    assert outcome.code == 0, outcome.err
    assert parquet.read_table("f.parquet")["pts"].to_pylist() == NTSC[:45]
