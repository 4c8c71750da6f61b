"""rtseg run: outputs, statistics, its end, and a clear word about wrong options."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import write_clip

from rtseg.cli import in_window
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.request import SourceRequest
from rtseg.runtime.session import Session

Rtseg = Callable[..., object]
STATS_KEYS = {
    "schema", "source", "model", "backend", "frames_in", "frames_out", "dropped", "wall_s", "fps", "age_ms",
    "stages_ms", "class_share",
}  # fmt: skip


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_demo_writes_a_picture_a_video_and_statistics(
    rtseg: Rtseg, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stats = tmp_path / "stats.json"
    command = ("run", "--demo", "--no-display", "--frames", 20)
    outcome = rtseg(*command, "--demo-size", "320x180", "--model", tiny_model, "--stats", stats)
    assert outcome.code == 0, outcome.err
    assert set(outcome.out.split()) == {"rtseg-out/demo.png", "rtseg-out/demo.mp4", str(stats)}
    assert cv2.imread("rtseg-out/demo.png").shape == (180, 320, 3)
    assert frames_of(Path("rtseg-out/demo.mp4")) == 20
    figures = json.loads(stats.read_text())
    assert set(figures) >= STATS_KEYS
    assert figures["frames_in"] == figures["frames_out"] == 20
    assert "20 frames in" in outcome.err


def test_a_live_run_tells_what_fell_out_and_what_it_adapted(
    rtseg: Rtseg, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("run", "--demo", "--no-display", "--policy", "latest", "--max-age", 20_000, "--adaptive")
    options = ("--demo-size", "320x180", "--model", tiny_model, "--frames", 15, "--stats", "s.json")
    outcome = rtseg(*command, *options)
    assert outcome.code == 0, outcome.err
    figures = json.loads(Path("s.json").read_text())
    assert figures["adaptive"]["budget_ms"] == 20_000
    assert figures["adaptive"]["steps"] == []
    assert figures["frames_out"] <= sum(figures["adaptive"]["frames"].values()) <= 15
    assert figures["dropped"] == {
        stage: sum(drop["count"] for drop in figures["drops"] if drop["stage"] == stage)
        for stage in ("capture", "inference", "overlay")
    }
    late = sum(count for stage, count in figures["dropped"].items() if stage != "capture")
    assert figures["frames_out"] + late == figures["frames_in"] == 15
    assert figures["memory_mib"]["peak"] is None or figures["memory_mib"]["peak"] > 20
    assert figures["cpu"]["seconds"] > 0
    assert set(figures["cpu"]["stages_s"]) == {"capture", "inference", "overlay"}
    assert "Adaptive: 0 steps" in outcome.err


def test_a_missing_display_is_said_and_the_run_goes_on(
    rtseg: Rtseg, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    outcome = rtseg("run", "--demo", "--frames", 5, "--demo-size", "320x180", "--model", tiny_model)
    assert outcome.code == 0
    assert "No window:" in outcome.err
    assert Path("rtseg-out/demo.png").is_file()


@pytest.mark.parametrize("more", [[], ["--classes", "vehicle"], ["--opacity", "0.9"]])
def test_a_folder_of_pictures_runs_like_a_video(
    rtseg: Rtseg, tiny_model: Path, tmp_path: Path, more: list[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 80 * number, np.uint8))
    record = tmp_path / "out.mp4"
    outcome = rtseg(
        "run", "--source", folder, "--no-display", "--record", record, "--model", tiny_model, *more
    )
    assert outcome.code == 0, outcome.err
    assert frames_of(record) == 3


def test_several_sources_are_one_video(rtseg: Rtseg, tiny_model: Path, tmp_path: Path) -> None:
    """They share a network; the grid says who has ended, and each file is safe from being written over."""
    first = write_clip(tmp_path / "first.mp4", range(6))
    second = write_clip(tmp_path / "second.mkv", range(4))
    record, stats = tmp_path / "grid.mp4", tmp_path / "stats.json"
    sources = ("run", "--no-display", "--model", tiny_model, "--source", first, "--source", second)
    options = ("--tile-size", "160x90", "--record", record, "--stats", stats)
    outcome = rtseg(*sources, *options)
    assert outcome.code == 0, outcome.err
    with av.open(str(record)) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == 6
    assert (pictures[0].width, pictures[0].height) == (320, 90)
    figures = json.loads(stats.read_text())
    assert figures["source"] == f"{first} + {second}"
    assert figures["frames_out"] == 6
    assert sum(figures["class_share"].values()) == pytest.approx(1, abs=1e-3)
    assert f"{second}: ended" in figures["source_state"]
    outcome = rtseg(*sources, "--record", second.with_suffix(".mkv"), "-y")
    assert outcome.code == 2
    assert "second.mkv: is the input itself" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--source", "a.mp4", "--source", "b.mp4"], "b.mp4: no such file"),
        (["--source", "a.mp4", "--demo"], "2 sources given"),
        (["--source", "a.mp4"] * 17, "17 sources given; at most 16"),
        (["--source", "a.mp4", "--tile-size", "64x64"], "--tile-size is for several sources"),
        (["--source", "a.mp4", "--source", "a.mp4", "--tile-size", "65x64"], "--tile-size 65x64: both sides"),
        (["--source", "a.mp4", "--source", "a.mp4", "--tile-size", "2x2"], "even, from 64 to 4096"),
        (["--source", "a.mp4", "--source", "a.mp4", "--tile-size", "big"], "WIDTHxHEIGHT"),
        (["--source", "a.mp4", "--camera", "97"], "camera 97: there is no"),
    ],
)
def test_sources_that_cannot_be_together_are_one_clear_line(
    rtseg: Rtseg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mp4", range(2))
    outcome = rtseg("run", "--no-display", "--record", "out.mp4", *options)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert message in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "0 sources given; name one of"),
        (["--demo", "--camera", "0"], "2 sources given"),
        (["--demo", "--demo-size", "big"], "WIDTHxHEIGHT"),
        (["--demo", "--demo-size", "4x4"], "4x4"),
        (["--demo", "--opacity", "3"], "opacity is 3.0"),
        (["--demo", "--classes", "tram"], "unknown class 'tram'"),
        (["--demo", "--model", "street-x"], "There are: "),
        (["--demo", "--stats", "nowhere/s.json"], "the folder nowhere does not exist"),
        (["--demo", "--max-age", "50"], "--policy latest"),
        (["--demo", "--adaptive", "--policy", "every-frame"], "--policy latest"),
    ],
)
def test_options_that_make_no_sense_are_one_clear_line(
    rtseg: Rtseg,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = [] if "--model" in options else ["--model", tiny_model]
    outcome = rtseg("run", "--no-display", "--frames", 3, *model, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.rglob("*.mp4"))


_SMALL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from rtseg.cli import main
sys.argv[0] = "rtseg"
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_full_disk_is_told_of_the_recording_and_of_the_statistics(tiny_model: Path, tmp_path: Path) -> None:
    record, stats = tmp_path / "seen.mkv", tmp_path / "stats.json"
    clip = write_clip(tmp_path / "clip.mp4")
    arguments = ["run", "--source", clip, "--no-display", "--model", tiny_model]
    outcome = subprocess.run(
        [sys.executable, "-c", _SMALL_DISK, *arguments, "--record", record, "--stats", stats],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 2
    assert f"Note: {stats}: cannot be written (File too large)" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith(f"rtseg: {record}: cannot be")


def test_a_window_that_is_closed_waits_for_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = Session(NetworkChoice("street-s"))
        session.open(SourceRequest((f"http://127.0.0.1:{silent.getsockname()[1]}/x",)))
        deadline = time.monotonic() + 10
        while session.state.busy is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert session.waits_for_a_source
        began = time.monotonic()
        in_window._finish(session)
        assert time.monotonic() - began < 3
    assert session.join(20)
