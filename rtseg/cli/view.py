"""rtseg view: the window, which asks what to show."""

from __future__ import annotations

from typing import Annotated

import typer

from rtseg.cli import common


def view(
    source: Annotated[
        str | None,
        typer.Argument(help="A camera's number, a video, a URL, a folder of pictures; asked for if none."),
    ] = None,
    model: common.Model = "street-m",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
) -> None:
    """Open the window and choose there: cameras by name, files, URLs, what was open last, the demo.

    ? in the window lists its keys.
    """
    from rtseg import viewer
    from rtseg.cli import in_window
    from rtseg.errors import ConfigError
    from rtseg.runtime.choice import NetworkChoice

    if (reason := viewer.unavailable()) is not None:
        raise ConfigError(f"no window: {reason}")
    console = common.console()
    common.print_paths(*in_window.view(source, NetworkChoice(model, backend, precision), console))
