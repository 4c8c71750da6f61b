"""Outputs are checked before any work, written whole, and never take the place of an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtseg.errors import SinkError
from rtseg.video.outputs import check_folder, check_output, write_file


def test_a_new_output_is_fine(tmp_path: Path) -> None:
    check_output(tmp_path / "new.mp4", overwrite=False)
    check_folder(tmp_path / "new", overwrite=False)
    check_folder(tmp_path, overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("old.mp4", "exists already; add -y to write over it"),
        ("folder", "is a folder; give the name of a file in it"),
        ("no such/x.mp4", "does not exist; make it with `mkdir -p '.*no such'`"),
        ("old.mp4/x.mp4", "old.mp4 is a file, not a folder"),
    ],
)
def test_an_output_that_cannot_be(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "old.mp4").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SinkError, match=message):
        check_output(tmp_path / path, overwrite=False)


def test_a_place_where_nothing_can_be_written() -> None:
    place = Path("/proc")
    if not (place / "self").is_dir():
        pytest.skip("needs /proc, where not even root can make a file")
    for check in (check_output, check_folder):
        with pytest.raises(SinkError, match=r"/proc: cannot be written to .*choose another place"):
            check(place / "x.mp4", overwrite=True)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("old.mp4", "is a file; expected a folder"),
        ("full", "is not empty; add -y"),
        ("no such/x", "does not exist; make it"),
    ],
)
def test_an_output_folder_that_cannot_be(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "old.mp4").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.png").touch()
    with pytest.raises(SinkError, match=message):
        check_folder(tmp_path / path, overwrite=False)


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "in.mp4").touch()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "in.mp4")
    for name in ("in.mp4", "link.mp4"):
        with pytest.raises(SinkError, match="is the input itself"):
            check_output(tmp_path / name, overwrite=True, inputs=[tmp_path / "in.mp4"])
    with pytest.raises(SinkError, match="is the folder of the input"):
        check_folder(tmp_path, overwrite=True, inputs=[tmp_path / "in.mp4"])


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    for text in (b"old", b"new"):
        write_file(path, text)
        assert path.read_bytes() == text
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(SinkError, match=r"cannot be written .No such file"):
        write_file(tmp_path / "none" / "x.json", b"")


def test_a_device_is_written_to_and_not_replaced() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(SinkError, match=r"/dev/full: cannot be written .No space left"):
        write_file(full, b"x")
    assert full.is_char_device()
