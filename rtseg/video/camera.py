"""Cameras, through OpenCV."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from rtseg.errors import SourceError
from rtseg.frame import Frame
from rtseg.video.source import BaseSource

_FIRST_FRAME_TRIES = 30  # many cameras give nothing while they wake up


class CameraSource(BaseSource):
    """A camera by number or device path."""

    live = True

    def __init__(self, camera: str) -> None:
        """Raises SourceError when there is no such camera, when it is busy or may not be used."""
        super().__init__(f"camera {camera}")
        device = Path(f"/dev/video{camera}") if camera.isdecimal() else Path(camera)
        if sys.platform == "linux":
            check_device(self.name, device)
        # OpenCV's own warnings say less than ours.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        # The stable names under /dev/v4l are links to /dev/videoN; OpenCV knows cameras best by number.
        number = re.fullmatch(r"/dev/video(\d+)", str(device.resolve()))
        self._capture = cv2.VideoCapture(int(number[1]) if number else str(device))
        if not self._capture.isOpened():
            raise SourceError(
                f"{self.name}: cannot be opened: another program is using it, or it is no camera. {known()}"
            )
        # One frame in the driver's buffer at most: a longer queue is latency that nothing shows.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(fps).limit_denominator(1001) if fps > 0 else None

    def frames(self) -> Iterator[Frame]:
        """Frames in BGR until the camera stops."""
        index = 0
        misses = 0
        while True:
            ok, image_bgr = self._capture.read()
            if not ok:
                misses += 1
                if index > 0 or misses >= _FIRST_FRAME_TRIES:
                    raise SourceError(
                        f"{self.name}: stopped giving frames after {index}; check its cable, then start again"
                    )
                continue
            yield Frame("bgr24", (np.asarray(image_bgr, np.uint8),), index, captured_ns=time.monotonic_ns())
            index += 1

    def close(self) -> None:
        """Free the camera for others."""
        self._capture.release()


def check_device(name: str, device: Path) -> None:
    """Raises SourceError when there is no such device, or the user may not use it."""
    if not device.exists():
        raise SourceError(f"{name}: there is no {device}. {known()}")
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(
            f"{name}: no permission to use {device}; add yourself to its group with "
            "`sudo usermod -aG video $USER` and log in again"
        )


def known(folder: Path = Path("/sys/class/video4linux")) -> str:
    """The cameras of this machine, as a sentence; the folder is where Linux lists them."""
    found = []
    for entry in sorted(folder.glob("video*")):
        label = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        found.append(f"{entry.name.removeprefix('video')} ({label})")
    if not found:
        return "No cameras were found; --demo runs without one"
    return f"Cameras found: {', '.join(found)}"
