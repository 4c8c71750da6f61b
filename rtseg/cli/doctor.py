"""rtseg doctor: whether this machine can do what is wanted of it, and what mends it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.doctor.finding import Diagnosis

_WIDTH = 80
_USES = {"tensorrt": "TensorRT", "viewer": "rtseg run in a window"}


def doctor(
    use: Annotated[
        Literal["run", "process", "train", "tensorrt", "viewer"],
        typer.Option("--for", help="What it shall be good for; viewer is run in a window."),
    ] = "run",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON for another program.")] = False,
) -> None:
    """Look at everything that rtseg depends on here, and say what mends each trouble.

    Exit code 1 if the use named by --for would fail, else 0. Nothing is changed.
    """
    import json

    from rtseg.doctor import examine
    from rtseg.doctor.place import this_machine

    console = common.console()
    with console.status("looking") as status:
        diagnosis = examine(this_machine(), use, lambda name: status.update(f"looking at {name}"))
    if json_output:
        typer.echo(json.dumps(diagnosis.to_json(), indent=2))
    else:
        _print(diagnosis)
    if diagnosis.breaking:
        raise typer.Exit(1)


def _print(diagnosis: Diagnosis) -> None:
    """The table, what mends the troubles, and the verdict on the whole."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    table = common.borderless_table("check", "found", "verdict")
    checks = max(len(finding.check) for finding in diagnosis.findings)
    room = _WIDTH - checks - len("not here") - 2 * len("  ")
    for finding in diagnosis.findings:
        table.add_row(finding.check, "\n".join(textwrap.wrap(finding.found, room)), finding.verdict)
    console.print(table, soft_wrap=False)
    for finding in diagnosis.troubles:
        needed = f", needed for {diagnosis.use}" if finding in diagnosis.breaking else ""
        console.print(f"\n{finding.check}{needed}:")
        for line in finding.mend:
            console.print(f"  {line}")
    names = ", ".join(finding.check for finding in diagnosis.breaking)
    use = _USES.get(diagnosis.use, f"rtseg {diagnosis.use}")
    console.print(f"\n{use} {f'would fail here: {names}' if names else 'works here'}")
