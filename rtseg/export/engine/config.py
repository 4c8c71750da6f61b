"""How TensorRT is to build: memory, precision, the one input size, the accelerator, earlier timings."""

from __future__ import annotations

from typing import NamedTuple

import tensorrt as trt

from rtseg.backends.tensorrt.cuda import MB
from rtseg.errors import ConfigError
from rtseg.export.engine.request import BuildRequest

MONITOR = "progress_monitor"
"""The attribute that TensorRT 8.6 does not have."""


class Configured(NamedTuple):
    """A builder's configuration, and what to tell the user about it."""

    config: trt.IBuilderConfig
    remarks: tuple[str, ...]


def configure(builder: trt.Builder, request: BuildRequest) -> Configured:
    """Raises ConfigError for an accelerator that is not there."""
    config = builder.create_builder_config()
    remarks: list[str] = []
    _limit_memory(config, request)
    _set_precision(config, request)
    config.builder_optimization_level = request.optimization_level
    profile = builder.create_optimization_profile()
    shape = (1, request.size[1], request.size[0], 3)
    profile.set_shape("image", shape, shape, shape)
    if config.add_optimization_profile(profile) < 0:
        raise ConfigError(
            f"TensorRT takes no input of {request.size[0]}x{request.size[1]}; choose another --size"
        )
    if request.options.dla_core is not None:
        _use_dla(builder, config, request.options.dla_core)
    if request.timing_cache is not None and not _load_timings(config, request.timing_cache):
        remarks.append("The timing cache is of another TensorRT or GPU: it is begun anew")
    return Configured(config, tuple(remarks))


def _limit_memory(config: trt.IBuilderConfig, request: BuildRequest) -> None:
    pools = trt.MemoryPoolType.__members__
    limited = ["WORKSPACE"]
    if request.gpu.integrated:
        limited.append("TACTIC_DRAM")  # it is the CPU's memory too, and whoever takes it all is killed
    for name in limited:
        if (pool := pools.get(name)) is not None:
            config.set_memory_pool_limit(pool, request.options.workspace_mb * MB)


def _set_precision(config: trt.IBuilderConfig, request: BuildRequest) -> None:
    flags = trt.BuilderFlag.__members__
    if request.options.precision == "fp32" and (tf32 := flags.get("TF32")) is not None:
        config.clear_flag(tf32)  # it has a mantissa no longer than float16's
    if request.typing == "strong":
        return
    # The types are in the ONNX; a weakly typed network also wants to be told that they may be used.
    wanted = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8",)}[request.options.precision]
    for name in wanted:
        if (flag := flags.get(name)) is not None:
            config.set_flag(flag)


def _use_dla(builder: trt.Builder, config: trt.IBuilderConfig, core: int) -> None:
    cores = builder.num_DLA_cores
    if core >= cores:
        found = f"has {cores} such cores, counted from 0" if cores else "has no such accelerator"
        raise ConfigError(
            f"DLA core {core} was asked for, but this board with this TensorRT {found}; leave --dla out"
        )
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    fallback = trt.BuilderFlag.__members__.get("GPU_FALLBACK")
    if fallback is not None:
        config.set_flag(fallback)


def _load_timings(config: trt.IBuilderConfig, data: bytes) -> bool:
    """Attach what was measured before; False where it is of no use here and an empty one was attached."""
    for attempt in (data, b""):
        cache = config.create_timing_cache(attempt)
        if cache is not None and config.set_timing_cache(cache, False):
            return attempt == data
    return False
