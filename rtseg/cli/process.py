"""rtseg process: a recording in, every frame of it out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtseg.cli import common, process_many
from rtseg.cli.watching import Opened, tell_troubles, watch
from rtseg.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtseg.labels import Rgb
    from rtseg.offline import ClipJob
    from rtseg.runtime.choice import NetworkChoice
    from rtseg.video.sinks import Sink
    from rtseg.video.source import Source


def process(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="A video, a picture, a folder of either, or a glob of pictures; with --join, videos.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The video to write; a folder where the input is pictures."),
    ],
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Write class maps: palette PNG into this folder, or a video of them (.mov). A pixel's index "
            "is its class."
        ),
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Write figures of each frame into this file, a line of JSON each.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as a Parquet file.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write what was done, and its key, into this JSON file.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Make one video of several that follow each other.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted run has left, if anything.")
    ] = False,
    stream: Annotated[
        int | None,
        typer.Option(min=0, help="Which of several videos in the file, counted from 0. Others are copied."),
    ] = None,
    leave_out: Annotated[
        str, typer.Option(help="Do not copy these streams, by their numbers: 2,3. All others are.")
    ] = "",
    codec: Annotated[
        Literal["h264", "h265", "av1", "ffv1"], typer.Option(help="What the video is encoded as.")
    ] = "h264",
    crf: Annotated[
        int | None,
        typer.Option(
            help="Quality: the smaller, the better and larger. h264: 0 to 51, usually 24; h265: 26; av1: 35."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Speed. h264 and h265: ultrafast to placebo, usually superfast; av1: 0 to 13, usually 10."
        ),
    ] = None,
    hwaccel: Annotated[
        Literal["auto", "none", "cuda", "qsv", "vaapi", "videotoolbox"],
        typer.Option(help="Hardware to decode and encode with. auto takes what answers; none is the CPU."),
    ] = "none",
    model: common.Model = "street-m",
    backend: common.Backend = "auto",
    precision: common.Precision = "auto",
    opacity: common.Opacity = 0.5,
    classes: common.Classes = "",
    yes: common.Overwrite = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Of a folder of videos: how many at once; each has a network.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--verify", help="Only compare a folder of results with its manifest.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(help="Do a folder or URL of videos on a Ray cluster: its address, or local."),
    ] = None,
    task_cpus: Annotated[
        float | None, typer.Option(min=0.1, help="With --ray: CPUs of a task; all of a machine's up to 4.")
    ] = None,
    task_gpus: Annotated[float, typer.Option(min=0, help="With --ray: GPUs of a task, or a part.")] = 0,
    split_s: Annotated[
        float | None,
        typer.Option(min=1, help="With --ray: longer clips are split into parts of this many seconds (300)."),
    ] = None,
) -> None:
    """Segment a recording: every frame comes out, in order, at its own time, with sound and all else.

    Example: rtseg process drive.mp4 -o drive-segmented.mp4 --masks drive-masks --jsonl drive.jsonl
    """
    from rtseg.offline import ClipJob, EncoderSettings
    from rtseg.runtime.choice import NetworkChoice
    from rtseg.runtime.process import share_heaps
    from rtseg.video.file import VideoSource
    from rtseg.video.source import is_url, open_source

    share_heaps()  # each segment has an encoder with threads of its own
    network = NetworkChoice(model, backend, precision)
    job = ClipJob(
        Path(inputs[0]),
        output,
        stream=stream,
        encoder=EncoderSettings(codec, crf, preset, hwaccel=hwaccel),
        masks=masks,
        jsonl=jsonl,
        parquet=parquet,
        summary=summary,
        opacity=opacity,
        classes=common.names(classes),
        leave_out=_numbers(leave_out),
        resume=resume,
        overwrite=yes,
    )
    if len(inputs) > 1 and not join:
        raise ConfigError(f"{len(inputs)} inputs are given; add --join to make one video of them")
    many = process_many.Asked(jobs, check, ray, task_cpus, task_gpus, split_s)
    if join and many != process_many.Asked():
        raise ConfigError(
            "--join makes one video of several; --jobs, --verify and --ray are for a folder of them"
        )
    if not join and process_many.done(inputs[0], job, network, many):
        return
    files: list[Path] = []
    clips = True
    for input in inputs:
        with open_source(input) as source:
            clips = clips and isinstance(source, VideoSource) and not is_url(input)
            files += source.files
    if not clips:
        if jsonl or parquet or summary or resume or stream is not None or leave_out:
            raise ConfigError(f"{inputs[0]}: --jsonl, --resume and the like are for video files")
        if join:
            raise ConfigError("--join is for video files; a folder of pictures is one input")
        _process_pictures(
            inputs[0], output, masks, network, opacity=opacity, classes=common.names(classes), overwrite=yes
        )
        return
    job = replace(job, input=files[0])
    if join:
        _process_joined(job, files, network)
    else:
        _process_clip(job, network)


def _numbers(text: str) -> frozenset[int]:
    parts = common.names(text)
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"--leave-out {text!r}: expected numbers of streams, for example 2,3")
    return frozenset(map(int, parts))


def _process_clip(job: ClipJob, network: NetworkChoice) -> None:
    from rtseg.cli.clips import run_clip
    from rtseg.offline import check_job

    check_job(job)
    with network.load("offline") as segmenter:
        signal = run_clip(job, segmenter, common.console())
    common.print_paths(job.output, job.masks, job.jsonl, job.parquet, job.summary)
    if signal is not None:
        raise typer.Exit(128 + signal)


def _process_joined(job: ClipJob, files: Sequence[Path], network: NetworkChoice) -> None:
    from rtseg.cli.clips import run_clip
    from rtseg.offline import check_job, check_join, clip_jobs, is_done, join_clips

    check_job(job)
    jobs = clip_jobs(job, files)
    check_join(job, jobs)
    for each in jobs:
        check_job(each)
    console = common.console()
    signal = None
    with network.load("offline") as segmenter:
        for each in jobs:
            if job.resume and is_done(each, segmenter):
                continue
            console.print(f"{each.input}:")
            signal = run_clip(each, segmenter, console)
            if signal is not None:
                break
    if signal is not None:
        raise typer.Exit(128 + signal)
    join_clips(job, jobs)
    common.print_paths(job.output, job.masks, job.jsonl, job.parquet, job.summary)


def _process_pictures(
    input: str,
    output: Path,
    masks: Path | None,
    network: NetworkChoice,
    *,
    opacity: float,
    classes: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Pictures, and videos of a server."""
    from rtseg.runtime.pipeline import Pipeline, Style
    from rtseg.video.source import open_source

    console = common.console()
    with Opened() as opened:
        source = opened.add(open_source(input))
        _check(source, output, masks, overwrite=overwrite)
        segmenter = opened.add(network.load("offline"))
        pipeline = opened.used_by(
            Pipeline(
                source,
                segmenter,
                sinks=_sinks(source, output, masks, segmenter.card.palette),
                policy="every-frame",
                style=Style(opacity, classes or None),
            )
        )
        try:
            signal = watch(pipeline, console, total=source.frame_count)
        finally:
            tell_troubles(source, console)
    stats = pipeline.stats
    rate = stats.frames_out / stats.wall_s
    console.print(f"{stats.frames_out} frames in {stats.wall_s:.1f} s = {rate:.1f} a second")
    common.print_paths(output, masks)
    if signal is not None:
        raise typer.Exit(128 + signal)


def _check(source: Source, output: Path, masks: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot work before anything is loaded or made."""
    from rtseg.errors import SinkError
    from rtseg.video.outputs import check_folder, check_output
    from rtseg.video.video_sink import check_video_name

    if source.live:
        raise SinkError(f"{source.name}: is live; `rtseg run --record FILE` records it, process takes files")
    if _is_folder(source, output):
        check_folder(output, overwrite=overwrite, inputs=source.files)
    else:
        check_output(output, overwrite=overwrite, inputs=source.files)
        check_video_name(output)
    if masks is not None:
        check_folder(masks, overwrite=overwrite, inputs=source.files)
        if masks.absolute() == output.absolute():
            raise SinkError(f"{masks}: is the output too; choose another folder for the masks")


def _is_folder(source: Source, output: Path) -> bool:
    """Whether the output is a folder of pictures, and not a video."""
    from rtseg.video.images import ImagesSource

    return isinstance(source, ImagesSource) and (not output.suffix or output.is_dir())


def _sinks(source: Source, output: Path, masks: Path | None, palette: Sequence[Rgb]) -> list[Sink]:
    from rtseg.video.sinks import MaskSink, PictureSink
    from rtseg.video.video_sink import VideoSink

    sinks: list[Sink] = [
        PictureSink(output) if _is_folder(source, output) else VideoSink(output, rate=source.rate)
    ]
    if masks is not None:
        sinks.append(MaskSink(masks, palette))
    return sinks
