"""Options that several subcommands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="A model's name (see `rtseg models list`), its folder, or an ONNX file of ours."
    ),
]
Backend = Annotated[
    Literal["auto", "openvino", "onnxruntime", "tensorrt", "onnxruntime-cuda", "onnxruntime-tensorrt"],
    typer.Option(
        help="What runs the network; auto takes the fastest one here. tensorrt runs what `rtseg export "
        "--format engine` has built."
    ),
]
Precision = Annotated[
    Literal["auto", "f32", "bf16", "int8"],
    typer.Option(
        help="Arithmetic. auto: what the CPU does fastest with the float network; where something is run and "
        "not judged, the quantised one if that measures faster here. int8: the quantised one."
    ),
]
Opacity = Annotated[float, typer.Option(help="How strongly classes are tinted, 0 to 1.")]
Classes = Annotated[
    str, typer.Option(help="Show only these classes, separated by commas: road,vehicle,pedestrian.")
]
Overwrite = Annotated[bool, typer.Option("-y", "--yes", help="Write over outputs that exist.")]


def names(text: str) -> tuple[str, ...]:
    """Split a comma-separated option."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, for example 1280x720. Raises ConfigError."""
    from rtseg.errors import ConfigError

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"size {text!r} is not of the form WIDTHxHEIGHT, for example 1280x720")
    return int(width), int(height)


def console() -> Console:
    """Where people are told what happens: stderr, so that stdout is left to what was written."""
    from rich.console import Console

    # Names of files come through as they are: [red] is no colour there, and :car: no picture.
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


@contextmanager
def train_extra(task: str) -> Iterator[None]:
    """For imports that are in the extra `train`, to do what `task` says: "training".

    Raises ConfigError where one of them is not installed.
    """
    from rtseg.errors import ConfigError

    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"{task} needs the package {error.name!r}, which cannot be imported ({error}); install it with "
            "`pip install 'rtseg[train]'`"
        ) from error


def start_keras() -> None:
    """Load Keras and what it runs on, without the greetings of TensorFlow.

    Its C++ part writes them to the file descriptor of stderr, before it heeds what it is told.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        from rtseg import nets

        nets.start()
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def borderless_table(*headers: str) -> Table:
    """A table that 80 columns are enough for: only the last column wraps. "size>" is aligned to the right."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for header in headers:
        table.add_column(
            header.removesuffix(">"),
            justify="right" if header.endswith(">") else "left",
            no_wrap=header != headers[-1],
            overflow="fold",
        )
    return table


def shown(text: str) -> str:
    """A name or line as it can be shown on one line: what no terminal prints is escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def print_paths(*paths: Path | None) -> None:
    """The outputs that were written, one a line on stdout, byte for byte as they are called."""
    for path in paths:
        if path is not None and path.exists():
            typer.echo(os.fsencode(path))
