"""Compiled networks, kept on disk so that the next start is a quick one.

A network's folder is named by the SHA-256 of its file, of what compiled it and of the processor: nothing in
it was ever made of anything else. Each file carries its own SHA-256, and one that is damaged is made anew.
(OpenVINO's own cache loads what is damaged, and knows another file by less than all of its bytes.)
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import platform
import shutil
import sys
from pathlib import Path

_LOG = logging.getLogger(__name__)
VARIABLE = "RTSEG_CACHE"
_DIGEST_BYTES = 32
_MAX_NETWORKS = 12  # the shipped models in each precision and some more; 10 MB an input size


def cache_root() -> Path:
    """RTSEG_CACHE, or rtseg's folder where this system keeps caches. Raises RuntimeError without a home."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "rtseg" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rtseg"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtseg"


class CompiledCache:
    """What a compiler made of one network. Where nothing can be kept it says so once, and keeps nothing."""

    def __init__(self, network: Path, compiler: str) -> None:
        """Compiler is its name with its version. Raises OSError for a network that cannot be read."""
        parts = (self.digest(network), compiler, _processor())
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        self._folder: Path | None = None
        try:
            folder = cache_root() / "compiled" / key[:32]
            # Nobody else may write there: what is found in it is run.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.utime(folder)
            self._folder = folder
        except (OSError, RuntimeError) as error:
            _tell(error)

    @staticmethod
    def digest(network: Path) -> str:
        """SHA-256 of a file. Raises OSError."""
        return hashlib.sha256(network.read_bytes()).hexdigest()

    @property
    def writable(self) -> bool:
        """Whether there is a place to keep things."""
        return self._folder is not None

    def read(self, name: str) -> bytes | None:
        """What was kept under this name; None where there is nothing, or nothing whole."""
        if self._folder is None:
            return None
        try:
            data = (self._folder / name).read_bytes()
        except OSError:
            return None
        digest, blob = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        return blob if blob and hashlib.sha256(blob).digest() == digest else None

    def write(self, name: str, blob: bytes) -> None:
        """Keep it, whole or not at all."""
        if self._folder is None:
            return
        part = self._folder / f".{name}.{os.getpid()}"
        try:
            part.write_bytes(hashlib.sha256(blob).digest() + blob)
            part.replace(self._folder / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            self._folder = None
            _tell(error)
            return
        forget_old(self._folder.parent, _MAX_NETWORKS)


def forget_old(parent: Path, keep: int) -> None:
    """Remove the folders that were not used for longest; another process may be doing the same."""
    used = []
    for folder in parent.iterdir():
        with contextlib.suppress(OSError):
            used.append((folder.stat().st_mtime, folder))
    for _, folder in sorted(used, reverse=True)[keep:]:
        shutil.rmtree(folder, ignore_errors=True)


def _processor() -> str:
    """What it is and can: a home folder may be shared by machines of different kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    # The other lines, such as the clock's, change from one moment to the next.
    steady = ("model name", "flags", "Features", "CPU ")
    return "\n".join(line for line in lines.splitlines() if line.startswith(steady))


_told: set[str] = set()


def _tell(error: Exception) -> None:
    """A line, once in a process for each reason."""
    place = f" in {error.filename}" if isinstance(error, OSError) and error.filename else ""
    message = (
        f"Compiled networks cannot be kept{place} ({getattr(error, 'strerror', None) or error}), so every "
        f"start takes as long as the first; {VARIABLE} can name another folder"
    )
    if message not in _told:
        _told.add(message)
        _LOG.warning(message)
