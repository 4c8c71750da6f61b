"""Channels: what is kept, what falls out, and that nobody waits for the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from rtseg.runtime.channel import BoundedQueue, Channel, ChannelClosed, LatestSlot


def in_thread(work: Callable[[], object]) -> list[object]:
    """Run in a thread that must end within seconds; -> what it returned or raised."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    return outcome


def test_the_slot_keeps_the_newest_and_counts_what_fell_out() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for number in range(5):
        slot.put(number)
    assert slot.get() == 4
    assert slot.dropped == 4


def test_the_queue_keeps_everything_in_order_and_makes_the_giver_wait() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    giver = threading.Thread(target=lambda: [queue.put(number) for number in range(10)])
    giver.start()
    assert [queue.get(timeout=5) for _ in range(10)] == list(range(10))
    giver.join(5)
    assert queue.dropped == 0


@pytest.mark.parametrize("make", [LatestSlot, BoundedQueue])
def test_getting_from_an_empty_channel_times_out(make: Callable[[], Channel[int]]) -> None:
    with pytest.raises(TimeoutError):
        make().get(timeout=0)


@pytest.mark.parametrize("make", [LatestSlot, BoundedQueue])
@pytest.mark.parametrize("error", [None, OSError("unplugged")])
def test_after_a_close_the_rest_is_handed_out_and_then_the_end(
    make: Callable[[], Channel[int]], error: OSError | None
) -> None:
    channel = make()
    channel.put(7)
    channel.close(error)
    assert channel.get() == 7
    with pytest.raises(ChannelClosed) as closed:
        channel.get()
    assert closed.value.__cause__ is error
    with pytest.raises(ChannelClosed):
        channel.put(8)


def test_a_close_wakes_a_waiting_taker_and_a_waiting_giver() -> None:
    empty: BoundedQueue[int] = BoundedQueue(1)
    full: BoundedQueue[int] = BoundedQueue(1)
    full.put(1)
    threading.Timer(0.1, empty.close).start()
    threading.Timer(0.1, full.close).start()
    assert isinstance(in_thread(empty.get)[0], ChannelClosed)
    assert isinstance(in_thread(lambda: full.put(2))[0], ChannelClosed)


def test_the_first_close_decides_the_cause() -> None:
    slot: LatestSlot[int] = LatestSlot()
    first = ValueError("first")
    slot.close(first)
    slot.close(ValueError("second"))
    with pytest.raises(ChannelClosed) as closed:
        slot.get()
    assert closed.value.__cause__ is first
