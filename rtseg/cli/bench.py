"""rtseg bench: how fast a model is on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rtseg.segmenter import Segmenter

_WARM_UP = 5


def bench(
    model: common.Model = "street-m",
    precision: common.Precision = "auto",
    source: Annotated[
        str | None, typer.Option(help="A video to run through; the demo at 1280x720 unless given.")
    ] = None,
    frames: Annotated[int, typer.Option(min=10, help="Frames to measure.")] = 200,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    yes: common.Overwrite = False,
) -> None:
    """Measure the network alone and the whole pipeline, with each backend that is installed.

    If the model has an int8 network, that one is measured too, unless a precision is chosen. The pipeline is
    the one that `run` uses, without a display, every frame: source, inference, overlay.
    """
    import itertools
    import json

    from rich.console import Console
    from rich.table import Table

    from rtseg.backends import BACKENDS, Precision
    from rtseg.card import INT8_FILE, find_model
    from rtseg.errors import BackendUnavailable, ConfigError
    from rtseg.segmenter import load
    from rtseg.video.outputs import check_output, write_file

    if json_file is not None:
        check_output(json_file, overwrite=yes)
    precisions: list[Precision] = [precision]
    if precision == "auto" and INT8_FILE in find_model(model).card.files:
        precisions.append("int8")
    results: list[dict[str, Any]] = []
    console = Console(stderr=True, highlight=False)
    for backend, chosen in itertools.product(BACKENDS[1:], precisions):
        with console.status(f"measuring {backend}"):
            try:
                segmenter = load(model, backend=backend, precision=chosen)
            except (BackendUnavailable, ConfigError) as error:
                console.print(f"{backend}: left out, {error}", soft_wrap=True)
                continue
            with segmenter:
                results.append(_measure(segmenter, source, frames))
    if not results:
        raise ConfigError(f"no backend here runs {model} in {precision}; choose another precision")

    table = Table("backend", "precision", "network ms p50", "p95", "pipeline fps", *results[0]["stages_ms"])
    for result in results:
        stages = [f"{times['p50']:.1f}" for times in result["stages_ms"].values()]
        network = result["network_ms"]
        table.add_row(
            result["backend"],
            result["precision"],
            f"{network['p50']:.1f}",
            f"{network['p95']:.1f}",
            f"{result['fps']:.1f}",
            *stages,
        )
    Console().print(table)
    if json_file is not None:
        report = {"schema": 1, "model": model, "results": results}
        write_file(json_file, (json.dumps(report, indent=2) + "\n").encode())


def _measure(segmenter: Segmenter, source_uri: str | None, frames: int) -> dict[str, Any]:
    import time
    from collections import deque

    import numpy as np

    from rtseg.runtime.pipeline import Pipeline
    from rtseg.runtime.stats import percentiles_ms
    from rtseg.video.demo.source import DemoSource
    from rtseg.video.source import open_source

    spec = segmenter.card.input
    image = np.random.default_rng(0).integers(0, 256, (spec.height, spec.width, 3), np.uint8)
    spent_ns: deque[int] = deque()
    for turn in range(_WARM_UP + frames):
        started_ns = time.perf_counter_ns()
        segmenter.infer(image)
        if turn >= _WARM_UP:
            spent_ns.append(time.perf_counter_ns() - started_ns)
    with DemoSource(paced=False) if source_uri is None else open_source(source_uri) as source:
        pipeline = Pipeline(source, segmenter, policy="every-frame", max_frames=frames)
        pipeline.start()
        pipeline.join()
    summary = pipeline.stats.summary(segmenter.card.classes, pipeline.dropped())
    return {
        "backend": segmenter.backend.name,
        "precision": segmenter.backend.precision,
        "input": [spec.width, spec.height],
        "network_ms": percentiles_ms(spent_ns),
        "source": source.name,
        "fps": summary["fps"],
        "stages_ms": summary["stages_ms"],
    }
