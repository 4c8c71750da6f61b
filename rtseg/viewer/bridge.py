"""Where Qt and the threads meet: a timer on the GUI thread looks what the runtime has and gives signals.

Nothing here waits, and nothing of the runtime knows of it.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from rtseg.labels import Rgb
from rtseg.runtime.channel import ChannelClosed
from rtseg.runtime.renderer import Rendered, Renderer
from rtseg.runtime.session import Session
from rtseg.runtime.state import Playing, State
from rtseg.runtime.view import View
from rtseg.viewer.meter import Meter

_POLL_MS = 8  # half a frame's time at 60 Hz
_READ_MS = 250  # figures that change faster cannot be read
_JOIN_S = 1.0


class Bridge(QObject):
    """Owns the session's and the renderer's ends on the GUI thread, which every method is called by."""

    rendered = pyqtSignal(object)
    """A `Rendered`: what the canvas is to show now."""
    state_changed = pyqtSignal(object, object)
    """The `State` of the session, and the one before."""
    read = pyqtSignal(object)
    """A `Reading` of the loop that plays, four times a second."""
    position_changed = pyqtSignal(object)
    """A `Position`, where a recording plays."""

    def __init__(self, session: Session, background: Rgb, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.state: State = session.state
        self.meter: Meter | None = None
        self._renderer = Renderer(background)
        self._position: object = None
        self._poll_timer = self._timer(_POLL_MS, self._poll)
        self._read_timer = self._timer(_READ_MS, self._read)

    def _timer(self, period_ms: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.timeout.connect(slot)  # type: ignore[arg-type]
        timer.start(period_ms)
        return timer

    def set_view(self, view: View) -> None:
        """Have pictures made for this view."""
        self._renderer.set_view(view)

    def painted(self, rendered: Rendered) -> None:
        """A canvas has just come to the screen."""
        playing = self.state.playing
        # One of the source before may come late.
        if self.meter is not None and playing is not None:
            self.meter.shown(rendered.shown.frame)

    def close(self) -> None:
        """End everything; within a second, but for what a device or a disk holds up."""
        self._poll_timer.stop()
        self._read_timer.stop()
        self.session.begin_close()
        self._renderer.close()
        self.session.join(_JOIN_S)

    def _poll(self) -> None:
        state = self.session.state
        if state is not self.state:
            before, self.state = self.state, state
            if state.playing is not before.playing:
                self._watch(state.playing)
            self.state_changed.emit(state, before)
        try:
            rendered = self._renderer.output.get(timeout=0)
        except TimeoutError:
            pass
        except ChannelClosed as closed:
            if closed.__cause__ is not None:
                self._poll_timer.stop()
                raise closed.__cause__ from None
        else:
            self.rendered.emit(rendered)
        self._tell_position()

    def _watch(self, playing: Playing | None) -> None:
        self._renderer.watch(None if playing is None else playing.view)
        self.meter = None if playing is None else Meter(playing.pipeline)

    def _tell_position(self) -> None:
        player = None if self.state.playing is None else self.state.playing.player
        if player is not None and (position := player.position) != self._position:
            self._position = position
            self.position_changed.emit(position)

    def _read(self) -> None:
        if self.meter is not None:
            self.read.emit(self.meter.read())
