"""What streams send: without times or with wrong ones, damaged, changed in the middle, too much."""

from __future__ import annotations

import time
from itertools import islice, pairwise
from pathlib import Path

import pytest
from streaming import (
    HttpServer,
    Request,
    Watched,
    camera,
    check_order,
    endless,
    jpeg,
    stream,
    transport_stream,
    whole,
)

from rtseg.frame import Frame


def test_times_without_a_clock_are_those_of_arrival() -> None:
    """FFmpeg makes up 25 frames a second for motion JPEG; this camera gives 10."""
    with HttpServer(live=camera(rate=10)) as server, stream(server.url("live")) as source:
        frames = list(islice(source.frames(), 8))
        assert source.rate is None
    for before, after in pairwise(frames[2:]):
        assert before.seconds is not None
        assert after.seconds is not None
        arrival_s = (after.captured_ns - before.captured_ns) / 1e9
        assert after.seconds - before.seconds == pytest.approx(arrival_s, abs=0.001)


def test_damaged_pictures_are_left_out_and_told() -> None:
    def damaged(index: int) -> bytes:
        picture = jpeg(index)
        return {3: picture[: len(picture) // 2], 5: b"garbage" * 100, 7: b""}.get(index % 10, picture)

    with HttpServer(live=camera(damaged)) as server, Watched(stream(server.url("live"))) as watched:
        watched.until(lambda: len(watched.frames) > 20)
        watched.stop()
    check_order(watched.frames)
    for frame in watched.frames:
        assert frame.size == (96, 64)
        assert frame.planes[0][40:].std() > 10  # the lower half has not gone grey
    assert any("damaged" in trouble for trouble in watched.source.troubles)


def test_a_change_of_size_in_the_middle() -> None:
    def picture(index: int) -> bytes:
        return jpeg(index) if index < 8 else jpeg(index, 160, 120)

    with HttpServer(live=camera(picture)) as server, stream(server.url("live")) as source:
        frames = list(islice(source.frames(), 12))
        assert [trouble.partition(" changed ")[2] for trouble in source.troubles] == [
            "its size, last to 160x120"
        ]
    assert {frame.size for frame in frames} == {(96, 64), (160, 120)}
    check_order(frames)


def test_a_clock_that_jumps_and_goes_back(tmp_path: Path) -> None:
    """An hour ahead, and back before its start: the frames stay in step with the time that passed."""
    data = b"".join(
        transport_stream(tmp_path, [start + n for n in range(25)]) for start in (1000, 91000, 100)
    )
    with HttpServer(live=endless(data)) as server, stream(server.url("live")) as source:
        frames = list(islice(source.frames(), 70))
        assert any("set its clock, 2 times" in trouble for trouble in source.troubles)
    check_order(frames)
    assert frames[-1].seconds is not None
    assert frames[-1].seconds < 10
    steps = [(b.pts or 0) - (a.pts or 0) for a, b in pairwise(frames)]
    assert sum(step == 3600 for step in steps) >= 66  # of 90 kHz: all but the jumps as the stream says


def test_a_change_of_codec_in_the_middle(tmp_path: Path) -> None:
    """A decoder cannot make sense of the new one; a new connection can."""
    h264 = transport_stream(tmp_path, list(range(25)))
    mpeg2 = transport_stream(tmp_path, list(range(25, 500)), codec="mpeg2video")
    connections: list[int] = []

    def serve(request: Request) -> None:
        connections.append(1)
        endless((h264 if len(connections) == 1 else b"") + mpeg2, rate=200_000)(request)

    with (
        HttpServer(live=serve) as server,
        Watched(stream(server.url("live"), picture_s=0.3)) as watched,
    ):
        watched.until(lambda: watched.source.reconnects > 0 and len(watched.frames) > 40)
        watched.stop()
    check_order(watched.frames)
    last = watched.frames[-1].planes[0].astype(int)
    assert last.std() > 10


def test_a_playlist_is_played_at_its_own_speed_until_it_ends(tmp_path: Path) -> None:
    """Live HLS: its parts come whole, from the newest on; a list that gets its end ends the stream."""
    parts = [transport_stream(tmp_path, list(range(12 * n, 12 * n + 12))) for n in range(5)]
    given = {f"{n}.ts": whole(part, "video/mp2t") for n, part in enumerate(parts)}

    def playlist(request: Request) -> None:
        count = min(5, 2 + server.requests.count("live.m3u8"))
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
        for number in range(count):
            lines += ["#EXTINF:0.48,", f"{number}.ts"]
        body = "\n".join([*lines, *(["#EXT-X-ENDLIST"] if count == 5 else []), ""]).encode()
        request.begin("application/vnd.apple.mpegurl", len(body))
        request.write(body)

    routes = {"live.m3u8": playlist, **given}
    with HttpServer(**routes) as server, stream(server.url("live.m3u8")) as source:
        assert source.live
        frames = list(source.frames())
        assert source.state == "ended"
    assert "0.ts" not in server.requests
    assert len(frames) == 36
    check_order(frames)
    first, last = frames[0], frames[-1]
    assert last.seconds is not None
    assert (last.captured_ns - first.captured_ns) / 1e9 >= last.seconds - 0.1


@pytest.mark.parametrize("keeps_up", [True, False])
def test_who_is_slower_than_the_stream_gets_its_newest_pictures(tmp_path: Path, keeps_up: bool) -> None:
    """Unless every frame is wanted: then none is left out, and they get older."""
    data = transport_stream(tmp_path, list(range(200)))
    ages_s: list[float] = []
    frames: list[Frame] = []
    with (
        HttpServer(live=endless(data, rate=len(data) // 4)) as server,
        stream(server.url("live"), read_s=5) as source,
    ):
        source.keeps_up = keeps_up
        for frame in islice(source.frames(), 8):
            frames.append(frame)
            ages_s.append((time.monotonic_ns() - frame.captured_ns) / 1e9)
            time.sleep(0.2)
        assert bool(source.troubles) == keeps_up
    check_order(frames)
    if keeps_up:
        assert max(ages_s) < 1.5
        assert "sends more than is decoded in time, pictures are left out, " in source.troubles[0]
        assert frames[-1].index > 20
    else:
        assert ages_s[-1] > 0.8
        assert frames[-1].index == 7
