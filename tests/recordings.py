"""Recordings as dashcams make them: video that is turned, sound, subtitles, places, chapters, tags."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from clips import moving

CLOCK = Fraction(1, 90_000)
NTSC = [round(index * 3003) for index in range(150)]  # 29.97 a second, in ticks of CLOCK
CREATED = "2024-03-01T10:00:00.000000Z"


def record(
    path: Path,
    pts: Sequence[int] = NTSC,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (96, 64),
    sound: str | None = "aac",
    subtitles: str | None = None,
    places: bool = False,
    sound_first: bool = False,
    second_video: bool = False,
    rotation: float | None = None,
    time_base: Fraction = CLOCK,
    chapters: bool = False,
) -> Path:
    """A video with a frame at each of pts, and sound from zero to its end."""
    muxer = {"movie_timescale": "720000"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(path), "w", options=muxer) as output:
        audio = output.add_stream(sound, rate=48_000) if sound and sound_first else None
        video = _video(output, codec, options, size, time_base)
        if rotation is not None:
            video.set_display_rotation(rotation)
        if sound and audio is None:
            audio = output.add_stream(sound, rate=48_000)
        if audio is not None:
            audio.metadata["language"] = "eng"
        other = _video(output, "libx264", None, (32, 32), time_base) if second_video else None
        text = output.add_mux_stream(subtitles) if subtitles else None
        if text is not None:
            text.time_base = Fraction(1, 1000)
        data = output.add_data_stream("klv") if places else None
        output.metadata.update({"creation_time": CREATED, "title": "Drive"})
        end_s = float(pts[-1] * time_base)
        if chapters:
            bounds = [(0, 1000), (1000, round(end_s * 1000))]
            output.set_chapters(
                [
                    {
                        "id": n,
                        "start": a,
                        "end": b,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": f"C{n}"},
                    }
                    for n, (a, b) in enumerate(bounds)
                ]
            )
        packets: list[av.Packet[Any]] = []
        for stream, shape in ((video, size), (other, (32, 32))):
            if stream is not None:
                packets += _encode_video(stream, shape, pts, time_base)
        if audio is not None:
            packets += _encode_sound(audio, end_s)
        if text is not None:
            packets += _texts(text, subtitles or "", end_s)
        if data is not None:
            packets += _places(data, end_s)
        output.start_encoding()
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def _video(
    output: av.container.OutputContainer,
    codec: str,
    options: dict[str, str] | None,
    size: tuple[int, int],
    time_base: Fraction,
) -> av.VideoStream:
    # Ten key frames a few seconds: the borders of segments are at some of them.
    stream = output.add_stream(codec, rate=30, options=options or {"g": "15", "bf": "2", "sc_threshold": "0"})
    stream.width, stream.height = size
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = time_base
    return stream


def _encode_video(
    stream: av.VideoStream, size: tuple[int, int], pts: Sequence[int], time_base: Fraction
) -> list[av.Packet[Any]]:
    packets = []
    for index, moment in enumerate(pts):
        picture = av.VideoFrame.from_ndarray(moving(index, *size)).reformat(format=stream.pix_fmt)
        picture.pts, picture.time_base = moment, time_base
        packets += stream.encode(picture)
    return packets + stream.encode(None)


def _encode_sound(stream: Any, end_s: float) -> list[av.Packet[Any]]:
    rng = np.random.default_rng(0)
    packets = []
    for start in range(0, int(end_s * 48_000), 1024):
        noise = rng.normal(0, 0.1, (2, 1024)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        if stream.codec_context.format.name != "fltp":
            frame = av.AudioResampler(stream.codec_context.format.name).resample(frame)[0]
            frame.pts, frame.time_base = start, Fraction(1, 48_000)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _texts(stream: Any, codec: str, end_s: float) -> list[av.Packet[Any]]:
    packets = []
    for second in range(int(end_s)):
        text = f"{second} km/h".encode()
        data = len(text).to_bytes(2, "big") + text if codec == "mov_text" else text
        packets.append(_packet(stream, data, second * 1000, Fraction(1, 1000), 900))
    return packets


def _places(stream: Any, end_s: float) -> list[av.Packet[Any]]:
    key = bytes.fromhex("060e2b34020b01010e01030101000000")
    return [
        _packet(stream, key + bytes([8]) + tenth.to_bytes(8, "big"), tenth * 9000, CLOCK, 9000)
        for tenth in range(int(end_s * 10))
    ]


def _packet(stream: Any, data: bytes, pts: int, time_base: Fraction, duration: int) -> av.Packet[Any]:
    packet: av.Packet[Any] = av.Packet(data)
    packet.pts = packet.dts = pts
    packet.time_base, packet.duration, packet.stream = time_base, duration, stream
    packet.is_keyframe = True
    return packet


Moments = list[tuple[Fraction, bytes]]


def packets_of(path: Path) -> dict[str, Moments]:
    """Of each stream, by its index and type, the exact time of each packet and what is in it."""
    found: dict[str, Moments] = {}
    with av.open(str(path)) as container:
        for stream in container.streams:
            found[f"{stream.index} {stream.type}"] = []
        for packet in container.demux():
            if packet.size:
                stream = packet.stream
                moment = packet.pts * packet.time_base
                found[f"{stream.index} {stream.type}"].append((moment, bytes(packet)))
    return found


def video_of(path: Path, number: int = 0) -> Moments:
    """The packets of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[number]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]
