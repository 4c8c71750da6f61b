"""What goes in comes out: every frame at its exact time, and all that lies beside the video, bit for bit."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import times, write_clip
from recordings import CLOCK, CREATED, NTSC, packets_of, record, video_of

from rtseg.errors import ConfigError, SinkError, SourceError
from rtseg.offline import ClipJob, EncoderSettings, process_clip
from rtseg.segmenter import Segmenter
from rtseg.video.file import VideoSource

GAPS = [5000 + step for step in [0, 3003, 6006, 9500, 20_000, 300_000, 303_003, 600_000, 603_003]]


def run(segmenter: Segmenter, source: Path, output: Path, **job: object) -> list[str]:
    said: list[str] = []
    summary = process_clip(ClipJob(source, output, **job), segmenter, tell=said.append)  # type: ignore[arg-type]
    assert summary.finished
    assert sorted(path.name for path in output.parent.glob(".*")) == []
    return said


@pytest.mark.parametrize("pts", [NTSC[:75], GAPS], ids=["29.97", "gaps"])
@pytest.mark.parametrize("ending", ["mp4", "mov", "ts"])
def test_times_are_exact(tmp_path: Path, segmenter: Segmenter, ending: str, pts: list[int]) -> None:
    source = record(tmp_path / "in.mp4", pts, sound=None)
    run(segmenter, source, tmp_path / f"out.{ending}")
    assert times(tmp_path / f"out.{ending}") == [moment * CLOCK for moment in pts] == times(source)


def test_matroska_rounds_times_to_milliseconds(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", GAPS, sound=None)
    run(segmenter, source, tmp_path / "out.mkv")
    assert times(tmp_path / "out.mkv") == [Fraction(round(moment * CLOCK * 1000), 1000) for moment in GAPS]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3", "g": "20"}),
        ("a.mkv", "libx265", {"x265-params": "log-level=error", "g": "20"}),
        ("a.mov", "mjpeg", {}),
        ("a.avi", "mpeg4", {"bf": "0", "g": "12"}),
        ("a.avi", "mjpeg", {}),
        ("a.mkv", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "20"}),
        ("a.mp4", "libsvtav1", {"preset": "13", "g": "20"}),
        ("a.ts", "libx264", {"bf": "2", "g": "20"}),
    ],
)
def test_every_codec_that_cameras_write(
    tmp_path: Path, segmenter: Segmenter, name: str, codec: str, options: dict[str, str]
) -> None:
    source = tmp_path / name
    write_clip(source, range(40), time_base=Fraction(1, 30), rate=30, codec=codec, codec_options=options,
               pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p")  # fmt: skip
    run(segmenter, source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(source)
    assert len(times(source)) == 40


@pytest.mark.parametrize(
    ("name", "sound", "subtitles", "places", "output"),
    [
        ("a.mp4", "aac", "mov_text", False, "out.mp4"),
        ("a.mp4", "aac", "mov_text", False, "out.mov"),
        ("a.mkv", "pcm_s16le", "subrip", False, "out.mkv"),
        ("a.ts", "mp2", None, True, "out.ts"),
        ("a.avi", "pcm_s16le", None, False, "out.mkv"),
    ],
)
def test_other_streams_are_copied_bit_for_bit(
    tmp_path: Path,
    segmenter: Segmenter,
    name: str,
    sound: str,
    subtitles: str | None,
    places: bool,
    output: str,
) -> None:
    if name == "a.avi":
        source = record(
            tmp_path / name, range(90), codec="mpeg4", options={"bf": "0", "g": "15"}, sound=sound,
            time_base=Fraction(1001, 30000),
        )  # fmt: skip
    else:
        source = record(
            tmp_path / name, NTSC[:90], sound=sound, subtitles=subtitles, places=places, sound_first=True,
            second_video=name == "a.mp4",
        )  # fmt: skip
    run(segmenter, source, tmp_path / output)
    before, after = packets_of(source), packets_of(tmp_path / output)
    assert list(before) == list(after)
    (segmented,) = [stream for stream in before if stream.endswith("video")][:1]
    assert len(before.pop(segmented)) == len(after.pop(segmented))
    for stream, packets in before.items():
        assert [data for _, data in packets] == [data for _, data in after[stream]], stream
        if not output.endswith("mkv"):
            assert packets == after[stream]
    with av.open(str(source)) as one, av.open(str(tmp_path / output)) as other:
        said = [str(stream.language) for stream in other.streams if stream.type == "audio"]
        assert (
            said
            == ["None" if name == "a.avi" else "eng"]
            == [str(stream.language) for stream in one.streams if stream.type == "audio"]
        )


@pytest.mark.parametrize("output", ["out.mp4", "out.mov", "out.mkv"])
def test_turning_tags_and_chapters_are_kept(tmp_path: Path, segmenter: Segmenter, output: str) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:90], rotation=90, chapters=True)
    run(segmenter, source, tmp_path / output)
    with av.open(str(source)) as one, av.open(str(tmp_path / output)) as other:
        assert [stream.type for stream in other.streams][:2] == ["video", "audio"]
        assert next(one.decode(video=0)).rotation == next(other.decode(video=0)).rotation == 90
        assert other.metadata["title"] == "Drive"
        assert other.metadata["creation_time"] == CREATED
        marks = [
            [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in each.chapters()]
            for each in (one, other)
        ]
        assert marks[0] == marks[1] == [(0, "C0"), (1, "C1")]
    if output != "out.mkv":  # the text track of the chapters is there once
        assert len(packets_of(tmp_path / output)) == len(packets_of(source)) == 3


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.ts"])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_and_shape_of_pixels_are_kept(
    tmp_path: Path, segmenter: Segmenter, output: str, full_range: bool
) -> None:
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        context = stream.codec_context
        context.sample_aspect_ratio = Fraction(4, 3)
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, 16
        context.color_range = 2 if full_range else 1
        for index in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 90, np.uint8)).reformat(
                format="yuv420p"
            )
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    run(segmenter, source, tmp_path / output)
    kept = []
    for path in (source, tmp_path / output):
        with av.open(str(path)) as container:
            context = container.streams.video[0].codec_context
            kept.append(
                (context.colorspace, context.color_primaries, context.color_trc, context.color_range,
                 container.streams.video[0].sample_aspect_ratio)
            )  # fmt: skip
    assert kept[0] == kept[1] == (9, 9, 16, 2 if full_range else 1, Fraction(4, 3))


@pytest.mark.parametrize(
    ("codec", "output", "name"),
    [
        ("h265", "out.mp4", "hevc"),
        ("av1", "out.mp4", "av1"),
        ("ffv1", "out.mkv", "ffv1"),
        ("h265", "out.ts", "hevc"),
    ],
)
def test_it_encodes_as_it_is_told(
    tmp_path: Path, segmenter: Segmenter, codec: str, output: str, name: str
) -> None:
    source = record(tmp_path / "in.mp4", NTSC, sound=None)
    run(segmenter, source, tmp_path / output, encoder=EncoderSettings(codec, threads=2))  # type: ignore[arg-type]
    with av.open(str(tmp_path / output)) as container:
        assert container.streams.video[0].codec_context.name in {name, "libdav1d"}
    if output != "out.mkv":
        assert times(tmp_path / output) == times(source)
    assert len(times(tmp_path / output)) == len(NTSC)


def test_a_stream_that_the_output_cannot_hold_is_told_before_any_work(
    tmp_path: Path, segmenter: Segmenter
) -> None:
    source = record(tmp_path / "in.mkv", NTSC[:60], subtitles="subrip")
    with pytest.raises(
        SinkError,
        match=r"cannot hold stream 2 \(subtitle: subrip.*name the output out.mkv, or add --leave-out 2",
    ):
        process_clip(ClipJob(source, tmp_path / "out.mp4"), segmenter)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    run(segmenter, source, tmp_path / "out.mp4", leave_out=frozenset({2}))
    assert list(packets_of(tmp_path / "out.mp4")) == ["0 video", "1 audio"]


def test_what_comes_out_beside_the_video(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", NTSC, sound=None)
    summary, rows = tmp_path / "s.json", tmp_path / "f.jsonl"
    run(segmenter, source, tmp_path / "out.mp4", masks=tmp_path / "m.mov", jsonl=rows, summary=summary)
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [line["pts"] * Fraction(line["time_base"]) for line in lines] == times(source)
    assert [line["index"] for line in lines] == list(range(len(NTSC)))
    assert all(abs(sum(line["share"].values()) - 1) < 1e-4 for line in lines)
    assert all(len(line["drivable_width"]) == 8 and 0 < line["confidence"] <= 1 for line in lines)
    told = json.loads(summary.read_text())
    assert (told["schema"], told["frames"], told["finished"]) == (1, len(NTSC), True)
    mean = np.mean([line["share"]["road"] for line in lines])
    assert told["class_share"]["road"] == pytest.approx(mean, abs=1e-4)
    assert set(told["key"]) == {"input", "model", "settings"}
    run(segmenter, source, tmp_path / "again.mp4", masks=tmp_path / "folder")
    pictures = [path.read_bytes() for path in sorted((tmp_path / "folder").iterdir())]
    assert pictures == [data for _, data in video_of(tmp_path / "m.mov")]
    assert [moment for moment, _ in video_of(tmp_path / "m.mov")] == times(source)
    with av.open(str(tmp_path / "m.mov")) as container:
        assert next(container.decode(video=0)).format.name == "pal8"


def test_one_of_several_videos(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:60], second_video=True)
    assert (
        "in.mp4 has 2 videos: 0 is h264 96x64; 1 is h264 32x32"
        in run(segmenter, source, tmp_path / "0.mp4")[0]
    )
    assert run(segmenter, source, tmp_path / "1.mp4", stream=1) == []
    assert video_of(tmp_path / "0.mp4", 1) == video_of(source, 1)
    assert video_of(tmp_path / "1.mp4", 0) == video_of(source, 0)
    assert video_of(tmp_path / "1.mp4", 1) != video_of(source, 1)
    with pytest.raises(SourceError, match="has no video 2, only 0 is h264 96x64; 1 is h264 32x32"):
        run(segmenter, source, tmp_path / "2.mp4", stream=2)


def test_a_video_that_changes_its_size(tmp_path: Path, segmenter: Segmenter) -> None:
    parts = [record(tmp_path / f"{n}.ts", NTSC[:40], size=size, sound=None)
             for n, size in enumerate([(96, 64), (64, 48)])]  # fmt: skip
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    summary = process_clip(ClipJob(tmp_path / "in.ts", tmp_path / "out.mp4"), segmenter)
    assert any("changes its size: 40 frames were scaled to 96x64" in each for each in summary.troubles)
    moments = times(tmp_path / "out.mp4")
    assert len(moments) == 80
    assert moments == sorted(set(moments))
    with VideoSource(str(tmp_path / "out.mp4")) as result:
        assert {frame.size for frame in result.frames()} == {(96, 64)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EncoderSettings(preset="quick"), "preset 'quick' is unknown to h264; it has ultrafast"),
        (EncoderSettings(crf=99), "--crf 99 does not fit h264; give 0 .best. to 51"),
        (EncoderSettings("ffv1", crf=3), "it is lossless"),
        (EncoderSettings(hwaccel="tpu"), "--hwaccel 'tpu' is unknown; choose one of auto none cuda"),
    ],
)
def test_settings_that_make_no_sense(
    tmp_path: Path, segmenter: Segmenter, settings: EncoderSettings, message: str
) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:5], sound=None)
    with pytest.raises(ConfigError, match=message):
        process_clip(ClipJob(source, tmp_path / "out.mkv", encoder=settings), segmenter)


def test_hardware_that_is_not_there_is_told(tmp_path: Path, segmenter: Segmenter) -> None:
    source = record(tmp_path / "in.mp4", NTSC[:30], sound=None)
    said = run(segmenter, source, tmp_path / "out.mp4", encoder=EncoderSettings(hwaccel="vaapi"))
    assert any("encoding with libx264" in line for line in said)
    assert any("decoding on the CPU" in line for line in said)
    assert times(tmp_path / "out.mp4") == times(source)
