"""A model to an engine of this board: found in the cache, or built, compared with the model, and kept."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rtseg.backends import INSTALL_TENSORRT
from rtseg.backends.cache import CompiledCache
from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.cache import EngineCache
from rtseg.backends.tensorrt.key import EngineKey, Options, Place, make_key
from rtseg.card import INT8_FILE, ONNX_FILE, Model, find_model
from rtseg.errors import BackendUnavailable, ConfigError, ModelError, SinkError
from rtseg.export.engine.half import to_half
from rtseg.export.engine.request import BuildRequest, Built, check_options
from rtseg.export.parity import Gate, Predictor
from rtseg.export.reference import of_onnx, open_reference
from rtseg.frame import Size
from rtseg.video.outputs import write_file

_LOG = logging.getLogger(__name__)
_MOST_TIMING_BYTES = 1 << 28
_ADVICE = {
    "fp32": "",
    "fp16": "use --precision fp32",
    "int8": "calibrate its int8 network with more pictures, or use --precision fp16",
}


@dataclass(frozen=True)
class Wishes:
    """How an engine is made, beside what it is."""

    gate: Gate = field(default_factory=Gate)
    timing_cache: Path | None = None
    """A file of what builds measured, read if it is there and written anew."""
    rebuild: bool = False
    """Also where there is one."""
    prove_again: bool = False
    """Compare one of the cache too, which was compared when it was built."""
    gpu_index: int = 0


@dataclass(frozen=True)
class Engine:
    """A plan in the cache."""

    path: Path
    key: EngineKey
    from_cache: bool
    build_s: float
    agreement: float | None
    remarks: tuple[str, ...] = ()


Report = Callable[[str, "float | None"], None]
Tell = Callable[[str], None]


def make_engine(
    name: str,
    options: Options,
    wishes: Wishes,
    report: Report = lambda what, share: None,
    tell: Tell = _LOG.info,
    cache: EngineCache | None = None,
) -> Engine:
    """Find the engine of a model, by name or folder, for this board, or build it.

    report is called with how far a build is, tell with what the user should read, each one line.

    Raises ConfigError for options that make no sense here, ModelError for a network that cannot become an
    engine or whose engine says something else, BackendUnavailable where TensorRT, PyCUDA, the driver or the
    GPU is missing or lacks memory, SinkError where the engine cannot be kept, KeyboardInterrupt after Ctrl-C.
    In each case nothing is left.
    """
    check_options(options)
    model = find_model(name, "int8" if options.precision == "int8" else "float32")
    size = _check_size(options.size, model)
    _require_tensorrt()
    driver = cuda.open_driver()
    gpu = cuda.read_gpu(driver, wishes.gpu_index)
    from rtseg.backends.tensorrt import library

    typing = library.typing_of(options)
    place = Place(library.version(), gpu.name, gpu.compute_capability)
    key = make_key(CompiledCache.digest(model.onnx_path), options, size, place, typing)
    cache = cache or EngineCache()
    if not wishes.rebuild and (engine := _find(cache, model, key, driver, wishes, tell)) is not None:
        if wishes.prove_again:
            try:
                _hold_to_model(engine.path.read_bytes(), model, key, size, driver, wishes)
            except ModelError:
                cache.discard(key)
                raise
        return engine

    tell(
        f"Building the {options.precision} engine of {model.card.name} at {size[0]}x{size[1]} for {gpu.name} "
        f"with TensorRT {place.tensorrt}: this can take minutes, and is done once"
    )
    with tempfile.TemporaryDirectory() as folder:
        request = BuildRequest(
            onnx_path=_in_precision(model.onnx_path, options, Path(folder)),
            source=model.onnx_path,
            classes=len(model.card.classes),
            size=size,
            options=options,
            typing=typing,
            gpu=gpu,
            timing_cache=_read_timings(wishes.timing_cache),
        )
        from rtseg.export.engine.build import build_plan

        built = build_plan(request, driver, report)
    for remark in built.remarks:
        tell(remark)
    _write_timings(wishes.timing_cache, built, tell)
    agreement = _hold_to_model(built.plan, model, key, size, driver, wishes)
    path = cache.store(model.card.name, key, built.plan, build_s=built.build_s, agreement=agreement)
    return Engine(path, key, False, built.build_s, agreement, built.remarks)


def _find(
    cache: EngineCache, model: Model, key: EngineKey, driver: cuda.Driver, wishes: Wishes, tell: Tell
) -> Engine | None:
    """The engine in the cache, if TensorRT takes it; else say why there is none."""
    found = cache.find(model.card.name, key)
    if found.plan is None or found.path is None or found.sidecar is None:
        if found.why:
            tell(
                f"{model.card.name}: the engine that is there is not for here ({found.why}); building it anew"
            )
        return None
    from rtseg.backends.tensorrt.session import PlanSession

    classes = len(model.card.classes)
    try:
        with PlanSession(found.plan, driver, path=found.path, classes=classes, gpu_index=wishes.gpu_index):
            pass
    except ModelError as error:
        cache.discard(key)
        tell(f"{error}: building it anew")
        return None
    return Engine(found.path, key, True, found.sidecar.build_s, found.sidecar.agreement)


def _hold_to_model(
    plan: bytes, model: Model, key: EngineKey, size: Size, driver: cuda.Driver, wishes: Wishes
) -> float:
    """The share of pixels in which the plan agrees. Raises ModelError where that is too little."""
    from rtseg.backends.tensorrt.session import PlanSession

    card = model.card
    if model.onnx_path.name in {ONNX_FILE, INT8_FILE}:
        reference = open_reference(model.onnx_path.parent, size)
    else:  # a lone file, which has nothing beside it to be compared with
        reference = of_onnx(model.onnx_path, model.onnx_path.name)
    try:
        opened = PlanSession(
            plan, driver, path=model.onnx_path, classes=len(card.classes), gpu_index=wishes.gpu_index
        )
    except ModelError as error:
        raise ModelError(f"{error}, {cuda.INSTEAD}") from error
    with opened as session:
        parity = wishes.gate.check(
            Predictor(f"{key.precision} engine", session.infer),
            reference,
            model=card.name,
            classes=card.classes,
            size=size,
            kind=key.precision,
            advice=_ADVICE[key.precision],
        )
    return parity.agreement


def _check_size(size: Size | None, model: Model) -> Size:
    spec = model.card.input
    if size is None:
        return spec.width, spec.height
    width, height = (max(1, round(side / spec.multiple)) * spec.multiple for side in size)
    if size != (width, height):
        raise ConfigError(
            f"size {size[0]}x{size[1]}: {model.card.name} takes multiples of {spec.multiple}; try "
            f"{width}x{height}"
        )
    return size


def _require_tensorrt() -> None:
    try:
        import tensorrt  # noqa: F401
    except ImportError as error:
        raise BackendUnavailable(
            f"an engine needs the package 'tensorrt', which cannot be imported ({error}). On a Jetson it "
            "comes with JetPack: make the environment with `python3 -m venv --system-site-packages`; on a PC "
            f"install it with `{INSTALL_TENSORRT}`, {cuda.INSTEAD}"
        ) from error


def _in_precision(path: Path, options: Options, folder: Path) -> Path:
    """The ONNX file that TensorRT reads. An int8 one is so already."""
    if options.precision != "fp16":
        return path
    converted = folder / "model.fp16.onnx"
    converted.write_bytes(to_half(path))
    return converted


def _read_timings(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        if path.stat().st_size > _MOST_TIMING_BYTES:
            raise ConfigError(f"{path}: is no timing cache, it is too large; name another file")
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigError(f"{path}: the timing cache cannot be read ({error.strerror})") from error


def _write_timings(path: Path | None, built: Built, tell: Tell) -> None:
    """For the next build. That it cannot be kept is no reason to throw away an engine."""
    if path is not None and built.timing_cache is not None:
        try:
            write_file(path, built.timing_cache)
        except SinkError as error:
            tell(str(error))
