"""rtseg export --format engine: the progress of a build, and Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rtseg.cli import common
from rtseg.errors import RtsegError

if TYPE_CHECKING:
    from rich.progress import Progress

    from rtseg.backends.tensorrt.key import EnginePrecision
    from rtseg.export.parity import Gate
    from rtseg.frame import Size

_STOPPED = 130
_WITHOUT_ENGINE = "do without an engine: `rtseg run --backend onnxruntime` runs the model on the CPU"


def export_engine(
    model: str,
    out: Path | None,
    gate: Gate,
    *,
    precision: EnginePrecision,
    size: Size | None,
    workspace_mb: int | None,
    dla_core: int | None,
    timing_cache: Path | None,
    prove_again: bool,
    overwrite: bool,
) -> None:
    """Find or build it, and print where it is."""
    from rtseg.backends.tensorrt.cache import PLAN_FILE, SIDECAR_FILE
    from rtseg.backends.tensorrt.key import DEFAULT_WORKSPACE_MB, Options
    from rtseg.card import model_folder
    from rtseg.errors import ModelError
    from rtseg.export.engine.make import Wishes, make_engine
    from rtseg.export.reference import has_keras
    from rtseg.video.outputs import check_output, write_file

    if out is not None:
        for name in (PLAN_FILE, SIDECAR_FILE):
            check_output(out / name, overwrite=overwrite)
    if timing_cache is not None:
        check_output(timing_cache, overwrite=True)
    options = Options(precision, size, workspace_mb or DEFAULT_WORKSPACE_MB, dla_core)
    try:
        if find_spec("tensorrt") is not None and has_keras(model_folder(model)):
            # Or it takes all of the GPU's memory, and leaves none to build with.
            os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
            common.start_keras()
    except ModelError:
        pass  # a lone file, or none: whoever opens it says so
    console = common.console()
    bar = _bar()
    task = bar.add_task("engine", total=None, start=False)

    def show(what: str, share: float | None) -> None:
        bar.start()  # not before: an empty one leaves an empty line
        bar.start_task(task)
        bar.update(task, description=what, total=None if share is None else 1.0, completed=share or 0.0)

    try:
        with _advice_for_export():
            engine = make_engine(
                model,
                options,
                Wishes(gate, timing_cache, rebuild=overwrite, prove_again=prove_again),
                report=show,
                tell=bar.console.print,
            )
    except KeyboardInterrupt:
        bar.stop()
        console.print("Stopped; nothing of the engine was kept")
        raise typer.Exit(_STOPPED) from None
    finally:
        bar.stop()
    if engine.from_cache:
        console.print("It is in the cache already, for this very board; add -y to build it anew")
    else:
        console.print(f"Built in {engine.build_s:.0f} s; rtseg finds it by itself from now on")
    if out is None:
        common.print_paths(engine.path)
        return
    for name in (PLAN_FILE, SIDECAR_FILE):
        write_file(out / name, engine.path.with_name(name).read_bytes())
    common.print_paths(out / PLAN_FILE, out / SIDECAR_FILE)


@contextmanager
def _advice_for_export() -> Iterator[None]:
    """What cannot use a GPU names another backend, which an export has no option for."""
    from rtseg.backends.tensorrt.cuda import INSTEAD

    try:
        yield
    except RtsegError as error:
        told = str(error).replace(INSTEAD.removeprefix("or "), _WITHOUT_ENGINE)
        raise type(error)(told) from error


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Eta

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        Eta(),
    )
    console = common.console()
    return Progress(*columns, console=console, disable=not console.is_interactive)
