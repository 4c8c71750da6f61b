"""What an export reads is said plainly, and a folder that it made for nothing is gone again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtseg.card import CARD_FILE, WEIGHTS_FILE, models_folder
from rtseg.errors import SinkError
from rtseg.export import parity
from rtseg.export.folders import output_folder

FORMATS = ["--format onnx", "--format int8 --demo 1", "--format engine"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_was_made_for_nothing_goes_again(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), output_folder(tmp_path / "a/new/one"):
        assert (tmp_path / "a/new/one").is_dir()
        raise error
    assert not list(tmp_path.iterdir())


def test_what_was_there_or_holds_something_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for path in ("mine", "mine/new"):
        with pytest.raises(RuntimeError), output_folder(tmp_path / path):
            raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    with pytest.raises(RuntimeError), output_folder(tmp_path / "a/b"):
        (tmp_path / "a/report.json").touch()
        raise RuntimeError
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["report.json"]


def test_it_stays_where_all_went_well(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a/b"):
        (tmp_path / "a/b/model").touch()
    assert (tmp_path / "a/b/model").is_file()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("file", "file: is a file, not a folder"),
        ("file/a/b", "file/a/b: .*/file is a file, not a folder"),
        ("x" * 300, "x: the folder cannot be made"),
    ],
)
def test_a_place_that_is_none_is_told(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=message), output_folder(tmp_path / path):
        pytest.fail("there is no such folder to work in")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("options", FORMATS)
def test_an_output_below_a_file_is_told_by_each_format(
    rtseg: Callable[..., Any], tiny_model: Path, tmp_path: Path, options: str
) -> None:
    (tmp_path / "file").touch()
    for out in ("file", "file/x"):
        outcome = rtseg("export", "--model", tiny_model, *options.split(), "-o", tmp_path / out)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(f"rtseg: {tmp_path / out}: ")
        assert "is a file, not a folder" in outcome.err


@pytest.mark.parametrize("options", FORMATS)
def test_no_format_leaves_a_folder_for_a_model_that_is_none(
    rtseg: Callable[..., Any], tmp_path: Path, options: str
) -> None:
    outcome = rtseg("export", "--model", tmp_path / "none", *options.split(), "-o", tmp_path / "a/b")
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (2, "", 1), outcome
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", FORMATS[:2])
def test_ctrl_c_amid_the_comparison_leaves_no_folder(
    rtseg: Callable[..., Any],
    tiny_model: Path,
    tmp_path: Path,
    options: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*args: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(parity, "demo_samples", stop)
    outcome = rtseg("export", "--model", tiny_model, *options.split(), "-o", tmp_path / "a/b")
    assert (outcome.code, outcome.out) == (130, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("street-s", f"street-s comes with rtseg as ONNX already; .* --model {models_folder()}/street-s and"),
        ("nope", "nope: no such folder; .* a folder that `rtseg train` wrote, with"),
        ("model/model.onnx", "model/model.onnx: is a file; .* a folder that `rtseg train` wrote"),
        ("model", f"model: no {WEIGHTS_FILE} in it; .* a folder that `rtseg train` wrote"),
        ("empty", f"empty: no {CARD_FILE} in it; .* a folder that `rtseg train` wrote"),
    ],
)
def test_onnx_says_what_it_is_made_from(
    rtseg: Callable[..., Any],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    message: str,
) -> None:
    shutil.copytree(tiny_model, tmp_path / "model", ignore=shutil.ignore_patterns(WEIGHTS_FILE))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    outcome = rtseg("export", "--model", name, "--format", "onnx", "-o", "out")
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (2, "", 1), outcome
    assert re.search(message, outcome.err)
    assert not Path("out").exists()
