"""What the GPU path costs here: each kernel beside what its bytes need, a whole frame beside its engine.

Run by tools/gpu_check. Times are medians, by the GPU's own clock where one kernel is meant.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "gpu")]

from stub_network import INPUT, LOGITS, stub_network  # noqa: E402

from rtseg.backends.tensorrt import cuda, graph  # noqa: E402
from rtseg.backends.tensorrt.frames import FramePath, Geometry, Kernels  # noqa: E402
from rtseg.backends.tensorrt.graph import Replay  # noqa: E402
from rtseg.backends.tensorrt.kernels.compiled import cubin  # noqa: E402
from rtseg.backends.tensorrt.memory import Memory  # noqa: E402
from rtseg.errors import RtsegError  # noqa: E402
from rtseg.frame import ColorSpace, Frame  # noqa: E402

MB = 1 << 20
ROUNDS, REPEATS = 30, 100
COPIED = 512 * MB
MAP_SIZE = (960, 540)


def on_gpu_us(driver: Any, stream: Any, work: Callable[[], None], repeats: int = REPEATS) -> float:
    """Microseconds of one call among many in a row: the launch of the next goes on beside it."""
    begin, end = driver.Event(), driver.Event()
    spent = []
    for _ in range(ROUNDS):
        begin.record(stream)
        for _ in range(repeats):
            work()
        end.record(stream)
        end.synchronize()
        spent.append(begin.time_till(end) * 1000 / repeats)
    return statistics.median(spent)


def wall_us(work: Callable[[], None]) -> float:
    spent = []
    for _ in range(ROUNDS * 10):
        started = time.perf_counter()
        work()
        spent.append((time.perf_counter() - started) * 1e6)
    return statistics.median(spent)


def row(what: str, us: float, moved: int | None, bytes_per_us: float) -> None:
    if moved is None:
        print(f"{what:<44}{us:>10.1f}")
    else:
        need = moved / bytes_per_us
        print(f"{what:<44}{us:>10.1f}{moved / MB:>9.2f}{need:>9.1f}{us / need:>8.2f}")


def measure(driver: Any) -> None:
    memory, stream = Memory(driver), driver.Stream(1)
    source, target = memory.device(COPIED), memory.device(COPIED)

    def copy() -> None:
        driver.memcpy_dtod_async(int(target), int(source), COPIED, stream)

    rate = 2 * COPIED / on_gpu_us(driver, stream, copy, 5)  # bytes a microsecond, read and written
    print(f"copy rate on the GPU: {rate / 1000:.0f} GB/s, bytes read and written\n")
    print(f"{'1080p, 4:2:0':<44}{'us':>10}{'MB':>9}{'need us':>9}{'ratio':>8}")
    kernels = Kernels(driver, cubin(cuda.read_gpu(driver).compute_capability))
    network, _ = stub_network(driver, memory, stream)
    chroma = np.full((540, 960), 128, np.uint8)
    frame = Frame(
        "yuv420p", (np.full((1080, 1920), 90, np.uint8), chroma, chroma), 0, 0, color=ColorSpace("bt709")
    )
    path = FramePath(Geometry.of(frame, MAP_SIZE), network, kernels, driver, stream)
    picture, small = sum(plane.nbytes for plane in frame.planes), INPUT[0] * INPUT[1] * 3
    logits, class_map = 4 * int(np.prod(LOGITS)), MAP_SIZE[0] * MAP_SIZE[1]
    row(
        "network_input",
        on_gpu_us(driver, stream, lambda: kernels.launch(path._input_call, stream)),
        picture + small,
        rate,
    )
    row(
        "class_map",
        on_gpu_us(driver, stream, lambda: kernels.launch(path._map_call, stream)),
        logits + class_map,
        rate,
    )
    replay = Replay(path.call, stream, driver, graph.load_library())

    def whole() -> None:
        path.stage(frame)
        replay.run()
        stream.synchronize()
        path.class_map()

    def from_staged() -> None:
        replay.run()
        stream.synchronize()

    whole()
    row("upload + pre + post + download (asked: 300)", wall_us(from_staged), None, rate)
    row("the same with the CPU's copies to and from it", wall_us(whole), None, rate)
    print(f"calls launched as one graph: {'yes' if replay.recorded else 'no'}")
    replay.free()
    path.free()
    memory.free()


def end_to_end() -> None:
    """With TensorRT and an engine of street-m for 16:9; else it is said what is missing."""
    try:
        from rtseg.backends.tensorrt.backend import TensorRtBackend
        from rtseg.card import models_folder
    except ImportError as error:
        print(f"end to end: not measured ({error})")
        return
    chroma = np.full((540, 960), 128, np.uint8)
    frame = Frame("yuv420p", (np.full((1080, 1920), 90, np.uint8), chroma, chroma), 0, 0)
    batch = np.zeros((1, 320, 576, 3), np.uint8)
    try:
        with TensorRtBackend(models_folder() / "street-m" / "model.onnx", classes=4) as backend:
            backend.infer(batch)
            engine = wall_us(lambda: backend.infer(batch) is None)  # type: ignore[arg-type,return-value]
            whole = wall_us(
                lambda: backend.submit_frame(frame, (576, 320), MAP_SIZE).result() is None  # type: ignore[arg-type,return-value]
            )
    except RtsegError as error:
        print(f"end to end: not measured ({error})")
        return
    print(
        f"end to end {whole:.0f} us, network alone {engine:.0f} us, ratio {whole / engine:.2f} (asked: 1.3)"
    )


def main() -> None:
    driver: Any = cuda.open_driver()
    gpu = cuda.read_gpu(driver)
    print(f"{gpu.name}, compute capability {gpu.compute_capability[0]}.{gpu.compute_capability[1]}")
    with cuda.context(driver):
        measure(driver)
    end_to_end()


if __name__ == "__main__":
    try:
        main()
    except RtsegError as told:
        sys.exit(f"tools/_gpu_times.py: {told}")
