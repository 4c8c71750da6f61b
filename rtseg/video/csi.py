"""Cameras on the ribbon cable of a Jetson board, through GStreamer."""

from __future__ import annotations

from fractions import Fraction

import cv2

from rtseg.errors import ConfigError, SourceError
from rtseg.video.camera_format import CameraFormat

_SIZE = (1280, 720)
_RATE = 30.0


def sensor(uri: str) -> int | None:
    """The number in csi://NUMBER; None for any other name. Raises SourceError where there is no number."""
    if not uri.lower().startswith("csi://"):
        return None
    number = uri[6:]
    if not number.isdecimal():
        raise SourceError(f"{uri}: expected the number of a CSI camera, for example csi://0")
    return int(number)


def pipeline(number: int, wanted: CameraFormat) -> str:
    """What GStreamer runs: NVIDIA's camera source, brought to BGR in the newest picture only."""
    width, height = wanted.size or _SIZE
    rate = Fraction(wanted.rate or _RATE).limit_denominator(1001)
    return " ! ".join(
        (
            f"nvarguscamerasrc sensor-id={number}",
            f"video/x-raw(memory:NVMM),width={width},height={height},"
            f"framerate={rate.numerator}/{rate.denominator}",
            "nvvidconv",
            "video/x-raw,format=BGRx",
            "videoconvert",
            "video/x-raw,format=BGR",
            "appsink drop=true max-buffers=1 sync=false",
        )
    )


def open_sensor(name: str, number: int, wanted: CameraFormat) -> cv2.VideoCapture:
    """Raises SourceError when there is no such camera, or when OpenCV has no GStreamer."""
    if wanted.pixel_format is not None:
        raise ConfigError(f"{name}: gives raw pictures only; leave the camera format out")
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise SourceError(
            f"{name}: needs an OpenCV with GStreamer, which the one from pip lacks; on a Jetson use the "
            "system's: pip uninstall opencv-python-headless, in a venv made with --system-site-packages"
        )
    capture = cv2.VideoCapture(pipeline(number, wanted), cv2.CAP_GSTREAMER)
    if not capture.isOpened():
        raise SourceError(
            f"{name}: cannot be opened; `gst-launch-1.0 nvarguscamerasrc sensor-id={number} ! fakesink` "
            "says why"
        )
    return capture
