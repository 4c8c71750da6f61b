"""The demo street and what stands in it: pure functions of a seed, and a place along the road.

Nothing is stored: a place is a cell of a stream, and a cell's seeded dice say what is in it. So the street
has no end, and any moment can be asked for in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rtseg.video.demo.canvas import BEND_STATIONS_M, FloatArray

SIGHT_M = 190.0
"""Nothing is placed farther ahead than this."""


@lru_cache(maxsize=16384)
def dice(seed: int, stream: int, cell: int) -> tuple[float, ...]:
    """Sixteen numbers from 0 to 1 that belong to this cell of this stream, always the same."""
    return tuple(np.random.default_rng((seed, stream, cell & 0xFFFFFFFF)).random(16).tolist())


@dataclass(frozen=True)
class Roadside:
    """What follows outwards from one edge of the carriageway; all widths in metres."""

    sign: float
    """1 right of the centre line, -1 left of it."""
    edge_m: float
    """Distance of the carriageway's edge from the centre line."""
    parking_m: float
    parking_paved: bool
    """A paved strip beside the road, rather than a part of the road."""
    pavement_m: float
    garden_m: float

    @property
    def kerb_m(self) -> float:
        return self.edge_m + self.parking_m

    @property
    def pavement_end_m(self) -> float:
        return self.kerb_m + 0.25 + self.pavement_m

    @property
    def front_m(self) -> float:
        """Where the buildings begin."""
        return self.pavement_end_m + self.garden_m


@dataclass(frozen=True)
class Street:
    """Everything that a seed decides once and for all."""

    seed: int
    mirror: float
    lane_m: float
    own_lanes: int
    oncoming_lanes: int
    ego_lane: int
    shoulder_m: float
    right: Roadside
    left: Roadside
    speed_mps: float
    eye_up_m: float
    focal: float
    """Focal length by the square root of the picture's area."""
    horizon: float
    """Height of the horizon by the picture's height, from the top."""
    bend: tuple[tuple[float, float, float], ...]
    """Waves of curvature: amplitude per metre, radians per metre, phase in radians."""
    traffic: float
    parked: float
    people: float
    greenery: float
    town: int
    """Which of the building palettes."""
    asphalt: float
    yellow_centre: bool
    mood: float
    mood_pace: float
    sun_side: float
    grain: float
    """Spread of the sensor noise in grey levels."""

    @property
    def ego_side_m(self) -> float:
        return (self.ego_lane + 0.5) * self.lane_m

    def eye_along_m(self, seconds: float) -> float:
        """Where the camera is at this time: it drives on for ever, now faster, now slower."""
        return self.speed_mps * (seconds + 1.6 * float(np.sin(0.23 * seconds + self.seed)))

    def seconds_at(self, eye_along_m: float) -> float:
        """When the camera is at this place."""
        seconds = eye_along_m / self.speed_mps
        for _ in range(40):  # it slows by far less than it drives, so this settles
            seconds += (eye_along_m - self.eye_along_m(seconds)) / self.speed_mps
        return seconds

    def heading_rad(self, along_m: float) -> float:
        """The road's direction at this place, positive to the right."""
        return float(sum(-a / w * np.cos(w * along_m + p) for a, w, p in self.bend))

    def bend_m(self, along_m: float) -> FloatArray:
        """How far the road moves to the right of its tangent here, at each of BEND_STATIONS_M ahead."""
        drift = np.zeros_like(BEND_STATIONS_M)
        for a, w, p in self.bend:
            start = w * along_m + p
            drift += a / w**2 * (np.sin(start) - np.sin(start + w * BEND_STATIONS_M))
            drift += a / w * np.cos(start) * BEND_STATIONS_M
        return drift


def street_of(seed: int) -> Street:
    """Draw a street."""
    rng = np.random.default_rng((seed, 7))
    lane_m = float(rng.uniform(3.0, 3.6))
    own = int(rng.choice([1, 1, 2]))
    oncoming = int(rng.choice([1, 1, 1, 2])) if own == 1 or rng.random() < 0.75 else 0
    shoulder = float(rng.uniform(0.35, 1.5))

    def roadside(sign: float, lanes: int) -> Roadside:
        parking = float(rng.choice([0.0, 2.2, 2.4]))
        return Roadside(
            sign=sign,
            edge_m=lanes * lane_m + shoulder,
            parking_m=parking,
            parking_paved=bool(rng.random() < 0.5),
            pavement_m=float(rng.uniform(2.2, 4.2)),
            garden_m=float(rng.choice([0.0, 0.0, 1.5, 4.0])),
        )

    sharpness = float(rng.choice([0.0006, 0.0014, 0.0024]))
    return Street(
        seed=seed,
        mirror=-1.0 if rng.random() < 0.2 else 1.0,
        lane_m=lane_m,
        own_lanes=own,
        oncoming_lanes=oncoming,
        ego_lane=int(rng.integers(own)),
        shoulder_m=shoulder,
        right=roadside(1.0, own),
        left=roadside(-1.0, oncoming),
        speed_mps=float(rng.uniform(7.0, 13.0)),
        eye_up_m=float(rng.uniform(1.25, 2.1)),
        focal=float(rng.uniform(0.95, 1.4)),
        horizon=float(rng.uniform(0.40, 0.53)),
        bend=tuple(
            (sharpness * float(rng.uniform(0.4, 1.0)), 2 * np.pi / length, float(rng.uniform(0, 2 * np.pi)))
            for length in (float(rng.uniform(480, 800)), float(rng.uniform(250, 420)))
        ),
        traffic=float(rng.uniform(0.3, 0.85)),
        parked=float(rng.uniform(0.25, 0.85)),
        people=float(rng.uniform(0.5, 1.0)),
        greenery=float(rng.uniform(0.2, 0.95)),
        town=int(rng.integers(4)),
        asphalt=float(rng.uniform(88, 132)),
        yellow_centre=bool(rng.random() < 0.25),
        mood=float(rng.uniform(0, 9)),
        mood_pace=float(rng.uniform(0.8, 1.3)),
        sun_side=float(rng.uniform(-0.9, 0.9)),
        grain=float(rng.uniform(1.2, 3.6)),
    )


def cells(
    eye_m: float, shift_m: float, cell_m: float, behind_m: float = 8.0, sight_m: float = SIGHT_M
) -> range:
    """The cells of a stream within sight; the whole stream has moved ahead by shift_m."""
    first = int(np.floor((eye_m - behind_m - shift_m) / cell_m))
    return range(first, int(np.floor((eye_m + sight_m - shift_m) / cell_m)) + 1)


CROSSING_CELL_M = 95.0
CROSSING_M = 3.6


def crossing_m(street: Street, cell: int) -> float | None:
    """Middle of this cell's crossing, if it has one."""
    d = dice(street.seed, 140, cell)
    return (cell + 0.2 + 0.6 * d[1]) * CROSSING_CELL_M if d[0] < 0.55 else None


def crossings(street: Street, eye_m: float) -> Iterator[tuple[int, float]]:
    """Cell and middle of every crossing within sight."""
    for cell in cells(eye_m, 0.0, CROSSING_CELL_M):
        middle = crossing_m(street, cell)
        if middle is not None:
            yield cell, middle


def near_crossing(street: Street, along_m: float, within_m: float) -> bool:
    """Whether a place is so near to a crossing that it must be kept clear."""
    cell = int(np.floor(along_m / CROSSING_CELL_M))
    middle = crossing_m(street, cell)
    return middle is not None and abs(middle - along_m) < within_m


PLOT_M = 15.0
"""The length of a house's plot along the road."""


@dataclass(frozen=True)
class Thing:
    """Something that stands and never moves: kind is "house", "tree" or "lamp"."""

    kind: str
    side_m: float
    along_m: float
    """Where it begins, of a house."""
    looks: tuple[float, ...]


def things(street: Street, eye_m: float) -> Iterator[Thing]:
    """All that stands within sight, in no order."""
    for roadside in (street.left, street.right):
        stream, sign = 210 + 10 * int(roadside.sign), roadside.sign
        for cell in cells(eye_m, 0.0, PLOT_M, PLOT_M):
            d = dice(street.seed, stream, cell)
            block = dice(street.seed, stream + 1, cell // 7)[0]
            if block < 0.85 - 0.45 * street.greenery and d[0] < 0.93:
                yield Thing("house", sign * roadside.front_m, cell * PLOT_M, d)
                continue
            for i in range(2):
                e = dice(street.seed, stream + 2, 2 * cell + i)
                place = sign * (roadside.pavement_end_m + 2.5 + 10.0 * e[1])
                yield Thing("tree", place, (cell + 0.5 * i + 0.4 * e[2]) * PLOT_M, e)
        for cell in cells(eye_m, 0.0, 11.0, 0.0):
            d, along = dice(street.seed, stream + 3, cell), (cell + 0.5) * 11.0
            if cell % 3 == int(sign > 0):
                yield Thing("lamp", sign * (roadside.kerb_m + 0.7), along, d)
            elif d[0] < street.greenery * 0.6 and not near_crossing(street, along, 7.0):
                yield Thing("tree", sign * (roadside.kerb_m + 0.9), along, d)
