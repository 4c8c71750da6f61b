"""dataset.toml: what a data set says of itself.

It names the data set, its licence and its layout, the raw values of its label files (ids, or colours as
"#rrggbb"), and maps from target classes to raw names.
"""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rtseg.data.layouts import LAYOUTS
from rtseg.errors import DataError
from rtseg.labels import IGNORE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE: Final = "dataset.toml"


def _color(text: object) -> int:
    if not isinstance(text, str) or not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError("expected a colour like '#402020'")
    return int(text[1:], 16)


LabelId = Annotated[int, Field(ge=0, le=255)]
Color = Annotated[int, BeforeValidator(_color)]


class DataSetToml(BaseModel):
    """The keys of dataset.toml. Of raw and colors there is one; colours are 0xRRGGBB here."""

    model_config = ConfigDict(extra="forbid")
    name: str
    license: str
    layout: str = "rtseg"
    ignore_index: LabelId = IGNORE
    raw: dict[LabelId, str] = {}
    colors: dict[Color, str] = {}
    maps: dict[str, dict[str, list[str]]] = Field(min_length=1)


def read_description(root: Path) -> DataSetToml:
    """Read and check dataset.toml. Raises DataError for anything wrong with it."""
    path = root / FILE
    if not path.is_file():
        raise DataError(
            f"{root}: no {FILE} in it; a data set is a folder that has one. `rtseg data init` writes one for "
            "data sets that it knows"
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        described = DataSetToml.model_validate(document)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(f"{path}: key {key!r}: {first['msg']}") from error
    _check(path, described, document)
    return described


def _check(path: Path, described: DataSetToml, document: dict[str, Any]) -> None:
    if described.layout not in LAYOUTS:
        raise DataError(f"{path}: layout {described.layout!r} is unknown; there are: {', '.join(LAYOUTS)}")
    if bool(described.raw) == bool(described.colors):
        raise DataError(f"{path}: needs one of [raw] (label id -> name) and [colors] ('#rrggbb' -> name)")
    if described.colors and "ignore_index" in described.model_fields_set:
        raise DataError(f"{path}: ignore_index is a label id, but [colors] has none; take it out")
    for table, values in (("raw", described.raw), ("colors", described.colors)):
        if len(values) < len(document.get(table, {})):
            raise DataError(f"{path}: [{table}] has one entry twice, spelt in two ways")
        if len(set(values.values())) < len(values):
            raise DataError(f"{path}: [{table}] gives one name to two entries; names must differ")


def template(layout: str) -> str:
    """The text of a dataset.toml for data sets of this layout, one of LAYOUTS."""
    return (resources.files("rtseg.data") / "templates" / f"{layout}.toml").read_text(encoding="utf-8")
