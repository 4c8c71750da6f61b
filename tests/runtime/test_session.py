"""A session changes what it plays while it plays, and never lets go of a thread or a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clips import write_clip

from rtseg.errors import ConfigError, ModelError, SourceError
from rtseg.runtime.choice import NetworkChoice
from rtseg.runtime.extras import Extras
from rtseg.runtime.ladder import Ladder, rungs
from rtseg.runtime.renderer import Renderer
from rtseg.runtime.request import DEMO, SourceRequest
from rtseg.runtime.session import Session
from rtseg.runtime.view import View

DEMO_REQUEST = SourceRequest((DEMO,), demo_size=(64, 48))


def until(what: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def make(tiny_model: Path) -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def session(**options: object) -> Session:
        made.append(Session(NetworkChoice(str(tiny_model)), **options))  # type: ignore[arg-type]
        return made[-1]

    yield session
    for each in made:
        each.begin_close()
        assert each.join(5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", range(50))


def test_the_source_that_plays_goes_on_until_the_new_one_is_open(make, tmp_path: Path, clip: Path) -> None:
    session = make()
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    first = session.state.playing
    missing = tmp_path / "missing.mp4"
    session.open(SourceRequest((str(missing),)))
    until(lambda: session.state.trouble)
    assert isinstance(session.state.trouble.error, SourceError)
    assert session.state.playing is first
    assert first.pipeline.running
    missing.write_bytes(clip.read_bytes())
    session.retry()
    until(lambda: session.state.playing is not first)
    assert session.state.trouble is None
    assert not first.pipeline.running
    assert session.state.playing.player is not None


def test_the_network_changes_without_a_pause_and_a_bad_one_changes_nothing(make, tiny_model: Path) -> None:
    session = make()
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    pipeline = session.state.playing.pipeline
    first, before = pipeline.segmenter, session.state.network
    session.use(replace(before, model="no such model"))
    until(lambda: session.state.trouble)
    assert isinstance(session.state.trouble.error, ModelError)
    assert (pipeline.segmenter, session.state.network) == (first, before)
    other = replace(before, backend="onnxruntime")
    session.use(other)
    until(lambda: session.state.network == other)
    assert pipeline.segmenter.backend.name == "onnxruntime"
    frames = pipeline.stats.frames_out
    until(lambda: pipeline.stats.frames_out > frames + 3)
    assert session.state.playing.pipeline is pipeline
    assert session.state.trouble is None


def test_where_the_network_is_chosen_by_itself_nobody_else_does(make) -> None:
    session = make(extras=Extras(ladder=lambda source, segmenter: Ladder(rungs(segmenter), 50)))
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    session.use(replace(session.state.network, backend="onnxruntime"))
    until(lambda: session.state.trouble)
    assert isinstance(session.state.trouble.error, ConfigError)
    assert session.state.network.backend == "auto"


def test_what_ends_a_loop_is_told_with_its_cause(make, clip: Path, tmp_path: Path) -> None:
    class BrokenDisk:
        def write(self, segmentation: object, blended: object) -> None:
            raise OSError("the disk broke") from ValueError("bit 7 of sector 3")

        def close(self) -> None: ...

    session = make(extras=Extras(sinks=lambda source, segmenter: [BrokenDisk()]))
    session.open(SourceRequest((str(clip),)))
    until(lambda: session.state.trouble)
    assert session.state.trouble.text == "the disk broke (bit 7 of sector 3)"
    assert session.state.playing.ended
    session.retry()
    until(lambda: session.state.trouble is None)
    assert session.state.playing.pipeline.running


def test_a_source_that_cannot_be_opened_again_is_at_its_end(make, clip: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(clip.read_bytes())
    session = make()
    session.open(SourceRequest((str(moved),)))
    until(lambda: session.state.playing)
    moved.unlink()
    session.open(SourceRequest((str(moved),)))
    until(lambda: session.state.trouble)
    assert session.state.playing.ended
    assert session.state.busy is None


def test_what_the_first_loop_has_is_kept_until_one_runs(make, clip: Path) -> None:
    session = make(extras=Extras(max_age_ms=50, max_frames=3))
    session.open(SourceRequest((str(clip),)))
    until(lambda: session.state.trouble)
    assert isinstance(session.state.trouble.error, ConfigError), "every frame of a file is to come out"
    session.set_policy("latest")
    session.retry()
    until(lambda: session.state.playing)
    until(lambda: session.state.playing.ended)
    assert session.state.playing.pipeline.stats.frames_in == 3


def test_a_cause_stands_beside_what_is_wrong_in_words(make, tmp_path: Path) -> None:
    path = tmp_path / "words.mp4"
    path.write_text("hello")
    session = make()
    session.open(SourceRequest((str(path),)))
    until(lambda: session.state.trouble)
    wrong, mend = session.state.trouble.text.split("; ")
    assert "Invalid data found" in wrong
    assert "Errno" not in session.state.trouble.text
    assert "player" in mend


def test_nobody_sees_a_password_while_a_source_is_opened() -> None:
    assert SourceRequest(("rtsp://bob:secret@camera/live", "b.mp4")).name == "rtsp://camera/live + b.mp4"
    assert SourceRequest((DEMO,)).name == "demo"


def test_policy_and_style_hold_for_the_next_source_too(make, clip: Path) -> None:
    session = make()
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    first = session.state.playing
    session.set_policy("every-frame")
    until(lambda: not first.pipeline.latest)
    session.set_style(replace(session.style, opacity=0.9))
    session.open(SourceRequest((str(clip),)))
    until(lambda: session.state.playing is not first)
    second = session.state.playing.pipeline
    assert second.style.opacity == 0.9
    assert not second.latest


def test_twenty_sources_use_the_threads_of_one(make, clip: Path) -> None:
    session = make()
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    until(lambda: session.state.playing.pipeline.stats.frames_out > 3)
    threads = threading.active_count()
    for number in range(20):
        before = session.state.playing
        session.open(DEMO_REQUEST if number % 2 else SourceRequest((str(clip),)))
        until(lambda before=before: session.state.playing is not before)
    until(lambda: session.state.playing.pipeline.stats.frames_out > 3)
    until(lambda: threading.active_count() <= threads)


def test_what_is_rendered_follows_the_view_and_the_source(make, clip: Path) -> None:
    session = make()
    renderer = Renderer((18, 20, 24))
    try:
        renderer.set_view(View((200, 100)))
        session.open(SourceRequest((str(clip),)))
        until(lambda: session.state.playing)
        session.state.playing.player.pause()
        renderer.watch(session.state.playing.view)
        rendered = renderer.output.get(timeout=10)
        assert rendered.canvas.shape == (100, 200, 4)
        time.sleep(0.2)
        renderer.set_view(View((90, 60), "mask"))
        until(lambda: renderer.output.get(timeout=5).view == View((90, 60), "mask"))
    finally:
        renderer.close()
    assert renderer.error is None


def test_a_loop_that_does_not_end_is_left_behind_and_the_next_has_a_network_of_its_own(
    make, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtseg.runtime.session._STOP_S", 0.1)
    let_go = threading.Event()

    class Stuck:
        def write(self, segmentation: object, blended: object) -> None:
            let_go.wait(20)

        def close(self) -> None: ...

    session = make(extras=Extras(sinks=lambda source, segmenter: [Stuck()]))
    session.open(DEMO_REQUEST)
    until(lambda: session.state.playing)
    first = session.state.playing.pipeline
    until(lambda: first.stats.frames_in > 1)
    session.open(SourceRequest((str(clip),)))
    try:
        until(lambda: session.state.playing.pipeline is not first)
        assert session.state.trouble is None
        assert session.state.playing.pipeline.segmenter is not first.segmenter
    finally:
        let_go.set()
    until(lambda: not first.running)
