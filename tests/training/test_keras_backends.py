"""The same training on each library that Keras can run on."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from little_runs import log_of

from rtseg.card import CARD_FILE, ONNX_FILE, WEIGHTS_FILE, read_card
from rtseg.nets import build

NET = "litex05_mobilenetv2x05"
OPTIONS = (
    f"--net {NET} --freeze encoder --epochs 1 --batch 2 --size 64x64 --demo-share 0 --auxiliary 0.4 "
    "--focal 1 --teacher street-m"
)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_two_steps_are_trained(backend: str, tmp_path: Path, write_data_set: Callable[..., Path]) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}, which is not installed")
    out = tmp_path / "run"
    root = write_data_set(tmp_path / "data", train=4, val=1)
    ran = subprocess.run(
        [sys.executable, "-m", "rtseg", "train", "--data", str(root), "-o", str(out), *OPTIONS.split()],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=False,
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{out}\n"
    assert "Traceback" not in ran.stderr
    assert "best epoch 1: mean IoU" in ran.stderr
    (row,) = log_of(out)
    assert 0 < row["loss"] < 100
    assert 0 <= row["val_mean_iou"] <= 1
    assert read_card(out / CARD_FILE).net == NET
    assert {"curves.png", "pictures", "train.toml"} < {path.name for path in out.iterdir()}
    # Weights mean the same whichever library trained them.
    network = build(NET, classes=4)
    network.load_weights(str(out / WEIGHTS_FILE))
    assert all(np.isfinite(weights).all() for weights in network.get_weights())
    told = [line for line in ran.stderr.splitlines() if "weights and card are complete, but " in line]
    if backend == "tensorflow":
        assert ((out / ONNX_FILE).is_file(), told) == (True, [])
    else:
        assert not (out / ONNX_FILE).exists()
        assert len(told) == 1
        assert told[0].endswith(f"KERAS_BACKEND=tensorflow rtseg export --model {out}")
