"""What a training is told: a TOML file, flags over it, checked key by key."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rtseg.data.toml import toml_value
from rtseg.errors import ConfigError
from rtseg.nets import MULTIPLE, EncoderWeights, Freeze

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_FILE = "train.toml"
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
_Positive = Annotated[float, Field(gt=0)]
_Times = Annotated[float, Field(gt=0, le=1000)]
_Side = Annotated[int, Field(ge=MULTIPLE, le=8192, multiple_of=MULTIPLE)]


class TrainConfig(BaseModel):
    """One training run, wholly: the same configuration starts the same run.

    Data:
    data maps folders of data sets to how often a picture of each is shown an epoch; the first one that has a
    split "val" is validated on. hold_out leaves out training pictures whose names match one of these globs (a
    drive, to be measured on later). demo_share is the share of samples that the demo source draws; None is a
    fifth where the classes are those that it draws, else nothing. size is the (width, height) in pixels of
    the crops that the net sees. The last calm_epochs go without painted weather and bonnets.

    Start:
    init is a model, by name or folder, to start from: all of it, or all but the last layer where the classes
    differ; encoder_weights starts the encoder alone: from a file, or for "imagenet" from the one that Keras
    fetches and keeps. freeze says what does not learn: the encoder, its batch normalisation ("bn"), or that
    of the decoder too ("all-bn", for a last stage from a trained model: it then learns with the statistics
    that it is used with, and not with those of each small batch). unfreeze_after is the epochs after which
    all learns (0 is never).

    Loss:
    class_weights, one a class, and focal (the exponent of Lin et al. 2017; 0 is off) weigh the cross-entropy,
    dice weighs the Dice loss beside it. teacher is a model whose opinion is learned as well, with the weight
    distillation; auxiliary weighs a second head on the encoder's stride 16, there at training time only.

    keep says which epoch's weights are kept: the one that is best on the val split, or the last one, for who
    cares more about cameras that val knows nothing of.

    blend below 1 keeps a mean in weight space: this share of the trained weights, the rest of those of init.
    It holds more of what init knew on its own ground than the trained weights do, and most of what they
    learned of others (Wortsman et al. 2022, arXiv:2109.01903).

    ema is the momentum of the average of the weights that is validated and kept; 0 is off, None looks back
    over the last tenth of the run, so that a short run does not average what it began with.

    encoder_license and command are only written down, for the model's card.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: Annotated[dict[Path, _Times], Field(min_length=1)]
    out: Path
    class_map: str = "road-vehicle-pedestrian"
    hold_out: tuple[str, ...] = ()
    demo_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    size: tuple[_Side, _Side] = (480, 352)
    net: str = "lite_mobilenetv2"
    init: str | None = None
    encoder_weights: EncoderWeights | None = None
    encoder_license: str = "not stated"
    freeze: Freeze = "none"
    unfreeze_after: Annotated[int, Field(ge=0)] = 0
    epochs: Annotated[int, Field(gt=0)] = 40
    calm_epochs: Annotated[int, Field(ge=0)] = 0
    batch: Annotated[int, Field(gt=0)] = 8
    learning_rate: _Positive = 5e-4
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    class_weights: tuple[_Positive, ...] = ()
    focal: Annotated[float, Field(ge=0)] = 0.0
    dice: Annotated[float, Field(ge=0)] = 0.5
    teacher: str | None = None
    distillation: _Positive = 1.0
    auxiliary: Annotated[float, Field(ge=0)] = 0.0
    keep: Literal["best", "last"] = "best"
    blend: Annotated[float, Field(gt=0, le=1)] = 1.0
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    pictures_every: Annotated[int, Field(gt=0)] = 5
    command: str = ""

    @field_validator("init", "encoder_weights", "teacher", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None  # TOML knows no null

    @field_validator("encoder_weights", mode="before")
    @classmethod
    def _none_is_none(cls, value: object) -> object:
        if not isinstance(value, str | Path | None):
            raise PydanticCustomError("encoder_weights", "Input should be 'imagenet', 'none' or a path")
        return None if value == "none" else value

    @model_validator(mode="after")
    def _blend_needs_init(self) -> TrainConfig:
        if self.blend < 1 and self.init is None:
            raise ValueError("blend is a mean with the weights of init, which is not given")
        return self

    @model_validator(mode="after")
    def _unfreezing_comes_in_time(self) -> TrainConfig:
        if self.unfreeze_after and self.freeze == "none":
            raise ValueError(
                f"unfreeze_after is {self.unfreeze_after}, but freeze is none, so nothing is frozen; freeze "
                "the encoder or its bn, or leave unfreeze_after out"
            )
        if self.unfreeze_after >= self.epochs:
            raise ValueError(
                f"unfreeze_after is {self.unfreeze_after}, but the run ends after {self.epochs} epochs; take "
                "fewer, or leave it out and all stays frozen"
            )
        return self

    def anchored(self) -> TrainConfig:
        """The same with absolute paths, so that the run can be resumed from any folder."""
        models = {key: _anchored_model(getattr(self, key)) for key in ("init", "teacher")}
        weights = self.encoder_weights
        weights = weights.absolute() if isinstance(weights, Path) else weights
        data = {path.absolute(): times for path, times in self.data.items()}
        return self.model_copy(update={"data": data, "encoder_weights": weights, **models})

    def to_toml(self) -> str:
        """As a file that `load_config` reads."""
        values = self.model_dump(mode="json", exclude={"data", "out"}, exclude_none=True)
        lines = [f"{key} = {toml_value(value)}" for key, value in values.items()]
        lines += ["", "[data]", *(f"{toml_value(str(path))} = {times}" for path, times in self.data.items())]
        return "\n".join(lines) + "\n"


def _anchored_model(name: str | None) -> str | None:
    """A folder as an absolute path; a shipped model's name, or nothing, as it is."""
    return str(Path(name).absolute()) if name and Path(name).exists() else name


def load_config(path: Path | None, flags: Mapping[str, Any]) -> TrainConfig:
    """Read a train.toml, if one is given, and put the flags over it. Raises ConfigError naming the key."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: is no valid TOML: {error}") from error
    for key in values:
        if key not in TrainConfig.model_fields:
            keys = [each for each in TrainConfig.model_fields if each != "out"]
            close = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {close[0]!r}? There" if close else "there"
            raise ConfigError(f"{path}: unknown key {key!r}; {hint} are: {', '.join(keys)}")
    try:
        return TrainConfig.model_validate({**values, **flags})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        if not key:  # what does not fit together
            raise ConfigError(f"training: {first['msg'].removeprefix('Value error, ')}") from error
        if first["type"] == "missing":
            raise ConfigError(f"training: {key} is missing; a training needs it") from error
        raise ConfigError(f"training: {key} is {first['input']!r}: {first['msg']}") from error
