"""Frames of the demo the whole way over a GPU, or over its stand-in, with ONNX Runtime as the network."""

from __future__ import annotations

from typing import Any

import cv2
import kernel_reference as reference
import numpy as np
from onnx_network import onnx_network
from stub_network import class_maps

from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.frames import FramePath, Geometry, Kernels
from rtseg.backends.tensorrt.kernels import arguments
from rtseg.backends.tensorrt.kernels.compiled import cubin
from rtseg.backends.tensorrt.memory import Memory
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.card import ONNX_FILE, models_folder
from rtseg.export.calibration import demo_pictures
from rtseg.frame import Frame
from rtseg.segmenter import load

SIZE, MAP_SIZE = (576, 320), (321, 181)


def goes_the_whole_way(driver: Any, thread: GpuThread, provider: str) -> None:
    """What comes down is what NumPy and ONNX Runtime on the CPU make of the same frames."""
    frames = [
        Frame("bgr24", (cv2.resize(picture, (641, 361)),), index, 0)
        for index, picture in enumerate(demo_pictures(2).pictures)
    ]

    def whole() -> list[np.ndarray]:
        memory, stream = Memory(driver), driver.Stream(1)
        kernels = Kernels(driver, cubin(cuda.read_gpu(driver).compute_capability))
        onnx = models_folder() / "street-m" / ONNX_FILE
        network = onnx_network(onnx, SIZE, 4, memory, stream, provider=provider)
        path = FramePath(Geometry.of(frames[0], MAP_SIZE), network, kernels, driver, stream)
        found = class_maps(path, path.call, stream, frames)
        path.free()
        memory.free()
        return found

    with load("street-m", backend="onnxruntime", precision="f32") as cpu:
        for frame, found in zip(frames, thread.submit(whole).result(), strict=True):
            channels = [frame.planes[0][..., c] for c in range(3)]
            matrix = arguments.rgb_matrix(frame.pixel_format, frame.color)
            logits = cpu.infer(reference.network_input(channels, matrix, SIZE))
            expected = reference.class_map(logits, MAP_SIZE)
            assert len(np.unique(expected)) > 2
            assert np.mean(found == expected) > 0.998
