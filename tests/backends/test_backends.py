"""The CPU's backends say the same, of any shape; all say plainly what they cannot do."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnxruntime
import pytest

from rtseg.backends import BACKENDS, Backend, open_backend
from rtseg.card import ONNX_FILE
from rtseg.cli import common
from rtseg.errors import BackendUnavailable, ConfigError, ModelError

NAMES = ["openvino", "onnxruntime"]  # that every machine has
SHAPES = [(1, 64, 64), (2, 64, 96), (1, 160, 32), (3, 32, 32)]


@pytest.fixture(scope="module")
def backends(tiny_model: Path) -> Iterator[dict[str, Backend]]:
    opened = {name: open_backend(name, tiny_model / ONNX_FILE, classes=4, precision="f32") for name in NAMES}
    yield opened
    for backend in opened.values():
        backend.close()


@pytest.mark.parametrize("shape", SHAPES)
def test_backends_agree_in_full_precision(backends: dict[str, Backend], shape: tuple[int, ...]) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    one, other = (backends[name].infer(batch) for name in NAMES)
    n, height, width = shape
    assert one.shape == other.shape == (n, 4, height // 4, width // 4)
    assert one.dtype == other.dtype == np.float32
    assert one.std() > 0.1  # logits that say something, else agreeing is no achievement
    np.testing.assert_allclose(one, other, atol=1e-3)
    assert np.mean(one.argmax(axis=1) == other.argmax(axis=1)) >= 0.999


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_what_its_pictures_are_alone(
    backends: dict[str, Backend], name: str, picture: Callable[..., np.ndarray]
) -> None:
    batch = np.stack([picture((96, 64), seed) for seed in (1, 2)])
    together = backends[name].infer(batch)
    alone = np.concatenate([backends[name].infer(batch[n : n + 1]) for n in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert np.abs(together[0] - together[1]).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_view_of_a_larger_array_is_read_as_it_looks(backends: dict[str, Backend], name: str) -> None:
    whole = np.random.default_rng(3).integers(0, 256, (1, 64, 128, 3), np.uint8)
    for view in (whole[:, :, ::2], whole[:, ::-1, 64:, ::-1]):
        expected = backends[name].infer(np.ascontiguousarray(view))
        np.testing.assert_allclose(backends[name].infer(view), expected, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_logits_stay_as_they_are(backends: dict[str, Backend], name: str) -> None:
    first = backends[name].infer(np.zeros((1, 64, 64, 3), np.uint8))
    before = first.copy()
    second = backends[name].infer(np.full((1, 64, 64, 3), 255, np.uint8))
    assert np.abs(second - before).max() > 0.01
    np.testing.assert_array_equal(first, before)


def test_an_unknown_backend_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'openvno'; choose one of auto, openvino, onnxruntime"):
        open_backend("openvno", tmp_path, classes=4)


def test_onnx_runtime_refuses_bf16_which_it_does_not_have(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match=r"bf16.*openvino"):
        open_backend("onnxruntime", tiny_model / ONNX_FILE, classes=4, precision="bf16")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_is_named_with_the_way_to_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"rtseg.backends.{name}", raising=False)
    with pytest.raises(BackendUnavailable, match=f"package '{name}'.*pip install {name}"):
        open_backend(name, tmp_path / "none.onnx", classes=4)


def test_auto_does_without_openvino(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with open_backend("auto", tiny_model / ONNX_FILE, classes=4) as backend:
        assert backend.name == "onnxruntime"


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "openvino"), ("aarch64", "onnxruntime")])
def test_auto_takes_what_is_fastest_on_the_machine(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, machine: str, name: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with open_backend("auto", tiny_model / ONNX_FILE, classes=4, precision="f32") as backend:
        assert (backend.name, backend.precision) == (name, "f32")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_network_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for write in (lambda: None, lambda: path.write_bytes(b"Dear diary")):
        write()
        with pytest.raises(ModelError, match=r"model\.onnx") as caught:
            open_backend(name, path, classes=4)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_other_classes_than_promised_is_refused(tiny_model: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"'logits' has shape .* promises 19 on axis 1"):
        open_backend(name, tiny_model / ONNX_FILE, classes=19)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["live", "offline"])
def test_many_under_way_come_back_as_they_were_given(
    tiny_model: Path, name: str, mode: str, picture: Callable[..., np.ndarray]
) -> None:
    batches = [picture((64, 64), seed)[None] for seed in range(9)]
    with open_backend(name, tiny_model / ONNX_FILE, classes=4, precision="f32", mode=mode) as backend:  # type: ignore[arg-type]
        alone = [backend.infer(batch) for batch in batches]
        results = []
        under_way = []
        for batch in batches:
            under_way.append(backend.submit(batch))
            if len(under_way) >= max(3, backend.in_flight):
                results.append(under_way.pop(0).result())
        results += [pending.result() for pending in under_way]
    for expected, (logits, spent_ns) in zip(alone, results, strict=True):
        np.testing.assert_allclose(logits, expected, atol=1e-4)
        assert spent_ns >= 0
    assert sum(spent_ns for _, spent_ns in results) > 0


def test_offline_openvino_keeps_several_under_way_and_live_one(tiny_model: Path) -> None:
    batch = np.zeros((1, 64, 64, 3), np.uint8)
    for mode, expected in (("live", 1), ("offline", 2)):
        with open_backend("openvino", tiny_model / ONNX_FILE, classes=4, mode=mode) as backend:  # type: ignore[arg-type]
            backend.infer(batch)
            assert backend.in_flight == 1 if mode == "live" else backend.in_flight >= expected


GPU_PROVIDERS = {
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
}


@pytest.mark.parametrize("name", GPU_PROVIDERS)
def test_an_onnx_runtime_without_the_gpus_provider_is_said_to_be_the_wrong_package(
    name: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BackendUnavailable, match=f"{GPU_PROVIDERS[name]}.*pip install 'onnxruntime-gpu"):
        open_backend(name, tiny_model / ONNX_FILE, classes=4)
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def gpu_session(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """ONNX Runtime as if it had GPU providers, which run on the CPU; what each session was asked for."""
    asked: list[list[str]] = []
    real = onnxruntime.InferenceSession

    class Session(real):  # type: ignore[misc]
        def __init__(self, path: str, options: object, providers: list[object], **others: int) -> None:
            asked.append([each if isinstance(each, str) else each[0] for each in providers])  # type: ignore[index]
            super().__init__(path, options, providers=["CPUExecutionProvider"], **others)

        def get_providers(self) -> list[str]:
            return asked[-1]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: [*GPU_PROVIDERS.values(), "CPUExecutionProvider"]
    )
    return asked


@pytest.mark.parametrize("name", GPU_PROVIDERS)
def test_the_gpus_provider_is_asked_first(
    name: str, tiny_model: Path, gpu_session: list[list[str]], backends: dict[str, Backend]
) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    with open_backend(name, tiny_model / ONNX_FILE, classes=4) as backend:
        assert backend.name == name
        assert gpu_session[-1][0] == GPU_PROVIDERS[name]
        assert gpu_session[-1][-1] == "CPUExecutionProvider"
        np.testing.assert_allclose(backend.infer(batch), backends["onnxruntime"].infer(batch), atol=1e-4)


@pytest.mark.parametrize("name", GPU_PROVIDERS)
def test_onnx_runtime_that_silently_took_the_cpu_is_found_out(
    name: str,
    tiny_model: Path,
    gpu_session: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session: Any = onnxruntime.InferenceSession
    monkeypatch.setattr(session, "get_providers", lambda self: ["CPUExecutionProvider"])
    told = "Failed to load libcublas.so.12"
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print(f"{told}\nand another"), raising=False)
    with pytest.raises(
        BackendUnavailable, match=rf"cannot start it here \({told}\), and would run on the CPU"
    ):
        open_backend(name, tiny_model / ONNX_FILE, classes=4)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", GPU_PROVIDERS)
def test_a_provider_that_does_not_start_is_told_apart_from_a_file_that_is_none(
    name: str, tiny_model: Path, tmp_path: Path, gpu_session: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="cannot load it"):
        open_backend(name, tmp_path / "none.onnx", classes=4)

    def fail(self: object, *arguments: object) -> None:
        raise RuntimeError("CUDA failure 35: CUDA driver version is insufficient\nat some line")

    monkeypatch.setattr(onnxruntime.InferenceSession, "_create_inference_session", fail)
    with pytest.raises(
        BackendUnavailable, match=r"cannot start it here \(CUDA failure 35: .* insufficient\)"
    ):
        open_backend(name, tiny_model / ONNX_FILE, classes=4)


@pytest.mark.parametrize("name", GPU_PROVIDERS)
def test_a_gpu_that_fails_under_onnx_runtime_is_one_line_that_offers_the_cpu(
    name: str, tiny_model: Path, gpu_session: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """By itself ONNX Runtime would go on with its next provider."""
    from onnxruntime.capi.onnxruntime_pybind11_state import EPFail

    class Failing:
        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def run(self, *arguments: object) -> None:
            raise EPFail("CUDA failure 2: out of memory ; GPU=0\nat some line")

    with open_backend(name, tiny_model / ONNX_FILE, classes=4) as backend:
        session: Any = backend._session  # type: ignore[attr-defined]
        session._sess = Failing(session._sess)
        with pytest.raises(BackendUnavailable) as caught:
            backend.infer(np.zeros((1, 64, 64, 3), np.uint8))
    assert not capsys.readouterr().out
    assert "too little memory (CUDA failure 2: out of memory ; GPU=0); close" in str(caught.value)
    assert str(caught.value).endswith("or use --backend onnxruntime")


def test_a_missing_tensorrt_is_said_to_come_with_jetpack_or_an_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable, match=r"'tensorrt'.*JetPack.*pip install 'rtseg\[tensorrt\]'"):
        open_backend("tensorrt", tmp_path / "none.onnx", classes=4)


def test_the_command_line_offers_every_backend() -> None:
    options = get_args(get_args(common.Backend)[0])
    assert options == BACKENDS
