"""Packages, cv2, CUDA, TensorRT and PyCUDA: found, fitting, and mended by a command."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from boards import BUILD, MISSING, XAVIER_L4T, answering, found, having, lay

from rtseg.backends import INSTALL_TENSORRT
from rtseg.backends.tensorrt.kernels.compiled import find_nvcc
from rtseg.doctor import cuda, opencv, packages, tensorrt
from rtseg.doctor.finding import USES
from rtseg.doctor.opencv import built_with
from rtseg.doctor.place import Answer, Place, this_machine


def test_what_is_installed_is_listed_and_what_is_for_other_machines_left_out(
    jetson: Place, pc: Place
) -> None:
    base = found(packages.check(jetson), "packages")
    assert (base.verdict, base.found) == ("ok", "av 17.1.0, numpy 1.26.4, onnxruntime 1.23.2, tomli 2.5.0")
    assert "openvino" in found(packages.check(pc), "packages").facts
    assert "tomli" not in found(packages.check(pc), "packages").facts


def test_a_missing_and_an_old_package_break_everything_and_are_installed_by_one_command(pc: Place) -> None:
    base = found(packages.check(having(pc, av="16.0.1", numpy=None)), "packages")
    assert base.found == "av 16.0.1, too old, numpy missing"
    assert base.mend == ("pip install 'av>=17' 'numpy>=1.26'",)
    assert base.breaks == set(USES)


def test_an_extra_is_missed_by_its_own_use_only(jetson: Place) -> None:
    train = found(packages.check(jetson), "train")
    assert (train.verdict, train.breaks) == ("not here", {"train"})
    assert train.mend == ("pip install 'keras>=3.12' 'tensorflow>=2.18'",)
    half = found(packages.check(having(jetson, keras="3.12.0")), "train")
    assert (half.verdict, half.found) == ("trouble", "tensorflow missing")


def test_a_library_that_crashes_as_it_loads_is_a_trouble(jetson: Place) -> None:
    broken = answering(jetson, onnxruntime=Answer({}, "crashed with exit code -11"))
    networks = found(packages.check(broken), "CPU networks")
    assert (networks.verdict, networks.found) == ("trouble", "crashed with exit code -11")
    assert networks.mend == ("pip install --force-reinstall --no-deps onnxruntime",)


def test_what_openvino_cannot_do_is_seen_on_x86_only(jetson: Place, pc: Place) -> None:
    assert found(packages.check(pc), "CPU networks").found == "openvino 2026.4.1"
    assert found(packages.check(jetson), "CPU networks").found == "onnxruntime 1.23.2"
    without = having(pc, openvino=None)
    assert found(packages.check(without), "CPU networks").found == "onnxruntime 1.23.2"


def test_onnx_runtime_for_gpus_takes_the_place_of_the_other(pc: Place) -> None:
    providers = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    swapped = having(
        answering(pc, onnxruntime=Answer({"version": "1.26.0", "providers": providers})),
        onnxruntime=None,
        onnxruntime_gpu="1.26.0",
    )
    findings = list(packages.check(swapped))
    assert "onnxruntime 1.26.0" in found(findings, "packages").found
    assert found(findings, "GPU networks").found == "onnxruntime-gpu 1.26.0, Tensorrt, CUDA, CPU"
    assert {finding.verdict for finding in findings if finding.check != "train"} == {"ok"}


def test_both_onnx_runtimes_at_once_are_a_trouble(pc: Place) -> None:
    both = found(packages.check(having(pc, onnxruntime_gpu="1.26.0")), "GPU networks")
    assert (both.verdict, both.breaks) == ("trouble", frozenset())
    assert both.mend[0] == "pip uninstall -y onnxruntime onnxruntime-gpu"
    assert "GPU networks" not in {finding.check for finding in packages.check(pc)}


def test_an_onnx_runtime_for_gpus_that_does_not_load_is_a_trouble(pc: Place) -> None:
    broken = answering(pc, onnxruntime=Answer({}, "ImportError: libcudart.so.13"))
    gpu = found(packages.check(having(broken, onnxruntime=None, onnxruntime_gpu="1.26.0")), "GPU networks")
    assert (gpu.verdict, gpu.found) == ("trouble", "ImportError: libcudart.so.13")


def test_build_information_is_read() -> None:
    assert built_with(BUILD, "GStreamer") == "YES (1.20.3)"
    assert built_with(BUILD, "GUI") == "GTK3"
    assert built_with(BUILD, "DC1394") is None
    assert built_with("", "GUI") is None
    assert built_with("  GUI:                           NONE\n", "GUI") is None


def test_the_boards_own_cv2_reads_csi_cameras(jetson: Place) -> None:
    findings = list(opencv.check(having(jetson, opencv_python="4.8.0")))
    assert found(findings, "cv2").found == "4.8.0, the system's own"
    assert found(findings, "GStreamer").found == "in cv2, 1.20.3"
    assert found(findings, "Qt in cv2").verdict == "not here"


def with_wheel(place: Place, build: str, **versions: str) -> Place:
    facts = {"version": "4.11.0", "file": "/home/u/.venv/lib/python3.10/site-packages/cv2/__init__.py"}
    return having(answering(place, cv2=Answer({**facts, "build": build})), **versions)


def test_pips_cv2_on_a_board_with_a_csi_camera_breaks_run(jetson: Place) -> None:
    place = with_wheel(jetson, BUILD.replace("YES (1.20.3)", "NO"), opencv_python_headless="4.11.0.86")
    gstreamer = found(opencv.check(place), "GStreamer")
    assert gstreamer.found == "not in this cv2, so imx219 9-0010 cannot be opened"
    assert gstreamer.mend[0] == "pip uninstall -y opencv-python-headless"
    assert gstreamer.breaks == {"run", "viewer"}
    for name in ("video0", "video1", "video2"):
        (jetson.root / f"sys/class/video4linux/{name}/name").write_text("HD Pro Webcam C920\n")
    assert not found(opencv.check(place), "GStreamer").breaks


@pytest.mark.parametrize("gui", ["QT5", "QT"])
def test_a_qt_in_pips_cv2_is_a_trouble_that_breaks_nothing(pc: Place, gui: str) -> None:
    place = with_wheel(pc, BUILD.replace("GTK3", gui), opencv_python="4.11.0.86", opencv_python_headless=None)
    qt = found(opencv.check(place), "Qt in cv2")
    assert (qt.verdict, qt.breaks) == ("trouble", set())
    assert qt.mend == ("pip uninstall -y opencv-python", "pip install opencv-python-headless")


def test_two_wheels_of_cv2_are_a_trouble(pc: Place) -> None:
    cv2 = found(opencv.check(having(pc, opencv_python="4.11.0.86")), "cv2")
    assert (cv2.verdict, cv2.breaks) == ("trouble", set())
    assert cv2.mend[0] == "pip uninstall -y opencv-python-headless opencv-python"


def test_a_cv2_for_numpy_1_beside_numpy_2_is_mended_by_numpy(jetson: Place) -> None:
    error = "ImportError: numpy.core.multiarray failed to import"
    cv2 = found(opencv.check(answering(jetson, cv2=Answer({}, error))), "cv2")
    assert (cv2.found, cv2.mend, cv2.breaks) == (error, ("pip install 'numpy<2'",), set(USES))


def test_gpu_toolkit_tensorrt_and_pycuda_of_a_board_fit(jetson: Place) -> None:
    findings = [*cuda.check(jetson), *tensorrt.check(jetson)]
    assert {finding.verdict for finding in findings} == {"ok"}
    assert found(findings, "GPU").found == "Orin, compute capability 8.7, 7.4 GiB, driver for CUDA 12.6"
    assert found(findings, "CUDA").found == "toolkit 12.6, /usr/local/cuda/bin/nvcc"
    assert found(findings, "TensorRT").found == "10.3.0, the system's own"


def test_a_machine_without_a_gpu_lacks_what_tensorrt_needs(pc: Place) -> None:
    missing = dict.fromkeys(("driver", "nvcc", "tensorrt", "pycuda"), MISSING)
    bare = having(answering(pc, **missing), tensorrt=None, tensorrt_cu13=None)
    findings = [*cuda.check(bare), *tensorrt.check(bare)]
    assert {finding.verdict for finding in findings} == {"not here"}
    for check in ("GPU", "CUDA", "TensorRT", "PyCUDA"):
        assert found(findings, check).breaks == {"tensorrt"}
        assert found(findings, check).mend


def test_a_driver_that_does_not_start_is_a_trouble(pc: Place) -> None:
    error = "the NVIDIA driver does not start: CUDA_ERROR_UNKNOWN (999)"
    gpu = found(cuda.check(answering(pc, driver=Answer({}, error))), "GPU")
    assert (gpu.verdict, gpu.found, gpu.breaks) == ("trouble", error, {"tensorrt"})


@pytest.mark.parametrize(
    ("version", "trouble"), [("12.2", False), ("12.6", False), ("12.8", True), ("13.0", True)]
)
def test_a_toolkit_newer_than_the_driver_or_of_another_generation_does_not_fit(
    jetson: Place, version: str, trouble: bool
) -> None:
    place = answering(jetson, nvcc=Answer({"version": version, "file": "/usr/local/cuda/bin/nvcc"}))
    toolkit = found(cuda.check(place), "CUDA")
    assert (toolkit.verdict == "trouble") is trouble
    if trouble:
        assert toolkit.mend == (
            "sudo apt install cuda-toolkit-12-6",
            "sudo ln -sfn /usr/local/cuda-12.6 /usr/local/cuda",
        )


def test_the_toolkit_is_needed_until_pycuda_was_built(pc: Place, jetson: Place) -> None:
    for place, mend in (
        (pc, "sudo apt install nvidia-cuda-toolkit"),
        (jetson, "sudo apt install cuda-toolkit-12-6"),
    ):
        bare = answering(place, nvcc=MISSING)
        built = found(cuda.check(bare), "CUDA")
        assert (built.verdict, built.breaks) == ("not here", set())
        to_build = found(cuda.check(answering(bare, pycuda=MISSING)), "CUDA")
        assert (to_build.breaks, to_build.mend[0]) == ({"tensorrt"}, mend)


@pytest.fixture
def nvcc_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts an nvcc of its own on the path."""

    def put(script: str) -> Path:
        nvcc = tmp_path / "nvcc"
        nvcc.write_text(script, encoding="utf-8")
        nvcc.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return nvcc

    return put


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvcc is a script for sh")
def test_the_toolkit_is_looked_for_where_the_kernels_compiler_is(nvcc_says: Callable[[str], Path]) -> None:
    """Debian's own package puts it on the path, and nothing into /usr/local/cuda."""
    nvcc = nvcc_says("#!/bin/sh\necho 'Cuda compilation tools, release 12.0, V12.0.140'\n")
    assert find_nvcc() == nvcc
    assert this_machine().ask("nvcc") == Answer({"version": "12.0", "file": str(nvcc)})


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvcc is a script for sh")
@pytest.mark.parametrize(
    ("script", "told"),
    [("#!/bin/sh\nexit 1\n", "does not say its version"), ("#!/no/such/shell\n", "does not run")],
)
def test_an_nvcc_that_does_not_work_is_no_toolkit(
    nvcc_says: Callable[[str], Path], script: str, told: str, pc: Place
) -> None:
    nvcc_says(script)
    toolkit = found(cuda.check(answering(pc, nvcc=this_machine().ask("nvcc"))), "CUDA")
    assert told in toolkit.found
    assert toolkit.verdict == "not here"


def test_pips_tensorrt_on_a_board_is_a_trouble(jetson: Place) -> None:
    file = "/home/u/.venv/lib/python3.10/site-packages/tensorrt/__init__.py"
    place = answering(jetson, tensorrt=Answer({"version": "10.13.3.9", "file": file}))
    finding = found(tensorrt.check(place), "TensorRT")
    assert "from pip, which is not made for this board" in finding.found
    assert finding.mend == ("pip uninstall -y tensorrt", "sudo apt install tensorrt python3-libnvinfer")


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("8.5.2", "8.5.2; rtseg needs 8.6 or newer"),
        ("8.6.2", "8.6.2, but this JetPack's is 10.3"),
        ("10.7.0", "10.7.0, the system's own; 10.3 comes with this JetPack"),
    ],
)
def test_a_tensorrt_of_another_jetpack_is_told(jetson: Place, version: str, told: str) -> None:
    file = "/usr/lib/python3.10/dist-packages/tensorrt/__init__.py"
    place = answering(jetson, tensorrt=Answer({"version": version, "file": file}))
    assert found(tensorrt.check(place), "TensorRT").found == told


def test_jetpack_5_cannot_have_a_newer_tensorrt(jetson: Place) -> None:
    lay(jetson.root, {"etc/nv_tegra_release": XAVIER_L4T})
    place = answering(jetson, tensorrt=Answer({"version": "8.5.2", "file": "/usr/lib/x"}))
    assert found(tensorrt.check(place), "TensorRT").mend == ("flash JetPack 6 or newer",)


def test_a_tensorrt_for_a_newer_cuda_than_the_drivers_is_a_trouble(pc: Place) -> None:
    old = having(answering(pc, driver=Answer({"cuda": "12.4", "gpus": []})), tensorrt_cu13_libs="10.13.3.9")
    finding = found(tensorrt.check(old), "TensorRT")
    assert finding.found == "10.13.3.9 is for CUDA 13, the driver knows up to 12.4"
    assert finding.mend == (
        "pip uninstall -y tensorrt tensorrt-cu13 tensorrt-cu13-libs",
        f"{INSTALL_TENSORRT} 'tensorrt<10.13.2'",
    )


def test_a_gpu_that_this_tensorrt_no_longer_supports_is_a_trouble(pc: Place) -> None:
    gpus = [{"name": "Tesla V100", "capability": [7, 0], "memory_mib": 16384}]
    volta = answering(pc, driver=Answer({"cuda": "13.0", "gpus": gpus}))
    finding = found(tensorrt.check(volta), "TensorRT")
    assert "no support for compute capability 7.0" in finding.found
    assert finding.mend == (f"{INSTALL_TENSORRT} 'tensorrt<10.5'",)


@pytest.mark.parametrize(
    ("driver", "bound"), [("12.4", " 'tensorrt<10.13.2'"), ("13.0", ""), ("13.2", ""), (None, "")]
)
def test_tensorrt_and_pycuda_come_to_a_pc_by_one_command_which_fits_the_driver(
    pc: Place, driver: str | None, bound: str
) -> None:
    answer = Answer({"cuda": driver, "gpus": []}) if driver else MISSING
    bare = answering(pc, driver=answer, tensorrt=MISSING, pycuda=MISSING)
    assert {finding.mend for finding in tensorrt.check(bare)} == {(f"{INSTALL_TENSORRT}{bound}",)}


def test_a_pycuda_that_only_lacks_the_driver_is_not_built_anew(pc: Place) -> None:
    error = Answer({}, "ImportError: libcuda.so.1: cannot open shared object file")
    without_driver = answering(pc, pycuda=error, driver=MISSING)
    pycuda = found(tensorrt.check(without_driver), "PyCUDA")
    assert (pycuda.verdict, pycuda.mend, pycuda.breaks) == ("not here", (), set())
    assert found(tensorrt.check(answering(pc, pycuda=error)), "PyCUDA").verdict == "trouble"


def test_a_fresh_process_answers_for_this_machine() -> None:
    here = this_machine()
    cv2 = here.ask("cv2")
    assert cv2.error is None
    assert "Video I/O" in cv2.facts["build"]
    nothing = here.ask("rtseg_no_such_module")
    assert (nothing.error, nothing.missing) == ("rtseg_no_such_module is not installed", True)
    assert here.ask("driver").facts or here.ask("driver").error


def test_modules_of_the_working_folder_are_not_taken_for_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise RuntimeError('not the library')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert this_machine().ask("av").error is None


def test_a_process_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtseg.doctor import place

    monkeypatch.setattr(place.sys, "executable", "/bin/false")
    assert place.ask("cv2") == Answer({}, "crashed with exit code 1")


def test_rtseg_knows_its_own_requirements() -> None:
    here = this_machine()
    required = [each for text in here.requirements() if (each := packages.requirement(text, here))]
    assert {"av", "numpy", "pydantic"} <= {each.name for each in required if not each.extra}
    assert {each.extra for each in required} >= {"", "viewer", "train"}
    on_arm = replace(here, machine="aarch64")
    assert not any(packages.requirement(text, on_arm) for text in here.requirements() if "openvino" in text)
