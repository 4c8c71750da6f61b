"""The command line: one file a subcommand; this one gathers them.

Modules here import only typer when they are loaded; what a command needs is imported when it runs, so that
`rtseg --help` is instant.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import typer

from rtseg.cli import bench, data, doctor, evaluate, export, label, models, nets, process, run, train, view
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
app.command("view")(view.view)
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
        code = app(prog_name="rtseg", standalone_mode=False)
    except RtsegError as error:
        _complain(str(error))
    except typer.Abort:
        sys.exit(1)
    except _USAGE_ERROR as error:
        _complain_of_usage(error)
    else:
        sys.exit(code or 0)


# typer has a click of its own or takes the one that is installed, by its version.
_USAGE_ERROR: Any = typer.BadParameter.__base__


def _complain_of_usage(error: Any) -> NoReturn:
    """In a line, and not in typer's box of several. Without arguments it has printed the help instead."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.exit(2)
    command = error.ctx.command_path if error.ctx is not None else "rtseg"
    # What typer got from pydantic says first that it is an error.
    message = error.format_message().replace("Value error, ", "").strip().removesuffix(".")
    _complain(f"{message}; see `{command} --help`")


def _complain(message: str) -> NoReturn:
    print(f"rtseg: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
