"""Cover pictures: streams of one picture that has no time, in Matroska an attachment."""

from __future__ import annotations

from pathlib import Path

from av.container import OutputContainer
from av.stream import Disposition, Stream

from rtseg.video.file import open_file

# What Matroska's readers take for covers; other pictures are attachments without a meaning.
_KINDS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "bmp": ("bmp", "image/x-ms-bmp")}


def is_cover(stream: Stream) -> bool:
    """Whether a stream is a cover, and no video."""
    return bool(stream.disposition & Disposition.attached_pic)


def picture(path: Path, stream: Stream) -> bytes:
    """The picture as it is in the file."""
    with open_file(path) as container:
        for packet in container.demux(container.streams[stream.index]):
            if packet.size:
                return bytes(packet)
    return b""


def attach(output: OutputContainer, path: Path, cover: Stream) -> None:
    """Put a file's cover into an output that has attachments."""
    ending, mimetype = _KINDS.get(cover.codec_context.name, ("bin", "application/octet-stream"))
    tags = {key.lower(): tag for key, tag in cover.metadata.items()}
    name, mimetype = tags.get("filename", f"cover.{ending}"), tags.get("mimetype", mimetype)
    output.add_attachment(name, mimetype, picture(path, cover))
