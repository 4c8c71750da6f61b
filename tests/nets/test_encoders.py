"""The encoders: what their papers and their weights say they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from rtseg.errors import ModelError
from rtseg.nets import build
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.encoders.normalise import like_caffe

# Of MobileNetV2 the last convolution, to 1280 channels for the classifier, is no part of the pyramid.
CONV_1 = 320 * 1280 + 4 * 1280
CLASSIFIERS = {"vgg16": keras.applications.VGG16, "resnet50": keras.applications.ResNet50}


def with_weights(name: str, weights: Path | None) -> keras.Model:
    image = keras.Input((None, None, 3), dtype="uint8")
    return keras.Model(image, ENCODERS[name](image, weights))


@cache
def encoder(name: str) -> keras.Model:
    return with_weights(name, None)


@pytest.mark.parametrize(
    ("name", "published"),
    [("vgg16", 14_714_688), ("resnet50", 23_587_712), ("mobilenetv2", 2_257_984 - CONV_1)],
)
def test_encoders_have_the_published_number_of_parameters(name: str, published: int) -> None:
    assert encoder(name).count_params() == published


@pytest.mark.parametrize("name", ["plain", "plain2"])
def test_the_plain_encoder_is_two_convolutions_a_level(name: str) -> None:
    widths = [32, 64, 128, 256, 512, 512][: 3 if name == "plain2" else 6]
    inputs = [3, *widths]
    expected = sum(
        (9 * before + 1) * width + (9 * width + 1) * width
        for before, width in zip(inputs, widths, strict=False)
    )
    network = encoder(name)
    assert network.count_params() == expected
    assert [features.shape[-1] for features in network.output.values()] == widths


@pytest.mark.parametrize("name", [name for name in ENCODERS if name != "five"])  # tests/little_runs.py's
def test_each_level_is_half_as_large_as_the_one_before(name: str) -> None:
    shapes = encoder(name).compute_output_shape((1, 64, 96, 3))
    first = 0 if name in {"plain", "plain2", "vgg16"} else 1
    last = 2 if name == "plain2" else 5
    assert list(shapes) == [f"P{level}" for level in range(first, last + 1)]
    for level, shape in zip(range(first, last + 1), shapes.values(), strict=True):
        assert shape[1:3] == (64 // 2**level, 96 // 2**level)


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("vgg16", [64, 128, 256, 512, 512, 512]),
        ("resnet50", [64, 256, 512, 1024, 2048]),
        ("mobilenetv2", [16, 24, 32, 96, 320]),
        ("mobilenetv2x14", [24, 32, 48, 136, 448]),
    ],
)
def test_levels_are_as_wide_as_in_the_paper(name: str, widths: list[int]) -> None:
    assert [features.shape[-1] for features in encoder(name).output.values()] == widths


def test_pictures_are_normalised_as_caffe_did(picture: Callable[..., np.ndarray]) -> None:
    image = picture((32, 32), 0)[None]
    given = keras.Input((32, 32, 3), dtype="uint8")
    ours = keras.Model(given, like_caffe(given))(image)
    theirs = keras.applications.vgg16.preprocess_input(image.astype(np.float32))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), theirs, atol=1e-4)


@pytest.fixture(params=list(CLASSIFIERS))
def classifier(request: pytest.FixtureRequest) -> tuple[str, keras.Model]:
    """A classifier without top, as Keras makes it."""
    name: str = request.param
    return name, CLASSIFIERS[name](include_top=False, weights=None)


def test_an_encoder_computes_what_the_classifier_did(
    classifier: tuple[str, keras.Model], tmp_path: Path, picture: Callable[..., np.ndarray]
) -> None:
    name, theirs = classifier
    path = tmp_path / "imagenet.weights.h5"
    theirs.save_weights(str(path))
    ours = with_weights(name, path)
    path.unlink()  # it is large
    image = picture((64, 96), 0)[None]
    expected = theirs(keras.applications.vgg16.preprocess_input(image.astype(np.float32)))
    features = ours(image)["P5"]
    expected, features = (keras.ops.convert_to_numpy(each) for each in (expected, features))
    assert expected.std() > 0
    np.testing.assert_allclose(features, expected, atol=1e-4 * expected.max())


def test_weights_that_do_not_fit_are_refused_by_layer(tmp_path: Path) -> None:
    path = tmp_path / "plain.weights.h5"
    encoder("plain2").save_weights(str(path))
    build("unet_plain2", classes=2, encoder_weights=path)
    for name, whose, layer in (
        ("plain", "the plain encoder of depth 5", "block3_conv1"),
        ("vgg16", "VGG16 without top", "block1_conv1"),
        ("resnet50", "ResNet50 without top", "conv1_conv"),
        ("mobilenetv2x05", "MobileNetV2 x0.5 without top", "Conv1"),
    ):
        with pytest.raises(
            ModelError, match=f"plain.weights.h5: not the weights of {whose}: layer '{layer}'"
        ):
            build(f"fcn32_{name}", classes=2, encoder_weights=path)


@pytest.mark.parametrize("name", ["plain", "vgg16", "resnet50", "mobilenetv2"])
def test_missing_weights_are_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.weights\.h5: no such file; expected the weights of"):
        build(f"fcn32_{name}", classes=2, encoder_weights=tmp_path / "none.weights.h5")
