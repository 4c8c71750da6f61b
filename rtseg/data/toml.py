"""Values as TOML writes them."""

from __future__ import annotations

import json


def toml_value(value: object) -> str:
    """A string, number, truth value or list of these as TOML.

    JSON's way, which is TOML's too but for characters that JSON writes as two halves. Names of files that are
    no Unicode cannot be said in TOML: they come out with question marks.
    """
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return text.encode(errors="replace").decode()
