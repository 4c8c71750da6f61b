"""What the commands do: which source plays, how it goes on, how it is seen, and what is kept of it.

Each gives its handlers by the id of their command. GUI thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QDesktopServices

from rtseg.runtime.recording import RecordingKind
from rtseg.runtime.request import DEMO, SourceRequest
from rtseg.runtime.view import MODES, Mode
from rtseg.video.player import FASTEST, SLOWEST, Player
from rtseg.viewer import choosers
from rtseg.viewer.actions import Handler
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.canvas import Canvas
from rtseg.viewer.classes_panel import ClassesPanel
from rtseg.viewer.parts import Parts
from rtseg.viewer.playback_bar import SPEEDS, PlaybackBar
from rtseg.viewer.settings import Settings

_SEEK_S = 5.0
_ZOOM_STEP = 1.25
_PAN_STEP = 0.1
_OPACITY_STEP = 10
_CLASS_KEYS = 9


class SourceControls:
    """What is to be played."""

    def __init__(self, bridge: Bridge, parts: Parts, settings: Settings) -> None:
        self._bridge, self._parts, self._settings = bridge, parts, settings

    def handlers(self) -> dict[str, Handler]:
        """By the id of the command."""
        return {
            "open_file": lambda: choosers.choose_file(self._parts, self.open),
            "open_folder": lambda: choosers.choose_folder(self._parts, self.open),
            "open_url": self._ask_for_url,
            "pick_source": self.pick,
            "open_demo": lambda: self.open(DEMO),
            "reopen": self._reopen,
        }

    def open(self, uri: str) -> None:
        """Play a source, as `open_source` takes it, or the demo."""
        self._bridge.session.open(SourceRequest((uri,)))

    def pick(self) -> None:
        """Show the source picker; what plays goes on behind it."""
        self._parts.start_page.set_recent(self._settings.recent)
        self._parts.show_start_page()
        self._bridge.session.look_for_cameras()

    def _ask_for_url(self) -> None:
        self.pick()
        self._parts.start_page.address.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _reopen(self) -> None:
        if (playing := self._bridge.state.playing) is not None:
            self._bridge.session.open(playing.request)


class ClassControls:
    """How classes are tinted."""

    def __init__(self, panel: ClassesPanel) -> None:
        self._panel = panel

    def handlers(self) -> dict[str, Handler]:
        """By the id of the command."""
        panel = self._panel
        toggles: dict[str, Handler] = {
            f"toggle_class {place + 1}": partial(panel.toggle_class, place) for place in range(_CLASS_KEYS)
        }
        return toggles | {
            "opacity_up": lambda: panel.opacity.setValue(panel.opacity.value() + _OPACITY_STEP),
            "opacity_down": lambda: panel.opacity.setValue(panel.opacity.value() - _OPACITY_STEP),
            "show_all_classes": panel.show_all,
            "next_palette": panel.next_palette,
        }


class PlaybackControls:
    """Pause, step, seek, speed and loop; they do nothing where no recording plays."""

    def __init__(self, bridge: Bridge, bar: PlaybackBar) -> None:
        self._bridge = bridge
        bar.pause_toggled.connect(self.toggle_pause)
        bar.stepped.connect(lambda frames: self._do(lambda player: player.step(frames)))
        bar.sought.connect(lambda seconds: self._do(lambda player: player.seek(seconds)))
        bar.speed_chosen.connect(self._set_speed)
        bar.loop_toggled.connect(self._set_loop)

    def handlers(self) -> dict[str, Handler]:
        """By the id of the command."""
        return {
            "play": self.toggle_pause,
            "step_forward": lambda: self._do(lambda player: player.step(1)),
            "step_back": lambda: self._do(lambda player: player.step(-1)),
            "seek_forward": lambda: self._seek_by(_SEEK_S),
            "seek_back": lambda: self._seek_by(-_SEEK_S),
            "seek_start": lambda: self._do(lambda player: player.seek(0)),
            "faster": lambda: self._change_speed(1),
            "slower": lambda: self._change_speed(-1),
            "loop": lambda: self._do(lambda player: self._set_loop(not player.loop)),
        }

    def toggle_pause(self) -> None:
        """Play or pause."""
        self._do(lambda player: player.resume() if player.paused else player.pause())

    def _do(self, act: Callable[[Player], object]) -> None:
        playing = self._bridge.state.playing
        if playing is not None and playing.player is not None:
            act(playing.player)

    def _seek_by(self, seconds: float) -> None:
        self._do(lambda player: player.seek(max(0.0, player.position_s + seconds)))

    def _set_speed(self, speed: float) -> None:
        def act(player: Player) -> None:
            player.speed = min(max(speed, SLOWEST), FASTEST)

        self._do(act)

    def _change_speed(self, steps: int) -> None:
        def act(player: Player) -> None:
            nearest = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - player.speed))
            player.speed = SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)]

        self._do(act)

    def _set_loop(self, loop: bool) -> None:
        def act(player: Player) -> None:
            player.loop = loop

        self._do(act)


class ViewControls:
    """How the canvas shows the picture."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def handlers(self) -> dict[str, Handler]:
        """By the id of the command."""
        return {
            **{f"mode_{mode}": self._mode(mode) for mode in MODES},
            "zoom_in": lambda: self._canvas.zoom(_ZOOM_STEP),
            "zoom_out": lambda: self._canvas.zoom(1 / _ZOOM_STEP),
            "zoom_fit": self._canvas.fit,
            "zoom_pixels": self._pixel_for_pixel,
            "pan_left": lambda: self._canvas.pan(_PAN_STEP, 0),
            "pan_right": lambda: self._canvas.pan(-_PAN_STEP, 0),
            "pan_up": lambda: self._canvas.pan(0, _PAN_STEP),
            "pan_down": lambda: self._canvas.pan(0, -_PAN_STEP),
        }

    def _mode(self, mode: Mode) -> Handler:
        return lambda: self._canvas.set_view(replace(self._canvas.view, mode=mode))

    def _pixel_for_pixel(self) -> None:
        self._canvas.zoom(1 / self._canvas.view.panes(self._canvas.picture_size)[0].scale)


class CaptureControls:
    """Snapshots, recordings and the last seconds, into the folder of the settings."""

    def __init__(self, bridge: Bridge, canvas: Canvas, settings: Settings) -> None:
        self._bridge = bridge
        self._canvas = canvas
        self._settings = settings

    def handlers(self) -> dict[str, Handler]:
        """By the id of the command."""
        return {
            "snapshot": self._snapshot,
            "record_seen": lambda: self._record("seen"),
            "record_clean": lambda: self._record("clean"),
            "save_replay": lambda: self._bridge.session.save_replay(self._settings.captures),
            "open_captures": self.open_folder,
        }

    def open_folder(self) -> None:
        """In the desktop's file manager; the nearest one that is there."""
        folder = self._settings.captures
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _snapshot(self) -> None:
        if self._canvas.rendered is not None:
            self._bridge.session.snapshot(self._canvas.rendered.shown, self._settings.captures)

    def _record(self, kind: RecordingKind) -> None:
        self._bridge.session.toggle_recording(kind, self._settings.captures)
