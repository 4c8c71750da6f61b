"""PSPNet: what each pixel looks like, beside what the whole, the quarters, ... of the picture look like.

Zhao et al. 2017, arXiv:1612.01105, figure 3. The paper dilates the encoder so that it sees at stride 8; here
P5 and P4 are brought to the stride of P3 and concatenated with it, for a third of the cost (Wu et al. 2019,
arXiv:1903.11816).
"""

from __future__ import annotations

from typing import Any

from keras import layers

from rtseg.nets.resizing import AverageBins, StretchTo

BINS = (1, 2, 3, 6)
WIDTH = 128


def pspnet(pyramid: dict[str, Any], classes: int) -> Any:
    """Pyramid -> logits (N, H/4, W/4, classes) float32."""
    p3, p4, p5 = (_conv(pyramid[level], WIDTH, 3, name=f"joint_{level}") for level in ("P3", "P4", "P5"))
    p4 = StretchTo(name="joint_up_P4")([p4, p3])
    p5 = StretchTo(name="joint_up_P5")([p5, p3])
    x = layers.Concatenate(name="joint")([p3, p4, p5])  # (N, H/8, W/8, 384)

    regions = []
    for bins in BINS:
        region = AverageBins(bins, name=f"bins{bins}")(x)  # (N, bins, bins, 384)
        region = _conv(region, x.shape[-1] // len(BINS), 1, name=f"bins{bins}_narrow")  # (N, bins, bins, 96)
        regions.append(StretchTo(name=f"bins{bins}_up")([region, x]))  # (N, H/8, W/8, 96)
    x = layers.Concatenate(name="pyramid")([x, *regions])  # (N, H/8, W/8, 768)

    x = _conv(x, WIDTH, 3, name="fuse")
    # float32 also under mixed precision: the softmax of the loss needs it.
    x = layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
    return StretchTo(dtype="float32", name="logits_up")([x, pyramid["P2"]])


def _conv(x: Any, width: int, size: int, *, name: str) -> Any:
    x = layers.Conv2D(width, size, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
