"""Cameras, and whether this user may use them."""

from __future__ import annotations

from collections.abc import Iterator

from rtseg.doctor.finding import Finding, Use
from rtseg.doctor.place import Place
from rtseg.video import cameras
from rtseg.video.cameras import CSI

_DAEMON = "tmp/argus_socket"
_LIVE: frozenset[Use] = frozenset({"run", "viewer"})


def check(place: Place) -> Iterator[Finding]:
    """USB and other V4L2 cameras, then those on a Jetson's camera connector."""
    if place.system != "linux":
        found = f"on {place.system} the system itself asks whether rtseg may use one"
        yield Finding("cameras", "not here", found)
        return
    names = _names(place)
    devices = place.glob("dev/video[0-9]*")
    facts = {"cameras": names}
    if not devices:
        yield Finding("cameras", "not here", "none; rtseg run --demo does without", facts=facts)
        return
    found = "; ".join(f"{device} {name}" for device, name in names.items()) or ", ".join(
        device.name for device in devices
    )
    closed = [device for device in devices if not place.may_use(device)]
    if closed:
        shown = ", ".join(f"/dev/{device.name}" for device in closed)
        yield Finding("cameras", "trouble", f"no permission to use {shown}", _permit(place), _LIVE, facts)
    else:
        yield Finding("cameras", "ok", found, facts=facts)
    if sensors := csi_sensors(place):
        yield _csi(place, sensors)


def csi_sensors(place: Place) -> list[str]:
    """The cameras on a Jetson's connector, by the names of their sensors: ["imx219 9-0010"]."""
    return [name.removeprefix(CSI) for name in _names(place).values() if name.startswith(CSI)]


def _names(place: Place) -> dict[str, str]:
    """Device -> what its driver calls it. A camera has several devices; the first of each name is shown."""
    names: dict[str, str] = {}
    for number, name in cameras.names(place.root).items():
        if name not in names.values():
            names[f"video{number}"] = name
    return names


def _permit(place: Place) -> tuple[str, ...]:
    user = place.env.get("USER") or place.env.get("LOGNAME") or ""
    for line in (place.text("etc/group") or "").splitlines():
        name, _, rest = line.partition(":")
        if name == "video" and user and user in rest.rpartition(":")[2].split(","):
            return ("log out and in again: you have joined the group video since you logged in",)
    return ("sudo usermod -aG video $USER", "log out and in again")


def _csi(place: Place, sensors: list[str]) -> Finding:
    found = f"{', '.join(sensors)}: rtseg run --camera csi://0"
    facts = {"sensors": sensors}
    if (place.root / _DAEMON).exists():
        return Finding("CSI", "ok", found, facts=facts)
    return Finding(
        "CSI",
        "trouble",
        f"{', '.join(sensors)}, but NVIDIA's camera service does not run",
        ("sudo systemctl restart nvargus-daemon",),
        _LIVE,
        facts,
    )
