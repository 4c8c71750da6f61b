"""The bar below a recording: play, step, seek, speed, loop."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from rtseg.video.position import Position
from rtseg.viewer import texts
from rtseg.viewer.icons import set_icon
from rtseg.viewer.panels import text_font
from rtseg.viewer.seek_bar import SeekBar, Thumbnail, clock

SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
_HOUR_S = 3600
_TEXT_PX = 13


class PlaybackBar(QWidget):
    """Shows a `Position`, and says what the user wants. GUI thread only; what is set emits nothing."""

    pause_toggled = pyqtSignal()
    stepped = pyqtSignal(int)
    sought = pyqtSignal(float)
    speed_chosen = pyqtSignal(float)
    loop_toggled = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._position = Position()
        self.back = self._button("step-back", texts.STEP_BACK)
        self.play = self._button("pause", texts.PAUSE)
        self.forward = self._button("step-forward", texts.STEP_FORWARD)
        self.elapsed = self._time(texts.POSITION, Qt.AlignmentFlag.AlignRight)
        self.seek_bar = SeekBar(self)
        self.length = self._time(texts.DURATION, Qt.AlignmentFlag.AlignLeft)
        self.speed = QComboBox(self)
        self.speed.setAccessibleName(texts.SPEED)
        self.speed.setToolTip(texts.SPEED)
        for speed in SPEEDS:
            self.speed.addItem(texts.SPEED_TIMES.format(speed=speed), speed)
        self.loop = self._button("loop", texts.LOOP)
        self.loop.setCheckable(True)
        for button in (self.back, self.forward):
            button.setAutoRepeat(True)

        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(4)
        widgets: tuple[QWidget, ...] = (
            self.back,
            self.play,
            self.forward,
            self.elapsed,
            self.seek_bar,
            self.length,
            self.speed,
            self.loop,
        )
        for widget in widgets:
            row.addWidget(widget, stretch=widget is self.seek_bar)

        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.forward.clicked.connect(lambda: self.stepped.emit(1))
        self.play.clicked.connect(self.pause_toggled)
        self.seek_bar.sought.connect(self._seek)
        self.speed.activated.connect(lambda index: self.speed_chosen.emit(self.speed.itemData(index)))
        self.loop.clicked.connect(self.loop_toggled)
        self._show(self._position, anew=True)
        self.set_position(self._position)

    def set_position(self, position: Position) -> None:
        """What the player does now; called several times a second."""
        if position != self._position:
            self._show(position, anew=False)
        if not self.seek_bar.isSliderDown():
            self.seek_bar.set_position(position.position_s)
            self._tell_time(position.position_s)

    def set_thumbnails(self, thumbnail: Thumbnail | None) -> None:
        """Where small pictures come from: (h, w, 3) uint8 RGB of a time in seconds, or None."""
        self.seek_bar.set_thumbnails(thumbnail)

    def _button(self, icon: str, text: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        _call(button, text)
        set_icon(button, icon)
        return button

    def _time(self, name: str, side: Qt.AlignmentFlag) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setToolTip(name)
        label.setFont(text_font(_TEXT_PX))
        label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _seek(self, seconds: float) -> None:
        self._tell_time(seconds)
        self.sought.emit(seconds)

    def _show(self, position: Position, *, anew: bool) -> None:
        before, self._position = self._position, position
        if anew or (before.duration_s, before.seekable) != (position.duration_s, position.seekable):
            self._set_length(position)
        if anew or (before.paused, before.ended) != (position.paused, position.ended):
            symbol = "play" if position.paused else "pause"
            texts_of = {"play": texts.PLAY_AGAIN if position.ended else texts.PLAY, "pause": texts.PAUSE}
            _call(self.play, texts_of[symbol])
            set_icon(self.play, symbol)
        if anew or before.speed != position.speed:
            self._set_speed(position.speed)
        self.loop.setChecked(position.loop)

    def _set_length(self, position: Position) -> None:
        duration_s = position.duration_s
        hours = duration_s is None or duration_s >= _HOUR_S
        self.length.setText(texts.NO_TIME if duration_s is None else clock(duration_s))
        # As wide as the longest time gets, so that nothing moves while it runs.
        widest = "0:00:00.0" if hours else clock(duration_s or 0.0)
        metrics = QFontMetrics(self.elapsed.font())
        for label in (self.elapsed, self.length):
            label.setFixedWidth(metrics.horizontalAdvance(widest) + 6)
        self.seek_bar.set_duration(duration_s if position.seekable else None)
        self.back.setEnabled(position.seekable)

    def _set_speed(self, speed: float) -> None:
        index = self.speed.findData(speed)
        if index < 0:  # one that was set otherwise
            self.speed.addItem(texts.SPEED_TIMES.format(speed=speed), speed)
            index = self.speed.count() - 1
        self.speed.setCurrentIndex(index)

    def _tell_time(self, seconds: float) -> None:
        self.elapsed.setText(clock(seconds, hours=(self._position.duration_s or 0) >= _HOUR_S))


def _call(button: QToolButton, text: str) -> None:
    button.setAccessibleName(text)
    button.setToolTip(text)


def gallery() -> QWidget:
    """Somewhere in a recording of two minutes, with pictures."""
    import numpy as np

    bar = PlaybackBar()
    bar.resize(760, 40)
    bar.set_position(Position(position_s=42.3, duration_s=125.0, seekable=True))
    bar.set_thumbnails(lambda seconds: np.full((90, 160, 3), int(2 * seconds) % 256, np.uint8))
    return bar
