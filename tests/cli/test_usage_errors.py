"""What the parser of the command line refuses is one line too, and --help stays what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "message", "command"),
    [
        ("export", "Missing option '--model' / '-m'", "rtseg export"),
        ("export -m x --precision foo", "'--precision': 'foo' is not one of 'fp32', 'fp16', 'int8'",
         "rtseg export"),
        ("export -m x --workspace -1", "Invalid value for '--workspace'", "rtseg export"),
        ("run --opacity much", "Invalid value for '--opacity'", "rtseg run"),
        ("run --nosuch", "No such option: --nosuch", "rtseg run"),
        ("doctor extra", "unexpected extra argument", "rtseg doctor"),
        ("models info", "Missing argument", "rtseg models info"),
        ("models nosuch", "No such command 'nosuch'", "rtseg models"),
        ("nosuch", "No such command 'nosuch'", "rtseg"),
        ("eval -m", "Option '-m' requires an argument", "rtseg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("columns", [40, 200])
def test_it_is_one_line_that_names_the_help(
    rtseg: Callable[..., Any], arguments: str, message: str, command: str, columns: int
) -> None:
    outcome = rtseg(*arguments.split(), columns=columns)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("rtseg: ")
    assert message in line
    assert line.endswith(f"; see `{command} --help`")


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_nothing_to_do_shows_the_help(rtseg: Callable[..., Any], arguments: list[str]) -> None:
    outcome = rtseg(*arguments)
    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.out.split() == rtseg(*arguments, "--help").out.split()


def test_ctrl_c_ends_with_130_and_no_traceback(
    rtseg: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("rtseg.card.shipped_models", stop)
    outcome = rtseg("models", "list")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")
