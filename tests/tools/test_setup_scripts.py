"""The set-up scripts, run for real on a small project that pip installs without a network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
SLOW_TO_INSTALL = 400  # modules that pip compiles, so that a test can kill it half-way

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are for sh")

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "rtseg-1-py3-none-any.whl"
    needs = open("needs.txt").read()
    files = {
        "rtseg.pth": os.getcwd(),
        "rtseg-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: rtseg\\nVersion: 1\\n"
        + "".join(f"Provides-Extra: {extra}\\n" for extra in ("viewer", "train", "dev"))
        + f"Requires-Dist: rtseg-part=={needs}\\n",
        "rtseg-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "rtseg-1.dist-info/entry_points.txt": "[console_scripts]\\nrtseg = rtseg_stub:main\\n",
        "rtseg-1.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""
STUB = """
import json, sys
import rtseg_part, rtseg_part.last
def main():
    print(json.dumps(sys.argv[1:]))
    return 3
"""


def free_of_pip(environ: dict[str, str]) -> dict[str, str]:
    """The environment without what would lead pip or the scripts elsewhere."""
    return {key: value for key, value in environ.items() if not key.startswith(("PIP_", "PYTHON"))}


@dataclass
class Project:
    root: Path
    env: dict[str, str]

    def need_part(self, version: int, modules: int = 1) -> None:
        """Make the project depend on a package that only this folder of wheels has."""
        info = f"rtseg_part-{version}.dist-info"
        with zipfile.ZipFile(self.root / "wheels" / f"rtseg_part-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: rtseg-part\nVersion: {version}\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr("rtseg_part/__init__.py", "")
            for number in range(modules):
                wheel.writestr(f"rtseg_part/m{number}.py", "x = [0, 1, 2]\n" * 300)
            wheel.writestr("rtseg_part/noise.bin", os.urandom(400_000))
            wheel.writestr("rtseg_part/last.py", "")
            wheel.writestr(f"{info}/RECORD", "")
        (self.root / "needs.txt").write_text(str(version))
        (self.root / "pyproject.toml").write_text(f"{PYPROJECT}# version {version}\n")

    def popen(self, *command: str, **env: str) -> subprocess.Popen[str]:
        # SIGINT is given back its default: a test run in the background inherits it ignored.
        start = (
            "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
        )
        return subprocess.Popen(
            [sys.executable, "-c", start, *command],
            cwd=self.root.parent,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, *args: str, prefix: tuple[str, ...] = (), **env: str) -> tuple[int, str, str]:
        """Run tools/rtseg: its exit code, stdout and last line of stderr."""
        with self.popen(*prefix, str(self.root / "tools/rtseg"), *args, **env) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err.strip().rpartition("\n")[2]

    @property
    def extras(self) -> str:
        return (self.root / ".venv/rtseg-setup.stamp").read_text().splitlines()[2]

    def made_at(self) -> int:
        return (self.root / ".venv/pyvenv.cfg").stat().st_mtime_ns

    def log(self) -> str:
        log = self.root / ".venv/rtseg-setup.log"
        return log.read_text() if log.exists() else ""


STARTED = (3, '["run", "a b"]\n')


def new_project(root: Path) -> Project:
    (root / "wheels").mkdir(parents=True)
    shutil.copytree(TOOLS, root / "tools")
    (root / "tools/check").write_text('#!/bin/sh\necho "checked $*"\n')
    (root / "backend.py").write_text(BACKEND)
    (root / "rtseg_stub.py").write_text(STUB)
    env = free_of_pip(dict(os.environ)) | {
        "PYTHON": sys.executable,
        "HOME": str(root.parent),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (root / "wheels").as_uri(),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
    }
    project = Project(root, env)
    project.need_part(1)
    return project


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that is set up, by two starts at the same moment; each test leaves it ready again."""
    project = new_project(tmp_path_factory.mktemp("set up") / "the repository")
    command = str(project.root / "tools/rtseg")
    with project.popen(command, "run", "a b") as one, project.popen(command, "run", "a b") as two:
        ends = [(*process.communicate(timeout=120), process.returncode) for process in (one, two)]
    assert [(code, out) for out, _, code in ends] == [STARTED, STARTED]
    told = "".join(err for _, err, _ in ends)
    assert told.count("rtseg: setting up .venv with Python") == 1
    assert told.count("rtseg: another set-up of .venv is at work") == 1
    yield project


def test_hands_on_arguments_exit_code_and_a_clean_stdout(ready: Project) -> None:
    assert ready.start("run", "a b") == (*STARTED, "")


def test_a_later_start_installs_nothing(ready: Project) -> None:
    before = ready.log()
    assert ready.start("run", "a b") == (*STARTED, "")
    assert ready.log() == before


def test_a_link_to_the_script_works(ready: Project, tmp_path: Path) -> None:
    (tmp_path / "rtseg").symlink_to(ready.root / "tools/rtseg")
    with ready.popen(str(tmp_path / "rtseg")) as process:
        assert json.loads(process.communicate(timeout=60)[0]) == []


def test_the_tests_extras_are_added_and_then_serve_both_scripts(ready: Project) -> None:
    made_at = ready.made_at()
    with ready.popen(str(ready.root / "tools/test"), "-x") as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "checked -x\n")
    assert "TensorFlow" in err
    assert (ready.extras, ready.made_at()) == ("viewer,train,dev", made_at)
    before = ready.log()
    assert ready.start("run", "a b") == (*STARTED, "")
    assert ready.log() == before


def test_a_changed_pyproject_is_installed_into_the_same_venv(ready: Project) -> None:
    made_at, extras = ready.made_at(), ready.extras
    ready.need_part(2)
    assert ready.start("run", "a b")[:2] == STARTED
    assert "rtseg_part-2" in ready.log() or "rtseg-part-2" in ready.log()
    assert (ready.made_at(), ready.extras) == (made_at, extras)


@pytest.mark.parametrize(
    "pip", [{"PIP_NO_INDEX": "1"}, {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_INDEX": "0"}]
)
def test_without_a_package_index_it_says_so_and_goes_on_later(ready: Project, pip: dict[str, str]) -> None:
    made_at = ready.made_at()
    ready.need_part(3 if "PIP_INDEX_URL" in pip else 4)
    code, out, last = ready.start("run", PIP_FIND_LINKS="", **pip)
    assert (code, out) == (2, "")
    assert last.startswith("rtseg: ")
    assert "package index" in last
    assert "run the same again" in last
    assert ready.start("run", "a b")[:2] == STARTED
    assert ready.made_at() == made_at


def test_ctrl_c_ends_with_the_way_to_go_on(ready: Project) -> None:
    made_at = ready.made_at()
    ready.need_part(5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        offline = {"PIP_INDEX_URL": index, "PIP_NO_INDEX": "0", "PIP_FIND_LINKS": ""}
        with ready.popen(str(ready.root / "tools/rtseg"), **offline) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            with connection:
                os.killpg(process.pid, signal.SIGINT)
                _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("rtseg: interrupted: run the same again to go on\n")
    assert ready.start("run", "a b")[:2] == STARTED
    assert ready.made_at() == made_at


def test_a_set_up_killed_while_it_installs_is_done_afresh(ready: Project) -> None:
    made_at = ready.made_at()
    ready.need_part(6, modules=SLOW_TO_INSTALL)
    package = (
        ready.root / f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/rtseg_part"
    )
    with ready.popen(str(ready.root / "tools/rtseg")) as process:
        while not (package / "m300.py").exists():
            assert process.poll() is None
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert ready.start("run", "a b")[:2] == STARTED
    assert ready.made_at() != made_at


def is_sound(project: Project) -> bool:
    """Whether venv.sh would keep the .venv; making one again takes seconds, asking does not."""
    with project.popen(
        "sh", "-c", 'root=$1; . "$root/tools/venv.sh"; is_sound', "sh", str(project.root)
    ) as asked:
        return asked.wait(60) == 0


def test_a_venv_whose_python_is_gone_is_made_again(ready: Project) -> None:
    python = ready.root / ".venv/bin/python"
    working = python.readlink()
    assert is_sound(ready)
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert not is_sound(ready)
    python.unlink()
    python.symlink_to(working)


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_venv_with_half_a_stamp_is_made_again(ready: Project, lines: int) -> None:
    stamp = ready.root / ".venv/rtseg-setup.stamp"
    whole = stamp.read_text()
    stamp.write_text("".join(whole.splitlines(keepends=True)[:lines]))
    assert not is_sound(ready)
    stamp.write_text(whole)


def test_a_moved_repository_is_set_up_again(ready: Project) -> None:
    ready.root = ready.root.rename(ready.root.parent / "moved")
    ready.env["PIP_FIND_LINKS"] = (ready.root / "wheels").as_uri()
    assert ready.start("run", "a b")[:2] == STARTED


def private_mounts(script: str) -> tuple[str, ...]:
    """A command that runs its arguments where `script` has mounted things; skips if that is forbidden."""
    prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", f'set -e; {script}; exec "$@"', "sh")
    try:
        trial = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if trial.returncode:
        pytest.skip(f"mounting is not allowed here: {trial.stderr.decode().strip()}")
    return prefix


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_full_temporary_folder_is_named(ready: Project, tmp_path: Path) -> None:
    ready.need_part(7)
    handler = partial(QuietHandler, directory=ready.root / "wheels")
    prefix = private_mounts(f"mount -t tmpfs -o size=300k none '{tmp_path}'")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # pip keeps what it downloads in TMPDIR
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        wheels = f"http://127.0.0.1:{server.server_port}/"
        code, out, last = ready.start("run", prefix=prefix, TMPDIR=str(tmp_path), PIP_FIND_LINKS=wheels)
        server.shutdown()
        thread.join()
    assert (code, out) == (2, "")
    assert last.startswith("rtseg: no space left on the disk")
    assert str(tmp_path) in last
    assert ready.start("run", "a b")[:2] == STARTED


def test_too_small_a_disk_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    project = new_project(tmp_path / "repository")
    (project.root / ".venv").mkdir()
    prefix = private_mounts(f"mount -t tmpfs -o size=50m none '{project.root}/.venv'")
    code, out, last = project.start("run", prefix=prefix)
    assert (code, out) == (2, "")
    assert last.startswith("rtseg: no space: the set-up needs 1500 MB")


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    project = new_project(tmp_path / "repository")
    root = project.root
    prefix = private_mounts(f"mount --bind '{root}' '{root}'; mount -o remount,ro,bind '{root}'")
    code, out, last = project.start("run", prefix=prefix)
    assert (code, out) == (2, "")
    assert last.startswith(f"rtseg: cannot write to {root}/.venv")


def without_python(folder: Path, **scripts: str) -> str:
    """A PATH with what the scripts call, but no Python other than `scripts`."""
    folder.mkdir()
    for name in ("cat", "cksum", "dirname", "env", "grep", "mkdir", "readlink", "sh"):
        (folder / name).symlink_to(shutil.which(name) or pytest.skip(f"no {name} here"))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("scripts", "told"),
    [
        ({}, "found: none"),
        ({"python3": "echo '3.8 /usr/bin/python3.8'"}, "found: python3 (3.8)"),
        (
            {"python3": "echo '3.13 /x y/python3'", "python": "exit 127"},
            "found: python3 (3.13), python (does not run)",
        ),
        (
            {"python3": f'case "$*" in *ensurepip*) exit 1 ;; esac; exec "{sys.executable}" "$@"'},
            f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv",
        ),
    ],
)
def test_without_a_usable_python_it_says_what_was_found(
    tmp_path: Path, scripts: dict[str, str], told: str
) -> None:
    project = new_project(tmp_path / "repository")
    code, out, last = project.start("run", PYTHON="", PATH=without_python(tmp_path / "bin", **scripts))
    assert (code, out) == (2, "")
    assert last.startswith("rtseg: Python 3.1")
    assert told in last
    assert "sudo apt install" in last
    assert not (project.root / ".venv").exists()


STEPS = [
    "ruff check",
    "ruff format --check",
    "mypy",
    "lint-imports --no-logo",
    "pytest -n auto --maxprocesses 4 --dist worksteal -k one",
]


def check(root: Path, failing: str = "", *args: str) -> subprocess.CompletedProcess[str]:
    """tools/check with tools that only tell their names: the real ones would start this test again."""
    shutil.copytree(TOOLS, root / "tools")
    (root / ".venv/bin").mkdir(parents=True)
    for name in {step.split()[0] for step in STEPS}:
        tool = root / ".venv/bin" / name
        tool.write_text(f'#!/bin/sh\necho "ran {name} $*"\n[ {name} != "{failing}" ] || exit 7\n')
        tool.chmod(0o755)
    command = [root / "tools/check", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_runs_every_step_in_order(tmp_path: Path) -> None:
    done = check(tmp_path, "", "-k", "one")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        line for step in STEPS for line in (f"== {step}", f"ran {step}".replace("mypy", "mypy "))
    ]


def test_check_stops_at_the_first_failure_and_keeps_its_exit_code(tmp_path: Path) -> None:
    done = check(tmp_path, "mypy")
    assert done.returncode == 7
    assert done.stderr == "tools/check: mypy failed (exit code 7)\n"
    assert "lint-imports" not in done.stdout


def test_check_without_the_test_tools_names_the_way(tmp_path: Path) -> None:
    shutil.copytree(TOOLS, tmp_path / "tools")
    done = subprocess.run([tmp_path / "tools/check"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "run tools/test once" in done.stderr
