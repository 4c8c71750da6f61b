"""Encoded video from file to file, without encoding it anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import av
import av.error

from rtseg.errors import SinkError
from rtseg.offline.part import Part
from rtseg.offline.streams import OtherStreams
from rtseg.offline.writer import AddVideo, Writer, like, short


def copy_video(
    parts: Sequence[Path],
    output: Path,
    kind: str,
    others: OtherStreams | None,
    position: int,
    add_video: AddVideo | None = None,
) -> None:
    """The video of these files, one after the other, beside copies of the other streams. Raises SinkError.

    others is closed at the end.
    """
    try:
        with ExitStack() as stack:
            if others is not None:
                stack.callback(others.close)
            opened = [stack.enter_context(Part(path, position)) for path in parts]
            writer = Writer(output, kind, others, add_video or like(opened[0].video, kind), final=True)
            try:
                for packet in chain.from_iterable(part.packets() for part in opened):
                    writer.write(packet)
            except BaseException:
                writer.abandon()
                raise
            writer.close(whole=True)
    except SinkError:
        output.unlink(missing_ok=True)
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        output.unlink(missing_ok=True)
        raise SinkError(f"{output}: cannot be written ({short(error)})") from error
