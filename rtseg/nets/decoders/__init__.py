"""The decoders: (pyramid, classes) -> logits (N, H/stride, W/stride, classes) float32.

The stride is 4, but for unet, which climbs to the finest level that the encoder has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rtseg.nets.decoders.fcn import fcn
from rtseg.nets.decoders.lite import lite
from rtseg.nets.decoders.pspnet import pspnet
from rtseg.nets.decoders.unet import unet

DECODERS: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "fcn32": partial(fcn, skips=()),
    "fcn16": partial(fcn, skips=("P4",)),
    "fcn8": partial(fcn, skips=("P4", "P3")),
    "unet": unet,
    "pspnet": pspnet,
    "lite": lite,
    "litex05": partial(lite, width_multiplier=0.5),
}
