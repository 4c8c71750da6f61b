"""Stride-4 logits to class maps and to probabilities.

logits (C, h, w) float32  ->  class map (H, W) uint8, or probabilities (C, H, W) float32, at whatever size an
output needs
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Segmentation, Size, UInt8Array


def class_map(logits: NDArray[np.float32], size: Size) -> UInt8Array:
    """Upsample bilinearly to size (width, height) with half-pixel centres, then take the best class.

    Where classes are equal the lower index wins, as with `np.argmax`.
    """
    width, height = size
    best = cv2.resize(logits[0], size, interpolation=cv2.INTER_LINEAR)
    # Written again and again: at a video's size, memory that is new for each class costs as much as the work.
    plane = np.empty((height, width), np.float32)
    better = np.empty((height, width), np.uint8)
    winner = np.zeros((height, width), np.uint8)
    for index in range(1, len(logits)):
        cv2.resize(logits[index], size, dst=plane, interpolation=cv2.INTER_LINEAR)
        cv2.compare(plane, best, cv2.CMP_GT, dst=better)
        # Every earlier winner is a lower index, so the running winner is a maximum too: no masked copy, which
        # would cost far more.
        np.bitwise_and(better, np.uint8(index), out=better)
        cv2.max(winner, better, dst=winner)
        if index < len(logits) - 1:
            cv2.max(best, plane, dst=best)
    return winner


def frame_class_map(segmentation: Segmentation, size: Size) -> UInt8Array:
    """The class map of a whole frame at size (width, height).

    Each tile that plays has its own in its place; where there is none, the map is zero.
    """
    frame = segmentation.frame
    made = segmentation.class_map
    if made is not None and made.shape == (size[1], size[0]):
        return made
    if not frame.tiles:
        return class_map(segmentation.logits, size)
    composed = np.zeros((size[1], size[0]), np.uint8)
    across, down = size[0] / frame.width, size[1] / frame.height
    for tile, logits in zip(frame.tiles, segmentation.parts, strict=True):
        left, right = round(tile.x * across), round((tile.x + tile.width) * across)
        top, bottom = round(tile.y * down), round((tile.y + tile.height) * down)
        if tile.playing and right > left and bottom > top:
            composed[top:bottom, left:right] = class_map(logits, (right - left, bottom - top))
    return composed


def probabilities(logits: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Upsample bilinearly to size (width, height) as `class_map` does, then take the softmax.

    Of two classes whose logits differ by less than float32 tells apart after the softmax, `class_map` knows
    the better one, the probabilities are equal.
    """
    planes = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in logits])
    planes -= planes.max(axis=0)
    np.exp(planes, out=planes)
    planes /= planes.sum(axis=0)
    return np.asarray(planes, np.float32)
