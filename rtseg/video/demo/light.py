"""The weather and the hour of the demo scene: how surfaces are lit, what haze does to them, and the sky.

Colours are BGR, 0 to 255. An albedo is the colour of a surface in full white light.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np

from rtseg.frame import Size, UInt8Array
from rtseg.video.demo.canvas import FloatArray

MOOD_SECONDS = 40.0
"""How long one mood lasts before it has turned into the next."""


@dataclass(frozen=True, eq=False)
class Light:
    """One moment's light. Colours are (3,) BGR; ambient and sun are factors on an albedo."""

    sky_top: FloatArray
    sky_low: FloatArray
    haze: FloatArray
    ambient: FloatArray
    sun: FloatArray
    sun_height_rad: FloatArray
    visibility_m: FloatArray
    """Distance at which haze leaves 1/e of a colour."""
    clouds: FloatArray
    """Share of the sky that clouds cover, 0 to 1."""
    shadow: FloatArray
    """How dark the shadows are, 0 to 1."""
    dark: FloatArray
    """0 by day, 1 when all lamps are on."""
    sun_side: float = 0.5
    """Where the sun stands: -1 left of the road, 0 straight ahead, 1 right of it."""

    @property
    def sun_direction(self) -> FloatArray:
        """Unit vector (side, up, along) towards the sun."""
        level = np.cos(self.sun_height_rad)
        along = np.sqrt(1.0 - self.sun_side**2)
        return np.array([self.sun_side * level, np.sin(self.sun_height_rad), along * level])

    def shade(self, albedo: FloatArray, normals: FloatArray, depth_m: FloatArray) -> FloatArray:
        """Colours of surfaces: albedo and normals (N, 3), depth (N,) -> (N, 3)."""
        facing = np.maximum(normals @ self.sun_direction, 0.0)[:, None]
        dome = 0.86 + 0.14 * normals[:, 1:2]
        return self.veil(albedo * (self.ambient * dome + self.sun * facing), depth_m)

    def soft(self, albedo: FloatArray, depth_m: FloatArray) -> FloatArray:
        """Colours of round things, which have no one normal: albedo (N, 3), depth (N,) -> (N, 3)."""
        return self.veil(albedo * (self.ambient + 0.55 * self.sun), depth_m)

    def veil(self, bgr: FloatArray, depth_m: FloatArray) -> FloatArray:
        """Mix colours (N, 3) with the haze of these distances (N,)."""
        clear = np.exp(depth_m / -self.visibility_m)[:, None]
        return np.asarray(np.minimum(bgr * clear + self.haze * (1.0 - clear), 255.0))

    def flat(self, albedo: FloatArray | tuple[float, ...]) -> list[float]:
        """Colour of level ground close by."""
        return np.minimum(np.asarray(albedo) * (self.ambient + 0.55 * self.sun), 255.0).tolist()  # type: ignore[no-any-return]


def _mood(**values: object) -> Light:
    return Light(**{name: np.asarray(value, dtype=np.float64) for name, value in values.items()})  # type: ignore[arg-type]


MORNING = _mood(
    sky_top=(208, 166, 122), sky_low=(226, 224, 236), haze=(222, 218, 224),
    ambient=(0.64, 0.61, 0.60), sun=(0.34, 0.42, 0.50), sun_height_rad=0.45,
    visibility_m=185, clouds=0.35, shadow=0.42, dark=0.0,
)  # fmt: skip
DAY = _mood(
    sky_top=(196, 132, 66), sky_low=(238, 220, 192), haze=(228, 212, 194),
    ambient=(0.64, 0.57, 0.52), sun=(0.50, 0.57, 0.62), sun_height_rad=0.9,
    visibility_m=330, clouds=0.45, shadow=0.55, dark=0.0,
)  # fmt: skip
GOLDEN = _mood(
    sky_top=(168, 120, 88), sky_low=(140, 196, 250), haze=(150, 184, 226),
    ambient=(0.52, 0.47, 0.47), sun=(0.30, 0.55, 0.84), sun_height_rad=0.24,
    visibility_m=210, clouds=0.4, shadow=0.5, dark=0.2,
)  # fmt: skip
DUSK = _mood(
    sky_top=(104, 62, 44), sky_low=(136, 132, 196), haze=(124, 104, 112),
    ambient=(0.46, 0.39, 0.37), sun=(0.06, 0.07, 0.12), sun_height_rad=0.12,
    visibility_m=230, clouds=0.5, shadow=0.3, dark=1.0,
)  # fmt: skip
OVERCAST = _mood(
    sky_top=(178, 168, 162), sky_low=(220, 217, 212), haze=(206, 203, 200),
    ambient=(0.83, 0.81, 0.80), sun=(0.03, 0.03, 0.03), sun_height_rad=0.9,
    visibility_m=210, clouds=0.9, shadow=0.22, dark=0.25,
)  # fmt: skip
MOODS = (MORNING, DAY, DAY, GOLDEN, DUSK, OVERCAST, DAY, GOLDEN, OVERCAST)


def light_at(phase: float, sun_side: float) -> Light:
    """The light at this phase: whole numbers are the MOODS in turn, between them one turns into the next."""
    index = int(np.floor(phase))
    share = phase - index
    share = float(np.clip((share - 0.4) / 0.6, 0.0, 1.0))
    share = share * share * (3.0 - 2.0 * share)
    now, then = MOODS[index % len(MOODS)], MOODS[(index + 1) % len(MOODS)]
    mixed = {
        field.name: getattr(now, field.name) * (1.0 - share) + getattr(then, field.name) * share
        for field in fields(Light)
        if field.name != "sun_side"
    }
    return Light(**mixed, sun_side=sun_side)


def cloud_texture(rng: np.random.Generator) -> FloatArray:
    """Fractal noise (256, 256) from 0 to 1 that repeats at its borders without a seam."""
    total = np.zeros((256, 256))
    for octave in range(2, 8):
        cells = rng.random((2**octave, 2**octave))
        tiled = np.pad(cells, 2, mode="wrap")
        step = 256 // 2**octave
        smooth = cv2.resize(tiled, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += smooth[2 * step : 2 * step + 256, 2 * step : 2 * step + 256] * 0.55**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / (high - low))


def paint_sky(light: Light, texture: FloatArray, drift: float, size: Size, focal_px: float) -> UInt8Array:
    """The sky from straight ahead at the horizon (last row) upwards: (H, W, 3) BGR uint8.

    texture: cloud_texture. drift: how far the wind has blown the clouds, in textures.
    """
    width, rows = size
    # soft things need few pixels: drawn small, then enlarged
    factor = max(1.0, focal_px / 170.0)
    small_w, small_h = max(2, round(width / factor)), max(2, round(rows / factor))
    turn = (np.arange(small_w, dtype=np.float32) - 0.5 * small_w)[None, :] * (factor / focal_px)
    rise = (small_h - 1 - np.arange(small_h, dtype=np.float32))[:, None] * (factor / focal_px)
    blue = 1.0 - np.exp(-rise / 0.22)
    sky_low, sky_top, sun, ambient = (
        colour.astype(np.float32) for colour in (light.sky_low, light.sky_top, light.sun, light.ambient)
    )
    sky = sky_low + (sky_top - sky_low) * np.repeat(blue, small_w, axis=1)[..., None]

    sun_turn, sun_rise = 0.9 * float(light.sun_side), float(np.tan(min(float(light.sun_height_rad), 0.42)))
    away = np.hypot(turn - sun_turn, rise - sun_rise)
    warm = float(sun.max())
    sky += (np.exp(-away / 0.20) * 0.75 * warm)[..., None] * sun * 190.0
    sky += (np.exp(-((away / 0.035) ** 2)) * warm)[..., None] * np.array(
        [170.0, 215.0, 235.0], dtype=np.float32
    )

    reach = 1.0 / (rise + 0.09)
    across = ((turn * reach * 34.0 + drift * 256.0) % 256.0).astype(np.float32)
    beyond = np.broadcast_to((reach * 26.0 + drift * 90.0) % 256.0, across.shape).astype(np.float32)
    billow = cv2.remap(
        texture.astype(np.float32), across, beyond, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    edge = 0.72 - 0.45 * float(light.clouds)
    cover = np.clip((billow - edge) / 0.28, 0.0, 1.0) * np.clip(rise / 0.06, 0.0, 1.0) * 0.85
    body = sky_low * 0.72 + 255.0 * (ambient + sun) * 0.24
    lit = body * (1.08 - 0.22 * np.clip((billow - edge) / 0.5, 0.0, 1.0))[..., None]
    lit += (np.exp(-away / 0.35) * warm)[..., None] * sun * 70.0
    sky += (lit - sky) * cover[..., None]
    small = np.clip(sky, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, rows), interpolation=cv2.INTER_LINEAR), np.uint8)
