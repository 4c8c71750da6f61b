"""cv2: whose it is, whether it can read a CSI camera (GStreamer), and whether it brings a Qt of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from rtseg.doctor.board import board
from rtseg.doctor.cameras import csi_sensors
from rtseg.doctor.finding import USES, Finding
from rtseg.doctor.place import Answer, Place, wheels_of

_HEADLESS = "opencv-python-headless"
_WHEELS = (_HEADLESS, "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
_OLD_NUMPY = ("pip", "install", "numpy<2")


def check(place: Place) -> Iterator[Finding]:
    """Whether it loads; then its GStreamer, and its Qt."""
    answer = place.ask("cv2")
    wheels = wheels_of(place, answer, _WHEELS)
    if answer.error is not None:
        yield Finding("cv2", "trouble", answer.error, (_cure(place, answer),), frozenset(USES))
        return
    build = str(answer.facts.get("build", ""))
    origin = f"pip's {', '.join(wheels)}" if wheels else "the system's own"
    facts = {"version": answer.facts.get("version"), "file": answer.facts.get("file"), "wheels": wheels}
    found = f"{answer.facts.get('version')}, {origin}"
    if len(wheels) > 1:
        found += ": they write over each other's files"
        mend = (shlex.join(["pip", "uninstall", "-y", *wheels]), f"pip install {_HEADLESS}")
        yield Finding("cv2", "trouble", found, mend, facts=facts)
    else:
        yield Finding("cv2", "ok", found, facts=facts)
    yield _gstreamer(place, build, wheels)
    yield _qt(build, wheels)


def built_with(build: str, part: str) -> str | None:
    """What cv2.getBuildInformation() says of a part that it has, as in "YES (1.20.3)"; None without it."""
    match = re.search(rf"^\s*{part}:[ \t]*(.*)$", build, re.MULTILINE)
    value = match[1].strip() if match else ""
    return None if value in {"", "NO", "NONE"} else value


def _cure(place: Place, answer: Answer) -> str:
    if "numpy" in (answer.error or "").lower():
        return shlex.join(_OLD_NUMPY)  # the system's cv2 was compiled for NumPy 1
    if board(place) is not None:
        return "sudo apt install python3-opencv"
    again = [] if answer.missing else ["--force-reinstall", "--no-deps"]
    return shlex.join(["pip", "install", *again, _HEADLESS])


def _gstreamer(place: Place, build: str, wheels: list[str]) -> Finding:
    gstreamer = built_with(build, "GStreamer")
    facts = {"gstreamer": gstreamer}
    if gstreamer is not None:
        version = re.search(r"\(([\d.]+)\)", gstreamer)
        return Finding("GStreamer", "ok", f"in cv2, {version[1] if version else gstreamer}", facts=facts)
    found = "not in this cv2; only csi:// cameras need it"
    if board(place) is None:
        return Finding("GStreamer", "not here", found, facts=facts)
    mend = [shlex.join(["pip", "uninstall", "-y", *wheels])] if wheels else []
    mend += ["sudo apt install python3-opencv", shlex.join(_OLD_NUMPY)]
    if sensors := csi_sensors(place):
        found = f"not in this cv2, so {', '.join(sensors)} cannot be opened"
        return Finding("GStreamer", "trouble", found, tuple(mend), frozenset({"run", "viewer"}), facts)
    return Finding("GStreamer", "not here", found, tuple(mend), facts=facts)


def _qt(build: str, wheels: list[str]) -> Finding:
    gui = built_with(build, "GUI")
    is_qt = gui is not None and gui.upper().startswith("QT")
    facts = {"gui": gui}
    if not is_qt:
        return Finding(
            "Qt in cv2", "not here", f"cv2's windows: {gui or 'none'}; PyQt6 is undisturbed", facts=facts
        )
    if not wheels:
        return Finding(
            "Qt in cv2", "ok", f"{gui}, the system's; no plug-ins that PyQt6 would find", facts=facts
        )
    return Finding(
        "Qt in cv2",
        "trouble",
        f"{gui} in pip's cv2, whose plug-ins PyQt6 may take for its own",
        (shlex.join(["pip", "uninstall", "-y", *wheels]), f"pip install {_HEADLESS}"),
        facts=facts,
    )
