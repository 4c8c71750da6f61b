"""In the place of an engine: logits that depend on the picture by a copy on the GPU, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtseg.backends.tensorrt.frames import FramePath, Network
from rtseg.backends.tensorrt.memory import Memory
from rtseg.frame import Frame

INPUT = (512, 288)
LOGITS = (4, 72, 128)
_BYTES = 4 * 4 * 72 * 128


def stub_network(driver: Any, memory: Memory, stream: Any) -> tuple[Network, Any]:
    """Its logits are the first bytes of its input, read as floats; and the memory of those."""
    image, logits = memory.device(INPUT[0] * INPUT[1] * 3), memory.device(_BYTES)
    network = Network(
        int(image),
        INPUT,
        int(logits),
        LOGITS,
        lambda: driver.memcpy_dtod_async(int(logits), int(image), _BYTES, stream),
    )
    return network, logits


def class_maps(
    path: FramePath, run: Callable[[], None], stream: Any, frames: Sequence[Frame]
) -> list[np.ndarray]:
    """Of each frame, one after the other; run puts the path's calls into the stream."""
    found = []
    for frame in frames:
        path.stage(frame)
        run()
        stream.synchronize()
        found.append(path.class_map())
    return found
