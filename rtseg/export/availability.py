"""Whether this Python can write ONNX files, asked without importing what it takes."""

from __future__ import annotations

from importlib.util import find_spec

import keras

_NEEDED = ("tensorflow", "tf2onnx", "onnx")


def why_unavailable() -> str | None:
    """What stands against an export here, for a message; None where nothing does."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return f"there is no {', no '.join(missing)} here"
    if keras.backend.backend() != "tensorflow":
        return f"Keras runs on {keras.backend.backend()} here"
    return None
