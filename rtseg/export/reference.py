"""What an exported model is compared with: Keras where it is, else the float ONNX made from it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtseg.card import ONNX_FILE, WEIGHTS_FILE
from rtseg.export.parity import Predictor
from rtseg.frame import Size

if TYPE_CHECKING:
    import keras


def has_keras(folder: Path) -> bool:
    """Whether the model can be built as it was trained: its weights are there, and so is TensorFlow."""
    return (folder / WEIGHTS_FILE).is_file() and all(find_spec(name) for name in ("keras", "tensorflow"))


def open_reference(folder: Path, size: Size) -> Predictor:
    """The reference for a model's folder, at size (width, height)."""
    if has_keras(folder):
        from rtseg.nets.saved import load_network

        return of_keras(load_network(folder, size))
    return of_onnx(folder / ONNX_FILE, f"{ONNX_FILE} on ONNX Runtime")


def of_keras(network: keras.Model) -> Predictor:
    """A Keras network; its logits (N, h, w, C) are transposed."""
    return Predictor(
        "Keras", lambda batch: np.asarray(network.predict_on_batch(batch).transpose(0, 3, 1, 2), np.float32)
    )


def of_onnx(network: Path | bytes, name: str) -> Predictor:
    """An ONNX file or its bytes on ONNX Runtime's CPU provider, which is the same everywhere."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    source: Any = network if isinstance(network, bytes) else str(network)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return Predictor(name, lambda batch: np.asarray(session.run(["logits"], {"image": batch})[0], np.float32))
