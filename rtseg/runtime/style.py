"""How classes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtseg.errors import ConfigError
from rtseg.labels import Rgb


@dataclass(frozen=True)
class Style:
    """How strongly classes are tinted, which of them, and in which colours."""

    opacity: float = 0.5
    """0 to 1."""
    classes: tuple[str, ...] | None = None
    """Names of the classes to show; None for all of them."""
    colors: tuple[tuple[str, Rgb], ...] = ()
    """(name, colour) of the classes that are not to have the model's own."""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ConfigError(f"opacity is {self.opacity}; it must be between 0 (invisible) and 1 (opaque)")

    def check(self, classes: Sequence[str]) -> None:
        """Raises ConfigError where a class is to be shown that a model does not know."""
        unknown = [name for name in self.classes or () if name not in classes]
        if unknown:
            raise ConfigError(f"unknown class {unknown[0]!r}; this model knows {', '.join(classes[1:])}")

    def palette(self, classes: Sequence[str], palette: Sequence[Rgb]) -> tuple[Rgb | None, ...]:
        """Of a model's classes and colours, those to tint with: None for what is not to be seen."""
        colors = dict(zip(classes, palette, strict=True)) | dict(self.colors)
        return tuple(
            colors[name] if index > 0 and (self.classes is None or name in self.classes) else None
            for index, name in enumerate(classes)
        )
