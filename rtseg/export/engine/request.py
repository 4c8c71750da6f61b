"""What is to be built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtseg.backends.tensorrt.cuda import Gpu
from rtseg.backends.tensorrt.key import OPTIMIZATION_LEVEL, Options, Typing
from rtseg.errors import ConfigError
from rtseg.frame import Size


@dataclass(frozen=True)
class BuildRequest:
    """An ONNX file in its final precision, and how TensorRT is to build it."""

    onnx_path: Path
    source: Path
    """The file that onnx_path was made of, for messages."""
    classes: int
    size: Size
    options: Options
    typing: Typing
    gpu: Gpu
    timing_cache: bytes | None = None
    """What earlier builds measured; empty to begin, None to keep nothing."""
    optimization_level: int = OPTIMIZATION_LEVEL


@dataclass(frozen=True, eq=False)
class Built:
    """A serialised plan, and what was measured while it was built."""

    plan: bytes
    build_s: float
    timing_cache: bytes | None
    remarks: tuple[str, ...] = ()
    """What the user should know, each a sentence."""


def check_options(options: Options) -> None:
    """Refuse what goes together on no board. Raises ConfigError."""
    if options.workspace_mb < 1:
        raise ConfigError(f"a workspace of {options.workspace_mb} MB was asked for; give 1 or more")
    if options.dla_core is not None and options.precision != "fp16":
        raise ConfigError(
            f"--dla with {options.precision}: the accelerator calculates in half precision, and takes no "
            "network of quantise pairs; use --precision fp16"
        )
