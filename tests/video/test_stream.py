"""Streams that survive: lost and found again, and ended at once when somebody wants it."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving, write_clip
from streaming import (
    ENDED_WITHIN_S,
    QUICK,
    HttpServer,
    Request,
    Watched,
    camera,
    check_order,
    endless,
    free_port,
    sending_ts,
    stream,
    until,
)

from rtseg.runtime.pipeline import Pipeline
from rtseg.segmenter import load
from rtseg.video.connection import Patience
from rtseg.video.live import Backoff
from rtseg.video.source import PLAYING, Source
from rtseg.video.stream import Recording, StreamSource, open_stream


def test_a_camera_that_is_switched_off_and_on_again(caplog: pytest.LogCaptureFixture) -> None:
    """No frame is made up in between: the index jumps, and the state says what is going on."""
    server = HttpServer(live=camera())
    with Watched(stream(server.url("live?token=hidden", user="me:secret@"))) as watched:
        try:
            watched.until(lambda: len(watched.frames) > 5)
            assert watched.source.live
            assert watched.source.state == PLAYING
        finally:
            server.stop()
        watched.until(lambda: "refused" in watched.source.state)
        assert watched.source.state.startswith("reconnecting in 1 s: cannot be reached")
        before = len(watched.frames)
        with HttpServer(server.port, live=camera()):
            watched.until(lambda: len(watched.frames) > before + 5)
            assert watched.source.state == PLAYING
            watched.stop()
    assert watched.error is None
    assert watched.source.reconnects == 1
    check_order(watched.frames)
    jumps = [b.index - a.index for a, b in pairwise(watched.frames)]
    assert [jump > 1 for jump in jumps].index(True) == before - 1
    assert any("reconnecting in" in line for line in caplog.messages)
    assert any("playing again after" in line for line in caplog.messages)
    told = " ".join([*caplog.messages, *watched.source.troubles, watched.source.name])
    assert "127.0.0.1" in told
    assert not any(secret in told for secret in ("secret", "hidden", "me:"))


def test_a_first_connection_that_fails_is_the_users_error(rtseg: Callable[..., object]) -> None:
    url = f"rtsp://me:secret@127.0.0.1:{free_port()}/live"
    outcome = rtseg("run", "--source", url, "--no-display")
    assert outcome.code == 2  # type: ignore[attr-defined]
    assert "cannot be reached" in outcome.err  # type: ignore[attr-defined]
    assert "secret" not in outcome.err  # type: ignore[attr-defined]
    assert "Traceback" not in outcome.err  # type: ignore[attr-defined]


@pytest.mark.parametrize("when", ["silent", "waiting", "connecting", "recording"])
def test_stop_ends_it_whatever_it_waits_for(when: str, tmp_path: Path) -> None:
    long = Backoff(first_s=60, longest_s=60)
    clip = write_clip(tmp_path / "long.ts", range(100)).read_bytes()

    def half(request: Request) -> None:
        request.begin("video/mp2t", 10 * len(clip))
        request.write(clip)
        request.over.wait(30)

    server = HttpServer(live=camera(count=5), half=half)
    source: Source
    if when == "recording":
        source = open_stream(server.url("half"), Patience(read_s=30))
        assert isinstance(source, Recording)
    else:
        url = server.url("live")
        source = stream(url, read_s=30, open_s=30, backoff=long if when == "waiting" else QUICK)
    try:
        with Watched(source) as watched:
            watched.until(lambda: len(watched.frames) > 3)
            if when in {"silent", "recording"}:
                watched.until(lambda: source.state.startswith("no "))
                assert source.state in {"no picture for 1 s", "no data for 1 s"}
            else:
                server.stop()
            if when == "waiting":
                watched.until(lambda: source.state.startswith("reconnecting in"))
            if when == "connecting":
                with socket.create_server(("127.0.0.1", server.port)):
                    watched.until(lambda: source.state == "connecting")
                    time.sleep(0.2)
                    watched.stop()
            watched.stop()
    finally:
        if when in {"silent", "recording"}:
            server.stop()


def test_a_pipeline_ends_while_its_source_is_away() -> None:
    server = HttpServer(live=camera())
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(stream(server.url("live"), backoff=Backoff(60, 60)))
            pipeline = Pipeline(source, stack.enter_context(load("street-m")))
            stack.callback(pipeline.join)
            stack.callback(pipeline.stop)
            pipeline.start()
            until(lambda: pipeline.stats.frames_out > 0, timeout_s=30)
        finally:
            server.stop()
        until(lambda: source.state.startswith("reconnecting in"))
        stats = pipeline.stats
        until(lambda: stats.frames_out + sum(pipeline.dropped().values()) == stats.frames_in, timeout_s=30)
        pipeline.stop()
        assert pipeline.join(ENDED_WITHIN_S)


def test_a_stream_of_which_only_the_sound_goes_on(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.ts"), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "0"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("mp2", rate=48000, layout="mono")
        for index in range(400):
            if index < 25:
                picture = av.VideoFrame.from_ndarray(moving(index), format="rgb24")
                container.mux(video.encode(picture))
            noise = np.random.default_rng(index).integers(-9000, 9000, (1, 1152), np.int16)
            samples = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
            samples.rate = 48000
            container.mux(sound.encode(samples))
        container.mux(video.encode(None))
    data = (tmp_path / "sound.ts").read_bytes()
    long = Backoff(60, 60)
    with (
        HttpServer(live=endless(data, rate=len(data) // 4)) as server,
        Watched(stream(server.url("live"), read_s=0.4, backoff=long)) as watched,
    ):
        watched.until(lambda: watched.source.state.startswith("reconnecting"))
        assert watched.source.state.endswith("no picture for 0.4 s, though the connection is up")
        watched.stop()
    assert len(watched.frames) > 20  # MPEG-TS does not say where its last ones end


def test_a_recording_whose_server_halts_and_goes_on(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "clip.ts", range(200)).read_bytes()
    go_on = threading.Event()

    def halting(request: Request) -> None:
        request.begin("video/mp2t", len(data))
        request.write(data[: len(data) // 2])
        go_on.wait(20)
        request.write(data[len(data) // 2 :])

    with HttpServer(clip=halting) as server, Watched(open_stream(server.url("clip"))) as watched:
        assert isinstance(watched.source, Recording)
        watched.until(lambda: watched.source.state.startswith("no data for"))
        go_on.set()
        watched.until(lambda: len(watched.frames) == 200)
        assert watched.source.state == PLAYING


def test_udp_that_stops_and_comes_back() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with sending_ts(port):
        source = stream(f"udp://127.0.0.1:{port}", read_s=0.5)
        watched = Watched(source)
        watched.until(lambda: len(watched.frames) > 5)
    with watched:
        watched.until(lambda: source.state != PLAYING)
        watched.until(lambda: source.state == "connecting")
        before = len(watched.frames)
        with sending_ts(port):
            watched.until(lambda: len(watched.frames) > before + 5)
            watched.stop()
    assert watched.source.reconnects == 1
    check_order(watched.frames)
    assert watched.frames[-1].planes[0].shape == moving(0).shape[:2]


def test_the_wait_grows_to_a_bound_and_differs() -> None:
    backoff = Backoff(first_s=0.5, longest_s=15, jitter=0.2)
    waits = [[backoff.wait_s(failures) for _ in range(50)] for failures in (1, 2, 3, 4, 9, 1000)]
    for bounds, seen in zip(
        ((0.4, 0.6), (0.8, 1.2), (1.6, 2.4), (3.2, 4.8), (12, 15), (12, 15)), waits, strict=True
    ):
        assert bounds[0] <= min(seen) < max(seen) <= bounds[1]


def test_nothing_is_logged_while_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with HttpServer(live=camera()) as server, stream(server.url("live")) as source:
        frames = list(islice(source.frames(), 5))
        assert isinstance(source, StreamSource)
        assert source.troubles == []
    assert [frame.index for frame in frames] == list(range(5))
    assert frames[0].time_base == Fraction(1, 90_000)
    assert caplog.messages == []
