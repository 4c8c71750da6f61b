"""The screen as a source: a real X server, and what cannot be captured."""

from __future__ import annotations

import sys
from itertools import islice

import pytest

from rtseg.errors import SourceError
from rtseg.video.source import open_source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs an X server")


def test_all_of_a_screen_and_a_part_of_it(xvfb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", xvfb)
    for uri, size in (
        ("screen://", (1600, 1000)),
        (f"screen://{xvfb}.0+10,20?size=320x240&fps=50", (320, 240)),
    ):
        with open_source(uri) as source:
            assert source.live
            assert source.name == uri
            frames = list(islice(source.frames(), 3))
        assert [frame.index for frame in frames] == [0, 1, 2]
        assert {frame.size for frame in frames} == {size}


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("screen://left", "is no part of a screen; give screen://, or a part of it"),
        ("screen://:0?size=1x", "is no part of a screen"),
        ("screen://:0?fps=0", "is no part of a screen"),
        ("screen://:0?codec=h264", "is no part of a screen"),
        ("screen://:4321", "cannot be captured; is :4321 there and yours"),
    ],
)
def test_what_is_no_screen(uri: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(uri)


def test_a_part_that_is_not_within_it(xvfb: str) -> None:
    with pytest.raises(SourceError, match="and the part within it"):
        open_source(f"screen://{xvfb}+1500,900?size=640x480")


def test_no_screen_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SourceError, match="DISPLAY is not set, so there is no X screen; name one"):
        open_source("screen://")
