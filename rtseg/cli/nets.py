"""rtseg nets: the networks that can be trained, and what each costs before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rtseg.cli import common

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rtseg.frame import Size
    from rtseg.nets.graph import ReceptiveField
    from rtseg.nets.summary import Cost, DecoderSummary, EncoderSummary

app = typer.Typer(help="Show the networks that can be trained.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]

_SIZE = "480x352"


@app.command("list")
def list_nets(json_output: Json = False) -> None:
    """List the encoders and the decoders that networks are made of."""
    import json
    from dataclasses import asdict

    from rtseg.labels import CLASSES

    with common.train_extra("measuring networks"):
        common.start_keras()
        from rtseg.nets.summary import USUAL_ENCODER

    size, classes = common.parse_size(_SIZE), len(CLASSES)
    encoders, decoders = _measured(size, classes)
    if json_output:
        parts = {"encoders": list(map(asdict, encoders)), "decoders": list(map(asdict, decoders))}
        typer.echo(json.dumps({"schema": 1, "size": size, "classes": classes, **parts}, indent=2))
        return
    console = _console()
    table = _table("encoder", "levels")
    for encoder in encoders:
        _add(table, encoder, encoder.name, _range([level.name for level in encoder.levels]))
    console.print(table)
    console.print()
    table = _table("decoder", "levels", "stride>")
    for decoder in decoders:
        _add(table, decoder, decoder.name, _range(decoder.takes), str(decoder.logits.stride))
    console.print(table)
    console.print()
    for line in (
        f"A net is DECODER_ENCODER; one in full: `rtseg nets info {decoders[0].name}_{encoders[0].name}`.",
        "Levels: those that an encoder gives or a decoder takes; Pn is of stride 2^n.",
        "Stride: of the logits.",
        f"GMACs: billions of multiply-accumulates for a picture of {_SIZE}.",
        "Receptive field: pixels a side, of the deepest level or of a logit; or all.",
        f"Decoders are measured on {USUAL_ENCODER}, for {classes} classes.",
    ):
        console.print(line)


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="DECODER_ENCODER, for example lite_mobilenetv2.")],
    size: Annotated[str, typer.Option(help="The picture that GMACs are told for.")] = _SIZE,
    classes: Annotated[int, typer.Option(max=255, help="How many classes the logits have.")] = 4,
    json_output: Json = False,
) -> None:
    """Show one network: its cost, its pyramid, how far it sees, its papers, and how to train it."""
    import json
    from dataclasses import asdict

    width, height = common.parse_size(size)
    with common.train_extra("measuring networks"):
        common.start_keras()
        from rtseg.nets.summary import net_summary

    encoder, decoder = net_summary(name, classes=classes, size=(width, height))
    if json_output:
        parts = {"encoder": asdict(encoder), "decoder": asdict(decoder)}
        head = {"schema": 1, "name": name, "size": (width, height), "classes": classes}
        typer.echo(json.dumps({**head, **parts}, indent=2))
        return
    console = _console()
    console.print(f"{name} at {width}x{height} with {classes} classes\n")
    table = common.borderless_table("", "parameters>", "trainable>", "GMACs>", "paper")
    whole = encoder.cost + decoder.cost
    for label, cost, papers in (
        (f"encoder {encoder.name}", encoder.cost, encoder.papers),
        (f"decoder {decoder.name}", decoder.cost, decoder.papers),
        ("together", whole, ()),
    ):
        figures = (_short(cost.parameters), _short(cost.trainable), _gmacs(cost))
        table.add_row(label, *figures, "\n".join(papers))
    console.print(table)
    console.print()
    table = common.borderless_table("level", "stride>", "size>", "channels>", "")
    for level in (*encoder.levels, decoder.logits):
        taken = "taken by the decoder" if level.name in decoder.takes else ""
        pixels = f"{width // level.stride}x{height // level.stride}"
        table.add_row(level.name, str(level.stride), pixels, str(level.channels), taken)
    console.print(table)
    console.print()
    for line in (
        f"receptive field of {encoder.levels[-1].name}: {_seen(encoder.receptive_field)}",
        f"receptive field of the logits: {_seen(decoder.receptive_field)}",
        f"train it: rtseg train --data FOLDER --net {name} --size {width}x{height} -o runs/{name}",
    ):
        console.print(line, soft_wrap=True)


def _measured(size: Size, classes: int) -> tuple[list[EncoderSummary], list[DecoderSummary]]:
    """Every encoder and every decoder; they are built for it, which takes some seconds."""
    from rich.progress import Progress

    from rtseg.nets.decoders import DECODERS
    from rtseg.nets.encoders import ENCODERS
    from rtseg.nets.summary import decoder_summaries, encoder_summary

    console = common.console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=len(ENCODERS) + len(DECODERS))
        encoders, decoders = [], []
        for name in ENCODERS:
            encoders.append(encoder_summary(name, size))
            bar.advance(task)
        for decoder in decoder_summaries(classes, size):
            decoders.append(decoder)
            bar.advance(task)
    return encoders, decoders


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _table(*headers: str) -> Table:
    return common.borderless_table(*headers, "parameters>", "GMACs>", "receptive\nfield>", "paper")


def _add(table: Table, part: EncoderSummary | DecoderSummary, *cells: str) -> None:
    field = part.receptive_field
    seen = "all" if field.whole_picture else str(field.pixels)
    table.add_row(*cells, _short(part.cost.parameters), _gmacs(part.cost), seen, "\n".join(part.papers))


def _short(count: int) -> str:
    """1234567 -> "1.23 M", with a precision that tells networks apart."""
    return f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count / 1e3:.1f} k"


def _gmacs(cost: Cost) -> str:
    return f"{cost.macs / 1e9:.2f}" if cost.macs >= 5e6 else "<0.01"


def _seen(field: ReceptiveField) -> str:
    if not field.whole_picture:
        return f"{field.pixels} pixels"
    return f"the whole picture, by pooling all of it; else {field.pixels} pixels"


def _range(levels: list[str] | tuple[str, ...]) -> str:
    """Levels from fine to deep without a gap -> "P2-P5"; with one, or alone, as they are."""
    numbers = [int(level[1:]) for level in levels]
    gapless = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return f"{levels[0]}-{levels[-1]}" if gapless and len(levels) > 1 else " ".join(levels)
