"""The window: polls the pipeline's slot, shows its pictures, how it does, and why it stopped."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from rtseg.frame import Size
from rtseg.runtime.channel import ChannelClosed, LatestSlot
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.shown import Shown
from rtseg.viewer import content, texts
from rtseg.viewer.canvas import Canvas
from rtseg.viewer.meter import Meter, Reading
from rtseg.viewer.picture import fitted

_POLL_MS = 8  # half a frame's time at 60 Hz
_ENDED_POLL_MS = 100  # nothing to poll for any more, but Ctrl-C is only seen while Python runs now and then
_READ_MS = 250  # figures that change faster cannot be read
_LARGEST: Size = (1280, 800)
_BANNER = "background: #8c1d1d; color: white; padding: 10px 14px; font-size: 14px;"


class ViewerWindow(QWidget):
    """Made and used on the GUI thread alone, which every method is called by."""

    closed = pyqtSignal()

    def __init__(
        self, pipeline: Pipeline, view: LatestSlot[Shown], *, title: str, close_at_end: bool = False
    ) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._view = view
        self._source = title
        self._close_at_end = close_at_end
        self._meter = Meter(pipeline)
        self._reading = Reading()
        self._panels_shown = True
        self._status = ""
        self.ended = False

        self.setWindowTitle(texts.TITLE.format(source=title))
        self.banner = QLabel(self)
        self.banner.setObjectName("banner")
        self.banner.setStyleSheet(_BANNER)
        self.banner.setTextFormat(Qt.TextFormat.PlainText)
        self.banner.setWordWrap(True)
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.canvas = Canvas(self)
        self.canvas.painted.connect(self._meter.shown)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.canvas, stretch=1)
        self._fit_to(_LARGEST)

        keys = {"Q": self.close, "Esc": self.close, "H": self.toggle_panels, "F": self.toggle_full_screen}
        for key, action in keys.items():
            QShortcut(QKeySequence(key), self).activated.connect(action)
        self._poll_timer = QTimer(self)
        self._poll_timer.timeout.connect(self._poll)
        self._poll_timer.start(_POLL_MS)
        self._read_timer = QTimer(self)
        self._read_timer.timeout.connect(self._read)
        self._read_timer.start(_READ_MS)
        self._refresh_panels()

    def toggle_panels(self) -> None:
        """Key H."""
        self._panels_shown = not self._panels_shown
        self._refresh_panels()

    def toggle_full_screen(self) -> None:
        """Key F."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Called by Qt, however the window is closed."""
        self._poll_timer.stop()
        self._read_timer.stop()
        super().closeEvent(event)
        self.closed.emit()

    def _poll(self) -> None:
        """Take the newest picture, if there is one. Never waits."""
        if self.ended:
            return
        try:
            frame = self._view.get(timeout=0).blended
        except TimeoutError:
            return
        except ChannelClosed as closed:
            self._end(closed.__cause__)
            return
        if self.canvas.frame is None:
            self._fit_to(frame.size)
        self.canvas.show_frame(frame)

    def _end(self, error: BaseException | None) -> None:
        """The pipeline is done. The last picture and the last figures stay."""
        self.ended = True
        self._read_timer.stop()
        self._poll_timer.start(_ENDED_POLL_MS)
        if error is None:
            self._status = texts.FINISHED
        else:
            message = str(error) or texts.NO_MESSAGE.format(kind=type(error).__name__)
            self.banner.setText(texts.FAILED.format(error=message))
            self.banner.show()
        self._read()
        if self._close_at_end:
            self.close()

    def _read(self) -> None:
        self._reading = self._meter.read()
        frame = self.canvas.frame
        # A grid says it in the tile, as long as any other plays.
        some_play = frame is not None and any(tile.playing for tile in frame.tiles)
        self.canvas.set_trouble("" if self.ended or some_play else self._reading.trouble)
        self._refresh_panels()

    def _refresh_panels(self) -> None:
        shown = self._panels_shown
        running = self._running()
        panels = {
            Qt.Corner.TopLeftCorner: content.head_up_display(
                running, self._reading, "full" if shown else "none"
            ),
            Qt.Corner.BottomLeftCorner: content.legend(running, self._reading) if shown else None,
            Qt.Corner.BottomRightCorner: content.status(self._status, with_keys=shown),
        }
        self.canvas.set_panels({corner: panel for corner, panel in panels.items() if panel is not None})

    def _running(self) -> content.Running:
        segmenter = self._pipeline.segmenter
        return content.Running(
            source=self._source,
            state=self._pipeline.source.state,
            model=segmenter.card.name,
            backend=segmenter.backend.name,
            precision=segmenter.backend.precision,
            classes=segmenter.classes,
            palette=self._pipeline.palette,
        )

    def _fit_to(self, picture: Size) -> None:
        """Take the picture's aspect, as large as looks well on this screen."""
        screen = self.screen()
        if screen is None or self.isFullScreen() or self.isMaximized():
            return
        room = screen.availableSize() * 0.85
        width, height = fitted(picture, (min(_LARGEST[0], room.width()), min(_LARGEST[1], room.height())))
        self.resize(width, height)
