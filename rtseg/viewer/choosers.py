"""The dialogs that ask for a file or a folder. They stop nothing: what is chosen comes by a call."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QWidget

from rtseg.video.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from rtseg.viewer import texts

Chosen = Callable[[str], None]


def choose_file(parent: QWidget, chosen: Chosen, folder: str = "") -> QFileDialog:
    """Ask for a video or a picture, beginning in a folder; the open dialog. GUI thread."""
    suffixes = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES | IMAGE_SUFFIXES))
    dialog = QFileDialog(parent, texts.OPEN_FILE, folder)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([f"{texts.VIDEOS_AND_PICTURES} ({suffixes})", f"{texts.ALL_FILES} (*)"])
    return _opened(dialog, chosen)


def choose_folder(parent: QWidget, chosen: Chosen, folder: str = "") -> QFileDialog:
    """Ask for a folder of pictures, beginning in a folder; the open dialog. GUI thread."""
    dialog = QFileDialog(parent, texts.OPEN_FOLDER, folder)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    return _opened(dialog, chosen)


def _opened(dialog: QFileDialog, chosen: Chosen) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.open()
    return dialog
