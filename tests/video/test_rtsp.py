"""RTSP from GStreamer's server: killed and started again, over a slow wire, and with garbage in it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from clips import write_clip
from streaming import Wire, check_order, stream

from rtseg.video.source import PLAYING

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds with key frames every 0.4 s."""
    path = tmp_path_factory.mktemp("rtsp") / "clip.mp4"
    return write_clip(path, range(25 * 20), codec_options={"g": "10", "bf": "0", "preset": "ultrafast"})


@pytest.fixture
def serve(clip: Path) -> Callable[[int], object]:
    if not Path(SYSTEM_PYTHON).exists():
        pytest.skip(f"needs {SYSTEM_PYTHON} with GStreamer's bindings")

    @contextmanager
    def serve(port: int = 0) -> Iterator[int]:
        command = [SYSTEM_PYTHON, str(SERVER), str(port), str(clip)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            answer = server.stdout.readline()
            if not answer and "gi" in (error := server.stderr.read()):
                pytest.skip(
                    "needs GStreamer's RTSP server (Debian: apt install gir1.2-gst-rtsp-server-1.0 "
                    f"gstreamer1.0-plugins-good python3-gi): {error.splitlines()[-1]}"
                )
            yield int(answer)
        finally:
            server.kill()
            server.communicate()

    return serve


def url(port: int) -> str:
    return f"rtsp://127.0.0.1:{port}/live"


def test_a_server_that_is_killed_and_started_again(serve: Callable[..., object]) -> None:
    with serve() as port:
        source = stream(url(port))
        frames = source.frames()
        seen = list(islice(frames, 10))
        assert source.state == PLAYING
    with source:
        began = time.monotonic()
        with serve(port):
            while source.reconnects == 0:
                seen.append(next(frames))
            seen.extend(islice(frames, 10))
        check_order(seen)
        assert source.state == PLAYING
        assert seen[-1].seconds is not None
        assert seen[-1].seconds <= time.monotonic() - began + 5
        source.stop()
        assert list(frames) == []


def test_a_slow_wire_loses_nothing_that_is_sent(serve: Callable[..., object]) -> None:
    def slow(_: int, data: bytes) -> bytes:
        time.sleep(0.02)
        return data

    with serve() as port, Wire(port, slow) as wire, stream(url(wire.port), read_s=5) as source:
        frames = list(islice(source.frames(), 20))
        source.stop()
    check_order(frames)
    assert source.troubles == []
    assert source.reconnects == 0


def test_garbage_in_the_middle_is_told_and_passed(serve: Callable[..., object]) -> None:
    rng = random.Random(1)
    done: list[int] = []

    def garbage(count: int, data: bytes) -> bytes:
        if count > 4000 and not done:
            done.append(count)
            return data[: len(data) // 2] + rng.randbytes(30_000) + data[len(data) // 2 :]
        return data

    with serve() as port, Wire(port, garbage) as wire, stream(url(wire.port)) as source:
        frames = source.frames()
        seen = []
        until_done = 0
        while until_done < 30:
            seen.append(next(frames))
            until_done += bool(done)
        source.stop()
    check_order(seen)
    assert source.troubles != []
