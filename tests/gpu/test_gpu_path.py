"""The whole way of a frame over a real GPU, and the thread that owns it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kernel_reference as reference
import numpy as np
import pytest
from kernel_runs import make_planes
from onnx_network import CUDA
from stub_network import INPUT, LOGITS, class_maps, stub_network

from rtseg.backends.tensorrt import cuda, graph
from rtseg.backends.tensorrt.frames import FramePath, Geometry, Kernels
from rtseg.backends.tensorrt.graph import Replay
from rtseg.backends.tensorrt.kernels import arguments
from rtseg.backends.tensorrt.kernels.compiled import cubin
from rtseg.backends.tensorrt.memory import Memory
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.frame import ColorSpace, Frame

pytestmark = pytest.mark.gpu


def by_numpy(frame: Frame, map_size: tuple[int, int]) -> np.ndarray:
    matrix = arguments.rgb_matrix(frame.pixel_format, frame.color)
    image = reference.network_input(frame.planes, matrix, INPUT)
    logits = image.reshape(-1)[: 4 * int(np.prod(LOGITS))].view(np.float32).reshape(LOGITS)
    return reference.class_map(logits, map_size)


@pytest.mark.filterwarnings("ignore:overflow|invalid value")  # bytes read as floats
@pytest.mark.parametrize("recorded", [False, True])
def test_frames_go_up_and_class_maps_come_down(recorded: bool, driver: Any, thread: GpuThread) -> None:
    """Grey frames of few levels: their bytes, read as floats, are finite numbers."""
    frames = []
    for seed in range(6):
        luma = np.full((1080, 1920), 40, np.uint8)
        luma[seed * 90 : seed * 90 + 300, 200:900] = 90 + 10 * seed
        neutral = np.full((540, 960), 128, np.uint8)
        frames.append(Frame("yuv420p", (luma, neutral, neutral), seed, 0, color=ColorSpace("bt709")))
    library = graph.load_library() if recorded else None
    if recorded and library is None:
        pytest.skip("this driver records no calls")

    def whole() -> list[np.ndarray]:
        memory, stream = Memory(driver), driver.Stream(1)
        kernels = Kernels(driver, cubin(cuda.read_gpu(driver).compute_capability))
        network, _ = stub_network(driver, memory, stream)
        path = FramePath(Geometry.of(frames[0], (960, 540)), network, kernels, driver, stream)
        replay = Replay(path.call, stream, driver, library)
        found = class_maps(path, replay.run, stream, frames)
        assert replay.recorded is recorded
        replay.free()
        path.free()
        memory.free()
        return found

    for frame, found in zip(frames, thread.submit(whole).result(), strict=True):
        np.testing.assert_array_equal(found, by_numpy(frame, (960, 540)))


def test_threads_share_the_gpu_and_leave_it_as_it_was(driver: Any) -> None:
    def use(thread: GpuThread, value: int) -> int:
        def work() -> int:
            memory, stream = Memory(driver), driver.Stream(1)
            there, here = memory.device(1 << 20), memory.page_locked((1 << 20,), np.uint8)
            here[:] = value
            driver.memcpy_htod_async(there, here, stream)
            stream.synchronize()
            here[:] = 0
            driver.memcpy_dtoh_async(here, there, stream)
            stream.synchronize()
            found = int(here.min())
            memory.free()
            return found

        return thread.submit(work).result()

    for _ in range(3):
        with GpuThread(driver, 0, lambda: None) as one, GpuThread(driver, 0, lambda: None) as other:
            with ThreadPoolExecutor(4) as pool:
                jobs = [pool.submit(use, (one, other)[n % 2], n) for n in range(1, 9)]
                assert [job.result() for job in jobs] == list(range(1, 9))
            one.close()
            one.close()
            assert use(other, 77) == 77
    assert "rtseg-gpu" not in {thread.name for thread in threading.enumerate()}


def test_a_forgotten_thread_ends_by_itself(driver: Any) -> None:
    thread = GpuThread(driver, 0, lambda: None)
    thread.submit(lambda: Memory(driver).device(1024).free()).result()
    del thread
    gc.collect()
    assert "rtseg-gpu" not in {each.name for each in threading.enumerate()}


def test_the_whole_way_with_onnx_runtime_in_the_place_of_tensorrt(driver: Any, thread: GpuThread) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if CUDA not in onnxruntime.get_available_providers():
        pytest.skip("needs onnxruntime-gpu")
    pytest.importorskip("pydantic")
    from onnx_frames import goes_the_whole_way

    goes_the_whole_way(driver, thread, CUDA)


def test_onnx_runtimes_cuda_provider_runs_the_shipped_network(driver: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs onnxruntime-gpu")
    pytest.importorskip("pydantic")
    from rtseg.segmenter import load

    picture = np.kron(np.random.default_rng(0).integers(0, 256, (5, 5, 3)), np.ones((64, 64, 1))).astype(
        np.uint8
    )
    with load(backend="onnxruntime-cuda", precision="f32") as gpu, load(backend="onnxruntime") as cpu:
        assert np.mean(gpu(picture) == cpu(picture)) > 0.999


def test_tensorrt_runs_the_shipped_network(
    driver: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., np.ndarray]
) -> None:
    """Minutes: an engine is built."""
    pytest.importorskip("tensorrt", reason="needs TensorRT")
    from rtseg.backends.tensorrt.key import Options
    from rtseg.export.engine.make import Wishes, make_engine
    from rtseg.segmenter import load

    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path))
    make_engine("street-m", Options("fp16", (576, 320)), Wishes())
    luma, u, v = make_planes((1280, 720), 1)
    frame = Frame("yuv420p", (luma // 8 + 100, u // 8 + 112, v // 8 + 112), 0, 0)
    with load(backend="tensorrt") as gpu, load(backend="onnxruntime") as cpu:
        for _ in range(3):  # plainly, recorded, launched
            found = gpu.segment(frame)
            assert found.class_map is not None
            assert np.mean(found.logits.argmax(0) == cpu.segment(frame).logits.argmax(0)) > 0.98
