"""What this process takes of the machine: CPU time and memory."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_MIB = 1 << 20


def memory_mib() -> tuple[float | None, float | None]:
    """Resident memory now and at its highest, in MiB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None, _peak_mib()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    now, peak = kib.get("VmRSS"), kib.get("VmHWM")
    return now and round(now / 1024, 1), peak and round(peak / 1024, 1)


def give_back_memory() -> None:
    """Let the system have what was freed; after much of it was, as when a source is closed.

    glibc keeps it in pools, one for each few threads that ever were, which fill with holes: without this a
    window that plays one source after the other grows by some MiB each time (tools/bench_viewer.py).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _peak_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    bytes_or_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(bytes_or_kib / (_MIB if sys.platform == "darwin" else 1024), 1)
