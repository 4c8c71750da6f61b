"""Layers that change the size of feature maps, for what Keras's own cannot export at any size.

(N, h, w, C) -> (N, H, W, C)
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops


class Repeat(layers.UpSampling2D):  # type: ignore[misc]
    """UpSampling2D, which repeats each pixel, as one Resize by a factor in ONNX.

    Keras's own becomes copies and a shape of fixed height and width there.
    """

    def call(self, x: Any) -> Any:
        """(N, h, w, C) -> (N, rows h, columns w, C), where rows and columns are the layer's size."""
        _, height, width, _ = ops.shape(x)
        rows, columns = self.size
        return ops.image.resize(x, (rows * height, columns * width), interpolation="nearest")


class SizeDependent(layers.Layer):  # type: ignore[misc]
    """A layer whose arithmetic depends on the size of what it gets.

    A network with such a layer is exported with open height and width, or the layer would keep the numbers
    of one size. ops.image.resize refuses open sizes, so resizing here is a product with two matrices.
    """


class AverageBins(SizeDependent):
    """The means over bins x bins regions of equal size; a pixel that a border cuts counts by its share."""

    def __init__(self, bins: int, **options: Any) -> None:
        super().__init__(**options)
        self.bins = bins

    def call(self, x: Any) -> Any:
        """(N, h, w, C) -> (N, bins, bins, C)."""
        _, height, width, _ = ops.shape(x)
        return _separable(x, _bin_shares(self.bins, height), _bin_shares(self.bins, width))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """What `call` gives."""
        return (input_shape[0], self.bins, self.bins, input_shape[3])


class StretchTo(SizeDependent):
    """Upsamples bilinearly to the size of another map, with half-pixel centres, as class maps are."""

    def call(self, inputs: Any) -> Any:
        """[(N, h, w, C), (N, H, W, any)] -> (N, H, W, C)."""
        x, like = inputs
        (_, height, width, _), (_, to_height, to_width, _) = ops.shape(x), ops.shape(like)
        return _separable(x, _bilinear(height, to_height), _bilinear(width, to_width))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """What `call` gives."""
        x, like = input_shape
        return (*like[:3], x[3])


def _bin_shares(bins: int, size: Any) -> Any:
    """(bins, size): the share that each pixel has in each bin's mean."""
    extent = ops.cast(size, "float32") / bins
    start = ops.expand_dims(ops.arange(bins, dtype="float32") * extent, 1)
    pixel = ops.arange(size, dtype="float32")
    overlap = ops.minimum(pixel + 1, start + extent) - ops.maximum(pixel, start)
    return ops.relu(overlap) / extent


def _bilinear(size: Any, to_size: Any) -> Any:
    """(to_size, size): the weight that each pixel has in each new pixel."""
    pixel = ops.arange(size, dtype="float32")
    scale = ops.cast(size, "float32") / ops.cast(to_size, "float32")
    centre = (ops.arange(to_size, dtype="float32") + 0.5) * scale - 0.5
    centre = ops.clip(centre, 0.0, ops.max(pixel))
    return ops.relu(1 - ops.abs(ops.expand_dims(centre, 1) - pixel))


def _separable(x: Any, rows: Any, columns: Any) -> Any:
    """(N, h, w, C), (H, h), (W, w) -> (N, H, W, C)."""
    x = ops.matmul(ops.cast(columns, x.dtype), x)
    x = ops.transpose(x, (0, 2, 1, 3))
    x = ops.matmul(ops.cast(rows, x.dtype), x)
    return ops.transpose(x, (0, 2, 1, 3))
