"""Streams in a grid: one that is lost says so in its place, and the other plays on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from streaming import HttpServer, Watched, camera, stream

from rtseg.frame import Frame
from rtseg.runtime.grid import GridSource
from rtseg.video.source import PLAYING


def all_play(frame: Frame) -> bool:
    return all(tile.playing for tile in frame.tiles)


def test_a_stream_that_is_killed_and_comes_back() -> None:
    with HttpServer(live=camera()) as steady:
        server = HttpServer(live=camera())
        grid = GridSource([stream(server.url("live")), stream(steady.url("live"))], (160, 120))
        with Watched(grid) as watched:
            try:
                watched.until(lambda: len(watched.frames) > 5 and all_play(watched.frames[-1]))
            finally:
                server.stop()
            watched.until(lambda: "refused" in grid.state)
            assert grid.state.startswith(f"http://127.0.0.1:{server.port}/live: reconnecting in 1 s")
            before = len(watched.frames)
            watched.until(lambda: len(watched.frames) > before + 8)
            away = watched.frames[before + 1 : before + 8]
            assert not any(frame.tiles[0].playing for frame in away)
            assert all(frame.tiles[1].playing for frame in away)
            # Its last picture has no colours, the other one moves on in all of its own.
            lost, playing = (
                [frame.cut(frame.tiles[number]).planes[0].astype(int) for frame in away] for number in (0, 1)
            )
            assert all(np.ptp(picture, axis=2).max() == 0 for picture in lost)
            assert np.ptp(playing[-1], axis=2).max() > 100
            assert np.any(playing[0] != playing[-1])
            with HttpServer(server.port, live=camera()):
                watched.until(lambda: all_play(watched.frames[-1]) and grid.state == PLAYING)
                watched.stop()
    assert grid.reconnects == 1
    for earlier, later in pairwise(watched.frames):
        assert later.index > earlier.index
        assert (later.pts or 0) > (earlier.pts or 0)
    assert grid.troubles == [f"http://127.0.0.1:{server.port}/live was lost and came back"]


def test_a_stream_that_goes_silent_does_not_hold_up_the_end() -> None:
    with HttpServer(live=camera(count=3), steady=camera()) as server:
        sources = [stream(server.url(path), read_s=20) for path in ("live", "steady")]
        with Watched(GridSource(sources, (160, 120))) as watched:
            watched.until(lambda: "no picture for" in watched.source.state)
            watched.stop()
