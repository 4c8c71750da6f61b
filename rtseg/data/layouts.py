"""Where the files of a data set lie: one layout for each way in which others keep theirs.

root, split -> pairs of a picture and its labels
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from rtseg.errors import DataError

IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


@dataclass(frozen=True)
class Sample:
    """One picture and its labels."""

    image_path: Path
    label_path: Path


@dataclass(frozen=True)
class Place:
    """One arrangement of folders, in which {split} stands for a split's name.

    A picture is images/STEM image_end .SUFFIX and its labels are labels/STEM label_end .SUFFIX, where a
    nested stem holds one more folder (Cityscapes: the city).
    """

    images: str
    labels: str
    image_end: str = ""
    label_end: str = ""
    nested: bool = False


@dataclass(frozen=True)
class Layout:
    """How a data set is kept on disk.

    places are tried in order, and the first one that is there holds every split. splits are those that have
    labels for everyone; without them each folder is one. Where folders do not tell, pictures whose stem ends
    with val_end are the split "val"; with val_is_test, "val" is the folder "test" if it has none of its own.
    repeated_ids: a label may be a colour picture with the id in each channel.
    """

    places: tuple[Place, ...]
    splits: tuple[str, ...] = ()
    val_end: str = ""
    val_is_test: bool = False
    label_suffixes: tuple[str, ...] = (".png",)
    repeated_ids: bool = False

    @property
    def expected(self) -> str:
        """What a folder must hold to be of this layout, for messages."""
        return " or ".join(
            f"{place.images} with {place.labels}".replace("{split}", "SPLIT") for place in self.places
        )


_TRAIN_AND_VAL: Final = ("train", "val")


def _cityscapes(label_end: str) -> Layout:
    place = Place("leftImg8bit/{split}", "gtFine/{split}", "_leftImg8bit", label_end, nested=True)
    return Layout((place,), splits=_TRAIN_AND_VAL)


LAYOUTS: Final[dict[str, Layout]] = {
    "rtseg": Layout((Place("{split}/images", "{split}/labels"),)),
    # https://github.com/divamgupta/image-segmentation-keras: two folders of any name with files of equal
    # names; those of its documentation and its scripts, then those that people choose. Its "test" is what
    # it validates on.
    "image-segmentation-keras": Layout(
        (
            Place("images_prepped_{split}", "annotations_prepped_{split}"),
            Place("{split}/images", "{split}/annotations"),
            Place("images/{split}", "annotations/{split}"),
            Place("images", "annotations"),
        ),
        val_is_test=True,
        label_suffixes=(".png", ".bmp"),
        repeated_ids=True,
    ),
    # https://github.com/mcordts/cityscapesScripts, whose csCreateTrainIdLabelImgs writes the train ids.
    "cityscapes": _cityscapes("_gtFine_labelIds"),
    "cityscapes-train-ids": _cityscapes("_gtFine_labelTrainIds"),
    # https://doc.bdd100k.com: the release of 2020 and the one before; "test" has no labels.
    "bdd100k": Layout(
        (
            Place("images/10k/{split}", "labels/sem_seg/masks/{split}"),
            Place("seg/images/{split}", "seg/labels/{split}", label_end="_train_id"),
        ),
        splits=_TRAIN_AND_VAL,
    ),
    # https://github.com/commaai/comma10k validates on "images ending with 9.png".
    "comma10k": Layout((Place("imgs", "masks"),), splits=_TRAIN_AND_VAL, val_end="9"),
}


@dataclass(frozen=True)
class Files:
    """What lies there for a split: all pictures with where their labels belong, sorted by name.

    missing are the samples without labels, orphans the labels without picture.
    """

    folder: Path
    label_folder: Path
    samples: tuple[Sample, ...]
    missing: tuple[Sample, ...]
    orphans: tuple[Path, ...]


def split_names(layout: Layout, root: Path) -> list[str]:
    """The splits of a data set, by name; none where the folder is of another layout."""
    place = _place(layout, root)
    if place is None:
        return []
    return [
        name
        for name in sorted(_folder_names(layout, place, root))
        if not layout.splits or name in layout.splits
    ]


def find_files(layout: Layout, root: Path, split: str) -> Files:
    """The files of one split. Raises DataError for a split that is not there."""
    place = _place(layout, root)
    name = None if place is None else _folder_names(layout, place, root).get(split)
    if place is None or name is None:
        names = split_names(layout, root)
        hint = f"there are: {', '.join(names)}" if names else f"expected {layout.expected}"
        raise DataError(f"{root}: no split {split!r}; {hint}")
    folder, label_folder = (root / part.format(split=name) for part in (place.images, place.labels))
    images = _stems(folder, place.image_end, IMAGE_SUFFIXES, nested=place.nested)
    labels = _stems(label_folder, place.label_end, frozenset(layout.label_suffixes), nested=place.nested)
    if layout.val_end:
        images, labels = (
            {path: stem for path, stem in found.items() if stem.endswith(layout.val_end) == (split == "val")}
            for found in (images, labels)
        )
    label_of = {stem: path for path, stem in labels.items()}
    ending = place.label_end + layout.label_suffixes[0]
    samples = tuple(
        Sample(path, label_of.get(stem) or label_folder / f"{stem}{ending}") for path, stem in images.items()
    )
    with_picture = set(images.values())
    return Files(
        folder,
        label_folder,
        samples,
        tuple(sample for sample in samples if sample.label_path not in labels),
        tuple(path for path, stem in labels.items() if stem not in with_picture),
    )


def _place(layout: Layout, root: Path) -> Place | None:
    return next((place for place in layout.places if _image_folders(place, root)), None)


def _folder_names(layout: Layout, place: Place, root: Path) -> dict[str, str]:
    """Each split with what {split} stands for in its folders, also those whose labels the owner keeps."""
    if "{split}" not in place.images:
        return {name: name for name in layout.splits or ("train",)}
    parts = PurePosixPath(place.images).parts
    depth = next(number for number, part in enumerate(parts) if "{split}" in part)
    prefix = parts[depth].removesuffix("{split}")
    found = (path.relative_to(root).parts[depth] for path in _image_folders(place, root))
    names = {part.removeprefix(prefix): part.removeprefix(prefix) for part in found}
    if layout.val_is_test and "test" in names and "val" not in names:
        names["val"] = names.pop("test")
    return names


def _image_folders(place: Place, root: Path) -> list[Path]:
    # Hidden ones are no splits.
    found = root.glob(place.images.format(split="*"))
    return [path for path in found if path.is_dir() and "/." not in f"/{path.relative_to(root).as_posix()}"]


def _stems(folder: Path, end: str, suffixes: frozenset[str], *, nested: bool) -> dict[Path, str]:
    """The files that end so, sorted, each with its stem; none where there is no such folder."""
    try:
        # Names with a dot in front are what macOS leaves beside the files of an archive.
        found = [path for path in sorted(folder.glob("*/*" if nested else "*")) if path.name[0] != "."]
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror})") from error
    return {
        path: path.relative_to(folder).with_name(path.stem.removesuffix(end)).as_posix()
        for path in found
        if path.suffix.lower() in suffixes and path.stem.endswith(end)
    }
