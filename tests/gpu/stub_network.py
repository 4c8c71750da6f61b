"""In the place of an engine: logits that depend on the picture by a copy on the GPU, and nothing else."""

from __future__ import annotations

from typing import Any

from rtseg.backends.tensorrt.frames import Network
from rtseg.backends.tensorrt.memory import Memory

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
