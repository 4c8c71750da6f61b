"""The figures of networks, against published ones, against sums by hand, and against what networks do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from rtseg.errors import ConfigError
from rtseg.nets import build
from rtseg.nets.decoders import DECODERS
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.graph import receptive_field
from rtseg.nets.resizing import AverageBins, Repeat, StretchTo
from rtseg.nets.summary import Level, cost, decoder_summaries, encoder_summary, net_summary, papers

Build = Callable[[Any], Any]


@pytest.fixture(scope="module")
def vgg16() -> keras.Model:
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=(224, 224, 3))


@pytest.fixture(scope="module")
def resnet50() -> keras.Model:
    return keras.applications.ResNet50(include_top=False, weights=None, input_shape=(224, 224, 3))


@pytest.fixture(scope="module")
def mobilenetv2() -> keras.Model:
    return keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(224, 224, 3))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [
        ("vgg16", 14_714_688, 15.3),  # He et al. 2015, arXiv:1512.03385, section 3.3
        ("resnet50", 23_587_712, 3.8),  # the same, table 1
        ("mobilenetv2", 2_257_984, 0.300),  # Sandler et al. 2018, arXiv:1801.04381, table 4
    ],
)
def test_the_costs_of_well_known_networks(
    name: str, parameters: int, gmacs: float, request: pytest.FixtureRequest
) -> None:
    """Within 2 %: the papers round to two or three digits, and count the classifier, at most 0.8 % of it."""
    network = request.getfixturevalue(name)
    measured = cost([network.input], [network.output])
    assert measured.parameters == parameters
    assert measured.macs / 1e9 == pytest.approx(gmacs, rel=0.02)


def test_the_multiply_accumulates_of_vgg16_are_those_summed_by_hand(vgg16: keras.Model) -> None:
    convolutions = {
        224: [(3, 64), (64, 64)],
        112: [(64, 128), (128, 128)],
        56: [(128, 256), (256, 256), (256, 256)],
        28: [(256, 512), (512, 512), (512, 512)],
        14: [(512, 512)] * 3,
    }
    by_hand = sum(side**2 * 9 * a * b for side, widths in convolutions.items() for a, b in widths)
    assert cost([vgg16.input], [vgg16.output]).macs == by_hand


def test_each_kind_of_layer_costs_what_it_computes() -> None:
    image = keras.Input((8, 6, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(image)  # 4 x 3 places
    assert cost([image], [x]).macs == 4 * 3 * (3 * 3 * 3 * 4)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    assert cost([x], [y]).macs == 4 * 3 * (3 * 3 * 4)
    y = layers.SeparableConv2D(5, 3, padding="same")(x)
    assert cost([x], [y]).macs == 4 * 3 * (3 * 3 * 4 + 4 * 5)
    y = layers.Conv2DTranspose(5, 4, strides=2, padding="same")(x)  # each of the 4 x 3 spreads into 4 x 4
    assert cost([x], [y]).macs == 4 * 3 * (4 * 4 * 4 * 5)
    y = layers.Dense(7)(layers.GlobalAveragePooling2D()(x))
    assert cost([x], [y]).macs == 4 * 7


def test_a_layer_that_is_used_twice_is_stored_once_and_computed_twice() -> None:
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same")
    twice = cost([image], [shared(shared(image))])
    assert (twice.parameters, twice.macs) == (3 * 3 * 3 * 3 + 3, 2 * 64 * 81)


def test_frozen_and_running_parameters_are_not_trainable() -> None:
    image = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 1, use_bias=False, trainable=False)(image))
    measured = cost([image], [x])
    assert (measured.parameters, measured.trainable) == (3 * 4 + 4 * 4, 2 * 4)


@pytest.mark.parametrize(
    ("name", "layer", "pixels"),
    [
        ("vgg16", "block5_conv3", 196),
        ("vgg16", "block5_pool", 212),
        ("resnet50", "conv5_block3_out", 483),  # both from Araujo et al. 2019, doi:10.23915/distill.00021
    ],
)
def test_the_receptive_fields_of_well_known_networks(
    name: str, layer: str, pixels: int, request: pytest.FixtureRequest
) -> None:
    network = request.getfixturevalue(name)
    assert receptive_field(network.input, network.get_layer(layer).output).pixels == pixels


conv = partial(layers.Conv2D, 2, padding="same", activation="relu", kernel_initializer="ones")
transposed = partial(layers.Conv2DTranspose, 2, strides=2, padding="same", kernel_initializer="ones")
depthwise = partial(layers.DepthwiseConv2D, depthwise_initializer="ones")


def windows(x: Any) -> Any:
    """1 + 2 = 3, of stride 2; + 2 * 2 * 2 = 11; pooled + 2 = 13, of stride 4; + 2 * 4 = 21."""
    x = conv(3, strides=2)(x)
    x = conv(3, dilation_rate=2)(x)
    x = layers.AveragePooling2D(2)(x)
    return conv(3)(x)


def padded(x: Any) -> Any:
    """As MobileNetV2 strides: 3; + 2 * 2 = 7, of stride 4; + 4 * 4 = 23."""
    x = depthwise(3, strides=2, padding="valid")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = depthwise(3, strides=2, padding="valid")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    options = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}
    return layers.SeparableConv2D(2, 5, padding="same", **options)(x)


def up_and_skip(x: Any) -> Any:
    """As U-Net: 3; pooled 4, of stride 2; + 2 * 2 = 8; a 3x3 over pixels doubled meets 2 of them, 10."""
    skip = conv(3)(x)
    x = conv(3)(layers.MaxPooling2D(2)(skip))
    x = Repeat(2, name="repeat")(x)
    return conv(3)(layers.Concatenate()([x, skip]))


def learned_upsampling(x: Any) -> Any:
    """As FCN: 3, of stride 2; 7, of stride 4; a 4x4 of stride 2 meets 2 of those, + 4 = 11; the next too:
    2 of stride 2 are made of up to 3 of stride 4, 7 + 2 * 4 = 15.
    """
    x = conv(3, strides=2)(x)
    deep = conv(3, strides=2)(x)
    return transposed(4)(layers.Add()([transposed(4)(deep), x]))


def bilinear(x: Any) -> Any:
    """Pooled 4, of stride 4; a pixel is made of 2 of those, three neighbours across a centre of 3, 12."""
    x = layers.AveragePooling2D(4)(x)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    return conv(3)(x)


def stretched(x: Any) -> Any:
    """The same, but to the size of another map, of which only the size matters."""
    small = layers.AveragePooling2D(4)(x)
    return conv(3)(StretchTo(name="stretch")([small, conv(9)(x)]))


def overlapping_upsampling(x: Any) -> Any:
    """Pooled 2; a 3x3 of stride 2 overlaps itself by 1, so that every other output is made of 2, 4."""
    return transposed(3)(layers.MaxPooling2D(2)(x))


SMALL = {windows: 21, padded: 23, up_and_skip: 10, learned_upsampling: 15, bilinear: 12, stretched: 12,
         overlapping_upsampling: 4}  # fmt: skip


@pytest.mark.parametrize(("make", "pixels"), SMALL.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_small_receptive_fields_are_those_found_by_hand_and_by_trying(make: Build, pixels: int) -> None:
    image = keras.Input((64, 64, 1))
    output = make(image)
    assert receptive_field(image, output).pixels == pixels
    assert not receptive_field(image, output).whole_picture

    # One bright column at a time; kernels of ones let it through to all outputs that see it.
    columns = np.eye(64, dtype=np.float32)[:, None, :, None] * np.ones((1, 64, 1, 1), np.float32)
    lit = keras.Model(image, output).predict_on_batch(columns)[:, 32 * output.shape[1] // 64, :, 0] > 0
    seen = [np.flatnonzero(sees) for sees in lit.T]
    assert max(each[-1] - each[0] + 1 for each in seen) == pixels


@pytest.mark.parametrize("pool", [layers.GlobalAveragePooling2D(keepdims=True), AverageBins(2, name="bins")])
def test_pooling_over_the_picture_sees_all_of_it(pool: layers.Layer) -> None:
    image = keras.Input((64, 64, 3))
    x = conv(3)(image)
    context = StretchTo(name="spread")([pool(x), x])
    field = receptive_field(image, layers.Concatenate()([x, context]))
    assert (field.pixels, field.whole_picture) == (3, True)


def test_what_cannot_be_measured_is_refused_and_not_guessed() -> None:
    image = keras.Input((32, 32, 3))
    with pytest.raises(NotImplementedError, match="LayerNormalization sees"):
        receptive_field(image, layers.LayerNormalization()(image))
    with pytest.raises(NotImplementedError, match="UpSampling2D sees"):
        receptive_field(image, layers.UpSampling2D(2, interpolation="bicubic")(image))
    with pytest.raises(NotImplementedError, match="cost of EinsumDense"):
        cost([image], [layers.EinsumDense("nhwc,cd->nhwd", output_shape=(32, 32, 4))(image)])


def test_the_textbook_u_net_in_figures() -> None:
    """Conv 32-32, pool, 64-64, pool, 128-128, up with 64, 64-64, up with 32, 32-32, 1x1 to the classes."""
    encoder, decoder = net_summary("unet_plain2", classes=12, size=(64, 32))
    widths = [(3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    assert encoder.cost.parameters == sum(9 * a * b + b for a, b in widths)
    climb = [(128 + 64, 64), (64, 64), (64 + 32, 32), (32, 32)]
    assert decoder.cost.parameters == sum(9 * a * b + b for a, b in climb) + 32 * 12 + 12
    assert encoder.levels == (Level("P0", 1, 32), Level("P1", 2, 64), Level("P2", 4, 128))
    assert decoder.logits == Level("logits", 1, 12)
    assert decoder.takes == ("P0", "P1", "P2")
    # 5, pooled 6; + 4 * 2 = 14, pooled 16; + 4 * 4 = 32.
    assert encoder.receptive_field.pixels == 32
    assert decoder.receptive_field.pixels > 32


def test_encoder_and_decoder_make_up_the_network() -> None:
    encoder, decoder = net_summary("lite_mobilenetv2x05", classes=4, size=(96, 64))
    network = build("lite_mobilenetv2x05", classes=4, size=(96, 64))
    together = encoder.cost + decoder.cost
    assert together.parameters == network.count_params()
    assert together.trainable == sum(prod(weight.shape) for weight in network.trainable_variables)
    assert together.macs == cost([network.input], [network.output]).macs
    assert decoder.takes == ("P2", "P3", "P4", "P5")
    assert decoder.logits.stride == 4
    assert decoder.receptive_field.whole_picture


def test_the_cost_of_convolutions_goes_with_the_area() -> None:
    small, large = (encoder_summary("plain", size).cost for size in ((64, 64), (128, 192)))
    assert large.macs == 6 * small.macs
    assert large.parameters == small.parameters


def test_fcn_sees_further_than_the_scores_it_upsamples() -> None:
    """212 at stride 32; a logit meets up to 3 of them by way of stride 16: 212 + 2 * 32."""
    encoder, decoder = net_summary("fcn8_vgg16", classes=4, size=(64, 64))
    assert encoder.receptive_field.pixels == 212
    assert decoder.receptive_field.pixels == 276
    assert decoder.takes == ("P3", "P4", "P5")


def test_every_decoder_is_measured_on_the_same_encoder() -> None:
    summaries = {each.name: each for each in decoder_summaries(4, (96, 64))}
    assert list(summaries) == list(DECODERS)
    assert summaries["fcn32"].takes == ("P5",)
    assert summaries["litex05"].cost.macs < summaries["lite"].cost.macs
    assert all(each.logits.stride in {1, 2, 4} for each in summaries.values())


def test_papers_are_those_that_the_code_cites() -> None:
    assert papers(ENCODERS["mobilenetv2"]) == ("Sandler et al. 2018, arXiv:1801.04381",)
    assert papers(ENCODERS["vgg16"]) == ("Simonyan and Zisserman 2014, arXiv:1409.1556",)
    assert papers(DECODERS["fcn8"]) == ("Long et al. 2015, arXiv:1411.4038",)
    assert len(papers(DECODERS["pspnet"])) == 2
    assert papers(np.zeros) == ()


@pytest.mark.parametrize("name", [*ENCODERS, *DECODERS])
def test_every_part_of_ours_cites_its_paper(name: str) -> None:
    function: Any = ENCODERS.get(name) or DECODERS[name]
    module = getattr(function, "func", function).__module__
    if module.startswith("rtseg."):  # other tests add parts of their own
        assert papers(function)


def test_an_unknown_net_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown net"):
        net_summary("unet_vgg61", classes=4, size=(64, 64))
