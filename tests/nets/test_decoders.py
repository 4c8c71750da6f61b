"""The decoders: what their papers draw."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from rtseg.errors import ConfigError
from rtseg.nets import build
from rtseg.nets.decoders import DECODERS

FCNS = {"fcn32": (), "fcn16": ("P4",), "fcn8": ("P4", "P3")}


@pytest.fixture
def fcn() -> Callable[[str], keras.Model]:
    """A decoder by itself, for two classes that are scored alike: each pyramid level has one channel."""

    def make(name: str) -> keras.Model:
        pyramid = {level: keras.Input((None, None, 1), name=level) for level in ("P5", *FCNS[name])}
        decoder = keras.Model(pyramid, DECODERS[name](pyramid, 2))
        for level in pyramid:
            kernel, bias = decoder.get_layer(f"logits_{level}").get_weights()
            decoder.get_layer(f"logits_{level}").set_weights([np.full_like(kernel, level == "P5"), bias])
        return decoder

    return make


def ramp(stride: int, size: int = 256) -> np.ndarray:
    """(1, size/stride, size/stride, 1): the column and the row of each pixel's centre, added up."""
    centres = (np.arange(size // stride, dtype=np.float32) + 0.5) * stride
    return (centres[None, :, None, None] + 2 * centres[None, None, :, None]).astype(np.float32)


def zeros(decoder: keras.Model) -> dict[str, np.ndarray]:
    return {level: np.zeros_like(ramp(2 ** int(level[1]))) for level in decoder.input}


@pytest.mark.parametrize("name", FCNS)
def test_an_untrained_fcn_upsamples_a_ramp_exactly(fcn: Callable[[str], keras.Model], name: str) -> None:
    decoder = fcn(name)
    logits = keras.ops.convert_to_numpy(decoder({**zeros(decoder), "P5": ramp(32)}))
    assert logits.shape == (1, 64, 64, 2)
    # But for the rim, beyond which there is nothing: half a stride, and more where steps follow each other.
    inner = slice(8, -8)
    expected = np.broadcast_to(ramp(4), logits.shape)[:, inner, inner]
    np.testing.assert_allclose(logits[:, inner, inner], expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["fcn16", "fcn8"])
def test_a_finer_fcn_starts_with_what_the_coarser_one_says(name: str) -> None:
    network = build(f"{name}_plain", classes=3)
    for level in FCNS[name]:
        assert not np.any(network.get_layer(f"logits_{level}").get_weights()[0])
    assert np.any(network.get_layer("logits_P5").get_weights()[0])


@pytest.mark.parametrize(("name", "level"), [("fcn16", "P4"), ("fcn8", "P4"), ("fcn8", "P3")])
def test_skips_are_added_where_they_belong(fcn: Callable[[str], keras.Model], name: str, level: str) -> None:
    decoder = fcn(name)
    layer = decoder.get_layer(f"logits_{level}")
    layer.set_weights([np.ones_like(weights) * (weights.ndim > 1) for weights in layer.get_weights()])
    step = 2 ** int(level[1])
    logits = keras.ops.convert_to_numpy(decoder({**zeros(decoder), level: ramp(step)}))
    inner = slice(8, -8)
    expected = np.broadcast_to(ramp(4), logits.shape)[:, inner, inner]
    np.testing.assert_allclose(logits[:, inner, inner], expected, rtol=1e-5)


def textbook(classes: int) -> keras.Model:
    """The network that it all began with, written down line by line."""
    image = keras.Input((None, None, 3), dtype="uint8")

    def convolution(x: object, width: int) -> object:
        return keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)

    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    fine = convolution(keras.layers.Dropout(0.2)(convolution(x, 32)), 32)
    x = keras.layers.MaxPooling2D((2, 2))(fine)
    middle = convolution(keras.layers.Dropout(0.2)(convolution(x, 64)), 64)
    x = keras.layers.MaxPooling2D((2, 2))(middle)
    x = convolution(keras.layers.Dropout(0.2)(convolution(x, 128)), 128)
    x = keras.layers.Concatenate()([keras.layers.UpSampling2D((2, 2))(x), middle])
    x = convolution(keras.layers.Dropout(0.2)(convolution(x, 64)), 64)
    x = keras.layers.Concatenate()([keras.layers.UpSampling2D((2, 2))(x), fine])
    x = convolution(keras.layers.Dropout(0.2)(convolution(x, 32)), 32)
    return keras.Model(image, keras.layers.Conv2D(classes, 1)(x))


def test_the_textbook_network_is_the_plain_unet_of_depth_two(picture: Callable[..., np.ndarray]) -> None:
    network, expected = build("unet_plain2", classes=4), textbook(4)
    assert [type(layer).__name__.replace("Repeat", "UpSampling2D") for layer in network.layers] == [
        type(layer).__name__ for layer in expected.layers
    ]
    rates = [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2] * 5
    expected.set_weights(network.get_weights())
    images = np.stack([picture((64, 32), seed) for seed in range(2)])
    np.testing.assert_allclose(
        *(keras.ops.convert_to_numpy(each(images)) for each in (network, expected)), atol=1e-5
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_the_textbook_network_has_the_parameters_of_its_eleven_convolutions(classes: int) -> None:
    pairs = [(3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    pairs += [(128 + 64, 64), (64, 64), (64 + 32, 32), (32, 32)]
    expected = sum((9 * before + 1) * width for before, width in pairs) + (32 + 1) * classes
    assert build("unet_plain2", classes=classes).count_params() == expected


def test_a_unet_is_as_wide_as_its_skips_but_not_wider_than_512() -> None:
    network = build("unet_resnet50", classes=3)
    widths = {
        level: [network.get_layer(f"climb_{level}_conv{number}").filters for number in (1, 2)]
        for level in ("P4", "P3", "P2", "P1")
    }
    assert widths == {"P4": [512, 512], "P3": [512, 512], "P2": [256, 256], "P1": [64, 64]}


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in {"unet", "two"}])
def test_a_decoder_that_wants_deeper_levels_says_so(name: str) -> None:
    with pytest.raises(ConfigError, match=r"encoder plain2 has no P[345] .*only P0, P1, P2; .*unet"):
        build(f"{name}_plain2", classes=4)


@pytest.mark.parametrize("name", ["fcn8_plain", "pspnet_plain", "unet_plain2", "lite_plain"])
def test_logits_are_float32_also_under_mixed_precision(
    name: str, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., np.ndarray]
) -> None:
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        network = build(name, classes=4)
    finally:
        keras.mixed_precision.set_global_policy(before)
    logits = network(picture((64, 64), 0)[None])
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()
