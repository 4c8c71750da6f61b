"""What this process takes of the machine: CPU time and memory."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

_MIB = 1 << 20
_M_ARENA_MAX = -8  # malloc.h


def memory_mib() -> tuple[float | None, float | None]:
    """Resident memory now and at its highest, in MiB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None, _peak_mib()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    now, peak = kib.get("VmRSS"), kib.get("VmHWM")
    return now and round(now / 1024, 1), peak and round(peak / 1024, 1)


def keep_few_memory_pools() -> None:
    """Let threads share glibc's pools of memory; called before there are threads, where they come and go.

    Else there is a pool for each few threads that ever were, up to eight a processor, and each fills with
    holes: a window that plays one source after the other grew by some MiB each time (tools/bench_viewer.py).
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def give_back_memory() -> None:
    """Let the system have what was freed; after much of it was, as when a source is closed."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def _peak_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    bytes_or_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(bytes_or_kib / (_MIB if sys.platform == "darwin" else 1024), 1)
