"""rtseg: real-time segmentation of road, vehicles and pedestrians in video.

>>> import rtseg
>>> with rtseg.load("street-m") as segmenter:
...     class_map = segmenter(frame_bgr)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtseg.errors import RtsegError

if TYPE_CHECKING:
    from rtseg.segmenter import Segmenter, load

__version__ = "0.1.0"
__all__ = ["RtsegError", "Segmenter", "load"]


def __getattr__(name: str) -> object:
    # Loaded at first use, so that `import rtseg` and `rtseg --help` stay instant.
    if name in {"load", "Segmenter"}:
        from rtseg import segmenter

        return getattr(segmenter, name)
    raise AttributeError(f"module 'rtseg' has no attribute {name!r}")
