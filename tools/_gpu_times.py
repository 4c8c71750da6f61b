"""What the GPU path costs here: each kernel beside what its bytes need, a whole frame beside its network.

Run by tools/gpu_check. Times are medians, by the GPU's own clock where a kernel or an engine alone is meant.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "gpu")]

from kernel_runs import make_map  # noqa: E402
from onnx_network import CUDA, onnx_network  # noqa: E402
from stub_network import INPUT, LOGITS, stub_network  # noqa: E402

from rtseg import overlay  # noqa: E402
from rtseg.backends.tensorrt import cuda, graph  # noqa: E402
from rtseg.backends.tensorrt.frames import FramePath, Geometry, Kernels  # noqa: E402
from rtseg.backends.tensorrt.graph import Replay  # noqa: E402
from rtseg.backends.tensorrt.kernels import arguments  # noqa: E402
from rtseg.backends.tensorrt.kernels.arguments import Call, Plane  # noqa: E402
from rtseg.backends.tensorrt.kernels.compiled import cubin  # noqa: E402
from rtseg.backends.tensorrt.memory import Memory  # noqa: E402
from rtseg.errors import RtsegError  # noqa: E402
from rtseg.frame import ColorSpace, Frame, Size, UInt8Array  # noqa: E402
from rtseg.labels import PALETTE  # noqa: E402

MB = 1 << 20
ROUNDS, REPEATS = 30, 100
COPIED = 512 * MB
VIDEO: Size = (1920, 1080)
MAP_SIZE: Size = (960, 540)
NETWORK_SIZE: Size = (576, 320)  # what street-m sees of 16:9
OPACITY = 0.5
_grey = np.full((540, 960), 128, np.uint8)
FRAME = Frame("yuv420p", (np.full((1080, 1920), 90, np.uint8), _grey, _grey), 0, 0, color=ColorSpace("bt709"))


def on_gpu_us(driver: Any, stream: Any, work: Callable[[], None], repeats: int) -> float:
    """Microseconds of one call among many that are launched as one, where they can be."""

    def many() -> None:
        for _ in range(repeats):
            work()

    begin, end = driver.Event(), driver.Event()
    replay = Replay(many, stream, driver, graph.load_library())
    replay.run()
    spent = []
    for _ in range(ROUNDS):
        begin.record(stream)
        replay.run()
        end.record(stream)
        end.synchronize()
        spent.append(begin.time_till(end) * 1000 / repeats)
    replay.free()
    return statistics.median(spent)


def wall_us(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS * 10):
        started = time.perf_counter()
        work()
        spent.append((time.perf_counter() - started) * 1e6)
    return statistics.median(spent)


def row(what: str, us: float, moved: int, bytes_per_us: float) -> None:
    need = moved / bytes_per_us
    print(f"{what:<44}{us:>10.1f}{moved / MB:>9.2f}{need:>9.1f}{us / need:>8.2f}")


class Gpu:
    """A stream, memory and the kernels; used inside a context."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.memory = Memory(driver)
        self.stream: Any = driver.Stream(1)
        self.kernels: Any = Kernels(driver, cubin(cuda.read_gpu(driver).compute_capability))

    def free(self) -> None:
        self.memory.free()
        self.kernels = self.stream = None

    def put(self, array: UInt8Array) -> int:
        buffer = self.memory.device(array.nbytes)
        self.driver.memcpy_htod_async(buffer, array, self.stream)
        self.stream.synchronize()
        return int(buffer)

    def call_us(self, call: Call) -> float:
        return on_gpu_us(self.driver, self.stream, lambda: self.kernels.launch(call, self.stream), REPEATS)


@contextmanager
def opened(driver: Any) -> Iterator[Gpu]:
    with cuda.context(driver), cuda.freeing_frames():
        gpu = Gpu(driver)
        try:
            yield gpu
        finally:
            gpu.free()


def measure_kernels(gpu: Gpu) -> None:
    source, target = gpu.memory.device(COPIED), gpu.memory.device(COPIED)

    def copy() -> None:
        gpu.driver.memcpy_dtod_async(int(target), int(source), COPIED, gpu.stream)

    rate = 2 * COPIED / on_gpu_us(gpu.driver, gpu.stream, copy, 5)  # bytes a microsecond, read and written
    print(f"copy rate on the GPU: {rate / 1000:.0f} GB/s, bytes read and written\n")
    print(f"{'1080p':<44}{'us':>10}{'MB':>9}{'need us':>9}{'ratio':>8}   (asked: 1.5)")
    network, _ = stub_network(gpu.driver, gpu.memory, gpu.stream)
    path = FramePath(Geometry.of(FRAME, MAP_SIZE), network, gpu.kernels, gpu.driver, gpu.stream)
    picture, small = sum(plane.nbytes for plane in FRAME.planes), INPUT[0] * INPUT[1] * 3
    logits, class_map = 4 * int(np.prod(LOGITS)), MAP_SIZE[0] * MAP_SIZE[1]
    row("network_input, of 4:2:0", gpu.call_us(path._input_call), picture + small, rate)
    row("class_map, of half the size", gpu.call_us(path._map_call), logits + class_map, rate)
    tables = overlay.chroma_tables(tuple(PALETTE), FRAME.color)
    chroma = arguments.chroma_colors(*tables)
    for what, size, channels, colors in (
        ("tint, of NV12's chroma", MAP_SIZE, 2, chroma),
        ("tint, of BGR", VIDEO, 3, arguments.bgr_colors(PALETTE)),
    ):
        pixels = size[0] * size[1]
        call = tint(gpu, size, channels, colors)
        row(what, gpu.call_us(call), pixels * (1 + 2 * channels), rate)
    replay = Replay(path.call, gpu.stream, gpu.driver, graph.load_library())

    def whole() -> None:
        path.stage(FRAME)
        replay.run()
        gpu.stream.synchronize()
        path.class_map()

    def from_staged() -> None:
        replay.run()
        gpu.stream.synchronize()

    whole()
    print(f"{'upload + pre + post + download (asked: 300)':<44}{wall_us(from_staged):>10.1f}")
    print(f"{'with the copies of the CPU to and from it':<44}{wall_us(whole):>10.1f}")
    print(f"calls launched as one graph: {'yes' if replay.recorded else 'no'}")
    replay.free()
    path.free()


def tint(gpu: Gpu, size: Size, channels: int, colors: UInt8Array) -> Call:
    """Of interleaved channels, with a map of regions."""
    width, height = size
    before, after = (gpu.put(np.full((height, width, channels), 128, np.uint8)) for _ in range(2))
    pairs = [
        (Plane(before + c, channels * width, channels), Plane(after + c, channels * width, channels))
        for c in range(channels)
    ]
    class_map, there = gpu.put(make_map(size, 4, 0)), gpu.put(colors)
    return arguments.tint_call(class_map, there, pairs, size, OPACITY, crisp=channels == 2)


def with_tensorrt(driver: Any, onnx: Path) -> tuple[float, float]:
    """Microseconds of a whole frame and of the engine alone. Raises what says why there are none."""
    from rtseg.backends.tensorrt.backend import TensorRtBackend
    from rtseg.backends.tensorrt.key import Options
    from rtseg.export.engine.make import Wishes, make_engine

    make_engine("street-m", Options("fp16", NETWORK_SIZE), Wishes(), tell=print)  # where there is none yet
    with TensorRtBackend(onnx, classes=4) as backend:
        backend.prepare(NETWORK_SIZE)
        if not backend.takes_frames(NETWORK_SIZE):
            raise RuntimeError("the kernels do not run here")

        def alone() -> float:
            runner = backend._workshop.runner(NETWORK_SIZE)
            return on_gpu_us(driver, runner._used_stream, runner._execute, 10)

        whole = wall_us(lambda: backend.submit_frame(FRAME, NETWORK_SIZE, MAP_SIZE).result())
        return whole, backend._thread.submit(alone).result()


def with_onnx_runtime(driver: Any, onnx: Path, provider: str = CUDA) -> tuple[float, float]:
    """The same with ONNX Runtime in the place of TensorRT, which waits before and after each network."""
    with opened(driver) as gpu:
        network = onnx_network(onnx, NETWORK_SIZE, 4, gpu.memory, gpu.stream, provider=provider)
        path = FramePath(Geometry.of(FRAME, MAP_SIZE), network, gpu.kernels, driver, gpu.stream)

        def frame() -> None:
            path.stage(FRAME)
            path.call()
            gpu.stream.synchronize()
            path.class_map()

        frame()
        figures = wall_us(frame), wall_us(network.execute)
        path.free()
    return figures


def end_to_end(driver: Any) -> None:
    """With whichever of the two there is; of the others, what is missing."""
    onnx = ROOT / "models" / "street-m" / "model.onnx"
    for name, measured in (("TensorRT", with_tensorrt), ("ONNX Runtime", with_onnx_runtime)):
        try:
            whole, alone = measured(driver, onnx)
        except (RtsegError, ImportError, RuntimeError) as error:
            print(f"end to end with {name}: not measured ({error})")
            continue
        print(
            f"end to end with {name}: {whole:.0f} us, network alone {alone:.0f} us, "
            f"ratio {whole / alone:.2f} (asked: 1.3)"
        )


def main() -> None:
    driver: Any = cuda.open_driver()
    gpu = cuda.read_gpu(driver)
    print(f"{gpu.name}, compute capability {gpu.compute_capability[0]}.{gpu.compute_capability[1]}")
    with opened(driver) as used:
        measure_kernels(used)
    end_to_end(driver)


if __name__ == "__main__":
    try:
        main()
    except RtsegError as told:
        sys.exit(f"tools/_gpu_times.py: {told}")
