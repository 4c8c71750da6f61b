"""tools/jetson/setup.sh on the files of a board, where apt, pip and sudo only write down their calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = REPOSITORY / "tools"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the script is for sh")

ORIN = """\
# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, \
DATE: Wed Jan  8 01:49:37 UTC 2025
# KERNEL_VARIANT: oot
TARGET_USERSPACE_LIB_DIR=nvidia
TARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia
"""
THOR = """\
# R38 (release), REVISION: 2.2, GCID: 42205042, BOARD: generic, EABI: aarch64, \
DATE: Thu Sep 25 22:47:11 UTC 2025
# KERNEL_VARIANT: oot
TARGET_USERSPACE_LIB_DIR=nvidia
"""
XAVIER = (
    "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: Tue Aug  1 2023\n"
)
NVPMODEL = """\
< PM_CONFIG DEFAULT=1 >
< POWER_MODEL ID=0 NAME=15W >
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
"""

# Each is one program: what it was called with goes to $STATE/calls, what it did to other files of $STATE.
PROGRAMS = {
    "sudo": 'echo "sudo $*" >>"$STATE/calls"; exec "$@"',
    "dpkg-query": 'for name; do :; done; [ ! -e "$STATE/installed/$name" ] || printf installed',
    "apt-get": """
[ ! -e "$STATE/apt_fails" ] || exit 100
echo "apt-get $*" >>"$STATE/calls"
for name; do
    case $name in
        -* | DPkg*) continue ;;
        python3-opencv) echo yes >"$STATE/gstreamer" ;;
        nvidia-jetpack)
            mkdir -p "$JETSON_ROOT/usr/local/cuda/bin"
            printf '#!/bin/sh\\n' >"$JETSON_ROOT/usr/local/cuda/bin/nvcc"
            chmod +x "$JETSON_ROOT/usr/local/cuda/bin/nvcc"
            ;;
    esac
    : >"$STATE/installed/$name"
done""",
    "id": 'case $1 in -u) echo 1000 ;; -un) echo jetson ;; -nG) cat "$STATE/groups" ;; esac',
    "usermod": 'printf " %s" "$2" >>"$STATE/groups"',
    # The board's Python, and through a link that of .venv.
    "python3": """
case "$*" in
    *'import fcntl'*) exec "$REAL_PYTHON" "$@" ;;
    *sys.version_info*) echo "$(cat "$STATE/version") $0"; exit ;;
    *cv2.getBuildInformation*) cat "$STATE/gstreamer" 2>/dev/null; exit ;;
    *'import ensurepip'*) exit ;;
esac
echo "python3 $*" >>"$STATE/calls"
for last; do :; done
case "$*" in
    *'-m venv'*)
        mkdir -p "$last/bin" "$last/lib/python3.10/site-packages"
        ln -sf "$REAL_FAKE" "$last/bin/python"
        : >"$last/bin/pip"
        case "$*" in *--system*) sees=true ;; *) sees=false ;; esac
        echo "include-system-site-packages = $sees" >"$last/pyvenv.cfg"
        ;;
    *'pip install'*--editable*)
        printf 'constraints: %s\\nPATH=%s\\n' "$(cat "$PIP_CONSTRAINT")" "$PATH" >>"$STATE/calls"
        mkdir -p "$VENV/lib/python3.10/site-packages/cv2"
        printf '#!/bin/sh\\necho "rtseg $*" >>"$STATE/calls"; exit "$(cat "$STATE/doctor")"\\n' \\
            >"$VENV/bin/rtseg"
        chmod +x "$VENV/bin/rtseg"
        ;;
    *'uninstall'*) rm -r "$VENV/lib/python3.10/site-packages/cv2" ;;
esac""",
}


@dataclass
class Bench:
    """A board and a checkout; `state` is what the programs find and leave."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "the repository"

    @property
    def board(self) -> Path:
        return self.folder / "board"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def write(self, path: str, text: str) -> None:
        (self.board / path).parent.mkdir(parents=True, exist_ok=True)
        (self.board / path).write_text(text)

    def set_up(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        (self.state / "calls").write_text("")
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON", "SUDO_"))
        }
        own = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHON": str(self.folder / "bin/python3"),
            "JETSON_ROOT": str(self.board),
            "STATE": str(self.state),
            "VENV": str(self.root / ".venv"),
            "REAL_PYTHON": sys.executable,
            "REAL_FAKE": str(self.folder / "bin/python3"),
        }
        command = [self.root / "tools/jetson/setup.sh", *args]
        return subprocess.run(
            command, env=inherited | own | env, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An Orin as it is after flashing an SD card: no CUDA, no TensorRT, no cv2."""
    bench = Bench(tmp_path)
    shutil.copytree(TOOLS, bench.root / "tools")
    shutil.copy(REPOSITORY / "pyproject.toml", bench.root)
    bench.write("etc/nv_tegra_release", ORIN)
    bench.write(
        "proc/device-tree/model", "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0"
    )
    bench.write("etc/group", "root:x:0:\nvideo:x:44:\nrender:x:104:\n")
    (tmp_path / "bin").mkdir()
    for name, script in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (bench.state / "installed").mkdir(parents=True)
    for name, text in {"version": "3.10", "groups": "jetson sudo", "doctor": "0"}.items():
        (bench.state / name).write_text(text)
    return bench


def test_a_fresh_board_gets_everything_in_order(bench: Bench) -> None:
    done = bench.set_up()
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(
        "rtseg: NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super, L4T 36.4.3, JetPack 6\n"
    )
    installs = [
        call.partition("install -y ")[2].split() for call in bench.calls if call.startswith("apt-get")
    ]
    assert ["nvidia-jetpack", "python3-libnvinfer"] in installs
    assert ["python3-opencv"] in installs
    order = [
        next(number for number, call in enumerate(bench.calls) if part in call)
        for part in (
            "nvidia-jetpack",
            "python3-opencv",
            "usermod",
            "--editable",
            "uninstall",
            "--system",
        )
    ]
    assert order == sorted(order)
    assert bench.calls[-1] == "rtseg doctor --for tensorrt"
    assert done.stderr.endswith(f"rtseg: ready: {bench.root}/.venv/bin/rtseg run --camera csi://0\n")


def test_pip_keeps_numpy_1_and_its_own_cv2_is_removed(bench: Bench) -> None:
    assert bench.set_up().returncode == 0
    assert "numpy<2" in bench.calls
    site = bench.root / ".venv/lib/python3.10/site-packages"
    assert not (site / "cv2").exists()
    assert (bench.root / ".venv/pyvenv.cfg").read_text() == "include-system-site-packages = true\n"
    path = next(call for call in bench.calls if call.startswith("PATH="))
    assert path.startswith(f"PATH={bench.board}/usr/local/cuda/bin:")


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    assert bench.set_up().returncode == 0
    done = bench.set_up()
    assert done.returncode == 0
    assert bench.calls == ["rtseg doctor --for tensorrt"]


def test_it_goes_on_where_it_was_stopped(bench: Bench) -> None:
    (bench.state / "apt_fails").touch()
    done = bench.set_up()
    assert done.returncode == 2
    assert "apt could not install nvidia-jetpack python3-libnvinfer" in done.stderr
    assert not (bench.root / ".venv").exists()
    (bench.state / "apt_fails").unlink()
    assert bench.set_up().returncode == 0


def test_a_cv2_that_reads_csi_cameras_is_left_alone(bench: Bench) -> None:
    (bench.state / "gstreamer").write_text("yes")
    assert bench.set_up().returncode == 0
    assert "python3-opencv" not in " ".join(bench.calls)


def test_a_cv2_of_pip_over_the_boards_own_is_named(bench: Bench) -> None:
    (bench.state / "gstreamer").write_text("no")
    done = bench.set_up()
    assert done.returncode == 2
    assert "-m pip uninstall opencv-python'" in done.stderr.splitlines()[-1]


def test_who_is_in_the_groups_is_not_added(bench: Bench) -> None:
    (bench.state / "groups").write_text("jetson video sudo render")
    assert bench.set_up().returncode == 0
    assert "usermod" not in " ".join(bench.calls)


def test_the_trouble_that_the_doctor_sees_is_the_exit_code(bench: Bench) -> None:
    (bench.state / "doctor").write_text("1")
    done = bench.set_up()
    assert done.returncode == 1
    assert done.stderr.endswith("rtseg: not all is well yet: see above\n")


@pytest.mark.parametrize(("status", "told"), [("pmode:0001", True), ("pmode:0002", False)])
def test_a_faster_power_mode_is_named_and_not_set(bench: Bench, status: str, told: bool) -> None:
    bench.write("etc/nvpmodel.conf", NVPMODEL)
    bench.write("var/lib/nvpmodel/status", f"{status} fmode:fan_mode_quiet\n")
    done = bench.set_up()
    assert ("power mode 25W; the fastest is set by: sudo nvpmodel -m 2" in done.stderr) is told
    assert "nvpmodel" not in " ".join(bench.calls)


def test_jetpack_7_wants_its_own_python(bench: Bench) -> None:
    bench.write("etc/nv_tegra_release", THOR)
    done = bench.set_up()
    assert done.returncode == 2
    assert "is Python 3.10, but TensorRT and cv2 of JetPack 7 are for 3.12" in done.stderr
    assert "PYTHON=/usr/bin/python3.12 " in done.stderr
    (bench.state / "version").write_text("3.12")
    assert bench.set_up().returncode == 0


@pytest.mark.parametrize(
    ("release", "told"),
    [
        (XAVIER, "L4T 35.4.1, that is JetPack 5 or older: its Python is 3.8 or older, past its end"),
        (
            "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64\n",
            "JetPack 5 or older",
        ),
        ("# R40 (release), REVISION: 1.0, GCID: 1, BOARD: generic, EABI: aarch64\n", "does not know"),
        ("what is this\n", "L4T '', which this script does not know"),
    ],
)
def test_a_board_that_cannot_be_is_refused_before_anything_is_done(
    bench: Bench, release: str, told: str
) -> None:
    bench.write("etc/nv_tegra_release", release)
    done = bench.set_up()
    assert (done.returncode, bench.calls) == (2, [])
    assert told in done.stderr


def test_other_machines_are_sent_elsewhere(bench: Bench) -> None:
    (bench.board / "etc/nv_tegra_release").unlink()
    done = bench.set_up()
    assert (done.returncode, bench.calls) == (2, [])
    assert "this is no Jetson" in done.stderr


def test_under_sudo_and_with_arguments_it_does_nothing(bench: Bench) -> None:
    for done in (bench.set_up(SUDO_USER="jetson"), bench.set_up("--help")):
        assert (done.returncode, bench.calls) == (2, [])


def test_venv_shows_the_systems_packages_and_keeps_what_is_installed(tmp_path: Path) -> None:
    """What the script relies on, with the real venv module."""
    kept = tmp_path / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages" / "kept.py"
    for options in ([], ["--system-site-packages"]):
        command = [sys.executable, "-I", "-m", "venv", *options, "--without-pip", str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True)
        if not options:
            kept.write_text("")
    assert kept.exists()
    assert "include-system-site-packages = true" in (tmp_path / "pyvenv.cfg").read_text().splitlines()


@pytest.mark.parametrize("script", ["jetson/setup.sh", "venv.sh", "rtseg", "test", "check", "../.ci/run"])
def test_the_shell_scripts_are_clean(script: str) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("needs shellcheck, which is not installed (Debian: apt install shellcheck)")
    command = [shellcheck, "--external-sources", "--source-path", ".", f"tools/{script}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
