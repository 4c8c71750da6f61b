"""TensorRT and PyCUDA: found, whose they are, and whether they fit the board, the GPU and the driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtseg.backends import INSTALL_TENSORRT
from rtseg.doctor.board import Board, board
from rtseg.doctor.cuda import GPU_USES, capabilities, is_newer
from rtseg.doctor.finding import Finding
from rtseg.doctor.packages import numbers
from rtseg.doctor.place import Answer, Place, wheels_of

_PARTS = ("", "-bindings", "-libs")
_WHEELS = ("tensorrt", *(f"tensorrt-cu{cuda}{part}" for cuda in (12, 13) for part in _PARTS))
_OLDEST = "8.6"
_TURING = (7, 5)
_WITHOUT_VOLTA = "10.5"  # its release notes: support for compute capability 7.0 has been removed
_FOR_CUDA_12 = "'tensorrt<10.13.2'"  # from there on the package without a number brings CUDA 13
_BINDINGS = "sudo apt install tensorrt python3-libnvinfer"
_REBUILD = "PATH=/usr/local/cuda/bin:$PATH pip install --force-reinstall --no-cache-dir --no-deps pycuda"


def check(place: Place) -> Iterator[Finding]:
    """A line for each of the two."""
    driver = place.ask("driver")
    yield _tensorrt(place, driver)
    yield _pycuda(place, driver)


def _tensorrt(place: Place, driver: Answer) -> Finding:
    jetson = board(place)
    answer = place.ask("tensorrt")
    wheels = wheels_of(place, answer, _WHEELS)
    if answer.error is not None:
        mend = (_BINDINGS if jetson else _install(driver),)
        if answer.missing:
            return Finding("TensorRT", "not here", "not installed; networks run without it", mend, GPU_USES)
        return Finding("TensorRT", "trouble", answer.error, mend, GPU_USES)
    version = str(answer.facts.get("version"))
    facts: dict[str, Any] = {"version": version, "file": answer.facts.get("file"), "wheels": wheels}
    found, mend_all = _misfit(version, wheels, jetson, driver)
    if mend_all:
        return Finding("TensorRT", "trouble", found, mend_all, GPU_USES, facts)
    return Finding("TensorRT", "ok", found, facts=facts)


def _misfit(
    version: str, wheels: list[str], jetson: Board | None, driver: Answer
) -> tuple[str, tuple[str, ...]]:
    """What it is, and what mends it where it does not fit."""
    remove = "pip uninstall -y " + " ".join(wheels)
    if jetson is not None and wheels:
        return f"{version} from pip, which is not made for this board", (remove, _BINDINGS)
    if is_newer(_OLDEST, version):
        mend = "flash JetPack 6 or newer" if jetson else _install(driver)
        return f"{version}; rtseg needs {_OLDEST} or newer", (mend,)
    expected = jetson.jetpack.tensorrt if jetson and jetson.jetpack else None
    if expected and numbers(version)[:1] != numbers(expected)[:1]:
        again = "sudo apt install --reinstall tensorrt python3-libnvinfer"
        return f"{version}, but this JetPack's is {expected}", (again,)
    for name in wheels:
        made_for = name.partition("-cu")[2].partition("-")[0]
        cuda = driver.facts.get("cuda")
        if made_for and cuda and is_newer(made_for, cuda.partition(".")[0]):
            return f"{version} is for CUDA {made_for}, the driver knows up to {cuda}", (
                remove,
                _install(driver),
            )
    too_old = [each for each in capabilities(driver) if each < _TURING]
    if too_old and not is_newer(_WITHOUT_VOLTA, version):
        shown = ".".join(map(str, too_old[0]))
        older = f"{INSTALL_TENSORRT} 'tensorrt<10.5'"
        return f"{version} has no support for compute capability {shown}", (older,)
    origin = "from pip" if wheels else "the system's own"
    if expected and numbers(version)[:2] != numbers(expected):
        origin += f"; {expected} comes with this JetPack"
    return f"{version}, {origin}", ()


def _install(driver: Answer) -> str:
    """What brings TensorRT and PyCUDA to a PC, for a CUDA that the driver knows."""
    known = driver.facts.get("cuda")
    return f"{INSTALL_TENSORRT} {_FOR_CUDA_12}" if known and is_newer("13", known) else INSTALL_TENSORRT


def _pycuda(place: Place, driver: Answer) -> Finding:
    answer = place.ask("pycuda.driver")
    facts = {"version": place.version("pycuda")}
    if answer.error is None:
        return Finding("PyCUDA", "ok", str(facts["version"]), facts=facts)
    if answer.missing:
        mend = INSTALL_TENSORRT if board(place) else _install(driver)
        return Finding("PyCUDA", "not here", "not installed", (mend,), GPU_USES)
    if driver.missing:
        # The GPU's own line says how to get one.
        return Finding("PyCUDA", "not here", "installed; it loads where there is a driver", facts=facts)
    return Finding("PyCUDA", "trouble", answer.error, (_REBUILD,), GPU_USES, facts)
