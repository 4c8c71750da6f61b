"""Boards, Pythons and environments: what fits, what is past its end, and what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from boards import THOR_L4T, XAVIER_L4T, found, lay

from rtseg.doctor.board import check
from rtseg.doctor.finding import USES
from rtseg.doctor.place import Place


def test_a_board_that_is_set_up_is_well(jetson: Place) -> None:
    findings = list(check(jetson))
    assert [finding.verdict for finding in findings] == ["ok", "ok", "ok"]
    board = found(findings, "board")
    assert board.found.endswith("Developer Kit Super, L4T 36.4.3, JetPack 6.1 or 6.2")
    assert board.facts["l4t"] == "36.4.3"


def test_another_machine_is_no_board(pc: Place) -> None:
    board, python = check(pc)
    assert (board.verdict, board.found) == ("not here", "no Jetson: linux on x86_64")
    assert python.verdict == "ok"


def test_jetpack_5_is_said_to_be_past_its_end(jetson: Place) -> None:
    lay(jetson.root, {"etc/nv_tegra_release": XAVIER_L4T})
    findings = list(check(replace(jetson, python=(3, 8, 10))))
    board, python = found(findings, "board"), found(findings, "Python")
    assert "JetPack 5, whose Python is past its end" in board.found
    assert board.breaks == {"tensorrt"}
    assert python.found == ("3.8.10: past its end since October 2024; rtseg needs Python 3.10, 3.11 or 3.12")
    assert python.breaks == set(USES)
    assert python.mend == ("flash JetPack 6 or newer",)


def test_jetpack_5_with_a_newer_python_can_run_but_not_use_its_tensorrt(jetson: Place) -> None:
    lay(jetson.root, {"etc/nv_tegra_release": XAVIER_L4T})
    findings = list(check(replace(jetson, python=(3, 10, 1))))
    assert found(findings, "Python").verdict == "ok"
    assert found(findings, "board").breaks == {"tensorrt"}


@pytest.mark.parametrize(
    ("release", "told"),
    [
        (THOR_L4T, "L4T 38.2.2, JetPack 7.0 or 7.1"),
        ("# R39 (release), REVISION: 2.1, GCID: 1, BOARD: generic\n", "L4T 39.2.1, JetPack 7.2"),
        ("# R36 (release), REVISION: 3.0, GCID: 36923193, BOARD: generic\n", "L4T 36.3.0, JetPack 6.0"),
        (
            "# R41 (release), REVISION: 1.0, GCID: 1, BOARD: generic\n",
            "L4T 41.1.0, newer than this rtseg knows",
        ),
        ("# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref\n", "JetPack 4 or older"),
    ],
)
def test_generations_are_told_apart_by_their_l4t(jetson: Place, release: str, told: str) -> None:
    lay(jetson.root, {"etc/nv_tegra_release": release})
    assert told in found(check(jetson), "board").found


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 13, 0)])
def test_a_python_that_rtseg_does_not_support_breaks_every_use(
    pc: Place, version: tuple[int, int, int]
) -> None:
    python = found(check(replace(pc, python=version)), "Python")
    assert (python.verdict, python.breaks) == ("trouble", set(USES))
    assert "sudo apt install python3.11" in python.mend[0]


def test_a_python_that_is_not_the_boards_own_has_no_tensorrt(jetson: Place) -> None:
    python = found(check(replace(jetson, python=(3, 11, 9))), "Python")
    assert (python.verdict, python.breaks) == ("trouble", {"tensorrt"})
    assert "for its own Python 3.10" in python.found


def test_an_environment_that_hides_the_boards_packages_is_opened_by_one_command(jetson: Place) -> None:
    lay(jetson.prefix, {"pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\n"})
    environment = found(check(jetson), "environment")
    assert (environment.verdict, environment.breaks) == ("trouble", {"tensorrt"})
    assert environment.mend == (
        f"/usr/bin/python3 -m venv --system-site-packages --without-pip {jetson.prefix}",
    )
