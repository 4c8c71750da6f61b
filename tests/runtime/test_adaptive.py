"""The controller: down when frames get too old, up when there is room for longer, and no swinging."""

from __future__ import annotations

import itertools

from rtseg.runtime.adaptive import Controller, Step

COSTS: list[float | None] = [20.0, 15.0, 10.0, 5.0]
BUDGET_MS = 33.0


class Machine:
    """Thirty frames a second, whose age is what the rung of the moment costs times how slow it is now."""

    def __init__(self, costs: list[float | None] | None = None) -> None:
        self.controller = Controller(BUDGET_MS)
        self.now_s = 0.0
        self.costs = costs or COSTS

    def run(self, seconds: float, slowness: float) -> list[Step]:
        steps = []
        for _ in range(round(seconds * 30)):
            self.now_s += 1 / 30
            costs = [None if cost is None else cost * slowness for cost in self.costs]
            age_ms = 3 + (costs[self.controller.rung] or 0.0)
            step = self.controller.observe(self.now_s, age_ms, costs)
            if step is not None:
                steps.append(step)
        return steps


def test_within_the_budget_nothing_happens() -> None:
    assert Machine().run(60, slowness=1.0) == []


def test_it_goes_down_until_the_age_fits_and_up_again_later() -> None:
    machine = Machine()
    down = machine.run(20, slowness=2.5)
    assert [(step.before, step.after) for step in down] == [(0, 1), (1, 2)]
    assert down[0].at_s < 1
    assert "over 33" in down[0].reason
    up = machine.run(30, slowness=1.0)
    assert [(step.before, step.after) for step in up] == [(2, 1), (1, 0)]
    assert up[0].at_s - 20 >= 5


def test_one_slow_frame_is_no_reason() -> None:
    machine = Machine()
    machine.run(5, slowness=1.0)
    machine.controller.observe(machine.now_s, 500.0, COSTS)
    assert machine.run(5, slowness=1.0) == []


def test_it_does_not_go_up_where_that_would_be_over_the_budget_again() -> None:
    machine = Machine()
    machine.run(10, slowness=1.8)  # 39 ms on the first rung, 30 on the second
    assert machine.controller.rung == 1
    assert machine.run(120, slowness=1.6) == []  # 35 ms on the first would be too much


def test_a_rung_that_promises_too_much_is_tried_less_and_less_often() -> None:
    controller = Controller(BUDGET_MS)
    now_s, steps = 0.0, []
    for _ in range(30 * 300):
        now_s += 1 / 30
        age_ms = 40.0 if controller.rung == 0 else 18.0
        step = controller.observe(now_s, age_ms, [20.0, 15.0])  # what it says it costs is not true
        steps += [] if step is None else [step]
    ups = [step.at_s for step in steps if step.after == 0]
    waits = [after - before for before, after in itertools.pairwise(ups)]
    assert len(ups) < 8
    assert all(after > before - 0.1 for before, after in itertools.pairwise(waits))
    assert waits[-1] > 60


def test_a_machine_that_manages_two_frames_a_second_steps_down_too() -> None:
    controller = Controller(BUDGET_MS)
    steps = [controller.observe(0.5 * number, 700.0, [600.0, 300.0]) for number in range(20)]
    assert [step.after for step in steps if step is not None] == [1]


def test_rungs_that_are_not_ready_are_left_out() -> None:
    assert Machine([20.0, None, None, None]).run(10, slowness=3.0) == []
    (step, *_) = Machine([20.0, None, 10.0, 5.0]).run(10, slowness=2.0)
    assert (step.before, step.after) == (0, 2)
