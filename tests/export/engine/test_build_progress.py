"""Phases within phases become one share that never falls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtseg.export.engine.progress import BuildProgress, Event


def test_a_phase_inside_a_step_counts_for_that_step() -> None:
    progress = BuildProgress()
    assert progress.add(Event("build", steps=4)) == 0
    assert progress.add(Event("build", step=0)) == 0.25
    assert progress.add(Event("tactics", parent="build", steps=10)) == 0.25
    assert progress.phase == "tactics"
    assert progress.add(Event("tactics", step=4)) == 0.375
    assert progress.add(Event("tactics")) == 0.375
    assert progress.add(Event("build", step=1)) == 0.5
    assert progress.add(Event("build")) == 1


def test_what_it_was_not_told_to_begin_is_ignored() -> None:
    assert BuildProgress().add(Event("unheard of", step=3)) == 0


EVENTS = st.builds(
    Event,
    phase=st.sampled_from("abcd"),
    parent=st.none() | st.sampled_from("abcd"),
    steps=st.none() | st.integers(0, 5),
    step=st.none() | st.integers(-1, 9),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_comes_the_share_stays_between_0_and_1_and_never_falls(events: list[Event]) -> None:
    progress = BuildProgress()
    shares = [progress.add(event) for event in events]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
