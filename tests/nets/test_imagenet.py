"""ImageNet weights: the files that Keras's own loader takes, from its cache or fetched into it."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError

import keras
import numpy as np
import pytest
from keras.src.applications import mobilenet_v2, resnet, vgg16

from rtseg.errors import ConfigError, ModelError
from rtseg.nets import build
from rtseg.nets.encoders.mobilenet import WIDTHS
from rtseg.nets.imagenet import SOURCES, Source, imagenet_weights

NOWHERE = "http://127.0.0.1:9/vgg16.h5"
"""The port of a service that nobody offers any more."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's cache, an empty one; the folder of its weights."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models"


class Silent(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which a real server serves its files."""
    folder = tmp_path / "store"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_files_are_those_of_keras() -> None:
    assert SOURCES["vgg16"].url == vgg16.WEIGHTS_PATH_NO_TOP
    assert f'file_hash="{SOURCES["vgg16"].md5}"' in inspect.getsource(vgg16)
    name = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert SOURCES["resnet50"] == (resnet.BASE_WEIGHTS_PATH + name, resnet.WEIGHTS_HASHES["resnet50"][1])
    for encoder, alpha in WIDTHS.items():
        name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_224_no_top.h5"
        assert SOURCES[encoder] == (mobilenet_v2.BASE_WEIGHT_PATH + name, None)
    # What Keras writes into its cache, and what it says of other sizes than 96 to 224.
    said = inspect.getsource(mobilenet_v2)
    assert 'f"{float(alpha)}_{rows}_no_top.h5"' in said
    assert "rows = 224" in said


def test_a_file_in_the_cache_is_taken(cache: Path) -> None:
    theirs = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)
    cache.mkdir(parents=True)
    theirs.save(cache / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5")
    ours = build("fcn32_mobilenetv2x035", classes=2, encoder_weights="imagenet")
    for name in ("Conv1", "block_16_project", "block_16_project_BN"):
        for one, other in zip(
            ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_another_file_in_its_place_is_refused(cache: Path) -> None:
    cache.mkdir(parents=True)
    path = cache / SOURCES["mobilenetv2x035"].url.rpartition("/")[2]
    path.write_bytes(b"<html>Please log in to the network of this hotel</html>")
    with pytest.raises(ModelError, match=f"{path}: not the weights of MobileNetV2 x0.35 without top: "):
        build("fcn32_mobilenetv2x035", classes=2, encoder_weights="imagenet")


def test_a_file_is_fetched_once(
    cache: Path,
    store: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, address = store
    given = folder / "plain2.weights.h5"
    theirs = build("unet_plain2", classes=2)
    encoder = keras.Model(theirs.input, theirs.get_layer("block2_conv2").output)
    encoder.save_weights(given)
    md5 = hashlib.md5(given.read_bytes()).hexdigest()
    monkeypatch.setitem(SOURCES, "plain2", Source(f"{address}/{given.name}", md5))
    for _ in range(2):
        ours = build("unet_plain2", classes=2, encoder_weights="imagenet")
        kernels = [network.get_layer("block2_conv2").get_weights()[0] for network in (ours, theirs)]
        np.testing.assert_array_equal(*kernels)
        given.unlink(missing_ok=True)
    assert [path.name for path in cache.iterdir()] == [given.name]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(f"{address}/{given.name}") == 1


@pytest.mark.parametrize(
    ("name", "md5", "reason"),
    [("none.h5", None, "404 -- File not found"), ("vgg16.h5", "0" * 32, "Incomplete or corrupted file")],
)
def test_what_cannot_be_fetched_whole_is_not_kept(
    cache: Path,
    store: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    md5: str | None,
    reason: str,
) -> None:
    folder, address = store
    (folder / "vgg16.h5").write_bytes(b"half of the weigh")
    monkeypatch.setitem(SOURCES, "vgg16", Source(f"{address}/{name}", md5))
    with pytest.raises(ModelError) as caught:
        build("fcn32_vgg16", classes=2, encoder_weights="imagenet")
    assert f"cannot be fetched from {address}/{name} ({reason}" in str(caught.value)
    assert not (cache / name).exists()
    answer = caught.value.__cause__ and caught.value.__cause__.__context__
    if isinstance(answer, HTTPError):
        answer.close()  # Keras leaves it open


def test_without_a_network_it_says_where_the_file_belongs(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "vgg16", Source(NOWHERE))
    with pytest.raises(ModelError) as caught:
        imagenet_weights("vgg16")
    said = str(caught.value)
    assert said.startswith(f"{cache / 'vgg16.h5'}: not there, and cannot be fetched from {NOWHERE} ([Errno ")
    assert "put it at that path, or give its path as encoder weights" in said
    assert len(said.splitlines()) == 1


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras").write_text("no folder", encoding="utf-8")
    with pytest.raises(ModelError, match=r"keras/models/vgg16_.*File exists"):
        imagenet_weights("vgg16")


@pytest.mark.parametrize("encoder", ["plain", "plain2"])
def test_encoders_without_imagenet_weights_say_which_have_some(encoder: str) -> None:
    with pytest.raises(
        ConfigError, match=f"no ImageNet weights of the encoder {encoder}, only of vgg16, resn"
    ):
        build(f"unet_{encoder}", classes=2, encoder_weights="imagenet")
