"""What a fresh process asks NVIDIA's libraries: on little ones in their place, with the same functions."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rtseg.doctor.place import Answer, this_machine

DRIVER = """
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuGetErrorName(int code, const char **name) { *name = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"; return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int number) { *device = 40 + number; return 0; }
int cuDeviceGetName(char *name, int room, int device) {
    strncpy(name, device == 40 ? "One" : "Two", room);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)12 << 30; return 0; }
int cuDeviceGetAttribute(int *value, int what, int device) {
    *value = what == 75 ? 8 : device - 40;
    return 0;
}
"""
MANAGEMENT = """
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, void **device) {
    *device = (void *)(0x7000000000000000 + number);
    return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    switch ((unsigned long)device & 3) {
        case 0: *reasons = 0x01; return 0;
        case 1: *reasons = 0x08 | 0x20 | 0x40 | 0x04; return 0;
        default: return 3; /* does not know */
    }
}
"""
Put = Callable[..., None]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Compiles one where the loader of the processes that this one starts finds it first."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, which is not installed (Debian: apt install gcc)")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    def put(name: str, source: str, *options: str) -> None:
        command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(tmp_path / name), *options]
        subprocess.run(command, input=source, text=True, check=True, timeout=60)

    return put


def test_the_driver_names_each_gpu(library: Put) -> None:
    library("libcuda.so.1", DRIVER, "-DINIT=0")
    gpus = [
        {"name": "One", "capability": [8, 0], "memory_mib": 12288},
        {"name": "Two", "capability": [8, 1], "memory_mib": 12288},
    ]
    assert this_machine().ask("driver") == Answer({"cuda": "12.6", "gpus": gpus})


def test_a_driver_that_does_not_start_says_why(library: Put) -> None:
    library("libcuda.so.1", DRIVER, "-DINIT=803")
    told = "the NVIDIA driver does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"
    assert this_machine().ask("driver") == Answer({}, told)


def test_what_holds_the_clocks_down_is_read(library: Put) -> None:
    """An idle GPU is not held down, nor is one that keeps to its power; one that does not say is left out."""
    library("libnvidia-ml.so.1", MANAGEMENT)
    assert this_machine().ask("clocks") == Answer({"slowed": [[], ["hardware slowdown", "heat"]]})
