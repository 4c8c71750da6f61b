"""In the place of an engine: ONNX Runtime, which reads and writes the GPU's own memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rtseg.backends.tensorrt.frames import Network
from rtseg.backends.tensorrt.memory import Memory
from rtseg.frame import Size

CUDA = "CUDAExecutionProvider"


def onnx_network(
    path: Path, size: Size, classes: int, memory: Memory, stream: Any, *, provider: str = CUDA
) -> Network:
    """The network of an ONNX file for inputs of this size; what it reads and writes lies in memory.

    It cannot be recorded, for it waits for the stream before and for itself after. Raises RuntimeError where
    ONNX Runtime does not start this provider.
    """
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        raise RuntimeError("needs onnxruntime-gpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    if provider not in session.get_providers():
        raise RuntimeError(f"ONNX Runtime does not start {provider}")
    image_shape = (1, size[1], size[0], 3)
    logits_shape = (1, classes, size[1] // 4, size[0] // 4)
    image = memory.device(int(np.prod(image_shape)))
    logits = memory.device(4 * int(np.prod(logits_shape)))
    device = "cuda" if provider == CUDA else "cpu"
    binding = session.io_binding()
    binding.bind_input("image", device, 0, np.uint8, image_shape, int(image))
    binding.bind_output("logits", device, 0, np.float32, logits_shape, int(logits))

    def execute() -> None:
        stream.synchronize()
        session.run_with_iobinding(binding)

    return Network(int(image), size, int(logits), logits_shape[1:], execute)
