"""Machines for the doctor to look at: a board's files as they are there, and what its libraries answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rtseg.doctor.finding import Finding
from rtseg.doctor.place import Answer, Place

ORIN_L4T = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, "
    "DATE: Wed Jan  8 01:49:37 UTC 2025\n# KERNEL_VARIANT: oot\nTARGET_USERSPACE_LIB_DIR=nvidia\n"
    "TARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia\n"
)
THOR_L4T = (
    "# R38 (release), REVISION: 2.2, GCID: 42205042, BOARD: generic, EABI: aarch64, "
    "DATE: Thu Sep 25 22:47:11 UTC 2025\n# KERNEL_VARIANT: oot\n"
)
XAVIER_L4T = (
    "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: Tue Aug  1\n"
)
NVPMODEL = """\
< PM_CONFIG DEFAULT=1 >
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
"""
BUILD = """
General configuration for OpenCV 4.8.0 =====================================

  GUI:                           GTK3
    GTK+:                        YES (ver 3.24.33)

  Video I/O:
    DC1394:                      NO
    FFMPEG:                      YES
      avcodec:                   YES (58.134.100)
    GStreamer:                   YES (1.20.3)
    v4l/v4l2:                    YES (linux/videodev2.h)
"""
WHEEL_BUILD = BUILD.replace("YES (1.20.3)", "NO").replace("GTK3", "NONE")
MISSING = Answer({}, "is not installed", missing=True)

REQUIREMENTS = (
    "av>=17",
    "numpy>=1.26",
    "onnxruntime>=1.19",
    "opencv-python-headless>=4.9",
    "openvino>=2024.4; platform_machine == 'x86_64' or platform_machine == 'AMD64'",
    "tomli>=2; python_version < '3.11'",
    "pyqt6>=6.6; extra == 'viewer'",
    "keras>=3.12; extra == 'train'",
    "onnx>=1.16; extra == 'tensorrt'",
    "pycuda>=2024.1; extra == 'tensorrt'",
    "tensorflow>=2.18; extra == 'train'",
)
VERSIONS = {
    "av": "17.1.0",
    "numpy": "1.26.4",
    "onnxruntime": "1.23.2",
    "tomli": "2.5.0",
    "pyqt6": "6.7.1",
    "onnx": "1.19.0",
    "tensorrt": "10.3.0",  # as the metadata of the board's own package says
    "pycuda": "2024.1.2",
}
ANSWERS = {
    "av": Answer({"version": "17.1.0"}),
    "onnxruntime": Answer({"version": "1.23.2", "providers": ["CPUExecutionProvider"]}),
    "cv2": Answer(
        {"version": "4.8.0", "file": "/usr/lib/python3.10/dist-packages/cv2/__init__.py", "build": BUILD}
    ),
    "driver": Answer({"cuda": "12.6", "gpus": [{"name": "Orin", "capability": [8, 7], "memory_mib": 7619}]}),
    "nvcc": Answer({"version": "12.6", "file": "/usr/local/cuda/bin/nvcc"}),
    "tensorrt": Answer(
        {"version": "10.3.0", "file": "/usr/lib/python3.10/dist-packages/tensorrt/__init__.py"}
    ),
    "pycuda.driver": Answer({"version": None}),
}


def lay(root: Path, files: dict[str, str]) -> None:
    """Write files below a root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def orin(folder: Path) -> Place:
    """An Orin Nano with JetPack 6.2, a CSI and a USB camera, set up as it should be."""
    root = folder / "root"
    lay(
        root,
        {
            "etc/nv_tegra_release": ORIN_L4T,
            "etc/nvpmodel.conf": NVPMODEL,
            "etc/group": "root:x:0:\nvideo:x:44:jetson,gdm\n",
            "var/lib/nvpmodel/status": "pmode:0002 fmode:fan_mode_quiet\n",
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
            "tmp/argus_socket": "",
            "dev/video0": "",
            "dev/video1": "",
            "dev/video2": "",
            "sys/class/video4linux/video0/name": "vi-output, imx219 9-0010\n",
            "sys/class/video4linux/video1/name": "HD Pro Webcam C920\n",
            "sys/class/video4linux/video2/name": "HD Pro Webcam C920\n",
            "sys/class/thermal/thermal_zone0/temp": "52375\n",
            "sys/class/thermal/thermal_zone2/temp": "-256000\n",  # how a sensor that is switched off reads
            "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0\n",
            "sys/class/thermal/cooling_device0/cur_state": "0\n",
            "sys/class/thermal/cooling_device1/type": "pwm-fan\n",
            "sys/class/thermal/cooling_device1/cur_state": "3\n",
            "sys/class/thermal/cooling_device2/type": "gpu-throttle-alert\n",
            "sys/class/thermal/cooling_device2/cur_state": "0\n",
            "sys/class/thermal/cooling_device3/type": "devfreq-gpu-gpc-0\n",
            "sys/class/thermal/cooling_device3/cur_state": "18\n",
            "sys/class/hwmon/hwmon0/name": "pwmfan\n",
            "sys/class/hwmon/hwmon3/name": "soctherm_oc\n",
            "sys/class/hwmon/hwmon3/oc1_event_cnt": "0\n",
            "sys/class/hwmon/hwmon3/oc2_event_cnt": "0\n",
            "sys/class/hwmon/hwmon3/oc3_event_cnt": "0\n",
        },
    )
    lay(folder / "venv", {"pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = true\n"})
    return Place(
        root=root,
        env={"USER": "jetson", "DISPLAY": ":0"},
        system="linux",
        machine="aarch64",
        python=(3, 10, 12),
        prefix=folder / "venv",
        caches=(("compiled networks", folder / "cache"), ("temporary files", folder)),
        ask=ANSWERS.__getitem__,
        version=VERSIONS.get,
        requirements=lambda: REQUIREMENTS,
        may_use=lambda device: True,
        no_window=lambda: None,
        free_bytes=lambda folder: 20 << 30,
    )


def workstation(folder: Path) -> Place:
    """An x86 machine with an NVIDIA GPU, TensorRT from pip, no Jetson."""
    site = "/home/u/.venv/lib/python3.12/site-packages"
    answers = ANSWERS | {
        "openvino": Answer({"version": "2026.4.1"}),
        "clocks": Answer({"slowed": [[]]}),
        "cv2": Answer({"version": "4.11.0", "file": f"{site}/cv2/__init__.py", "build": WHEEL_BUILD}),
        "driver": Answer(
            {
                "cuda": "13.0",
                "gpus": [{"name": "NVIDIA RTX A2000", "capability": [8, 6], "memory_mib": 12000}],
            }
        ),
        "tensorrt": Answer({"version": "10.13.3.9", "file": f"{site}/tensorrt/__init__.py"}),
    }
    versions = VERSIONS | {
        "openvino": "2026.4.1",
        "opencv-python-headless": "4.11.0.86",
        "tensorrt": "10.13.3.9",
        "tensorrt-cu13": "10.13.3.9",
    }
    root = folder / "workstation"
    lay(root, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n"})
    lay(root, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate\n"})
    lay(root, {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "0\n"})
    place = replace(orin(folder), root=root, machine="x86_64", python=(3, 12, 3))
    return replace(place, ask=answers.__getitem__, version=versions.get)


def answering(place: Place, **answers: Answer) -> Place:
    """The same with other answers; pycuda stands for pycuda.driver."""
    asked = place.ask
    new = {name.replace("pycuda", "pycuda.driver"): answer for name, answer in answers.items()}
    return replace(place, ask=lambda name: new[name] if name in new else asked(name))


def having(place: Place, **versions: str | None) -> Place:
    """The same with other packages; an underscore in a name stands for a dash."""
    asked = place.version
    new: dict[str, Any] = {name.replace("_", "-"): version for name, version in versions.items()}
    return replace(place, version=lambda name: new[name] if name in new else asked(name))


def found(findings: Any, check: str) -> Finding:
    """The one finding of that name."""
    (finding,) = [each for each in findings if each.check == check]
    assert isinstance(finding, Finding)
    return finding
