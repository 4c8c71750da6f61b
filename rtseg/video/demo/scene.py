"""A street that the program draws itself, as a camera in a driving car sees it, with its true class map.

Road, traffic and people are placed by seeded dice along an endless road (world, actors),
lit by the hour and the weather (light), made into polygons (street, houses, trees,
vehicles, people) and drawn from far to near onto a canvas (canvas), which gives the same
geometry to the picture and to the class map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

import cv2
import numpy as np

from rtseg.errors import ConfigError
from rtseg.frame import Size, UInt8Array
from rtseg.labels import BACKGROUND
from rtseg.video.demo import actors
from rtseg.video.demo.canvas import Canvas, Strokes, View
from rtseg.video.demo.houses import house_strokes, paint_skyline
from rtseg.video.demo.light import MOOD_SECONDS, Light, cloud_texture, light_at, paint_sky
from rtseg.video.demo.meshes import size_m
from rtseg.video.demo.people import height_m, person_strokes
from rtseg.video.demo.street import paint_ground, paint_shadows
from rtseg.video.demo.street import shadows as cast_shadows
from rtseg.video.demo.trees import lamp_strokes, tree_strokes
from rtseg.video.demo.vehicles import vehicle_strokes
from rtseg.video.demo.world import PLOT_M, Thing, street_of
from rtseg.video.demo.world import things as things_near

SMALLEST_SHARE = 0.07
"""People and vehicles that would be less tall than this share of the picture are not drawn."""

_LIGHT_STEP_S = 0.5  # too short a step in the light to be seen; the sky is drawn once in each
_HEADING_MAX_RAD = 0.35
_NOISE_ROWS = 512
_TREES_M = 115.0

_Placed = actors.Vehicle | actors.Person | Thing


@dataclass(frozen=True, eq=False)
class _Item:
    """Something that stands on the ground, with where it is, so that items can be sorted from far to near."""

    near_m: float
    far_m: float
    aside_m: float
    """How far its nearer side is from the line of the eye."""
    strokes: Strokes


def _farther_first(a: _Item, b: _Item) -> int:
    if a.near_m >= b.far_m or b.near_m >= a.far_m:
        return 1 if b.near_m > a.near_m else -1
    return 1 if b.aside_m > a.aside_m else -1  # side by side: what is nearer to our own line hides the other


class DemoScene:
    """An endless drive through a street of this seed.

    size: width and height in pixels, 16 to 8192 each. Raises ConfigError for any other size.
    A scene is a pure function of (size, seed, seconds): a moment looks the same whatever was asked before.
    One thread at a time calls it.
    """

    def __init__(self, size: Size = (1280, 720), seed: int = 0) -> None:
        width, height = size
        if not (16 <= width <= 8192 and 16 <= height <= 8192):
            raise ConfigError(
                f"demo scene: size is {width}x{height}, but width and height must be 16 to 8192 pixels; "
                "try 1280x720"
            )
        self.size = (int(width), int(height))
        self.seed = int(seed) & (2**63 - 1)  # the dice take no negative numbers
        self.street = street_of(self.seed)
        rng = np.random.default_rng((self.seed, 11))
        self._clouds = cloud_texture(rng)
        rows = min(_NOISE_ROWS, self.size[1])
        self._noise = _noise_tile(rng, self.street.grain, rows + 32, self.size[0] + 32)
        self._focal_px = self.street.focal * float(np.sqrt(self.size[0] * self.size[1]))
        self._light_step: int | None = None
        self._light: Light = light_at(0.0, 0.0)
        self._sky: UInt8Array = np.zeros((1, 1, 3), dtype=np.uint8)

    def render(self, seconds: float) -> tuple[UInt8Array, UInt8Array]:
        """The picture (H, W, 3) uint8 BGR and the class map (H, W) uint8 at this time."""
        labels = np.full((self.size[1], self.size[0]), BACKGROUND, dtype=np.uint8)
        return self._draw(seconds, labels), labels

    def picture(self, seconds: float) -> UInt8Array:
        """The picture alone, (H, W, 3) uint8 BGR: the same as render's, sooner."""
        return self._draw(seconds, None)

    def _draw(self, seconds: float, labels: UInt8Array | None) -> UInt8Array:
        light = self._light_at(seconds)
        view = self._view_at(seconds)
        heading = self.street.heading_rad(view.eye_along_m)
        canvas = Canvas(self._sky_behind(view, heading), labels)
        paint_skyline(canvas, view, light, self.street, heading)
        paint_ground(canvas, view, light, self.street)
        vehicles = [v for v in actors.vehicles(self.street, seconds) if self._shows_vehicle(view, v)]
        people = [p for p in actors.people(self.street, seconds) if self._shows_person(view, p)]
        things = list(things_near(self.street, view.eye_along_m))
        shadows = cast_shadows(view, light, vehicles, people, things)
        paint_shadows(canvas, view, light, shadows)
        items = [
            *_items(view, vehicles, vehicle_strokes(view, light, vehicles)),
            *_items(view, people, person_strokes(view, light, people)),
            *self._standing(view, light, things),
        ]
        for item in sorted(items, key=cmp_to_key(_farther_first)):
            canvas.draw(item.strokes)
        self._add_noise(canvas.picture, seconds)
        return canvas.picture

    def _standing(self, view: View, light: Light, things: list[Thing]) -> Iterator[_Item]:
        houses = [thing for thing in things if thing.kind == "house"]
        trees = [t for t in things if t.kind == "tree" and 1.5 < t.along_m - view.eye_along_m < _TREES_M]
        lamps = [t for t in things if t.kind == "lamp" and 2.0 < t.along_m - view.eye_along_m < _TREES_M]
        yield from _items(view, houses, house_strokes(view, light, self.street.town, houses))
        yield from _items(view, trees, tree_strokes(view, light, trees))
        yield from _items(view, lamps, lamp_strokes(view, light, lamps))

    def _shows_vehicle(self, view: View, vehicle: actors.Vehicle) -> bool:
        _, height, length = size_m(vehicle.kind, vehicle.variant)
        near = vehicle.along_m - view.eye_along_m - 0.5 * length
        return near + length > 1.0 and self._tall_enough(view, height, max(near, 1.0))

    def _shows_person(self, view: View, person: actors.Person) -> bool:
        near = person.along_m - view.eye_along_m
        return near > 1.6 and self._tall_enough(view, height_m(person), near)

    def _tall_enough(self, view: View, height_m: float, depth_m: float) -> bool:
        return height_m * view.focal_px / depth_m >= max(SMALLEST_SHARE * self.size[1], 3.0)

    def _view_at(self, seconds: float) -> View:
        street, (_, height) = self.street, self.size
        along = street.eye_along_m(seconds)
        # the springs of the car: it nods a little, and more slowly it sways in its lane
        nod = 0.0016 * np.sin(7.1 * seconds) + 0.0011 * np.sin(0.9 * along)
        return View(
            size=self.size,
            focal_px=self._focal_px,
            horizon_px=street.horizon * height + float(nod) * self._focal_px,
            eye_side_m=street.ego_side_m + 0.18 * float(np.sin(0.31 * seconds + 1.0)),
            eye_up_m=street.eye_up_m,
            eye_along_m=along,
            mirror=street.mirror,
            bend_m=street.bend_m(along),
        )

    def _light_at(self, seconds: float) -> Light:
        step = int(np.floor(seconds / _LIGHT_STEP_S))
        if step != self._light_step:
            phase = self.street.mood + step * _LIGHT_STEP_S / MOOD_SECONDS * self.street.mood_pace
            self._light = light_at(phase, self.street.sun_side)
            width = self.size[0] + 2 * int(_HEADING_MAX_RAD * self._focal_px)
            rows = int((self.street.horizon + 0.01) * self.size[1]) + 4
            drift = 0.0015 * step * _LIGHT_STEP_S
            self._sky = paint_sky(self._light, self._clouds, drift, (width, rows), self._focal_px)
            self._light_step = step
        return self._light

    def _sky_behind(self, view: View, heading_rad: float) -> UInt8Array:
        """A new picture with the sky in it, turned with the road."""
        width, height = self.size
        picture = np.empty((height, width, 3), dtype=np.uint8)
        rows, wide = self._sky.shape[:2]
        horizon = min(max(int(view.horizon_px) + 1, 1), height)
        turn = float(np.clip(heading_rad, -_HEADING_MAX_RAD, _HEADING_MAX_RAD)) * self._focal_px
        left = min(max(int((wide - width) / 2 + turn), 0), wide - width)
        sky = self._sky[:, left : left + width]
        if view.mirror < 0:
            sky = sky[:, ::-1]
        used = min(horizon, rows)
        picture[horizon - used : horizon] = sky[rows - used :]
        picture[: horizon - used] = sky[0]
        return picture

    def _add_noise(self, picture: UInt8Array, seconds: float) -> None:
        """Sensor noise: one part of the tile added, another taken away, different at every moment."""
        moment = np.random.default_rng((self.seed, 13, round(seconds * 1000.0) & 0xFFFFFFFF))
        offsets = moment.integers(0, 32, size=(-(-self.size[1] // _NOISE_ROWS), 4)).tolist()
        for strip, (y0, x0, y1, x1) in enumerate(offsets):
            part = picture[strip * _NOISE_ROWS : (strip + 1) * _NOISE_ROWS]
            rows, width = part.shape[:2]
            cv2.add(part, self._noise[y0 : y0 + rows, x0 : x0 + width], dst=part)
            cv2.subtract(part, self._noise[y1 : y1 + rows, x1 : x1 + width], dst=part)


def _items(view: View, placed: Sequence[_Placed], strokes: list[Strokes]) -> Iterator[_Item]:
    for one, drawn in zip(placed, strokes, strict=True):
        if not len(drawn.polygons):
            continue
        near, aside = one.along_m - view.eye_along_m, abs(one.side_m - view.eye_side_m)
        if isinstance(one, actors.Vehicle):
            width, _, length = size_m(one.kind, one.variant)
            yield _Item(near - 0.5 * length, near + 0.5 * length, aside - 0.5 * width, drawn)
        elif isinstance(one, actors.Person):
            yield _Item(near - 0.3, near + 0.3, aside - 0.25, drawn)
        else:
            yield _Item(near, near + (PLOT_M if one.kind == "house" else 0.1), aside, drawn)


def _noise_tile(rng: np.random.Generator, spread: float, rows: int, width: int) -> UInt8Array:
    grey = rng.normal(2.5 * spread, 0.6 * spread, (rows, width, 1)).astype(np.float32)
    colour = rng.normal(0.0, 0.35 * spread, (rows, width, 3)).astype(np.float32)
    return np.asarray(np.clip(np.rint(grey + colour), 0, 255), dtype=np.uint8)
