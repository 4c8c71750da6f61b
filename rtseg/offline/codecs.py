"""Which encoder makes a video, and with what options."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import av.error
import numpy as np
from av.codec.codec import UnknownCodecError
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext

from rtseg.errors import ConfigError
from rtseg.frame import Frame
from rtseg.offline.job import Codec, EncoderSettings
from rtseg.video.picture import Pictures
from rtseg.video.video_sink import ENCODER_OPTIONS

_SOFTWARE: dict[Codec, str] = {"h264": "libx264", "h265": "libx265", "av1": "libsvtav1", "ffv1": "ffv1"}
_HARDWARE: dict[str, dict[Codec, str]] = {
    "cuda": {"h264": "h264_nvenc", "h265": "hevc_nvenc", "av1": "av1_nvenc"},
    "qsv": {"h264": "h264_qsv", "h265": "hevc_qsv", "av1": "av1_qsv"},
    "vaapi": {"h264": "h264_vaapi", "h265": "hevc_vaapi", "av1": "av1_vaapi"},
    "videotoolbox": {"h264": "h264_videotoolbox", "h265": "hevc_videotoolbox"},
}
HWACCELS = ("auto", "none", *_HARDWARE)
_ENCODES_ON_DEVICES = int(av.__version__.partition(".")[0]) >= 18
_X26X_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_PRESETS: dict[Codec, tuple[str, ...]] = {
    "h264": _X26X_PRESETS,
    "h265": _X26X_PRESETS,
    "av1": tuple(str(number) for number in range(14)),
    "ffv1": (),
}
_CRF_LIMIT: dict[Codec, int] = {"h264": 51, "h265": 51, "av1": 63, "ffv1": -1}


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg, ready to be opened any number of times."""

    name: str
    options: dict[str, str]
    threads: int
    device: str | None = None
    """The kind of device that pictures are sent to, for those that take no others."""

    @property
    def on_device(self) -> dict[str, HWAccel]:
        """What PyAV is told of the device, if there is one; before 18.0 it does not know the word."""
        return {} if self.device is None else {"hwaccel": HWAccel(self.device)}

    def open(self, pictures: Pictures, time_base: Fraction, rate: Fraction) -> VideoCodecContext:
        """A fresh one, for a segment."""
        context = av.CodecContext.create(self.name, "w", **self.on_device)
        assert isinstance(context, VideoCodecContext)
        context.options = dict(self.options)
        self.describe_to(context, pictures, time_base, rate)
        return context

    def describe_to(
        self, context: VideoCodecContext, pictures: Pictures, time_base: Fraction, rate: Fraction
    ) -> None:
        """Tell a context that is not open yet what it will get."""
        pictures.describe_to(context)
        context.time_base = time_base
        context.framerate = rate
        context.thread_count = self.threads


def check(settings: EncoderSettings) -> None:
    """Raises ConfigError for settings that no encoder takes."""
    presets, limit = _PRESETS[settings.codec], _CRF_LIMIT[settings.codec]
    if settings.preset is not None and settings.preset not in presets:
        known = f"it has {' '.join(presets)}" if presets else "it has none"
        raise ConfigError(f"preset {settings.preset!r} is unknown to {settings.codec}; {known}")
    if settings.crf is not None and not 0 <= settings.crf <= limit:
        fit = f"give 0 (best) to {limit}" if limit >= 0 else "it is lossless and has no quality to choose"
        raise ConfigError(f"--crf {settings.crf} does not fit {settings.codec}; {fit}")
    if settings.hwaccel not in HWACCELS:
        raise ConfigError(f"--hwaccel {settings.hwaccel!r} is unknown; choose one of {' '.join(HWACCELS)}")
    if settings.threads < 1:
        raise ConfigError(f"an encoder cannot have {settings.threads} threads; give 1 or more")


@lru_cache(maxsize=16)
def choose(settings: EncoderSettings) -> tuple[Encoder, str | None]:
    """The encoder, and a line on why it is not the hardware's where that was asked for.

    Raises ConfigError.
    """
    check(settings)
    software = _software(settings)
    if settings.hwaccel == "none":
        return software, None
    kinds = list(_HARDWARE) if settings.hwaccel == "auto" else [settings.hwaccel]
    reasons = []
    for kind in kinds:
        name = _HARDWARE[kind].get(settings.codec)
        if name is None:
            reasons.append(f"{kind} has no {settings.codec}")
            continue
        encoder = _hardware(name, kind, settings)
        if (reason := _fails(encoder)) is None:
            return encoder, None
        reasons.append(f"{name}: {reason}")
    return software, f"no hardware encodes here ({'; '.join(reasons)}); encoding with {software.name}"


def decoding_device(hwaccel: str) -> tuple[HWAccel | None, str | None]:
    """What decodes, and a line on why it is not the hardware where that was asked for."""
    if hwaccel == "none":
        return None, None
    built = set(hwdevices_available())
    kinds = [kind for kind in _HARDWARE if kind in built] if hwaccel == "auto" else [hwaccel]
    reasons = []
    for kind in kinds:
        if kind not in built:
            reasons.append(f"this FFmpeg is built without {kind}")
            continue
        try:
            works = av.CodecContext.create("h264", "r", hwaccel=HWAccel(kind)).is_hwaccel
        except (av.error.FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
            reasons.append(f"{kind}: {error.args[-1] if error.args else error}")
        else:
            if works:
                return HWAccel(kind), None
            reasons.append(f"this FFmpeg cannot decode with {kind}")
    return None, f"no hardware decodes here ({'; '.join(reasons) or 'none known'}); decoding on the CPU"


def _software(settings: EncoderSettings) -> Encoder:
    codec, crf, preset = settings.codec, settings.crf, settings.preset
    options: dict[str, str]
    if codec == "h264":
        options = dict(ENCODER_OPTIONS)
        if preset is not None:  # then it is the preset's own, but for B-frames, see ENCODER_OPTIONS
            options = {"preset": preset, "crf": options["crf"], "bf": options["bf"]}
    elif codec == "h265":
        # Of its threads only those for whole frames change the bytes, and by themselves go by the machine.
        private = f"bframes=0:log-level=error:frame-threads={settings.threads}"
        options = {"preset": preset or "superfast", "crf": "26", "x265-params": private}
    elif codec == "av1":
        options = {"preset": preset or "10", "crf": "35", "svtav1-params": "pred-struct=1"}
        os.environ.setdefault("SVT_LOG", "1")  # errors alone; else it says 60 lines of settings
    else:
        options = {"level": "3", "slices": "4", "slicecrc": "1"}
    if crf is not None:
        options["crf"] = str(crf)
    name = _SOFTWARE[codec]
    try:
        av.Codec(name, "w")
    except ValueError as error:
        raise ConfigError(
            f"PyAV's FFmpeg has no {name} to write {codec} with; install PyAV from its wheel"
        ) from error
    return Encoder(name, options, settings.threads)


def _hardware(name: str, kind: str, settings: EncoderSettings) -> Encoder:
    quality = str(settings.crf if settings.crf is not None else 24)
    options = {
        "cuda": {"rc": "vbr", "cq": quality, "bf": "0"},
        "qsv": {"global_quality": quality, "bf": "0"},
        "vaapi": {"qp": quality, "bf": "0"},
        "videotoolbox": {"q:v": quality, "bf": "0"},
    }[kind]
    return Encoder(name, options, settings.threads, kind if kind == "vaapi" else None)


def _fails(encoder: Encoder) -> str | None:
    """Why it does not encode here, tried with a few pictures."""
    if encoder.device is not None and not _ENCODES_ON_DEVICES:
        return f"PyAV {av.__version__} encodes on no such device, 18.0 does (Python 3.11 and newer)"
    black = Frame("bgr24", (np.zeros((256, 256, 3), np.uint8),), index=0, captured_ns=0)
    pictures = Pictures.like(black)
    try:
        context = encoder.open(pictures, Fraction(1, 30), Fraction(30))
        for index in range(3):
            picture = pictures(black)
            picture.pts, picture.time_base = index, Fraction(1, 30)
            context.encode(picture)
        context.encode(None)
    except UnknownCodecError:
        return "this FFmpeg is built without it"
    except (av.error.FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None
