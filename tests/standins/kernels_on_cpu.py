"""The CUDA kernels, run on the CPU: the same source, compiled by a C++ compiler, thread after thread."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from rtseg.backends.tensorrt.kernels.arguments import BLOCK, LAYOUTS
from rtseg.backends.tensorrt.kernels.compiled import SOURCE

_HEAD = """
struct Three { int x, y, z; };
static Three blockIdx, blockDim, threadIdx;
#define __global__
#include "kernels.cu"
"""
_RUN = """
extern "C" void run_{kernel}(const void *bytes, int across, int down, int width, int height) {{
    {struct} arguments;
    __builtin_memcpy(&arguments, bytes, sizeof arguments);
    blockDim = Three{{width, height, 1}};
    for (blockIdx.y = 0; blockIdx.y < down; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < across; ++blockIdx.x)
    for (threadIdx.y = 0; threadIdx.y < height; ++threadIdx.y)
    for (threadIdx.x = 0; threadIdx.x < width; ++threadIdx.x)
        {kernel}(arguments);
}}
"""
_STRUCTS = {"network_input": "InputArguments", "class_map": "ClassMapArguments", "tint": "TintArguments"}


class CpuKernels:
    """Loaded; addresses in the arguments are those of real memory."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def run(self, kernel: str, arguments: bytes, grid: tuple[int, int], block: tuple[int, int, int]) -> None:
        assert len(arguments) == LAYOUTS[kernel].itemsize  # type: ignore[index]
        assert block == BLOCK
        getattr(self._library, f"run_{kernel}")(arguments, *grid, *block[:2])


@cache
def cpu_kernels(folder: Path) -> CpuKernels:
    """Compile them into a folder, once; skips the test where there is no compiler."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("needs a C++ compiler, which is not installed (Debian: apt install g++)")
    source = folder / "kernels_on_cpu.cpp"
    runs = [_RUN.format(kernel=kernel, struct=struct) for kernel, struct in _STRUCTS.items()]
    source.write_text(_HEAD + "".join(runs), encoding="utf-8")
    library = folder / "kernels_on_cpu.so"
    # As nvcc compiles them: each operation rounds for itself. Every warning is an error.
    options = "-std=c++17 -O2 -shared -fPIC -ffp-contract=off -fno-strict-aliasing -Wall -Wextra -Werror"
    command = [compiler, *options.split(), f"-I{SOURCE.parent}", str(source), "-o", str(library)]
    built = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert built.returncode == 0, built.stderr
    return CpuKernels(ctypes.CDLL(str(library)))
