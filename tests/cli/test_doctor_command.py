"""rtseg doctor: a table for people, JSON for programs, and an exit code for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boards import MISSING, answering, orin, workstation

from rtseg.doctor import examine
from rtseg.doctor.finding import USES
from rtseg.doctor.place import Place

Rtseg = Callable[..., Any]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Place], None]:
    """Have the command look at this place."""

    def put(place: Place) -> None:
        monkeypatch.setattr("rtseg.doctor.place.this_machine", lambda: place)

    return put


def test_a_board_that_is_set_up_is_good_for_all_but_training(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    here(orin(tmp_path))
    codes = {use: rtseg("doctor", "--for", use).code for use in USES}
    assert codes == {"run": 0, "process": 0, "train": 1, "tensorrt": 0, "viewer": 0}


def test_the_table_is_whole_in_80_columns_with_the_verdict_last(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    here(orin(tmp_path))
    outcome = rtseg("doctor", columns=80)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in outcome.out
    rows = {finding.check for finding in examine(orin(tmp_path), "run").findings}
    for check in rows:
        (row,) = [line for line in lines if line.startswith(f"{check}  ")]
        assert row.rstrip().endswith(("ok", "trouble", "not here"))
    assert lines[-1] == "rtseg run works here"


def test_each_trouble_has_its_commands_each_whole_on_a_line(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    here(answering(orin(tmp_path), tensorrt=MISSING, pycuda=MISSING))
    outcome = rtseg("doctor", "--for", "tensorrt", columns=40)
    assert outcome.code == 1
    assert "\nTensorRT, needed for tensorrt:\n  sudo apt install tensorrt python3-libnvinfer\n" in outcome.out
    assert "\n  PATH=/usr/local/cuda/bin:$PATH pip install 'rtseg[tensorrt]'\n" in outcome.out
    assert outcome.out.endswith("\nTensorRT would fail here: TensorRT, PyCUDA\n")
    assert rtseg("doctor").code == 0


def test_a_plain_pc_runs_and_nothing_of_a_gpu_is_asked_of_it(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    gpu = dict.fromkeys(("driver", "nvcc", "tensorrt", "pycuda"), MISSING)
    here(answering(workstation(tmp_path), **gpu))
    outcome = rtseg("doctor", columns=80)
    assert outcome.code == 0
    assert "trouble" not in outcome.out
    assert outcome.out.endswith("\n\nrtseg run works here\n")
    assert "install " not in outcome.out


def test_what_pycuda_is_built_with_is_asked_for_before_pycuda(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    gpu = dict.fromkeys(("nvcc", "tensorrt", "pycuda"), MISSING)
    here(answering(workstation(tmp_path), **gpu))
    outcome = rtseg("doctor", "--for", "tensorrt", columns=80)
    assert outcome.code == 1
    commands = [line.strip() for line in outcome.out.splitlines() if re.match(r"  \S.*\binstall\b", line)]
    from_pip = "PATH=/usr/local/cuda/bin:$PATH pip install 'rtseg[tensorrt]'"
    assert commands == ["sudo apt install nvidia-cuda-toolkit", from_pip, from_pip]


def test_json_says_the_same_with_a_stable_shape(
    rtseg: Rtseg, here: Callable[[Place], None], tmp_path: Path
) -> None:
    here(answering(orin(tmp_path), tensorrt=MISSING))
    outcome = rtseg("doctor", "--for", "tensorrt", "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert set(told) == {"schema", "rtseg", "use", "works", "checks"}
    assert (told["schema"], told["use"], told["works"]) == (1, "tensorrt", False)
    assert all(
        set(each) == {"check", "verdict", "found", "mend", "breaks", "facts"} for each in told["checks"]
    )
    (tensorrt,) = [each for each in told["checks"] if each["check"] == "TensorRT"]
    assert (tensorrt["verdict"], tensorrt["breaks"]) == ("trouble", ["tensorrt"])
    (gpu,) = [each for each in told["checks"] if each["check"] == "GPU"]
    assert gpu["facts"]["gpus"][0]["capability"] == [8, 7]


def test_every_trouble_of_every_check_is_mended_by_something(tmp_path: Path) -> None:
    broken = answering(
        orin(tmp_path), **dict.fromkeys(("cv2", "driver", "tensorrt", "pycuda", "av"), MISSING)
    )
    diagnosis = examine(broken, "tensorrt")
    assert {"cv2", "GPU", "TensorRT", "PyCUDA", "decoding"} <= {each.check for each in diagnosis.breaking}
    assert all(finding.mend for finding in diagnosis.troubles)


def test_this_machine_can_run(rtseg: Rtseg) -> None:
    outcome = rtseg("doctor", "--for", "process", "--json")
    told = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0 if told["works"] else 1, "")
    checks = {each["check"]: each for each in told["checks"]}
    for check in ("Python", "decoding", "CPU networks", "cv2"):
        assert checks[check]["verdict"] == "ok", checks[check]


def test_an_unknown_use_is_a_mistake(rtseg: Rtseg) -> None:
    assert rtseg("doctor", "--for", "cooking").code == 2
