"""Every kernel on a real GPU: equal to NumPy to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import kernel_reference as reference
import numpy as np
import pytest
from kernel_runs import Place, make_map, make_planes, run_class_map, run_input, run_tint

from rtseg import overlay
from rtseg.backends.tensorrt.kernels import arguments
from rtseg.frame import ColorSpace, Size
from rtseg.labels import PALETTE

pytestmark = pytest.mark.gpu
OnGpu = Callable[[Callable[[Place], np.ndarray]], np.ndarray]
SIZES = [(1920, 1080), (1281, 721), (3840, 2160), (64, 32), (33, 17), (2, 2), (1, 1), (1, 300)]


@pytest.mark.parametrize("source", SIZES)
@pytest.mark.parametrize("full_range", [False, True])
def test_planes_become_the_network_input(on_gpu: OnGpu, source: Size, full_range: bool) -> None:
    planes = make_planes(source, 1)
    matrix = arguments.rgb_matrix("yuv420p", ColorSpace("bt709", full_range))
    found = on_gpu(lambda place: run_input(place, planes, matrix, (512, 288)))
    np.testing.assert_array_equal(found, reference.network_input(planes, matrix, (512, 288)))


@pytest.mark.parametrize("source", SIZES)
def test_nv12_and_bgr_become_the_network_input(on_gpu: OnGpu, source: Size) -> None:
    luma, u, v = make_planes(source, 2)
    uv = np.stack([u, v], axis=-1)
    picture = np.random.default_rng(3).integers(0, 256, (*source[::-1], 3), np.uint8)
    for channels, pixel_format in (
        ([luma, uv[..., 0], uv[..., 1]], "yuv420p"),
        ([picture[..., c] for c in range(3)], "bgr24"),
    ):
        matrix = arguments.rgb_matrix(pixel_format, ColorSpace())
        found = on_gpu(lambda place, c=channels, m=matrix: run_input(place, c, m, (64, 32)))  # type: ignore[misc]
        np.testing.assert_array_equal(found, reference.network_input(channels, matrix, (64, 32)))


@pytest.mark.parametrize("size", [(960, 540), (1920, 1080), (333, 77), (1, 1), (7, 1)])
@pytest.mark.parametrize("shape", [(4, 72, 128), (19, 33, 1), (2, 1, 17), (1, 1, 1), (256, 8, 8)])
def test_class_maps_of_all_classes(on_gpu: OnGpu, size: Size, shape: tuple[int, int, int]) -> None:
    logits = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    found = on_gpu(lambda place: run_class_map(place, logits, size))
    np.testing.assert_array_equal(found, reference.class_map(logits, size))


@pytest.mark.parametrize("size", [(960, 540), (65, 33), (1, 1), (1, 40)])
@pytest.mark.parametrize("opacity", [0.3, 1.0])
def test_chroma_planes_and_bgr_are_tinted(on_gpu: OnGpu, size: Size, opacity: float) -> None:
    classes = make_map(size, 4, 5)
    rng = np.random.default_rng(6)
    chroma = rng.integers(0, 256, (size[1], size[0], 2), np.uint8)
    picture = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
    tables = overlay.chroma_tables(tuple(PALETTE), ColorSpace("bt709"))
    for channels, colors, crisp in (
        (chroma, arguments.chroma_colors(*tables), True),
        (picture, arguments.bgr_colors(PALETTE), False),
    ):
        found = on_gpu(
            lambda place, a=channels, c=colors, s=crisp: run_tint(place, a, classes, c, opacity, crisp=s)  # type: ignore[misc]
        )
        np.testing.assert_array_equal(found, reference.tint(channels, classes, colors, opacity, crisp=crisp))
