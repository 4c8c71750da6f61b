"""The page that asks what to segment: a camera, something recent, a file, a folder, a link, the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rtseg.video.cameras import CameraInfo
from rtseg.video.urls import redacted
from rtseg.viewer import drop, texts
from rtseg.viewer.choices import Choice, ChoiceList
from rtseg.viewer.choosers import choose_file, choose_folder
from rtseg.viewer.icons import set_icon

DEMO_URI = "demo://"
_WIDTH = 720
_FIELD_PX = 32
_ZONE_PX = 72


class StartPage(QWidget):
    """Offers sources and says which one was chosen. GUI thread only; what is set emits nothing."""

    source_chosen = pyqtSignal(str)
    """As `open_source` takes it, or DEMO_URI."""
    left = pyqtSignal()
    """Nothing else is to be opened."""
    cameras_wanted = pyqtSignal()
    """They are to be looked for again; `set_cameras` says what was found."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.folder = ""
        """Where the dialogs begin; empty is where the system thinks."""
        title = QLabel(texts.CHOOSE_SOURCE, self)
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.7)
        title.setFont(font)
        self.back = QPushButton(texts.BACK, self)
        self.back.setToolTip(texts.BACK_TIP)
        self.back.setFlat(True)
        self.back.clicked.connect(self.left)
        self.back.hide()
        self.cameras = ChoiceList(texts.LOOKING_FOR_CAMERAS, self)
        self.cameras.setAccessibleName(texts.CAMERAS)
        self.recent = ChoiceList(texts.NO_RECENT, self)
        self.recent.setAccessibleName(texts.RECENT)
        for choices in (self.cameras, self.recent):
            choices.chosen.connect(self.source_chosen)
        self.look_again = QPushButton(texts.LOOK_AGAIN, self)
        self.look_again.setFlat(True)
        self.look_again.clicked.connect(self._look_again)
        self.file = self._button(texts.OPEN_FILE, texts.OPEN_FILE_TIP, "file", self.open_file)
        self.open_folder_button = self._button(
            texts.OPEN_FOLDER, texts.OPEN_FOLDER_TIP, "folder", self.open_folder
        )
        self.demo = self._button(
            texts.DEMO, texts.DEMO_TIP, "demo", lambda: self.source_chosen.emit(DEMO_URI)
        )
        self.address = QLineEdit(self)
        self.address.setAccessibleName(texts.ADDRESS)
        self.address.setToolTip(texts.ADDRESS_TIP)
        self.address.setPlaceholderText(texts.ADDRESS_HINT)
        self.address.setClearButtonEnabled(True)
        self.open = QPushButton(texts.OPEN, self)
        self.open.setEnabled(False)
        self.trouble = QLabel(self)
        self.trouble.setWordWrap(True)
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        self.address.textChanged.connect(self._typed)
        self.address.returnPressed.connect(self._open_address)
        self.open.clicked.connect(self._open_address)
        self.address.setMinimumHeight(_FIELD_PX)
        self.open.setMinimumHeight(_FIELD_PX)
        self.zone = _DropZone(self)
        self._lay_out(title)

    def _lay_out(self, title: QLabel) -> None:
        lists = QGridLayout()
        lists.setHorizontalSpacing(20)
        for column, (name, choices) in enumerate(
            ((texts.CAMERAS, self.cameras), (texts.RECENT, self.recent))
        ):
            heading = QHBoxLayout()
            heading.addWidget(_heading(name, self))
            heading.addStretch()
            if choices is self.cameras:
                heading.addWidget(self.look_again)
            lists.addLayout(heading, 0, column)
            lists.addWidget(choices, 1, column)
            lists.setColumnStretch(column, 1)
        lists.setRowMinimumHeight(0, self.look_again.sizeHint().height())
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        for button in (self.file, self.open_folder_button, self.demo):
            buttons.addWidget(button, stretch=1)
        address = QHBoxLayout()
        address.addWidget(self.address, stretch=1)
        address.addWidget(self.open)
        self.trouble.setMinimumHeight(2 * self.trouble.fontMetrics().height() + 4)  # there, also when empty
        self.trouble.setAlignment(Qt.AlignmentFlag.AlignTop)

        middle = QWidget(self)
        middle.setMaximumWidth(_WIDTH)
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column_of = QVBoxLayout(middle)
        column_of.setContentsMargins(0, 0, 0, 0)
        column_of.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(title, stretch=1)
        head.addWidget(self.back)
        column_of.addLayout(head)
        column_of.addLayout(lists)
        column_of.addLayout(buttons)
        column_of.addWidget(_heading(texts.ADDRESS, self))
        column_of.addLayout(address)
        column_of.addWidget(self.trouble)
        column_of.addWidget(self.zone)
        outer = QGridLayout(self)
        outer.setContentsMargins(24, 20, 24, 20)
        outer.addWidget(middle, 1, 1)
        outer.setColumnStretch(0, 1)
        outer.setColumnStretch(1, 100)
        outer.setColumnStretch(2, 1)
        outer.setRowStretch(0, 1)
        outer.setRowStretch(2, 1)

    def set_way_back(self, is_there: bool) -> None:
        """Whether something plays behind it."""
        self.back.setVisible(is_there)

    def set_cameras(self, cameras: Sequence[CameraInfo]) -> None:
        """Those that were found."""
        self.look_again.setEnabled(True)
        self.cameras.set_choices([Choice(each.uri, each.name) for each in cameras], texts.NO_CAMERAS)

    def set_recent(self, uris: Sequence[str]) -> None:
        """What was opened before, the newest first."""
        self.recent.set_choices([Choice(uri, redacted(uri), elided=True) for uri in uris], texts.NO_RECENT)

    def open_file(self) -> None:
        """Ask for a file."""
        choose_file(self, self.source_chosen.emit, self.folder)

    def open_folder(self) -> None:
        """Ask for a folder."""
        choose_folder(self, self.source_chosen.emit, self.folder)

    def _button(self, text: str, tip: str, symbol: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setMinimumHeight(40)
        set_icon(button, symbol)
        button.clicked.connect(act)
        return button

    def _look_again(self) -> None:
        self.look_again.setEnabled(False)
        self.cameras.set_choices([], texts.LOOKING_FOR_CAMERAS)
        self.cameras_wanted.emit()

    def _typed(self, text: str) -> None:
        self.open.setEnabled(bool(text.strip()))
        self.trouble.clear()

    def _open_address(self) -> None:
        text = self.address.text()
        if not text.strip():
            return
        trouble = drop.trouble(text)
        self.trouble.setText(trouble or "")
        if trouble is None:
            self.source_chosen.emit(drop.resolved(text))

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        if event is not None and drop.dropped(event.mimeData()) is not None:
            event.acceptProposedAction()
            self.zone.set_waited_for(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        self.zone.set_waited_for(False)

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        self.zone.set_waited_for(False)
        uri = None if event is None else drop.dropped(event.mimeData())
        if event is not None and uri is not None:
            event.acceptProposedAction()
            self.source_chosen.emit(uri)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Called by Qt."""
        return QSize(820, 620)


class _DropZone(QLabel):
    """Says that things can be dropped, and shows that what is held over the page would be taken."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(texts.DROP_HINT, parent)
        self._waited_for = False
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumHeight(_ZONE_PX)
        self.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def set_waited_for(self, waited_for: bool) -> None:
        self._waited_for = waited_for
        self.setText(texts.DROP_NOW if waited_for else texts.DROP_HINT)
        role = QPalette.ColorRole.WindowText if waited_for else QPalette.ColorRole.PlaceholderText
        self.setForegroundRole(role)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Called by Qt."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole.Highlight if self._waited_for else QPalette.ColorRole.PlaceholderText
        width = 2 if self._waited_for else 1
        painter.setPen(QPen(self.palette().color(role), width, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()
        super().paintEvent(event)


def _heading(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setFrameShape(QFrame.Shape.NoFrame)
    return label


def gallery() -> QWidget:
    """With two cameras, and some that were opened before."""
    page = StartPage()
    page.set_cameras([CameraInfo("0", "HD Pro Webcam C920"), CameraInfo("csi://0", "imx219 9-0010")])
    page.set_recent(
        [
            "/home/me/Videos/2026-05-01/a drive with a very long name through the whole town.mp4",
            "rtsp://192.0.2.7/stream",
            "/data/pictures",
            "https://example.org/street.mp4",
        ]
    )
    return page
