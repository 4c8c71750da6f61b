"""The cameras of this machine, by the names that people know them by."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CSI = "vi-output, "
"""What the name of a camera on a Jetson's connector begins with: "vi-output, imx219 9-0010"."""
_MOST_TRIED = 8
# linux/videodev2.h: VIDIOC_QUERYCAP, and struct v4l2_capability: driver, card, bus, version, capabilities,
# device_caps, reserved.
_QUERYCAP = 0x80685600
_CAPABILITY = struct.Struct("16s32s32s6I")
_CAN_CAPTURE = 0x1 | 0x1000  # VIDEO_CAPTURE, VIDEO_CAPTURE_MPLANE
_HAS_DEVICE_CAPS = 0x80000000


@dataclass(frozen=True)
class CameraInfo:
    """A camera that can be opened; uri is what `open_source` takes."""

    uri: str
    name: str


def cameras(root: Path = Path("/")) -> tuple[CameraInfo, ...]:
    """Those that are plugged in. Where this is not Linux they are opened one by one: a second each.

    root is where Linux has its /sys and /dev.
    """
    if sys.platform != "linux":
        return tuple(_that_open())
    found = _listed(root)
    sensors = [name.removeprefix(CSI) for _, name, _ in found if name.startswith(CSI)]
    given: list[CameraInfo] = []
    if sensors and _has_gstreamer():
        given = [CameraInfo(f"csi://{number}", name) for number, name in enumerate(sensors)]
    seen: set[Path] = set()
    for number, name, device in found:
        # A camera has a node for its pictures, and others for what it says about them.
        if device in seen or name.startswith(CSI) or not _captures(root / f"dev/video{number}"):
            continue
        seen.add(device)
        given.append(CameraInfo(str(number), name))
    return tuple(_told_apart(given))


def names(root: Path = Path("/")) -> dict[int, str]:
    """Number -> what its driver calls it, of all video devices of Linux, in order."""
    return {number: name for number, name, _ in _listed(root)}


def is_capturing(capability: bytes) -> bool:
    """Whether a struct v4l2_capability is of a node that gives pictures: no metadata, no codec."""
    _, _, _, _, of_all, of_this, *_ = _CAPABILITY.unpack(capability)
    return bool((of_this if of_all & _HAS_DEVICE_CAPS else of_all) & _CAN_CAPTURE)


def _listed(root: Path) -> list[tuple[int, str, Path]]:
    """Number, name and physical device of each node, in the order of the numbers."""
    found = []
    for entry in (root / "sys/class/video4linux").glob("video*"):
        number = re.fullmatch(r"video(\d+)", entry.name)
        if number is not None:
            name = ""
            with contextlib.suppress(OSError):  # unplugged in this moment
                name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip("\0 \n")
            device = entry / "device"
            found.append(
                (int(number[1]), _plain(name) or entry.name, device.resolve() if device.exists() else entry)
            )
    return sorted(found, key=lambda each: each[0])


def _plain(name: str) -> str:
    """UVC drivers say it twice: "HD Webcam: HD Webcam"."""
    first, _, second = name.partition(": ")
    return first if first and second and (first.startswith(second) or second.startswith(first)) else name


def _captures(device: Path) -> bool:
    """Whether the node gives pictures; taken for granted where it cannot be asked."""
    import fcntl

    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        return is_capturing(fcntl.ioctl(descriptor, _QUERYCAP, bytes(_CAPABILITY.size)))
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _told_apart(found: list[CameraInfo]) -> Iterator[CameraInfo]:
    """Two of a kind get their numbers."""
    all_names = [camera.name for camera in found]
    for camera in found:
        twice = all_names.count(camera.name) > 1
        yield CameraInfo(camera.uri, f"{camera.name} ({camera.uri})") if twice else camera


def _has_gstreamer() -> bool:
    import cv2

    return bool(cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER))


def _opens(number: int) -> bool:
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(number)
    try:
        return capture.isOpened()
    finally:
        capture.release()


def _that_open(opens: Callable[[int], bool] = _opens) -> Iterator[CameraInfo]:
    """Numbers up to the first that is none."""
    for number in range(_MOST_TRIED):
        if not opens(number):
            return
        yield CameraInfo(str(number), f"Camera {number}")
