"""Tints segmented frames in a style that may change at any time, with networks that may change too."""

from __future__ import annotations

from functools import lru_cache

from rtseg import overlay
from rtseg.card import ModelCard
from rtseg.frame import Segmentation, UInt8Array
from rtseg.labels import Rgb
from rtseg.runtime.shown import Shown
from rtseg.runtime.style import Style

# For each frame anew it would be the same a thousand times.
_styled = lru_cache(maxsize=16)(Style.palette)


class Tint:
    """Called by the overlay thread; `style` is set and `knows` called from any."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._colors: dict[tuple[str, ...], tuple[Rgb, ...]] = {}
        self._last: Shown | None = None

    def knows(self, card: ModelCard, *, check: bool = False) -> None:
        """Have the colours of a model whose segmentations will come.

        With check, raises ConfigError where the style names a class that it does not know.
        """
        if check:
            self.style.check(card.classes)
        self._colors = self._colors | {card.classes: card.palette}

    def palette(self, classes: tuple[str, ...]) -> tuple[Rgb | None, ...]:
        """The colours of a model's classes, None for those that are not shown."""
        return _styled(self.style, classes, self._colors[classes])

    def __call__(self, segmentation: Segmentation, class_map: UInt8Array) -> Shown:
        """class_map (h, w) uint8 has the size that `overlay.class_map_size` says."""
        palette, opacity = self.palette(segmentation.classes), self.style.opacity
        blended = overlay.blend(segmentation.frame, class_map, palette, opacity)
        self._last = Shown(segmentation, class_map, blended, palette, opacity)
        return self._last

    def again(self) -> Shown | None:
        """The last picture in the style of now, where that is another: it may be the last for long."""
        last = self._last
        if last is None:
            return None
        if (last.palette, last.opacity) == (self.palette(last.segmentation.classes), self.style.opacity):
            return None
        return self(last.segmentation, last.class_map)
