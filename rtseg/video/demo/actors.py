"""Who moves where in the demo street: pure functions of the street and the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rtseg.video.demo.world import (
    CROSSING_M,
    SIGHT_M,
    Roadside,
    Street,
    cells,
    crossing_m,
    crossings,
    dice,
    near_crossing,
)

_BAY_M = 7.2  # room for one parked car
_FOLK_SIGHT_M = 70.0  # people farther away would be too small to be drawn


@dataclass(frozen=True)
class Vehicle:
    """along_m is its middle; facing is 1 for our direction, -1 for oncoming."""

    kind: str
    variant: int
    colour: float
    side_m: float
    along_m: float
    facing: float
    moving: bool


@dataclass(frozen=True)
class Person:
    """Somebody on foot or on a bicycle; looks are the dice that clothe them."""

    side_m: float
    along_m: float
    heading: tuple[float, float]
    """Unit vector (side, along) that they face."""
    speed_mps: float
    step: float
    """Radians of the walk or of the pedals."""
    looks: tuple[float, ...]
    cycling: bool = False


_KINDS = ("hatch", "saloon", "suv", "estate", "van", "truck", "bus")
_SHARES = np.cumsum((0.27, 0.22, 0.19, 0.10, 0.10, 0.07, 0.05))


def _vehicle(d: tuple[float, ...], side_m: float, along_m: float, facing: float, moving: bool) -> Vehicle:
    # nothing longer than a van is parked: it would not fit its cell
    roll = d[1] if moving else d[1] * float(_SHARES[4])
    kind = _KINDS[int(np.searchsorted(_SHARES, roll))]
    return Vehicle(kind, int(d[2] * 6), d[3], side_m + 0.3 * (d[4] - 0.5), along_m, facing, moving)


def vehicles(street: Street, seconds: float) -> Iterator[Vehicle]:
    """All that is within sight, in no order."""
    eye_m = street.eye_along_m(seconds)
    for lane in range(-street.oncoming_lanes, street.own_lanes):
        if lane == street.ego_lane:
            yield from _leader(street, seconds, eye_m)
        else:
            yield from _lane(street, lane, seconds, eye_m)
    for roadside in (street.left, street.right):
        if roadside.parking_m == 0.0:
            continue
        facing = roadside.sign if street.oncoming_lanes else 1.0
        side = roadside.sign * (roadside.edge_m + 0.5 * roadside.parking_m)
        for cell in cells(eye_m, 0.0, _BAY_M):
            along = (cell + 0.5) * _BAY_M
            d = dice(street.seed, 120 + int(roadside.sign), cell)
            clump = dice(street.seed, 122 + int(roadside.sign), cell // 5)[0]
            if d[0] < street.parked * (0.3 + 1.2 * clump) and not near_crossing(street, along, 8.0):
                yield _vehicle(d, side, along, facing, False)


def _lane(
    street: Street, lane: int, seconds: float, eye_m: float, sight_m: float = SIGHT_M
) -> Iterator[Vehicle]:
    """A lane moves as one: its cars keep their distances and never meet."""
    d = dice(street.seed, 100 + lane, 0)
    facing = 1.0 if lane >= 0 else -1.0
    speed, cell_m = facing * street.speed_mps * (0.72 + 0.56 * d[0]), 19.0 + 16.0 * d[1]
    for cell in cells(eye_m, speed * seconds, cell_m, 14.0, sight_m):
        d = dice(street.seed, 110 + lane, cell)
        if d[0] < street.traffic:
            along = (cell + 0.5 + (d[5] - 0.5) * 0.25) * cell_m + speed * seconds
            yield _vehicle(d, (lane + 0.5) * street.lane_m, along, facing, True)


def _leader(street: Street, seconds: float, eye_m: float) -> Iterator[Vehicle]:
    """Whoever drives ahead in our lane: comes near out of the haze, stays a while, and draws away again."""
    spell = 26.0 + 14.0 * dice(street.seed, 130, 0)[0]
    turn, share = divmod(seconds / spell + dice(street.seed, 130, 1)[0], 1.0)
    d = dice(street.seed, 131, int(turn))
    if d[0] < 0.4 + 0.6 * street.traffic:
        away = abs(2.0 * share - 1.0) ** 3
        gap = 11.0 + 20.0 * d[6] + (SIGHT_M - 31.0) * away
        yield _vehicle(d, street.ego_side_m, eye_m + gap, 1.0, True)


def people(street: Street, seconds: float) -> Iterator[Person]:
    """All that is within sight, in no order."""
    eye_m = street.eye_along_m(seconds)
    for roadside in (street.left, street.right):
        yield from _walkers(street, roadside, seconds, eye_m)
        yield from _cyclists(street, roadside, seconds, eye_m)
    yield from _crossers(street, seconds, eye_m)


def _walkers(street: Street, roadside: Roadside, seconds: float, eye_m: float) -> Iterator[Person]:
    inner, outer = roadside.kerb_m + 0.6, roadside.pavement_end_m - 0.4
    # two files that walk, one towards us and one away, and one of those who stand
    for file, pace, place, share in ((0, 1.35, 0.75, 0.4), (1, -1.25, 0.35, 0.4), (2, 0.0, 0.05, 0.2)):
        stream = 150 + 3 * int(roadside.sign) + file
        for cell in cells(eye_m, pace * seconds, 6.5, 1.0, _FOLK_SIGHT_M):
            d = dice(street.seed, stream, cell)
            crowd = dice(street.seed, stream + 20, cell // 6)[0]
            if d[0] > share * street.people * (0.25 + 1.2 * crowd):
                continue
            along = (cell + 0.2 + 0.6 * d[1]) * 6.5 + pace * seconds
            side = roadside.sign * (
                inner + (outer - inner) * float(np.clip(place + 0.3 * (d[2] - 0.5), 0, 1))
            )
            heading = (0.0, np.sign(pace)) if pace else (-roadside.sign, 0.0)
            step = 5.9 * seconds * (0.9 + 0.2 * d[5]) + 6.3 * d[3] if pace else 0.0
            yield Person(side, along, heading, abs(pace), step, d)
            if d[4] < 0.28:
                looks = dice(street.seed, stream + 40, cell)
                yield Person(side + roadside.sign * 0.65, along + 0.3, heading, abs(pace), step + 1.0, looks)


def _cyclists(street: Street, roadside: Roadside, seconds: float, eye_m: float) -> Iterator[Person]:
    facing = 1.0 if roadside.sign > 0 or not street.oncoming_lanes else -1.0
    pace = facing * (0.35 + 0.2 * dice(street.seed, 180, int(roadside.sign))[0]) * street.speed_mps
    for cell in cells(eye_m, pace * seconds, 20.0, 1.0, _FOLK_SIGHT_M):
        d = dice(street.seed, 181 + int(roadside.sign), cell)
        if d[0] < 0.5 * street.people:
            along = (cell + 0.3 + 0.4 * d[1]) * 20.0 + pace * seconds
            side = roadside.sign * (roadside.edge_m - 0.35)
            yield Person(
                side, along, (0.0, facing), abs(pace), pace * seconds * 1.4 + 6.3 * d[3], d, cycling=True
            )


def _crossers(street: Street, seconds: float, eye_m: float) -> Iterator[Person]:
    """They cross before we come, and are over by the time that we do."""
    for cell, middle in crossings(street, eye_m):
        for number in range(4):
            d = dice(street.seed, 190 + number, cell)
            if d[0] > 0.35 + 0.6 * street.people:
                continue
            walk = _walk(street, cell, number)
            spare = (middle - eye_m) / street.speed_mps - walk.done_s
            side = walk.end_m - walk.direction * float(np.clip(spare * walk.pace_mps, 0.0, walk.reach_m))
            walks = 0.0 < spare * walk.pace_mps < walk.reach_m
            along = middle + (d[5] - 0.5) * (CROSSING_M - 0.8)
            step = 6.4 * seconds if walks else d[3]
            yield Person(side, along, (walk.direction, 0.0), walk.pace_mps if walks else 0.0, step, d)


@dataclass(frozen=True)
class _Walk:
    """How somebody crosses: towards end_m at the far kerb, done so many seconds before we come."""

    end_m: float
    direction: float
    reach_m: float
    pace_mps: float
    done_s: float


@lru_cache(maxsize=256)
def _walk(street: Street, cell: int, number: int) -> _Walk:
    d = dice(street.seed, 190 + number, cell)
    direction = 1.0 if d[1] < 0.5 else -1.0
    start, goal = (street.left, street.right) if direction > 0 else (street.right, street.left)
    end = goal.sign * (goal.kerb_m + 1.0)
    reach = abs(end - start.sign * (start.kerb_m + 0.8))
    for wait in range(8):  # they look whether the road is clear, and otherwise let some cars pass
        walk = _Walk(end, direction, reach, 1.25 + 0.4 * d[4], 7.5 - 0.9 * wait + 1.5 * d[2])
        if _is_clear(street, cell, walk):
            return walk
    return _Walk(end, direction, reach, 1.4, -1e3)  # never: they stand at the kerb until we have passed


def _is_clear(street: Street, cell: int, walk: _Walk) -> bool:
    middle = crossing_m(street, cell) or 0.0
    for left_m in np.arange(0.0, walk.reach_m, 0.6):
        eye_m = middle - (walk.done_s + left_m / walk.pace_mps) * street.speed_mps
        seconds = street.seconds_at(eye_m)
        side = walk.end_m - walk.direction * left_m
        lane = int(np.floor(side / street.lane_m))
        for near in {
            lane,
            int(np.floor((side - 0.6) / street.lane_m)),
            int(np.floor((side + 0.6) / street.lane_m)),
        }:
            if not -street.oncoming_lanes <= near < street.own_lanes:
                continue
            lane_of = (
                _leader(street, seconds, eye_m)
                if near == street.ego_lane
                else _lane(street, near, seconds, middle, 14.0)
            )
            if any(abs(vehicle.along_m - middle) < 9.0 for vehicle in lane_of):
                return False
    return True
