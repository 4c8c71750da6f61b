"""Folders of storage: what is put there is whole under its name or not there at all."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from rtseg.errors import SinkError, SourceError
from rtseg.fleet.claim import CLAIM, Claim
from rtseg.fleet.items import find_items
from rtseg.fleet.node import fetched, forget, run_folder
from rtseg.fleet.storage import Store


def test_a_path_and_its_url_are_the_same_folder(tmp_path: Path) -> None:
    Store.of(str(tmp_path)).write("deep/ü '1'.mp4", b"12345")
    store = Store.of(tmp_path.as_uri() + "/")
    assert store.size("deep/ü '1'.mp4") == 5
    assert store.read("deep/ü '1'.mp4") == b"12345"
    assert store.read("none") is store.size("none") is None
    assert store.files() == {"deep/ü '1'.mp4": 5}
    with pytest.raises(SourceError, match="is not there any more"):
        store.fetch("none", tmp_path / "copy")
    store.remove("deep")
    assert store.files() == {}


def test_what_cannot_be_put_leaves_nothing(tmp_path: Path) -> None:
    store = Store.of(str(tmp_path / "results"))
    store.write("a.mp4", b"before")
    with pytest.raises(SinkError, match=r"a\.mp4"):
        store.put(tmp_path / "a-folder-that-is-not-there/a.mp4", "a.mp4")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["a.mp4"]
    assert store.read("a.mp4") == b"before"


def test_results_below_the_input_and_hidden_files_are_no_input(tmp_path: Path) -> None:
    store = Store.of(str(tmp_path))
    for name in ("clip10.mp4", "clip2.mp4", "seen/clip2.mp4", ".part.mp4", "notes.txt"):
        store.write(name, b"1")
    assert list(find_items(store, outside=[Store.of(f"{store.url}/seen")])) == ["clip2.mp4", "clip10.mp4"]


def test_an_input_that_is_lost_is_fetched_again(tmp_path: Path) -> None:
    store = Store.of(str(tmp_path))
    store.write("a.mp4", b"12345")
    try:
        with fetched("test", store, "a.mp4", 5) as path:
            assert path.read_bytes() == b"12345"
        (tmp_path / "a.mp4").unlink()
        with fetched("test", store, "a.mp4", 5) as again:  # it is here still
            assert again == path
        shutil.rmtree(path.parent)
        store.write("a.mp4", b"12345")
        with fetched("test", store, "a.mp4", 5) as again:
            assert again.read_bytes() == b"12345"
        store.write("a.mp4", b"123")
        path.unlink()
        with (
            pytest.raises(SourceError, match="has changed while it was read"),
            fetched("test", store, "a.mp4", 5),
        ):
            pass
        assert oct(run_folder("test").stat().st_mode)[-3:] == "700"
    finally:
        forget("test")


def test_two_runs_into_one_folder_of_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtseg.fleet.claim._SETTLE_S", 0.0)
    store = Store.of("memory://results")
    first = Claim(store, "first")
    with pytest.raises(SinkError, match="memory://results: another run is writing it"):
        Claim(store, "second")
    first.close()
    Claim(store, "second").close()
    for crashed, known in (("0123456789abcdef", "0123456789abcdef"), ("../of-somebody", None)):
        store.write(CLAIM, json.dumps({"run": crashed, "alive_s": time.time() - 1000}).encode())
        third = Claim(store, "third")
        assert third.crashed == known
        third.close()
    assert store.files() == {}
