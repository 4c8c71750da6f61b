"""Plans on disk: each in a folder named by its key, with a sidecar that says that key.

FOLDER/engines/<first 32 digits of the key's SHA-256>/model.engine and engine.json

A plan is code that TensorRT runs unchecked, so a folder that others may write to is not read from. Where the
usual place cannot be written to, engines go to another that outlives a restart: building one takes minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtseg.backends.cache import VARIABLE, cache_root, forget_old
from rtseg.backends.tensorrt.key import EngineKey, Sidecar, differences, differs_by_choice, read_sidecar
from rtseg.errors import ModelError, SinkError

PLAN_FILE = "model.engine"
SIDECAR_FILE = "engine.json"

_LOG = logging.getLogger(__name__)
_MOST_SIDECAR_BYTES = 1 << 16
_MOST_ENGINES = 24  # a few models in a few sizes; some 10 MB each
_DIGITS = 32


@dataclass(frozen=True, eq=False)
class Lookup:
    """A plan, or in words why there is none; why is empty where nothing like it was ever built."""

    plan: bytes | None
    path: Path | None = None
    why: str = ""
    sidecar: Sidecar | None = None


class EngineCache:
    """Finds plans and keeps them. Needs neither TensorRT nor a GPU."""

    def __init__(self, roots: Sequence[Path] | None = None) -> None:
        """Roots are places in the order in which they are tried; None is the cache folder, then /var/tmp."""
        self._roots = tuple(roots if roots is not None else usual_roots())

    def find(self, model: str, key: EngineKey, *, any_workspace: bool = False) -> Lookup:
        """The plan of exactly this key, whole and unaltered, and nothing else.

        With any_workspace also one that was built with another workspace: it runs just as well, and whoever
        only runs it was not asked how to build it.
        """
        reasons = []
        roots = list(self._readable_roots())
        for wanted in (key, *(self._of_other_workspaces(roots, key) if any_workspace else ())):
            for root in roots:
                folder = root / wanted.digest()[:_DIGITS]
                if not folder.is_dir():
                    continue
                try:
                    sidecar, plan = _read(folder, wanted)
                except ModelError as error:
                    reasons.append(str(error))
                    continue
                with contextlib.suppress(OSError):  # a read-only one stays as it is
                    os.utime(folder)
                return Lookup(plan, folder / PLAN_FILE, sidecar=sidecar)
        return Lookup(None, why="; ".join(reasons) or self._why_none(model, key))

    def shapes(self, key: EngineKey) -> list[tuple[int, ...]]:
        """Of all that differ from this key in nothing but shape and workspace."""
        found = {
            sidecar.key.shape
            for root in self._readable_roots()
            for sidecar in _sidecars(root)
            if sidecar.key.model_copy(update={"shape": key.shape, "workspace_mb": key.workspace_mb}) == key
        }
        return sorted(found)

    def store(
        self, model: str, key: EngineKey, plan: bytes, *, build_s: float, agreement: float | None = None
    ) -> Path:
        """Keep a plan, whole or not at all, in the first place that takes it; returns its path.

        Raises SinkError where no place does.
        """
        sidecar = Sidecar(
            schema=1,
            model=model,
            key=key,
            plan_sha256=hashlib.sha256(plan).hexdigest(),
            plan_bytes=len(plan),
            build_s=round(build_s, 1),
            agreement=agreement,
        )
        failures: list[str] = []
        for root in self._roots:
            folder = root / key.digest()[:_DIGITS]
            try:
                _make_private(root)
                folder.mkdir(mode=0o700, exist_ok=True)
                # In this order: until the sidecar is there, the plan is nobody's.
                _replace(folder / PLAN_FILE, plan)
                _replace(folder / SIDECAR_FILE, sidecar.to_json().encode())
            except OSError as error:
                failures.append(f"{root} ({error.strerror or error})")
                continue
            if failures:
                _LOG.warning(
                    "Engines cannot be kept in %s; this one goes to %s. %s can name another folder",
                    ", ".join(failures),
                    root,
                    VARIABLE,
                )
            forget_old(root, _MOST_ENGINES)
            return folder / PLAN_FILE
        raise SinkError(
            f"an engine can be kept in none of {', '.join(failures)}, so each start would build it anew; "
            f"name a folder that can be written to with {VARIABLE}=FOLDER"
        )

    def discard(self, key: EngineKey) -> None:
        """Forget a plan that TensorRT does not take."""
        for root in self._roots:
            for name in (SIDECAR_FILE, PLAN_FILE):
                with contextlib.suppress(OSError):
                    (root / key.digest()[:_DIGITS] / name).unlink()

    def _readable_roots(self) -> Iterator[Path]:
        for root in self._roots:
            trouble = _why_untrusted(root)
            if trouble is None:
                yield root
            elif trouble:
                _LOG.warning("%s: %s, so no engine is taken from it", root, trouble)

    def _of_other_workspaces(self, roots: Sequence[Path], key: EngineKey) -> Iterator[EngineKey]:
        for root in roots:
            for sidecar in _sidecars(root):
                other = sidecar.key
                if other != key and other.model_copy(update={"workspace_mb": key.workspace_mb}) == key:
                    yield other

    def _why_none(self, model: str, key: EngineKey) -> str:
        """What the plan of this model that comes closest was built for, and what was found instead."""
        known = [
            sidecar.key
            for root in self._roots
            if _why_untrusted(root) is None
            for sidecar in _sidecars(root)
            if sidecar.model == model
        ]
        stale = [built for built in known if not differs_by_choice(built, key)]
        if not stale or len(stale) < len(known):  # an engine of here, for other options, is no surprise
            return ""
        nearest = min(stale, key=lambda built: len(differences(built, key)))
        return "; ".join(map(str, differences(nearest, key)))


def usual_roots() -> list[Path]:
    """The cache folder; where that is none or cannot be written to, one that outlives a restart."""
    roots = []
    with contextlib.suppress(RuntimeError):  # there is no home
        roots.append(cache_root() / "engines")
    return [*roots, _other_root()]


def _other_root() -> Path:
    lasting = Path("/var/tmp")  # noqa: S108  what is in it is checked for its owner
    base = lasting if lasting.is_dir() else Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return base / f"rtseg-{user}-engines"


def _read(folder: Path, key: EngineKey) -> tuple[Sidecar, bytes]:
    """Raises ModelError saying what is wrong with a folder that has the right name."""
    sidecar_path, plan_path = folder / SIDECAR_FILE, folder / PLAN_FILE
    try:
        if sidecar_path.stat().st_size > _MOST_SIDECAR_BYTES:
            raise ModelError(f"{sidecar_path}: is no sidecar of an engine, it is too large")
        sidecar = read_sidecar(sidecar_path.read_text(encoding="utf-8"), str(sidecar_path))
        if sidecar.key != key:
            told = "; ".join(map(str, differences(sidecar.key, key)))
            raise ModelError(f"{sidecar_path}: is not what its folder is for ({told})")
        found = plan_path.stat().st_size
        if found != sidecar.plan_bytes:
            raise ModelError(
                f"{plan_path}: is cut off or altered ({found} bytes, built with {sidecar.plan_bytes})"
            )
        plan = plan_path.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{folder}: the engine there cannot be read ({error})") from error
    if hashlib.sha256(plan).hexdigest() != sidecar.plan_sha256:
        raise ModelError(f"{plan_path}: was altered since it was built (its SHA-256 differs)")
    return sidecar, plan


def _sidecars(root: Path) -> Iterator[Sidecar]:
    """Those that can be read and lie where they say."""
    for path in sorted(root.glob(f"*/{SIDECAR_FILE}")):
        with contextlib.suppress(OSError, UnicodeDecodeError, ModelError):
            if path.stat().st_size > _MOST_SIDECAR_BYTES:
                continue
            sidecar = read_sidecar(path.read_text(encoding="utf-8"), str(path))
            if sidecar.key.digest()[:_DIGITS] == path.parent.name:
                yield sidecar


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _make_private(root: Path) -> None:
    """Make a folder that nobody else writes to. Raises OSError, also for one that is there and is not so."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if trouble := _why_untrusted(root):
        raise PermissionError(0, trouble)


def _why_untrusted(root: Path) -> str | None:
    """What stands against running what lies there; empty where there is no such folder."""
    try:
        found = root.lstat()
    except OSError:
        return ""
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if not hasattr(os, "getuid"):
        return None
    if found.st_uid not in {os.getuid(), 0}:
        return "belongs to another user"
    if found.st_mode & 0o022:
        return "others may write to it (chmod go-w mends that)"
    return None
