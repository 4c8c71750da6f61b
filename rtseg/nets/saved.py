"""Networks from the folders of models: the net of the card with the weights beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtseg.card import CARD_FILE, WEIGHTS_FILE, check_file, read_card
from rtseg.errors import ModelError
from rtseg.nets import build
from rtseg.nets.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from rtseg.frame import Size


def load_network(folder: Path, size: Size | None = None) -> keras.Model:
    """Build the net of a folder's card, at the card's size unless another is given, with its weights.

    Raises ModelError when the folder lacks a file or the weights do not fit the net of the card.
    """
    card = read_card(folder / CARD_FILE)
    network = build(card.net, classes=len(card.classes), size=size or (card.input.width, card.input.height))
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelError(f"{path}: missing; `rtseg train` writes it once the first epoch is validated")
    if WEIGHTS_FILE in card.files:  # a card that training has just begun does not know them yet
        check_file(path, card)
    load_weights(network, path, card.net)
    return network
