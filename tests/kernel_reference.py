"""What each CUDA kernel computes, in NumPy: the same arithmetic in the same order, equal to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtseg.backends.tensorrt.kernels.axes import Axis, resizing, upsampling
from rtseg.frame import Size


def network_input(channels: Sequence[np.ndarray], matrix: np.ndarray, size: Size) -> np.ndarray:
    """Channels (H, W) uint8, each of its own size -> (h, w, 3) uint8 of size (width, height)."""
    one, two, three = (
        resized(channel, *resizing((channel.shape[1], channel.shape[0]), size)) for channel in channels
    )
    rows = [m[0] * one + m[1] * two + m[2] * three + m[3] for m in matrix.astype(np.float32)]
    return to_byte(np.stack(rows, axis=-1))


def resized(channel: np.ndarray, across: Axis, down: Axis) -> np.ndarray:
    """(H, W) uint8 -> (h, w) float32."""
    total = np.zeros((len(down.first), len(across.first)), np.float32)
    for i in range(down.taps):
        line = np.zeros_like(total)
        for j in range(across.taps):
            picked = channel[np.ix_(down.first + i, across.first + j)].astype(np.float32)
            line += across.weights[:, j] * picked
        total += down.weights[:, i, None] * line
    return total


def class_map(logits: np.ndarray, size: Size) -> np.ndarray:
    """(C, h, w) float32 -> (H, W) uint8 of size (width, height); of equal classes the first."""
    _, height, width = logits.shape
    across, down = upsampling(width, size[0]), upsampling(height, size[1])
    below, right = np.minimum(down.first + 1, height - 1), np.minimum(across.first + 1, width - 1)
    rows = down.weights[:, 0, None] * logits[:, down.first] + down.weights[:, 1, None] * logits[:, below]
    values = across.weights[:, 0] * rows[:, :, across.first] + across.weights[:, 1] * rows[:, :, right]
    return values.argmax(axis=0).astype(np.uint8)


def tint(
    channels: np.ndarray, classes: np.ndarray, colors: np.ndarray, opacity: float, *, crisp: bool
) -> np.ndarray:
    """(H, W, C) uint8, class map (H, W), colours (256, 4) as the kernel takes them -> (H, W, C) uint8."""
    count = channels.shape[2]
    color = colors[classes]
    share = np.float32(opacity)
    mixed = to_byte(
        (np.float32(1) - share) * channels.astype(np.float32) + share * color[..., :count].astype(np.float32)
    )
    shown = color[..., 3] > 0
    if crisp:
        first = color[..., 0]
        padded = np.pad(first, 1, constant_values=255)
        height, width = first.shape
        around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        border = np.min(around, axis=0) < first
        mixed = np.where(border[..., None], color[..., :count], mixed)
    return np.where(shown[..., None], mixed, channels)


def to_byte(values: np.ndarray) -> np.ndarray:
    assert values.dtype == np.float32
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
