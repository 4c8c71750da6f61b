"""The compiled kernels: made by nvcc once for a compute capability, and kept on disk.

A second of nvcc's time. Where there is no nvcc, what was compiled before still serves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rtseg.backends.cache import CompiledCache
from rtseg.errors import BackendUnavailable

SOURCE = Path(__file__).with_name("kernels.cu")
HEADER = Path(__file__).with_name("pixels.h")
_OPTIONS = ("-cubin", "-O3", "--fmad=false")
_LIMIT_S = 300
_USUAL = Path("/usr/local/cuda/bin/nvcc")


def cubin(capability: tuple[int, int]) -> bytes:
    """The kernels for GPUs of this compute capability.

    Raises BackendUnavailable where they have yet to be compiled and nvcc is missing or fails.
    """
    arch = "sm_{}{}".format(*capability)
    # The cache knows the source; header and options make the rest of the difference.
    header = hashlib.sha256(HEADER.read_bytes()).hexdigest()
    cache = CompiledCache(SOURCE, f"kernels {' '.join(_OPTIONS)} {header}")
    name = f"kernels-{arch}.cubin"
    if (kept := cache.read(name)) is not None:
        return kept
    compiled = _compile(arch)
    cache.write(name, compiled)
    return compiled


def find_nvcc() -> Path | None:
    """On the path, in CUDA_HOME, or where the toolkit is installed: on a Jetson it is on no path."""
    if found := shutil.which("nvcc"):
        return Path(found)
    home = os.environ.get("CUDA_HOME")
    places = ([Path(home) / "bin" / "nvcc"] if home else []) + [_USUAL]
    return next((place for place in places if os.access(place, os.X_OK)), None)


def _compile(arch: str) -> bytes:
    nvcc = find_nvcc()
    if nvcc is None:
        raise BackendUnavailable(
            f"rtseg's CUDA kernels have yet to be compiled for {arch}, and nvcc is neither on the path nor "
            f"at {_USUAL}; install the CUDA toolkit with `sudo apt install nvidia-cuda-toolkit`, on a Jetson "
            "with `sudo apt install nvidia-jetpack`"
        )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "kernels.cubin"
        command = [str(nvcc), *_OPTIONS, f"-arch={arch}", "-o", str(output), str(SOURCE)]
        try:
            ran = subprocess.run(
                command, check=False, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendUnavailable(f"{nvcc} cannot compile rtseg's CUDA kernels ({error})") from error
        if ran.returncode == 0:
            return output.read_bytes()
    told = (ran.stderr or ran.stdout).strip().splitlines()
    raise BackendUnavailable(
        f"{nvcc} cannot compile rtseg's CUDA kernels for {arch} "
        f"({told[0] if told else f'exit code {ran.returncode}'}); is it of this GPU's generation?"
    )
