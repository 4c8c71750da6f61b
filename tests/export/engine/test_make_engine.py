"""From a model to an engine in the cache, with a stand-in for TensorRT: which calls, in which order."""

from __future__ import annotations

import _thread
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from standins.tensorrt_standin import MAGIC, Script

from rtseg.backends.tensorrt.cache import PLAN_FILE, SIDECAR_FILE
from rtseg.backends.tensorrt.key import Options
from rtseg.card import INT8_FILE, ONNX_FILE
from rtseg.errors import BackendUnavailable, ConfigError, ModelError
from rtseg.export.engine.make import Engine, Wishes, make_engine
from rtseg.export.parity import Gate, Parity

LOOSE = Gate(count=1, agreement=0.0)


def make(
    model: Path,
    precision: Any = "fp32",
    gate: Gate = LOOSE,
    told: list[str] | None = None,
    **more: Any,
) -> Engine:
    wishes = Wishes(
        gate, **{name: more.pop(name) for name in ("timing_cache", "rebuild", "prove_again") if name in more}
    )
    tell = (told if told is not None else []).append
    return make_engine(str(model), Options(precision, **more), wishes, tell=tell)


def files(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_it_is_built_once_and_found_from_then_on(trt: Script, weightless_model: Path, cache: Path) -> None:
    first = make(weightless_model)
    second = make(weightless_model)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert first.path == second.path
    assert first.path.read_bytes().startswith(MAGIC)
    assert trt.card.calls.count("build") == 1
    assert files(cache) == {PLAN_FILE, SIDECAR_FILE}
    assert cache.stat().st_mode & 0o777 == 0o700


def test_what_uses_is_freed_before_what_is_used(trt: Script, weightless_model: Path) -> None:
    make(weightless_model)
    order = [call for call in trt.card.calls if not call.startswith("OnnxParser")]
    assert order == [
        *("init", "context.push", "Builder", "parse", "build", "del Builder", "context.pop"),
        *("context.push", "Runtime", "ICudaEngine", "IExecutionContext", "stream", "mem_alloc", "mem_alloc"),
        *("htod", "execute", "dtoh", "stream.synchronize"),
        *("stream.synchronize", "del IExecutionContext", "del ICudaEngine", "del Runtime"),
        *("free", "free", "del stream", "context.pop"),
    ]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_precision_is_in_the_network_and_flags_are_set_where_a_version_asks_for_them(
    trt: Script, weightless_model: Path, precision: str
) -> None:
    import onnx

    engine = make(weightless_model, precision)
    graph = onnx.load_from_string(engine.path.read_bytes().split(b"\n", 2)[2]).graph
    operators = {node.op_type for node in graph.node}
    weights = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) == 4}
    expected = {
        "fp32": onnx.TensorProto.FLOAT,
        "fp16": onnx.TensorProto.FLOAT16,
        "int8": onnx.TensorProto.INT8,
    }
    assert expected[precision] in weights
    assert ("QuantizeLinear" in operators) == (precision == "int8")
    version = engine.key.tensorrt.split(".")[0]
    weak = {"fp32": set(), "fp16": {"FP16"}, "int8": {"INT8"}}[precision] if version == "8" else set()
    assert trt.flags - {"TF32"} == weak
    assert ("TF32" in trt.flags) == (precision != "fp32")
    assert engine.key.typing == ("weak" if version == "8" else "strong")
    assert (
        trt.network_flags
        == {
            "8": {"EXPLICIT_BATCH"},
            "10": {"EXPLICIT_BATCH", "STRONGLY_TYPED"},
            "11": {"STRONGLY_TYPED"},
        }[version]
    )


def test_options_reach_the_builder(trt10: Script, weightless_model: Path) -> None:
    trt10.card.integrated = True
    engine = make(weightless_model, "fp16", size=(96, 64), workspace_mb=512)
    assert engine.key.shape == (1, 64, 96, 3)
    assert trt10.pools == {"WORKSPACE": 512 << 20, "TACTIC_DRAM": 512 << 20}
    assert trt10.config["builder_optimization_level"] == 3


def test_memory_for_tactics_is_limited_only_where_it_is_the_cpus_too(
    trt10: Script, weightless_model: Path
) -> None:
    make(weightless_model)
    assert set(trt10.pools) == {"WORKSPACE"}


def test_the_accelerator_takes_weakly_typed_half_precision(trt10: Script, weightless_model: Path) -> None:
    trt10.dla_cores = 2
    engine = make(weightless_model, "fp16", dla_core=1)
    assert (engine.key.dla_core, engine.key.typing) == (1, "weak")
    assert (trt10.config["DLA_core"], trt10.config["default_device_type"].name) == (1, "DLA")
    assert trt10.flags >= {"FP16", "GPU_FALLBACK"}
    assert trt10.network_flags == {"EXPLICIT_BATCH"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16", "dla_core": 0}, "has no such accelerator; leave --dla out"),
        ({"precision": "int8", "dla_core": 0}, "use --precision fp16"),
        ({"size": (100, 60)}, "size 100x60: tiny takes multiples of 32; try 96x64"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    trt10: Script, weightless_model: Path, options: dict[str, Any], message: str, cache: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(weightless_model, **options)
    assert not files(cache)


def test_progress_rises_to_the_end(trt10: Script, weightless_model: Path) -> None:
    shares: list[float | None] = []
    make_engine(
        str(weightless_model), Options("fp32"), Wishes(LOOSE), report=lambda what, share: shares.append(share)
    )
    assert None not in shares
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert len(set(shares)) > 10


def test_without_a_monitor_progress_is_not_guessed(trt8: Script, weightless_model: Path) -> None:
    shares: list[float | None] = []
    make_engine(
        str(weightless_model), Options("fp32"), Wishes(LOOSE), report=lambda what, share: shares.append(share)
    )
    assert set(shares) == {None}
    assert "progress_monitor" not in trt8.config


@pytest.mark.usefixtures("hears_ctrl_c")
def test_ctrl_c_stops_a_build_and_leaves_nothing(trt: Script, weightless_model: Path, cache: Path) -> None:
    def step(number: int) -> None:
        if number == 2:
            _thread.interrupt_main()
        time.sleep(0.05)  # for the main thread to hear it before the last step

    trt.on_step = step
    with pytest.raises(KeyboardInterrupt):
        make(weightless_model)
    has_monitor = "progress_monitor" in trt.config
    assert ("build cancelled" in trt.card.calls) == has_monitor
    assert "del Builder" in trt.card.calls
    assert not files(cache)
    trt.on_step = lambda number: None
    assert not make(weightless_model).from_cache


def test_a_display_that_fails_ends_the_build_too(trt10: Script, weightless_model: Path, cache: Path) -> None:
    def fail(what: str, share: float | None) -> None:
        raise BrokenPipeError

    trt10.on_step = lambda number: time.sleep(0.02)
    with pytest.raises(BrokenPipeError):
        make_engine(
            str(weightless_model), Options("fp32"), Wishes(LOOSE), report=fail, tell=lambda text: None
        )
    assert "build cancelled" in trt10.card.calls
    assert not files(cache)


def test_an_operator_that_it_does_not_know_is_named(trt: Script, weightless_model: Path, cache: Path) -> None:
    import onnx

    nodes = onnx.load(str(weightless_model / ONNX_FILE)).graph.node
    number = next(number for number, node in enumerate(nodes) if node.op_type == "Resize")
    trt.parse_errors = [("No importer registered for op", number, nodes[number].name, "Resize")]
    with pytest.raises(ModelError) as raised:
        make(weightless_model)
    message = str(raised.value)
    assert (
        f"cannot take node {nodes[number].name!r}, operator Resize (No importer registered for op)" in message
    )
    assert "or use a CPU backend (--backend onnxruntime)" in message
    assert not files(cache)


@pytest.mark.parametrize(
    ("log", "error", "message"),
    [
        (
            [
                ("WARNING", "Requested amount of GPU memory (17179869184 bytes) could not be allocated."),
                (
                    "ERROR",
                    "10: [optimizer.cpp::computeCosts::1] Could not find any implementation for node a",
                ),
            ],
            BackendUnavailable,
            r"wanted 16384 MB more, and 1000 of 8192 MB are free of Stand-in GPU; close other programs, give "
            r"less than --workspace 1024",
        ),
        (
            [
                (
                    "ERROR",
                    "2: [virtualMemoryBuffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory",
                )
            ],
            BackendUnavailable,
            r"wanted more \(it does not say how much\)",
        ),
        (
            [
                (
                    "ERROR",
                    "10: [optimizer.cpp::computeCosts::1] no implementation due to insufficient workspace.",
                )
            ],
            ModelError,
            r"cannot build it \(no implementation due to insufficient workspace\.\); give more than --work",
        ),
        ([], ModelError, r"cannot build it \(it does not say why\); use a CPU backend"),
    ],
)
def test_a_build_that_fails_says_why(
    trt10: Script, weightless_model: Path, log: Any, error: Any, message: str, cache: Path
) -> None:
    trt10.build_fails, trt10.build_log = True, log
    with pytest.raises(error, match=message):
        make(weightless_model)
    assert not files(cache)


def test_an_engine_that_is_refused_as_soon_as_it_is_built_is_not_kept(
    trt10: Script, weightless_model: Path, cache: Path
) -> None:
    trt10.refuses_plans = True
    with pytest.raises(ModelError, match=r"refuses this engine \(Serialization .*\), or use a CPU backend"):
        make(weightless_model)
    assert not files(cache)


def test_an_engine_that_says_something_else_is_not_kept(
    trt10: Script, weightless_model: Path, cache: Path
) -> None:
    trt10.alters_logits = lambda logits: logits[:, ::-1]
    seen: list[Parity] = []
    with pytest.raises(ModelError, match=r"tiny as fp16 engine differs too much from model\.onnx on"):
        make(weightless_model, "fp16", Gate(count=2, tell=seen.append))
    assert seen[0].failures
    assert not files(cache)


def test_one_in_the_cache_can_be_compared_again(trt10: Script, weightless_model: Path, cache: Path) -> None:
    make(weightless_model)
    seen: list[Parity] = []
    make(weightless_model, gate=Gate(count=2, tell=seen.append), prove_again=True)
    assert seen[0].agreement == 1
    assert trt10.card.calls.count("build") == 1
    trt10.alters_logits = lambda logits: -logits
    with pytest.raises(ModelError, match="differs too much"):
        make(weightless_model, gate=Gate(count=2), prove_again=True)
    assert not files(cache)


def test_where_the_weights_are_it_is_compared_with_keras(trt10: Script, tiny_model: Path) -> None:
    seen: list[Parity] = []
    make(tiny_model, "fp32", Gate(count=1, tell=seen.append))
    assert (seen[0].exported, seen[0].reference) == ("fp32 engine", "Keras")
    assert seen[0].agreement > 0.999


def test_a_mismatch_is_explained_and_built_anew(
    trt10: Script, weightless_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(weightless_model)
    trt10.card.name = "Orin"
    monkeypatch.setattr(sys.modules["tensorrt"], "__version__", "10.13.3.9")
    told: list[str] = []
    assert not make(weightless_model, told=told).from_cache
    assert "TensorRT: built for 10.3.0, found 10.13.3.9; GPU: built for Stand-in GPU, found Orin" in told[0]
    assert told[1].startswith("Building the fp32 engine of tiny at 64x64 for Orin")
    told.clear()
    assert make(weightless_model, told=told).from_cache
    assert not told


@pytest.mark.parametrize("harm", ["truncated", "altered", "sidecar of another", "no sidecar", "refused"])
def test_what_is_not_whole_is_refused_in_words_and_built_anew(
    trt10: Script, weightless_model: Path, harm: str
) -> None:
    path = make(weightless_model).path
    sidecar = path.with_name(SIDECAR_FILE)
    if harm == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "altered":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif harm == "sidecar of another":
        lies = json.loads(sidecar.read_text())
        lies["key"]["gpu"] = "Another"
        sidecar.write_text(json.dumps(lies))
    elif harm == "no sidecar":
        sidecar.unlink()
    else:
        original = trt10.refuses_plans
        assert not original
        _refuse_first(trt10)
    told: list[str] = []
    engine = make(weightless_model, told=told)
    assert not engine.from_cache
    words = {
        "truncated": "is cut off or altered",
        "altered": "was altered since it was built (its SHA-256 differs)",
        "sidecar of another": "is not what its folder is for (GPU: built for Another, found Stand-in GPU)",
        "no sidecar": "cannot be read",
        "refused": "refuses this engine (Serialization assertion failed)",
    }[harm]
    assert words in told[0]
    assert told[0].endswith("building it anew")
    assert make(weightless_model).from_cache


def _refuse_first(script: Script) -> None:
    """The plan of the cache is refused; the one that is built next is not."""
    script.refuses_plans = True

    def accept(step: int) -> None:
        script.refuses_plans = False

    script.on_step = accept


def test_timings_are_kept_for_the_next_build(trt10: Script, weightless_model: Path, tmp_path: Path) -> None:
    timings = tmp_path / "timings"
    make(weightless_model, timing_cache=timings)
    assert timings.read_bytes() == b"timing "
    make(weightless_model, timing_cache=timings, rebuild=True)
    assert timings.read_bytes() == b"timing timing "
    trt10.refuses_timings = True
    told: list[str] = []
    make(weightless_model, timing_cache=timings, rebuild=True, told=told)
    assert "The timing cache is of another TensorRT or GPU: it is begun anew" in told
    assert timings.read_bytes() == b"timing "


def test_a_gpu_without_room_for_it_says_how_much_was_wanted(
    trt: Script, weightless_model: Path, cache: Path
) -> None:
    trt.no_context = True
    with pytest.raises(
        BackendUnavailable, match=r"the GPU has no 78 MB for the engine's own memory \(1000 of 8192"
    ):
        make(weightless_model)
    trt.no_context, trt.card.no_memory_after = False, 1
    with pytest.raises(BackendUnavailable, match="the GPU has no 1 MB for its input and output"):
        make(weightless_model)
    assert not files(cache)


def test_a_gpu_without_room_for_one_of_the_cache_does_not_cost_it(
    trt10: Script, weightless_model: Path
) -> None:
    path = make(weightless_model).path
    trt10.no_room = True
    with pytest.raises(BackendUnavailable, match="the GPU has no 71 MB for the engine"):
        make(weightless_model)
    trt10.no_room = False
    assert path.exists()
    assert make(weightless_model).from_cache


def test_a_gpu_that_disappears_is_one_line_and_all_is_let_go(trt10: Script, weightless_model: Path) -> None:
    def gone() -> None:
        raise sys.modules["pycuda.driver"].LogicError("cuMemcpyHtoDAsync failed: unspecified launch failure")

    trt10.card.on_copy = gone
    with pytest.raises(BackendUnavailable, match=r"the GPU failed or is gone .*use a CPU"):
        make(weightless_model)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("cuInit failed: no CUDA-capable device is detected", "there is no NVIDIA GPU here"),
        (
            "cuInit failed: CUDA driver version is insufficient",
            "the NVIDIA driver is too old .*knows CUDA 12.2",
        ),
        ("cuInit failed: unknown error", "the NVIDIA driver does not start"),
    ],
)
def test_a_driver_that_does_not_answer_is_asked_before_tensorrt(
    trt10: Script, weightless_model: Path, error: str, message: str
) -> None:
    trt10.card.init_error = error
    with pytest.raises(BackendUnavailable, match=message):
        make(weightless_model)
    assert not trt10.card.calls


def test_a_driver_too_old_for_tensorrt_is_told_from_its_log(trt10: Script, weightless_model: Path) -> None:
    trt10.no_builder = True
    with pytest.raises(
        BackendUnavailable, match=r"TensorRT 10.3.0 cannot start with this driver \(CUDA initiali"
    ):
        make(weightless_model)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("tensorrt", r"needs the package 'tensorrt'.*--system-site-packages.*rtseg\[tensorrt\]"),
        ("pycuda.driver", r"the package 'pycuda'.*rtseg\[tensorrt\]"),
        ("onnx", r"fp16 needs the package 'onnx'.*rtseg\[tensorrt\]"),
    ],
)
def test_a_missing_package_is_named_with_the_extra(
    trt10: Script, weightless_model: Path, missing: str, message: str
) -> None:
    # The fixture would be undone after the stand-in has gone, and bring it back.
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BackendUnavailable, match=message):
        patch.setitem(sys.modules, missing, None)
        make(weightless_model, "fp16")


def test_a_lone_file_is_compared_with_itself(trt10: Script, weightless_model: Path, tmp_path: Path) -> None:
    lone = shutil.copy(weightless_model / INT8_FILE, tmp_path / "lone.onnx")
    seen: list[Parity] = []
    make(Path(lone), "int8", Gate(count=1, tell=seen.append))
    assert (seen[0].reference, seen[0].agreement) == ("lone.onnx", 1.0)
    with pytest.raises(ModelError, match="is int8, but float32 was asked for"):
        make(Path(lone), "fp16")


def test_a_logit_that_is_no_number_is_not_kept(trt10: Script, weightless_model: Path, cache: Path) -> None:
    trt10.alters_logits = lambda logits: np.where(logits > logits.mean(), np.nan, logits)
    with pytest.raises(ModelError, match="its logits are no finite numbers on demo 0"):
        make(weightless_model)
    assert not files(cache)
