"""A stand-in for tensorrt on a machine without it: a test aid, which builds nothing.

Its names are read from the stubs of one version: what that version does not have is not there, and a method
that no test needed yet raises NotImplementedError. A "plan" of it holds the ONNX file, which ONNX Runtime
runs. It writes down the order of calls into the stand-in GPU's list.
"""

from __future__ import annotations

import ast
import json
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
from standins.cuda_standin import Card

MAGIC = b"STANDIN PLAN\n"


@dataclass
class Script:
    """What this TensorRT does beside what a good one does."""

    card: Card
    dla_cores: int = 0
    parse_errors: list[tuple[str, int, str, str]] = field(default_factory=list)
    """Description, number of the node, its name, its operator."""
    build_log: list[tuple[str, str]] = field(default_factory=list)
    """Severity and text of what the builder says."""
    build_fails: bool = False
    refuses_plans: bool = False
    no_room: bool = False
    """For the engine, when it is opened."""
    no_context: bool = False
    no_builder: bool = False
    refuses_timings: bool = False
    stops: bool = False
    """Takes no more inferences."""
    alters_logits: Callable[[np.ndarray], np.ndarray] = lambda logits: logits
    on_step: Callable[[int], None] = lambda step: None
    """Called before each of ten steps of a build, in the thread that builds."""
    flags: set[str] = field(default_factory=set)
    """Names of the builder flags that were set when a build began."""
    network_flags: set[str] = field(default_factory=set)
    pools: dict[str, int] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    """Attributes that were set on the builder's configuration."""


def make_tensorrt(stubs: Path, version: str, script: Script) -> types.ModuleType:
    """The module tensorrt, of stubs/tensorrt/__init__.pyi and that version."""
    module = types.ModuleType("tensorrt")
    module.__spec__ = ModuleSpec("tensorrt", None)
    tree = ast.parse((stubs / "tensorrt" / "__init__.pyi").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name, node in classes.items():
        bases = tuple(
            module.__dict__[base.id]
            for base in node.bases
            if isinstance(base, ast.Name) and base.id in module.__dict__
        )
        module.__dict__[name] = _make_class(node, bases)
    module.__version__ = version  # type: ignore[attr-defined]
    _behave(module, script)
    return module


def _make_class(node: ast.ClassDef, bases: tuple[type, ...]) -> type:
    names = _names(node)
    if "__members__" in names:
        return _make_enum(node)

    def refuse_unknown(self: object, name: str, value: object) -> None:
        known = name.startswith("_") or any(
            name in getattr(base, "_names", ()) for base in type(self).__mro__
        )
        if not known:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} in this version")
        object.__setattr__(self, name, value)

    methods: dict[str, Any] = {"_names": names, "__setattr__": refuse_unknown}
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            methods[inner.name] = _make_class(inner, ())
        elif isinstance(inner, ast.FunctionDef) and not inner.name.startswith("__"):
            is_property = any(
                isinstance(each, ast.Name) and each.id == "property" for each in inner.decorator_list
            )
            if not is_property:
                methods[inner.name] = _not_needed_yet(f"{node.name}.{inner.name}")
    return type(node.name, bases or (object,), methods)


def _make_enum(node: ast.ClassDef) -> type:
    class Member:
        def __init__(self, name: str, value: int) -> None:
            self.name, self.value = name, value

        def __int__(self) -> int:
            return self.value

        __index__ = __int__

        def __str__(self) -> str:
            return f"{node.name}.{self.name}"

    found = [
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id.isupper()
    ]
    # In the order of the stubs, which is not that of any version: numbers mean nothing, names do.
    members = {name: Member(name, number) for number, name in enumerate(found)}
    return type(node.name, (), {"__members__": members, **members})


def _names(node: ast.ClassDef) -> set[str]:
    names = set()
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            names.add(each.target.id)
        elif isinstance(each, (ast.FunctionDef, ast.ClassDef)):
            names.add(each.name)
    return names


def _not_needed_yet(name: str) -> Callable[..., Any]:
    def method(self: object, *args: object, **kwargs: object) -> Any:
        raise NotImplementedError(f"the stand-in's {name} does nothing yet")

    return method


def _behave(trt: types.ModuleType, script: Script) -> None:
    """Give the classes what the tests need; each name must be in the stubs."""
    note = script.card.note
    severities = trt.ILogger.Severity.__members__

    def teach(class_name: str, **behaviour: Any) -> None:
        taught = trt.__dict__[class_name]
        for name, what in behaviour.items():
            if not name.startswith("_"):
                assert name in taught._names, f"{class_name}.{name} is not in this version"
            setattr(taught, name, what)

    def make(class_name: str, **values: Any) -> Any:
        made = trt.__dict__[class_name].__new__(trt.__dict__[class_name])
        made.__dict__.update(values)
        return made

    def said_goodbye(class_name: str) -> Callable[[object], None]:
        def goodbye(self: object) -> None:
            if not self.__dict__:
                return  # it never was
            note(f"del {class_name}")
            script.card.check_current()

        return goodbye

    def say(logger: Any, severity: str, text: str) -> None:
        logger.log(severities[severity], text)

    # ILogger, IProgressMonitor: subclassed, and their own __init__ must have been called.
    def born(self: Any, *args: object) -> None:
        self._born = True

    teach("ILogger", __init__=born)
    if "IProgressMonitor" in trt.__dict__:
        teach("IProgressMonitor", __init__=born)

    # Builder
    def builder(self: Any, logger: Any) -> None:
        assert logger._born
        if script.no_builder:
            say(logger, "ERROR", "6: [runtime.cpp::init::1] CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        script.card.check_current()
        self.__dict__["_logger"] = logger
        self.__dict__["num_DLA_cores"] = script.dla_cores
        note("Builder")

    def create_network(self: Any, flags: int = 0) -> Any:
        members = trt.NetworkDefinitionCreationFlag.__members__
        script.network_flags = {name for name, member in members.items() if flags >> int(member) & 1}
        assert flags < 1 << len(members), "a flag that this version does not know"
        if "EXPLICIT_PRECISION" in members:  # 8.6
            assert "EXPLICIT_BATCH" in script.network_flags, "8.6 parses no ONNX into implicit batches"
        return make("INetworkDefinition")

    def create_builder_config(self: Any) -> Any:
        return make("IBuilderConfig", _flags={"TF32"}, _timings=None, _profiles=[])

    def build_serialized_network(self: Any, network: Any, config: Any) -> Any:
        script.card.check_current()
        script.flags = set(config._flags)
        script.config = {key: value for key, value in config.__dict__.items() if not key.startswith("_")}
        note("build")
        for severity, text in script.build_log:
            say(self._logger, severity, text)
        monitor = script.config.get("progress_monitor")
        if monitor is not None:
            assert monitor._born
            monitor.phase_start("Building Engine", None, 10)
        for step in range(10):
            script.on_step(step)
            if monitor is not None:
                monitor.phase_start(f"Layer {step}", "Building Engine", 2)
                monitor.step_complete(f"Layer {step}", 0)
                monitor.phase_finish(f"Layer {step}")
                if not monitor.step_complete("Building Engine", step):
                    note("build cancelled")
                    return None
        if monitor is not None:
            monitor.phase_finish("Building Engine")
        if script.build_fails:
            return None
        if config._timings is not None:
            config._timings.__dict__["_data"] += b"timing "
        (shape,) = config._profiles
        head = json.dumps({"version": trt.__version__, "shape": shape}).encode()
        return MAGIC + head + b"\n" + network._onnx

    teach(
        "Builder",
        __init__=builder,
        __del__=said_goodbye("Builder"),
        create_network=create_network,
        create_builder_config=create_builder_config,
        create_optimization_profile=lambda self: make("IOptimizationProfile", _shapes={}),
        build_serialized_network=build_serialized_network,
    )

    # Network and parser
    def parser(self: Any, network: Any, logger: Any) -> None:
        self.__dict__.update(_network=network, num_errors=len(script.parse_errors))

    def parse_from_file(self: Any, model: str) -> bool:
        import onnx

        data = Path(model).read_bytes()
        graph = onnx.load_from_string(data).graph
        if script.parse_errors:
            return False

        def tensor(value: Any) -> Any:
            sides = [side.dim_value or -1 for side in value.type.tensor_type.shape.dim]
            return make("ITensor", name=value.name, shape=tuple(sides))

        tensors = {"inputs": [*map(tensor, graph.input)], "outputs": [*map(tensor, graph.output)]}
        self._network.__dict__.update(
            _onnx=data, _tensors=tensors, num_inputs=len(graph.input), num_outputs=len(graph.output)
        )
        note("parse")
        return True

    def get_error(self: Any, index: int) -> Any:
        return make("ParserError", _told=script.parse_errors[index])

    teach(
        "OnnxParser",
        __init__=parser,
        set_flag=lambda self, flag: note(f"OnnxParser.set_flag {flag}"),
        parse_from_file=parse_from_file,
        get_error=get_error,
    )
    teach("ParserError", desc=lambda self: self._told[0], node=lambda self: self._told[1])
    if "node_name" in trt.ParserError._names:
        teach("ParserError", node_name=lambda self: self._told[2], node_operator=lambda self: self._told[3])
    teach(
        "INetworkDefinition",
        get_input=lambda self, index: self._tensors["inputs"][index],
        get_output=lambda self, index: self._tensors["outputs"][index],
    )

    # Configuration
    def set_shape(self: Any, input: str, min: Any, opt: Any, max: Any) -> None:
        assert min == opt == max
        self._shapes[input] = list(opt)

    def add_optimization_profile(self: Any, profile: Any) -> int:
        self._profiles.append(profile._shapes["image"])
        return len(self._profiles) - 1

    def create_timing_cache(self: Any, serialized_timing_cache: bytes) -> Any:
        return make("ITimingCache", _data=bytes(serialized_timing_cache))

    def set_timing_cache(self: Any, cache: Any, ignore_mismatch: bool) -> bool:
        assert ignore_mismatch is False
        if script.refuses_timings and cache._data:
            return False
        self.__dict__["_timings"] = cache
        return True

    teach("IOptimizationProfile", set_shape=set_shape)
    teach("ITimingCache", serialize=lambda self: self._data)
    teach(
        "IBuilderConfig",
        set_flag=lambda self, flag: self._flags.add(flag.name),
        clear_flag=lambda self, flag: self._flags.discard(flag.name),
        set_memory_pool_limit=lambda self, pool, pool_size: script.pools.update({pool.name: pool_size}),
        add_optimization_profile=add_optimization_profile,
        create_timing_cache=create_timing_cache,
        set_timing_cache=set_timing_cache,
        get_timing_cache=lambda self: self._timings,
    )

    # Run time
    def runtime(self: Any, logger: Any) -> None:
        script.card.check_current()
        self.__dict__["_logger"] = logger
        note("Runtime")

    def deserialize_cuda_engine(self: Any, serialized_engine: bytes) -> Any:
        if script.no_room:
            say(
                self._logger,
                "ERROR",
                "2: [defaultAllocator.cpp::allocate::31] Error Code 2: OutOfMemory "
                "(Requested size was 73400320 bytes.)",
            )
            return None
        if script.refuses_plans or not serialized_engine.startswith(MAGIC):
            say(self._logger, "ERROR", "1: [stdArchiveReader.cpp::check::40] Serialization assertion failed")
            return None
        head, onnx_bytes = serialized_engine[len(MAGIC) :].split(b"\n", 1)
        note("ICudaEngine")
        engine = make("ICudaEngine", _logger=self._logger, _head=json.loads(head), num_io_tensors=2)
        engine.__dict__["_session"] = _open_onnx(onnx_bytes)
        size = "device_memory_size_v2"
        engine.__dict__[size if size in trt.ICudaEngine._names else "device_memory_size"] = 77 << 20
        return engine

    def create_execution_context(self: Any) -> Any:
        if script.no_context:
            return None
        note("IExecutionContext")
        return make(
            "IExecutionContext",
            _session=self._session,
            _logger=self._logger,
            _addresses={},
            _shape=None,
            _warm=False,
        )

    types_of = {"image": trt.DataType.UINT8, "logits": trt.DataType.FLOAT}

    def tensor_shape(self: Any, name: str) -> tuple[int, ...]:
        found = {
            node.name: node.shape for node in (*self._session.get_inputs(), *self._session.get_outputs())
        }
        return tuple(side if isinstance(side, int) else -1 for side in found[name])

    teach(
        "Runtime",
        __init__=runtime,
        __del__=said_goodbye("Runtime"),
        deserialize_cuda_engine=deserialize_cuda_engine,
    )
    teach(
        "ICudaEngine",
        __del__=said_goodbye("ICudaEngine"),
        get_tensor_name=lambda self, index: ("image", "logits")[index],
        get_tensor_mode=lambda self, name: (
            trt.TensorIOMode.INPUT if name == "image" else trt.TensorIOMode.OUTPUT
        ),
        get_tensor_dtype=lambda self, name: types_of[name],
        get_tensor_shape=tensor_shape,
        get_tensor_profile_shape=lambda self, name, profile_index: [self._head["shape"]] * 3,
        create_execution_context=create_execution_context,
    )

    def set_input_shape(self: Any, name: str, shape: tuple[int, ...]) -> bool:
        self.__dict__["_shape"] = tuple(shape)
        zeros = np.zeros(shape, np.uint8)
        self.__dict__["_output_shape"] = self._session.run(["logits"], {"image": zeros})[0].shape
        return True

    def execute_async_v3(self: Any, stream_handle: int) -> bool:
        assert stream_handle, "the default stream"
        if script.stops:
            say(self._logger, "ERROR", "1: [genericReformat.cu::call::1] Cuda Runtime (an illegal access)")
            return False
        # TensorRT makes ready what a recording cannot hold when it is first run.
        assert self._warm or script.card.recording is None, "recorded before it was ever run"
        self.__dict__["_warm"] = True
        memories = script.card.memories

        def execute() -> None:
            batch = memories[self._addresses["image"]].reshape(self._shape)
            (logits,) = self._session.run(["logits"], {"image": batch})
            altered = np.ascontiguousarray(script.alters_logits(logits), np.float32)
            memories[self._addresses["logits"]][:] = altered.reshape(-1).view(np.uint8)

        script.card.put("execute", execute)
        return True

    teach(
        "IExecutionContext",
        __del__=said_goodbye("IExecutionContext"),
        set_input_shape=set_input_shape,
        infer_shapes=lambda self: [],
        get_tensor_shape=lambda self, name: self._shape if name == "image" else self._output_shape,
        set_tensor_address=lambda self, name, memory: self._addresses.update({name: memory}) is None,
        execute_async_v3=execute_async_v3,
    )


def _open_onnx(data: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
