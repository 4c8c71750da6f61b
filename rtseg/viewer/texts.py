"""Every word that the window shows."""

from __future__ import annotations

from typing import Final

NAME: Final = "rtseg"
TITLE: Final = "rtseg — {source}"

CANVAS: Final = "Picture"
WAITING: Final = "Waiting for the first picture …"
FINISHED: Final = "Finished"
BUSY: Final = {"opening": "Opening {what} …", "loading": "Loading {what} …"}
RETRIES: Final = {"again": "Try again", "reopen": "Open it again", "now": "Try now"}
LOST: Final = "{source} gives no pictures"
LOST_MEND: Final = "It is tried again by itself. Check its cable, its power, and the network"
STATES: Final = {"playing": "playing", "paused": "paused", "ended": "at its end"}
RECORDING: Final = "Recording"
CLOCK: Final = "{minutes:02d}:{seconds:02d}"
SAVED_PICTURES: Final = "Saved {name}, {count} pictures in all"
SAVED_VIDEO: Final = "Saved {name}, {seconds:.1f} s"
SAVED_NOTHING: Final = "Nothing was recorded: no picture came meanwhile"
OPEN_CAPTURES: Final = "Open folder"
SETTINGS_RESET: Final = "All settings are as on the first day"
NO_MESSAGE: Final = "{kind}, without a message"

# Head-up display
FPS: Final = "fps"
RATE: Final = "{value:.1f} fps"
CAPTURED: Final = "Captured"
SEGMENTED: Final = "Segmented"
INFERENCE: Final = "Inference"
AGE_P50: Final = "Age, half under"
AGE_P95: Final = "Age, 95 % under"
CPU: Final = "CPU, memory"
RESOURCES: Final = "{cpu:.0%}, {memory:.0f} MiB"
DROPPED: Final = "Dropped at {stage}"
BACKEND: Final = "Backend"
PRECISION: Final = "Precision"
MODEL: Final = "Model"
SOURCE: Final = "Source"
STATE: Final = "State"
SHORT: Final = "{fps} fps   {age} ms p95   {dropped} dropped"

MILLISECONDS: Final = "{value:.1f} ms"
PERCENT: Final = "{value:.1f} %"
NO_VALUE: Final = "–"

KEYS: Final = "? keys   H figures   F full screen   Q quit"

# Side panel
CLASSES: Final = "Classes"
NETWORK: Final = "Network"
PLOTS: Final = "Figures"
GROUP_TIP: Final = "Fold or unfold {group}"
SIDE_PANEL: Final = "Side panel"

# Classes
PALETTE: Final = "Colours"
PALETTE_TIP: Final = "Colours of all classes. The colour-blind safe ones stay apart for every kind of eye"
PALETTE_NAMES: Final = {
    "": "Model's own",
    "rtseg": "rtseg",
    "colour-blind safe": "Colour-blind safe",
    "bright": "Bright",
    "cityscapes": "Cityscapes",
}
PALETTE_CUSTOM: Final = "Chosen by hand"
OPACITY: Final = "Opacity"
OPACITY_TIP: Final = "How strongly the classes are tinted"
OPACITY_VALUE: Final = "{value} %"
SWATCH_TIP: Final = "Choose the colour of {name}"
COLOR_OF: Final = "Colour of {name}"
SHOW_CLASS_TIP: Final = "Show or hide {name}"
SHARE_OF: Final = "{name}, share of the picture"
RESET_CLASSES: Final = "Reset"
RESET_CLASSES_TIP: Final = "All classes visible, in the model's own colours, at the usual opacity"

# Network
BACKEND_TIP: Final = "The library that runs the network; auto takes the fastest that is here"
MODEL_TIP: Final = "The network that segments"
PRECISION_TIP: Final = "The numbers that it computes with; int8 is fastest where the processor can"
POLICY: Final = "Frames"
POLICY_TIP: Final = "latest: always the newest frame, older ones drop out. every-frame: none is dropped"

# Figures
PLOT_RATES: Final = "Frames a second"
PLOT_STAGES: Final = "Milliseconds in each stage"
PLOT_AGES: Final = "Age in milliseconds"
SERIES: Final = {
    "capture_fps": "captured",
    "inference_fps": "segmented",
    "display_fps": "shown",
    "preprocess": "resize",
    "inference": "network",
    "overlay": "overlay",
    "output": "output",
    "age_p50": "half under",
    "age_p95": "95 % under",
}
NO_PYQTGRAPH: Final = "For plots install pyqtgraph: pip install 'rtseg[viewer]'"

# Banner
TROUBLE: Final = "Trouble"
NOTE: Final = "Note"
RETRY: Final = "Try again"
DISMISS: Final = "Dismiss"
DISMISS_TIP: Final = "Hide this message (Esc)"

# Help
HELP_TITLE: Final = "Keyboard"
HELP_CLOSE: Final = "Esc, ? or a click closes this"
KEY_RANGE: Final = "{first} … {last}"

# Commands: what a menu says and what its tooltip adds
SOURCES: Final = "Sources"
PLAYBACK: Final = "Playback"
VIEW: Final = "View"
CAPTURES: Final = "Captures"
WINDOW: Final = "Window"
COMMANDS: Final = {
    "open_file": ("Open file …", "Play a video or show a picture"),
    "open_folder": ("Open folder …", "Show the pictures of a folder"),
    "open_url": ("Open URL …", "Watch a stream or a video on the network"),
    "pick_source": ("Choose a source", "Cameras, recent sources, files and the demo on one page"),
    "open_demo": ("Demo", "A street that rtseg draws itself"),
    "reopen": ("Open again", "Connect to the present source once more"),
    "play": ("Play or pause", "Stop at this picture, or go on from it"),
    "step_forward": ("Next frame", "Pause and show the next frame"),
    "step_back": ("Previous frame", "Pause and show the frame before"),
    "seek_forward": ("5 s forward", "Go on five seconds later"),
    "seek_back": ("5 s back", "Go on five seconds earlier"),
    "seek_start": ("To the start", "Go to the first frame"),
    "faster": ("Faster", "Play faster, up to four times"),
    "slower": ("Slower", "Play slower, down to a quarter"),
    "loop": ("Loop", "Begin again at the end"),
    "mode_overlay": ("Overlay", "The picture with its classes tinted"),
    "mode_mask": ("Mask only", "The classes alone"),
    "mode_side": ("Side by side", "The picture beside its classes"),
    "mode_split": ("Split", "The picture left of a line that can be dragged, the overlay right of it"),
    "zoom_in": ("Zoom in", "Also with the mouse wheel"),
    "zoom_out": ("Zoom out", "Also with the mouse wheel"),
    "zoom_fit": ("Fit", "The whole picture"),
    "zoom_pixels": ("Pixel for pixel", "One pixel of the picture on one of the screen"),
    "pan_left": ("Pan left", "Also by dragging"),
    "pan_right": ("Pan right", "Also by dragging"),
    "pan_up": ("Pan up", "Also by dragging"),
    "pan_down": ("Pan down", "Also by dragging"),
    "opacity_up": ("Stronger", "Tint the classes more"),
    "opacity_down": ("Fainter", "Tint the classes less"),
    "toggle_class": ("Show or hide a class", "By its place in the list"),
    "show_all_classes": ("Show all classes", "None hidden"),
    "next_palette": ("Next colours", "Another palette for the classes"),
    "snapshot": ("Snapshot", "Save the frame, its mask and the overlay as pictures"),
    "record_seen": ("Record what is seen", "Start or stop a video of the overlay"),
    "record_clean": ("Record frames and masks", "Start or stop a clean video and one of its class maps"),
    "save_replay": ("Save the last 10 seconds", "A video of what was just seen"),
    "open_captures": ("Open the captures' folder", "Where snapshots and recordings are written"),
    "hud": ("Figures: none, short, full", "How much is written over the picture"),
    "side_panel": ("Side panel", "Classes, network and figures beside the picture"),
    "choose_network": ("Choose the network", "Go to model, backend, precision and policy"),
    "full_screen": ("Full screen", "Nothing but the picture"),
    "escape": ("Leave", "Close the help or a message, leave full screen or the choice of a source"),
    "help": ("Help", "This list of keys"),
    "reset_settings": ("Reset settings", "Forget what the window remembers"),
    "close": ("Close", "Close the window"),
    "quit": ("Quit", "End rtseg"),
}

# Why no window opens
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
BACK: Final = "Back to the picture"
BACK_TIP: Final = "What played goes on all the while (Esc)"
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
