"""What a camera is asked to give, and what it then says it gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtseg.errors import ConfigError
from rtseg.frame import Size

if TYPE_CHECKING:
    import cv2

_USB2_PIXELS = 640 * 480  # above, USB 2 carries 30 raw pictures a second no more, compressed ones it does


@dataclass(frozen=True)
class CameraFormat:
    """What a camera is asked to give; None leaves it to the camera."""

    size: Size | None = None
    rate: float | None = None
    """Frames a second."""
    pixel_format: str | None = None
    """A FourCC as V4L2 writes it: MJPG, YUYV, ..."""

    def __post_init__(self) -> None:
        """Raises ConfigError for what no camera can give."""
        if self.size is not None and min(self.size) < 1:
            raise ConfigError(f"camera size {self.size[0]}x{self.size[1]} has no pixels; try 1280x720")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise ConfigError(f"camera rate {self.rate:g} cannot be; give frames a second, for example 30")
        name = self.pixel_format
        if name is not None and not re.fullmatch(r"\w{3}[\w ]", name, re.ASCII):
            raise ConfigError(
                f"camera format {name!r} is no FourCC of four characters; give MJPG or YUYV, or "
                "one that `v4l2-ctl --list-formats-ext` lists"
            )

    @property
    def fourcc(self) -> str | None:
        """The pixel format to ask for: MJPG for pictures that would be too big for USB as they are."""
        if self.pixel_format is not None:
            return self.pixel_format.upper()
        is_big = self.size is not None and self.size[0] * self.size[1] > _USB2_PIXELS
        return "MJPG" if is_big else None


def request(capture: cv2.VideoCapture, wanted: CameraFormat) -> None:
    """Ask an open camera; it does what it can."""
    import cv2

    # The format comes first: the sizes that a camera has depend on it.
    if wanted.fourcc is not None:
        capture.set(cv2.CAP_PROP_FOURCC, fourcc_code(wanted.fourcc))
    if wanted.size is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.size[1])
    if wanted.rate is not None:
        capture.set(cv2.CAP_PROP_FPS, wanted.rate)


def difference(capture: cv2.VideoCapture, wanted: CameraFormat) -> str | None:
    """What the camera says it gives where that is not what was asked for: "gives 640x480, not 1920x1080"."""
    import cv2

    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    rate = capture.get(cv2.CAP_PROP_FPS)
    fourcc = fourcc_name(int(capture.get(cv2.CAP_PROP_FOURCC)))
    given, asked = [], []
    if wanted.size is not None and size != wanted.size:
        given.append(f"{size[0]}x{size[1]}")
        asked.append(f"{wanted.size[0]}x{wanted.size[1]}")
    if wanted.rate is not None and rate > 0 and abs(rate - wanted.rate) > 0.01 * wanted.rate:
        given.append(f"{rate:.4g} frames a second")
        asked.append(f"{wanted.rate:.4g}")
    # What nobody asked for by name is no surprise when it does not come.
    if wanted.pixel_format is not None and fourcc and fourcc.upper() != wanted.fourcc:
        given.append(fourcc)
        asked.append(wanted.pixel_format)
    return f"gives {', '.join(given)}, not {', '.join(asked)}" if given else None


def fourcc_code(name: str) -> int:
    """The number that OpenCV and V4L2 know a pixel format by."""
    return int.from_bytes(name.encode("ascii"), "little")


def fourcc_name(code: int) -> str:
    """The four characters of a number; nothing where it has none."""
    return code.to_bytes(4, "little", signed=code < 0).decode("ascii", "replace").strip("\0 ")
