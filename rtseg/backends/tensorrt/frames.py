"""The way of a frame over the GPU: its planes go up, a class map of bytes and the small logits come down.

planes, any size and format -> batch (1, h, w, 3) -> the network -> class map (H, W) uint8
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.kernels import arguments, axes
from rtseg.backends.tensorrt.kernels.arguments import BLOCK, LAYOUTS, AxisOnGpu, Call, Kernel, Plane
from rtseg.backends.tensorrt.memory import Memory
from rtseg.frame import ColorSpace, Frame, PixelFormat, Size, UInt8Array

_ALIGNED = 256  # bytes: what the GPU reads fastest


class Kernels:
    """The kernels, loaded on the GPU. Used and let go by the thread that owns it."""

    def __init__(self, driver: cuda.Driver, cubin: bytes) -> None:
        """Raises the driver's Error for a cubin of another GPU."""
        module = driver.module_from_buffer(cubin)
        self._functions: dict[Kernel, cuda.Function] = {
            name: module.get_function(name).prepare([f"{layout.itemsize}s"])
            for name, layout in LAYOUTS.items()
        }

    def launch(self, call: Call, stream: cuda.AnyStream) -> None:
        """Put a call into the stream."""
        self._functions[call.kernel].prepared_async_call(call.grid, BLOCK, stream, call.arguments)


@dataclass(frozen=True)
class Geometry:
    """What frames must have in common to take the same way."""

    pixel_format: PixelFormat
    shapes: tuple[tuple[int, ...], ...]
    color: ColorSpace
    map_size: Size

    @classmethod
    def of(cls, frame: Frame, map_size: Size) -> Geometry:
        """map_size (width, height) is that of the class map that is wanted."""
        return cls(frame.pixel_format, tuple(plane.shape for plane in frame.planes), frame.color, map_size)


@dataclass(frozen=True)
class Network:
    """Where the network on the GPU reads its input and writes its logits, and their shapes."""

    image: int
    input_size: Size
    logits: int
    logits_shape: tuple[int, ...]
    """(C, h, w)."""
    execute: Callable[[], None]
    """Puts it into the stream."""


class FramePath:
    """Memory and calls for frames of one geometry. Made, used and freed by the thread that owns the GPU."""

    def __init__(
        self,
        geometry: Geometry,
        network: Network,
        kernels: Kernels,
        driver: cuda.Driver,
        stream: cuda.AnyStream,
    ) -> None:
        """Raises the driver's Error, with nothing left allocated."""
        self._driver = driver
        self._stream = stream
        self._kernels = kernels
        self._network = network
        self._memory = Memory(driver)
        try:
            self._upload(geometry)
            self._make_calls(geometry)
        except BaseException:
            self.free()
            raise

    def stage(self, frame: Frame) -> None:
        """Lay a frame where the GPU fetches it. Whatever is under way has ended by then."""
        for place, plane in zip(self._staged_planes, frame.planes, strict=True):
            np.copyto(place, plane)

    def call(self) -> None:
        """Put all of it into the stream: copy, kernel, network, kernel, copy."""
        self._driver.memcpy_htod_async(self._picture, self._staged, self._stream)
        self._kernels.launch(self._input_call, self._stream)
        self._network.execute()
        self._kernels.launch(self._map_call, self._stream)
        self._driver.memcpy_dtoh_async(self._map, self._map_on_gpu, self._stream)

    def class_map(self) -> UInt8Array:
        """The class map (H, W) of the frame last called for, once the stream is done: a copy."""
        class_map: UInt8Array = self._map[:, : self._map_width].copy()
        return class_map

    def free(self) -> None:
        """Harmless when repeated."""
        self._staged_planes: list[UInt8Array] = []
        self._memory.free()

    def _upload(self, geometry: Geometry) -> None:
        """Room for the picture, here and there."""
        offsets, end = [], 0
        for shape in geometry.shapes:
            offsets.append(end)
            end += -(-int(np.prod(shape)) // _ALIGNED) * _ALIGNED
        self._staged: UInt8Array = self._memory.page_locked((end,), np.uint8)
        self._staged_planes = [
            self._staged[offset : offset + int(np.prod(shape))].reshape(shape)
            for offset, shape in zip(offsets, geometry.shapes, strict=True)
        ]
        self._picture = self._memory.device(end)
        base = int(self._picture)
        self._planes = [Plane(base + o, s[1]) for o, s in zip(offsets, geometry.shapes, strict=True)]
        if geometry.pixel_format == "bgr24":
            width = geometry.shapes[0][1]
            self._planes = [Plane(base + channel, 3 * width, 3) for channel in range(3)]

    def _make_calls(self, geometry: Geometry) -> None:
        network = self._network
        sizes = [(shape[1], shape[0]) for shape in geometry.shapes]
        if len(sizes) == 1:  # three channels of one size
            sizes *= 3
        _, rows, columns = network.logits_shape
        width, height = geometry.map_size
        pairs = {size: axes.resizing(size, network.input_size) for size in sizes}
        tables = [axis for pair in pairs.values() for axis in pair]
        tables += [axes.upsampling(columns, width), axes.upsampling(rows, height)]
        there = self._upload_tables(tables)
        found = {size: (there[2 * n], there[2 * n + 1]) for n, size in enumerate(pairs)}
        self._input_call = arguments.input_call(
            self._planes,
            [found[size] for size in sizes],
            arguments.rgb_matrix(geometry.pixel_format, geometry.color),
            network.image,
            network.input_size,
        )
        shape = (height, arguments.map_pitch(width))
        self._map: UInt8Array = self._memory.page_locked(shape, np.uint8)
        self._map_width = width
        self._map_on_gpu = self._memory.device(self._map.nbytes)
        self._map_call = arguments.class_map_call(
            network.logits,
            network.logits_shape[0],
            (there[-2], there[-1]),
            int(self._map_on_gpu),
            geometry.map_size,
        )

    def _upload_tables(self, tables: list[axes.Axis]) -> list[AxisOnGpu]:
        """Put them one after the other; their numbers have four bytes each."""
        parts: list[NDArray[np.uint8]] = []
        places, end = [], 0
        for axis in tables:
            places.append((end, end + axis.first.nbytes))
            parts += [axis.first.view(np.uint8), axis.weights.ravel().view(np.uint8)]
            end += axis.first.nbytes + axis.weights.nbytes
        packed = np.concatenate(parts)
        on_gpu = self._memory.device(end)
        self._driver.memcpy_htod_async(on_gpu, packed, self._stream)
        self._stream.synchronize()
        base = int(on_gpu)
        return [
            AxisOnGpu(base + first, base + weights, axis.taps, axis.length)
            for (first, weights), axis in zip(places, tables, strict=True)
        ]
