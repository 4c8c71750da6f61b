"""The peers, run for real where their files lie beside the checkout."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rtseg.data.data_set import open_data_set
from rtseg.errors import ModelError
from rtseg.evaluation.evaluate import evaluate_data_set
from rtseg.labels import CLASSES

pytest.importorskip("openvino", reason="needs OpenVINO, which runs the peers")

TOOLS = Path(__file__).parents[2] / "tools"
INTEL, GOOGLE = "road-segmentation-adas-0001", "deeplab-mobilenet-edgetpu-cityscapes"
LEAST_IOU = {
    INTEL: {"road": 0.93},
    GOOGLE: {"background": 0.85, "road": 0.8, "vehicle": 0.5, "pedestrian": 0.4},
}


@pytest.fixture(scope="module")
def peers() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        yield importlib.import_module("peers")


@pytest.fixture(scope="module", params=[INTEL, GOOGLE])
def peer(request: pytest.FixtureRequest, peers: ModuleType, shared: Path) -> Any:
    folder = shared / "peers" / request.param
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/peers/{request.param}, which is not there")
    return peers.open_peer(folder, threads=1)


def test_a_peer_finds_what_it_knows(peer: Any, shared: Path) -> None:
    data_set = open_data_set(shared / "data" / "camvid", "road-vehicle-pedestrian")
    evaluation = evaluate_data_set(peer, data_set, "val", lambda done, total: None, only="0016E5_0799*")
    figures = evaluation.to_json(peer.name)
    assert figures["frames"] == 5
    assert set(LEAST_IOU[peer.name]) == set(peer.known_classes)
    for name, least in LEAST_IOU[peer.name].items():
        assert figures["iou"][name] > least, figures["iou"]
    # Confidences are there, and not only the best class.
    assert len(figures["calibration"]["bins"]) > 3
    assert figures["calibration"]["ece"] < 0.1


@pytest.mark.parametrize("size", [(640, 360), (97, 131)])
def test_probabilities_have_the_size_of_the_picture(
    peer: Any, picture: Callable[..., np.ndarray], size: tuple[int, int]
) -> None:
    assert peer.classes == CLASSES
    probabilities = peer.probabilities(picture(size, 1))
    assert (probabilities.shape, probabilities.dtype) == ((4, size[1], size[0]), np.float32)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-4)


def test_a_folder_without_a_peer_is_told(peers: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no peer in it; expected a folder that holds .*\.xml or .*\.tflite"
    ):
        peers.open_peer(tmp_path)


@pytest.mark.parametrize("file_name", ["INTEL_FILE", "GOOGLE_FILE"])
def test_a_broken_file_is_told(peers: ModuleType, tmp_path: Path, file_name: str) -> None:
    (tmp_path / getattr(peers, file_name)).write_text("dear diary")
    with pytest.raises(ModelError, match="OpenVINO cannot load it"):
        peers.open_peer(tmp_path)


def test_the_command_prints_the_table_of_rtseg_eval(
    shared: Path, write_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    folder = shared / "peers" / INTEL
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/peers/{INTEL}, which is not there")
    data = write_data_set(tmp_path / "data", val=1)
    command = [TOOLS / "peers.py", "eval", folder, "--data", data, "--json", tmp_path / "out.json"]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    figures = json.loads((tmp_path / "out.json").read_text())
    assert (figures["model"], figures["frames"], figures["backend"]) == (INTEL, 1, "openvino")
    assert "boundary IoU" in ran.stdout
    assert f"{figures['pixel_accuracy']:.4f}" in ran.stdout
    assert "does not know vehicle, pedestrian" in ran.stderr


def test_errors_of_the_command_are_one_line(tmp_path: Path) -> None:
    command = [sys.executable, TOOLS / "peers.py", "eval", tmp_path, "--data", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith("peers.py: ")
