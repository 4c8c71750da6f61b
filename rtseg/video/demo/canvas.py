"""How the demo scene gets onto the picture: a camera that projects, a canvas that fills polygons.

Points in the street are (side_m, up_m, along_m): right of the centre line, above the road, along the road.
Points in the picture are (x, y) in pixels, from the outer corner of the first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Size, UInt8Array

FloatArray = NDArray[np.float64]
Bgr = Sequence[float]

NEAR_M = 0.6
"""Nothing is nearer than this; what would be is clamped, which for lines along the road is exact clipping."""

BEND_STATIONS_M = np.concatenate([np.arange(0.0, 60.0, 3.0), np.arange(60.0, 401.0, 10.0)])
"""Distances ahead at which a view knows how far the road has bent away."""

_SHIFT = 4  # OpenCV takes sub-pixel positions as fixed point: sixteenths of a pixel
_ARC = np.linspace(0.5 * np.pi, 1.5 * np.pi, 5)
_GLOW = np.clip(1.15 * np.exp(-3.5 * np.hypot(*np.mgrid[-1:1:33j, -1:1:33j])) - 0.06, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class View:
    """The camera at one moment. It bends all points with the road, so the street is straight elsewhere."""

    size: Size
    focal_px: float
    horizon_px: float
    eye_side_m: float
    eye_up_m: float
    eye_along_m: float
    mirror: float
    """-1 turns the whole street into one where people drive on the left."""
    bend_m: FloatArray
    """How far the road has moved to the right at each of BEND_STATIONS_M, seen from the eye."""

    def depth(self, along_m: FloatArray) -> FloatArray:
        """Distance ahead of the eye, never below NEAR_M."""
        return np.maximum(along_m - self.eye_along_m, NEAR_M)

    def project(self, points_m: FloatArray) -> FloatArray:
        """(..., 3) metres -> (..., 2) pixels."""
        depth = self.depth(points_m[..., 2])
        scale = self.focal_px / depth
        side = points_m[..., 0] - self.eye_side_m + np.interp(depth, BEND_STATIONS_M, self.bend_m)
        pixels: FloatArray = np.empty((*depth.shape, 2))
        pixels[..., 0] = 0.5 * self.size[0] + self.mirror * side * scale
        pixels[..., 1] = self.horizon_px + (self.eye_up_m - points_m[..., 1]) * scale
        return pixels

    def sees(self, polygons_px: FloatArray) -> NDArray[np.bool_]:
        """Which of these (N, K, 2) polygons have boxes that overlap the picture and reach over a pixel."""
        x, y = polygons_px[..., 0], polygons_px[..., 1]
        left, right, top, bottom = x.min(axis=1), x.max(axis=1), y.min(axis=1), y.max(axis=1)
        inside = (right > 0) & (left < self.size[0]) & (bottom > 0) & (top < self.size[1])
        return np.asarray(inside & (np.maximum(right - left, bottom - top) > 1.0))


Glow = tuple[FloatArray, float, Bgr]
"""Centre and radius in pixels, and the light that it adds."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """One thing made ready for the canvas: polygons (N, K, 2) in fixed point, from far to near."""

    polygons: NDArray[np.int32]
    colours: list[list[float]]
    label: int
    glows: Sequence[Glow] = ()


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture (H, W, 3) uint8 BGR and, if wanted, its class map (H, W) uint8: one geometry for both."""

    picture: UInt8Array
    labels: UInt8Array | None = None

    def fill(self, polygon_px: FloatArray, bgr: Bgr, label: int | None) -> None:
        """Fill one (N, 2) polygon. label None keeps the classes below: it is paint on a surface."""
        fixed = [_fixed(polygon_px)]
        cv2.fillPoly(self.picture, fixed, bgr, cv2.LINE_AA, _SHIFT)
        if label is not None and self.labels is not None:
            cv2.fillPoly(self.labels, fixed, (label,), cv2.LINE_8, _SHIFT)

    def draw(self, strokes: Strokes) -> None:
        """Fill the convex polygons of one thing in their order, then add its glows."""
        picture, labels, label = self.picture, self.labels, strokes.label
        for polygon, bgr in zip(strokes.polygons, strokes.colours, strict=True):
            cv2.fillConvexPoly(picture, polygon, bgr, cv2.LINE_AA, _SHIFT)
            if labels is not None:
                cv2.fillConvexPoly(labels, polygon, label, cv2.LINE_8, _SHIFT)
        for centre, radius, glow_bgr in strokes.glows:
            self.glow(centre, radius, glow_bgr)

    def fill_all(self, polygons_px: FloatArray, bgr: Bgr) -> None:
        """Fill polygons (N, K, 2) that do not overlap in one colour, keeping the classes below."""
        if len(polygons_px):
            cv2.fillPoly(self.picture, list(_fixed(polygons_px)), bgr, cv2.LINE_AA, _SHIFT)

    def glow(self, centre_px: FloatArray, radius_px: float, bgr: Bgr) -> None:
        """Add a halo of light; it changes no class."""
        height, width = self.picture.shape[:2]
        left, top = (int(v) for v in centre_px - radius_px)
        side = int(2 * radius_px) + 1
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
        if side < 3 or side > 2 * max(width, height) or x0 >= x1 or y0 >= y1:
            return
        halo = (_GLOW[..., None] * np.asarray(bgr)).astype(np.uint8)
        halo = cv2.resize(halo, (side, side), interpolation=cv2.INTER_LINEAR)
        region = self.picture[y0:y1, x0:x1]
        cv2.add(region, halo[y0 - top : y1 - top, x0 - left : x1 - left], dst=region)


def split_strokes(
    pixels: FloatArray, colours: FloatArray, owners: NDArray[np.intp], count: int, label: int
) -> list[Strokes]:
    """Polygons (N, K, 2) with colours (N, 3), sorted by owner -> the strokes of each owner, 0 to count - 1.

    Many small things cost less when they are computed as one array and parted at the end.
    """
    fixed, shades = _fixed(pixels), colours.tolist()
    bounds = np.searchsorted(owners, np.arange(count + 1)).tolist()
    return [Strokes(fixed[a:b], shades[a:b], label) for a, b in pairwise(bounds)]


def capsules(starts_px: FloatArray, ends_px: FloatArray, radii_px: FloatArray) -> FloatArray:
    """Rounded bars: starts and ends (N, 2), radii (N, 2) at each of the two -> convex polygons (N, 10, 2)."""
    axis = ends_px - starts_px
    length = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-6)[:, None]
    axis = axis / length
    across = np.stack([-axis[:, 1], axis[:, 0]], axis=1)
    spread = np.cos(_ARC)[:, None] * axis[:, None] + np.sin(_ARC)[:, None] * across[:, None]
    first = starts_px[:, None] + radii_px[:, 0, None, None] * spread
    second = ends_px[:, None] - radii_px[:, 1, None, None] * spread
    return np.concatenate([first, second], axis=1)


def _fixed(pixels: FloatArray) -> NDArray[np.int32]:
    # OpenCV counts from the middle of the first pixel
    return np.rint((pixels - 0.5) * (1 << _SHIFT)).astype(np.int32)
