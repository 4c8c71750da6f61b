"""ImageNet weights of the encoders: Keras's own files, fetched once into Keras's own cache.

That is models/ in KERAS_HOME, or in ~/.keras: a file that keras.applications fetched there before is a hit.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import keras

from rtseg.errors import ConfigError, ModelError
from rtseg.nets.encoders.mobilenet import WIDTHS

_STORE = "https://storage.googleapis.com/tensorflow/keras-applications"


class Source(NamedTuple):
    """Where a file lies, and its MD5 sum, where Keras knows one."""

    url: str
    md5: str | None = None


SOURCES = {
    "vgg16": Source(
        f"{_STORE}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "resnet50": Source(
        f"{_STORE}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    # Of the sizes of picture that each width was trained on, the largest: what Keras takes for any other.
    **{
        name: Source(
            f"{_STORE}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5"
        )
        for name, alpha in WIDTHS.items()
    },
}


def imagenet_weights(encoder: str) -> Path:
    """The file of an encoder's ImageNet weights, fetched if it is not in the cache; progress goes to stderr.

    Raises ConfigError for an encoder that has none, ModelError where the file cannot be fetched.
    """
    if encoder not in SOURCES:
        raise ConfigError(
            f"there are no ImageNet weights of the encoder {encoder}, only of {', '.join(SOURCES)}; take one "
            "of these, or leave the encoder weights out"
        )
    url, md5 = SOURCES[encoder]
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    path = home / "models" / url.rpartition("/")[2]
    if not path.is_file():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with contextlib.redirect_stdout(sys.stderr):
                # Under another name first: a kill in the middle leaves nothing that looks like the weights.
                part = keras.utils.get_file(
                    f"part.{path.name}",
                    url,
                    file_hash=md5,
                    cache_dir=str(home),
                    cache_subdir="models",
                    force_download=True,
                )
            Path(part).replace(path)
        except Exception as error:  # Keras raises a bare Exception where there is no network
            # Its message says the address once more, and a number of the error or None.
            reason = " ".join(str(error).removeprefix(f"URL fetch failure on {url}: ").split())
            raise ModelError(
                f"{path}: not there, and cannot be fetched from {url} ({reason.removeprefix('None -- ')}); "
                "download it on another machine and put it at that path, or give its path as encoder weights"
            ) from error
    return path
