"""Several sources in a grid: each picture in its place, each source on its own, and all share a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import PATCHES, patch_colors, patches_frame, write_clip

import rtseg
from rtseg import postprocess
from rtseg.backends import Backend, Logits, Pending
from rtseg.card import ONNX_FILE, models_folder
from rtseg.errors import SourceError
from rtseg.frame import Frame, Tile
from rtseg.runtime import members
from rtseg.runtime.grid import GridSource
from rtseg.runtime.ladder import Ladder, rungs
from rtseg.runtime.pipeline import Pipeline
from rtseg.segmenter import Segmenter
from rtseg.video.demo.source import DemoSource
from rtseg.video.file import VideoSource
from rtseg.video.source import PLAYING, BaseSource

CELL = (160, 96)
ENDED_WITHIN_S = 2.0


class Camera(BaseSource):
    """Grey pictures at a pace, as many as asked for; then it ends, or fails, or says nothing more."""

    def __init__(
        self, name: str, count: int, *, live: bool = True, fails: str = "", hangs: bool = False
    ) -> None:
        super().__init__(name)
        self.live = live
        self.rate = Fraction(100)
        self.size = (64, 48)
        self.closed = 0
        self.let_go = threading.Event()
        self._count, self._fails, self._hangs = count, fails, hangs
        self._stopping = threading.Event()

    def frames(self) -> Iterator[Frame]:
        for index in range(self._count):
            self._stopping.wait(0.01 if self.live else 0)
            if self._stopping.is_set():
                return
            picture = np.full((48, 64, 3), 200, np.uint8)
            yield Frame("bgr24", (picture,), index, time.monotonic_ns(), index, 1 / self.rate)
        if self._fails:
            raise SourceError(f"{self.name}: {self._fails}")
        if self._hangs:
            self.let_go.wait(30)

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        self.closed += 1


def grey(index: int) -> np.ndarray:
    return np.full((48, 64, 3), 20 + 10 * index, np.uint8)


def of(frame: Frame, tile: Tile) -> np.ndarray:
    return frame.cut(tile).planes[0]


def number(frame: Frame, tile: Tile) -> int:
    """Which picture of `grey` a tile shows."""
    return round((float(of(frame, tile).mean()) - 20) / 10)


def test_each_picture_is_in_its_cell_with_its_aspect_and_its_colours(tmp_path: Path) -> None:
    sizes = {"bt601": (96, 48), "bt709": (192, 64), "bt2020": (96, 240)}
    tags = {"bt601": 6, "bt709": 1, "bt2020": 9}
    for matrix, size in sizes.items():
        frames = [patches_frame("yuv420p", size, matrix=matrix) for _ in range(2)]
        write_clip(
            tmp_path / f"{matrix}.mp4",
            [0, 1],
            frames=frames,
            colorspace=tags[matrix],
            codec_options={"crf": "1"},
        )
    with GridSource([VideoSource(str(tmp_path / f"{each}.mp4")) for each in sizes], (240, 180)) as grid:
        assert grid.size == (480, 360)
        assert [tile.playing for tile in grid.tiles] == [False] * 3
        frame = next(iter(grid.frames()))
    canvas = frame.planes[0]
    assert canvas.shape == (360, 480, 3)
    for tile, (width, height), (left, top) in zip(
        frame.tiles, sizes.values(), [(0, 0), (240, 0), (0, 180)], strict=True
    ):
        assert tile.playing
        assert all(side % 2 == 0 for side in (tile.x, tile.y, *tile.size))
        assert tile.width / tile.height == pytest.approx(width / height, rel=0.03)
        assert tile.width == 240 or tile.height == 180
        # In the middle of its own cell.
        assert tile.x + tile.width / 2 == pytest.approx(left + 120, abs=2)
        assert tile.y + tile.height / 2 == pytest.approx(top + 90, abs=2)
        colors = patch_colors(of(frame, tile)[..., ::-1])
        for name, color in PATCHES.items():
            assert colors[name] == pytest.approx(color, abs=6), (name, tile)
        canvas[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = 0
    assert not canvas.any()


@pytest.fixture(scope="module")
def street_s() -> Iterator[Segmenter]:
    if not (models_folder() / "street-s" / ONNX_FILE).is_file():
        pytest.skip("needs models/street-s, which is not in this checkout")
    with rtseg.load("street-s", precision="f32") as opened:
        yield opened


def test_a_tile_has_the_class_map_that_it_has_alone(street_s: Segmenter) -> None:
    sizes = [(320, 180), (160, 120), (256, 144)]
    sources = [DemoSource(size, seed=seed, paced=False) for seed, size in enumerate(sizes)]
    with GridSource(sources, (320, 180)) as grid:
        frame = next(iter(grid.frames()))
    segmentation = street_s.segment(frame)
    class_map = postprocess.frame_class_map(segmentation, frame.size)
    assert class_map.shape == (360, 640)
    alone = [street_s(np.ascontiguousarray(of(frame, tile))) for tile in frame.tiles]
    assert np.mean(alone[0] != alone[2]) > 0.01  # to take one for the other would be seen
    for tile, expected in zip(frame.tiles, alone, strict=True):
        found = class_map[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
        assert len(np.unique(found)) > 1
        assert np.mean(found == expected) > 0.999
        found[:] = 0
    assert not class_map.any()
    half = postprocess.frame_class_map(segmentation, (320, 180))
    left = postprocess.class_map(segmentation.parts[0], (160, 90))
    np.testing.assert_array_equal(half[:90, :160], left)


class Watched:
    """A backend that notes the shapes that it was given."""

    in_flight = 1

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name, self.precision = backend.name, backend.precision
        self.shapes: list[tuple[int, ...]] = []

    def infer(self, batch: np.ndarray) -> Logits:
        return self.submit(batch).result().logits

    def submit(self, batch: np.ndarray) -> Pending:
        self.shapes.append(batch.shape)
        return self.backend.submit(batch)


def test_one_batch_a_size_and_no_other_when_a_source_stops(street_s: Segmenter) -> None:
    watched = Watched(street_s.backend)
    segmenter = Segmenter(street_s.model, watched)  # type: ignore[arg-type]
    tiles = (Tile(0, 0, 160, 90), Tile(160, 0, 120, 90), Tile(0, 90, 160, 90, playing=False))
    with DemoSource((320, 180), seed=1, paced=False) as demo:
        picture = next(iter(demo.frames())).planes[0]
    frame = Frame("bgr24", (picture,), 0, 0, tiles=tiles)
    segmenter.prepare(frame.pictures)
    prepared, watched.shapes = watched.shapes, []
    assert sorted(shape[0] for shape in prepared) == [1, 2]
    class_map = postprocess.frame_class_map(segmenter.segment(frame), frame.size)
    assert watched.shapes == prepared
    np.testing.assert_array_equal(class_map, postprocess.frame_class_map(street_s.segment(frame), frame.size))
    assert all(class_map[:90, left : left + 120].any() for left in (0, 160))
    assert not class_map[90:].any()
    assert frame.playing_share == pytest.approx((160 * 90 + 120 * 90) / (320 * 180))


def test_a_ladder_speaks_of_what_the_network_sees(street_s: Segmenter) -> None:
    tiles = (Tile(0, 0, 160, 90), Tile(160, 0, 160, 90))
    frame = Frame("bgr24", (np.zeros((90, 320, 3), np.uint8),), 0, 0, tiles=tiles)
    with Ladder(rungs(street_s)[:1], budget_ms=100) as ladder:
        segmentation = ladder.submit(frame).result()
        width, height = street_s.input_size((160, 90))
        assert ladder.current == f"street-s {width}x{height}"
    assert len(segmentation.parts) == 2


def test_recordings_go_in_step_and_the_longest_ends_the_run(tmp_path: Path) -> None:
    fast = write_clip(tmp_path / "30.mp4", range(12), time_base=Fraction(1, 30), rate=30, picture=grey)
    # The times of Matroska are whole milliseconds; these begin late besides.
    slow = write_clip(tmp_path / "15.mkv", range(30, 39), time_base=Fraction(1, 15), rate=15, picture=grey)
    with GridSource([VideoSource(str(fast)), VideoSource(str(slow))], CELL) as grid:
        assert (grid.live, grid.rate) == (False, 30)
        assert grid.files == (fast, slow)
        frames = list(grid.frames())
    # At the higher rate; when only the slower one is left, at its own.
    ticks = [*range(12), 12, 14, 16]
    assert [frame.index for frame in frames] == list(range(len(ticks)))
    assert [frame.seconds for frame in frames] == pytest.approx([tick / 30 for tick in ticks])
    assert [number(frame, frame.tiles[0]) for frame in frames[:12]] == list(range(12))
    assert [number(frame, frame.tiles[1]) for frame in frames] == [tick // 2 for tick in ticks]
    assert [frame.tiles[0].playing for frame in frames] == [tick < 12 for tick in ticks]
    assert all(frame.tiles[1].playing for frame in frames)
    assert grid.troubles == []
    with GridSource([VideoSource(str(fast)), DemoSource((64, 48), paced=False)], CELL) as grid:
        assert grid.frame_count is None  # nobody knows when the demo ends
    with GridSource([VideoSource(str(fast))] * 2, CELL) as grid:
        assert grid.frame_count == 12


def test_recorded_pictures_that_are_passed_over_are_gaps(tmp_path: Path) -> None:
    class Burst(BaseSource):
        rate = Fraction(10)

        def frames(self) -> Iterator[Frame]:
            for index, ms in enumerate([0, 10, 20, 100, 5000]):
                yield Frame("bgr24", (grey(index),), index, 1, ms, Fraction(1, 1000))

    with GridSource([Burst("a"), Burst("b")], CELL) as grid:
        frames = list(grid.frames())
    # Nothing is drawn while nothing happens, and that is no gap.
    assert [(frame.index, frame.pts) for frame in frames] == [(2, 0), (3, 1), (4, 50)]


def test_pictures_that_come_at_odd_moments_are_not_lost() -> None:
    cameras = [Camera("a", 80), Camera("b", 57), Camera("c", 64)]
    with GridSource(cameras, CELL) as grid:
        indices = [frame.index for frame in grid.frames()]
    assert indices == list(range(len(indices)))


@pytest.mark.parametrize("live", [True, False])
def test_one_that_fails_is_told_and_the_others_go_on(live: bool) -> None:
    sources = [Camera("front", 60, live=live), Camera("back", 5, live=live, fails="its cable broke")]
    with GridSource(sources, CELL) as grid:
        frames = list(grid.frames())
    playing = [frame.tiles[1].playing for frame in frames]
    failed = playing.index(False, playing.index(True))
    assert 0 < failed < len(frames) - 10
    assert all(not frame.tiles[1].playing for frame in frames[failed:])
    assert all(frame.tiles[0].playing for frame in frames[failed:-1])
    dimmed = of(frames[failed], frames[failed].tiles[1])
    assert np.median(dimmed) < 100
    assert dimmed.max() > 200  # what is written over it
    assert "back: its cable broke" in grid.troubles
    assert "back: its cable broke" in grid.state
    assert [source.closed for source in sources] == [1, 1]


@pytest.mark.parametrize("live", [True, False])
def test_when_all_have_failed_so_has_the_grid(live: bool) -> None:
    sources = [Camera(name, 3, live=live, fails="broke") for name in ("front", "back")]
    with GridSource(sources, CELL) as grid, pytest.raises(SourceError, match="front: broke; back: broke"):
        list(grid.frames())


def test_a_defect_of_a_source_ends_the_grid() -> None:
    class Defect(Camera):
        def frames(self) -> Iterator[Frame]:
            yield from super().frames()
            raise ZeroDivisionError

    with GridSource([Camera("a", 1000), Defect("b", 3)], CELL) as grid, pytest.raises(ZeroDivisionError):
        list(grid.frames())


def test_a_stale_picture_is_never_passed_off_as_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_SAY_AFTER_S", 0.2)
    silent = Camera("silent", 3, hangs=True)
    with GridSource([silent, Camera("other", 80)], CELL) as grid:
        frames = []
        for frame in grid.frames():
            frames.append(frame)
            if "silent: no picture for" in grid.state:
                break
        silent.let_go.set()
    assert frames[-1].tiles[1].playing
    assert not frames[-1].tiles[0].playing


def test_beside_a_camera_a_recording_plays_at_its_own_speed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "25.mp4", range(10), picture=grey)
    with GridSource([VideoSource(str(path)), Camera("camera", 70)], CELL) as grid:
        grid.keeps_up = False
        seen = {number(frame, frame.tiles[0]) for frame in grid.frames() if frame.tiles[0].playing}
    assert grid.live
    assert len(seen) >= 5


def test_a_recording_that_plays_beside_a_camera_ends_with_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", range(150), picture=lambda index: grey(index % 20))
    before = set(threading.enumerate())
    with GridSource([VideoSource(str(path)), Camera("camera", 10_000)], CELL) as grid:
        frames = grid.frames()
        while not all(tile.playing for tile in next(frames).tiles):
            pass
        grid.stop()
        assert list(frames) == []
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("policy", ["latest", "every-frame"])
def test_a_source_that_hears_no_stop_does_not_hold_up_the_end(street_s: Segmenter, policy: str) -> None:
    deaf, camera = Camera("deaf", 2, hangs=True), Camera("camera", 10_000)
    grid = GridSource([deaf, camera], CELL)
    pipeline = Pipeline(grid, street_s, policy=policy)  # type: ignore[arg-type]
    pipeline.start()
    try:
        while pipeline.stats.frames_out < 5:
            time.sleep(0.01)
        began = time.monotonic()
        pipeline.stop()
        assert pipeline.join(ENDED_WITHIN_S)
        assert not pipeline.abandoned
        grid.close()
        assert time.monotonic() - began < ENDED_WITHIN_S
        # What a thread still uses is not closed: that could crash the process.
        assert (deaf.closed, camera.closed) == (0, 1)
    finally:
        deaf.let_go.set()


def test_all_are_stopped_and_closed_also_when_one_of_them_raises() -> None:
    class Stubborn(Camera):
        def stop(self) -> None:
            super().stop()
            raise RuntimeError("not now")

        def close(self) -> None:
            super().close()
            raise RuntimeError("no")

    sources = [Camera("a", 10_000), Stubborn("b", 10_000), Camera("c", 10_000)]
    grid = GridSource(sources, CELL)
    frames = grid.frames()
    next(frames)
    with pytest.raises(RuntimeError, match="not now"):
        grid.stop()
    assert list(frames) == []
    with pytest.raises(RuntimeError, match="no"):
        grid.close()
    assert [source.closed for source in sources] == [1, 1, 1]


def test_all_of_them_are_summed_up() -> None:
    front, back = Camera("front", 20), Camera("back", 20)
    back.reconnects, front.troubles = 2, ["front is tired"]
    with GridSource([front, back], CELL) as grid:
        grid.keeps_up = False
        assert grid.name == "front + back"
        frames = grid.frames()
        next(frames)
        assert (front.keeps_up, back.keeps_up) == (False, False)
        while grid.state != PLAYING:
            next(frames)
        assert grid.reconnects == 2
        assert grid.troubles == ["front is tired"]
        list(frames)
        assert grid.state == "front: ended; back: ended"


def test_what_was_handed_out_is_not_drawn_into() -> None:
    with GridSource([Camera("a", 4, live=False), Camera("b", 8, live=False)], CELL) as grid:
        kept = [(frame, frame.planes[0].copy()) for frame in grid.frames()]
    for frame, before in kept:
        np.testing.assert_array_equal(frame.planes[0], before)
    assert np.any(kept[0][1] != kept[-1][1])


@pytest.mark.parametrize(("count", "size"), [(2, (2, 1)), (3, (2, 2)), (5, (3, 2)), (16, (4, 4))])
def test_the_grid_is_as_square_as_can_be(count: int, size: tuple[int, int]) -> None:
    sources: list[Callable[[], Camera]] = [lambda: Camera("a", 1)] * count
    with GridSource([make() for make in sources], CELL) as grid:
        assert grid.size == (size[0] * CELL[0], size[1] * CELL[1])
