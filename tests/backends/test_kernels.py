"""The CUDA kernels, their own source on the CPU: equal to NumPy, and near to rtseg's own functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import kernel_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import OnCpu, Place, make_map, make_planes, run_class_map, run_input, run_tint
from standins.kernels_on_cpu import CpuKernels, cpu_kernels

from rtseg import overlay, postprocess, preprocess
from rtseg.backends.tensorrt.kernels import arguments, compiled
from rtseg.backends.tensorrt.kernels.axes import resizing
from rtseg.errors import BackendUnavailable
from rtseg.frame import ColorSpace, Frame, Size
from rtseg.labels import PALETTE


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> CpuKernels:
    return cpu_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def place(kernels: CpuKernels) -> Place:
    return OnCpu(kernels)


SIZES = [(1920, 1080), (1281, 721), (640, 480), (64, 32), (33, 17), (2, 2), (1, 1), (1, 300), (1030, 3)]
INPUTS = [(512, 288), (64, 32), (96, 64)]


@pytest.mark.parametrize("source", SIZES)
@pytest.mark.parametrize("size", INPUTS)
def test_planes_of_any_size_become_the_network_input(place: Place, source: Size, size: Size) -> None:
    planes = make_planes(source, 1)
    color = ColorSpace("bt709")
    matrix = arguments.rgb_matrix("yuv420p", color)
    found = run_input(place, planes, matrix, size)
    np.testing.assert_array_equal(found, reference.network_input(planes, matrix, size))
    # The CPU rounds each plane after each step; colours weigh such a rounding up to 2.1 times.
    own = preprocess.network_input(Frame("yuv420p", planes, 0, 0, color=color), size).astype(int)
    assert np.abs(own - found).max() <= 5
    assert np.abs(own - found).mean() < 0.8


@pytest.mark.parametrize("source", SIZES)
@pytest.mark.parametrize("size", INPUTS)
def test_bgr_of_any_size_becomes_the_network_input(place: Place, source: Size, size: Size) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (source[1], source[0], 3), np.uint8)
    channels = [picture[..., c] for c in range(3)]
    matrix = arguments.rgb_matrix("bgr24", ColorSpace())
    found = run_input(place, channels, matrix, size)
    np.testing.assert_array_equal(found, reference.network_input(channels, matrix, size))
    own = preprocess.network_input(Frame("bgr24", (picture,), 0, 0), size).astype(int)
    assert np.abs(own - found).max() <= 2
    assert np.abs(own - found).mean() < 0.5


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [False, True])
def test_all_colours_and_both_ranges_are_the_cpus(place: Place, matrix: str, full_range: bool) -> None:
    """Each pixel an extreme or a random colour, nothing resized: so only the matrix counts."""
    color = ColorSpace(matrix, full_range)  # type: ignore[arg-type]
    rng = np.random.default_rng(3)
    planes = tuple(rng.choice(np.array([0, 1, 16, 128, 235, 254, 255], np.uint8), (32, 64)) for _ in range(3))
    found = run_input(place, planes, arguments.rgb_matrix("yuv420p", color), (64, 32))
    # Of bytes OpenCV makes bytes with ten bits for each factor; of floats it does not.
    own = cv2.transform(cv2.merge(planes).astype(np.float32), preprocess.yuv_to_rgb_matrix(color))
    np.testing.assert_allclose(found, np.clip(own, 0, 255), atol=0.501)


def test_nv12_and_separate_planes_give_the_same_input(place: Place) -> None:
    luma, u, v = make_planes((130, 90), 4)
    uv = np.stack([u, v], axis=-1)
    matrix = arguments.rgb_matrix("yuv420p", ColorSpace())
    from_nv12 = run_input(place, [luma, uv[..., 0], uv[..., 1]], matrix, (64, 32))
    np.testing.assert_array_equal(from_nv12, run_input(place, [luma, u, v], matrix, (64, 32)))


def test_rows_of_a_padded_picture_are_found(place: Place) -> None:
    """As decoders give them: each row followed by bytes that are no picture."""
    planes = make_planes((130, 90), 5)
    padded = [np.pad(plane, ((0, 0), (0, 30)), constant_values=255)[:, : plane.shape[1]] for plane in planes]
    matrix = arguments.rgb_matrix("yuv420p", ColorSpace())
    np.testing.assert_array_equal(
        run_input(place, padded, matrix, (64, 32)), run_input(place, planes, matrix, (64, 32))
    )


@settings(max_examples=60)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), st.integers(1, 90), st.integers(1, 90))
def test_class_maps_of_any_size_are_numpys_and_the_cpus(
    place: Place, classes: int, rows: int, columns: int, height: int, width: int
) -> None:
    logits = np.random.default_rng(rows * 41 + columns).normal(size=(classes, rows, columns))
    logits = logits.astype(np.float32)
    found = run_class_map(place, logits, (width, height))
    np.testing.assert_array_equal(found, reference.class_map(logits, (width, height)))
    agrees_with_cpu(logits, found)


def agrees_with_cpu(logits: np.ndarray, found: np.ndarray) -> None:
    """Where it does not, the two classes are as good as equal."""
    size = found.shape[1], found.shape[0]
    own = postprocess.class_map(logits, size)
    planes = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in logits])
    chosen, best = (np.take_along_axis(planes, each[None].astype(int), 0)[0] for each in (found, own))
    assert np.abs(best - chosen).max() < 1e-4


@pytest.mark.parametrize("size", [(960, 540), (1920, 1080), (333, 77)])
def test_class_maps_at_sizes_of_videos(place: Place, size: Size) -> None:
    logits = np.random.default_rng(6).normal(size=(4, 72, 128)).astype(np.float32)
    found = run_class_map(place, logits, size)
    np.testing.assert_array_equal(found, reference.class_map(logits, size))
    agrees_with_cpu(logits, found)
    assert set(np.unique(found)) == {0, 1, 2, 3}


def test_all_256_classes_and_regions_of_one_pixel_arrive(place: Place) -> None:
    logits = np.zeros((256, 16, 16), np.float32)
    order = np.random.default_rng(7).permutation(256).reshape(16, 16)
    np.put_along_axis(logits, order[None], 1.0, 0)
    np.testing.assert_array_equal(run_class_map(place, logits, (16, 16)), order)


def test_of_equal_classes_the_first_wins(place: Place) -> None:
    for value in (0.0, -3.0, -1e30):
        assert not run_class_map(place, np.full((5, 3, 4), value, np.float32), (9, 9)).any()


PALETTES = [PALETTE, [None, (255, 0, 0), None, (0, 0, 255)], [(9, 9, 9)] * 4, [None] * 4]


@pytest.mark.parametrize("size", [(960, 540), (65, 33), (2, 2), (1, 1), (1, 40)])
@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("opacity", [0.5, 0.3, 1.0])
def test_chroma_planes_are_tinted_as_on_the_cpu(
    place: Place, size: Size, palette: list[tuple[int, int, int] | None], opacity: float
) -> None:
    classes = make_map(size, 4, 8)
    _, u, v = make_planes((2 * size[0], 2 * size[1]), 9)
    tables = overlay.chroma_tables(tuple(palette), ColorSpace("bt709"))
    colors = arguments.chroma_colors(*tables)
    channels = np.stack([u, v], axis=-1)
    found = run_tint(place, channels, classes, colors, opacity, crisp=True)
    expected = reference.tint(channels, classes, colors, opacity, crisp=True)
    np.testing.assert_array_equal(found, expected)
    luma = np.zeros((2 * size[1], 2 * size[0]), np.uint8)
    frame = Frame("yuv420p", (luma, u, v), 0, 0, color=ColorSpace("bt709"))
    own = np.stack(overlay.blend(frame, classes, palette, opacity).planes[1:], axis=-1)
    assert np.abs(own.astype(int) - found).max() <= 1


@pytest.mark.parametrize("size", [(640, 360), (65, 33), (1, 1)])
@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("opacity", [0.5, 1.0])
def test_bgr_is_tinted_as_on_the_cpu(
    place: Place, size: Size, palette: list[tuple[int, int, int] | None], opacity: float
) -> None:
    classes = make_map(size, 4, 10)
    picture = np.random.default_rng(11).integers(0, 256, (size[1], size[0], 3), np.uint8)
    colors = arguments.bgr_colors(palette)
    found = run_tint(place, picture, classes, colors, opacity, crisp=False)
    np.testing.assert_array_equal(found, reference.tint(picture, classes, colors, opacity, crisp=False))
    own = overlay.blend(Frame("bgr24", (picture,), 0, 0), classes, palette, opacity).planes[0]
    assert np.abs(own.astype(int) - found).max() <= 1


def test_a_frame_of_nothing_but_what_is_hidden_stays_as_it_is(place: Place) -> None:
    picture = np.random.default_rng(12).integers(0, 256, (40, 30, 3), np.uint8)
    classes = np.full((40, 30), 255, np.uint8)
    found = run_tint(place, picture, classes, arguments.bgr_colors(PALETTE), 0.7, crisp=False)
    np.testing.assert_array_equal(found, picture)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 20), st.integers(1, 20))
def test_weights_lie_inside_and_sum_to_one(width: int, height: int, columns: int, rows: int) -> None:
    size = columns * 32, rows * 32
    for axis, length, count in zip(resizing((width, height), size), (width, height), size, strict=True):
        assert axis.first.shape == (count,)
        assert axis.first.min() >= 0
        assert axis.first.max() + axis.taps <= length == axis.length
        np.testing.assert_allclose(axis.weights.sum(axis=1), 1, atol=1e-5)
        assert (axis.weights >= 0).all()


def test_the_compiled_kernels_are_kept_by_capability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(compiled, "_compile", lambda arch: asked.append(arch) or arch.encode())
    assert [compiled.cubin((8, 7)), compiled.cubin((9, 0)), compiled.cubin((8, 7))] == [
        b"sm_87",
        b"sm_90",
        b"sm_87",
    ]
    assert asked == ["sm_87", "sm_90"]


@pytest.mark.parametrize("capability", [(7, 5), (8, 7), (9, 0), (11, 0)])
def test_nvcc_compiles_the_kernels_for(
    capability: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc = compiled.find_nvcc()
    if nvcc is None:
        pytest.skip("needs nvcc, which is not installed (it comes with the CUDA toolkit)")
    arch = "sm_{}{}".format(*capability)
    known = subprocess.run([nvcc, "--list-gpu-code"], check=True, capture_output=True, text=True).stdout
    if arch not in known.split():
        pytest.skip(f"this nvcc knows no {arch}, only {' '.join(known.split())}")
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path))
    cubin = compiled.cubin(capability)
    assert cubin.startswith(b"\x7fELF")
    for kernel in arguments.LAYOUTS:
        assert kernel.encode() in cubin
    monkeypatch.setattr(compiled, "find_nvcc", lambda: None)
    assert compiled.cubin(capability) == cubin


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'nvcc fatal : Unsupported gpu architecture' >&2; exit 1", r"sm_87 \(nvcc fatal : Unsupported"),
        ("exit 3", r"sm_87 \(exit code 3\)"),
    ],
)
def test_an_nvcc_that_fails_is_quoted(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path / "cache"))
    nvcc = tmp_path / "nvcc"
    nvcc.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    nvcc.chmod(0o755)
    monkeypatch.setattr(compiled, "find_nvcc", lambda: nvcc)
    with pytest.raises(BackendUnavailable, match=told):
        compiled.cubin((8, 7))


def test_without_nvcc_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path))
    monkeypatch.setattr(compiled, "find_nvcc", lambda: None)
    with pytest.raises(BackendUnavailable, match=r"compiled for sm_87.*install the CUDA toolkit"):
        compiled.cubin((8, 7))


def test_nvcc_is_found_where_the_toolkit_is_though_on_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compiled, "_USUAL", tmp_path / "none")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    assert compiled.find_nvcc() is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nvcc").write_bytes(b"")
    (tmp_path / "bin" / "nvcc").chmod(0o755)
    assert compiled.find_nvcc() == tmp_path / "bin" / "nvcc"
