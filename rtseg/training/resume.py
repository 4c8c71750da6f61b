"""What an interrupted run left behind, made fit to go on from."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from rtseg.errors import ConfigError

LOG_FILE = "log.csv"
CHECKPOINT_FOLDER = "checkpoint"

# Keras's names: the checkpoint, and the one before it.
_METADATA_FILE = "training_metadata.json"
_WEIGHTS_FILE = "latest.weights.h5"
_BEFORE = ".bkp"


def epochs_done(out: Path, epochs: int) -> int:
    """How many of its epochs a run has done; what a kill left of a further one is taken away.

    Raises ConfigError for a run that was shorter and is finished.
    """
    log, checkpoint = out / LOG_FILE, out / CHECKPOINT_FOLDER
    rows = []
    if log.exists():
        with log.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    if not checkpoint.exists() and len(rows) - 1 >= epochs:
        return epochs
    if not checkpoint.exists() and len(rows) - 1 > 1:
        raise ConfigError(
            f"{out}: its run is finished after {len(rows) - 1} epochs, so it cannot go on to {epochs}; start "
            f"another one from it, with --init {out}"
        )
    # The log is ahead of the checkpoint by the epoch in whose end the run was killed.
    done = _epochs_in(checkpoint)
    if not done:
        log.unlink(missing_ok=True)
    elif len(rows) > done + 1:
        with log.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows[: done + 1])
    return done


def _epochs_in(checkpoint: Path) -> int:
    """The epoch of the newest whole checkpoint, which is put into its place if a kill broke the last one."""
    for ending in ("", _BEFORE):
        try:
            text = (checkpoint / f"{_METADATA_FILE}{ending}").read_text(encoding="utf-8")
            epoch = int(json.loads(text)["epoch"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if ending:
            for name in (_WEIGHTS_FILE, _METADATA_FILE):
                shutil.copyfile(checkpoint / f"{name}{ending}", checkpoint / name)
        return epoch
    if checkpoint.exists():
        shutil.rmtree(checkpoint)
    return 0
