"""Cameras, as far as a machine without one can tell."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import pytest
from clips import write_clip
from streaming import QUICK, until

from rtseg.errors import ConfigError, SourceError
from rtseg.video import csi
from rtseg.video.camera import CameraSource, check_device, known, stable_name
from rtseg.video.camera_format import CameraFormat, fourcc_code, fourcc_name
from rtseg.video.live import Backoff
from rtseg.video.source import PLAYING, open_source

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
    listed = tmp_path / "sys/class/video4linux"
    for name, label in (("video0", "HD Webcam\n"), ("video2", "Front\n")):
        (listed / name).mkdir(parents=True)
        (listed / name / "name").write_text(label)
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


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """OpenCV reads a video like a camera; where it ends, the cable was pulled."""
    return write_clip(tmp_path / "camera.avi", range(5), codec="mjpeg", pix_fmt="yuvj420p")


def test_a_camera_that_is_unplugged_and_comes_back(camera: Path, caplog: pytest.LogCaptureFixture) -> None:
    away = camera.with_name("away.avi")
    with CameraSource(str(camera), backoff=QUICK) as source:
        assert source.live
        assert source.rate == 25
        frames = source.frames()
        seen = list(islice(frames, 5))
        camera.rename(away)
        back = threading.Thread(target=lambda: seen.extend(islice(frames, 5)))
        back.start()
        until(lambda: "unplugged" in source.state)
        assert f"unplugged: there is no {camera}" in source.state
        away.rename(camera)
        back.join()
        assert source.reconnects == 1
        assert source.state == PLAYING
        source.close()
    indices = [frame.index for frame in seen]
    assert indices[:5] == list(range(5))
    assert indices[5:] == list(range(indices[5], indices[5] + 5))
    assert indices[5] > 5
    assert any("stopped giving frames after 5" in line for line in caplog.messages)
    assert any("playing again after" in line for line in caplog.messages)


def test_a_wait_for_a_camera_ends_at_once(camera: Path) -> None:
    with CameraSource(str(camera), backoff=Backoff(first_s=60, longest_s=60)) as source:
        frames = source.frames()
        list(islice(frames, 5))
        threading.Timer(0.2, source.stop).start()
        began = time.monotonic()
        assert list(frames) == []
        assert time.monotonic() - began < 2


def test_what_a_camera_does_not_give_is_told(camera: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted = CameraFormat(size=(1920, 1080), rate=60, pixel_format="YUYV")
    with CameraSource(str(camera), wanted) as source:
        assert source.troubles == [
            f"camera {camera} gives 96x64, 25 frames a second, MJPG, not 1920x1080, 60, YUYV; "
            "`v4l2-ctl --list-formats-ext` lists what it can give"
        ]
    assert "gives 96x64" in caplog.text
    with CameraSource(str(camera), CameraFormat((96, 64), 25, "mjpg")) as source:
        assert source.troubles == []


def test_big_pictures_are_asked_for_compressed() -> None:
    """Thirty raw pictures a second above 640x480 are more than USB 2 carries."""
    assert CameraFormat((1280, 720)).fourcc == "MJPG"
    assert CameraFormat((1280, 720), pixel_format="YUYV").fourcc == "YUYV"
    assert CameraFormat((640, 480)).fourcc is None
    assert CameraFormat(rate=30).fourcc is None
    assert fourcc_name(fourcc_code("MJPG")) == "MJPG"
    assert fourcc_code("YUYV") == cv2.VideoWriter.fourcc(*"YUYV")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--camera-size", "big"), "size 'big' is not of the form WIDTHxHEIGHT"),
        (("--camera-size", "0x480"), "camera size 0x480 has no pixels"),
        (("--camera-fps", "-5"), "camera rate -5 cannot be"),
        (("--camera-format", "motion jpeg"), "camera format 'motion jpeg' is no FourCC"),
        (("--camera-format", "MJPG"), "there is no /dev/video97"),
    ],
)
def test_options_of_the_command_line(
    rtseg: Callable[..., Any], options: tuple[str, str], message: str
) -> None:
    outcome = rtseg("run", "--camera", "97", *options)
    assert outcome.code == 2
    assert message in outcome.err
    without = rtseg("run", "--demo", *options)
    assert without.code == 2


def test_a_camera_keeps_its_name_when_it_gets_another_number(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    folder = tmp_path / "by-id"
    assert stable_name(device, folder) == device
    folder.mkdir()
    (folder / "usb-Other").symlink_to(tmp_path / "video1")
    (folder / "usb-Webcam").symlink_to(device)
    assert stable_name(device, folder) == folder / "usb-Webcam"


def test_a_ribbon_camera_needs_gstreamer() -> None:
    """What NVIDIA's boards need is only written down here: no test has seen one."""
    assert csi.sensor("csi://1") == 1
    assert csi.sensor("0") is None
    with pytest.raises(SourceError, match="csi://front: expected the number of a CSI camera"):
        open_source("csi://front")
    line = csi.pipeline(1, CameraFormat((1920, 1080), 29.97))
    assert line.startswith("nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1920,height=1080,")
    assert "framerate=2997/100 " in line
    assert line.endswith("! appsink drop=true max-buffers=1 sync=false")
    with pytest.raises(ConfigError, match="gives raw pictures only"):
        CameraSource("csi://0", CameraFormat(pixel_format="MJPG"))
    expected = (
        "cannot be opened; `gst-launch"
        if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER)
        else "needs an OpenCV with GStreamer"
    )
    with pytest.raises(SourceError, match=expected):
        open_source("csi://0")
