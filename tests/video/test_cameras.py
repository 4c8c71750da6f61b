"""Cameras by name, from what Linux says of its video devices."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from rtseg.video.cameras import CameraInfo, _that_open, cameras, is_capturing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/sys is Linux's")


def plug_in(root: Path, number: int, name: str, port: str) -> None:
    device = root / "sys/devices" / port
    device.mkdir(parents=True, exist_ok=True)
    entry = root / f"sys/class/video4linux/video{number}"
    entry.mkdir(parents=True)
    (entry / "name").write_text(name + "\n")
    (entry / "device").symlink_to(device)


def test_one_a_camera_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert cameras(tmp_path) == ()
    plug_in(tmp_path, 10, "Rear", "usb3")
    plug_in(tmp_path, 0, "HD Webcam: HD Webcam", "usb1")
    plug_in(tmp_path, 1, "HD Webcam: HD Webcam", "usb1")  # what it says about its pictures
    plug_in(tmp_path, 2, "Front", "usb2")
    assert cameras(tmp_path) == (
        CameraInfo("0", "HD Webcam"),
        CameraInfo("2", "Front"),
        CameraInfo("10", "Rear"),
    )


def test_two_of_a_kind_are_told_apart(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam", "usb1")
    plug_in(tmp_path, 2, "HD Webcam", "usb2")
    assert [camera.name for camera in cameras(tmp_path)] == ["HD Webcam (0)", "HD Webcam (2)"]


def test_a_csi_camera_is_never_offered_as_raw_video(tmp_path: Path) -> None:
    import cv2

    plug_in(tmp_path, 0, "vi-output, imx219 9-0010", "csi")
    has_gstreamer = cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER)
    assert cameras(tmp_path) == ((CameraInfo("csi://0", "imx219 9-0010"),) if has_gstreamer else ())


@pytest.mark.parametrize(
    ("of_all", "of_this", "captures"),
    [
        (0x84A00001, 0x04200001, True),  # uvcvideo: its pictures
        (0x84A00001, 0x04A00000, False),  # uvcvideo: its metadata
        (0x84204000, 0x04204000, False),  # a codec, memory to memory
        (0x85201000, 0x05201000, True),  # several planes
        (0x00000001, 0, True),  # an old driver
    ],
)
def test_only_nodes_that_give_pictures_count(of_all: int, of_this: int, captures: bool) -> None:
    capability = struct.pack("16s32s32s6I", b"driver", b"card", b"bus", 0, of_all, of_this, 0, 0, 0)
    assert is_capturing(capability) is captures


def test_elsewhere_those_that_open_are_counted() -> None:
    assert list(_that_open(lambda number: number < 2)) == [
        CameraInfo("0", "Camera 0"),
        CameraInfo("1", "Camera 1"),
    ]
