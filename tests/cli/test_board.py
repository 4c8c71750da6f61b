"""Progress of many clips: names are shown as they are, and nothing is before there is anything to show."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rtseg.cli.board import Board
from rtseg.offline import Progress
from rtseg.offline.outcome import Outcome

NAMES = ("[/b].mp4", "[red]x.mp4", "two\nlines\x1b[2J.mp4", "no\udcff.mp4")


@pytest.mark.parametrize("terminal", [True, False])
def test_any_name_is_shown_as_it_is(terminal: bool) -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=terminal, markup=False, highlight=False, width=200)
    with Board(dict.fromkeys(NAMES, 5), console) as board:
        for name in NAMES:
            board.begun(name)
            board.advanced(name, Progress(5, 10, 30.0))
        for name in NAMES[1:]:
            board.ended(Outcome(name, "done"))
        board.ended(Outcome.failed(NAMES[0], "is no video"))
    text = said.getvalue()
    assert "[/b].mp4: failed: is no video" in text
    for name in ("[red]x.mp4", r"two\nlines\x1b[2J.mp4", r"no\udcff.mp4"):
        assert name in text
        assert terminal or f"{name}: done (" in text
    assert ("all clips" in text) == terminal
    assert terminal == ("5/10 frames" in text)


def test_a_run_that_does_not_begin_shows_nothing() -> None:
    said = io.StringIO()
    with Board({"a.mp4": 5}, Console(file=said, force_terminal=True)):
        pass
    assert said.getvalue() == ""
