"""Load one library, or ask one tool, and print what it says of itself, as JSON.

A process of its own for each, started by rtseg.doctor.place, because a native library may end it: TensorRT
without a driver does.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from typing import Any

# CUdevice_attribute, fixed by the driver's interface (cuda.h).
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
# nvmlClocksThrottleReason... (nvml.h); the others are of a GPU that idles or does what it was set to.
_SLOWED = {
    0x08: "hardware slowdown",
    0x20: "heat",
    0x40: "heat",
    0x80: "power supply",
}


def load(name: str) -> dict[str, Any]:
    """Import a module: its version and where it lies, or "error"; "missing" if it is not installed."""
    try:
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            return {"error": f"{name} is not installed", "missing": True}
        module = importlib.import_module(name)
    except Exception as error:  # whatever it is, it is what importing this library comes to
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    answer = {"version": getattr(module, "__version__", None), "file": getattr(module, "__file__", None)}
    if name == "cv2":
        answer["build"] = module.getBuildInformation()
    if name == "onnxruntime":
        answer["providers"] = module.get_available_providers()
    return answer


def driver() -> dict[str, Any]:
    """The GPUs as the CUDA driver names them, without PyCUDA."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        cuda = ctypes.CDLL(library)
    except OSError as error:
        return {"error": f"there is no NVIDIA driver ({error})", "missing": True}
    if code := cuda.cuInit(0):
        return {"error": f"the NVIDIA driver does not start: {_error_name(cuda, code)}"}
    version, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    gpus = [_gpu(cuda, number) for number in range(count.value)]
    return {"cuda": f"{version.value // 1000}.{version.value % 1000 // 10}", "gpus": gpus}


def clocks() -> dict[str, Any]:
    """Why each GPU goes slower than it could now, as NVIDIA's management library says."""
    library = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
    try:
        nvml = ctypes.CDLL(library)
    except OSError as error:
        return {"error": f"there is no {library} ({error})", "missing": True}
    if code := nvml.nvmlInit_v2():
        return {"error": f"{library} does not start: error {code}"}
    count = ctypes.c_uint()
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    slowed = []
    for number in range(count.value):
        device, reasons = ctypes.c_void_p(), ctypes.c_ulonglong()
        nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device))
        if nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device, ctypes.byref(reasons)) == 0:
            named = {name: None for bit, name in _SLOWED.items() if reasons.value & bit}
            slowed.append(list(named))
    nvml.nvmlShutdown()
    return {"slowed": slowed}


def nvcc() -> dict[str, Any]:
    """The CUDA toolkit's compiler: that which compiles rtseg's kernels."""
    from rtseg.backends.tensorrt.kernels.compiled import find_nvcc

    path = find_nvcc()
    if path is None:
        return {"error": "nvcc is neither on the path nor in /usr/local/cuda/bin", "missing": True}
    try:
        ran = subprocess.run(
            [path, "--version"], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return {"error": f"{path} does not run ({error.strerror})"}
    # Cuda compilation tools, release 12.6, V12.6.68
    release = re.search(r"release (\d+\.\d+)", ran.stdout)
    if release is None:
        return {"error": f"{path} does not say its version"}
    return {"version": release[1], "file": str(path)}


def _gpu(cuda: ctypes.CDLL, number: int) -> dict[str, Any]:
    device, value, memory = ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(100)
    cuda.cuDeviceGet(ctypes.byref(device), number)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    capability = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return {
        "name": name.value.decode(errors="replace"),
        "capability": capability,
        "memory_mib": memory.value // 2**20,
    }


def _error_name(cuda: ctypes.CDLL, code: int) -> str:
    name = ctypes.c_char_p()
    if cuda.cuGetErrorName(code, ctypes.byref(name)) or name.value is None:
        return f"error {code}"
    return f"{name.value.decode()} ({code})"


def answer(name: str) -> None:
    """Print it, for "driver", "clocks", "nvcc" or a module."""
    special = {"driver": driver, "clocks": clocks, "nvcc": nvcc}
    print(json.dumps(special[name]() if name in special else load(name)))
