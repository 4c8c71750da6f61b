"""A clip's segments found without decoding it, and dealt out as spans that can be done anywhere."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from rtseg.offline.job import Span
from rtseg.offline.reading import ClipReader


def plan_spans(path: Path, *, stream: int | None = None, min_s: float = 60.0) -> tuple[Span, ...]:
    """Spans of whole segments, each of at least min_s of video, that together are the clip.

    Just one where frames cannot be found by their times. The packets are read, none is decoded. Raises
    SourceError.
    """
    with ClipReader(path, number=stream) as reader:
        pts = sorted(reader.scan())
        starts = reader.borders.starts
        if reader.repaired or not starts or len(pts) != len(set(pts)):
            return (Span(None, None, 0, len(pts) or None),)
        length = round(min_s / reader.time_base)
    borders = [starts[0]]
    for start in starts[1:]:
        if start - borders[-1] >= length:
            borders.append(start)
    if len(borders) > 1 and pts[-1] - borders[-1] < length // 2:
        borders.pop()  # the rest would be short
    indices = [0, *(bisect_left(pts, border) for border in borders[1:]), len(pts)]
    spans = []
    for number in range(len(borders)):
        is_last = number == len(borders) - 1
        first, after = indices[number], indices[number + 1]
        spans.append(
            Span(
                borders[number] if number else None,
                None if is_last else borders[number + 1],
                first,
                after - first,
            )
        )
    return tuple(spans)
