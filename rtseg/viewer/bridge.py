"""Where Qt and the threads meet: a timer on the GUI thread looks what the runtime has and gives signals.

Nothing here waits, and nothing of the runtime knows of it.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from rtseg.frame import UInt8Array
from rtseg.labels import Rgb
from rtseg.runtime.channel import ChannelClosed
from rtseg.runtime.pipeline import Pipeline
from rtseg.runtime.renderer import Rendered, Renderer
from rtseg.runtime.session import Session
from rtseg.runtime.state import Playing, State
from rtseg.runtime.view import View
from rtseg.video.thumbnails import Thumbnails
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

    failed = pyqtSignal(object)
    """An exception that nobody expected."""

    def __init__(self, session: Session, background: Rgb, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.state: State = session.state
        self.meter: Meter | None = None
        self._watched: Pipeline | None = None
        self._thumbnails: Thumbnails | None = None
        self._renderer = Renderer(background)
        self._position: object = None
        self._closed = False
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

    def thumbnail(self, seconds: float) -> UInt8Array | None:
        """(h, w, 3) RGB, small, of the recording that plays, near this time; None where there is none."""
        return None if self._thumbnails is None else self._thumbnails.at(seconds)

    def _close_thumbnails(self) -> None:
        if self._thumbnails is not None:
            self._thumbnails.close()
            self._thumbnails = None

    def fail(self, error: BaseException) -> None:
        """Tell of a mistake of ours in the window itself."""
        self.failed.emit(error)

    def close(self) -> None:
        """End everything, once; within a second, but for what a device or a disk holds up."""
        if self._closed:
            return
        self._closed = True
        self._poll_timer.stop()
        self._read_timer.stop()
        self.session.begin_close()
        self._close_thumbnails()
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
            self._poll_timer.stop()
            if closed.__cause__ is not None:
                self.failed.emit(closed.__cause__)
        else:
            self.rendered.emit(rendered)
        self._tell_position()

    def _watch(self, playing: Playing | None) -> None:
        self._renderer.watch(None if playing is None else playing.view)
        if playing is None or self._watched is playing.pipeline:
            return
        self._watched = playing.pipeline
        self.meter = Meter(playing.pipeline, lambda: self._renderer.dropped)
        self._close_thumbnails()
        if playing.player is not None and playing.player.seekable and len(playing.request.uris) == 1:
            self._thumbnails = Thumbnails(playing.request.uris[0])

    def _tell_position(self) -> None:
        player = None if self.state.playing is None else self.state.playing.player
        if player is not None and (position := player.position) != self._position:
            self._position = position
            self.position_changed.emit(position)

    def _read(self) -> None:
        if self.meter is not None:
            self.read.emit(self.meter.read())
