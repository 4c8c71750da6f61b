"""Other people's networks as predictors, to be compared with ours or to teach them.

.venv/bin/python tools/peers.py eval PEER_FOLDER --data DIR --split val [--json FILE] [--report DIR]
.venv/bin/python tools/peers.py eval PEER_FOLDER --video FILE [--frames N] [--json FILE]
.venv/bin/python tools/peers.py label SOURCE... -o DIR --peer PEER_FOLDER [--teacher street-m]

`open_peer` knows two, by the files in their folder: Intel's road-segmentation-adas-0001 (OpenVINO IR) and
Google's DeepLab on MobileNetEdgeTPU trained on Cityscapes (TFLite). OpenVINO runs both.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import rtseg.backends.openvino  # noqa: F401  first, for it keeps OpenVINO from reporting to its maker

import openvino  # isort: skip
from openvino import opset13, properties  # isort: skip
from openvino.frontend import FrontEndManager  # isort: skip

from rtseg.cli.label import label_sources
from rtseg.data.data_set import open_data_set
from rtseg.errors import ModelError, RtsegError
from rtseg.evaluation.evaluate import evaluate_data_set
from rtseg.evaluation.outputs import check_outputs, progress_bar, tell, tell_evaluation
from rtseg.evaluation.predictor import Probabilities
from rtseg.evaluation.pseudo_labels import LabelConfig
from rtseg.evaluation.tables import video_table
from rtseg.evaluation.video import evaluate_video
from rtseg.frame import Size, UInt8Array
from rtseg.labels import CLASSES, PALETTE, PEDESTRIAN, ROAD, VEHICLE
from rtseg.segmenter import load
from rtseg.video.source import open_source

INTEL_FILE = "road-segmentation-adas-0001.xml"
GOOGLE_FILE = "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite"

CITYSCAPES_CLASS = dict.fromkeys((0,), ROAD) | dict.fromkeys((13, 14, 15, 16), VEHICLE)
CITYSCAPES_CLASS |= dict.fromkeys((11, 12, 17, 18), PEDESTRIAN)
"""Our class of a Cityscapes train id: road; car, truck, bus, train; person, rider, motorcycle, bicycle."""

# Tensors of the TFLite file: the two branches of the head, then weights and biases of its two convolutions.
_GOOGLE_BRANCHES = (
    "image_pooling/Relu;image_pooling/add_fold;concat_projection/Conv2D_Fold;image_pooling/Conv2D_Fold;"
    "image_pooling/BatchNorm_Fold/bias",
    "aspp0/Relu;aspp0/add_fold;concat_projection/Conv2D_Fold;aspp0/Conv2D_Fold;aspp0/BatchNorm_Fold/bias",
)
_GOOGLE_HEAD = (
    "concat_projection/Conv2D_Fold;concat_projection/weights_quant/FakeQuantWithMinMaxVars",
    "concat_projection/BatchNorm_Fold/bias",
    "logits/semantic/Conv2D;logits/semantic/weights_quant/FakeQuantWithMinMaxVars",
    "logits/semantic/BiasAdd;logits/semantic/Conv2D;logits/semantic/biases",
)


class IntelRoad:
    """Intel's road model: road and markings are our road.

    It knows neither vehicles nor pedestrians: their probability is 0, and all that is not road is background.
    """

    name = "road-segmentation-adas-0001"
    classes: tuple[str, ...] = CLASSES
    known_classes = frozenset({"road"})

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        network = openvino.Core().read_model(folder / INTEL_FILE)
        self._run = _compile(network, threads)
        self._size = (896, 512)

    def probabilities(self, image_rgb: UInt8Array) -> Probabilities:
        """(H, W, 3) uint8 RGB -> (4, H, W) float32."""
        height, width = image_rgb.shape[:2]
        small_bgr = _resized(image_rgb, self._size)[..., ::-1]
        background, road, curb, mark = self._run(np.float32(small_bgr.transpose(2, 0, 1)[None]))[0][0]
        road = cv2.resize(road + mark, (width, height), interpolation=cv2.INTER_LINEAR)
        other = cv2.resize(background + curb, (width, height), interpolation=cv2.INTER_LINEAR)
        nothing = np.zeros_like(road)
        return np.stack([other, road, nothing, nothing])


class GoogleCityscapes:
    """Google's Cityscapes model, cut at its logits: the argmax at its end leaves no confidences."""

    name = "deeplab-mobilenet-edgetpu-cityscapes"
    classes: tuple[str, ...] = CLASSES
    known_classes = frozenset(CLASSES)

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self._run = _compile(_google_logits(folder / GOOGLE_FILE), threads)
        self._side = 513
        self._members = _members(CITYSCAPES_CLASS, count=19)

    def probabilities(self, image_rgb: UInt8Array) -> Probabilities:
        """(H, W, 3) uint8 RGB -> (4, H, W) float32: the sum over the Cityscapes classes of each of ours."""
        height, width = image_rgb.shape[:2]
        small = _resized(image_rgb, (self._side, self._side))
        logits = self._run(small[None])[0][0]
        rows = _upsampling(height, logits.shape[1], self._side)
        columns = _upsampling(width, logits.shape[2], self._side)
        shares = rows @ logits @ columns.T
        shares -= shares.max(axis=0)
        np.exp(shares, out=shares)
        grouped = np.tensordot(self._members, shares, axes=1)
        return np.asarray(grouped / grouped.sum(axis=0), np.float32)


Peer = IntelRoad | GoogleCityscapes
_PEERS: dict[str, type[IntelRoad] | type[GoogleCityscapes]] = {
    INTEL_FILE: IntelRoad,
    GOOGLE_FILE: GoogleCityscapes,
}


def open_peer(folder: Path, threads: int | None = None) -> Peer:
    """Open the peer that lies in a folder; threads limits its CPU threads. Raises ModelError."""
    for file_name, peer in _PEERS.items():
        if (folder / file_name).is_file():
            try:
                return peer(folder, threads)
            except Exception as error:  # OpenVINO's errors share no narrower base
                reason = str(error).strip().splitlines()[-1]
                raise ModelError(f"{folder / file_name}: OpenVINO cannot load it: {reason}") from error
    raise ModelError(f"{folder}: no peer in it; expected a folder that holds {' or '.join(_PEERS)}")


def _compile(network: Any, threads: int | None) -> Any:
    config: dict[str, Any] = {properties.hint.inference_precision(): "f32"}
    if threads is not None:
        config[properties.inference_num_threads()] = threads
    return openvino.Core().compile_model(network, "CPU", config)


def _resized(image_rgb: UInt8Array, size: Size) -> UInt8Array:
    shrinks = image_rgb.shape[1] > size[0] and image_rgb.shape[0] > size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image_rgb, size, interpolation=interpolation), np.uint8)


def _google_logits(path: Path) -> Any:
    """The network from its picture (1, 513, 513, 3) uint8 RGB to its logits (1, 19, 33, 33) float32.

    OpenVINO 2026.4 cannot convert the whole file: it tiles the pooled branch along a wrong axis. So it reads
    everything up to the two branches, and the head (two 1x1 convolutions) is put on again here. The head
    runs in float32, where the file rounds to 8 bits.
    """
    frontend = FrontEndManager().load_by_framework("tflite")
    file = frontend.load(str(path))
    file.override_all_outputs(
        [file.get_place_by_tensor_name(name) for name in (*_GOOGLE_BRANCHES, *_GOOGLE_HEAD)]
    )
    network = frontend.convert(file)
    pooled, local, *head = (result.input_value(0) for result in network.get_results())
    local = _before_rounding(local)
    pooled = opset13.broadcast(_before_rounding(pooled), local.get_shape())
    features = opset13.relu(_pointwise(opset13.concat([pooled, local], 1), head[0], head[1]))
    logits = _pointwise(features, head[2], head[3])
    return openvino.Model([logits.output(0)], network.get_parameters(), "logits")


def _before_rounding(output: Any) -> Any:
    """The float32 NCHW tensor that becomes this uint8 one."""
    node = output.get_node()
    while node.get_type_name() != "FakeQuantize":
        node = node.input_value(0).get_node()
    return node.input_value(0)


def _pointwise(features: Any, weights: Any, bias: Any) -> Any:
    """A 1x1 convolution; TFLite's weights are (out, 1, 1, in)."""
    kernel = opset13.transpose(weights, np.array([0, 3, 1, 2]))
    convolved = opset13.convolution(features, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    return opset13.add(convolved, opset13.reshape(bias, np.array([1, -1, 1, 1]), special_zero=False))


def _members(class_of: Mapping[int, int], count: int) -> Probabilities:
    """(C, count) float32: 1 where a class of the peer belongs to one of ours."""
    ours = np.array([class_of.get(theirs, 0) for theirs in range(count)])
    return np.asarray(np.arange(len(CLASSES))[:, None] == ours, np.float32)


def _upsampling(length: int, cells: int, side: int) -> Probabilities:
    """(length, cells) float32 that interpolates linearly from cells to pixels of the picture.

    The network's input of `side` pixels has half-pixel centres on the picture, as it was resized; its cells
    lie on the corners of that input (align_corners), as the network's own upsampling has them.
    """
    on_input = np.clip((np.arange(length) + 0.5) * side / length - 0.5, 0, side - 1)
    position = on_input * (cells - 1) / (side - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(position[:, None] - np.arange(cells))), np.float32)


def evaluate(options: argparse.Namespace) -> None:
    check_outputs(options.json, options.report, overwrite=options.yes)
    peer = open_peer(options.peer)
    arithmetics = {"backend": "openvino", "precision": "f32"}
    unknown = [name for name in peer.classes[1:] if name not in peer.known_classes]
    if unknown:
        print(f"{peer.name} does not know {', '.join(unknown)}: the means say nothing", file=sys.stderr)
    if options.video is not None:
        with open_source(options.video) as source, progress_bar() as show:
            steadiness = evaluate_video(peer, source, options.frames, show)
        figures = steadiness.to_json(peer.name) | arithmetics
        tell(figures, video_table(figures), options.json)
        return
    data_set = open_data_set(options.data, options.map)
    with progress_bar() as show:
        evaluation = evaluate_data_set(peer, data_set, options.split, show, only=options.only)
    tell_evaluation(
        evaluation,
        evaluation.to_json(peer.name) | arithmetics,
        json_file=options.json,
        report=options.report,
        palette=PALETTE,
        command=shlex.join(["tools/peers.py", *sys.argv[1:]]),
    )


def label(options: argparse.Namespace) -> None:
    config = LabelConfig(
        options.keep, options.every, white_balance=options.white_balance, license=options.license
    )
    with ExitStack() as stack:
        teachers = [stack.enter_context(load(name)) for name in options.teacher]
        teachers += [open_peer(folder) for folder in options.peer]
        label_sources(options.source, teachers, options.output, config, overwrite=options.yes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("eval", help="as `rtseg eval` does it")
    command.set_defaults(run=evaluate)
    command.add_argument("peer", type=Path, help="the folder of one peer")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="a data set: a folder with dataset.toml")
    what.add_argument("--video", help="a video without labels")
    command.add_argument("--frames", type=int, help="stop after so many frames of the video")
    command.add_argument("--split", default="val")
    command.add_argument("--only", help="only pictures whose names without ending match")
    command.add_argument("--map", default="road-vehicle-pedestrian")
    command.add_argument("--json", type=Path, help="write the figures to this file")
    command.add_argument("--report", type=Path, help="write a page into this folder")
    command.add_argument("-y", "--yes", action="store_true", help="write over outputs that exist")
    command = commands.add_parser("label", help="as `rtseg label` does it, with peers among the teachers")
    command.set_defaults(run=label)
    command.add_argument("source", nargs="+", help="videos, folders of pictures or globs")
    command.add_argument("-o", "--output", type=Path, required=True, help="the data set to write, a folder")
    command.add_argument("--peer", type=Path, action="append", default=[], help="a peer that teaches")
    command.add_argument("--teacher", action="append", default=[], help="a model of ours that teaches")
    command.add_argument("--keep", type=float, default=LabelConfig.keep, help="least probability")
    command.add_argument("--every", type=int, default=LabelConfig.every, help="take every Nth frame")
    command.add_argument("--white-balance", action="store_true", help="take out a colour cast first")
    command.add_argument("--license", default=LabelConfig.license, help="the pictures' licence")
    command.add_argument("-y", "--yes", action="store_true", help="write over outputs that exist")
    try:
        options = parser.parse_args()
        options.run(options)
    except RtsegError as error:
        print(f"peers.py: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
