"""What a result depends on: the bytes of the input, the model, the settings."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtseg.errors import SinkError, SourceError
from rtseg.offline.codecs import Encoder
from rtseg.offline.job import ClipJob
from rtseg.segmenter import Segmenter

_BLOCK = 1 << 20


def file_sha256(path: Path) -> str:
    """In hexadecimal. Raises SourceError."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def key_of(job: ClipJob, segmenter: Segmenter, encoder: Encoder) -> dict[str, Any]:
    """{"input", "model", "settings"}, each a dict of plain values. Raises SourceError."""
    outputs = {"masks": job.masks, "jsonl": job.jsonl, "parquet": job.parquet, "summary": job.summary}
    return {
        "input": {"bytes": job.input.stat().st_size, "sha256": job.input_sha256 or file_sha256(job.input)},
        "model": {
            "name": segmenter.name,
            "sha256": file_sha256(segmenter.model.onnx_path),
            "backend": segmenter.backend.name,
            "precision": segmenter.backend.precision,
        },
        "settings": {
            "stream": job.stream or 0,
            "encoder": encoder.name,
            "encoder_options": dict(encoder.options),
            "encoder_threads": encoder.threads,
            "opacity": job.opacity,
            "classes": list(job.classes),
            "leave_out": sorted(job.leave_out),
            "span": None if job.span is None else asdict(job.span),
            "container": job.output.suffix.lower(),
            "outputs": sorted(name for name, path in outputs.items() if path is not None),
        },
    }


def check_same(output: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises SinkError naming what differs from the run that is to be gone on with."""
    differing = _differences(before, now)
    if differing:
        raise SinkError(
            f"{output}: the run that was interrupted was another one: {'; '.join(differing)}. Give what it "
            "was given, or leave out --resume and add -y to begin anew"
        )


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    if before == now:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [*before, *(key for key in now if key not in before)]
        found = []
        for key in keys:
            found += _differences(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
        return found
    if name.endswith("sha256"):
        return [f"{name.partition('.')[0]} has other contents"]
    return [f"{name} was {before!r}, is {now!r}"]
