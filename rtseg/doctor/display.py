"""Whether the viewer's window can be opened."""

from __future__ import annotations

from collections.abc import Iterator

from rtseg.doctor.finding import Finding
from rtseg.doctor.place import Place


def check(place: Place) -> Iterator[Finding]:
    """One line, in the words that `rtseg run` would use."""
    reason = place.no_window()
    if reason is None:
        screen = place.env.get("WAYLAND_DISPLAY") or place.env.get("DISPLAY") or "the screen"
        yield Finding("window", "ok", f"can be opened on {screen}")
        return
    why, _, cure = reason.partition(". ")
    # The command alone where there is one, so that it can be copied.
    command = cure.partition("`")[2].partition("`")[0]
    yield Finding("window", "not here", why, (command or cure,), frozenset({"viewer"}))
