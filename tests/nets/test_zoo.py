"""Every encoder with every decoder: what comes out, that it learns, and that it lives on as a file.

RTSEG_ZOO=all in the environment adds what is left out for its time, which is then half an hour.
"""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import onnx
import pytest

from rtseg import labels
from rtseg.backends import open_backend
from rtseg.card import CARD_FILE, ONNX_FILE, WEIGHTS_FILE, InputSpec, ModelCard, OutputSpec
from rtseg.cli import main
from rtseg.export.onnx import export_onnx
from rtseg.nets import stride
from rtseg.nets.decoders import DECODERS
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.saved import load_network
from rtseg.training.config import TrainConfig
from rtseg.training.network import TrainingNetwork

SIZES = (96, 64), (128, 160)
ODD_SIZE = (75, 53)
EVERYTHING = os.environ.get("RTSEG_ZOO") == "all"
NOT_OF_THE_ZOO = {"two", "five"}  # tests/little_runs.py puts them into the dicts
OTHER_WIDTHS = {name for name in (*ENCODERS, *DECODERS) if re.search(r"x\d+$", name)}
"""The same graphs as those without the suffix, with fewer or more channels."""

LEFT_OUT = NOT_OF_THE_ZOO if EVERYTHING else NOT_OF_THE_ZOO | OTHER_WIDTHS
NETS = [
    f"{decoder}_{encoder}"
    for encoder in ENCODERS
    for decoder in DECODERS
    # plain2 ends at stride 4: the other decoders refuse it, as another test states.
    if not {encoder, decoder} & LEFT_OUT and (encoder != "plain2" or decoder == "unet")
]
CONVERTED_WITH = {"vgg16": "fcn8", "resnet50": "pspnet"}
"""Of these encoders 60 and 94 MB of weights are converted to ONNX with each decoder: here, with the one that
came with them in the literature."""

Picture = Callable[[tuple[int, int], int], np.ndarray]


@dataclass(frozen=True)
class Trained:
    """A network after one step, with its loss on the batch of that step before and after it.

    answers are its logits for pictures of each of SIZES.
    """

    name: str
    network: keras.Model
    losses: tuple[float, float]
    answers: list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module", params=NETS)
def trained(request: pytest.FixtureRequest, picture: Picture) -> Trained:
    gc.collect()  # what is left of the net before is large
    name: str = request.param
    keras.utils.set_random_seed(3)
    images = np.stack([picture(SIZES[0], seed) for seed in range(2)])
    truth = (images.sum(axis=-1, dtype=np.uint16) // 192).astype(np.uint8)  # darker and brighter regions
    config = TrainConfig(data={Path(): 1}, out=Path(), net=name)
    training = TrainingNetwork(config, 4, (1.0,) * 4)
    wake(training.network)
    # A step of this length in the gradient's direction, however steep it is.
    training.compile(keras.optimizers.SGD(1.0, global_clipnorm=0.001), run_eagerly=True)

    def loss() -> float:
        outputs = training(images, training=True)
        return float(training.compute_loss(images, {"class_map": truth}, outputs))

    before = loss()
    training.train_on_batch(images, {"class_map": truth})
    losses = before, loss()
    batches = [np.stack([picture(size, seed) for seed in range(3)]) for size in SIZES]
    answers = [(batch, keras.ops.convert_to_numpy(training.network(batch))) for batch in batches]
    return Trained(name, training.network, losses, answers)


def wake(network: keras.Model) -> None:
    """Have it normalise by the batch that it saw last, or the activations of an untrained network fade away.

    Nothing of it is left to chance, nor silent.
    """
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        elif isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
        elif isinstance(layer, keras.layers.Conv2D) and not np.any(layer.get_weights()[0]):
            kernel, bias = layer.get_weights()  # FCN's skips begin with nothing
            layer.set_weights([rng.normal(0, kernel.shape[2] ** -0.5, kernel.shape), bias])


@pytest.fixture(scope="module")
def saved(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a model, as `rtseg train` leaves it."""
    folder = tmp_path_factory.mktemp(trained.name)
    trained.network.save_weights(str(folder / WEIGHTS_FILE))
    card = ModelCard(
        name=trained.name.replace("_", "-"),
        net=trained.name,
        classes=labels.CLASSES,
        palette=labels.PALETTE,
        input=InputSpec(width=SIZES[0][0], height=SIZES[0][1]),
        output=OutputSpec(stride=stride(trained.network)),
    )
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    yield folder
    shutil.rmtree(folder)  # they are large


@pytest.fixture(scope="module")
def exported(saved: Path, trained: Trained) -> Path:
    """The same folder, as `rtseg export` leaves it."""
    decoder, _, encoder = trained.name.partition("_")
    if decoder != CONVERTED_WITH.get(encoder, decoder) and not EVERYTHING:
        pytest.skip(f"{encoder} takes long to convert; RTSEG_ZOO=all does it with every decoder")
    with pytest.MonkeyPatch.context() as patch:
        # Or the converter copies all weights before each of its passes, to go on where one of them fails.
        patch.setenv("TF2ONNX_CATCH_ERRORS", "FALSE")
        export_onnx(saved, saved)
    return saved


def test_logits_come_at_the_stride_of_the_net_for_any_size(trained: Trained) -> None:
    expected = 4
    if trained.name.startswith("unet"):
        expected = 1 if trained.name.endswith(("_plain", "_plain2", "_vgg16")) else 2
    assert stride(trained.network) == expected
    for (width, height), (_, logits) in zip(SIZES, trained.answers, strict=True):
        assert logits.shape == (3, height // expected, width // expected, 4)
        assert logits.dtype == np.float32


def test_a_step_lowers_the_loss(trained: Trained) -> None:
    before, after = trained.losses
    assert 0.5 < before < 100
    assert after < before - 1e-4


def test_what_was_saved_says_the_same_when_loaded(trained: Trained, saved: Path) -> None:
    images, logits = trained.answers[0]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(load_network(saved)(images)), logits)


def test_onnx_says_what_keras_says_at_any_size(trained: Trained, exported: Path) -> None:
    for name in ("onnxruntime", "openvino"):
        with open_backend(name, exported / ONNX_FILE, classes=4, precision="f32", threads=1) as backend:
            for images, answer in trained.answers:
                logits, expected = backend.infer(images), answer.transpose(0, 3, 1, 2)
                np.testing.assert_allclose(logits, expected, atol=2e-3 * expected.std(), err_msg=name)
                means = expected.mean(axis=(0, 2, 3), keepdims=True)  # or one class may win everywhere
                winners, expected_winners = ((each - means).argmax(axis=1) for each in (logits, expected))
                assert len(np.unique(expected_winners)) == 4
                agreement = np.mean(winners == expected_winners)
                assert agreement >= 0.999, f"{name} agrees with Keras on {agreement:.4%}"


def test_onnx_leaves_its_size_open_and_says_its_stride(trained: Trained, exported: Path) -> None:
    (logits,) = onnx.load(str(exported / ONNX_FILE)).graph.output
    sides = {1: ["H", "W"], 2: ["H/2", "W/2"], 4: ["H/4", "W/4"]}[stride(trained.network)]
    assert [d.dim_param or d.dim_value for d in logits.type.tensor_type.shape.dim] == ["N", 4, *sides]


def test_frames_of_odd_sides_run(
    exported: Path, picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(ODD_SIZE, number))
    stats = tmp_path / "stats.json"
    command = (
        f"rtseg run --model {exported} --source {tmp_path}/*.png --no-display --frames 2 --stats {stats}"
    )
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    figures = json.loads(stats.read_text(encoding="utf-8"))
    assert figures["frames_out"] == 2
    assert sum(figures["class_share"].values()) == pytest.approx(1, abs=0.01)
