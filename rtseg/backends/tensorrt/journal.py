"""What TensorRT said last: its calls give back None where they fail, and say why only to their logger."""

from __future__ import annotations

import logging
import re
from collections import deque
from typing import NamedTuple

_LOG = logging.getLogger("rtseg.tensorrt")
_KEPT = 300
_BYTES = re.compile(r"(?:requested (?:amount|size)\D{0,40}|allocating )(\d+)", re.IGNORECASE)
_NO_MEMORY = re.compile(
    r"out ?of ?memory|insufficient memory|could not be allocated|allocator error", re.IGNORECASE
)


class Line(NamedTuple):
    """One message and how grave TensorRT finds it: ERROR, WARNING and so on."""

    severity: str
    text: str


class Journal:
    """The last messages. Written to by any of TensorRT's threads."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=_KEPT)

    def add(self, severity: str, text: str) -> None:
        """From any thread."""
        self._lines.append(Line(severity, text))
        _LOG.debug("%s: %s", severity, text)

    def clear(self) -> None:
        """Forget what was said, so that what is said next belongs to what is done next."""
        self._lines.clear()

    def last_error(self) -> str:
        """The last error in one line, without the place in TensorRT's source; else the last warning."""
        lines = list(self._lines)
        for wanted in ({"ERROR", "INTERNAL_ERROR"}, {"WARNING"}):
            for line in reversed(lines):
                if line.severity in wanted:
                    return " ".join(re.sub(r"^\d+: |\[\S+::\d+\] ", "", line.text).split())
        return "it does not say why"

    def memory_wanted(self) -> int | None:
        """The most bytes that a message says could not be had; 0 where none says how many.

        None where nothing was said of memory.
        """
        lines = [line.text for line in list(self._lines)]
        if not any(_NO_MEMORY.search(text) for text in lines):
            return None
        return max((int(found) for text in lines for found in _BYTES.findall(text)), default=0)


JOURNAL = Journal()
"""Of this process, as TensorRT's logger is."""
