"""Networks for semantic segmentation: any encoder with any decoder.

An encoder is a function  image (N, H, W, 3) uint8 RGB -> pyramid {"P1": ..., "P5": ...}
where Pn is 2^n times smaller than the image; a decoder is a function  (pyramid, classes) -> logits.
`build` composes one of each by name, and that is all there is to it.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rtseg.errors import ConfigError
from rtseg.nets.decoders import DECODERS
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.imagenet import imagenet_weights

if TYPE_CHECKING:
    import keras

    from rtseg.card import Stride
    from rtseg.frame import Size

MULTIPLE = 32
"""Widths and heights must be multiples of the deepest stride, so that skips meet without cropping."""

Freeze = Literal["none", "bn", "all-bn", "encoder"]
EncoderWeights = Path | Literal["imagenet"]


def start() -> None:
    """Have what Keras runs on make its first tensor, and say what it has to say before that."""
    import keras

    keras.ops.zeros(())


class Pyramid(dict[str, Any]):
    """The features of an encoder, finest first: {"P1": (N, H/2, W/2, C), ...}.

    Asked for a level that it lacks it raises ConfigError: then this encoder is not for that decoder.
    """

    def __init__(self, levels: dict[str, Any], encoder: str) -> None:
        super().__init__(levels)
        self.encoder = encoder

    def __missing__(self, level: str) -> Any:
        raise ConfigError(
            f"the encoder {self.encoder} has no {level} (stride {2 ** int(level[1:])}), only "
            f"{', '.join(self)}; take a deeper encoder, or the decoder unet, which climbs from any"
        )


class Composition(NamedTuple):
    """Symbolic tensors: the image, the encoder's pyramid, the decoder's logits."""

    image: Any
    pyramid: Pyramid
    logits: Any


def build(
    name: str,
    *,
    classes: int,
    size: Size | None = None,
    encoder_weights: EncoderWeights | None = None,
    freeze: Freeze = "none",
) -> keras.Model:
    """Compose the network `<decoder>_<encoder>`, for example "lite_mobilenetv2".

    size is (width, height) in pixels; None leaves both open, for training on crops of any size.
    The model maps `image` (N, H, W, 3) uint8 RGB to `logits` (N, H/s, W/s, classes) float32, where s is its
    `stride`; normalisation is inside. encoder_weights is a file, or "imagenet" for the one that Keras fetches
    and keeps. freeze keeps as it is the batch normalisation of the encoder ("bn") or of the decoder too
    ("all-bn"), or all of the encoder.

    Raises ConfigError for an unknown name, a decoder that needs levels which the encoder lacks, a size that
    is no multiple of 32, fewer than two classes or an encoder that has no ImageNet weights, and ModelError
    for encoder weights that do not fit or cannot be fetched.
    """
    import keras

    image, _, logits = compose(
        name, classes=classes, size=size, encoder_weights=encoder_weights, freeze=freeze
    )
    return keras.Model(image, logits, name=name)


def stride(network: keras.Model) -> Stride:
    """How many times smaller than the image the logits of a network are."""
    height, width = (side or MULTIPLE for side in network.input.shape[1:3])
    found: Stride = height // network.compute_output_shape((1, height, width, 3))[1]
    return found


def compose(
    name: str,
    *,
    classes: int,
    size: Size | None = None,
    encoder_weights: EncoderWeights | None = None,
    freeze: Freeze = "none",
) -> Composition:
    """The tensors of such a network, for who wants to build more on its pyramid. Raises as `build` does."""
    import keras

    decoder_name, _, encoder_name = name.partition("_")
    if decoder_name not in DECODERS or encoder_name not in ENCODERS:
        known = [f"{decoder}_{encoder}" for decoder in DECODERS for encoder in ENCODERS]
        nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise ConfigError(f"unknown net {name!r}; a net is DECODER_ENCODER, for example {', '.join(nearest)}")
    if classes < 2:
        raise ConfigError(f"{classes} classes asked for; a segmentation needs at least 2")
    width, height = size or (None, None)
    for label, pixels in (("width", width), ("height", height)):
        if pixels is not None and (pixels % MULTIPLE or pixels <= 0):
            below = max(pixels // MULTIPLE, 1) * MULTIPLE
            raise ConfigError(
                f"{label} {pixels} is no multiple of {MULTIPLE}; try {below} or {below + MULTIPLE}"
            )

    image = keras.Input((height, width, 3), dtype="uint8", name="image")
    weights = imagenet_weights(encoder_name) if encoder_weights == "imagenet" else encoder_weights
    pyramid = Pyramid(ENCODERS[encoder_name](image, weights), encoder_name)
    logits = DECODERS[decoder_name](pyramid, classes)
    frozen = [logits] if freeze == "all-bn" else list(pyramid.values())
    for layer in keras.Model(image, frozen).layers if freeze != "none" else ():
        if freeze == "encoder" or isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return Composition(image, pyramid, logits)
