"""What a session has and does, in words: for the banner, the title, and the panels over the picture."""

from __future__ import annotations

from pathlib import Path

from rtseg.runtime.captures import Saved
from rtseg.runtime.state import Busy, Playing, State, Trouble
from rtseg.viewer import texts
from rtseg.viewer.content import Running
from rtseg.viewer.panels import Panel, Row


def title(playing: Playing) -> str:
    """The sources by their names alone: where they are is said by the panels."""
    name = playing.source.name
    names = [name] if len(playing.request.uris) == 1 else name.split(" + ")
    return " + ".join(each if "://" in each else Path(each).name or each for each in names)


def running(state: State, playing: Playing) -> Running:
    """What is at work now."""
    segmenter = playing.pipeline.segmenter
    return Running(
        source=playing.source.name,
        state=texts.FINISHED
        if playing.ended
        else texts.STATES.get(playing.source.state, playing.source.state),
        model=segmenter.name,
        backend=segmenter.backend.name,
        precision=segmenter.backend.precision,
        classes=segmenter.classes,
        palette=playing.pipeline.palette,
    )


def status(state: State, playing: Playing, *, with_keys: bool) -> Panel | None:
    """What is going on beside the picture, if anything, and the keys."""
    rows = []
    if state.busy is not None:
        rows.append(Row(busy(state.busy)))
    if state.recording is not None:
        minutes, seconds = divmod(int(state.recording.seconds), 60)
        clock = texts.CLOCK.format(minutes=minutes, seconds=seconds)
        rows.append(Row(texts.RECORDING, clock, color=(224, 48, 48)))
    if playing.ended and state.trouble is None:
        rows.append(Row(texts.FINISHED))
    if with_keys:
        rows.append(Row(texts.KEYS, quiet=True))
    return Panel(tuple(rows)) if rows else None


def busy(what: Busy | None) -> str:
    """What takes a moment; empty where nothing does."""
    return "" if what is None else texts.BUSY[what.doing].format(what=what.what)


def trouble(what: Trouble) -> tuple[str, str]:
    """What went wrong, and what to do about it: a message of ours says the one, then the other."""
    text = what.text or texts.NO_MESSAGE.format(kind=type(what.error).__name__)
    wrong, _, mend = text.partition("; ")
    return wrong, mend[:1].upper() + mend[1:]


def saved(what: Saved) -> str:
    """Which files were written, by the name of the first."""
    if not what.files:
        return texts.SAVED_NOTHING
    name = what.files[0].name
    if what.seconds is None:
        return texts.SAVED_PICTURES.format(name=name, count=len(what.files))
    return texts.SAVED_VIDEO.format(name=name, seconds=what.seconds)
