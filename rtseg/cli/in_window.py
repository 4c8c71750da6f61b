"""`rtseg run` and `rtseg view` in a window."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rtseg.cli.run_parts import check_outputs, ladder, record_sinks
from rtseg.cli.run_report import told

if TYPE_CHECKING:
    from rich.console import Console

    from rtseg.cli.run import RunConfig
    from rtseg.runtime.choice import NetworkChoice
    from rtseg.runtime.session import Session

_FINISH_S = 15.0
_CLOSE_S = 0.5


def run(config: RunConfig, console: Console) -> list[Path]:
    """Show the window until it is closed; -> the files that were written.

    What is mistyped is said here. What fails later, as a camera may, is said in the window, which can try
    again.
    """
    from rtseg import viewer
    from rtseg.card import find_model
    from rtseg.runtime.extras import Extras
    from rtseg.runtime.process import share_heaps
    from rtseg.runtime.session import Session
    from rtseg.runtime.style import Style
    from rtseg.video.source import check_path

    share_heaps()
    for uri in config.source.uris:
        check_path(uri)
    check_outputs(config, [Path(uri) for uri in config.source.uris])
    opacity = Style.opacity if config.opacity is None else config.opacity
    Style(opacity, config.classes).check(find_model(config.network.model).card.classes)
    session = Session(
        config.network,
        policy=config.policy,
        extras=Extras(
            sinks=lambda source, _: record_sinks(config.record, source),
            ladder=(lambda source, segmenter: ladder(config, source, segmenter)) if config.adaptive else None,
            max_frames=config.frames,
            max_age_ms=config.max_age_ms,
        ),
    )
    try:
        viewer.show(session, config.source, opacity=config.opacity, classes=config.classes)
    finally:
        _finish(session)
    written = _report(session, console, config.stats)
    return [*(path for path in (config.record, config.stats) if path is not None), *written]


def view(source: str | None, network: NetworkChoice, console: Console) -> list[Path]:
    """Show the window with this source, or one that asks for it; -> the files that were written."""
    from rtseg import viewer
    from rtseg.card import find_model
    from rtseg.runtime.process import share_heaps
    from rtseg.runtime.request import SourceRequest
    from rtseg.runtime.session import Session
    from rtseg.video.source import check_path

    share_heaps()
    find_model(network.model)
    if source is not None:
        check_path(source)
    session = Session(network)
    try:
        viewer.show(session, None if source is None else SourceRequest((source,)))
    finally:
        _finish(session)
    return _report(session, console, None)


def _finish(session: Session) -> None:
    """A recording may still have to be finished when the window is gone; a server is not waited for."""
    session.begin_close()
    until = time.monotonic() + _FINISH_S
    while not session.join(_CLOSE_S) and not session.waits_for_a_source and time.monotonic() < until:
        pass


def _report(session: Session, console: Console, stats: Path | None) -> list[Path]:
    """What the last source gave; raises the trouble that was left."""
    playing, trouble = session.state.playing, session.state.trouble
    if playing is not None:
        with told(playing.pipeline, console, stats):
            if trouble is not None:
                raise trouble.error
    elif trouble is not None:
        raise trouble.error
    return session.saved
