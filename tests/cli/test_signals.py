"""A signal to end ends a recording properly: every frame that was done is in it, and it can be played."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import times

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
PICTURES = 3000  # minutes of work


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    cv2.imwrite(str(folder / "0.png"), noise)
    for index in range(1, PICTURES):
        os.link(folder / "0.png", folder / f"{index}.png")
    return folder


@pytest.fixture
def no_nohup() -> Iterator[None]:
    """Under nohup the tests would hand on that a hang-up is to be ignored, and rtseg would heed that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("no_nohup")
@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        (["process", "{pictures}", "-o", "{out}"], signal.SIGINT, 130),
        (["process", "{pictures}", "-o", "{out}"], signal.SIGTERM, 143),
        (["run", "--no-display", "--source", "{pictures}", "--record", "{out}"], signal.SIGINT, 0),
        (["run", "--no-display", "--source", "{pictures}", "--record", "{out}"], signal.SIGHUP, 0),
    ],
    ids=["process-SIGINT", "process-SIGTERM", "run-SIGINT", "run-SIGHUP"],
)
def test_what_was_done_is_kept(
    tmp_path: Path, pictures: Path, tiny_model: Path, command: list[str], number: signal.Signals, code: int
) -> None:
    out = tmp_path / "out.mp4"
    arguments = [part.format(pictures=pictures, out=out) for part in command]
    program = subprocess.Popen(
        [sys.executable, "-m", "rtseg", *arguments, "--model", str(tiny_model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        part, deadline = tmp_path / ".out.mp4.part", time.monotonic() + 60
        while not part.exists() and program.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert part.exists(), program.stderr and program.stderr.read()
        program.send_signal(number)
        stdout, stderr = program.communicate(timeout=30)
    finally:
        program.kill()
        program.wait()
    assert program.returncode == code, stderr
    assert "Traceback" not in stderr
    assert "Stopping; what was begun is finished first" in stderr
    assert stdout.split() == [str(out)]
    told = re.search(r"(\d+) frames in", stderr)
    assert told is not None
    assert 0 < int(told[1]) < PICTURES
    assert len(times(out)) == int(told[1])
    assert not part.exists()
