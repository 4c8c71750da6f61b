"""Weights from a file into a network, or a word about which layer they do not fit."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from rtseg.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def load_weights(network: Any, path: Path, owner: str) -> None:
    """Fill a Keras model from a .weights.h5 or, as Keras's own ImageNet weights come, an .h5 file.

    Raises ModelError for a file that is none, or not of this owner, and then names the first layer that does
    not fit.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected the weights of {owner}, a Keras .weights.h5 file")
    try:
        with warnings.catch_warnings():
            # Keras lists each layer that does not fit; the error says it once
            warnings.simplefilter("ignore")
            network.load_weights(str(path))
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: not the weights of {owner}: {_reason(str(error))}") from error


def _reason(message: str) -> str:
    """Keras's paragraphs in one line: the layer, and what is wrong with it."""
    paragraphs = [line.strip() for line in message.splitlines() if line.strip()] or ["unreadable"]
    layer = re.search(r"error message for object <\w+ name=([^,>]+)", paragraphs[0])
    return f"layer {layer[1]!r}: {paragraphs[1]}" if layer and len(paragraphs) > 1 else paragraphs[0]
