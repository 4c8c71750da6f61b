"""The learning rate rises, then falls to nothing."""

from __future__ import annotations

import math

import pytest

from rtseg.training.schedule import WarmUpThenCosine


def test_it_rises_to_the_peak_and_falls_to_nothing() -> None:
    schedule = WarmUpThenCosine(0.01, 1.0, warm_up_steps=10, steps=110)
    rates = [float(schedule(step)) for step in range(111)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[5] == pytest.approx(0.505)
    assert rates[10] == max(rates) == pytest.approx(1.0)
    assert rates[35] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert rates[60] == pytest.approx(0.5)
    assert rates[110] == pytest.approx(0, abs=1e-6)
    assert float(schedule(200)) == pytest.approx(0, abs=1e-6)


def test_a_run_of_one_step_is_a_warm_up() -> None:
    assert float(WarmUpThenCosine(0.01, 1.0, warm_up_steps=1, steps=1)(0)) == pytest.approx(0.01)
