"""Networks from a name: what they take and give, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from rtseg.errors import ConfigError, ModelError
from rtseg.nets import build, compose


def batch_norms(network: keras.Model, *, decoder: bool) -> list[keras.layers.BatchNormalization]:
    """The decoder's layers come after the encoder's last, out_relu or whatever is nearest to it."""
    names = ("context", "skip_", "narrow_", "refine_", "smooth_")
    return [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.startswith(names) == decoder
    ]


@pytest.fixture(scope="module")
def half() -> keras.Model:
    return build("lite_mobilenetv2x05", classes=5)


def test_logits_come_at_stride_four_for_any_size(half: keras.Model) -> None:
    for n, height, width in ((1, 64, 64), (2, 32, 96)):
        logits = half(np.zeros((n, height, width, 3), np.uint8))
        assert logits.shape == (n, height // 4, width // 4, 5)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_a_net_of_fixed_size_says_its_size() -> None:
    network = build("lite_mobilenetv2x05", classes=2, size=(96, 64))
    assert network.input.shape == (None, 64, 96, 3)
    assert network.input.dtype == "uint8"
    assert network.output.shape == (None, 16, 24, 2)


def test_the_parts_of_a_net_are_the_image_its_pyramid_and_the_logits() -> None:
    image, pyramid, logits = compose("litex05_mobilenetv2x05", classes=3, size=(96, 64))
    assert image.shape == (None, 64, 96, 3)
    strides = {
        level: (64 // features.shape[1], 96 // features.shape[2]) for level, features in pyramid.items()
    }
    assert strides == {f"P{level}": (2**level, 2**level) for level in range(1, 6)}
    assert logits.shape == (None, 16, 24, 3)


def test_half_a_decoder_is_half_as_wide(half: keras.Model) -> None:
    part = build("litex05_mobilenetv2x05", classes=5)
    for name in ("context", "skip_P4", "narrow_P3", "refine_P3", "smooth_P2"):
        assert 2 * part.get_layer(name).filters == half.get_layer(name).filters
    assert part(np.zeros((1, 64, 96, 3), np.uint8)).shape == (1, 16, 24, 5)


def test_brightness_matters_so_the_picture_gets_in(half: keras.Model) -> None:
    pictures = (np.full((1, 32, 32, 3), value, np.uint8) for value in (20, 230))
    dark, light = (keras.ops.convert_to_numpy(half(picture)) for picture in pictures)
    assert not np.allclose(dark, light, rtol=1e-3, atol=0)


def test_the_medium_net_has_about_two_million_parameters() -> None:
    assert 1.9e6 < build("lite_mobilenetv2", classes=4).count_params() < 2.3e6


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lite_mobilnetv2", "lite_mobilenetv2"), ("unet", "DECODER_ENCODER"), ("", "lite_mobilenetv2")],
)
def test_an_unknown_net_suggests_one(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown net '{name}'.*{expected}"):
        build(name, classes=4)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((100, 64), "width 100 is no multiple of 32; try 96 or 128"),
        ((64, 50), "height 50 .* 32 or 64"),
        ((64, 0), "height 0 .* 32"),
        ((-32, 64), "width -32"),
    ],
)
def test_a_size_that_does_not_fit_says_which_do(size: tuple[int, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("lite_mobilenetv2", classes=4, size=size)


@pytest.mark.parametrize("classes", [1, 0, -3])
def test_fewer_than_two_classes_are_refused(classes: int) -> None:
    with pytest.raises(ConfigError, match=f"{classes} classes.*at least 2"):
        build("lite_mobilenetv2", classes=classes)


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras's, before it raises
@pytest.mark.parametrize("kind", ["missing", "text", "decoder too", "other width"])
def test_encoder_weights_that_do_not_fit_are_refused(
    kind: str, tmp_path: Path, half: keras.Model, imagenet: Callable[[float], Path]
) -> None:
    path = tmp_path / "some.weights.h5"
    if kind == "text":
        path.write_text("Dear diary", encoding="utf-8")
    elif kind == "decoder too":
        half.save_weights(str(path))
    elif kind == "other width":
        path = imagenet(1.0)
    said = {
        "missing": "no such file; expected the weights of MobileNetV2 x0.5 without top",
        "other width": "not the weights of MobileNetV2 x0.5 without top: layer 'Conv1': ",
    }
    with pytest.raises(ModelError, match=said.get(kind, "not the weights of MobileNetV2 x0.5 without top: ")):
        build("lite_mobilenetv2x05", classes=4, encoder_weights=path)


@pytest.fixture
def imagenet(tmp_path: Path) -> Callable[[float], Path]:
    """Writes an encoder's weights as Keras hands them out."""

    def write(alpha: float) -> Path:
        path = tmp_path / "imagenet.weights.h5"
        keras.applications.MobileNetV2((96, 96, 3), alpha, include_top=False, weights=None).save_weights(path)
        return path

    return write


def test_encoder_weights_end_up_in_the_encoder(imagenet: Callable[[float], Path]) -> None:
    path = imagenet(0.5)
    one, other = (build("lite_mobilenetv2x05", classes=4, encoder_weights=path) for _ in range(2))
    kernels = [network.get_layer("Conv1").get_weights()[0] for network in (one, other)]
    np.testing.assert_array_equal(*kernels)
    heads = [network.get_layer("logits").get_weights()[0] for network in (one, other)]
    assert not np.array_equal(*heads)


def test_freezing_batch_norm_keeps_the_encoders_and_no_others() -> None:
    network = build("lite_mobilenetv2x05", classes=4, freeze="bn")
    encoders, decoders = batch_norms(network, decoder=False), batch_norms(network, decoder=True)
    assert len(encoders) > 40
    assert not any(layer.trainable for layer in encoders)
    assert len(decoders) > 8
    assert all(layer.trainable for layer in decoders)
    assert network.get_layer("Conv1").trainable


def test_freezing_all_batch_norm_keeps_the_decoders_too() -> None:
    network = build("lite_mobilenetv2x05", classes=4, freeze="all-bn")
    norms = [*batch_norms(network, decoder=False), *batch_norms(network, decoder=True)]
    assert len(norms) > 48
    assert not any(layer.trainable for layer in norms)


def test_freezing_the_encoder_leaves_only_the_decoder_to_train() -> None:
    network = build("lite_mobilenetv2x05", classes=4, freeze="encoder")
    trained = {variable.path.split("/")[0] for variable in network.trainable_variables}
    assert trained
    assert all(
        name.startswith(("context", "skip_", "narrow_", "refine_", "smooth_", "logits")) for name in trained
    )


@pytest.mark.parametrize("freeze", ["none", "bn", "all-bn"])
def test_without_freezing_all_else_is_trained(freeze: str) -> None:
    network = build("lite_mobilenetv2x05", classes=4, freeze=freeze)  # type: ignore[arg-type]
    convolutions = [layer for layer in network.layers if "Conv2D" in type(layer).__name__]
    assert len(convolutions) > 50
    assert all(layer.trainable for layer in convolutions)
