"""What comes of an evaluation: a table on stdout, a JSON file, a report."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rtseg.errors import ConfigError
from rtseg.evaluation.evaluate import Evaluation
from rtseg.evaluation.tables import evaluation_table, speed_line
from rtseg.labels import Rgb
from rtseg.video.outputs import check_folder, check_output, make_folder, write_file


def check_outputs(json_file: Path | None, report: Path | None, *, overwrite: bool) -> None:
    """Before any work: can it be written? Raises SinkError, or ConfigError where a library is missing."""
    if json_file is not None:
        check_output(json_file, overwrite=overwrite)
    if report is not None:
        check_folder(report, overwrite=overwrite)
        for package in ("jinja2", "matplotlib"):
            try:
                importlib.import_module(package)
            except ImportError as error:
                raise ConfigError(
                    f"a report needs the package {package!r}, which cannot be imported ({error}); install it "
                    "with `pip install 'rtseg[train]'`, or leave --report out"
                ) from error


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr; gives a function that is called with frames done and frames in all."""
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("eval", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def tell(figures: Mapping[str, Any], table: Table, json_file: Path | None) -> None:
    """Print a table on stdout and the speed on stderr; write the figures as JSON. Raises SinkError."""
    Console().print(table)
    Console(stderr=True, highlight=False).print(speed_line(figures), markup=False)
    if json_file is not None:
        write_file(json_file, (json.dumps(figures, indent=2, allow_nan=False) + "\n").encode())


def tell_evaluation(
    evaluation: Evaluation,
    figures: Mapping[str, Any],
    *,
    json_file: Path | None,
    report: Path | None,
    palette: Sequence[Rgb],
    command: str,
) -> None:
    """All outputs of an evaluation with labels; report is a folder that was checked. Raises SinkError."""
    tell(figures, evaluation_table(figures), json_file)
    if report is not None:
        from rtseg.evaluation.report import REPORT_FILE, report_page

        page = report_page(evaluation, figures, palette=palette, command=command)
        make_folder(report)
        write_file(report / REPORT_FILE, page.encode())
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"Report: {report / REPORT_FILE}", markup=False
        )
