"""rtseg data: begin, check and look at data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rich.table import Table

    from rtseg.data.verify import Verification

app = typer.Typer(help="Begin, check and look at data sets.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="A data set: a folder with dataset.toml.", show_default=False)]
ClassMap = Annotated[str, typer.Option("--map", help="Which map of dataset.toml.")]
LayoutName = Literal[
    "rtseg", "image-segmentation-keras", "cityscapes", "cityscapes-train-ids", "bdd100k", "comma10k"
]

_MAP = "road-vehicle-pedestrian"
_TRAINING_SIZE = "480x352"
_COLUMNS = 4


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="The folder of the data set, as its owner ships it.")],
    layout: Annotated[LayoutName, typer.Option(help="How its files are laid out.")],
    yes: common.Overwrite = False,
) -> None:
    """Write a dataset.toml for a data set that rtseg knows, or one to begin from for your own.

    Example: rtseg data init cityscapes --layout cityscapes
    """
    import shlex

    from rtseg.data.description import FILE, template
    from rtseg.data.layouts import LAYOUTS, split_names
    from rtseg.errors import DataError
    from rtseg.video.outputs import check_output, write_file

    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the one that the data set was unpacked into")
    check_output(folder / FILE, overwrite=yes)
    splits = split_names(LAYOUTS[layout], folder)
    if not splits:
        raise DataError(f"{folder}: is not laid out as {layout}; expected {LAYOUTS[layout].expected}")
    write_file(folder / FILE, template(layout).encode())
    console = common.console()
    console.print(f"Splits: {', '.join(splits)}. See that the ids, the maps and the licence are right, then:")
    console.print(shlex.join(["rtseg", "data", "verify", str(folder)]))
    common.print_paths(folder / FILE)


@app.command("verify")
def verify(
    folder: Folder,
    class_map: ClassMap = _MAP,
    split: Annotated[
        list[str] | None, typer.Option(help="Only this split; may be given again.", show_default=False)
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the facts to this file.")] = None,
    yes: common.Overwrite = False,
) -> None:
    """Read every file of a data set and list all that is wrong; exit code 2 if anything is.

    Example: rtseg data verify camvid
    """
    import json

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from rtseg.data.data_set import open_data_set
    from rtseg.data.verify import verify as verify_data_set
    from rtseg.errors import DataError
    from rtseg.video.outputs import check_output, write_file

    if json_file is not None:
        check_output(json_file, overwrite=yes)
    data_set = open_data_set(folder, class_map)
    files_of = {name: data_set.files(name) for name in split or data_set.splits}
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("verify")
        found = verify_data_set(
            data_set, files_of, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if json_file is not None:
        write_file(json_file, (json.dumps(found.to_json(), indent=2) + "\n").encode())

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"{data_set.name} ({data_set.license})")
    for facts in found.splits:
        sizes = sorted(facts.sizes, key=lambda size: size[0] * size[1])
        spelt = [f"{width}x{height}" for width, height in sizes]
        kinds = f"{len(spelt)} sizes, {spelt[0]} to {spelt[-1]}" if len(spelt) > 1 else "".join(spelt)
        console.print(f"{facts.name}: {facts.pictures} pictures{kinds and ', '}{kinds}")
    console.print(_balance(found))
    for problem in found.problems:
        where = f"{problem.split}: " if problem.path is None else f"{problem.path.relative_to(folder)}: "
        console.print(where + " ".join(problem.text.split()))
    if found.problems:
        raise DataError(
            f"{folder}: {len(found.problems)} problem{'s' * (len(found.problems) > 1)}, listed above"
        )
    console.print("no problems found")


def _balance(found: Verification) -> Table:
    """Each class: its share of the pixels of a split, and in how many pictures it is."""
    from rich.table import Table

    from rtseg.data.verify import share

    table = Table("class")
    for facts in found.splits:
        table.add_column(f"{facts.name}: pixels", justify="right")
        table.add_column("in pictures", justify="right")
    for label, name in found.label_names().items():
        cells = [(f"{share(facts, label):.2%}", str(facts.pictures_with[label])) for facts in found.splits]
        table.add_row(name, *(text for pair in cells for text in pair))
    return table


@app.command("show")
def show(
    folder: Folder,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG to write.")] = Path("sheet.png"),
    class_map: ClassMap = _MAP,
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "train",
    count: Annotated[int, typer.Option(min=1, max=400, help="How many samples, drawn by chance.")] = 12,
    augmented: Annotated[
        bool, typer.Option("--augmented", help="Show the samples as a training sees them.")
    ] = False,
    size: Annotated[str, typer.Option(help="Size of the crops with --augmented.")] = _TRAINING_SIZE,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other samples.")] = 0,
    yes: common.Overwrite = False,
) -> None:
    """Draw samples with their truth into one picture, to see whether the labels are right.

    Example: rtseg data show camvid --augmented -o sheet.png
    """
    import numpy as np

    from rtseg import labels
    from rtseg.data.data_set import open_data_set
    from rtseg.data.sheet import Tile, blended, contact_sheet, legend_of
    from rtseg.errors import ConfigError
    from rtseg.video.outputs import check_output
    from rtseg.video.sinks import write_png

    if output.suffix.lower() != ".png":
        raise ConfigError(f"{output}: a sheet is a PNG; name it {output.with_suffix('.png')}")
    check_output(output, overwrite=yes)
    crop = common.parse_size(size)
    if not all(16 <= side <= 4096 for side in crop):
        raise ConfigError(f"size is {size}; expected both sides from 16 to 4096")
    data_set = open_data_set(folder, class_map)
    samples = data_set.samples(split)
    rng = np.random.default_rng(seed)
    palette = labels.palette(data_set.classes)
    tiles = []
    for number in rng.permutation(len(samples))[:count]:
        image, truth = data_set.load(samples[number])
        if augmented:
            from rtseg.training.augmentation import augment

            own_car = labels.BACKGROUND if labels.has_background(data_set.classes) else labels.IGNORE
            image, truth = augment(image, truth, crop, rng, own_car=own_car)
        caption = f"{samples[number].image_path.stem}  {image.shape[1]}x{image.shape[0]}"
        tiles.append(Tile(blended(image, truth, palette), caption))
    sheet = contact_sheet(tiles, _COLUMNS, legend=legend_of(data_set.classes, palette))
    write_png(output, np.ascontiguousarray(sheet[..., ::-1]))
    common.print_paths(output)
