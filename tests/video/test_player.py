"""Recordings as they are watched: to any place and back, paused, by steps, faster and slower, in a loop."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import moving, write_clip
from streaming import HttpServer, Route, in_parts, until, whole

from rtseg.errors import ConfigError, SourceError
from rtseg.frame import Frame
from rtseg.video.file import VideoSource
from rtseg.video.images import ImagesSource
from rtseg.video.player import ENDED, PAUSED, Player
from rtseg.video.source import PLAYING, Source, open_source
from rtseg.video.tape import Tape

FRAMES = 60
RATE = 25


def shade(index: int) -> np.ndarray:
    """Grey that says the index, 4 steps a frame."""
    return np.full((48, 64, 3), 8 + 4 * index, np.uint8)


def number(frame: Frame) -> int:
    """The index that `shade` was given."""
    picture = frame.planes[0]
    level = float(picture[:, :].mean())
    if frame.pixel_format == "yuv420p":
        level = (level - 16) * 255 / 219
    return round((level - 8) / 4)


def shades(path: Path, pts: range | list[int] = range(FRAMES), **options: object) -> Path:
    codec = {"g": "24", "bf": "2", "crf": "8"}
    return write_clip(path, list(pts), picture=shade, codec_options=codec, **options)  # type: ignore[arg-type]


class Watching:
    """Takes a player's frames in a thread, as a pipeline does."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.frames: list[Frame] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        try:
            for frame in self.player.frames():
                self.frames.append(frame)
        except SourceError as error:
            self.error = error

    @property
    def numbers(self) -> list[int]:
        return [number(frame) for frame in self.frames]

    def after(self, act: Callable[[], object]) -> int:
        """The number of the next frame that comes of it."""
        count = len(self.frames)
        act()
        until(lambda: len(self.frames) > count)
        return number(self.frames[-1])

    def end(self) -> float:
        """Seconds that it takes to end."""
        began = time.monotonic()
        self.player.stop()
        self._thread.join(5)
        assert not self._thread.is_alive()
        self.player.close()
        return time.monotonic() - began


@pytest.fixture
def watch() -> Iterator[Callable[..., Watching]]:
    watched: list[Watching] = []

    def begin(source: Source, *, paused: bool = False, **options: object) -> Watching:
        player = Player(source, **options)  # type: ignore[arg-type]
        if paused:
            player.pause()
        watched.append(Watching(player))
        until(lambda: bool(watched[-1].frames))
        return watched[-1]

    yield begin
    for each in watched:
        each.end()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.h264"])
def test_every_frame_is_found_by_its_time(tmp_path: Path, name: str) -> None:
    with VideoSource(str(shades(tmp_path / name))) as source:
        tape = Tape(source)
        tape.peek()
        places = [*range(0, FRAMES, 7), FRAMES - 1, 0, 23, 24, 25]
        found = [number(tape.seek(Fraction(place, RATE))) for place in places]
        assert found == places
        between = [number(tape.seek(Fraction(place, RATE) + Fraction(1, 60))) for place in (3, 30)]
        assert between == [3, 30]
        assert number(tape.seek(Fraction(99))) == FRAMES - 1
        assert tape.forward() is None


def test_steps_back_and_forth_over_a_key_frame(tmp_path: Path) -> None:
    with VideoSource(str(shades(tmp_path / "a.mp4"))) as source:
        tape = Tape(source)
        tape.seek(Fraction(40, RATE))
        back = [number(tape.back()) for _ in range(40)]
        assert back == list(range(39, -1, -1))
        assert tape.back() is None
        assert [number(tape.forward()) for _ in range(45)] == list(range(1, 46))


def test_a_file_with_times_of_its_own(tmp_path: Path) -> None:
    """It begins late, and the rate changes."""
    pts = [100 + index + 10 * (index > 20) for index in range(40)]
    with VideoSource(str(shades(tmp_path / "a.mkv", pts))) as source:
        tape = Tape(source)
        assert source.duration_s == pytest.approx(50 / RATE, abs=0.05)
        assert number(tape.seek(Fraction(0))) == 0
        assert number(tape.seek(Fraction(25, RATE))) == 20
        assert number(tape.seek(Fraction(31, RATE))) == 21


def test_playing_keeps_the_times_and_the_speed(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    path = shades(tmp_path / "a.mp4", range(10))
    watched = watch(VideoSource(str(path)))
    until(lambda: watched.player.state == ENDED)
    frames = watched.frames
    assert watched.numbers == list(range(10))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(n, RATE) for n in range(10)]
    assert [frame.index for frame in frames] == list(range(10))
    spent_s = (frames[-1].captured_ns - frames[0].captured_ns) / 1e9
    assert spent_s > 9 / RATE - 0.01


def test_faster_and_slower(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    path = shades(tmp_path / "a.mp4", range(40))
    for speed, frames in ((4.0, 40), (0.5, 6)):
        player = Player(VideoSource(str(path)), keep_open=False)
        player.speed = speed
        given = list(itertools.islice(player.frames(), frames))
        player.close()
        spent_s = (given[-1].captured_ns - given[0].captured_ns) / 1e9
        least_s = (frames - 1) / RATE / speed
        assert least_s - 0.01 < spent_s < least_s + 1
        # Of the file, whatever the speed.
        assert given[-1].pts * given[-1].time_base == Fraction(frames - 1, RATE)
    with pytest.raises(ConfigError, match=r"speed 9: expected 0.25 to 4"):
        player.speed = 9


def test_a_pause_a_step_and_a_seek_each_show_their_frame(
    tmp_path: Path, watch: Callable[..., Watching]
) -> None:
    watched = watch(VideoSource(str(shades(tmp_path / "a.mp4"))), paused=True)
    player = watched.player
    assert (player.paused, player.state, player.seekable) == (True, PAUSED, True)
    assert player.duration_s == pytest.approx(FRAMES / RATE)
    assert watched.after(lambda: player.seek(30 / RATE)) == 30
    assert player.position_s == pytest.approx(30 / RATE)
    assert watched.after(lambda: player.step(1)) == 31
    assert watched.after(lambda: player.step(-1)) == 30
    assert watched.after(lambda: player.step(-1)) == 29
    assert watched.after(lambda: player.seek(10.01 / RATE)) == 10
    assert watched.after(player.repeat) == 10
    count = len(watched.frames)
    time.sleep(0.1)
    assert len(watched.frames) == count
    # Each is one frame's time after the one before, as if nothing had happened.
    times = [frame.pts * frame.time_base for frame in watched.frames]
    assert times == [Fraction(index, RATE) for index in range(count)]
    player.resume()
    until(lambda: len(watched.frames) > count + 3)
    assert watched.numbers[count : count + 3] == [11, 12, 13]
    assert player.state == PLAYING


def test_of_many_seeks_the_last_counts(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    watched = watch(VideoSource(str(shades(tmp_path / "a.mp4"))), paused=True)
    for place in range(50):
        watched.player.seek(place / RATE)
    until(lambda: watched.numbers[-1] == 49)
    time.sleep(0.05)
    assert watched.numbers[-1] == 49


def test_at_its_end_it_stays_and_can_go_back(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    watched = watch(VideoSource(str(shades(tmp_path / "a.mp4", range(20)))))
    player = watched.player
    player.seek(15 / RATE)
    until(lambda: player.state == ENDED)
    assert player.position.ended
    assert (number(watched.frames[-1]), player.paused) == (19, True)
    assert watched.after(lambda: player.seek(5 / RATE)) == 5
    assert player.state == PAUSED
    player.seek(99)
    until(lambda: number(watched.frames[-1]) == 19)
    player.step()
    until(lambda: player.state == ENDED)
    count = len(watched.frames)
    player.resume()
    until(lambda: len(watched.frames) >= count + 3)
    assert watched.numbers[count : count + 3] == [0, 1, 2]


def test_a_loop_has_no_seam(tmp_path: Path) -> None:
    path = shades(tmp_path / "a.mp4", range(5))
    player = Player(VideoSource(str(path)))
    player.loop = True
    player.speed = 4
    frames = list(itertools.islice(player.frames(), 13))
    player.close()
    assert [number(frame) for frame in frames] == [index % 5 for index in range(13)]
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(n, RATE) for n in range(13)]
    assert player.troubles == []


def test_a_long_gap_is_shortened_and_kept_in_the_times(tmp_path: Path) -> None:
    path = shades(tmp_path / "a.mkv", [0, 1, 1000])
    with Player(VideoSource(str(path)), keep_open=False) as player:
        player.speed = 4
        frames = list(player.frames())
    assert frames[-1].seconds == pytest.approx(1000 / RATE)
    assert 0.9 < (frames[-1].captured_ns - frames[-2].captured_ns) / 1e9 < 2


def test_pictures_go_by_two_a_second(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    for index in range(6):
        cv2.imwrite(str(tmp_path / f"{index}.png"), shade(index))
    (tmp_path / "3.png").write_bytes(b"no picture")
    watched = watch(ImagesSource(str(tmp_path)))
    player = watched.player
    assert (player.duration_s, player.rate, player.seekable) == (3.0, 2, True)
    until(lambda: len(watched.frames) == 2)
    assert watched.frames[1].seconds == 0.5
    assert watched.after(lambda: player.step(1)) == 2
    assert watched.after(lambda: player.step(1)) == 4
    assert watched.after(lambda: player.step(-1)) == 2
    assert watched.after(lambda: player.seek(2.6)) == 5
    assert player.position_s == 2.5


@pytest.mark.parametrize("serve", [in_parts, whole])
def test_a_recording_on_a_server_is_sought_too(
    tmp_path: Path, watch: Callable[..., Watching], serve: Callable[[bytes], Route]
) -> None:
    path = write_clip(
        tmp_path / "a.mp4",
        range(FRAMES),
        picture=shade,
        codec_options={"g": "24"},
        container_options={"movflags": "faststart"},
    )
    with HttpServer(**{"a.mp4": serve(path.read_bytes())}) as server:
        watched = watch(open_source(server.url("a.mp4")), paused=True)
        player = watched.player
        for place in (50, 10, 30):
            assert watched.after(lambda place=place: player.seek(place / RATE)) == place
        assert watched.end() < 1
        assert watched.error is None


def test_stop_ends_a_pause_at_once(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    watched = watch(VideoSource(str(write_clip(tmp_path / "a.mp4", picture=moving))), paused=True)
    assert watched.end() < 1


class Slow(VideoSource):
    """As if it were large: each frame takes its time."""

    frame_s = 0.004

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            time.sleep(self.frame_s)
            yield frame


def test_pictures_come_while_the_place_is_dragged(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options={"g": "600"})
    watched = watch(Slow(str(path)), paused=True)
    places = [50, 20, 55, 25, 59, 30, 45, 15]  # each takes longer than there is time for
    for place in places:
        watched.player.seek(place / RATE)
        time.sleep(0.05)
    assert len(watched.frames) > 3
    until(lambda: watched.numbers[-1] == places[-1])


def test_a_search_ends_when_it_is_stopped(tmp_path: Path, watch: Callable[..., Watching]) -> None:
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options={"g": "600"})
    source = Slow(str(path))
    watched = watch(source, paused=True)
    source.frame_s = 0.05  # three seconds for all
    watched.player.seek(FRAMES / RATE)
    time.sleep(0.02)
    assert watched.end() < 1
    assert watched.error is None


def test_in_a_hurry_only_frames_that_no_other_needs_are_left_out(tmp_path: Path) -> None:
    options = {"bf": "2", "b-pyramid": "none", "crf": "8"}
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options=options)
    with VideoSource(str(path)) as source:
        source.hurry(True)
        frames = list(source.frames())
    assert FRAMES / 4 < len(frames) < FRAMES * 0.75
    assert [round(frame.seconds * RATE) for frame in frames] == [number(frame) for frame in frames]


def test_after_haste_every_frame_is_there_again(tmp_path: Path) -> None:
    options = {"bf": "2", "b-pyramid": "none", "crf": "8"}
    path = write_clip(tmp_path / "a.mp4", range(FRAMES), picture=shade, codec_options=options)
    with VideoSource(str(path)) as source:
        tape = Tape(source)
        tape.hurry(True)
        assert [number(tape.forward()) for _ in range(6)] != list(range(6))
        tape.settle()
        place = number(tape.current)
        assert [number(tape.back()) for _ in range(3)] == [place - 1, place - 2, place - 3]
        assert [number(tape.forward()) for _ in range(5)] == [place + step for step in range(-2, 3)]
