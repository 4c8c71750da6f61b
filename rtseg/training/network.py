"""A network with what it is told at training time: losses, a teacher, a second head."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from rtseg import postprocess, preprocess
from rtseg.card import model_folder
from rtseg.errors import ConfigError, ModelError
from rtseg.frame import UInt8Array
from rtseg.nets import MULTIPLE, compose
from rtseg.nets.saved import load_network
from rtseg.training.config import TrainConfig
from rtseg.training.losses import SegmentationLoss, distillation_loss

_LOGITS = "logits"
"""What the names of layers begin with whose shapes are of the classes: FCN has several."""

_SIZES = 8  # of pictures whose traced networks are kept


class TrainingNetwork(keras.Model):  # type: ignore[misc]
    """Maps images to {"logits": ..., "auxiliary": ...} and knows their loss.

    network is the part that is kept, (N, H, W, 3) uint8 -> logits (N, H/s, W/s, classes).
    """

    def __init__(self, config: TrainConfig, classes: int, class_weights: tuple[float, ...]) -> None:
        super().__init__()
        self.config = config
        parts = compose(
            config.net, classes=classes, encoder_weights=config.encoder_weights, freeze=config.freeze
        )
        self.network = keras.Model(parts.image, parts.logits, name=config.net)
        outputs = {"logits": parts.logits}
        if config.auxiliary:
            if "P4" not in parts.pyramid:
                raise ConfigError(
                    f"auxiliary is {config.auxiliary}: a second head on stride 16, which {config.net} lacks; "
                    "leave auxiliary at 0"
                )
            outputs["auxiliary"] = _second_head(parts.pyramid["P4"], classes)
        self.with_heads = keras.Model(parts.image, outputs)
        self.segmentation_loss = SegmentationLoss(class_weights, focal=config.focal, dice=config.dice)
        taken = start_from(config.init, self.network) if config.init is not None else ()
        self._start = (
            {name: self.network.get_layer(name).get_weights() for name in taken} if config.blend < 1 else {}
        )
        self._of_size = functools.lru_cache(maxsize=_SIZES)(functools.partial(_of_size, self.network))
        self.built = True  # all of its layers are; its checkpoints ask

    def call(self, image: Any, training: bool = False) -> Any:
        """Image (N, H, W, 3) uint8 -> the outputs of all heads."""
        return self.with_heads(image, training=training)

    def unfreeze(self) -> None:
        """Let all that `freeze` kept learn from now on; it must be compiled anew."""
        for layer in self.with_heads.layers:
            layer.trainable = True

    def class_map(self, image_rgb: UInt8Array) -> UInt8Array:
        """Picture (H, W, 3) uint8 RGB -> what the kept part makes of it (H, W), at its own resolution."""
        padded = preprocess.pad_to_multiple(image_rgb, MULTIPLE)
        height, width = image_rgb.shape[:2]
        logits = self._of_size(padded.shape).predict_on_batch(padded[None])[0]
        planes = np.ascontiguousarray(logits.transpose(2, 0, 1), np.float32)
        return postprocess.class_map(planes, (padded.shape[1], padded.shape[0]))[:height, :width]

    def measure_statistics(self, batches: Iterable[UInt8Array]) -> None:
        """Set the statistics of batch normalisation to their mean over batches (N, H, W, 3) uint8.

        Those that a training gathers on its way are of weights that it has left behind, and not at all of
        averaged ones (Wu and Johnson 2021, arXiv:2105.07576, section 3). Frozen ones stay.
        """
        layers = [
            layer
            for layer in self.network.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        momenta = [layer.momentum for layer in layers]
        for number, images in enumerate(batches if layers else ()):
            for layer in layers:
                layer.momentum = number / (number + 1)  # the mean of all so far
            self.network(images, training=True)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

    def blend_with_start(self, share: float) -> None:
        """Set the kept part to a mean in weight space: this share of what it is, the rest of what it was.

        A last layer that had other classes stays as it is: it started from nothing.
        """
        for name, start in self._start.items():
            layer = self.network.get_layer(name)
            pairs = zip(layer.get_weights(), start, strict=True)
            layer.set_weights([share * now + (1 - share) * then for now, then in pairs])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The sum of what the configuration asks for; x, y as `TrainingBatches` gives them."""
        loss = self.segmentation_loss(y["class_map"], y_pred["logits"])
        if "teacher" in y:
            loss += self.config.distillation * distillation_loss(y["teacher"], y_pred["logits"])
        if "auxiliary" in y_pred:
            # At the stride of the logits: this head learns where things are, not where they end.
            coarse = y["class_map"][:, ::4, ::4]
            loss += self.config.auxiliary * self.segmentation_loss(coarse, y_pred["auxiliary"])
        return loss


def _of_size(network: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    """The network on pictures of one size, with the same weights.

    TensorFlow cannot trace a network of open size, and untraced each layer is a call from Python.
    """
    image = keras.Input(shape, dtype="uint8")
    return keras.Model(image, network(image, training=False))


def start_from(name: str, network: keras.Model) -> tuple[str, ...]:
    """Give a network the weights of a model, except for the logits' own layers where they have other classes.

    -> the names of the layers that have them now.

    Raises ModelError for a model of another net, or one without its Keras weights.
    """
    folder = model_folder(name)
    source = load_network(folder)
    taken = []
    for layer in network.layers:
        theirs = next((each for each in source.layers if each.name == layer.name), None)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if theirs is not None and [tuple(weight.shape) for weight in theirs.weights] == shapes:
            layer.set_weights(theirs.get_weights())
            if shapes:
                taken.append(layer.name)
        elif shapes and not layer.name.startswith(_LOGITS):
            raise ModelError(
                f"{name}: its net {source.name} does not fit {network.name}: layer {layer.name!r} "
                f"{'has other shapes' if theirs is not None else 'is not in it'}. Start from a model of the "
                "same net"
            )
    return tuple(taken)


def _second_head(features: Any, classes: int) -> Any:
    """A small classifier on the encoder alone (PSPNet's auxiliary loss, Zhao et al. 2017, section 3.3)."""
    x = keras.layers.Conv2D(64, 1, use_bias=False, name="auxiliary_conv")(features)
    x = keras.layers.ReLU(name="auxiliary_relu")(keras.layers.BatchNormalization(name="auxiliary_bn")(x))
    return keras.layers.Conv2D(classes, 1, dtype="float32", name="auxiliary_logits")(x)
