"""What rtseg adds to the network's bare inference call, and how fast int8, post-processing and overlay are.

.venv/bin/python tools/bench_inference.py [--model street-m] [--size 480x352] [--rounds 200]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import openvino
from openvino import properties

from rtseg import overlay, postprocess
from rtseg.card import INT8_FILE, find_model
from rtseg.frame import Frame
from rtseg.segmenter import load


def median_ms(*calls: Callable[[], object], rounds: int) -> list[float]:
    """The calls in turns, so that a drift of the machine's speed hits all alike."""
    spent: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 10):
        for number, call in enumerate(calls):
            started = time.perf_counter()
            call()
            if turn >= 10:
                spent[number].append((time.perf_counter() - started) * 1e3)
    return [statistics.median(times) for times in spent]


def bench_int8(model: str, image: np.ndarray, rounds: int) -> None:
    for backend in ("openvino", "onnxruntime"):
        with (
            load(model, backend=backend, precision="int8") as int8,
            load(model, backend=backend, precision="f32") as f32,
            load(model, backend=backend) as auto,
        ):
            opened = (int8, f32, auto)
            times = median_ms(*(partial(each.infer, image) for each in opened), rounds=rounds)
        print(
            f"int8 on {backend} {times[0]:6.2f} ms, ratio to f32 {times[0] / times[1]:.2f}, "
            f"to {auto.backend.precision} (auto) {times[0] / times[2]:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="street-m")
    parser.add_argument("--size", default="480x352")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)

    core = openvino.Core()
    network = core.read_model(find_model(options.model).onnx_path)
    network.reshape([1, height, width, 3])
    hint = {properties.hint.performance_mode(): properties.hint.PerformanceMode.LATENCY}
    request = core.compile_model(network, "CPU", hint).create_infer_request()
    request.set_input_tensor(openvino.Tensor(image[None], shared_memory=True))

    if INT8_FILE in find_model(options.model).card.files:
        bench_int8(options.model, image, options.rounds)
    with load(options.model, backend="openvino") as ours, load(options.model, backend="onnxruntime") as ort:
        bare, inference, onnx = median_ms(
            request.infer, lambda: ours.infer(image), lambda: ort.infer(image), rounds=options.rounds
        )
        print(f"{ours.card.name} {width}x{height}, medians of {options.rounds} calls in turns")
        print(f"OpenVINO {ours.backend.precision}, bare infer call  {bare:6.2f} ms")
        print(f"rtseg on OpenVINO                 {inference:6.2f} ms, ratio {inference / bare:.2f}")
        print(f"rtseg on ONNX Runtime             {onnx:6.2f} ms, ratio to OpenVINO {onnx / inference:.2f}")
        logits = ours.infer(image)

    rng = np.random.default_rng(1)
    planes = tuple(rng.integers(0, 256, shape, np.uint8) for shape in ((720, 1280), (360, 640), (360, 640)))
    frame = Frame("yuv420p", planes, 0, 0)
    class_map = postprocess.class_map(logits, overlay.class_map_size(frame))
    palette = (None, *ours.card.palette[1:])
    post, blend = median_ms(
        lambda: postprocess.class_map(logits, (width, height)),
        lambda: overlay.blend(frame, class_map, palette, 0.5),
        rounds=options.rounds,
    )
    print(f"logits to class map {width}x{height}      {post:6.2f} ms")
    print(f"overlay on 1280x720 planes        {blend:6.2f} ms")


if __name__ == "__main__":
    main()
