"""What comes from a GPU is what NumPy and ONNX Runtime say: on stand-ins for TensorRT and a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from standins.cuda_standin import Graphs
from standins.engines import put_engine
from standins.gpu_frames import SIZE, batch_of, bgr_frame, expected, opened, yuv_frame
from standins.tensorrt_standin import Script

from rtseg import overlay, postprocess
from rtseg.backends import Backend
from rtseg.card import models_folder
from rtseg.export.calibration import demo_pictures
from rtseg.frame import ColorSpace, Frame, Size
from rtseg.segmenter import load


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
