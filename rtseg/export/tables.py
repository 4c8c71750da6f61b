"""A comparison as a table for a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from rtseg.export.parity import Parity


def parity_table(parity: Parity) -> Table:
    """What the report keeps, less the single frames."""
    width, height = parity.size
    title = f"{parity.model} as {parity.exported} beside {parity.reference}, {width}x{height}"
    # Names of frames come from files: brackets in them are no markup.
    table = Table("", "agreement or IoU", "at least", "IoU change", title=Text(title), min_width=60)
    limits = parity.limits
    table.add_row(
        f"pixels, {len(parity.agreement_of)} frames", f"{parity.agreement:.4f}", f"{limits.agreement:.4f}", ""
    )
    worst = parity.agreement_of[parity.worst]
    table.add_row(Text(f"worst frame: {parity.worst}"), f"{worst:.4f}", f"{limits.worst:.4f}", "")
    table.add_section()
    for name, iou in parity.iou.items():
        change = parity.iou_change[name] if parity.iou_change is not None else None
        table.add_row(
            Text(name),
            "absent" if iou is None else f"{iou:.4f}",
            "rare" if name in parity.rare else f"{limits.iou:.4f}",
            "" if change is None else f"{change:+.4f}",
        )
    return table
