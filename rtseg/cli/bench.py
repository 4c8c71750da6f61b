"""rtseg bench: how fast everything together is on this machine, and what limits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.backends import Precision
    from rtseg.segmenter import Segmenter

_WARM_UP = 5
_MOST_COLUMNS = 4  # fit into 80 characters


def bench(
    model: common.Model = "street-m",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    compare: Annotated[
        str,
        typer.Option(
            metavar="BACKEND,...",
            help="Measure these side by side, each with a precision if need be: openvino,openvino:int8,"
            "onnxruntime",
        ),
    ] = "",
    source: Annotated[
        str | None, typer.Option(help="A recording to run through; a clip of the demo unless given.")
    ] = None,
    frames: Annotated[int, typer.Option(min=10, help="Frames to measure.")] = 150,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    yes: common.Overwrite = False,
) -> None:
    """Measure the whole pipeline that `run` uses, stage by stage, beside decoding alone.

    Every frame is taken, as fast as they come, without display and encoder. Decoding alone is the ceiling:
    nothing that takes every frame of the source can be faster.
    """
    import json
    import tempfile

    from rtseg.errors import BackendUnavailable, ConfigError
    from rtseg.segmenter import load
    from rtseg.threads import processors
    from rtseg.video.outputs import check_output, write_file

    if json_file is not None:
        check_output(json_file, overwrite=yes)
    wanted = _wanted(compare, backend, precision)
    console = common.console()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="rtseg-bench-") as folder:
        if source is None:
            with console.status(f"drawing {frames} frames of the demo"):
                uri = str(_demo_clip(Path(folder) / "demo.mp4", frames))
        else:
            uri = source
        with console.status("measuring decoding alone"):
            decoding = _decode(uri, frames)
        for chosen, precise in wanted:
            with console.status(f"measuring {chosen}"):
                try:
                    segmenter = load(model, backend=chosen, precision=precise, mode="offline", measure=True)
                except (BackendUnavailable, ConfigError) as error:
                    console.print(f"{chosen}: left out, {error}")
                    continue
                name = segmenter.name
                with segmenter:
                    results.append(_measure(segmenter, uri, frames))
    if not results:
        raise ConfigError(f"nothing of what was asked for runs {model}; choose another backend or precision")
    report = {
        "schema": 1,
        "model": name,
        "source": source or "demo",
        "processors": processors(),
        "decoding": decoding,
        "results": [{**result, "of_decoding": result["fps"] / decoding["fps"]} for result in results],
    }
    _print(report)
    if json_file is not None:
        write_file(json_file, (json.dumps(report, indent=2) + "\n").encode())


def _wanted(compare: str, backend: str, precision: Precision) -> list[tuple[str, Precision]]:
    """What is to be measured. Raises ConfigError for what nobody knows."""
    from typing import cast, get_args

    from rtseg.backends import BACKENDS, Precision
    from rtseg.errors import ConfigError

    wanted: list[tuple[str, Precision]] = []
    for entry in common.names(compare) or (f"{backend}:{precision}",):
        name, _, arithmetic = entry.partition(":")
        arithmetic = arithmetic or precision
        if name not in BACKENDS or arithmetic not in get_args(Precision):
            raise ConfigError(
                f"--compare {entry!r}: expected a backend ({', '.join(BACKENDS)}), and after a colon its "
                f"precision ({', '.join(get_args(Precision))}) if need be"
            )
        wanted.append((name, cast("Precision", arithmetic)))
    if len(wanted) > _MOST_COLUMNS:
        raise ConfigError(f"--compare {compare}: at most {_MOST_COLUMNS} side by side")
    return wanted


def _demo_clip(path: Path, frames: int) -> Path:
    import itertools

    import numpy as np

    from rtseg.frame import Segmentation
    from rtseg.video.demo.source import DemoSource
    from rtseg.video.video_sink import VideoSink

    nothing = np.zeros((1, 1, 1), np.float32)
    with DemoSource(paced=False, seed=1) as source:
        sink = VideoSink(path, rate=source.rate)
        for frame in itertools.islice(source.frames(), frames):
            sink.write(Segmentation(frame, (nothing,), 0, 0), frame)
        sink.close()
    return path


def _decode(uri: str, frames: int) -> dict[str, Any]:
    """The source alone, frame by frame."""
    import itertools
    import time

    from rtseg.errors import ConfigError
    from rtseg.video.source import open_source

    with open_source(uri) as source:
        if source.live:
            raise ConfigError(
                f"{source.name}: is live, and gives frames no faster than they come; name a file"
            )
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        size, count = (0, 0), 0
        for frame in itertools.islice(source.frames(), frames):
            size = frame.size
            count += 1
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return {
        "size": list(size),
        "frames": count,
        "fps": round(count / wall_s, 2),
        "cpu_ms_per_frame": round(1e3 * cpu_s / count, 2),
    }


def _measure(segmenter: Segmenter, uri: str, frames: int) -> dict[str, Any]:
    import time

    import numpy as np

    from rtseg.runtime.pipeline import Pipeline
    from rtseg.runtime.stats import percentiles_ms
    from rtseg.video.source import open_source

    with open_source(uri) as source:
        size = next(source.frames()).size
    width, height = segmenter.input_size(size)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    spent_ns = []
    for turn in range(_WARM_UP + frames):
        started_ns = time.perf_counter_ns()
        segmenter.infer(image)
        if turn >= _WARM_UP:
            spent_ns.append(time.perf_counter_ns() - started_ns)
    with open_source(uri) as source:
        pipeline = Pipeline(source, segmenter, policy="every-frame", max_frames=frames)
        pipeline.start()
        pipeline.join()
    summary = pipeline.stats.summary(segmenter.card.classes, pipeline.drops())
    return {
        "backend": segmenter.backend.name,
        "precision": segmenter.backend.precision,
        "input": [width, height],
        "network_ms": percentiles_ms(spent_ns),
        **{key: summary[key] for key in ("fps", "stages_ms", "cpu", "memory_mib")},
    }


def _print(report: dict[str, Any]) -> None:
    """A column a backend: it fits into 80 characters."""
    from rich.console import Console
    from rich.table import Table

    decoding, results = report["decoding"], report["results"]
    width, height = decoding["size"]
    console = Console(highlight=False, markup=False)
    console.print(f"source: {report['source']}", soft_wrap=True)
    console.print(
        f"{report['model']}, {decoding['frames']} frames of {width}x{height}, "
        f"{report['processors']} processors"
    )
    console.print(
        f"decoding alone: {decoding['fps']:.1f} frames a second, "
        f"{decoding['cpu_ms_per_frame']:.1f} ms of CPU time a frame"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for result in results:
        table.add_column(f"{result['backend']} {result['precision']}", justify="right")

    def row(label: str, *values: str) -> None:
        table.add_row(label, *values)

    row("network input", *("x".join(map(str, result["input"])) for result in results))
    row("frames a second", *(f"{result['fps']:.1f}" for result in results))
    row("of decoding alone", *(f"{result['of_decoding']:.0%}" for result in results))
    row("CPU ms a frame", *(f"{result['cpu']['ms_per_frame']:.1f}" for result in results))
    row("processors kept busy", *(f"{result['cpu']['efficiency']:.0%}" for result in results))
    row("ms p50 (p95):")
    row("  network alone", *(_ms(result["network_ms"]) for result in results))
    for stage in results[0]["stages_ms"]:
        row(f"  {stage}", *(_ms(result["stages_ms"][stage]) for result in results))
    console.print(table)


def _ms(times: dict[str, float]) -> str:
    return f"{times['p50']:.1f} ({times['p95']:.1f})"
