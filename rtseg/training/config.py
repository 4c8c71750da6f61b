"""What a training is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rtseg.errors import ConfigError
from rtseg.frame import Size
from rtseg.nets import MULTIPLE, Freeze

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]


@dataclass(frozen=True)
class TrainConfig:
    """One training run, wholly: the same configuration starts the same run.

    size is the (width, height) in pixels of the crops that the net sees; demo_share the share of the samples
    that are drawn by the demo source instead of read from the data set; class_weights, one a class, weigh the
    cross-entropy. encoder_license and command are only written down, for the model's card.
    """

    data: Path
    out: Path
    net: str = "lite_mobilenetv2"
    encoder_weights: Path | None = None
    freeze: Freeze = "none"
    class_map: str = "road-vehicle-pedestrian"
    epochs: int = 40
    batch: int = 8
    size: Size = (480, 352)
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    class_weights: tuple[float, ...] = field(default=())
    demo_share: float = 0.2
    seed: int = 0
    precision: Precision = "float32"
    ema: float = 0.998
    encoder_license: str = "not stated"
    command: str = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be greater than 0")
        if any(side < MULTIPLE or side % MULTIPLE for side in self.size):
            width, height = self.size
            raise ConfigError(f"size is {width}x{height}; both sides must be multiples of {MULTIPLE}")
        if not 0 <= self.demo_share < 1:
            raise ConfigError(f"demo share is {self.demo_share}; it must be at least 0 and below 1")
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema is {self.ema}; it must be at least 0 (off) and below 1")
