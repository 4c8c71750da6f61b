"""The window: puts the widgets together and tells each what there is to show. It knows no thread."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QMainWindow

from rtseg.backends import BACKENDS
from rtseg.card import shipped_models
from rtseg.runtime.renderer import Rendered
from rtseg.runtime.state import Playing, State, Trouble
from rtseg.runtime.style import Style
from rtseg.video.position import Position
from rtseg.viewer import drop, over_picture, texts, words
from rtseg.viewer.actions import Actions, Handler
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.controls import (
    CaptureControls,
    ClassControls,
    PlaybackControls,
    SourceControls,
    ViewControls,
)
from rtseg.viewer.help_sheet import HelpSheet
from rtseg.viewer.messages import Messages
from rtseg.viewer.meter import Reading
from rtseg.viewer.parts import Parts
from rtseg.viewer.remembered import Remembered
from rtseg.viewer.settings import Settings

_PLAYBACK = (
    "play",
    "step_forward",
    "step_back",
    "seek_forward",
    "seek_back",
    "seek_start",
    "faster",
    "slower",
    "loop",
)
_SOURCE = ("snapshot", "record_seen", "record_clean", "save_replay", "reopen")
_PICTURE = (
    *("mode_overlay", "mode_mask", "mode_side", "mode_split", "hud"),
    *("zoom_in", "zoom_out", "zoom_fit", "zoom_pixels", "pan_left", "pan_right", "pan_up", "pan_down"),
    *("opacity_up", "opacity_down", "show_all_classes", "next_palette"),
)


class ViewerWindow(QMainWindow):
    """Made and used on the GUI thread alone, which every method is called by."""

    closed = pyqtSignal()

    def __init__(self, bridge: Bridge, settings: Settings) -> None:
        """Shows the source picker until the session plays something."""
        super().__init__()
        self.bridge, self.settings = bridge, settings
        self._reading: Reading | None = None
        self.parts = parts = Parts()
        self.canvas, self.start_page = parts.canvas, parts.start_page
        self.banner, self.side_panel, self.playback_bar = parts.banner, parts.side_panel, parts.playback_bar
        self.remembered = Remembered(self, parts, settings)
        self.sources = SourceControls(bridge, parts, settings)
        self.captures = CaptureControls(bridge, self.canvas, settings)
        self.messages = Messages(bridge, parts, self.captures)
        self.actions_ = Actions(
            self,
            self.canvas,
            PlaybackControls(bridge, self.playback_bar).handlers()
            | ViewControls(self.canvas).handlers()
            | ClassControls(parts.side_panel.classes).handlers()
            | self.sources.handlers()
            | self.captures.handlers()
            | self._handlers(),
        )
        self._lay_out()
        self.help = HelpSheet(self.parts)
        self._connect()
        self.remembered.restore()
        self._mark_actions()
        self._show_state(bridge.state)

    # Making it.

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.setWindowTitle(texts.NAME)
        menu_bar = self.menuBar()
        if menu_bar is not None:
            self.actions_.fill(menu_bar)
        self.side_panel.network.set_choices(
            models=sorted(shipped_models()),
            backends=BACKENDS,
            precisions=("auto", "f32", "bf16", "int8"),
            policies=("auto", "latest", "every-frame"),
        )
        self.setCentralWidget(self.parts)

    def _handlers(self) -> dict[str, Handler]:
        return {
            "hud": self._next_hud,
            "side_panel": lambda: self._show_panel(not self.parts.panel_shown),
            "choose_network": self._choose_network,
            "full_screen": self.toggle_full_screen,
            "escape": self._escape,
            "help": self._toggle_help,
            "reset_settings": self._reset,
            "close": self.close,
            "quit": self.close,
        }

    def _connect(self) -> None:
        bridge, canvas = self.bridge, self.canvas
        self.parts.arranged.connect(self._mark_actions)
        bridge.rendered.connect(self._show_rendered)
        bridge.state_changed.connect(self._state_changed)
        bridge.read.connect(self._read)
        bridge.position_changed.connect(self._show_position)
        bridge.failed.connect(lambda error: self._show_trouble(Trouble(error)))
        canvas.view_changed.connect(self._view_changed)
        canvas.painted.connect(bridge.painted)
        canvas.full_screen_asked.connect(self.toggle_full_screen)
        self.start_page.source_chosen.connect(self.sources.open)
        self.start_page.left.connect(self._show_canvas)
        self.start_page.cameras_wanted.connect(bridge.session.look_for_cameras)
        self.side_panel.classes.style_changed.connect(self._style_changed)
        self.side_panel.network.network_chosen.connect(bridge.session.use)
        self.side_panel.network.policy_chosen.connect(bridge.session.set_policy)

    # What is asked of it.

    def toggle_full_screen(self) -> None:
        """The picture alone on the whole screen, or all as before."""
        full = not self.isFullScreen()
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        menu_bar = self.menuBar()
        if menu_bar is not None:
            menu_bar.setVisible(not full)
        self.parts.set_alone(full)

    def _choose_network(self) -> None:
        self._show_panel(True)
        self.side_panel.go_to("network")

    def _escape(self) -> None:
        """The nearest thing that can be left."""
        if self.help.isVisible():
            self.help.close_sheet()
        elif self.messages.leave():
            return
        elif self.isFullScreen():
            self.toggle_full_screen()
        elif self.parts.asks_for_source and self.bridge.state.playing is not None:
            self._show_canvas()

    def _toggle_help(self) -> None:
        self.help.toggle()

    def _show_panel(self, shown: bool) -> None:
        if self.parts.panel_is_optional:
            self.parts.ask_for_panel(shown)
        else:
            self.settings.panel_shown = shown
            self.parts.set_panel_wanted(shown)

    def _mark_actions(self) -> None:
        """What is so already, and what has something to act on."""
        parts = self.parts
        self.actions_.enable(_SOURCE, parts.plays)
        self.actions_.enable(_PICTURE, parts.plays or not parts.asks_for_source)
        self.actions_.enable(_PLAYBACK, parts.is_recording)
        self.actions_.check("side_panel", parts.panel_shown)
        self.actions_.check("full_screen", self.isFullScreen())
        self.actions_.check(f"mode_{self.canvas.view.mode}", True)

    def _next_hud(self) -> None:
        self.settings.hud_level = over_picture.level_after(self.settings.hud_level)
        self._refresh_panels()

    def _style_changed(self, style: Style) -> None:
        session = self.bridge.session
        self.remembered.keep_style(style, session.style)
        session.set_style(style)
        self._refresh_panels()

    def _view_changed(self) -> None:
        view = self.canvas.view
        self.bridge.set_view(view)
        self.settings.view_mode = view.mode
        self._mark_actions()

    def _reset(self) -> None:
        """As on the first day; sources and network stay."""
        self.remembered.forget()
        self._refresh_panels()
        self.messages.show_note(texts.SETTINGS_RESET)

    # What there is to show.

    def _state_changed(self, state: State, before: State) -> None:
        if state.playing is not before.playing:
            self._show_playing(state.playing)
        if state.trouble is not before.trouble:
            self._show_trouble(state.trouble)
        if state.saved is not before.saved and state.saved is not None:
            self.messages.show_saved(state.saved)
        if state.cameras is not None and state.cameras is not before.cameras:
            self.start_page.set_cameras(state.cameras)
        self._show_state(state)

    def _show_state(self, state: State) -> None:
        busy = words.busy(state.busy)
        self.side_panel.network.set_current(state.network, state.policy)
        self.side_panel.network.set_busy(busy)
        recording = state.recording
        for kind in ("seen", "clean"):
            self.actions_.check(f"record_{kind}", recording is not None and recording.kind == kind)
        playing = state.playing
        is_recording = playing is not None and playing.player is not None and not playing.ended
        if playing is None:
            self.canvas.set_trouble(busy)
            if busy:
                self.parts.show_canvas()
        else:
            card = playing.pipeline.segmenter.card
            self.remembered.show_classes(self.bridge.session, card.classes, card.palette)
        self.parts.set_playing(plays=playing is not None, is_recording=is_recording)
        self._refresh_panels()

    def _show_playing(self, playing: Playing | None) -> None:
        if playing is None or playing.ended:
            return
        self.setWindowTitle(texts.TITLE.format(source=words.title(playing)))
        self.remembered.keep_source(playing.request)
        self.messages.source_changed()
        self.start_page.address.clear()  # there may be a password in it
        self.side_panel.plots.clear()
        self.playback_bar.set_thumbnails(self.bridge.thumbnail)
        self._show_canvas()

    def _show_canvas(self) -> None:
        self.parts.show_canvas()
        self.canvas.setFocus()

    def _show_position(self, position: Position) -> None:
        self.playback_bar.set_position(position)
        self.actions_.check("loop", position.loop)

    def _show_trouble(self, trouble: Trouble | None) -> None:
        self.messages.show_trouble(trouble)
        if trouble is not None and self.bridge.state.playing is None:
            self.sources.pick()

    def _show_rendered(self, rendered: Rendered) -> None:
        first = self.canvas.rendered is None
        self.canvas.show_rendered(rendered)
        if first:
            self.remembered.first_picture(rendered.shown.frame.size)

    def _read(self, reading: Reading) -> None:
        self._reading = reading
        frame = self.canvas.rendered.shown.frame if self.canvas.rendered else None
        # A grid says it in the tile, as long as any other plays.
        some_play = frame is not None and any(tile.playing for tile in frame.tiles)
        lost = "" if some_play else reading.trouble
        self.canvas.set_trouble(lost)
        if (playing := self.bridge.state.playing) is not None:
            self.messages.watch(playing, lost)
        if self.side_panel.isVisible():
            self.side_panel.plots.add(reading)
            self.side_panel.classes.set_shares(reading.shares)
        self._refresh_panels()

    def _refresh_panels(self) -> None:
        reading = self._reading or Reading()
        self.canvas.set_panels(over_picture.panels(self.bridge.state, reading, self.settings.hud_level))

    # What Qt tells it.

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is not None and drop.dropped(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        uri = None if event is None else drop.dropped(event.mimeData())
        if event is not None and uri is not None:
            event.acceptProposedAction()
            self.sources.open(uri)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Called by Qt, however the window is closed."""
        self.remembered.keep_place()
        self.bridge.close()
        super().closeEvent(event)
        self.closed.emit()
