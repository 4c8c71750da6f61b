"""TensorRT and PyCUDA: found, whose they are, and whether they fit the board, the GPU and the driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtseg.doctor.board import Board, board
from rtseg.doctor.cuda import GPU_USES, capabilities, is_newer
from rtseg.doctor.finding import Finding
from rtseg.doctor.packages import numbers
from rtseg.doctor.place import Answer, Place, wheels_of

_WHEELS = ("tensorrt", "tensorrt-cu12", "tensorrt-cu13")
_OLDEST = "8.6"
_TURING = (7, 5)
_WITHOUT_VOLTA = "10.5"  # its release notes: support for compute capability 7.0 has been removed
_BINDINGS = "sudo apt install tensorrt python3-libnvinfer"
_BUILD_PYCUDA = "PATH=/usr/local/cuda/bin:$PATH pip install pycuda"


def check(place: Place) -> Iterator[Finding]:
    """A line for each of the two."""
    driver = place.ask("driver")
    yield _tensorrt(place, driver)
    yield _pycuda(place)


def _tensorrt(place: Place, driver: Answer) -> Finding:
    jetson = board(place)
    answer = place.ask("tensorrt")
    wheels = wheels_of(place, answer, _WHEELS)
    if answer.error is not None:
        mend = (_BINDINGS if jetson else f"pip install {_wheel(driver)}",)
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
        mend = "flash JetPack 6 or newer" if jetson else f"pip install --upgrade {_wheel(driver)}"
        return f"{version}; rtseg needs {_OLDEST} or newer", (mend,)
    expected = jetson.jetpack.tensorrt if jetson and jetson.jetpack else None
    if expected and numbers(version)[:1] != numbers(expected)[:1]:
        again = "sudo apt install --reinstall tensorrt python3-libnvinfer"
        return f"{version}, but this JetPack's is {expected}", (again,)
    for name in wheels:
        made_for = name.partition("-cu")[2]
        cuda = driver.facts.get("cuda")
        if made_for and cuda and is_newer(made_for, cuda.partition(".")[0]):
            return f"{version} is for CUDA {made_for}, the driver knows up to {cuda}", (
                remove,
                f"pip install {_wheel(driver)}",
            )
    too_old = [each for each in capabilities(driver) if each < _TURING]
    if too_old and not is_newer(_WITHOUT_VOLTA, version):
        shown = ".".join(map(str, too_old[0]))
        return f"{version} has no support for compute capability {shown}", ("pip install 'tensorrt<10.5'",)
    origin = "from pip" if wheels else "the system's own"
    if expected and numbers(version)[:2] != numbers(expected):
        origin += f"; {expected} comes with this JetPack"
    return f"{version}, {origin}", ()


def _wheel(driver: Answer) -> str:
    """The wheel for the newest CUDA that the driver knows."""
    cuda = str(driver.facts.get("cuda", "13")).partition(".")[0]
    return f"tensorrt-cu{cuda}" if cuda in {"12", "13"} else "tensorrt"


def _pycuda(place: Place) -> Finding:
    answer = place.ask("pycuda.driver")
    if answer.error is None:
        return Finding(
            "PyCUDA", "ok", str(place.version("pycuda")), facts={"version": place.version("pycuda")}
        )
    if answer.missing:
        return Finding("PyCUDA", "not here", "not installed", (_BUILD_PYCUDA,), GPU_USES)
    again = _BUILD_PYCUDA.replace("install", "install --force-reinstall --no-cache-dir --no-deps")
    return Finding("PyCUDA", "trouble", answer.error, (again,), GPU_USES)
