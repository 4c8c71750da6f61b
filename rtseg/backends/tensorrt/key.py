"""What an engine was built from and for.

A plan runs where it was built and nowhere else: same network, same TensorRT, same GPU by name. All of that is
in the key; its SHA-256 names the plan's folder, and two keys that differ are told apart in words.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtseg.errors import ModelError
from rtseg.frame import Size

EnginePrecision = Literal["fp32", "fp16", "int8"]
Typing = Literal["strong", "weak"]
"""strong: precision is what the ONNX says; weak: TensorRT may take less where a builder flag allows it."""

RECIPE = 1
"""Counts up whenever rtseg makes another engine of the same options, so that older ones are built anew."""

OPTIMIZATION_LEVEL = 3
"""TensorRT's own default: higher ones take much longer to build."""

DEFAULT_WORKSPACE_MB = 1024

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Side = Annotated[int, Field(ge=1, le=16384)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EngineKey(_Part):
    """Everything that makes one plan differ from another."""

    onnx_sha256: _Sha256
    """Of model.onnx, or of model.int8.onnx for int8."""
    tensorrt: Annotated[str, Field(min_length=1, max_length=64)]
    """The full version."""
    gpu: Annotated[str, Field(min_length=1, max_length=256)]
    """Its name: a plan of another GPU of the same compute capability is refused, or slow."""
    compute_capability: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    system: str
    machine: str
    precision: EnginePrecision
    typing: Typing
    shape: tuple[_Side, _Side, _Side, _Side]
    """(N, H, W, 3) of the input: smallest, best and largest of the profile at once."""
    workspace_mb: Annotated[int, Field(gt=0)]
    optimization_level: Annotated[int, Field(ge=0, le=5)] = OPTIMIZATION_LEVEL
    dla_core: Annotated[int, Field(ge=0, le=63)] | None = None
    recipe: int = RECIPE

    def digest(self) -> str:
        """SHA-256 over all fields, in hexadecimal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Sidecar(_Part):
    """What is written beside a plan: its key, and how to know the plan itself."""

    schema_version: Literal[1] = Field(1, alias="schema")
    model: str
    """The card's name, for people; the network itself is in the key."""
    key: EngineKey
    plan_sha256: _Sha256
    plan_bytes: Annotated[int, Field(gt=0, le=2**33)]
    build_s: Annotated[float, Field(ge=0)]
    agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of pixels in which it was of the reference's opinion, when it was built."""

    def to_json(self) -> str:
        """The sidecar as text, stable in its order."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


class Difference(NamedTuple):
    """One field in which two keys differ, in words."""

    field: str
    built: str
    found: str

    def __str__(self) -> str:
        return f"{self.field}: built for {self.built}, found {self.found}"


@dataclass(frozen=True)
class Options:
    """What a user may choose about an engine."""

    precision: EnginePrecision = "fp16"
    size: Size | None = None
    """(width, height); None is what the card says."""
    workspace_mb: int = DEFAULT_WORKSPACE_MB
    dla_core: int | None = None


@dataclass(frozen=True)
class Place:
    """Where an engine runs."""

    tensorrt: str
    gpu: str
    compute_capability: tuple[int, int]


def make_key(onnx_sha256: str, options: Options, size: Size, place: Place, typing: Typing) -> EngineKey:
    """The key of an engine for batches of one picture of this size, on this machine."""
    return EngineKey(
        onnx_sha256=onnx_sha256,
        tensorrt=place.tensorrt,
        gpu=place.gpu,
        compute_capability="{}.{}".format(*place.compute_capability),
        system=platform.system(),
        machine=platform.machine(),
        precision=options.precision,
        typing=typing,
        shape=(1, size[1], size[0], 3),
        workspace_mb=options.workspace_mb,
        dla_core=options.dla_core,
    )


def read_sidecar(text: str, origin: str) -> Sidecar:
    """Check a sidecar. Raises ModelError that names the key of it which is wrong."""
    try:
        return Sidecar.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the sidecar"
        raise ModelError(f"{origin}: {where}: {first['msg']}") from error


# In the order in which people want to know: what changes under them comes before what they asked for.
_WORDS = {
    "tensorrt": "TensorRT",
    "gpu": "GPU",
    "compute_capability": "compute capability",
    "system": "operating system",
    "machine": "processor architecture",
    "onnx_sha256": "network (SHA-256 of the ONNX file)",
    "recipe": "rtseg's way of building",
    "typing": "typing of the network",
    "optimization_level": "optimisation level",
    "precision": "precision",
    "shape": "input size",
    "workspace_mb": "workspace",
    "dla_core": "DLA core",
}
_ASKED_FOR = frozenset({"precision", "shape", "workspace_mb", "dla_core"})


def differences(built: EngineKey, wanted: EngineKey) -> tuple[Difference, ...]:
    """Each field in which a plan differs from what is wanted."""
    return tuple(
        Difference(words, _in_words(name, getattr(built, name)), _in_words(name, getattr(wanted, name)))
        for name, words in _WORDS.items()
        if getattr(built, name) != getattr(wanted, name)
    )


def differs_by_choice(built: EngineKey, wanted: EngineKey) -> bool:
    """Whether only other options were asked for: then neither engine is out of date."""
    changed = {name for name in _WORDS if getattr(built, name) != getattr(wanted, name)}
    return changed <= _ASKED_FOR


def _in_words(name: str, value: Any) -> str:
    if name == "onnx_sha256":
        return f"{value[:12]}..."
    if name == "shape":
        return f"{value[2]}x{value[1]}"
    if name == "workspace_mb":
        return f"{value} MB"
    if name == "dla_core":
        return "the GPU" if value is None else f"core {value}"
    return str(value)
