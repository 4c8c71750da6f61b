"""What the strips of words say when: troubles above the picture until they end, notes on it for a while."""

from __future__ import annotations

from rtseg.runtime.captures import Saved
from rtseg.runtime.state import Playing, Trouble
from rtseg.viewer import texts, words
from rtseg.viewer.bridge import Bridge
from rtseg.viewer.controls import CaptureControls
from rtseg.viewer.parts import Parts

_NOTE_MS = 8000
_LOST_READINGS = 6  # a second and a half: what is back sooner is only seen dimmed


class Messages:
    """GUI thread only."""

    def __init__(self, bridge: Bridge, parts: Parts, captures: CaptureControls) -> None:
        self._bridge, self._banner, self._note = bridge, parts.banner, parts.note
        self._tells_lost = False
        self._lost_readings = 0
        self._told: dict[int, str] = {}
        self._banner.retried.connect(self._retry)
        self._banner.dismissed.connect(bridge.session.dismiss)
        self._note.retried.connect(captures.open_folder)

    def show_trouble(self, trouble: Trouble | None) -> None:
        """What failed, what to do, and a button that tries it again; None where nothing is wrong any more."""
        self._tells_lost = False
        if trouble is None:
            self._banner.clear()
            return
        text, mend = words.trouble(trouble)
        self._banner.show_trouble(text, mend, texts.RETRIES.get(trouble.retry))

    def show_saved(self, saved: Saved) -> None:
        """Files were written, and where."""
        self._note.show_note(words.saved(saved), button=texts.OPEN_CAPTURES, for_ms=_NOTE_MS)

    def show_note(self, text: str) -> None:
        """For a while."""
        self._note.show_note(text, for_ms=_NOTE_MS)

    def source_changed(self) -> None:
        """What was said of the source before is over."""
        self._told.clear()
        self._found()

    def watch(self, playing: Playing, lost: str) -> None:
        """A few times a second: what goes wrong with a source that plays on, or why nothing comes of it."""
        for place, line in enumerate(tuple(playing.source.troubles)):
            if self._told.get(place) != line:
                self._told[place] = line
                self.show_note(" ".join(line.split()))
        if not lost or playing.ended:
            self._found()
            return
        self._lost_readings += 1
        if self._lost_readings == _LOST_READINGS and not self._banner.text:
            self._tells_lost = True
            name = playing.source.name
            self._banner.show_trouble(texts.LOST.format(source=name), texts.LOST_MEND, texts.RETRIES["now"])

    def _found(self) -> None:
        self._lost_readings = 0
        if self._tells_lost:
            self._tells_lost = False
            self._banner.clear()

    def leave(self) -> bool:
        """Take back what is said, a note first; False where nothing is."""
        for strip in (self._note, self._banner):
            if strip.text:
                strip.dismiss()
                return True
        return False

    def _retry(self) -> None:
        if self._tells_lost:
            self._bridge.session.connect_now()
        else:
            self._bridge.session.retry()
