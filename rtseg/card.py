"""Model cards: what a trained model is, what it takes in and gives out, what it learned from.

A model is a folder: model.onnx, model.json (the card), weights, a README, and model.int8.onnx if it was
quantised. The ONNX files carry the card too, less what can only be known after they are written, so that a
lone file still explains itself.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rtseg.errors import ModelError

CARD_FILE = "model.json"
ONNX_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
WEIGHTS_FILE = "model.weights.h5"
METADATA_KEY = "rtseg.card"

NetworkPrecision = Literal["float32", "int8"]
"""What a network was written in; a backend may calculate a float32 one in less."""

Stride = Literal[1, 2, 4]
"""Of a network's logits: how many times smaller they are than the image."""

_Byte = Annotated[int, Field(ge=0, le=255)]
_Side = Annotated[int, Field(ge=32, le=8192)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(_Part):
    """The network's input: uint8 RGB (N, H, W, 3); normalisation is inside the graph.

    width and height are what it was trained on; a source of another aspect is stretched onto the size of
    about the same area that fits it best ("aspect"), both sides multiples of `multiple`.
    """

    name: Literal["image"] = "image"
    layout: Literal["NHWC"] = "NHWC"
    dtype: Literal["uint8"] = "uint8"
    color: Literal["RGB"] = "RGB"
    width: _Side
    height: _Side
    multiple: Annotated[int, Field(ge=1, le=256)] = 32
    resize: Literal["aspect"] = "aspect"


class OutputSpec(_Part):
    """The network's output: float32 logits (N, C, H/stride, W/stride), before any softmax."""

    name: Literal["logits"] = "logits"
    layout: Literal["NCHW"] = "NCHW"
    dtype: Literal["float32"] = "float32"
    stride: Stride = 4


class FileEntry(_Part):
    """One file of the model's folder."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class TrainingData(_Part):
    """A data set that the model learned from."""

    name: str
    license: str


class Metric(_Part):
    """Figures on one data set, with the command that measured them."""

    dataset: str
    split: str
    command: str
    frames: int
    iou: dict[str, float | None]
    mean_iou: float
    """Over the classes that occur, background left out."""
    mean_iou_all: float
    pixel_accuracy: float
    precision: NetworkPrecision = "float32"


class ModelCard(_Part):
    """Everything that a program must know to use a model, and a person to trust it."""

    schema_version: Literal[1] = Field(1, alias="schema")
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    net: str
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=255)]
    palette: tuple[tuple[_Byte, _Byte, _Byte], ...]
    """RGB, one a class."""
    input: InputSpec
    output: OutputSpec = OutputSpec()
    precision: NetworkPrecision = "float32"
    """Of model.onnx and of the card beside it; inside model.int8.onnx it says int8."""
    parameters: Annotated[int, Field(gt=0)] | None = None
    """How many numbers the network holds, the statistics of batch normalisation among them."""
    training_data: tuple[TrainingData, ...] = ()
    training_command: str = ""
    files: dict[str, FileEntry] = {}
    metrics: tuple[Metric, ...] = ()

    @model_validator(mode="after")
    def _one_colour_a_class(self) -> ModelCard:
        if len(self.palette) != len(self.classes):
            raise ValueError(f"palette has {len(self.palette)} colours for {len(self.classes)} classes")
        return self

    def to_json(self) -> str:
        """The card as text, stable in its order."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    def without_files(self) -> ModelCard:
        """What fits into the ONNX file itself: neither its own hash nor figures measured with it."""
        return self.model_copy(update={"files": {}, "metrics": ()})


@dataclass(frozen=True)
class Model:
    """A card and the ONNX file that it speaks of."""

    card: ModelCard
    onnx_path: Path


def models_folder() -> Path:
    """Where the shipped models lie: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with rtseg."""
    return sorted(path.parent.name for path in models_folder().glob(f"*/{CARD_FILE}"))


def model_folder(name_or_path: str) -> Path:
    """The folder of a model, by name or path: it has a card; whether it has more is not looked at.

    Raises ModelError when there is none.
    """
    path = Path(name_or_path)
    if (path / CARD_FILE).is_file():
        return path
    names = shipped_models()
    if name_or_path in names:
        return models_folder() / name_or_path
    if path.is_dir():
        raise ModelError(f"{path}: no {CARD_FILE} in it; a model's folder has one (`rtseg export` writes it)")
    close = difflib.get_close_matches(name_or_path, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise ModelError(
        f"unknown model {name_or_path!r}{hint} There are: {', '.join(names) or 'none'}; "
        "or give the path of a model's folder or ONNX file"
    )


def find_model(name_or_path: str, precision: NetworkPrecision | None = None) -> Model:
    """Find a model by name, by folder or by ONNX file, and check its card and its files.

    precision says which network of a folder; None is the float32 one, or whatever a lone ONNX file is. The
    model's card says it too. Raises ModelError when there is none, or when a file differs from what the card
    says.
    """
    path = Path(name_or_path)
    if path.suffix == ".onnx":
        return _of_precision(_lone_onnx(path), precision)
    folder = model_folder(name_or_path)
    card = read_card(folder / CARD_FILE)
    if precision != "int8":
        check_file(folder / ONNX_FILE, card)
        return Model(card, folder / ONNX_FILE)
    if INT8_FILE not in card.files:
        raise ModelError(
            f"{name_or_path}: has no int8 network; make one with `rtseg export --format int8 --model "
            f"{name_or_path} --data DIR`"
        )
    check_file(folder / INT8_FILE, card)
    return Model(card.model_copy(update={"precision": "int8"}), folder / INT8_FILE)


def read_card(path: Path) -> ModelCard:
    """Read and check a model.json. Raises ModelError naming the key that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    return _parse_card(text, str(path))


def add_metric(name_or_path: str, metric: Metric) -> Path:
    """Put figures into a model's card, in place of older ones on the same data; returns the card's path."""
    model = find_model(name_or_path)
    if Path(name_or_path).suffix == ".onnx":
        raise ModelError(f"{name_or_path}: a lone ONNX file has no {CARD_FILE} to write to; name its folder")
    path = model.onnx_path.with_name(CARD_FILE)
    replaced = (metric.dataset, metric.split, metric.precision)
    kept = [old for old in model.card.metrics if (old.dataset, old.split, old.precision) != replaced]
    metrics = sorted((*kept, metric), key=lambda each: each.precision == "int8")
    card = model.card.model_copy(update={"metrics": tuple(metrics)})
    path.write_text(card.to_json(), encoding="utf-8")
    return path


def describe_file(path: Path) -> FileEntry:
    """The entry of a file as it is now."""
    return FileEntry(sha256=_sha256(path), bytes=path.stat().st_size)


def _parse_card(text: str, origin: str) -> ModelCard:
    try:
        data: Any = json.loads(text)
        return ModelCard.model_validate(data)
    except json.JSONDecodeError as error:
        raise ModelError(f"{origin}: is no valid JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the card"
        raise ModelError(f"{origin}: {key}: {first['msg']}; write it anew with `rtseg export`") from error


def check_file(path: Path, card: ModelCard) -> None:
    """Compare a file with what its card says of it. Raises ModelError when it differs."""
    expected = card.files.get(path.name)
    if not path.is_file():
        raise ModelError(f"{path}: missing; the card beside it describes it (restore it or export it again)")
    if expected is None:
        raise ModelError(
            f"{path.parent / CARD_FILE}: lists no {path.name} under files; export the model again"
        )
    if path.stat().st_size != expected.bytes or _sha256(path) != expected.sha256:
        raise ModelError(
            f"{path}: is not the file that its card describes (SHA-256 differs, expected "
            f"{expected.sha256[:12]}...); restore it or export it again"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _of_precision(model: Model, precision: NetworkPrecision | None) -> Model:
    """The model of a lone ONNX file. Raises ModelError where it is not of this precision."""
    found = model.card.precision
    if precision in {None, found}:
        return model
    hint = (
        "run it with --precision int8 or auto, or take the float32 network that it was made from"
        if found == "int8"
        else f"name its folder, where `rtseg export --format int8` writes {INT8_FILE}"
    )
    raise ModelError(f"{model.onnx_path}: is {found}, but {precision} was asked for; {hint}")


def _lone_onnx(path: Path) -> Model:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected an ONNX file that rtseg exported")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no narrower base
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: is no ONNX file that can be loaded: {reason}") from error
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{path}: an ONNX file, but not one of rtseg's: it carries no card (metadata key "
            f"{METADATA_KEY!r}). Export it with `rtseg export`"
        )
    return Model(_parse_card(text, f"{path}: its card"), path)
