"""How classes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtseg.errors import ConfigError
from rtseg.labels import Rgb


@dataclass(frozen=True)
class Style:
    """Opacity 0 to 1, and the names of the classes to show (all when empty)."""

    opacity: float = 0.5
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ConfigError(f"opacity is {self.opacity}; it must be between 0 (invisible) and 1 (opaque)")

    def palette(self, classes: Sequence[str], palette: Sequence[Rgb]) -> tuple[Rgb | None, ...]:
        """The palette with None for what is not to be seen. Raises ConfigError for an unknown class."""
        unknown = [name for name in self.classes if name not in classes]
        if unknown:
            raise ConfigError(f"unknown class {unknown[0]!r}; this model knows {', '.join(classes[1:])}")
        return tuple(
            color if index > 0 and (not self.classes or name in self.classes) else None
            for index, (name, color) in enumerate(zip(classes, palette, strict=True))
        )
