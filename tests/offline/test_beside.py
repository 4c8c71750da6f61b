"""What lies beside the video and is no common stream: covers, attachments, sound that begins before zero."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import times, write_clip
from recordings import NTSC, packets_of, record

from rtseg.errors import ConfigError, SinkError, SourceError
from rtseg.offline import ClipJob, process_clip
from rtseg.segmenter import Segmenter


def run(segmenter: Segmenter, source: Path, output: Path, *leave_out: int) -> list[str]:
    said: list[str] = []
    process_clip(ClipJob(source, output, leave_out=frozenset(leave_out)), segmenter, tell=said.append)
    return said


def jpeg() -> bytes:
    memory = io.BytesIO()
    with av.open(memory, "w", format="mjpeg") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8))))
        output.mux(stream.encode(None))
    return memory.getvalue()


def with_attachments(path: Path, cover: bytes) -> Path:
    """The video of another file, with a text and a cover."""
    plain = record(path.with_suffix(".mp4"), NTSC[:40], sound=None)
    with av.open(str(plain)) as source, av.open(str(path), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        output.add_attachment("route.txt", "text/plain", b"left, right")
        output.add_attachment("front.jpg", "image/jpeg", cover)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    return path


def covers_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
        packets: list[av.Packet[Any]] = list(container.demux(covers)) if covers else []
        return [bytes(packet) for packet in packets if packet.size]


def attachments_of(path: Path) -> list[tuple[str, bytes]]:
    with av.open(str(path)) as container:
        return [(each.name, each.data) for each in container.streams.attachments]


def test_covers_and_attachments_are_kept(tmp_path: Path, segmenter: Segmenter) -> None:
    cover = jpeg()
    source = with_attachments(tmp_path / "in.mkv", cover)
    assert covers_of(source) == [cover]
    run(segmenter, source, tmp_path / "a.mkv")
    assert covers_of(tmp_path / "a.mkv") == [cover]
    assert attachments_of(tmp_path / "a.mkv") == attachments_of(source) == [("route.txt", b"left, right")]
    run(segmenter, source, tmp_path / "b.mp4", 1)
    assert covers_of(tmp_path / "b.mp4") == [cover]
    run(segmenter, tmp_path / "b.mp4", tmp_path / "c.mkv")
    assert covers_of(tmp_path / "c.mkv") == [cover]


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_opus_keeps_its_times(tmp_path: Path, segmenter: Segmenter, ending: str) -> None:
    source = record(tmp_path / f"in.{ending}", NTSC[:60], sound="libopus")
    assert run(segmenter, source, tmp_path / f"out.{ending}") == []
    before, after = packets_of(source), packets_of(tmp_path / f"out.{ending}")
    assert before["1 audio"] == after["1 audio"]
    assert times(source) == times(tmp_path / f"out.{ending}")


def test_a_number_to_leave_out_that_is_none_is_told(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:5])
    with pytest.raises(ConfigError, match=r"--leave-out 7: .*has no such stream; 0 is video, 1 is audio"):
        run(segmenter, source, tmp_path / "out.mp4", 1, 7)
    with pytest.raises(ConfigError, match=r"--leave-out 0: stream 0 of .*in.mp4 is the video to segment"):
        run(segmenter, source, tmp_path / "out.mp4", 0)


def test_more_bits_than_come_out_are_told(tmp_path: Path, segmenter: Segmenter) -> None:
    source = write_clip(tmp_path / "in.mp4", range(10), pix_fmt="yuv422p10le")
    assert "in.mp4 is yuv422p10le: the output has 8 bits" in run(segmenter, source, tmp_path / "out.mp4")[0]


def test_an_encrypted_video_is_called_so(tmp_path: Path, segmenter: Segmenter) -> None:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    source = write_clip(tmp_path / "in.mp4", range(10), container_options=key)
    with pytest.raises(SourceError, match=r"in.mp4: its video is encrypted \(Common Encryption\)"):
        run(segmenter, source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_an_unknown_codec_is_named(tmp_path: Path, segmenter: Segmenter) -> None:
    source = write_clip(tmp_path / "in.mp4", range(10))
    source.write_bytes(source.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(SourceError, match=r"its video .*zzz1.* is nothing that this FFmpeg can decode"):
        run(segmenter, source, tmp_path / "out.mp4")


def test_a_text_that_nobody_could_read_again_is_told(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:60], subtitles="mov_text")
    with pytest.raises(SinkError, match=r"a .ts file cannot hold stream 2 \(subtitle: mov_text"):
        run(segmenter, source, tmp_path / "out.ts")
    with pytest.raises(SinkError, match=r"stream 2 \(subtitle: mov_text.*name the output out.mp4"):
        run(segmenter, source, tmp_path / "out.mkv")
