"""The loop that a tutorial would write, to measure rtseg's pipeline beside it.

cv2.VideoCapture, cv2.resize, ONNX Runtime on the same network, bilinear logits at the network's input size,
np.argmax, a palette look-up, cv2.resize of the colours, cv2.addWeighted, cv2.VideoWriter.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from rtseg.card import find_model
from rtseg.frame import Size

_OPENCV_THREADS = cv2.getNumThreads()


class HandWritten:
    """Opens the network once; each run goes through a clip."""

    def __init__(self, model: str) -> None:
        found = find_model(model)
        self._session = onnxruntime.InferenceSession(str(found.onnx_path), providers=["CPUExecutionProvider"])
        self._palette = np.array([color[::-1] for color in found.card.palette], np.uint8)

    def run(self, clip: Path, input_size: Size, out: Path | None = None) -> int:
        """-> the number of frames."""
        cv2.setNumThreads(_OPENCV_THREADS)  # the pipeline sets it to one
        capture = cv2.VideoCapture(str(clip))
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        writer = None
        if out is not None:
            fourcc = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(out), fourcc, capture.get(cv2.CAP_PROP_FPS), (width, height))
        frames = 0
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            rgb = cv2.cvtColor(cv2.resize(frame, input_size), cv2.COLOR_BGR2RGB)
            logits = self._session.run(None, {"image": rgb[None]})[0][0]
            full = cv2.resize(logits.transpose(1, 2, 0), input_size)
            colors = self._palette[np.argmax(full, axis=-1)]
            colors = cv2.resize(colors, (width, height), interpolation=cv2.INTER_NEAREST)
            blended = cv2.addWeighted(frame, 0.5, colors, 0.5, 0)
            if writer is not None:
                writer.write(blended)
            frames += 1
        capture.release()
        if writer is not None:
            writer.release()
        return frames
