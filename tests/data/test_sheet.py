"""Sheets: every tile in its place, and truth that is seen: tinted classes, striped doubts."""

from __future__ import annotations

import numpy as np
import pytest

from rtseg.data.sheet import Tile, blended, contact_sheet, legend_of
from rtseg.labels import CLASSES, IGNORE, PALETTE, merged

GREY = np.full((40, 60, 3), 128, np.uint8)


def colors_in(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(color) for color in image.reshape(-1, 3).tolist()}


def plain(color: tuple[int, int, int], size: tuple[int, int] = (30, 20)) -> Tile:
    return Tile(np.full((size[1], size[0], 3), color, np.uint8))


@pytest.mark.parametrize("index", [1, 2, 3])
def test_a_class_is_tinted_in_its_colour(index: int) -> None:
    class_map = np.zeros((40, 60), np.uint8)
    class_map[:, :20] = index
    tinted = blended(GREY, class_map, PALETTE, opacity=1.0)
    assert colors_in(tinted[:, :20]) == {PALETTE[index]}
    assert (tinted[:, 20:] == 128).all()
    assert (GREY == 128).all()


def test_ignored_pixels_have_stripes_that_no_class_has() -> None:
    class_map = np.zeros((40, 60), np.uint8)
    class_map[:, :30] = IGNORE
    striped = blended(GREY, class_map, PALETTE, opacity=1.0)
    found = colors_in(striped[:, :30])
    assert len(found) == 2
    assert not found & set(PALETTE)
    assert (striped[:, 30:] == 128).all()


def test_a_merged_label_has_the_colours_of_its_classes_in_turn() -> None:
    class_map = np.full((40, 60), merged((2, 3)), np.uint8)
    striped = blended(GREY, class_map, PALETTE, opacity=1.0)
    assert colors_in(striped) == {PALETTE[2], PALETTE[3]}
    share = (striped == PALETTE[2]).all(axis=-1).mean()
    assert 0.4 < share < 0.6


def test_stripes_survive_the_shrinking_of_a_large_picture() -> None:
    image = np.full((1024, 2048, 3), 128, np.uint8)
    tile = Tile(blended(image, np.full((1024, 2048), IGNORE, np.uint8), PALETTE, opacity=1.0))
    sheet = contact_sheet([tile], 1, tile_width=320)
    assert sheet[:160, 6:326].std() > 40


def test_tiles_stand_in_rows_in_their_order() -> None:
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]
    sheet = contact_sheet([plain(color) for color in colors], 3, tile_width=30)
    rows, columns = sheet.shape[0] // 2, (sheet.shape[1] - 6) // 3
    for number, color in enumerate(colors):
        row, column = divmod(number, 3)
        centre = sheet[row * rows + 10, 6 + column * columns + 15]
        assert tuple(centre.tolist()) == color
    assert colors_in(sheet[rows:, 6 + 2 * columns :]) == {(32, 32, 32)}


def test_fewer_tiles_than_columns_leave_no_room_free() -> None:
    assert contact_sheet([plain((9, 9, 9))] * 2, 4, tile_width=30).shape[1] == 2 * 36 + 6


def test_a_tile_keeps_its_proportions_in_a_cell_of_others() -> None:
    tiles = [plain((0, 9, 0)), plain((0, 9, 0)), plain((250, 0, 0), size=(10, 20))]
    sheet = contact_sheet(tiles, 3, tile_width=30)
    red = (sheet == (250, 0, 0)).all(axis=-1)
    assert red.any(axis=0).sum() == 10
    assert red.any(axis=1).sum() == 20


def test_a_caption_is_written_below_and_cut_to_the_width() -> None:
    without = contact_sheet([plain((9, 9, 9))], 1, tile_width=120)
    sheet = contact_sheet([Tile(plain((9, 9, 9)).image, "a long name of a picture " * 9)], 1, tile_width=120)
    assert sheet.shape == without.shape
    changed = (sheet != without).any(axis=(1, 2)).nonzero()[0]
    assert changed.min() >= 80


def test_the_legend_names_what_is_tinted() -> None:
    legend = legend_of(CLASSES, PALETTE)
    assert [name for name, _ in legend] == ["road", "vehicle", "pedestrian", "ignored"]
    sheet = contact_sheet([plain((9, 9, 9))] * 4, 4, tile_width=120, legend=legend)
    assert set(PALETTE[1:]) <= colors_in(sheet[:30])


def test_a_legend_wider_than_the_sheet_is_cut() -> None:
    legend = [(f"class {number}", [(250, 0, 0)]) for number in range(40)]
    assert contact_sheet([plain((9, 9, 9))], 1, tile_width=100, legend=legend).shape[1] == 112
