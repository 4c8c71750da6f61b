"""What a training is told: a file, flags over it, and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtseg.errors import ConfigError
from rtseg.training.config import TrainConfig, load_config

FILE = """
epochs = 7
batch = 3
size = [96, 64]
hold_out = ["drive3_*", "night"]
init = ""

[data]
"/data/camvid" = 1
"more pictures" = 0.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_flags_go_over_the_file_and_the_file_over_the_defaults(file: Path) -> None:
    config = load_config(file, {"out": "run", "epochs": 9, "class_weights": ("1", "2.5")})
    assert (config.epochs, config.batch, config.seed) == (9, 3, TrainConfig.model_fields["seed"].default)
    assert (config.size, config.hold_out, config.class_weights) == (
        (96, 64),
        ("drive3_*", "night"),
        (1.0, 2.5),
    )
    assert (config.out, config.init) == (Path("run"), None)


def test_data_sets_come_in_their_order_each_with_its_weight(file: Path) -> None:
    data = load_config(file, {"out": "run"}).data
    assert list(data.items()) == [(Path("/data/camvid"), 1.0), (Path("more pictures"), 0.5)]
    assert load_config(file, {"out": "run", "data": {"other": "2"}}).data == {Path("other"): 2.0}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"data": {"/data/camvid": 1, "b": 0.1 + 0.2, "c": 1e-7}, "init": "street-m", "teacher": "runs/large"},
        {"data": {'the "big" one\\ 🚗 ü\n\x7f': 2}, "command": "rtseg train --data '🚗' # \"x\" = 1"},
        {"encoder_weights": "a b.weights.h5", "class_weights": (1, 1.5), "hold_out": ("*", "[ab]?")},
        {"encoder_weights": "imagenet", "freeze": "encoder", "unfreeze_after": 3},
        {"size": (96, 64), "freeze": "bn", "learning_rate": 1e-30, "focal": 2, "precision": "mixed_float16"},
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, values: dict[str, Any]) -> None:
    config = TrainConfig.model_validate({"data": {"a": 1}, "out": tmp_path, **values})
    path = tmp_path / "train.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert load_config(path, {"out": tmp_path}) == config


@pytest.mark.parametrize(("key", "nearest"), [("epoch", "epochs"), ("learning-rate", "learning_rate")])
def test_an_unknown_key_names_the_nearest_and_all(file: Path, key: str, nearest: str) -> None:
    file.write_text(f"{key} = 3\n{FILE}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {"out": "run"})
    message = str(caught.value)
    assert message.startswith(f"{file}: unknown key '{key}'; did you mean '{nearest}'? There are: data, ")
    assert set(message.partition("There are: ")[2].split(", ")) == set(TrainConfig.model_fields) - {"out"}


def test_a_key_like_no_other_names_all(file: Path) -> None:
    file.write_text(f"zzz = 3\n{FILE}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"unknown key 'zzz'; there are: data, class_map, .*, seed"):
        load_config(file, {"out": "run"})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs is 0: Input should be greater than 0"),
        ({"epochs": "many"}, "epochs is 'many': Input should be a valid integer"),
        ({"batch": -1}, "batch is -1: Input should be greater than 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: Input should be greater than 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan: Input should be a finite number"),
        ({"focal": float("inf")}, "focal is inf: Input should be a finite number"),
        ({"demo_share": 1.0}, "demo_share is 1.0: Input should be less than 1"),
        ({"ema": 1.0}, "ema is 1.0: Input should be less than 1"),
        ({"size": (100, 64)}, "size.0 is 100: Input should be a multiple of 32"),
        ({"size": (64, 0)}, "size.1 is 0: Input should be greater than or equal to 32"),
        ({"size": (64, 32 * 300)}, "size.1 is 9600: Input should be less than or equal to 8192"),
        ({"freeze": "all"}, "freeze is 'all': Input should be 'none', 'bn', 'all-bn' or 'encoder'"),
        ({"encoder_weights": 3}, "encoder_weights is 3: Input should be 'imagenet', 'none' or a path"),
        ({"unfreeze_after": -1}, "unfreeze_after is -1: Input should be greater than or equal to 0"),
        ({"precision": "int8"}, "precision is 'int8': Input should be 'auto', 'float32', "),
        ({"class_weights": ("1", "-2")}, "class_weights.1 is '-2': Input should be greater than 0"),
        ({"data": {"a": "twice"}}, "data.a is 'twice': Input should be a valid number"),
        ({"data": {"a": 0}}, "data.a is 0: Input should be greater than 0"),
        ({"data": {"a": float("inf")}}, "data.a is inf: Input should be a finite number"),
        ({"data": {"a": 1e9}}, "data.a is 1000000000.0: Input should be less than or equal to 1000"),
        ({"data": {}}, "data is {}: Dictionary should have at least 1 item"),
    ],
    ids=str,
)
def test_a_wrong_value_is_told_with_its_key_and_what_is_wanted(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"data": {"a": 1}, "out": "run", **wrong})
    assert str(caught.value).startswith(f"training: {message}")
    assert len(str(caught.value).splitlines()) == 1


def test_an_anchored_run_is_the_same_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    given = {"data": {"camvid": 2.0, "/data/b": 1.0}, "init": "runs", "teacher": "street-m", "out": "run"}
    anchored = TrainConfig.model_validate({**given, "encoder_weights": "in.h5"}).anchored()
    assert anchored.data == {tmp_path / "camvid": 2.0, Path("/data/b"): 1.0}
    assert (anchored.init, anchored.teacher) == (str(tmp_path / "runs"), "street-m")
    assert anchored.encoder_weights == tmp_path / "in.h5"


def test_a_blend_without_init_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^training: blend is a mean with the weights of init, which is not"
    ):
        load_config(None, {"data": {"a": 1}, "out": "run", "blend": 0.5})


@pytest.mark.parametrize(
    ("said", "meant"),
    [("imagenet", "imagenet"), ("./imagenet", Path("imagenet")), ("in.h5", Path("in.h5")), ("none", None)],
)
def test_encoder_weights_are_imagenet_or_a_path_or_none(
    file: Path, said: str, meant: Path | str | None
) -> None:
    file.write_text(f'encoder_weights = "other.h5"\n{FILE}', encoding="utf-8")
    config = load_config(file, {"out": "run", "encoder_weights": said})
    assert config.encoder_weights == meant
    assert config.anchored().encoder_weights == (meant.absolute() if isinstance(meant, Path) else meant)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"unfreeze_after": 3},
            "unfreeze_after is 3, but freeze is none, so nothing is frozen; freeze the en",
        ),
        (
            {"unfreeze_after": 7, "freeze": "bn"},
            "unfreeze_after is 7, but the run ends after 7 epochs; take fewer, or leave it out and all stays",
        ),
    ],
)
def test_what_cannot_be_unfrozen_is_said(file: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, {"out": "run", **wrong})
    assert str(caught.value).startswith(f"training: {message}")


def test_without_data_there_is_no_training() -> None:
    with pytest.raises(ConfigError, match=r"^training: data is missing"):
        load_config(None, {"out": "run"})


@pytest.mark.parametrize("content", [b"epochs = ", b"epochs = 3\nepochs = 4", b"\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "train.toml"
    if content is not None:
        path.write_bytes(content)
    expected = "cannot be read" if content is None else "is no valid TOML"
    with pytest.raises(ConfigError, match=f"train.toml: {expected}"):
        load_config(path, {"out": "run"})
