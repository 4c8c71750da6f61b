"""What a reading costs the GUI thread in the viewer's plots, painting and all, with a minute in each of them.

    .venv/bin/python tools/bench_plots.py [--readings 200]

Prints milliseconds a reading; four come a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtWidgets import QApplication

from rtseg.viewer.gallery import reading
from rtseg.viewer.plots_panel import PlotsPanel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=200)
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    panel = PlotsPanel()
    panel.setFixedWidth(288)
    panel.show()
    took_ms = []
    for number in range(240 + arguments.readings):
        now = reading(number / 4)
        began_s = time.perf_counter()
        panel.add(now, number / 4)
        application.processEvents()
        took_ms.append(1e3 * (time.perf_counter() - began_s))
    full = sorted(took_ms[240:])
    print(f"p50 {statistics.median(full):.2f} ms, p95 {full[int(0.95 * len(full))]:.2f} ms a reading")


if __name__ == "__main__":
    main()
