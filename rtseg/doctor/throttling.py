"""What holds the clocks down: power modes, governors, heat and weak power supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtseg.doctor.board import board
from rtseg.doctor.finding import Finding
from rtseg.doctor.place import Place

# Their everyday governor is called powersave and still goes as fast as is asked.
_OWN_GOVERNORS = {"intel_pstate", "amd-pstate-epp"}
_COOL = "give it air: clean or add a fan; then start it again, and see what this check says"


def check(place: Place) -> Iterator[Finding]:
    """The power mode or governor, then heat, then a GPU's own clocks or a Jetson's power supply."""
    mode = _power_mode(place)
    yield mode if mode is not None else _governor(place)
    yield _heat(place)
    other = _gpu(place) if board(place) is None else _supply(place)
    if other is not None:
        yield other


def _power_mode(place: Place) -> Finding | None:
    """What nvpmodel has set; None where there is none. Modes are numbered differently on each board."""
    status = re.search(r"pmode:(\d+)", place.text("var/lib/nvpmodel/status") or "")
    config = place.text("etc/nvpmodel.conf") or ""
    modes = {int(number): name for number, name in re.findall(r"POWER_MODEL ID=(\d+) NAME=([^\s>]+)", config)}
    default = re.search(r"PM_CONFIG DEFAULT=(\d+)", config)
    current = status or default
    if current is None:
        return None
    number = int(current[1])
    facts = {"mode": number, "name": modes.get(number), "modes": modes}
    found = f"{modes.get(number, 'mode')} ({number})"
    fastest = next((each for each, name in modes.items() if name.startswith("MAXN")), None)
    if fastest is not None and number != fastest:
        found += f"; faster: {modes[fastest]}, sudo nvpmodel -m {fastest}"
    return Finding("power mode", "ok", found, facts=facts)


def _governor(place: Place) -> Finding:
    policies = place.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    pairs = {
        (place.text(f"{folder}/scaling_governor"), place.text(f"{folder}/scaling_driver"))
        for folder in (policy.relative_to(place.root) for policy in policies)
    }
    governors = sorted({governor for governor, _ in pairs if governor})
    facts = {"governors": governors}
    if not governors:
        return Finding(
            "governor", "not here", "this machine does not tell how it sets its clocks", facts=facts
        )
    slow = any(governor == "powersave" and driver not in _OWN_GOVERNORS for governor, driver in pairs)
    if slow:
        found = "powersave: the lowest clock at all times"
        cure = ("sudo cpupower frequency-set -g schedutil",)
        return Finding("governor", "trouble", found, cure, facts=facts)
    return Finding("governor", "ok", ", ".join(governors), facts=facts)


def _heat(place: Place) -> Finding:
    """Whether heat slows it now, or (where that is counted) has since the start."""
    zones = [place.number(path) for path in place.glob("sys/class/thermal/thermal_zone*/temp")]
    # A sensor that is switched off reads -256 °C, or not at all.
    hottest_c = max((zone / 1000 for zone in zones if zone is not None and zone > 0), default=None)
    alerts = []
    for kind in place.glob("sys/class/thermal/cooling_device*/type"):
        name = kind.read_text(encoding="ascii", errors="replace").strip()
        # The others work when all is well: fans turn, and clocks follow the load.
        if name.endswith("-alert") and place.number(kind.parent / "cur_state"):
            alerts.append(name)
    counts = [
        place.number(path) or 0
        for path in place.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    facts = {"hottest_c": hottest_c, "alerts": alerts, "throttled": sum(counts)}
    now = f"{hottest_c:.0f} °C" if hottest_c is not None else "no temperature told"
    if alerts:
        return Finding(
            "heat", "trouble", f"{now}, slowed down now: {', '.join(alerts)}", (_COOL,), facts=facts
        )
    if any(counts):
        found = f"{now}; slowed down {sum(counts)} times since the start"
        return Finding("heat", "trouble", found, (_COOL,), facts=facts)
    if hottest_c is None and not counts:
        return Finding("heat", "not here", "this machine does not tell its temperatures", facts=facts)
    return Finding("heat", "ok", now, facts=facts)


def _gpu(place: Place) -> Finding | None:
    """What slows a graphics card down now; None without one. A Jetson has other signs."""
    answer = place.ask("clocks")
    slowed = answer.facts.get("slowed", ())
    if not slowed:
        return None
    reasons = sorted({reason for each in slowed for reason in each})
    if not reasons:
        return Finding("GPU clocks", "ok", "nothing holds them down now", facts=answer.facts)
    cures = {"heat": _COOL, "power supply": "use a stronger power supply, and all of the card's plugs"}
    mend = [cures[reason] for reason in reasons if reason in cures] or ["nvidia-smi -q -d PERFORMANCE"]
    found = f"slowed down now: {', '.join(reasons)}"
    return Finding("GPU clocks", "trouble", found, tuple(mend), facts=answer.facts)


def _supply(place: Place) -> Finding | None:
    """The counters of a Jetson's over-current guard; None elsewhere. They count from the start."""
    for name in place.glob("sys/class/hwmon/hwmon*/name"):
        if name.read_text(encoding="ascii", errors="replace").strip() != "soctherm_oc":
            continue
        counts = {
            path.name.removesuffix("_event_cnt"): place.number(path) or 0
            for path in sorted(name.parent.glob("oc*_event_cnt"))
        }
        total = sum(counts.values())
        if not total:
            return Finding("power supply", "ok", "enough since the start", facts=counts)
        return Finding(
            "power supply",
            "trouble",
            f"too weak {total} times since the start: the clocks were cut",
            ("sudo nvpmodel -q --verbose", "choose a mode of less watts, or use a stronger power supply"),
            facts=counts,
        )
    return None
