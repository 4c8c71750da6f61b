"""A table of figures that were asked for, and what this machine has: one row after the other is measured."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import bench_overlay

P = TypeVar("P")


@dataclass(frozen=True)
class Row:
    asked: str
    measured: str
    met: bool


Rows = Mapping[str, tuple[str, Callable[[P], Row]]]
"""Name -> title, and what measures it as long as a plan says."""


def arguments(description: str | None, rows: Rows[P], quick: str) -> argparse.ArgumentParser:
    """With --only and --quick, which `quick` explains."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=rows, action="append", help="measure this row; may be repeated")
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def measure(rows: Rows[P], only: Sequence[str] | None, plan: P) -> None:
    """Print the table, with the load of the machine before and after."""
    title_width = max(len(title) for title, _ in rows.values())
    print(f"{bench_overlay.machine()}; load {os.getloadavg()[0]:.1f} at the start")
    print(f"{'figure':{title_width}}  {'asked':22} {'met':5} measured")
    for name in only or rows:
        title, measured = rows[name]
        row = measured(plan)
        met = "yes" if row.met else "no"
        print(f"{title:{title_width}}  {row.asked:22} {met:5} {row.measured}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
