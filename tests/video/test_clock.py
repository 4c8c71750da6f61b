"""Presentation times that only go forward, and pictures at their own speed."""

from __future__ import annotations

import threading
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtseg.video.clock import TIME_BASE, Pace, StreamClock

SECOND_NS = 10**9


def run(clock: StreamClock, times: list[tuple[Fraction | None, float]]) -> list[float]:
    """Seconds of presentation for pairs of the stream's time and of arrival."""
    return [float(clock.pts(seconds, round(arrival * SECOND_NS)) * TIME_BASE) for seconds, arrival in times]


def test_a_good_clock_is_followed() -> None:
    clock = StreamClock()
    arrivals = (5.0, 5.3, 5.301, 5.302, 6.0)  # late and in bursts
    times = [(Fraction(100) + Fraction(n, 10), arrival) for n, arrival in enumerate(arrivals)]
    assert run(clock, times) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert clock.jumps == 0


def test_a_jump_is_bridged_with_the_time_that_passed() -> None:
    clock = StreamClock()
    stream_s = (10, 11, 5000, 5001, 3, 4)
    seen = run(clock, [(Fraction(seconds), float(n)) for n, seconds in enumerate(stream_s)])
    assert seen == [0, 1, 2, 3, 4, 5]
    assert clock.jumps == 2


def test_a_pause_is_no_jump() -> None:
    clock = StreamClock()
    assert run(clock, [(Fraction(0), 0.0), (Fraction(60), 60.0)]) == [0, 60]
    assert clock.jumps == 0


def test_a_new_connection_counts_anew() -> None:
    clock = StreamClock()
    run(clock, [(Fraction(7), 0.0), (Fraction(8), 1.0)])
    clock.restart()
    assert run(clock, [(Fraction(900), 4.0), (Fraction(901), 5.0)]) == [4, 5]
    assert clock.jumps == 0


@given(
    st.lists(
        st.tuples(st.none() | st.fractions(-1e6, 1e6, max_denominator=90_000), st.integers(0, 10**12)),
        min_size=2,
    )
)
def test_whatever_comes_it_goes_forward(steps: list[tuple[Fraction | None, int]]) -> None:
    clock = StreamClock()
    now_ns = 0
    seen = []
    for seconds, passed_ns in steps:
        now_ns += passed_ns
        seen.append(clock.pts(seconds, now_ns))
    assert all(after > before for before, after in pairwise(seen))


def test_a_burst_is_spread_and_lateness_is_not_made_up_for() -> None:
    pace = Pace(threading.Event())
    begin_ns = pace.wait_for(0)
    assert pace.wait_for(9000) - begin_ns >= 0.1 * SECOND_NS
    late_ns = Pace(threading.Event()).wait_for(0)
    assert late_ns >= begin_ns
    stopped = threading.Event()
    stopped.set()
    ended = Pace(stopped)
    now_ns = ended.wait_for(0)
    assert ended.wait_for(90_000 * 100) - now_ns < 50 * SECOND_NS
