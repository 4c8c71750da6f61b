"""Night, fog, rain, low sun and the own bonnet: painted over pictures that were taken without them.

image (H, W, 3) uint8 RGB -> the same. No depth is known, so height in the picture stands in for it: what is
nearer to the horizon is taken to be farther away.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg.frame import UInt8Array

_Float = NDArray[np.float32]


def change_weather(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """One kind of weather or hour, drawn at random."""
    return WEATHERS[list(WEATHERS)[rng.integers(len(WEATHERS))]](image, rng)


def night(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Dark, of the colour of street lamps, with the glow of some lamps and headlights."""
    height, width = image.shape[:2]
    cast = np.array([1.0, rng.uniform(0.7, 1.0), rng.uniform(0.45, 1.0)], np.float32)
    dark = image * cast * np.float32(rng.uniform(0.25, 0.6))
    # The own headlights reach the road ahead and little else.
    beam = np.exp(-(((_columns(width) - 0.5) / 0.35) ** 2)) * np.clip(_rows(height) * 2 - 1, 0, 1)
    dark = dark * (1 + rng.uniform(0, 1.2) * beam[..., None])
    for _ in range(rng.integers(0, 9)):
        tint = np.array([255, rng.uniform(170, 255), rng.uniform(80, 255)], np.float32)
        dark += _glow(height, width, rng, radius=rng.uniform(0.008, 0.05), rows=(0.1, 0.65))[..., None] * tint
    return _uint8(dark)


def fog(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Contrast fades towards the horizon (Koschmieder's law with the row in the place of the depth)."""
    height = image.shape[0]
    horizon = rng.uniform(0.3, 0.55)
    nearness = np.clip((_rows(height) - horizon) / (1 - horizon), 0.1, 1)
    seen = np.exp(-rng.uniform(0.03, 0.2) / nearness).astype(np.float32)[..., None]
    veil = rng.uniform(130, 235)
    return _uint8(image * seen + np.float32(veil) * (1 - seen))


def rain(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Streaks, drops on the glass, a grey sky's flat light, and a wet road that mirrors what is above it."""
    height, width = image.shape[:2]
    wet = image.astype(np.float32)
    horizon = int(height * rng.uniform(0.45, 0.6))
    mirrored = cv2.blur(image[:horizon][::-1], (1, 15))[: height - horizon]
    below = wet[horizon : horizon + len(mirrored)]
    below += np.float32(rng.uniform(0, 0.35)) * (mirrored - below)

    streaks = np.zeros((height, width), np.uint8)
    slope = rng.uniform(-0.3, 0.3)
    length = rng.uniform(0.02, 0.06) * height
    for x, y in rng.uniform(0, 1, (rng.integers(50, 300), 2)) * (width, height):
        cv2.line(streaks, (int(x), int(y)), (int(x + slope * length), int(y + length)), 255, 1, cv2.LINE_AA)
    wet += cv2.blur(streaks, (1, 3)).astype(np.float32)[..., None] * np.float32(rng.uniform(0.1, 0.4))

    drops = np.zeros((height, width), np.uint8)
    for x, y in rng.uniform(0, 1, (rng.integers(0, 25), 2)) * (width, height):
        cv2.circle(drops, (int(x), int(y)), int(height * rng.uniform(0.008, 0.03)), 255, -1, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(image, (0, 0), height * 0.02)
    wet += (drops / np.float32(255))[..., None] * (blurred - wet)
    return _uint8(wet * np.float32(0.8) + np.float32(rng.uniform(10, 40)))


def low_sun(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """A sun near the horizon that glares into the lens, and the shadow that the rest falls into."""
    height, width = image.shape[:2]
    glare = _glow(height, width, rng, radius=rng.uniform(0.1, 0.5), rows=(0.05, 0.5))
    tint = np.array([255, rng.uniform(220, 255), rng.uniform(150, 240)], np.float32)
    shaded = image * np.float32(rng.uniform(0.4, 1.0))
    return _uint8(shaded + glare[..., None] * tint * np.float32(rng.uniform(0.6, 1.4)))


def shadows(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Hard shadows of trees, bridges and houses lie across the picture's lower part."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(1, 5)):
        corners = rng.uniform((-0.2, 0.4), (1.2, 1.2), (rng.integers(3, 6), 2)) * (width, height)
        cv2.fillPoly(mask, [cv2.convexHull(corners.astype(np.int32))], 1.0)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.6, 5)), np.float32)
    return _uint8(image * (1 - np.float32(rng.uniform(0.3, 0.7)) * mask[..., None]))


WEATHERS: dict[str, Callable[[UInt8Array, np.random.Generator], UInt8Array]] = {
    "night": night,
    "fog": fog,
    "rain": rain,
    "low sun": low_sun,
    "shadows": shadows,
}


def paste_bonnet(
    image: UInt8Array, class_map: UInt8Array, rng: np.random.Generator, *, label: int
) -> tuple[UInt8Array, UInt8Array]:
    """The own car in the picture's lower edge: a bonnet or a dashboard, which gets this label.

    Painted in one colour that fades, with a mirror image of what is above it, as polished bonnets have.
    """
    height, width = class_map.shape
    top = rng.uniform(0.72, 0.95)
    columns = _columns(width)[0]
    centre, half = rng.uniform(0.35, 0.65), rng.uniform(0.5, 1.2)
    power = rng.uniform(1.5, 6)
    outline = top + (1 - top) * np.clip(np.abs((columns - centre) / half), 0, 2) ** power
    outline += rng.uniform(-0.02, 0.02) * np.sin(columns * rng.uniform(3, 12))
    covered = _rows(height) > outline[None]

    shade = 1 - np.float32(rng.uniform(0, 0.7)) * (_rows(height) - np.float32(top))
    paint = np.float32(rng.uniform(0, 1, 3) * rng.choice((30, 90, 220)))
    painted = np.broadcast_to(paint * shade[..., None], image.shape).copy()
    first = int(top * height)
    mirrored = cv2.GaussianBlur(image[: first + 1][::-1], (0, 0), rng.uniform(1, 8))[: height - first]
    reflecting = painted[first : first + len(mirrored)]
    reflecting += np.float32(rng.uniform(0.2, 0.7)) * (mirrored - reflecting)
    # Without the dark seam at its edge a grey bonnet is asphalt, and a net learns to doubt smooth roads.
    seam = (_rows(height) - outline[None] > 0) & (_rows(height) - outline[None] < rng.uniform(0.006, 0.02))
    painted[seam] *= np.float32(rng.uniform(0.1, 0.5))
    result = np.where(covered[..., None], painted, image)
    return _uint8(result), np.asarray(np.where(covered, label, class_map), np.uint8)


def _rows(height: int) -> _Float:
    """(H, 1): 0 at the top, 1 at the bottom."""
    return np.linspace(0, 1, height, dtype=np.float32)[:, None]


def _columns(width: int) -> _Float:
    """(1, W): 0 at the left, 1 at the right."""
    return np.linspace(0, 1, width, dtype=np.float32)[None]


def _glow(
    height: int, width: int, rng: np.random.Generator, *, radius: float, rows: tuple[float, float]
) -> _Float:
    """(H, W) 0 to 1: a point of light between two rows (shares of the height) with its halo."""
    x, y = rng.uniform(0, 1), rng.uniform(*rows)
    far = ((_columns(width) - x) * (width / height)) ** 2 + (_rows(height) - y) ** 2
    return np.asarray(1 / (1 + far / radius**2) ** 2, np.float32)


def _uint8(image: NDArray[np.floating]) -> UInt8Array:
    return np.asarray(np.clip(image, 0, 255), np.uint8)
