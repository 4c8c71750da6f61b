"""Cameras, through OpenCV: opened, unplugged, and plugged in again."""

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
from rtseg.frame import Frame, UInt8Array
from rtseg.video import csi
from rtseg.video.camera_format import CameraFormat, difference, request
from rtseg.video.cameras import cameras
from rtseg.video.feed import Feed, Silent
from rtseg.video.live import Backoff, LiveSource

_FIRST_FRAME_TRIES = 30  # many cameras give nothing while they wake up
_PATIENCE_S = 12.0  # OpenCV gives a V4L2 camera ten seconds
_SAY_AFTER_S = 1.0


class CameraSource(LiveSource):
    """A camera by number, by device path, or by csi://NUMBER on a Jetson board.

    One that is unplugged is opened again when it is back.
    """

    def __init__(
        self, camera: str, wanted: CameraFormat | None = None, backoff: Backoff | None = None
    ) -> None:
        """Raises SourceError when there is no such camera, when it is busy or may not be used.

        What the camera gives in place of what was wanted is told in `troubles`.
        """
        super().__init__(f"camera {camera}", backoff)
        self._wanted = wanted or CameraFormat()
        self._csi = csi.sensor(camera)
        self._device = Path(f"/dev/video{camera}") if camera.isdecimal() else Path(camera)
        self._feed: Feed[tuple[UInt8Array, int]] | None = None
        # OpenCV's own warnings say less than ours.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        if self._csi is None and sys.platform == "linux":
            check_device(self.name, self._device)
        self._capture: cv2.VideoCapture | None = self._open()
        self._device = stable_name(self._device)

    def _open(self) -> cv2.VideoCapture:
        if self._csi is not None:
            return csi.open_sensor(self.name, self._csi, self._wanted)
        # The stable names under /dev/v4l are links to /dev/videoN; OpenCV knows cameras best by number.
        number = re.fullmatch(r"/dev/video(\d+)", str(self._device.resolve()))
        capture = cv2.VideoCapture(int(number[1]) if number else str(self._device))
        if not capture.isOpened():
            raise SourceError(
                f"{self.name}: cannot be opened: another program is using it, or it is no camera. {known()}"
            )
        # One frame in the driver's buffer at most: a longer queue is latency that nothing shows.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        request(capture, self._wanted)
        if text := difference(capture, self._wanted):
            self.tell("format", f"{text}; `v4l2-ctl --list-formats-ext` lists what it can give")
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(fps).limit_denominator(1001) if fps > 0 else None
        sides = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.size = sides if min(sides) > 0 else None
        return capture

    def _connect(self) -> None:
        if self._csi is None and sys.platform == "linux" and not self._device.exists():
            raise SourceError(f"{self.name}: unplugged: there is no {self._device}")
        self._capture = self._open()

    def _receive(self) -> Iterator[Frame]:
        """Frames in BGR until the camera is lost."""
        capture = self._capture
        if capture is None:
            return
        self._feed = Feed("camera", lambda: self._read(capture), capture.release, capacity=2)
        pictures = self._feed.items(self._stopping, patience_s=_PATIENCE_S, waiting=self._waiting)
        try:
            for index, (image_bgr, captured_ns) in enumerate(pictures):
                yield Frame("bgr24", (image_bgr,), index, captured_ns)
        except Silent:
            raise SourceError(f"{self.name}: gave no picture for {_PATIENCE_S:g} s") from None

    def _read(self, capture: cv2.VideoCapture) -> Iterator[tuple[UInt8Array, int]]:
        """Run by the feed's thread."""
        count = 0
        misses = 0
        while True:
            ok, image_bgr = capture.read()
            if ok:
                yield np.asarray(image_bgr, np.uint8), time.monotonic_ns()
                count += 1
                continue
            misses += 1
            if count > 0 or misses >= _FIRST_FRAME_TRIES:
                raise SourceError(f"{self.name}: stopped giving frames after {count}; check its cable")

    def _waiting(self, silent_s: float) -> None:
        if silent_s >= _SAY_AFTER_S:
            self.state = f"no picture for {silent_s:.0f} s"

    def _disconnect(self) -> None:
        """Free the camera for others, as soon as a read that is under way has ended."""
        if self._feed is not None:
            self._feed.release()
        elif self._capture is not None:
            self._capture.release()
        self._feed = self._capture = None


def check_device(name: str, device: Path) -> None:
    """Raises SourceError when there is no such device, or the user may not use it."""
    if not device.exists():
        raise SourceError(f"{name}: there is no {device}. {known()}")
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(
            f"{name}: no permission to use {device}; add yourself to its group with "
            "`sudo usermod -aG video $USER` and log in again"
        )


def stable_name(device: Path, folder: Path = Path("/dev/v4l/by-id")) -> Path:
    """The device's name that stays when it is plugged in again, where Linux has one; else the device."""
    links = folder.iterdir() if folder.is_dir() else ()
    return next((link for link in sorted(links) if link.resolve() == device.resolve()), device)


def known(root: Path = Path("/")) -> str:
    """The cameras of this machine, as a sentence; root is where Linux lists them."""
    # Elsewhere each would be opened to be known.
    found = [f"{camera.uri} ({camera.name})" for camera in cameras(root)] if sys.platform == "linux" else []
    if not found:
        return "No cameras were found; --demo runs without one"
    return f"Cameras found: {', '.join(found)}"
