"""Which engine is taken, and what is said where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from standins.engines import put_engine
from standins.gpu_frames import SIZE, batch_of, opened
from standins.tensorrt_standin import Script

from rtseg.backends import Backend, open_backend
from rtseg.card import ONNX_FILE, models_folder
from rtseg.errors import BackendUnavailable, ConfigError
from rtseg.segmenter import load


def test_where_no_engine_is_there_it_is_said_what_builds_one(trt: Script, tiny_model: Path) -> None:
    with opened(tiny_model) as backend, pytest.raises(BackendUnavailable) as caught:
        backend.infer(batch_of(0))
    told = str(caught.value)
    assert "there is no TensorRT engine of 64x64 for Stand-in GPU (none was ever built)" in told
    assert f"`rtseg export --model {tiny_model} --format engine --size 64x64`" in told
    assert "--backend onnxruntime" in told
    assert "\n" not in told


def test_an_engine_of_another_gpu_is_not_taken_and_told_apart_in_words(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt, gpu="NVIDIA Thor")
    with (
        opened(tiny_model) as backend,
        pytest.raises(BackendUnavailable, match="GPU: built for NVIDIA Thor, found Stand-in GPU"),
    ):
        backend.infer(batch_of(0))


def test_another_size_than_there_are_engines_of_names_those(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    with (
        opened(tiny_model) as backend,
        pytest.raises(BackendUnavailable, match=r"of 96x64 for .*\(there are 64x64\).*--size 96x64"),
    ):
        backend.infer(batch_of(0, size=(96, 64)))


def test_the_precision_is_what_there_is_an_engine_of(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt, precision="fp32")
    for asked in ("auto", "f32"):
        with opened(tiny_model, precision=asked) as backend:
            assert backend.precision == "f32"
    put_engine(tiny_model, (96, 64), trt)
    with opened(tiny_model) as backend:
        assert backend.precision == "f16"
        for size, precision in ((SIZE, "f32"), ((96, 64), "f16")):
            backend.infer(batch_of(0, size=size))
            assert backend.precision == precision
    with (
        opened(tiny_model, precision="int8") as backend,
        pytest.raises(BackendUnavailable, match="--precision int8 --size 64x64"),
    ):
        backend.infer(batch_of(0))
    with pytest.raises(ConfigError, match="not bf16; use --precision auto"):
        opened(tiny_model, precision="bf16")


def test_auto_takes_the_engine_and_the_cpu_for_what_has_none(
    trt: Script, tiny_model: Path, cpu: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    put_engine(tiny_model, SIZE, trt, precision="fp32")
    with open_backend("auto", tiny_model / ONNX_FILE, classes=4, precision="f32") as backend:
        assert (backend.name, backend.precision) == ("tensorrt", "f32")
        for _ in range(3):
            for size in (SIZE, (96, 64)):
                batch = batch_of(1, size=size)
                np.testing.assert_allclose(backend.infer(batch), cpu.infer(batch), atol=1e-3)
        assert trt.card.calls.count("execute") == 3
        assert backend.name in {"tensorrt, openvino", "tensorrt, onnxruntime"}
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert told[0].startswith("Inputs of 96x64 run on the CPU: ")
    assert "--size 96x64" in told[0]


def test_auto_without_an_engine_says_once_what_builds_one(
    trt: Script, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_backend("auto", tiny_model / ONNX_FILE, classes=4) as backend:
        assert backend.name in {"openvino", "onnxruntime"}
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.startswith("The network runs on the CPU: ")
    assert "--format engine --size 64x64` for pictures of 16:9, `--size 64x64` for 4:3" in told
    assert trt.card.calls[-1] == "context.pop"


def test_where_no_engine_is_there_the_command_line_says_it_in_one_line(
    trt: Script, rtseg: Callable[..., Any]
) -> None:
    outcome = rtseg("run", "--demo", "--no-display", "--backend", "tensorrt", "--frames", 1)
    assert outcome.code == 2
    assert "`rtseg export --model street-m --format engine --size 576x320`" in outcome.err
    assert "Traceback" not in outcome.err


def test_where_an_engine_is_there_nothing_is_measured_against_it(trt: Script) -> None:
    """Or a first start without one would settle for good that the CPU's int8 is the fastest."""
    put_engine(models_folder() / "street-m", (576, 320), trt)
    for backend in ("auto", "tensorrt"):
        with load("street-m", backend=backend, measure=True) as segmenter:
            assert (segmenter.backend.name, segmenter.backend.precision) == ("tensorrt", "f16")
    assert "execute" not in trt.card.calls


def test_without_an_engine_the_first_start_says_so_once_and_measures_the_cpu_alone(
    trt: Script, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtseg.backends.fastest._ROUNDS", 1)
    with load("street-m", measure=True) as segmenter:
        cpu = segmenter.backend.name
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2
    assert told[0].endswith(f"is faster on {cpu} than in floats")
    assert told[1].startswith("The network runs on the CPU: street-m: there is no TensorRT engine")
