"""Window, cameras, folders and clocks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from boards import MISSING, answering, found, lay

from rtseg.doctor import cache, cameras, display, throttling
from rtseg.doctor.place import Answer, Place
from rtseg.viewer import texts


def test_cameras_are_named_once_and_csi_ones_with_their_command(jetson: Place) -> None:
    findings = list(cameras.check(jetson))
    assert found(findings, "cameras").found == "video0 vi-output, imx219 9-0010; video1 HD Pro Webcam C920"
    assert found(findings, "CSI").found == "imx219 9-0010: rtseg run --camera csi://0"


def test_a_machine_without_cameras_runs_without(pc: Place) -> None:
    (finding,) = cameras.check(pc)
    assert (finding.verdict, finding.breaks) == ("not here", set())


def test_a_camera_that_may_not_be_used_breaks_run(jetson: Place) -> None:
    place = replace(jetson, may_use=lambda device: device.name != "video1", env={"USER": "guest"})
    finding = found(cameras.check(place), "cameras")
    assert (finding.found, finding.breaks) == ("no permission to use /dev/video1", {"run", "viewer"})
    assert finding.mend[0] == "sudo usermod -aG video $USER"


def test_who_has_joined_the_group_already_only_logs_in_again(jetson: Place) -> None:
    place = replace(jetson, may_use=lambda device: False)
    (mend,) = found(cameras.check(place), "cameras").mend
    assert mend.startswith("log out and in again")


def test_a_camera_service_that_does_not_run_is_started(jetson: Place) -> None:
    (jetson.root / "tmp/argus_socket").unlink()
    finding = found(cameras.check(jetson), "CSI")
    assert finding.mend == ("sudo systemctl restart nvargus-daemon",)
    assert "run" in finding.breaks


@pytest.mark.parametrize(
    ("reason", "mend"),
    [
        (texts.NO_PYQT, "pip install 'rtseg[viewer]'"),
        (
            texts.NO_X_SERVER.format(display=":9"),
            "Correct it, log in again with ssh -X, or run with --no-display",
        ),
    ],
)
def test_without_a_window_the_viewer_fails_and_run_does_not(jetson: Place, reason: str, mend: str) -> None:
    (window,) = display.check(replace(jetson, no_window=lambda: reason))
    assert (window.verdict, window.breaks, window.mend) == ("not here", {"viewer"}, (mend,))
    assert window.judged_for("run").verdict == "not here"
    assert window.judged_for("viewer").verdict == "trouble"


def test_a_cache_is_told_with_its_space_and_not_made(jetson: Place, tmp_path: Path) -> None:
    finding = found(cache.check(jetson), "cache")
    assert (finding.verdict, finding.found) == ("ok", f"{tmp_path}/cache, 20 GiB free")
    assert not (tmp_path / "cache").exists()


def test_a_full_disk_and_a_folder_that_cannot_be_are_troubles(jetson: Place, tmp_path: Path) -> None:
    full = found(cache.check(replace(jetson, free_bytes=lambda folder: 30 << 20)), "cache")
    assert (full.verdict, full.breaks) == ("trouble", set())
    assert "30 MiB free" in full.found
    (tmp_path / "file").write_text("")
    impossible = [tmp_path / "file/cache"]
    if Path("/proc/self").exists():
        impossible.append(Path("/proc/none/rtseg"))  # where even root, who may do all, can make nothing
    for folder in impossible:
        finding = found(cache.check(replace(jetson, caches=(("compiled networks", folder),))), "cache")
        assert (finding.verdict, finding.breaks) == ("trouble", set())
        assert finding.found.startswith(f"{folder} cannot be made (")
        assert finding.found.endswith("RTSEG_CACHE can name another")
        assert finding.mend == ("export RTSEG_CACHE=/a/folder/with/space",)
        temporary = replace(jetson, caches=(("temporary files", folder),))
        assert found(cache.check(temporary), "temporary").mend == ("export TMPDIR=/a/folder/with/space",)


def test_a_folder_is_tried_and_left_as_it_was(jetson: Place, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    assert {finding.verdict for finding in cache.check(jetson)} == {"ok"}
    assert set(tmp_path.rglob("*")) == before


def test_no_folder_at_all_is_told(jetson: Place) -> None:
    findings = list(cache.check(replace(jetson, caches=())))
    assert found(findings, "cache").mend == ("export RTSEG_CACHE=/a/folder/with/space",)
    assert found(findings, "temporary").mend == ("export TMPDIR=/a/folder/with/space",)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may look at everything")
def test_a_folder_that_may_not_be_looked_at_is_told(jetson: Place, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    closed = replace(jetson, caches=(("compiled networks", tmp_path / "closed/rtseg"),))
    assert "cannot be made" in found(cache.check(closed), "cache").found


def test_a_cool_board_in_its_fastest_mode_is_well(jetson: Place) -> None:
    findings = list(throttling.check(jetson))
    assert {finding.verdict for finding in findings} == {"ok"}
    assert found(findings, "power mode").found == "MAXN_SUPER (2)"
    assert found(findings, "heat").found == "52 °C"


@pytest.mark.parametrize("status", ["pmode:0001\n", None])
def test_a_faster_power_mode_is_named(jetson: Place, status: str | None) -> None:
    path = jetson.root / "var/lib/nvpmodel/status"
    path.unlink() if status is None else path.write_text(status)
    mode = found(throttling.check(jetson), "power mode")
    assert (mode.verdict, mode.found) == ("ok", "25W (1); faster: MAXN_SUPER, sudo nvpmodel -m 2")


def test_heat_and_a_weak_supply_are_troubles_that_break_nothing(jetson: Place) -> None:
    lay(
        jetson.root,
        {
            "sys/class/thermal/thermal_zone0/temp": "96500\n",
            "sys/class/thermal/cooling_device2/cur_state": "1\n",
            "sys/class/hwmon/hwmon3/oc2_event_cnt": "15\n",
            "sys/class/hwmon/hwmon3/oc3_event_cnt": "37\n",
        },
    )
    findings = list(throttling.check(jetson))
    assert found(findings, "heat").found == "96 °C, slowed down now: gpu-throttle-alert"
    assert found(findings, "power supply").found.startswith("too weak 52 times since the start")
    assert not any(finding.breaks for finding in findings)


def test_powersave_is_slow_except_with_the_drivers_that_mean_something_else_by_it(pc: Place) -> None:
    assert found(throttling.check(pc), "governor").verdict == "ok"
    lay(pc.root, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "acpi-cpufreq\n"})
    governor = found(throttling.check(pc), "governor")
    assert (governor.verdict, governor.mend) == ("trouble", ("sudo cpupower frequency-set -g schedutil",))


def test_a_processor_that_was_slowed_down_by_heat_is_told(pc: Place) -> None:
    lay(pc.root, {"sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "12\n"})
    heat = found(throttling.check(pc), "heat")
    assert (heat.verdict, heat.facts["throttled"]) == ("trouble", 12)


@pytest.mark.parametrize(
    ("slowed", "told", "mend"),
    [
        ([["heat"], []], "slowed down now: heat", "give it air"),
        ([["power supply"]], "slowed down now: power supply", "use a stronger power supply"),
        ([["hardware slowdown"]], "slowed down now: hardware slowdown", "nvidia-smi -q -d PERFORMANCE"),
    ],
)
def test_a_graphics_card_that_is_slowed_down_is_told(
    pc: Place, slowed: list[list[str]], told: str, mend: str
) -> None:
    assert found(throttling.check(pc), "GPU clocks").verdict == "ok"
    clocks = found(throttling.check(answering(pc, clocks=Answer({"slowed": slowed}))), "GPU clocks")
    assert (clocks.verdict, clocks.found, clocks.breaks) == ("trouble", told, frozenset())
    assert clocks.mend[0].startswith(mend)


def test_without_a_graphics_card_nothing_is_said_of_its_clocks(pc: Place) -> None:
    without = throttling.check(answering(pc, clocks=MISSING))
    assert "GPU clocks" not in {finding.check for finding in without}
