"""float32 to float16: what goes in and comes out stays, and it says the same."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import pytest

from rtseg.card import INT8_FILE, ONNX_FILE, models_folder
from rtseg.errors import ModelError
from rtseg.export.engine.half import to_half
from rtseg.export.parity import LIMITS, compare
from rtseg.export.reference import of_onnx
from rtseg.export.samples import demo_samples


def test_all_calculates_in_half_and_the_contract_is_kept(tiny_model: Path) -> None:
    model = onnx.load_from_string(to_half(tiny_model / ONNX_FILE))
    (image,), (logits,) = model.graph.input, model.graph.output
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert (logits.name, logits.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    floats = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    # By how much a Resize enlarges is a float32 by its definition.
    assert {node.op_type for node in model.graph.node if floats & set(node.input)} == {"Resize"}
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    # The image to float16, the logits to float32, and no way back in between.
    assert [cast.attribute[0].i for cast in casts] == [onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT]


def test_where_python_looks_modules_up_stays_as_it_was(tiny_model: Path) -> None:
    before = list(sys.path)
    to_half(tiny_model / ONNX_FILE)
    assert sys.path == before


def test_the_shipped_model_says_the_same_in_half() -> None:
    path = models_folder() / "street-m" / ONNX_FILE
    if not path.is_file():
        pytest.skip("needs models/street-m, which is not in this checkout")
    size, classes = (480, 352), ("background", "road", "vehicle", "pedestrian")
    parity = compare(
        of_onnx(to_half(path), "half"),
        of_onnx(path, "float"),
        demo_samples(size, 2, classes),
        model="street-m",
        classes=classes,
        size=size,
        kind="fp16",
        limits=LIMITS["fp16"],
    )
    assert 0.998 < parity.agreement < 1
    assert parity.failures == ()


@pytest.mark.parametrize("kind", ["int8", "text"])
def test_what_is_no_float_network_is_refused(weightless_model: Path, tmp_path: Path, kind: str) -> None:
    path = weightless_model / INT8_FILE
    if kind == "text":
        path = tmp_path / "text.onnx"
        path.write_text("Dear diary")
    with pytest.raises(ModelError, match=f"{path}: is"):
        to_half(path)
