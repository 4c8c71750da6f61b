from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from rtseg import overlay
from rtseg.frame import ColorSpace, Frame, Segmentation
from rtseg.labels import PALETTE
from rtseg.overlay import rgb_to_yuv
from rtseg.preprocess import to_bgr
from rtseg.runtime.compose import Composer
from rtseg.runtime.shown import Shown
from rtseg.runtime.view import MODES, View

SHOWN = (None, *PALETTE[1:])


def frame_of(picture_bgr: np.ndarray, pixel_format: str, color: ColorSpace | None = None) -> Frame:
    if pixel_format == "bgr24":
        return Frame("bgr24", (picture_bgr,), 0, 0)
    color = color or ColorSpace()
    colors, where = np.unique(picture_bgr.reshape(-1, 3), axis=0, return_inverse=True)
    table = np.array([rgb_to_yuv(tuple(int(c) for c in each[::-1]), color) for each in colors], np.uint8)
    yuv = table[where.reshape(-1)].reshape(picture_bgr.shape)
    return Frame(
        "yuv420p", (yuv[..., 0].copy(), yuv[::2, ::2, 1].copy(), yuv[::2, ::2, 2].copy()), 0, 0, color=color
    )


def shown_of(frame: Frame, class_map: np.ndarray, opacity: float = 0.5) -> Shown:
    blended = overlay.blend(frame, class_map, SHOWN, opacity)
    return Shown(Segmentation(frame, (), 0, 0), class_map, blended, SHOWN, opacity)


def checkerboard(width: int, height: int, side: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return ((rows // side + columns // side) % 2).astype(np.uint8)


@pytest.fixture(params=["bgr24", "yuv420p"])
def shown(request: pytest.FixtureRequest) -> Shown:
    """Where the picture is bright there is road: masks that were shifted would not lie on it."""
    board = checkerboard(320, 180, 20)
    picture = np.where(board[..., None] > 0, 200, 40).astype(np.uint8).repeat(3, axis=2)
    frame = frame_of(picture, request.param)
    size = overlay.class_map_size(frame)
    return shown_of(frame, cv2.resize(board, size, interpolation=cv2.INTER_NEAREST))


@pytest.mark.parametrize("zoom", [1.0, 2.3, 7.0])
@pytest.mark.parametrize("size", [(640, 360), (333, 200), (201, 333), (320, 180)])
def test_masks_lie_on_the_picture_at_any_size_and_zoom(
    shown: Shown, size: tuple[int, int], zoom: float
) -> None:
    view = View(size, zoom=zoom, center=(0.37, 0.61))
    clean = Composer().compose(shown, View(size, "split", split=1.0, zoom=zoom, center=view.center)).copy()
    mask = Composer().compose(shown, View(size, "mask", zoom=zoom, center=view.center))
    bright = clean[..., 1] > 120
    road = (mask[..., :3] == PALETTE[1][::-1]).all(axis=-1)
    pane = view.panes(shown.frame.size)[0]
    place = pane.place
    inside = np.s_[place.y : place.bottom, place.x : place.right]
    # An edge is a pixel or two of the picture wide.
    edges = cv2.dilate(
        cv2.Canny(bright.astype(np.uint8) * 255, 50, 100), np.ones((3, 3)), iterations=1 + round(pane.scale)
    )
    flat = edges[inside] == 0
    assert flat.mean() > 0.2
    assert (bright[inside] == road[inside])[flat].all()


def test_the_split_is_plain_on_the_left_and_tinted_on_the_right(shown: Shown) -> None:
    canvas = Composer().compose(shown, View((320, 180), "split", split=0.5)).astype(int)
    assert np.abs(canvas[:, :158, :3] - to_bgr(shown.frame)[:, :158]).max() <= 3
    tinted = canvas[:, 162:, :3] - to_bgr(shown.frame)[:, 162:]
    assert np.abs(tinted).max() > 30


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [97, 178, 191, 320])
def test_no_column_or_row_is_left_out(mode: str, width: int) -> None:
    """libswscale writes whole groups of columns only."""
    frame = frame_of(np.full((90, 160, 3), (60, 120, 200), np.uint8), "yuv420p")
    still = shown_of(frame, np.zeros((45, 80), np.uint8))
    composer = Composer((10, 2, 3))
    for _ in range(3):
        canvas = composer.compose(still, View((width, 101), mode))
        wanted = (0, 0, 0) if mode == "mask" else (60, 120, 200)
        is_picture = np.abs(canvas[..., :3].astype(int) - wanted).max(axis=-1) <= 2
        is_around = (canvas[..., :3] == (3, 2, 10)).all(axis=-1)
        assert (is_picture | is_around).all()
        assert is_picture.mean() > 0.3
        canvas[:] = 77  # the next one finds old memory


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_come_out_as_they_are(matrix: str, full_range: bool) -> None:
    if matrix == "bt2020" and not hasattr(Colorspace, "BT2020"):
        pytest.skip("PyAV before 18 does not know BT.2020: such video is shown a little off in hue")
    for color in ((0, 0, 255), (0, 255, 0), (255, 0, 0), (128, 128, 128)):
        space = ColorSpace(matrix, full_range)  # type: ignore[arg-type]
        frame = frame_of(np.full((64, 64, 3), color, np.uint8), "yuv420p", space)
        for size in ((64, 64), (40, 40), (160, 160)):
            canvas = Composer().to_bgrx(frame, size)
            assert np.abs(canvas[5:-5, 5:-5, :3].astype(int) - color).max() <= 4
