"""The command line: one file a subcommand; this one gathers them.

Modules here import only typer when they are loaded; what a command needs is imported when it runs, so that
`rtseg --help` is instant.
"""

from __future__ import annotations

import sys

import typer

from rtseg.cli import bench, data, doctor, evaluate, export, label, models, nets, process, run, train
from rtseg.errors import RtsegError

app = typer.Typer(
    name="rtseg",
    help="Find road, vehicles and pedestrians in live or recorded video.",
    epilog="Begin with: rtseg run --demo",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("process")(process.process)
app.command("train")(train.train)
app.command("label")(label.label)
app.command("eval")(evaluate.evaluate)
app.command("export")(export.export)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(nets.app, name="nets")


def _version(wanted: bool) -> None:
    if wanted:
        from rtseg import __version__

        typer.echo(f"rtseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", callback=_version, is_eager=True
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; an error of the user is one line on stderr and exit code 2."""
    try:
        app(prog_name="rtseg")
    except RtsegError as error:
        print(f"rtseg: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
