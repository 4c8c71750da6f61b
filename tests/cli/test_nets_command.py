"""What networks there are, what each costs, and what models there are: readable in 80 columns."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtseg.card import CARD_FILE, read_card
from rtseg.cli import common
from rtseg.nets import build
from rtseg.nets.decoders import DECODERS
from rtseg.nets.encoders import ENCODERS
from rtseg.nets.summary import papers

Rtseg = Callable[..., Any]
MODELS = Path(__file__).parents[2] / "models"
BASE_INSTALL = """
import sys
for name in ("tensorflow", "keras", "onnx"):
    sys.modules[name] = None
from rtseg.cli import main
sys.argv = ["rtseg", *sys.argv[1:]]
main()
"""


def in_base_install(*arguments: str) -> subprocess.CompletedProcess[str]:
    """rtseg in a Python where what training needs cannot be imported."""
    command = [sys.executable, "-W", "error", "-c", BASE_INSTALL, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_every_encoder_and_decoder_is_listed_whole_in_80_columns(
    rtseg: Rtseg, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mobilenetv2x05", "mobilenetv2x075", "mobilenetv2x13", "mobilenetv2x14"):
        monkeypatch.delitem(ENCODERS, name)  # x035 is as they are, and each takes a second to build
    outcome = rtseg("nets", "list", columns=80)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in outcome.out
    rows = {line.split()[0]: line.split()[1:] for line in lines if line[:1].strip()}
    assert not (ENCODERS.keys() | DECODERS.keys()) - rows.keys()
    assert rows["vgg16"][:5] == ["P0-P5", "14.71", "M", "51.68", "212"]
    assert rows["plain2"][0] == "P0-P2"
    assert rows["fcn16"][:2] == ["P4-P5", "4"]
    assert rows["lite"][:2] == ["P2-P5", "4"]
    assert rows["lite"][5] == "all"
    cited = {number for part in (*ENCODERS.values(), *DECODERS.values()) for number in papers(part)}
    assert all(paper.split(", ")[-1] in outcome.out for paper in cited)
    assert "Decoders are measured on mobilenetv2, for 4 classes." in outcome.out


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are built quickly."""
    for parts, kept in ((ENCODERS, {"plain2", "mobilenetv2"}), (DECODERS, {"fcn8", "unet"})):
        for name in parts.keys() - kept:
            monkeypatch.delitem(parts, name)


@pytest.mark.usefixtures("few")
def test_the_list_as_json(rtseg: Rtseg) -> None:
    listed = json.loads(rtseg("nets", "list", "--json").out)
    assert set(listed) == {"schema", "size", "classes", "encoders", "decoders"}
    assert listed["size"] == [480, 352]
    plain2, _ = listed["encoders"]
    assert plain2["levels"][-1] == {"name": "P2", "stride": 4, "channels": 128}
    fcn8, unet = listed["decoders"]
    assert fcn8["takes"] == ["P3", "P4", "P5"]
    assert (fcn8["logits"]["stride"], unet["logits"]["stride"]) == (4, 2)
    assert set(fcn8["cost"]) == {"parameters", "trainable", "macs"}


def test_one_net_in_80_columns(rtseg: Rtseg) -> None:
    outcome = rtseg("nets", "info", "fcn8_vgg16", columns=80)
    assert (outcome.code, outcome.err) == (0, "")
    out = outcome.out
    *tables, training = out.strip().splitlines()
    assert max(map(len, tables)) <= 80
    assert out.startswith("fcn8_vgg16 at 480x352 with 4 classes\n")
    assert re.search(r"encoder vgg16 +14\.71 M +14\.71 M +51\.68 ", out)
    assert re.search(r"P4 +16 +30x22 +512 +taken by the decoder", out)
    assert re.search(r"P2 +4 +120x88 +256 *\n", out)
    assert re.search(r"logits +4 +120x88 +4", out)
    assert "receptive field of P5: 212 pixels\n" in out
    assert "receptive field of the logits: 276 pixels\n" in out
    # In one line however narrow the terminal is, so that it can be copied.
    assert training == (
        "train it: rtseg train --data FOLDER --net fcn8_vgg16 --size 480x352 -o runs/fcn8_vgg16"
    )


def test_one_net_as_json_at_another_size(rtseg: Rtseg) -> None:
    arguments = ("nets", "info", "lite_mobilenetv2x05", "--size", "96x64", "--classes", "7", "--json")
    shown = json.loads(rtseg(*arguments).out)
    assert (shown["name"], shown["size"], shown["classes"]) == ("lite_mobilenetv2x05", [96, 64], 7)
    network = build("lite_mobilenetv2x05", classes=7)
    assert sum(shown[part]["cost"]["parameters"] for part in ("encoder", "decoder")) == network.count_params()
    assert shown["decoder"]["receptive_field"]["whole_picture"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fcn8_vgg61", "unknown net 'fcn8_vgg61'.*fcn8_vgg16"),
        ("vgg16", "unknown net 'vgg16'"),
        ("lite_plain2 --size 64x64", "plain2 has no P5"),
        ("unet_plain2 --size 500x352", "width 500 is no multiple of 32; try 480 or 512"),
        ("unet_plain2 --size wide", "size 'wide' is not of the form WIDTHxHEIGHT"),
        ("unet_plain2 --classes 1", "1 classes"),
    ],
)
def test_a_net_that_cannot_be_is_one_line(rtseg: Rtseg, arguments: str, message: str) -> None:
    outcome = rtseg("nets", "info", *arguments.split())
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert re.search(message, outcome.err)


def test_without_keras_it_says_what_to_install(tmp_path: Path) -> None:
    for command in (
        "nets list",
        "nets info lite_mobilenetv2",
        f"train --data {tmp_path} -o {tmp_path}/run",
        f"export --model {MODELS}/street-m -o {tmp_path}/onnx",
    ):
        ended = in_base_install(*command.split())
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended.stderr
        assert "needs the package 'keras'" in ended.stderr
        assert "pip install 'rtseg[train]'" in ended.stderr


def test_the_models_are_listed_without_what_training_needs() -> None:
    ended = in_base_install("models", "list", "--json")
    assert ended.returncode == 0, ended.stderr
    listed = {card["name"]: card for card in json.loads(ended.stdout)}
    assert 2.0e6 < listed["street-m"]["parameters"] < 2.1e6
    assert listed["street-s"]["parameters"] < listed["street-m"]["parameters"]


def test_models_are_listed_whole_in_80_columns(rtseg: Rtseg) -> None:
    outcome = rtseg("models", "list", columns=80)
    assert (outcome.code, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "…" not in outcome.out
    row = next(line for line in outcome.out.splitlines() if line.startswith("street-m"))
    megabytes = (MODELS / "street-m" / "model.onnx").stat().st_size / 1e6
    card = json.loads((MODELS / "street-m" / "model.json").read_text())
    first = card["metrics"][0]
    sizes = [f"{card['parameters'] / 1e6:.2f}", "M", f"{megabytes:.1f}"]
    assert row.split() == [
        *("street-m", card["net"], *sizes),
        *(f"{first['mean_iou']:.3f}", first["dataset"], first["split"]),
    ]
    assert "litex05_mobilenetv2x05 " in outcome.out


def test_an_exported_card_counts_what_the_network_holds(tiny_model: Path) -> None:
    assert (
        read_card(tiny_model / CARD_FILE).parameters == build("lite_mobilenetv2x05", classes=4).count_params()
    )


def test_only_the_last_column_of_a_table_wraps() -> None:
    first, middle, last = common.borderless_table("name", "size>", "what it is").columns
    assert (first.no_wrap, middle.no_wrap, last.no_wrap) == (True, True, False)
    assert (first.justify, middle.justify, middle.header) == ("left", "right", "size")
