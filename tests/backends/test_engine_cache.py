"""The engine cache: only the very plan that was asked for, differences in words, nothing others wrote."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from rtseg.backends.tensorrt.cache import PLAN_FILE, SIDECAR_FILE, EngineCache, usual_roots
from rtseg.backends.tensorrt.key import EngineKey, differences, read_sidecar
from rtseg.errors import ModelError, SinkError

KEY = EngineKey(
    onnx_sha256="0" * 64,
    tensorrt="10.3.0",
    gpu="Orin (nvgpu)",
    compute_capability="8.7",
    system="Linux",
    machine="aarch64",
    precision="fp16",
    typing="strong",
    shape=(1, 352, 480, 3),
    workspace_mb=1024,
)
OTHERS: dict[str, tuple[Any, str]] = {
    "onnx_sha256": (
        "a" * 64,
        "network (SHA-256 of the ONNX file): built for 000000000000..., found aaaaaaaaaaaa",
    ),
    "tensorrt": ("10.3.1", "TensorRT: built for 10.3.0, found 10.3.1"),
    "gpu": ("NVIDIA Thor", "GPU: built for Orin (nvgpu), found NVIDIA Thor"),
    "compute_capability": ("11.0", "compute capability: built for 8.7, found 11.0"),
    "system": ("QNX", "operating system: built for Linux, found QNX"),
    "machine": ("x86_64", "processor architecture: built for aarch64, found x86_64"),
    "precision": ("int8", "precision: built for fp16, found int8"),
    "typing": ("weak", "typing of the network: built for strong, found weak"),
    "shape": ((1, 352, 640, 3), "input size: built for 480x352, found 640x352"),
    "workspace_mb": (2048, "workspace: built for 1024 MB, found 2048 MB"),
    "optimization_level": (5, "optimisation level: built for 3, found 5"),
    "dla_core": (1, "DLA core: built for the GPU, found core 1"),
    "recipe": (2, "rtseg's way of building: built for 1, found 2"),
}
ASKED_FOR = {"precision", "shape", "workspace_mb", "dla_core"}
PLAN = bytes(range(256)) * 40


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    return [tmp_path / "first" / "engines", tmp_path / "second"]


@pytest.fixture
def cache(roots: list[Path]) -> EngineCache:
    return EngineCache(roots)


def store(cache: EngineCache, key: EngineKey = KEY, plan: bytes = PLAN) -> Path:
    return cache.store("street-m", key, plan, build_s=61.25, agreement=0.999)


def test_a_plan_is_found_as_it_was_kept(cache: EngineCache, roots: list[Path]) -> None:
    assert cache.find("street-m", KEY).plan is None
    path = store(cache)
    found = cache.find("street-m", KEY)
    assert (found.plan, found.path, found.why) == (PLAN, path, "")
    assert found.sidecar is not None
    assert found.sidecar.key == KEY
    assert {each.name for each in path.parent.iterdir()} == {PLAN_FILE, SIDECAR_FILE}
    assert path.is_relative_to(roots[0])
    assert [folder.stat().st_mode & 0o777 for folder in (roots[0], path.parent)] == [0o700, 0o700]


def test_every_field_is_in_the_test() -> None:
    assert set(OTHERS) == set(EngineKey.model_fields)


@pytest.mark.parametrize("field", OTHERS)
def test_another_value_of_any_field_is_another_engine_and_said_in_words(
    cache: EngineCache, field: str
) -> None:
    value, words = OTHERS[field]
    wanted = KEY.model_copy(update={field: value})
    store(cache)
    found = cache.find("street-m", wanted)
    assert found.plan is None
    (difference,) = differences(KEY, wanted)
    assert words in str(difference)
    # Whoever asks for something else knows it; what changes under him is told.
    assert found.why == ("" if field in ASKED_FOR else str(difference))


def test_the_engine_that_comes_closest_is_the_one_that_is_spoken_of(cache: EngineCache) -> None:
    store(cache, KEY.model_copy(update={"tensorrt": "8.6.1", "gpu": "Xavier", "typing": "weak"}))
    store(cache, KEY.model_copy(update={"tensorrt": "10.3.1"}))
    assert cache.find("street-m", KEY).why == "TensorRT: built for 10.3.1, found 10.3.0"
    assert cache.find("another model", KEY).why == ""


def test_one_of_another_workspace_runs_too_where_nobody_asked_how_it_is_built(cache: EngineCache) -> None:
    path = store(cache, KEY.model_copy(update={"workspace_mb": 4096}))
    assert cache.find("street-m", KEY).plan is None
    assert cache.find("street-m", KEY, any_workspace=True).path == path
    other = KEY.model_copy(update={"gpu": "NVIDIA Thor"})
    assert cache.find("street-m", other, any_workspace=True).plan is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", 2),
        ("plan_bytes", -1),
        ("plan_bytes", 1 << 40),
        ("plan_bytes", len(PLAN) + 1),
        ("plan_sha256", "f" * 64),
        ("plan_sha256", "../../etc/passwd"),
        ("build_s", "NaN"),
        ("surprise", 1),
        ("key", {}),
        ("key", "text"),
    ],
)
def test_a_sidecar_that_lies_is_refused(cache: EngineCache, field: str, value: Any) -> None:
    path = store(cache)
    sidecar = path.with_name(SIDECAR_FILE)
    data = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**data, field: value}))
    found = cache.find("street-m", KEY)
    assert found.plan is None
    assert str(path.parent) in found.why


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 100_000, "{}" + " " * (1 << 17)])
def test_a_sidecar_that_is_none_is_refused(cache: EngineCache, text: str) -> None:
    path = store(cache)
    path.with_name(SIDECAR_FILE).write_text(text)
    assert cache.find("street-m", KEY).plan is None


@pytest.mark.parametrize("damage", [lambda plan: plan[:-1], lambda plan: b"?" + plan[1:], lambda plan: b""])
def test_a_plan_that_is_cut_off_or_altered_is_refused(cache: EngineCache, damage: Any) -> None:
    path = store(cache)
    path.write_bytes(damage(PLAN))
    found = cache.find("street-m", KEY)
    assert found.plan is None
    assert "altered" in found.why
    store(cache)
    assert cache.find("street-m", KEY).plan == PLAN


def test_the_sidecar_of_another_engine_does_not_make_it_ours(cache: EngineCache) -> None:
    path = store(cache)
    other = store(cache, KEY.model_copy(update={"gpu": "NVIDIA Thor"}), b"code for another board")
    for name in (PLAN_FILE, SIDECAR_FILE):
        path.with_name(name).write_bytes(other.with_name(name).read_bytes())
    found = cache.find("street-m", KEY)
    assert found.plan is None
    assert "GPU: built for NVIDIA Thor, found Orin (nvgpu)" in found.why


def test_a_plan_that_is_discarded_is_gone(cache: EngineCache) -> None:
    store(cache)
    cache.discard(KEY)
    assert cache.find("street-m", KEY).plan is None
    cache.discard(KEY)


def block(folder: Path) -> None:
    """So that not even root can write there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"")


def test_where_it_cannot_write_it_says_so_and_takes_another_place(
    cache: EngineCache, roots: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    block(roots[0])
    path = store(cache)
    assert path.is_relative_to(roots[1])
    told = caplog.records[-1].getMessage()
    assert f"{roots[0]} (" in told
    assert f"goes to {roots[1]}" in told
    assert "RTSEG_CACHE can name another folder" in told
    assert EngineCache(roots).find("street-m", KEY).plan == PLAN


def test_with_no_place_at_all_it_fails_instead_of_building_at_each_start(
    cache: EngineCache, roots: list[Path]
) -> None:
    for root in roots:
        block(root)
    with pytest.raises(SinkError, match=r"can be kept in none of .*RTSEG_CACHE=FOLDER"):
        store(cache)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are POSIX's")
@pytest.mark.parametrize("kind", ["writable by others", "a link"])
def test_nothing_is_run_from_a_folder_that_others_write_to(
    cache: EngineCache, roots: list[Path], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    store(cache)
    if kind == "writable by others":
        roots[0].chmod(0o777)
    else:
        roots[0].rename(roots[0].with_name("real"))
        roots[0].symlink_to(roots[0].with_name("real"))
    with caplog.at_level(logging.WARNING):
        assert cache.find("street-m", KEY).plan is None
    assert "no engine is taken from it" in caplog.records[-1].getMessage()
    assert store(cache).is_relative_to(roots[1])


def test_the_usual_places_are_the_cache_folder_and_one_that_outlives_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RTSEG_CACHE", str(tmp_path))
    first, second = usual_roots()
    assert first == tmp_path / "engines"
    assert second.parent in {Path("/var/tmp"), Path(os.environ["TMPDIR"])}


def test_what_was_not_used_for_longest_is_forgotten(cache: EngineCache, roots: list[Path]) -> None:
    for number in range(1, 31):
        path = store(cache, KEY.model_copy(update={"workspace_mb": number}))
        os.utime(path.parent, (number, number))
    assert len(list(roots[0].iterdir())) <= 24
    assert cache.find("street-m", KEY.model_copy(update={"workspace_mb": 30})).plan == PLAN
    assert cache.find("street-m", KEY.model_copy(update={"workspace_mb": 1})).plan is None


def test_a_wrong_sidecar_names_the_key_that_is_wrong() -> None:
    with pytest.raises(ModelError, match=r"beside\.json: key\.gpu: Field required"):
        read_sidecar(
            json.dumps({"schema": 1, "model": "m", "key": KEY.model_dump(mode="json", exclude={"gpu"})}),
            "beside.json",
        )
