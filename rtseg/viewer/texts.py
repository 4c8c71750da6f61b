"""Every word that the window shows."""

from __future__ import annotations

from typing import Final

TITLE: Final = "rtseg — {source}"

WAITING: Final = "Waiting for the first picture …"
FINISHED: Final = "Finished"
FAILED: Final = "Stopped: {error}"
NO_MESSAGE: Final = "{kind}, without a message"

FPS: Final = "fps"
CAPTURED: Final = "Captured, segmented"
RATES: Final = "{capture:.0f}, {inference:.0f} fps"
INFERENCE: Final = "Inference"
AGE: Final = "Age"
AGE_P95: Final = "Age, 95 % under"
CPU: Final = "CPU, memory"
RESOURCES: Final = "{cpu:.0%}, {memory:.0f} MiB"
DROPPED: Final = "Dropped at {stage}"
BACKEND: Final = "Backend"
MODEL: Final = "Model"
SOURCE: Final = "Source"

MILLISECONDS: Final = "{value:.1f} ms"
PERCENT: Final = "{value:.1f} %"
NO_VALUE: Final = "–"

KEYS: Final = "H panels   F full screen   Q quit"

NO_DISPLAY: Final = (
    "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Log in on the machine's own screen or "
    "with ssh -X, or run with --no-display"
)
NO_X_SERVER: Final = (
    "no X server answers at DISPLAY={display!r}. Correct it, log in again with ssh -X, or run with "
    "--no-display"
)
NO_WAYLAND: Final = (
    "no Wayland compositor answers at WAYLAND_DISPLAY={display!r}. Correct it, or run with --no-display"
)
NO_PYQT: Final = "PyQt6 is not installed. Install it with `pip install 'rtseg[viewer]'`"
BROKEN_PYQT: Final = "PyQt6 cannot be loaded ({reason}). {cure}"
CURE_LINUX: Final = (
    "Install the system's libraries that it needs, on Debian and Ubuntu: `sudo apt install libgl1 libegl1 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 libdbus-1-3 "
    "libfontconfig1 libglib2.0-0`"
)
CURE_OTHERS: Final = "Install it anew with `pip install --force-reinstall PyQt6`"

# Sources: the bar below a recording
PLAY: Final = "Play"
PLAY_AGAIN: Final = "Play again from the beginning"
PAUSE: Final = "Pause"
STEP_BACK: Final = "One frame back"
STEP_FORWARD: Final = "One frame forward"
SEEK: Final = "Place in the recording"
SEEK_TIP: Final = "Click or drag to go there; arrow keys go 5 seconds, Page Up and Page Down 30"
NOT_SEEKABLE: Final = "This recording can only be played from its beginning"
POSITION: Final = "Time"
DURATION: Final = "Length"
SPEED: Final = "Speed"
SPEED_TIMES: Final = "{speed:g}×"
LOOP: Final = "Play again and again"
NO_TIME: Final = "–:––"

# Sources: where the pictures come from
CHOOSE_SOURCE: Final = "Choose a source"
DROP_HINT: Final = "… or drop a video, a folder of pictures or a link here"
DROP_NOW: Final = "Drop it to open it"
CAMERAS: Final = "Cameras"
LOOKING_FOR_CAMERAS: Final = "Looking for cameras …"
NO_CAMERAS: Final = "No camera was found. Plug one in and look again."
LOOK_AGAIN: Final = "Look again"
RECENT: Final = "Recent"
NO_RECENT: Final = "What you open is listed here."
OPEN_FILE: Final = "Open file …"
OPEN_FILE_TIP: Final = "A video or a picture"
OPEN_FOLDER: Final = "Open folder …"
OPEN_FOLDER_TIP: Final = "All pictures in a folder, one after the other"
DEMO: Final = "Demo"
DEMO_TIP: Final = "A street that rtseg draws itself"
ADDRESS: Final = "Address"
ADDRESS_HINT: Final = "rtsp://192.0.2.7/stream, https://…, or a path"
ADDRESS_TIP: Final = "An IP camera, a server, or a file or folder by its path"
OPEN: Final = "Open"
NO_HOST: Final = "{uri}: there is no host in it; expected for example rtsp://192.0.2.7/stream"
NO_SUCH_PATH: Final = "{path}: neither a link nor a file or folder of this machine; check it"
VIDEOS_AND_PICTURES: Final = "Videos and pictures"
ALL_FILES: Final = "All files"
