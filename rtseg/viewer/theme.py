"""Light and dark as the system has them, and the colours that no role of a QPalette stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

_FUSION: Final = "fusion"
_POOR: Final = {"windowsvista", "windows"}  # know no dark, or look thirty years old


@dataclass(frozen=True)
class Colors:
    """What goes with a light or with a dark palette."""

    card: QColor
    """Back of what lies over the window."""
    edge: QColor
    faint: QColor
    """Text that need not be seen at once; still 4.5 to 1 on the window."""
    trouble_back: QColor
    trouble_text: QColor
    note_back: QColor
    note_text: QColor
    lines: tuple[QColor, ...]
    """Of plots; apart for every kind of eye by their lightness too."""


_LIGHT: Final = Colors(
    card=QColor(255, 255, 255),
    edge=QColor(0, 0, 0, 36),
    faint=QColor(95, 102, 114),
    trouble_back=QColor(253, 231, 229),
    trouble_text=QColor(122, 22, 18),
    note_back=QColor(228, 239, 253),
    note_text=QColor(16, 62, 122),
    lines=(QColor(0, 105, 170), QColor(214, 96, 0), QColor(0, 150, 110), QColor(120, 60, 170)),
)
_DARK: Final = Colors(
    card=QColor(36, 40, 48),
    edge=QColor(255, 255, 255, 36),
    faint=QColor(160, 168, 180),
    trouble_back=QColor(84, 26, 26),
    trouble_text=QColor(255, 222, 218),
    note_back=QColor(24, 52, 92),
    note_text=QColor(216, 232, 255),
    lines=(QColor(86, 170, 255), QColor(255, 165, 70), QColor(60, 210, 160), QColor(205, 150, 255)),
)


def colors(palette: QPalette) -> Colors:
    """Those that go with a widget's palette. GUI thread; asked again after QEvent.PaletteChange."""
    return _DARK if is_dark(palette) else _LIGHT


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than what it stands on."""
    return palette.windowText().color().lightness() > palette.window().color().lightness()


def follow_system(application: QApplication) -> None:
    """Be light or dark as the system is, now and whenever it changes. GUI thread, once after it is made.

    A desktop's own style is kept with its own palette. Where it is poor, and where there is none, Fusion
    takes its place with a palette that is the same everywhere.
    """
    style = application.style()
    if style is not None and style.name().lower() in _POOR:
        application.setStyle(_FUSION)
    hints = application.styleHints()
    if hints is None:
        return
    hints.colorSchemeChanged.connect(lambda scheme: apply(application, scheme))
    apply(application, hints.colorScheme())


def apply(application: QApplication, scheme: Qt.ColorScheme) -> None:
    """Take this scheme; Unknown leaves what there is. Does nothing but under Fusion."""
    style = application.style()
    if style is None or style.name().lower() != _FUSION:
        return
    if scheme == Qt.ColorScheme.Unknown:
        dark = is_dark(application.palette())
    else:
        dark = scheme == Qt.ColorScheme.Dark
    application.setPalette(_palette(_DARK_ROLES if dark else _LIGHT_ROLES))


_Roles = dict[QPalette.ColorRole, str]
_ROLE = QPalette.ColorRole
_LIGHT_ROLES: Final[_Roles] = {
    _ROLE.Window: "#f4f5f7",
    _ROLE.WindowText: "#1c2027",
    _ROLE.Base: "#ffffff",
    _ROLE.AlternateBase: "#eef0f3",
    _ROLE.Text: "#1c2027",
    _ROLE.Button: "#fafbfc",
    _ROLE.ButtonText: "#1c2027",
    _ROLE.BrightText: "#ffffff",
    _ROLE.PlaceholderText: "#6a7280",
    _ROLE.ToolTipBase: "#ffffff",
    _ROLE.ToolTipText: "#1c2027",
    _ROLE.Highlight: "#1f66d6",
    _ROLE.HighlightedText: "#ffffff",
    _ROLE.Accent: "#1f66d6",
    _ROLE.Link: "#1f66d6",
    _ROLE.LinkVisited: "#6a4bc0",
    _ROLE.Light: "#ffffff",
    _ROLE.Midlight: "#eceef1",
    _ROLE.Mid: "#c9cdd4",
    _ROLE.Dark: "#a3a9b3",
    _ROLE.Shadow: "#5c626c",
}
_DARK_ROLES: Final[_Roles] = {
    _ROLE.Window: "#1c1f25",
    _ROLE.WindowText: "#e4e7ec",
    _ROLE.Base: "#15171c",
    _ROLE.AlternateBase: "#22262d",
    _ROLE.Text: "#e4e7ec",
    _ROLE.Button: "#2b3038",
    _ROLE.ButtonText: "#e4e7ec",
    _ROLE.BrightText: "#ffffff",
    _ROLE.PlaceholderText: "#8d95a3",
    _ROLE.ToolTipBase: "#2b3038",
    _ROLE.ToolTipText: "#e4e7ec",
    _ROLE.Highlight: "#3b7de0",
    _ROLE.HighlightedText: "#ffffff",
    _ROLE.Accent: "#5b9bff",
    _ROLE.Link: "#7db0ff",
    _ROLE.LinkVisited: "#b49cff",
    _ROLE.Light: "#454b56",
    _ROLE.Midlight: "#363c46",
    _ROLE.Mid: "#3a404a",
    _ROLE.Dark: "#14161a",
    _ROLE.Shadow: "#08090b",
}


def _palette(roles: _Roles) -> QPalette:
    palette = QPalette()
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    faint = QColor(roles[_ROLE.PlaceholderText])
    faint.setAlpha(150)
    for role in (_ROLE.WindowText, _ROLE.Text, _ROLE.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return palette
