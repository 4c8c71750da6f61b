"""Who does what on a GPU, when, and what is freed after what: on stand-ins for TensorRT and a GPU."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from standins.cuda_standin import Graphs
from standins.engines import put_engine
from standins.gpu_frames import SIZE, batch_of, bgr_frame, opened
from standins.tensorrt_standin import Script

from rtseg.backends import Backend
from rtseg.backends.tensorrt.thread import GpuThread
from rtseg.errors import BackendUnavailable


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


def test_whoever_asks_while_another_closes_does_not_wait_for_ever(trt: Script) -> None:
    thread = GpuThread(sys.modules["pycuda.driver"], 0, lambda: None)  # type: ignore[arg-type]

    class ClosedJustBefore:
        def put(self, job: Callable[[], None]) -> None:
            thread.close()
            jobs.put(job)

    jobs, thread._jobs = thread._jobs, ClosedJustBefore()  # type: ignore[assignment]
    with pytest.raises(BackendUnavailable, match="closed; open it again"):
        thread.submit(lambda: None).result(timeout=5)


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
