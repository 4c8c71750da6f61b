"""Opening whatever a user names: what it becomes, and a clear word where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import write_clip

from rtseg.errors import SourceError
from rtseg.video.file import VideoSource
from rtseg.video.images import ImagesSource
from rtseg.video.source import is_url, open_source

ODD_NAMES = [
    "two words.mp4",
    'it\'s "quoted".mp4',
    "fahrt-🚗-ä.mp4",
    "-y.mp4",
    "100%d %s.mp4",
    "concat:a|b.mp4",
    "pipe:1",
    "tcp:127.0.0.1:9",
    "a,b,c.mp4",
    "[red] :car:.mp4",
    "what?.mp4",
    "#1.mp4",
    "crypto:x.mp4",
    "subfile,,start,0,end,9,,:x.mp4",
    b"\xff\xfe.mp4".decode(errors="surrogateescape"),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", range(3))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_a_name_whatever_it_looks_like(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    for uri in (name, str(tmp_path / name)):
        with open_source(uri) as source:
            assert source.files == (Path(uri),)
            assert len(list(source.frames())) == 3


def test_pictures_folders_globs_and_file_urls(clip: Path, tmp_path: Path) -> None:
    for name in ("a [1].png", "b.PNG"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    for uri, count in ((tmp_path, 2), (tmp_path / "*.png", 1), (tmp_path / "a [1].png", 1)):
        with open_source(str(uri)) as source:
            assert isinstance(source, ImagesSource)
            assert source.frame_count == count
    with open_source(f"file://{clip}") as source:
        assert isinstance(source, VideoSource)
        assert not source.live


@pytest.mark.parametrize(
    ("uri", "is_one"),
    [
        ("http://host/x.mp4", True),
        ("RTSP://user:word@host/1", True),
        ("srt://host:9", True),
        ("file:///x.mp4", False),
        ("/tmp/x.mp4", False),
        ("concat:a|b", False),
        ("C:\\x.mp4", False),
    ],
)
def test_only_urls_are_urls(uri: str, is_one: bool) -> None:
    assert is_url(uri) == is_one


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("drive.mp5", r"drive.mp5: no such file or folder; did you mean .*drive.mp4\?"),
        ("nothing-like-it", "no such file or folder; check its name"),
        ("no/such/x.mp4", "the folder .*no/such does not exist either"),
        ("*.png", "no pictures there .*looked for .*.png"),
        ("x" * 300 + ".mp4", "cannot be read .File name too long"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, uri: str, message: str) -> None:
    (tmp_path / "drive.mp4").touch()
    with pytest.raises(SourceError, match=message):
        open_source(str(tmp_path / uri))


def test_a_folder_with_videos_only_points_at_one(tmp_path: Path) -> None:
    (tmp_path / "drive.mp4").touch()
    with pytest.raises(SourceError, match=r"no pictures there .*; did you mean .*drive.mp4\?"):
        open_source(str(tmp_path))


def test_a_protocol_that_is_unknown_or_not_allowed() -> None:
    for uri in ("gopher://host/x", "concat://a|b", "nonsense://x"):
        with pytest.raises(SourceError, match="is no protocol that is read here; use http"):
            open_source(uri)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="is a pipe"):
        open_source(str(tmp_path / "pipe.mp4"))
