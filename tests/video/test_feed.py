"""A thread that waits for others: its items in order, its errors passed on, let go at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from rtseg.video.feed import Feed, Silent


def test_items_come_in_order_and_the_end_is_told_last() -> None:
    order: list[str] = []
    feed = Feed("test", lambda: iter(range(100)), lambda: order.append("finished"))
    assert list(feed.items(threading.Event())) == list(range(100))
    order.append("taken")
    feed.release()
    while len(order) < 2:
        time.sleep(0.01)
    assert order == ["taken", "finished"]


def test_an_error_comes_after_what_was_produced() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise OSError("lost")

    feed = Feed("test", produce)
    items = feed.items(threading.Event())
    assert next(items) == 1
    with pytest.raises(OSError, match="lost"):
        next(items)
    feed.release()


def test_silence_is_noticed_and_told() -> None:
    hush = threading.Event()

    def produce() -> Iterator[int]:
        yield 1
        hush.wait(30)

    told: list[float] = []
    feed = Feed("test", produce)
    items = feed.items(threading.Event(), patience_s=0.3, waiting=told.append)
    assert next(items) == 1
    with pytest.raises(Silent):
        next(items)
    assert told == sorted(told)
    assert told[-1] >= 0.3
    hush.set()
    feed.release()


def test_a_taker_that_goes_away_ends_an_endless_giver() -> None:
    """The fixture that looks for threads left behind is the judge."""

    def produce() -> Iterator[int]:
        while True:
            yield 1

    feed = Feed("test", produce, capacity=2)
    assert list(islice(feed.items(threading.Event()), 5)) == [1] * 5
    feed.release()
