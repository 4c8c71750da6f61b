"""A GPU without memory, that fails or is gone, an engine that does not open: one line, and nothing left."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from standins.cuda_standin import Graphs
from standins.engines import put_engine
from standins.gpu_frames import SIZE, batch_of, bgr_frame, opened
from standins.tensorrt_standin import Script

from rtseg.backends import Backend
from rtseg.errors import BackendUnavailable


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
