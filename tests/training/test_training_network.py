"""The network as it is trained: where its weights come from, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from little_runs import NET, little

from rtseg.card import CARD_FILE, WEIGHTS_FILE, InputSpec, ModelCard
from rtseg.errors import ConfigError, ModelError
from rtseg.labels import palette
from rtseg.nets import build
from rtseg.training.network import TrainingNetwork, start_from

CLASSES = ("background", "road", "vehicle", "pedestrian")


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Writes the folder of a model of a net, whose ONNX file is there but means nothing."""

    def write(net: str = NET, classes: int = 4) -> Path:
        folder = tmp_path / f"model-{net}-{classes}"
        folder.mkdir()
        build(net, classes=classes).save_weights(str(folder / WEIGHTS_FILE))
        card = ModelCard(
            name="some",
            net=net,
            classes=CLASSES[:classes],
            palette=palette(CLASSES[:classes]),
            input=InputSpec(width=64, height=64),
        )
        (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
        return folder

    return write


def weights_in(folder: Path, net: str = NET, classes: int = 4) -> dict[str, list[np.ndarray]]:
    network = build(net, classes=classes)
    network.load_weights(str(folder / WEIGHTS_FILE))
    return weights_of(network)


def weights_of(network: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def assert_equal(some: list[np.ndarray], others: list[np.ndarray]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_a_model_with_the_same_classes_everything_is_taken(model: Callable[..., Path]) -> None:
    folder = model()
    network = build(NET, classes=4)
    start_from(str(folder), network)
    given, taken = weights_in(folder), weights_of(network)
    assert list(given) == list(taken)
    for name, weights in taken.items():
        assert_equal(weights, given[name])


def test_of_a_model_with_other_classes_all_but_the_last_layer_is_taken(model: Callable[..., Path]) -> None:
    folder = model(classes=2)
    network = build(NET, classes=4)
    own = weights_of(network)
    start_from(str(folder), network)
    given, taken = weights_in(folder, classes=2), weights_of(network)
    assert_equal(taken.pop("logits"), own["logits"])
    assert len(taken) > 5
    for name, weights in taken.items():
        assert_equal(weights, given[name])


def test_of_an_fcn_with_other_classes_all_but_its_scores_is_taken(model: Callable[..., Path]) -> None:
    network = build("fcn8_five", classes=4)
    own = weights_of(network)
    start_from(str(model("fcn8_five", classes=2)), network)
    for name, weights in weights_of(network).items():
        assert all(map(np.array_equal, weights, own[name])) == name.startswith("logits")


def test_a_model_of_another_net_is_refused(model: Callable[..., Path]) -> None:
    message = r"its net lite_five does not fit two_five: layer 'two' is not in it\. Start from a model"
    with pytest.raises(ModelError, match=message):
        start_from(str(model("lite_five")), build(NET, classes=4))


def test_a_net_of_other_widths_is_refused(model: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="does not fit lite_five: layer 'context' has other shapes"):
        start_from(str(model("litex05_five")), build("lite_five", classes=4))


def test_a_model_without_its_weights_is_refused(model: Callable[..., Path]) -> None:
    folder = model()
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError, match=r"weights.h5: missing; `rtseg train` writes it"):
        start_from(str(folder), build(NET, classes=4))


@pytest.mark.parametrize("content", [b"", b"dear diary", None])
def test_weights_that_are_none_are_refused(model: Callable[..., Path], content: bytes | None) -> None:
    folder = model()
    if content is None:  # those of another net than the card says
        build("lite_five", classes=4).save_weights(str(folder / WEIGHTS_FILE))
    else:
        (folder / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"weights.h5: not the weights of two_five: "):
        start_from(str(folder), build(NET, classes=4))


def test_a_training_starts_from_init(model: Callable[..., Path], tmp_path: Path) -> None:
    folder = model()
    network = TrainingNetwork(little(tmp_path, tmp_path, init=str(folder)), 4, (1.0,) * 4).network
    for name, weights in weights_in(folder).items():
        assert_equal(weights_of(network)[name], weights)


@pytest.mark.parametrize("classes", [4, 2])
def test_weights_are_drawn_back_to_those_of_init(
    model: Callable[..., Path], tmp_path: Path, classes: int
) -> None:
    folder = model(classes=classes)
    config = little(tmp_path, tmp_path, init=str(folder), blend=0.25)
    trained = TrainingNetwork(config, 4, (1.0,) * 4)
    for layer in trained.network.layers:
        layer.set_weights([weights + 1 for weights in layer.get_weights()])
    before = weights_of(trained.network)
    trained.blend_with_start(0.25)
    given = weights_in(folder, classes=classes)
    for name, weights in weights_of(trained.network).items():
        for now, was, start in zip(weights, before[name], given[name], strict=True):
            # Of other classes nothing was taken, so there is nothing to go back to.
            expected = was if name == "logits" and classes != 4 else 0.25 * was + 0.75 * start
            np.testing.assert_allclose(now, expected, atol=1e-6)


@pytest.mark.parametrize("freeze", ["bn", "encoder"])
def test_unfrozen_it_learns_as_if_never_frozen(tmp_path: Path, freeze: str) -> None:
    some, others = (
        TrainingNetwork(little(tmp_path, tmp_path, net="lite_mobilenetv2x05", freeze=each), 4, (1.0,) * 4)
        for each in (freeze, "none")
    )
    expected = [variable.path for variable in others.trainable_variables]
    assert len(some.trainable_variables) < len(expected)
    some.unfreeze()
    assert [variable.path for variable in some.trainable_variables] == expected


def test_a_second_head_learns_and_is_not_kept(tmp_path: Path) -> None:
    image = np.zeros((1, 64, 96, 3), np.uint8)
    plain, helped = (
        TrainingNetwork(little(tmp_path, tmp_path, auxiliary=weight), 4, (1.0,) * 4) for weight in (0, 0.4)
    )
    assert set(plain(image)) == {"logits"}
    shapes = {name: tuple(logits.shape) for name, logits in helped(image).items()}
    assert shapes == {"logits": (1, 16, 24, 4), "auxiliary": (1, 4, 6, 4)}
    assert any("auxiliary" in variable.path for variable in helped.trainable_variables)
    assert (
        set(weights_of(helped.network))
        == set(weights_of(plain.network))
        == set(weights_of(build(NET, classes=4)))
    )
    helped.network.save_weights(str(tmp_path / WEIGHTS_FILE))
    build(NET, classes=4).load_weights(str(tmp_path / WEIGHTS_FILE))


def test_a_second_head_on_a_stride_that_the_net_lacks_is_refused(tmp_path: Path) -> None:
    config = little(tmp_path, tmp_path, net="unet_plain2", auxiliary=0.4)
    with pytest.raises(ConfigError, match=r"auxiliary is 0\.4: .* stride 16, .*unet_plain2.*auxiliary at 0"):
        TrainingNetwork(config, 4, (1.0,) * 4)


def test_the_loss_is_the_sum_of_what_is_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (2, 64, 64)).astype(np.uint8)
    teacher, logits = rng.normal(size=(2, 2, 16, 16, 4)).astype(np.float32)
    auxiliary = rng.normal(size=(2, 4, 4, 4)).astype(np.float32)

    def loss(targets: dict[str, np.ndarray], outputs: dict[str, np.ndarray], **changes: float) -> float:
        network = TrainingNetwork(little(tmp_path, tmp_path, **changes), 4, (1.0,) * 4)
        return float(keras.ops.convert_to_numpy(network.compute_loss(None, targets, outputs)))

    plain = loss({"class_map": truth}, {"logits": logits})
    taught = {"class_map": truth, "teacher": teacher}
    once, thrice = (loss(taught, {"logits": logits}, distillation=weight) - plain for weight in (1, 3))
    assert once > 0.1
    assert thrice == pytest.approx(3 * once, rel=1e-4)
    heads = {"logits": logits, "auxiliary": auxiliary}
    helped = loss({"class_map": truth}, heads, auxiliary=0.4) - plain
    assert helped == pytest.approx(
        0.4 * loss({"class_map": truth[:, ::4, ::4]}, {"logits": auxiliary}), rel=1e-4
    )


def test_statistics_are_measured_over_batches_anew(
    tmp_path: Path, picture: Callable[..., np.ndarray]
) -> None:
    model = TrainingNetwork(little(tmp_path, tmp_path), 4, (1.0,) * 4)
    layer = model.network.get_layer("two_bn")
    scale, offset, *_ = layer.get_weights()
    layer.set_weights([scale, offset, np.full_like(scale, 7), np.full_like(scale, 9)])  # of weights long gone
    momentum = layer.momentum
    batches = [np.stack([picture((64, 64), seed + 2 * number) for seed in range(2)]) for number in range(3)]
    model.measure_statistics(batches)
    features = keras.Model(model.network.input, layer.input)(np.concatenate(batches))
    expected = keras.ops.convert_to_numpy(features).reshape(3, -1, len(scale))
    _, _, mean, variance = layer.get_weights()
    np.testing.assert_allclose(mean, expected.mean(axis=(0, 1)), atol=1e-4)
    np.testing.assert_allclose(variance, expected.var(axis=1).mean(axis=0), rtol=1e-3)
    assert layer.momentum == momentum


def test_frozen_statistics_are_not_measured(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    model = TrainingNetwork(little(tmp_path, tmp_path), 4, (1.0,) * 4)
    model.network.get_layer("two_bn").trainable = False
    before = weights_of(model.network)
    model.measure_statistics([picture((64, 64), 0)[None]])
    for name, weights in weights_of(model.network).items():
        assert_equal(weights, before[name])
