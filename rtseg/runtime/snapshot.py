"""A moment as pictures: the frame as it came, its class map, and what was seen of it.

STEM-frame.png     (H, W) RGB, as the camera gave it
STEM-mask.png      (H, W) palette: the index of a pixel is its class, also of those that are hidden
STEM-overlay.png   (H, W) RGB, with the classes tinted as they were shown
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rtseg.labels import palette
from rtseg.postprocess import frame_class_map
from rtseg.preprocess import to_bgr
from rtseg.runtime.shown import Shown
from rtseg.video.outputs import claim_names, make_folder, release_names, write_file
from rtseg.video.sinks import palette_png, write_png

_ENDINGS = ("-frame.png", "-mask.png", "-overlay.png")


def default_stem(moment: datetime | None = None) -> str:
    """A name for what is captured at a moment, now if none is given; sorts by time, to the millisecond."""
    moment = moment or datetime.now()
    return f"rtseg-{moment:%Y-%m-%d-%H%M%S}-{moment.microsecond // 1000:03d}"


def save_snapshot(shown: Shown, folder: Path, stem: str | None = None) -> tuple[Path, ...]:
    """Write the three pictures, all or none; -> their paths, in the order above.

    The folder is made where it is missing. No file is written over: where the name is taken, it gets a
    number. Any thread may call it, but it takes too long for the one that draws (tools/bench_captures.py).
    Raises SinkError.
    """
    segmentation, frame = shown.segmentation, shown.frame
    colors = palette(segmentation.classes)
    mask_colors = [seen or color for seen, color in zip(shown.palette, colors, strict=True)]
    class_map = frame_class_map(segmentation, frame.size)
    make_folder(folder, parents=True)
    paths = claim_names(folder, stem or default_stem(), _ENDINGS)
    try:
        write_png(paths[0], to_bgr(frame))
        write_file(paths[1], palette_png(class_map, mask_colors))
        write_png(paths[2], to_bgr(shown.blended))
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        release_names(paths)
        raise
    return paths
