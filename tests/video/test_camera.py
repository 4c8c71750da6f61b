"""Cameras, as far as a machine without one can tell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import write_clip

from rtseg.errors import SourceError
from rtseg.video.camera import CameraSource, check_device, known
from rtseg.video.source import open_source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="device files are Linux's")


@pytest.fixture
def not_root() -> Iterator[None]:
    """The kernel asks who really runs the program; root may do everything."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, -1, -1)
    yield
    os.setresuid(0, 0, 0)


@pytest.mark.parametrize("camera", ["97", "/dev/video97"])
def test_a_camera_that_is_not_there(camera: str) -> None:
    with pytest.raises(SourceError, match=rf"camera {camera}: there is no /dev/video97. .*[Cc]ameras"):
        open_source(camera)


def test_the_cameras_that_there_are_are_named(tmp_path: Path) -> None:
    assert known(tmp_path) == "No cameras were found; --demo runs without one"
    for name, label in (("video0", "HD Webcam\n"), ("video2", "Front\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(label)
    assert known(tmp_path) == "Cameras found: 0 (HD Webcam), 2 (Front)"


def test_a_camera_that_may_not_be_used(tmp_path: Path, not_root: None) -> None:
    device = tmp_path / "video0"
    device.touch()
    device.chmod(0)
    with pytest.raises(
        SourceError, match=r"no permission to use .*video0; add yourself .* usermod -aG video"
    ):
        check_device("camera 0", device)


def test_what_gives_no_pictures_may_be_in_use(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "video0").touch()
    with pytest.raises(
        SourceError, match="cannot be opened: another program is using it, or it is no camera"
    ):
        CameraSource(str(tmp_path / "video0"))
    with pytest.raises(SourceError, match="camera /dev/null: cannot be opened"):
        open_source("/dev/null")
    assert capfd.readouterr().err == ""


def test_a_camera_gives_frames_until_it_is_unplugged(tmp_path: Path) -> None:
    """OpenCV reads a video like a camera; where it ends, the cable was pulled."""
    path = write_clip(tmp_path / "camera.avi", range(5), codec="mjpeg", pix_fmt="yuvj420p")
    frames = []
    with CameraSource(str(path)) as source:
        assert source.live
        with pytest.raises(SourceError, match="stopped giving frames after 5; check its cable"):
            frames.extend(source.frames())
            for frame in source.frames():
                frames.append(frame)
        source.close()
