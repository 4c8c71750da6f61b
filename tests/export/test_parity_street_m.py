"""The shipped model says the same whoever runs it, on real frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest

from rtseg.backends import open_backend
from rtseg.card import WEIGHTS_FILE, find_model, models_folder
from rtseg.data.data_set import open_data_set
from rtseg.nets.saved import load_network
from rtseg.postprocess import class_map
from rtseg.preprocess import pad_to_multiple

FRAMES = 20
FOLDER = models_folder() / "street-m"

pytestmark = pytest.mark.skipif(
    not (FOLDER / WEIGHTS_FILE).is_file(), reason="needs models/street-m, which is not in this checkout"
)


@pytest.fixture(scope="module")
def images(shared: Path) -> np.ndarray:
    """(20, H, W, 3) RGB, taken evenly from CamVid's val split and padded as evaluation does."""
    data_set = open_data_set(shared / "data/camvid", "road-vehicle-pedestrian")
    samples = data_set.samples("val")
    chosen = samples[:: len(samples) // FRAMES][:FRAMES]
    assert len(chosen) == FRAMES
    return np.stack([pad_to_multiple(data_set.load(sample)[0], 32) for sample in chosen])


def maps(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([class_map(np.ascontiguousarray(planes), size) for planes in logits])


@pytest.fixture(scope="module")
def of_keras(images: np.ndarray) -> np.ndarray:
    size = (images.shape[2], images.shape[1])
    network = load_network(FOLDER, size)
    logits = np.concatenate([network.predict_on_batch(image[None]) for image in images])
    found = maps(logits.transpose(0, 3, 1, 2), size)
    assert len(np.unique(found)) == 4
    return found


@pytest.mark.parametrize(
    ("backend", "precision", "least"),
    [("onnxruntime", "f32", 0.999), ("openvino", "f32", 0.999), ("openvino", "bf16", 0.99)],
)
def test_a_backend_agrees_with_keras(
    images: np.ndarray,
    of_keras: np.ndarray,
    backend: str,
    precision: str,
    least: float,
    record_property: Callable[[str, object], None],
) -> None:
    if precision == "bf16" and "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("needs a CPU with bfloat16, which this one is not")
    model = find_model(str(FOLDER))
    with open_backend(backend, model.onnx_path, classes=4, precision=precision) as opened:  # type: ignore[arg-type]
        logits = np.concatenate([opened.infer(image[None]) for image in images])
    share = float(np.mean(maps(logits, (images.shape[2], images.shape[1])) == of_keras))
    record_property(f"agreement_{backend}_{precision}", share)
    assert share >= least, (
        f"{backend} {precision} agrees with Keras on {share:.4%} of pixels, not {least:.1%}"
    )
