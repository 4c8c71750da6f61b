"""What the loop hands to a window: a picture with all that it takes to show it another way."""

from __future__ import annotations

from dataclasses import dataclass

from rtseg.frame import Frame, Segmentation, UInt8Array
from rtseg.labels import Rgb


@dataclass(frozen=True, eq=False)
class Shown:
    """A segmented frame as it was tinted.

    class_map (h, w) uint8 has the size of the frame's chroma planes (`overlay.class_map_size`). palette and
    opacity are what `blended` was made with; None in the palette is a class that is not shown.
    """

    segmentation: Segmentation
    class_map: UInt8Array
    blended: Frame
    palette: tuple[Rgb | None, ...]
    opacity: float

    @property
    def frame(self) -> Frame:
        """The picture as it came."""
        return self.segmentation.frame
