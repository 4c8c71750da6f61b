"""The PyQt6 window. Only the modules in here know Qt, and importing this package loads none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtseg.viewer.availability import unavailable

if TYPE_CHECKING:
    from rtseg.runtime.request import SourceRequest
    from rtseg.runtime.session import Session

__all__ = ["show", "unavailable"]


def show(
    session: Session,
    request: SourceRequest | None,
    *,
    opacity: float | None = None,
    classes: tuple[str, ...] | None = None,
) -> None:
    """Show what a session plays until the user closes the window; see `rtseg.viewer.app.show`."""
    from rtseg.viewer import app

    app.show(session, request, opacity=opacity, classes=classes)
