from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtseg.runtime.view import MODES, MOST_ZOOM, Rect, View

sides = st.integers(16, 4000)
sizes = st.tuples(sides, sides)
shares = st.floats(0, 1)
views = st.builds(
    View,
    size=sizes,
    mode=st.sampled_from(MODES),
    zoom=st.floats(1, MOST_ZOOM),
    center=st.tuples(shares, shares),
)


@given(views, sizes)
def test_pictures_stay_in_their_areas_and_fill_what_they_can(view: View, picture: tuple[int, int]) -> None:
    for pane in view.panes(picture):
        place = pane.place
        assert place.cut(pane.area) == place
        assert place.width >= 1
        assert place.height >= 1
        # Empty space only beside a whole picture.
        for covered, room, side in (
            (place.width, pane.area.width, picture[0]),
            (place.height, pane.area.height, picture[1]),
        ):
            assert covered >= min(room, round(side * pane.scale)) - 2


@given(views.filter(lambda view: view.mode != "side"), sizes, st.floats(0.3, 3), shares, shares)
def test_what_is_under_the_pointer_stays_there_when_it_is_zoomed(
    view: View, picture: tuple[int, int], factor: float, across: float, down: float
) -> None:
    at = across * view.size[0], down * view.size[1]
    held = view.panes(picture)[0].to_picture(*at)
    zoomed = view.zoomed(factor, at, picture)
    pane = zoomed.panes(picture)[0]
    if zoomed.zoom == 1:
        assert zoomed.center == (0.5, 0.5)
        return
    found = pane.to_picture(*at)
    for before, now, where, room, side in zip(held, found, at, view.size, picture, strict=True):
        length = side * pane.scale
        if 0 <= before <= 1 and length > room + 1:
            # As near as the picture's edges, which stay out of the canvas, allow.
            corner = min(0.0, max(room - length, where - before * length))
            assert now == pytest.approx((where - corner) / length, abs=2 / length)


def test_panning_moves_by_pixels_and_stops_at_the_edge() -> None:
    view, picture = View((800, 600), zoom=4.0), (640, 480)
    left = view.panes(picture)[0].left
    moved = view.panned((30, 0), picture)
    assert moved.panes(picture)[0].left == pytest.approx(left + 30)
    edge = view.panned((1e6, 1e6), picture)
    pane = edge.panes(picture)[0]
    assert (pane.left, pane.top) == pytest.approx((0, 0))


def test_side_by_side_takes_the_way_that_shows_more() -> None:
    across = replace(View((1000, 300)), mode="side").panes((640, 480))
    down = replace(View((600, 900)), mode="side").panes((640, 480))
    assert across[0].area.right < across[1].area.x
    assert down[0].area.bottom < down[1].area.y
    assert across[0].scale == across[1].scale


def test_rects_that_do_not_meet_have_nothing_in_common() -> None:
    assert Rect(0, 0, 10, 10).cut(Rect(20, 0, 5, 5)).width == 0
