"""The TensorRT backend on stand-ins for TensorRT and a GPU: results, order of calls, and what goes wrong."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import kernel_reference as reference
import numpy as np
import pytest
from standins.cuda_standin import Graphs
from standins.engines import put_engine
from standins.install import standing_in
from standins.kernels_on_cpu import CpuKernels, cpu_kernels
from standins.tensorrt_standin import Script

from rtseg import overlay, postprocess
from rtseg.backends import Backend, open_backend
from rtseg.backends.tensorrt.kernels import arguments, compiled
from rtseg.card import ONNX_FILE, models_folder
from rtseg.errors import BackendUnavailable, ConfigError
from rtseg.export.calibration import demo_pictures
from rtseg.frame import ColorSpace, Frame, Size
from rtseg.segmenter import load

if TYPE_CHECKING:
    from rtseg.backends.tensorrt.backend import TensorRtBackend

SIZE = (64, 64)
Opened = Callable[..., "TensorRtBackend"]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> CpuKernels:
    return cpu_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("rtseg.backends.tensorrt.cache._other_root", lambda: tmp_path / "elsewhere")
    monkeypatch.setattr(compiled, "_compile", lambda arch: f"cubin for {arch}".encode())
    monkeypatch.setattr("rtseg.backends.tensorrt.graph.load_library", lambda: None)


@pytest.fixture(params=["8.6.1", "10.3.0", "11.4.0.106"])
def each_trt(request: pytest.FixtureRequest, shared: Path, kernels: CpuKernels) -> Iterator[Script]:
    with standing_in(shared, request.param) as script:
        script.card.kernels = kernels
        yield script


@pytest.fixture
def trt(shared: Path, kernels: CpuKernels) -> Iterator[Script]:
    with standing_in(shared, "10.3.0") as script:
        script.card.kernels = kernels
        yield script


@pytest.fixture
def graphs(trt: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graphs]:
    """A driver that records calls."""
    found = Graphs(trt.card)
    monkeypatch.setattr("rtseg.backends.tensorrt.graph.load_library", lambda: found)
    yield found
    found.nothing_left()


@pytest.fixture(scope="module")
def cpu(tiny_model: Path) -> Iterator[Backend]:
    with open_backend("onnxruntime", tiny_model / ONNX_FILE, classes=4) as backend:
        yield backend


def opened(model: Path, **options: Any) -> TensorRtBackend:
    return cast("TensorRtBackend", open_backend("tensorrt", model / ONNX_FILE, classes=4, **options))


def batch_of(seed: int, count: int = 1, size: Size = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size[1], size[0], 3), np.uint8)


def yuv_frame(size: Size, seed: int, color: ColorSpace | None = None) -> Frame:
    rng = np.random.default_rng(seed)
    half = ((size[1] + 1) // 2, (size[0] + 1) // 2)
    planes = tuple(rng.integers(0, 256, shape, np.uint8) for shape in (size[::-1], half, half))
    return Frame("yuv420p", planes, seed, 0, color=color or ColorSpace())


def bgr_frame(size: Size, seed: int) -> Frame:
    picture = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Frame("bgr24", (picture,), seed, 0)


def expected(frame: Frame, map_size: Size, cpu: Backend) -> tuple[np.ndarray, np.ndarray]:
    """What the GPU's way must give, by NumPy and ONNX Runtime."""
    planes = frame.planes
    channels = [planes[0][..., c] for c in range(3)] if len(planes) == 1 else planes
    image = reference.network_input(channels, arguments.rgb_matrix(frame.pixel_format, frame.color), SIZE)
    logits = cpu.infer(image[None])[0]
    return logits, reference.class_map(logits, map_size)


def test_batches_give_what_onnx_runtime_gives(each_trt: Script, tiny_model: Path, cpu: Backend) -> None:
    put_engine(tiny_model, SIZE, each_trt)
    with opened(tiny_model) as backend:
        assert (backend.name, backend.precision, backend.in_flight) == ("tensorrt", "f16", 1)
        for count in (1, 3):
            batch = batch_of(count, count)
            np.testing.assert_allclose(backend.infer(batch), cpu.infer(batch), atol=1e-5)
        first = backend.infer(batch_of(7))
        before = first.copy()
        backend.infer(batch_of(8))
        np.testing.assert_array_equal(first, before)


def test_any_thread_may_ask_and_one_does_it(trt: Script, tiny_model: Path, cpu: Backend) -> None:
    """The stand-in refuses what is done where no context is current, and what another thread frees."""
    put_engine(tiny_model, SIZE, trt)
    batches = [batch_of(seed) for seed in range(12)]
    with opened(tiny_model, mode="offline") as backend, ThreadPoolExecutor(4) as pool:
        assert backend.in_flight == 2
        found = list(pool.map(backend.infer, batches))
        pool.submit(backend.close).result()
    for logits, batch in zip(found, batches, strict=True):
        np.testing.assert_allclose(logits, cpu.infer(batch), atol=1e-5)


def test_many_under_way_come_back_in_their_order(trt: Script, tiny_model: Path, cpu: Backend) -> None:
    put_engine(tiny_model, SIZE, trt)
    batches = [batch_of(seed) for seed in range(5)]
    with opened(tiny_model) as backend:
        pending = [backend.submit(batch) for batch in batches]
        for each, batch in zip(pending, batches, strict=True):
            logits, spent_ns = each.result()
            assert spent_ns > 0
            np.testing.assert_allclose(logits, cpu.infer(batch), atol=1e-5)


@pytest.mark.parametrize(
    ("frame", "map_size"),
    [
        (yuv_frame((130, 90), 1, ColorSpace("bt709")), (65, 45)),
        (yuv_frame((33, 17), 2, ColorSpace("bt601", True)), (17, 9)),
        (yuv_frame((1, 1), 3), (1, 1)),
        (bgr_frame((101, 67), 4), (101, 67)),
        (bgr_frame((64, 64), 5), (33, 70)),
    ],
)
def test_frames_go_up_as_they_are_and_come_down_as_class_maps(
    frame: Frame, map_size: Size, each_trt: Script, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, each_trt)
    with opened(tiny_model) as backend:
        assert backend.takes_frames(SIZE)
        found = backend.submit_frame(frame, SIZE, map_size).result()
    logits, class_map = expected(frame, map_size, cpu)
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)
    np.testing.assert_array_equal(found.class_map, class_map)
    assert found.spent_ns > 0
    if map_size != (1, 1):
        assert len(np.unique(class_map)) > 1  # a map that says something


def test_recorded_calls_do_the_same_for_each_new_frame(
    trt: Script, graphs: Graphs, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, trt)
    frames = [yuv_frame((130, 90), seed) for seed in range(5)] + [
        bgr_frame((70, 50), seed) for seed in range(4)
    ]
    with opened(tiny_model) as backend:
        for frame in frames:
            size = (65, 45) if frame.pixel_format == "yuv420p" else (70, 50)
            found = backend.submit_frame(frame, SIZE, size).result()
            logits, class_map = expected(frame, size, cpu)
            np.testing.assert_allclose(found.logits, logits, atol=1e-5)
            np.testing.assert_array_equal(found.class_map, class_map)
        assert trt.card.calls.count("graph") == 4 + 3  # all but the first of each geometry
        for seed in range(3):
            batch = batch_of(seed)
            np.testing.assert_allclose(backend.infer(batch), cpu.infer(batch), atol=1e-5)
        assert trt.card.calls.count("graph") == 4 + 3 + 2


@pytest.mark.parametrize(
    "function", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"]
)
def test_what_cannot_be_recorded_is_done_call_by_call(
    function: str, trt: Script, graphs: Graphs, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, trt)
    graphs.fails[function] = 901
    with opened(tiny_model) as backend:
        for seed in range(4):
            batch = batch_of(seed)
            np.testing.assert_allclose(backend.infer(batch), cpu.infer(batch), atol=1e-5)
    assert "graph" not in trt.card.calls


def test_a_graph_that_fails_is_a_gpu_that_fails(trt: Script, graphs: Graphs, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    with opened(tiny_model) as backend:
        for seed in range(2):
            backend.infer(batch_of(seed))
        graphs.fails["cuGraphLaunch"] = 700
        with pytest.raises(
            BackendUnavailable, match=r"failed or is gone \(cuGraphLaunch.*700\).*CPU backend"
        ):
            backend.infer(batch_of(2))


def test_all_is_freed_in_the_order_in_which_it_depends_on_each_other(
    trt: Script, graphs: Graphs, tiny_model: Path
) -> None:
    put_engine(tiny_model, SIZE, trt)
    with opened(tiny_model) as backend:
        for _ in range(2):
            backend.infer(batch_of(0))
            backend.submit_frame(bgr_frame((30, 20), 0), SIZE, (30, 20)).result()
        began = len(trt.card.calls)
    freed = [call for n, call in enumerate(trt.card.calls[began:]) if call not in trt.card.calls[began:][:n]]
    assert freed == [
        "stream.synchronize",
        "cuGraphExecDestroy",
        "del IExecutionContext",
        "del ICudaEngine",
        "del Runtime",
        "free",
        "free page-locked",
        "del stream",
        "context.pop",
    ]
    assert trt.card.calls[-1] == "context.pop"


def test_closing_twice_is_harmless_and_a_closed_one_says_so(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    backend = opened(tiny_model)
    backend.infer(batch_of(0))
    backend.close()
    calls = list(trt.card.calls)
    backend.close()
    with pytest.raises(BackendUnavailable, match="closed; open it again"):
        backend.infer(batch_of(0))
    with pytest.raises(BackendUnavailable, match="closed; open it again"):
        backend.submit_frame(bgr_frame((30, 20), 0), SIZE, (30, 20))
    assert trt.card.calls == calls


def test_what_was_begun_is_finished_before_it_closes(trt: Script, tiny_model: Path, cpu: Backend) -> None:
    put_engine(tiny_model, SIZE, trt)
    backend = opened(tiny_model)
    pending = [backend.submit(batch_of(seed)) for seed in range(4)]
    backend.close()
    for seed, each in enumerate(pending):
        np.testing.assert_allclose(each.result().logits, cpu.infer(batch_of(seed)), atol=1e-5)


def test_one_that_was_forgotten_frees_itself(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    backend = opened(tiny_model)
    backend.infer(batch_of(0))
    del backend
    gc.collect()
    trt.card.nothing_left()
    assert "rtseg-gpu" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("first", [0, 1])
def test_two_in_one_process_do_not_disturb_each_other(
    first: int, trt: Script, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, trt)
    both = [opened(tiny_model), opened(tiny_model)]
    for seed in range(4):
        logits = both[seed % 2].infer(batch_of(seed))
        np.testing.assert_allclose(logits, cpu.infer(batch_of(seed)), atol=1e-5)
    both[first].close()
    other = both[1 - first]
    np.testing.assert_allclose(other.infer(batch_of(9)), cpu.infer(batch_of(9)), atol=1e-5)
    other.close()


def test_sizes_share_the_gpu_and_the_oldest_makes_room(trt: Script, tiny_model: Path, cpu: Backend) -> None:
    sizes = [(32 * columns, 64) for columns in range(1, 7)]
    for size in sizes:
        put_engine(tiny_model, size, trt)
    with opened(tiny_model) as backend:
        for size in (*sizes, *sizes):
            batch = batch_of(1, size=size)
            np.testing.assert_allclose(backend.infer(batch), cpu.infer(batch), atol=1e-5)
        calls = trt.card.calls
        assert calls.count("IExecutionContext") - calls.count("del IExecutionContext") == 4


def test_more_geometries_than_are_kept_still_work(
    trt: Script, graphs: Graphs, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, trt)
    frames = [bgr_frame((20 + n, 20), n) for n in range(6)]
    with opened(tiny_model) as backend:
        for frame in (*frames, *frames, *frames[-1:] * 2):
            found = backend.submit_frame(frame, SIZE, (10, 10)).result()
            np.testing.assert_array_equal(found.class_map, expected(frame, (10, 10), cpu)[1])


@pytest.mark.parametrize("allocations", range(6))
def test_without_memory_it_is_said_how_much_was_wanted_and_nothing_is_left(
    allocations: int, trt: Script, tiny_model: Path
) -> None:
    """Two allocations for the engine, three for a frame; the check at the end is the stand-in's."""
    put_engine(tiny_model, SIZE, trt)
    trt.card.no_memory_after = allocations
    frame = bgr_frame((300, 200), 0)
    with opened(tiny_model) as backend:
        pending = backend.submit_frame(frame, SIZE, frame.size)
        if allocations == 5:
            assert pending.result().class_map.shape == (200, 300)
            return
        with pytest.raises(
            BackendUnavailable, match=r"the GPU has no \d+ MB for .* MB are free.*CPU backend"
        ):
            pending.result()
        trt.card.no_memory_after = None
        assert backend.submit_frame(frame, SIZE, frame.size).result().class_map.shape == (200, 300)


def test_a_gpu_that_is_gone_in_the_middle_is_said_to_be(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    driver = sys.modules["pycuda.driver"]

    def gone() -> None:
        raise driver.LogicError("cuMemcpyHtoDAsync failed: an illegal memory access was encountered")

    with opened(tiny_model) as backend:
        backend.infer(batch_of(0))
        trt.card.on_copy = gone
        with pytest.raises(BackendUnavailable, match=r"failed or is gone \(cuMemcpyHtoDAsync.*CPU backend"):
            backend.infer(batch_of(0))
        with pytest.raises(BackendUnavailable, match="failed or is gone"):
            backend.submit_frame(bgr_frame((30, 20), 0), SIZE, (30, 20)).result()


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_gpu_that_falls_off_the_bus_leaves_no_thread_and_no_lock(
    opened_before: bool, trt: Script, tiny_model: Path
) -> None:
    """Nothing can be freed any more, and closing must not fail on that."""
    put_engine(tiny_model, SIZE, trt)
    backend = opened(tiny_model)
    if opened_before:
        backend.infer(batch_of(0))
        backend.submit_frame(bgr_frame((30, 20), 0), SIZE, (30, 20)).result()
    trt.card.gone = True
    for _ in range(2):
        with pytest.raises(BackendUnavailable, match=r"failed or is gone \(.*unavailable\).*CPU backend"):
            backend.infer(batch_of(0))
    backend.close()
    assert "rtseg-gpu" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(BackendUnavailable, match="failed or is gone"):
        opened(tiny_model)


def test_a_gpu_without_room_for_the_engine_is_no_reason_to_build_it_anew(
    trt: Script, tiny_model: Path
) -> None:
    put_engine(tiny_model, SIZE, trt)
    trt.no_room = True
    with opened(tiny_model) as backend:
        with pytest.raises(BackendUnavailable) as caught:
            backend.infer(batch_of(0))
        assert "the GPU has no 71 MB for the engine (1000 of 8192 MB are free)" in str(caught.value)
        assert "rtseg export" not in str(caught.value)
        trt.no_room = False
        backend.infer(batch_of(0))


def test_tensorrts_own_words_are_passed_on_when_it_stops(trt: Script, tiny_model: Path) -> None:
    put_engine(tiny_model, SIZE, trt)
    with opened(tiny_model) as backend:
        backend.infer(batch_of(0))
        trt.stops = True
        with pytest.raises(BackendUnavailable, match=r"TensorRT stopped: Cuda Runtime \(an illegal access\)"):
            backend.infer(batch_of(0))


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("refuses_plans", r"refuses this engine.*build it anew with `rtseg export .* -y`"),
        ("no_context", "no 78 MB"),
    ],
)
def test_an_engine_that_does_not_open_is_an_error_with_a_way_out(
    trouble: str, told: str, trt: Script, tiny_model: Path, cpu: Backend
) -> None:
    put_engine(tiny_model, SIZE, trt)
    setattr(trt, trouble, True)
    with opened(tiny_model) as backend:
        with pytest.raises(BackendUnavailable, match=told):
            backend.infer(batch_of(0))
        setattr(trt, trouble, False)
        np.testing.assert_allclose(backend.infer(batch_of(0)), cpu.infer(batch_of(0)), atol=1e-5)


def test_without_kernels_batches_still_run_and_it_is_said(
    trt: Script,
    tiny_model: Path,
    cpu: Backend,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_engine(tiny_model, SIZE, trt)
    trt.card.refuses_cubins = True
    with opened(tiny_model) as backend:
        assert not backend.takes_frames(SIZE)
        np.testing.assert_allclose(backend.infer(batch_of(0)), cpu.infer(batch_of(0)), atol=1e-5)
    assert "scaled by the CPU and not by the GPU: cuModuleLoadDataEx failed" in caplog.text


def test_a_driver_without_a_context_leaves_no_thread(
    trt: Script, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_engine(tiny_model, SIZE, trt)
    driver: Any = sys.modules["pycuda.driver"]

    def refuse(self: object) -> None:
        raise driver.LogicError("cuDevicePrimaryCtxRetain failed: out of memory")

    monkeypatch.setattr(driver.Device, "retain_primary_context", refuse)
    with pytest.raises(BackendUnavailable, match=r"GPU 0 gives no context \(cuDevicePrimaryCtxRetain"):
        opened(tiny_model)


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


def test_a_segmenter_on_the_gpu_shows_what_one_on_the_cpu_shows(trt: Script) -> None:
    """The shipped network on pictures of the demo: one that was never trained blows roundings up."""
    put_engine(models_folder() / "street-m", (576, 320), trt, precision="fp32")
    (picture,) = demo_pictures(1).pictures
    picture = cv2.resize(picture, (960, 540))
    yuv = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).ravel()
    planes = np.split(yuv, [960 * 540, 960 * 540 * 5 // 4])
    shapes = [(540, 960), (270, 480), (270, 480)]
    frame = Frame("yuv420p", tuple(p.reshape(s) for p, s in zip(planes, shapes, strict=True)), 0, 0)
    with (
        load("street-m", backend="tensorrt", precision="f32") as gpu,
        load("street-m", backend="onnxruntime") as cpu,
    ):
        found = gpu(picture)
        assert trt.card.calls.count("class_map") == 1
        assert len(np.unique(found)) > 2
        assert np.mean(found == cpu(picture)) > 0.995
        gpu.prepare([frame.size])
        segmentation, other = gpu.segment(frame), cpu.segment(frame)
        assert segmentation.class_map is not None
        for size in (overlay.class_map_size(frame), frame.size):
            shown = postprocess.frame_class_map(segmentation, size)
            assert shown.shape == (size[1], size[0])
            assert np.mean(shown == postprocess.frame_class_map(other, size)) > 0.995
        assert postprocess.frame_class_map(segmentation, (480, 270)) is segmentation.class_map


def test_a_whole_pipeline_runs_on_the_gpu(trt: Script, graphs: Graphs, rtseg: Callable[..., Any]) -> None:
    put_engine(models_folder() / "street-m", (576, 320), trt)
    outcome = rtseg(
        "run", "--demo", "--no-display", "--backend", "tensorrt", "--frames", 4, "--demo-size", "320x180"
    )
    assert outcome.code == 0, outcome.err
    assert "on tensorrt (f16)" in outcome.err
    assert trt.card.calls.count("class_map") == 4
    assert trt.card.calls.count("graph") == 3


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
