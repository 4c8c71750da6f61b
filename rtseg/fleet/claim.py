"""One run at a time into a folder: a lock where it is a disk, a sign of life where it is a store."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rtseg.errors import SinkError
from rtseg.fleet.node import is_run
from rtseg.fleet.storage import Store
from rtseg.offline.journal import Journal
from rtseg.offline.manifest import MANIFEST

CLAIM = ".rtseg-run.json"
REFRESH_S = 20
_STALE_S = 90
_SETTLE_S = 1.0


class Claim:
    """Held until `close`; used by one thread, which calls `refresh` every REFRESH_S or so."""

    def __init__(self, store: Store, run: str) -> None:
        """Raises SinkError where another run has it."""
        self._store, self._run = store, run
        self._journal: Journal | None = None
        self._refreshed_s = 0.0
        self.crashed: str | None = None
        """The run before this one, if it did not come to its end."""
        if store.scheme == "file":
            folder = Path(store.url.removeprefix("file://"))
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SinkError(f"{folder}: cannot be made ({error.strerror})") from error
            self._journal = Journal(folder / MANIFEST)
            return
        self._check()
        self.refresh()
        time.sleep(_SETTLE_S)  # a store has no locks: of two that begin at once the later one sees the other
        self._check()

    def _check(self) -> None:
        text = self._store.read(CLAIM)
        try:
            said = json.loads(text or b"{}")
            run, silent_s = said.get("run"), time.time() - float(said.get("alive_s", 0))
        except (ValueError, AttributeError, TypeError):
            return
        if run not in {None, self._run} and silent_s < _STALE_S:
            raise SinkError(
                f"{self._store}: another run is writing it (it was alive {silent_s:.0f} s ago); wait for its "
                f"end, or stop it and wait {_STALE_S} s"
            )
        if run != self._run and is_run(run):
            self.crashed = run

    def refresh(self) -> None:
        """Say that this run is alive. Raises SinkError."""
        if self._journal is None and time.monotonic() - self._refreshed_s > REFRESH_S:
            self._store.write(CLAIM, json.dumps({"run": self._run, "alive_s": time.time()}).encode())
            self._refreshed_s = time.monotonic()

    def close(self) -> None:
        """Let others have it. Raises SinkError."""
        if self._journal is not None:
            self._journal.close(remove=True)
        else:
            self._store.remove(CLAIM)
