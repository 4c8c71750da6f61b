"""Random changes that teach a net to see through them.

Every function takes and gives (image (H, W, 3) RGB uint8) and, where geometry changes, the class map
(H, W) uint8; all randomness comes from the generator that is handed in.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtseg.frame import Size, UInt8Array
from rtseg.labels import BACKGROUND, IGNORE
from rtseg.training.weather import change_weather, paste_bonnet

SCALE = (0.5, 2.5)
STRETCH = 0.12
TILT_DEG = 5.0
"""How far another car's camera may be turned about each of its three axes."""

BONNET_SHARE = 0.1
WEATHER_SHARE = 0.3

_FOCAL = (0.7, 1.4)  # lengths in picture widths: about 70 to 40 degrees of view
_CODEC_QUALITY = (30, 90)


def augment(
    image: UInt8Array,
    class_map: UInt8Array,
    size: Size,
    rng: np.random.Generator,
    *,
    calm: bool = False,
    own_car: int = BACKGROUND,
) -> tuple[UInt8Array, UInt8Array]:
    """One training sample of this size (width, height): geometry first, then weather, light, the camera.

    A calm one has no weather and no bonnet: the last epochs of a training are better without what no camera
    has really seen (Ge et al. 2021, YOLOX, arXiv:2107.08430, stop mixing pictures in the same way).
    own_car is the label of a bonnet.
    """
    image, class_map = move_camera(image, class_map, size, rng)
    if not calm:
        if rng.random() < BONNET_SHARE:
            image, class_map = paste_bonnet(image, class_map, rng, label=own_car)
        if rng.random() < WEATHER_SHARE:
            image = change_weather(image, rng)
    image = change_light(image, rng)
    image = degrade(image, rng)
    return image, class_map


def move_camera(
    image: UInt8Array, class_map: UInt8Array, size: Size, rng: np.random.Generator
) -> tuple[UInt8Array, UInt8Array]:
    """Turn the camera, scale, stretch, flip and crop in one warp; what lies outside becomes IGNORE."""
    height, width = class_map.shape
    # Scale 1 shows the net what it will see at run time: the whole picture fitted to its input size.
    fit = max(size[0] / width, size[1] / height)
    scale = fit * np.exp(rng.uniform(*np.log(SCALE)))
    stretch = np.exp(rng.uniform(-STRETCH, STRETCH) / 2)
    flip = rng.choice((-1.0, 1.0))
    linear = scale * np.diag([flip * stretch, 1 / stretch])

    # Where the crop may be: anywhere in the scaled picture, or the picture anywhere in a larger crop.
    slack = np.maximum(np.array([width, height]) * scale - size, 0) / 2
    centre = np.array([width, height]) / 2
    offset = np.array(size) / 2 - linear @ centre + rng.uniform(-slack, slack)
    place = np.vstack([np.column_stack([linear, offset]), [0.0, 0.0, 1.0]])
    matrix = place @ _turned_camera(width, height, rng)
    image_matrix = matrix
    if scale < 0.5:
        # Linear interpolation looks at four pixels: of what is drawn smaller than that it would skip some.
        image, back = _averaged(image, scale)
        image_matrix = matrix @ back
    border = tuple(int(value) for value in rng.integers(0, 256, 3))
    moved = cv2.warpPerspective(image, image_matrix, size, flags=cv2.INTER_LINEAR, borderValue=border)
    labels = cv2.warpPerspective(class_map, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORE)
    return np.asarray(moved, np.uint8), np.asarray(labels, np.uint8)


def _averaged(image: UInt8Array, scale: float) -> tuple[UInt8Array, NDArray[np.float64]]:
    """The picture shrunk by this, and the (3, 3) that brings its coordinates back to those of the whole."""
    height, width = image.shape[:2]
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([width / small.shape[1], height / small.shape[0]])
    back = np.diag([*ratio, 1.0])
    # Its first pixel lies in the middle of those that it stands for.
    back[:2, 2] = (ratio - 1) / 2
    return small, back


def _turned_camera(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(3, 3): the homography K R K^-1 between two views from one place (Hartley and Zisserman, 8.4)."""
    focal = width * rng.uniform(*_FOCAL)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    turn, _ = cv2.Rodrigues(np.deg2rad(rng.uniform(-TILT_DEG, TILT_DEG, 3)))
    homography: NDArray[np.float64] = camera @ turn @ np.linalg.inv(camera)
    return homography


def change_light(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Exposure, contrast, gamma, white balance and saturation; now and then black and white."""
    levels = np.linspace(0, 1, 256)
    gamma = np.exp(rng.uniform(-0.6, 0.6))
    contrast = rng.uniform(0.6, 1.4)
    exposure = rng.uniform(-0.2, 0.2)
    gains = np.exp(rng.uniform(-0.15, 0.15, 3))
    curves = (levels[:, None] ** gamma - 0.5) * contrast + 0.5 + exposure
    table = np.clip(curves * gains * 255, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table[None]), np.uint8)

    saturation = 0.0 if rng.random() < 0.1 else rng.uniform(0.4, 1.5)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(image, saturation, grey, 1 - saturation, 0), np.uint8)


def degrade(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """What cheap cameras and codecs do: blur, sensor noise, block artefacts; each to some samples."""
    if rng.random() < 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    if rng.random() < 0.3:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 14))
        image = np.asarray(np.clip(image + noise, 0, 255), np.uint8)
    if rng.random() < 0.3:
        # imencode takes the channels for BGR; for the kind of damage done it does not matter which is which.
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_CODEC_QUALITY))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return image
