"""The window: puts the widgets together and tells each what there is to show. It knows no thread."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PyQt6.QtCore import QByteArray, Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from rtseg.backends import BACKENDS
from rtseg.card import shipped_models
from rtseg.frame import Size
from rtseg.labels import Rgb
from rtseg.runtime.renderer import Rendered
from rtseg.runtime.request import DEMO, SourceRequest
from rtseg.runtime.state import Playing, State, Trouble
from rtseg.runtime.style import Style
from rtseg.video.position import Position
from rtseg.viewer import choosers, content, drop, texts, words
from rtseg.viewer.actions import Actions, Handler
from rtseg.viewer.banner import Banner
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.canvas import Canvas
from rtseg.viewer.controls import CaptureControls, PlaybackControls, ViewControls
from rtseg.viewer.help_sheet import HelpSheet
from rtseg.viewer.meter import Reading
from rtseg.viewer.picture import fitted
from rtseg.viewer.playback_bar import PlaybackBar
from rtseg.viewer.settings import Settings
from rtseg.viewer.side_panel import SidePanel
from rtseg.viewer.start_page import StartPage

_LARGEST: Size = (1280, 720)
_NOTE_MS = 8000
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
_PICTURE = ("snapshot", "record_seen", "record_clean", "save_replay", "reopen")
_CLASS_KEYS = 9


class ViewerWindow(QMainWindow):
    """Made and used on the GUI thread alone, which every method is called by."""

    closed = pyqtSignal()

    def __init__(self, bridge: Bridge, settings: Settings) -> None:
        """Shows the source picker until the session plays something."""
        super().__init__()
        self.bridge, self.settings = bridge, settings
        self._reading: Reading | None = None
        self.canvas, self.start_page = Canvas(), StartPage()
        self.banner, self.side_panel, self.playback_bar = Banner(), SidePanel(), PlaybackBar()
        self.captures = CaptureControls(bridge, self.canvas, settings)
        self.actions_ = Actions(
            self,
            self.canvas,
            PlaybackControls(bridge, self.playback_bar).handlers()
            | ViewControls(self.canvas).handlers()
            | self.captures.handlers()
            | self._handlers(),
        )
        self._lay_out()
        self.help = HelpSheet(self._central)
        self._connect()
        self._restore()
        self._show_state(bridge.state)

    # Making it.

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.setWindowTitle(texts.NAME)
        menu_bar = self.menuBar()
        if menu_bar is not None:
            self.actions_.fill(menu_bar)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(self.canvas)
        beside = QHBoxLayout()
        beside.setSpacing(0)
        beside.addWidget(self._pages, stretch=1)
        beside.addWidget(self.side_panel)
        self._central = QWidget()
        column = QVBoxLayout(self._central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addLayout(beside, stretch=1)
        column.addWidget(self.playback_bar)
        self.playback_bar.hide()
        self.setCentralWidget(self._central)

    def _handlers(self) -> dict[str, Handler]:
        classes = self.side_panel.classes
        toggles: dict[str, Handler] = {
            f"toggle_class {place + 1}": partial(classes.toggle_class, place) for place in range(_CLASS_KEYS)
        }
        return toggles | {
            "open_file": lambda: choosers.choose_file(self, self.open),
            "open_folder": lambda: choosers.choose_folder(self, self.open),
            "open_url": self._ask_for_url,
            "pick_source": self.pick_source,
            "open_demo": lambda: self.open(DEMO),
            "reopen": self._reopen,
            "opacity_up": lambda: classes.opacity.setValue(classes.opacity.value() + 10),
            "opacity_down": lambda: classes.opacity.setValue(classes.opacity.value() - 10),
            "show_all_classes": classes.show_all,
            "next_palette": classes.next_palette,
            "hud": self._next_hud,
            "side_panel": lambda: self._show_panel(not self.side_panel.isVisibleTo(self)),
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
        bridge.rendered.connect(self._show_rendered)
        bridge.state_changed.connect(self._state_changed)
        bridge.read.connect(self._read)
        bridge.position_changed.connect(self._show_position)
        bridge.failed.connect(lambda error: self._show_trouble(Trouble(error)))
        canvas.view_changed.connect(self._view_changed)
        canvas.painted.connect(bridge.painted)
        canvas.full_screen_asked.connect(self.toggle_full_screen)
        self.start_page.source_chosen.connect(self.open)
        self.start_page.cameras_wanted.connect(bridge.session.look_for_cameras)
        self.banner.retried.connect(self._banner_pressed)
        self.banner.dismissed.connect(bridge.session.dismiss)
        self.side_panel.classes.style_changed.connect(self._style_changed)
        self.side_panel.network.network_chosen.connect(bridge.session.use)
        self.side_panel.network.policy_chosen.connect(bridge.session.set_policy)

    # What is asked of it.

    def open(self, uri: str) -> None:
        """Play a source, as `open_source` takes it, or the demo."""
        self.bridge.session.open(SourceRequest((uri,)))

    def pick_source(self) -> None:
        """Show the source picker; what plays goes on behind it."""
        self.start_page.set_recent(self.settings.recent)
        self._pages.setCurrentWidget(self.start_page)
        self.bridge.session.look_for_cameras()

    def toggle_full_screen(self) -> None:
        """The picture alone on the whole screen, or all as before."""
        full = not self.isFullScreen()
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        menu_bar = self.menuBar()
        if menu_bar is not None:
            menu_bar.setVisible(not full)
        self.side_panel.setVisible(not full and self.settings.panel_shown)
        self._show_playback_bar()
        self.actions_.check("full_screen", full)

    def _ask_for_url(self) -> None:
        self.pick_source()
        self.start_page.address.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _reopen(self) -> None:
        if (playing := self.bridge.state.playing) is not None:
            self.bridge.session.open(playing.request)

    def _choose_network(self) -> None:
        self._show_panel(True)
        self.side_panel.go_to("network")

    def _escape(self) -> None:
        """The nearest thing that can be left."""
        if self.help.isVisible():
            self.help.close_sheet()
        elif self.banner.text:
            self.banner.dismiss()
        elif self.isFullScreen():
            self.toggle_full_screen()
        elif self._pages.currentWidget() is self.start_page and self.bridge.state.playing is not None:
            self._show_canvas()

    def _toggle_help(self) -> None:
        self.help.toggle()

    def _show_panel(self, shown: bool) -> None:
        self.settings.panel_shown = shown
        self.side_panel.setVisible(shown)
        self.actions_.check("side_panel", shown)

    def _next_hud(self) -> None:
        levels = content.HUD_LEVELS
        self.settings.hud_level = levels[(levels.index(self.settings.hud_level) + 1) % len(levels)]
        self._refresh_panels()

    def _banner_pressed(self) -> None:
        if self.banner.level == "trouble":
            self.bridge.session.retry()
        else:
            self.captures.open_folder()

    def _style_changed(self, style: Style) -> None:
        self.bridge.session.set_style(style)
        panel = self.side_panel.classes
        self.settings.opacity, self.settings.colors = style.opacity, style.colors
        self.settings.palette_name = panel.palette_name
        self.settings.hidden = panel.hidden
        self._refresh_panels()

    def _view_changed(self) -> None:
        view = self.canvas.view
        self.bridge.set_view(view)
        self.settings.view_mode = view.mode
        self.actions_.check(f"mode_{view.mode}", True)

    def _reset(self) -> None:
        """As on the first day; sources and network stay."""
        self.settings.reset()
        self.side_panel.classes.reset()
        self.side_panel.set_folded(())
        self.canvas.set_view(replace(self.canvas.view, mode="overlay", zoom=1.0, split=0.5))
        self._show_panel(True)
        self.start_page.set_recent(())
        self._refresh_panels()
        self.banner.show_note(texts.SETTINGS_RESET, for_ms=_NOTE_MS)

    # What there is to show.

    def _state_changed(self, state: State, before: State) -> None:
        if state.playing is not before.playing:
            self._show_playing(state.playing)
        if state.trouble is not before.trouble:
            self._show_trouble(state.trouble)
        if state.saved is not before.saved and state.saved is not None:
            self.banner.show_note(words.saved(state.saved), button=texts.OPEN_CAPTURES, for_ms=_NOTE_MS)
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
        if state.playing is None:
            self.canvas.set_trouble(busy)
            if busy:
                self._pages.setCurrentWidget(self.canvas)
        self.actions_.enable(_PICTURE, state.playing is not None)
        is_recording = state.playing is not None and state.playing.player is not None
        self.actions_.enable(_PLAYBACK, is_recording)
        self._refresh_panels()

    def _show_playing(self, playing: Playing | None) -> None:
        if playing is None:
            return
        if playing.ended:
            return
        self.setWindowTitle(texts.TITLE.format(source=playing.source.name))
        if len(playing.request.uris) == 1 and not playing.request.is_demo:
            self.settings.add_recent(playing.request.uris[0])
        card = playing.pipeline.segmenter.card
        self._show_classes(card.classes, card.palette)
        self.side_panel.plots.clear()
        self.playback_bar.set_thumbnails(self.bridge.thumbnail)
        self._show_playback_bar()
        self._show_canvas()

    def _show_classes(self, classes: tuple[str, ...], palette: tuple[Rgb, ...]) -> None:
        """In the style that the session has, less what was hidden when the window was last open."""
        panel, session = self.side_panel.classes, self.bridge.session
        first = not panel.rows
        panel.set_classes(classes, palette)
        if not first:
            return
        style = session.style
        if style.classes is None and self.settings.hidden:
            shown = tuple(name for name in classes[1:] if name not in self.settings.hidden)
            style = replace(style, classes=shown)
            session.set_style(style)
        panel.set_style(style)

    def _show_canvas(self) -> None:
        self._pages.setCurrentWidget(self.canvas)
        self.canvas.setFocus()

    def _show_playback_bar(self) -> None:
        playing = self.bridge.state.playing
        self.playback_bar.setVisible(
            playing is not None and playing.player is not None and not self.isFullScreen()
        )

    def _show_position(self, position: Position) -> None:
        self.playback_bar.set_position(position)
        self.actions_.check("loop", position.loop)

    def _show_trouble(self, trouble: Trouble | None) -> None:
        if trouble is None:
            if self.banner.level == "trouble":
                self.banner.clear()
            return
        text, mend = words.trouble(trouble)
        self.banner.show_trouble(text, mend, texts.RETRIES.get(trouble.retry))
        if self.bridge.state.playing is None:
            self.pick_source()

    def _show_rendered(self, rendered: Rendered) -> None:
        first = self.canvas.rendered is None
        self.canvas.show_rendered(rendered)
        if first and not self.settings.geometry:
            self._fit_to(rendered.shown.frame.size)

    def _read(self, reading: Reading) -> None:
        self._reading = reading
        frame = self.canvas.rendered.shown.frame if self.canvas.rendered else None
        # A grid says it in the tile, as long as any other plays.
        some_play = frame is not None and any(tile.playing for tile in frame.tiles)
        self.canvas.set_trouble("" if some_play else reading.trouble)
        if self.side_panel.isVisible():
            self.side_panel.plots.add(reading)
            self.side_panel.classes.set_shares(reading.shares)
        self._refresh_panels()

    def _refresh_panels(self) -> None:
        playing = self.bridge.state.playing
        panels = {}
        if playing is not None:
            reading, level = self._reading or Reading(), self.settings.hud_level
            running = words.running(self.bridge.state, playing)
            hud = content.head_up_display(running, reading, level)
            if hud is not None:
                panels[Qt.Corner.TopLeftCorner] = hud
            if level != "none":
                panels[Qt.Corner.BottomLeftCorner] = content.legend(running, reading)
            status = words.status(self.bridge.state, playing, with_keys=level == "full")
            if status is not None:
                panels[Qt.Corner.BottomRightCorner] = status
        self.canvas.set_panels(panels)

    # What it remembers.

    def _restore(self) -> None:
        settings = self.settings
        self.side_panel.network.set_choices(
            models=sorted(shipped_models()),
            backends=BACKENDS,
            precisions=("auto", "f32", "bf16", "int8"),
            policies=("auto", "latest", "every-frame"),
        )
        self.side_panel.set_folded(settings.folded)
        self._show_panel(settings.panel_shown)
        self.canvas.set_view(replace(self.canvas.view, mode=settings.view_mode))
        self.actions_.check(f"mode_{self.canvas.view.mode}", True)
        self.start_page.set_recent(settings.recent)
        if not self.restoreGeometry(QByteArray(settings.geometry)):
            self._fit_to(_LARGEST)

    def _fit_to(self, picture: Size) -> None:
        """Have the picture's aspect on the canvas, as large as looks well on this screen."""
        screen = self.screen()
        if screen is None or self.isFullScreen() or self.isMaximized():
            return
        room = screen.availableSize() * 0.9
        beside = self.side_panel.width() if self.settings.panel_shown else 0
        above = self.menuBar().sizeHint().height() if self.menuBar() else 0  # type: ignore[union-attr]
        width, height = fitted(
            picture, (min(_LARGEST[0], room.width() - beside), min(_LARGEST[1], room.height() - above))
        )
        self.resize(width + beside, height + above)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        if event is not None and drop.dropped(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Called by Qt, GUI thread."""
        uri = None if event is None else drop.dropped(event.mimeData())
        if event is not None and uri is not None:
            event.acceptProposedAction()
            self.open(uri)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Called by Qt, however the window is closed."""
        if not self.isFullScreen():
            self.settings.geometry = self.saveGeometry().data()
        self.settings.folded = self.side_panel.folded
        self.bridge.close()
        super().closeEvent(event)
        self.closed.emit()
