"""rtseg export --format int8: its pictures, and the progress of a calibration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.export.parity import Gate


def export_int8(
    name: str,
    out: Path | None,
    data: Path | None,
    demo: int | None,
    split: str,
    samples: int,
    gate: Gate,
    *,
    overwrite: bool,
) -> None:
    """Calibrate, write, and print where it is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from rtseg.card import INT8_FILE
    from rtseg.errors import ConfigError
    from rtseg.export import calibration, quantize
    from rtseg.export.reference import has_keras

    if data is None and demo is None:
        raise ConfigError(
            "int8 is calibrated with pictures like those that it will see; name one of --data FOLDER and "
            "--demo NUMBER"
        )
    model = quantize.find_float_model(name)
    if data is not None:
        pictures = calibration.data_set_pictures(data, split, samples)
    else:
        pictures = calibration.demo_pictures(demo or 0)
    folder = out or model.onnx_path.parent
    quantize.check_folder(model, folder, overwrite=overwrite)
    if has_keras(model.onnx_path.parent):
        common.start_keras()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = common.console()
    bar = Progress(*columns, console=console, disable=not console.is_interactive)
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        bar.start()  # not before: an empty one leaves an empty line
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)

    try:
        quantised = quantize.quantize_model(model, folder, pictures, show, gate)
    finally:
        bar.stop()
    path = folder / INT8_FILE
    share = path.stat().st_size / model.onnx_path.stat().st_size
    console.print(
        f"{share:.1%} of {model.onnx_path.name}'s size, equal to it in {quantised.agreement:.2%} of pixels; "
        f"{quantised.stay_float} convolutions stay float. `rtseg eval --precision int8` measures it"
    )
    common.print_paths(path)
