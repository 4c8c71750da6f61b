"""Snapshots and recordings while a real pipeline runs, read again from their files."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import moving, write_clip

from rtseg.card import models_folder
from rtseg.errors import SinkError
from rtseg.frame import Frame, Segmentation
from rtseg.labels import CLASSES, PALETTE
from rtseg.postprocess import frame_class_map
from rtseg.preprocess import to_bgr
from rtseg.runtime.channel import LatestSlot
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.recording import Recording, RecordingKind
from rtseg.runtime.replay import Replay
from rtseg.runtime.shown import Shown
from rtseg.runtime.snapshot import default_stem, save_snapshot
from rtseg.runtime.style import Style
from rtseg.segmenter import Segmenter, load
from rtseg.video.demo.source import DemoSource
from rtseg.video.file import VideoSource
from rtseg.video.mask_video import CLASSES_TAG, MaskVideoSink
from rtseg.video.source import BaseSource
from rtseg.video.video_sink import VideoSink

PATIENCE_S = 20.0
SIZE = (160, 96)


class Held(BaseSource):
    """The demo's frames from its tenth second on, a few for each `go`: paused in between."""

    rate = Fraction(30)
    size = SIZE

    def __init__(self) -> None:
        super().__init__("held")
        self._wanted = threading.Semaphore(0)
        self._ended = threading.Event()

    def go(self, frames: int) -> None:
        for _ in range(frames):
            self._wanted.release()

    def frames(self) -> Iterator[Frame]:
        for index, frame in enumerate(DemoSource(SIZE).frames()):
            self._wanted.acquire()
            if self._ended.is_set():
                return
            now_ns = time.monotonic_ns()
            yield replace(frame, index=index, captured_ns=now_ns, pts=300 + index, time_base=Fraction(1, 30))

    def stop(self) -> None:
        self._ended.set()
        self._wanted.release()


class Kept:
    """All that arrives."""

    def __init__(self) -> None:
        self.segmentations: list[Segmentation] = []
        self.blended: list[Frame] = []

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        self.segmentations.append(segmentation)
        self.blended.append(blended)

    def close(self) -> None:
        pass


class Fails(Kept):
    def __init__(self, error: Exception, *, at_the_end: bool = False) -> None:
        super().__init__()
        self._error, self._at_the_end = error, at_the_end

    def write(self, segmentation: Segmentation, blended: Frame) -> None:
        if not self._at_the_end:
            raise self._error

    def close(self) -> None:
        if self._at_the_end:
            raise self._error


@pytest.fixture(scope="module")
def segmenter() -> Iterator[Segmenter]:
    with load(str(models_folder() / "street-s")) as opened:
        yield opened


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class Run:
    """A pipeline over a source that is held, watched as by a window."""

    def __init__(self, segmenter: Segmenter, **options: object) -> None:
        self.source = Held()
        self.view: LatestSlot[Shown] = LatestSlot()
        self.pipeline = Pipeline(self.source, segmenter, view=self.view, **options)  # type: ignore[arg-type]
        self.pipeline.start()

    def go(self, frames: int) -> None:
        """Let so many frames through, to the very end."""
        before = self.pipeline.stats.frames_out
        self.source.go(frames)
        wait_for(lambda: self.pipeline.stats.frames_out == before + frames)

    def end(self) -> None:
        self.pipeline.stop()
        assert self.pipeline.join(PATIENCE_S)


@pytest.fixture
def run(segmenter: Segmenter) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(**options: object) -> Run:
        runs.append(Run(segmenter, **options))
        return runs[-1]

    yield begin
    for each in runs:
        each.pipeline.stop()
        each.pipeline.join(PATIENCE_S)


def decoded(path: Path) -> tuple[list[Fraction], list[np.ndarray]]:
    with VideoSource(str(path)) as source:
        frames = list(source.frames())
        return [frame.pts * frame.time_base for frame in frames], [to_bgr(frame) for frame in frames]


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_a_recording_holds_what_was_seen_between_on_and_off(run: Callable[..., Run], tmp_path: Path) -> None:
    kept = Kept()
    begun = run(sinks=[kept])
    begun.go(3)
    recording = Recording("seen", tmp_path / "new" / "folder", rate=Fraction(30), stem="drive")
    finished = begun.pipeline.add_sink(recording)
    begun.go(12)
    wait_for(lambda: recording.seconds == pytest.approx(11 / 30))
    begun.pipeline.remove_sink(recording)  # while the source is paused: no frame comes to wake anybody
    finished.result(timeout=PATIENCE_S)
    begun.go(4)
    assert recording.files == (tmp_path / "new" / "folder" / "drive.mp4",)
    times, pictures = decoded(recording.files[0])
    assert times == [Fraction(index, 30) for index in range(12)]
    for picture, blended in zip(pictures, kept.blended[3:15], strict=True):
        assert unlike(picture, to_bgr(blended)) < 6
    begun.end()


def test_a_clean_recording_is_frames_and_their_class_maps_to_the_pixel(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    kept = Kept()
    begun = run(sinks=[kept], style=Style(opacity=1.0))
    recording = Recording("clean", tmp_path, rate=Fraction(30), stem="a")
    finished = begun.pipeline.add_sink(recording)
    begun.go(9)
    begun.end()
    finished.result(timeout=PATIENCE_S)
    assert recording.files == (tmp_path / "a.mp4", tmp_path / "a-mask.mkv")
    assert sorted(tmp_path.iterdir()) == sorted(recording.files)
    times, pictures = decoded(recording.files[0])
    assert times == [Fraction(index, 30) for index in range(9)]
    for picture, segmentation in zip(pictures, kept.segmentations, strict=True):
        assert unlike(picture, segmentation.frame.planes[0]) < 6

    expected = [frame_class_map(each, SIZE) for each in kept.segmentations]
    assert len(np.unique(expected)) > 1
    with av.open(str(recording.files[1])) as container:
        assert json.loads(container.metadata[CLASSES_TAG]) == list(CLASSES)
        frames = list(container.decode(video=0))
        masks = [frame.to_ndarray(format="gray") for frame in frames]
        for frame, moment in zip(frames, times, strict=True):
            assert abs(frame.pts * frame.time_base - moment) <= Fraction(1, 1000)
    np.testing.assert_array_equal(masks, expected)
    capture = cv2.VideoCapture(str(recording.files[1]))
    for class_map in expected:
        read, picture = capture.read()
        assert read
        np.testing.assert_array_equal(picture, np.repeat(class_map[..., None], 3, axis=2))
    capture.release()


def test_a_clean_recording_goes_on_in_new_files_when_the_classes_are_others(tmp_path: Path) -> None:
    def segmentation(index: int, classes: tuple[str, ...]) -> Segmentation:
        frame = Frame("bgr24", (moving(index),), index, 0, index, Fraction(1, 25))
        logits = np.random.default_rng(index).standard_normal((len(classes), 16, 24)).astype(np.float32)
        return Segmentation(frame, (logits,), 0, 0, classes=classes)

    recording = Recording("clean", tmp_path, rate=None, stem="a")
    for index in range(5):
        each = segmentation(index, ("background", "road") if index < 2 else ("background", "tram", "road"))
        recording.write(each, each.frame)
    recording.close()
    recording.close()
    names = ["a.mp4", "a-mask.mkv", "a-2.mp4", "a-2-mask.mkv"]
    assert [path.name for path in recording.files] == names
    assert [len(decoded(path)[0]) for path in recording.files] == [2, 2, 3, 3]
    with av.open(str(tmp_path / "a-2-mask.mkv")) as container:
        assert json.loads(container.metadata[CLASSES_TAG]) == ["background", "tram", "road"]


@pytest.mark.parametrize("kind", ["seen", "clean"])
def test_a_recording_writes_over_nothing(tmp_path: Path, kind: RecordingKind) -> None:
    (tmp_path / "a.mp4").write_text("the old one")
    other = Recording(kind, tmp_path, rate=None, stem="a")
    recording = Recording(kind, tmp_path, rate=None, stem="a")
    frame = Frame("bgr24", (moving(0),), 0, 0)
    for each in (other, recording):
        each.write(Segmentation(frame, (np.zeros((2, 16, 24), np.float32),), 0, 0, classes=("a", "b")), frame)
    other.close()
    recording.close()
    assert {other.files[0].name, recording.files[0].name} == {"a-2.mp4", "a-3.mp4"}
    assert (tmp_path / "a.mp4").read_text() == "the old one"
    assert all(len(decoded(path)[0]) == 1 for path in (*other.files, *recording.files))


@pytest.mark.parametrize("kind", ["seen", "clean"])
def test_a_recording_that_cannot_go_on_is_told_and_keeps_what_it_has(
    run: Callable[..., Run], tmp_path: Path, kind: RecordingKind
) -> None:
    begun = run()
    recording = Recording(kind, tmp_path / "folder", rate=None, stem="a")
    finished = begun.pipeline.add_sink(recording)
    (tmp_path / "folder").rmdir()  # a disk that was pulled out
    begun.go(3)
    begun.pipeline.remove_sink(recording)
    with pytest.raises(SinkError, match=r"folder: cannot be written to .No such file or directory"):
        finished.result(timeout=PATIENCE_S)
    begun.go(2)
    begun.end()


def test_a_recording_where_nothing_can_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="file"):
        Recording("seen", tmp_path / "file", rate=None)
    with pytest.raises(SinkError, match=r"only; name it a.mkv"):
        MaskVideoSink(tmp_path / "a.mp4", rate=None)


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("error", [SinkError("the disk is full"), RuntimeError("a defect")])
def test_what_goes_wrong_with_a_sink_reaches_who_added_it_and_ends_nothing(
    run: Callable[..., Run], error: Exception, at_the_end: bool
) -> None:
    begun, sink = run(), Fails(error, at_the_end=at_the_end)
    told: list[Future[None]] = []
    finished = begun.pipeline.add_sink(sink)
    finished.add_done_callback(told.append)
    begun.go(2)
    begun.pipeline.remove_sink(sink)
    assert finished.exception(timeout=PATIENCE_S) is error
    wait_for(lambda: told == [finished])
    begun.go(2)
    begun.end()


def test_a_recording_of_the_start_can_be_ended_early(run: Callable[..., Run], tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "a.mp4", rate=None)
    begun = run(sinks=[sink])
    begun.go(4)
    begun.pipeline.remove_sink(sink)
    wait_for((tmp_path / "a.mp4").exists)
    begun.go(2)
    begun.end()
    assert len(decoded(tmp_path / "a.mp4")[0]) == 4


def test_nothing_is_added_after_the_end(run: Callable[..., Run]) -> None:
    begun = run()
    begun.go(1)
    begun.end()
    finished = begun.pipeline.add_sink(Kept())
    with pytest.raises(SinkError, match="nothing comes any more"):
        finished.result(timeout=0)
    begun.pipeline.remove_sink(Kept())


def test_sinks_come_and_go_from_many_threads_while_frames_come(run: Callable[..., Run]) -> None:
    begun = run()
    sinks = [[Kept() for _ in range(20)] for _ in range(4)]
    finished: list[Future[None]] = []

    def busy(some: list[Kept]) -> None:
        for sink in some:
            finished.append(begun.pipeline.add_sink(sink))
            time.sleep(0.002)
            begun.pipeline.remove_sink(sink)

    threads = [threading.Thread(target=busy, args=(some,)) for some in sinks]
    for thread in threads:
        thread.start()
    begun.go(30)
    for thread in threads:
        thread.join()
    begun.end()
    assert len(finished) == 80
    for each in finished:
        each.result(timeout=PATIENCE_S)


def test_the_last_seconds_of_a_run_are_saved_while_it_runs(run: Callable[..., Run], tmp_path: Path) -> None:
    kept, replay = Kept(), Replay(rate=Fraction(30))
    begun = run(sinks=[kept])
    finished = begun.pipeline.add_sink(replay)
    for _ in range(40):
        before = replay.encoded
        begun.go(1)
        wait_for(lambda: replay.encoded > before)  # noqa: B023
    assert replay.save(tmp_path / "a.mp4") == pytest.approx(40 / 30)
    begun.go(1)
    begun.end()
    finished.result(timeout=PATIENCE_S)
    times, pictures = decoded(tmp_path / "a.mp4")
    assert times == [Fraction(index, 30) for index in range(40)]
    for picture, blended in zip(pictures, kept.blended[:40], strict=True):
        assert unlike(picture, to_bgr(blended)) < 6


@pytest.fixture(params=["yuv420p", "bgr24"])
def shown(request: pytest.FixtureRequest, segmenter: Segmenter, tmp_path: Path) -> Shown:
    """What a window shows at the end of a real video, or of the demo; the road is hidden."""
    if request.param == "bgr24":
        source: BaseSource = DemoSource((161, 97))
    else:
        source = VideoSource(str(write_clip(tmp_path / "clip.mp4")))
    view: LatestSlot[Shown] = LatestSlot()
    style = Style(0.5, ("vehicle", "pedestrian"))
    pipeline = Pipeline(source, segmenter, style=style, view=view, max_frames=12)
    pipeline.start()
    pipeline.join(PATIENCE_S)
    with source:
        shown = view.get(0)
    assert shown.frame.pixel_format == request.param
    return shown


def indices(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        (frame,) = container.decode(video=0)
        assert frame.format.name == "pal8"
        return np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)[:, : frame.width]


def test_a_snapshot_is_frame_mask_and_overlay(shown: Shown, tmp_path: Path) -> None:
    folder = tmp_path / "not there" / "yet"
    frame, mask, overlay = save_snapshot(shown, folder, "a")
    assert [path.name for path in sorted(folder.iterdir())] == ["a-frame.png", "a-mask.png", "a-overlay.png"]
    np.testing.assert_array_equal(cv2.imread(str(frame)), to_bgr(shown.frame))
    np.testing.assert_array_equal(cv2.imread(str(overlay)), to_bgr(shown.blended))
    class_map = frame_class_map(shown.segmentation, shown.frame.size)
    np.testing.assert_array_equal(indices(mask), class_map)
    colored = np.asarray(PALETTE, np.uint8)[class_map][..., ::-1]  # the hidden road has its colour too
    np.testing.assert_array_equal(cv2.imread(str(mask)), colored)


def test_snapshots_of_one_moment_write_over_nothing(shown: Shown, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    folder.mkdir()
    (folder / "a-mask.png").write_text("the old one")
    taken: list[tuple[Path, ...]] = []
    threads = [
        threading.Thread(target=lambda: taken.append(save_snapshot(shown, folder, "a"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paths = [path for each in taken for path in each]
    assert len(set(paths)) == 18
    assert set(folder.iterdir()) == {*paths, folder / "a-mask.png"}
    assert (folder / "a-mask.png").read_text() == "the old one"
    assert all(cv2.imread(str(path)) is not None for path in paths)


def test_a_snapshot_that_cannot_be_written_leaves_nothing(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="file"):
        save_snapshot(shown, tmp_path / "file")
    folder = tmp_path / "snapshots"
    with pytest.raises(SinkError, match=r"cannot be written to .File name too long"):
        save_snapshot(shown, folder, "a" * 300)
    assert list(folder.iterdir()) == []
    (folder / "a-overlay.png").mkdir()  # what is there may be anything
    assert save_snapshot(shown, folder, "a")[0].name == "a-2-frame.png"


def test_names_sort_by_time() -> None:
    names = []
    for _ in range(3):
        names.append(default_stem())
        time.sleep(0.002)
    assert names == sorted(set(names))
