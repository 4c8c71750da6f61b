"""The decoders: (pyramid, classes) -> logits (N, H/4, W/4, classes) float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rtseg.nets.decoders.lite import lite

DECODERS: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "lite": lite,
    "litex05": partial(lite, width_multiplier=0.5),
}
