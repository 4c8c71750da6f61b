"""What this process takes of the machine, and gives back to it: memory."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_MIB = 1 << 20
_M_ARENA_MAX = -8  # of glibc's malloc.h
_HEAPS = 2


def memory_mib() -> tuple[float | None, float | None]:
    """Resident memory now and at its highest, in MiB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None, _peak_mib()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    now, peak = kib.get("VmRSS"), kib.get("VmHWM")
    return now and round(now / 1024, 1), peak and round(peak / 1024, 1)


def share_heaps() -> None:
    """Have the threads to come share a few heaps, where this is glibc.

    Each thread has one of its own else, and what the threads of a loop have freed stays in theirs when the
    next loop has others: a window whose source is changed again and again would grow by megabytes each time.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_ARENA_MAX, _HEAPS)


def give_memory_back() -> None:
    """Return what is free to the system, where this is glibc; takes milliseconds."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


def _peak_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    bytes_or_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(bytes_or_kib / (_MIB if sys.platform == "darwin" else 1024), 1)
