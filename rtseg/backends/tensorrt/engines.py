"""Which engines there are for a network on this board, and what to do where there is none."""

from __future__ import annotations

from pathlib import Path

from rtseg.backends import Precision
from rtseg.backends.cache import CompiledCache
from rtseg.backends.tensorrt import cuda
from rtseg.backends.tensorrt.cache import EngineCache
from rtseg.backends.tensorrt.key import EngineKey, EnginePrecision, Options, Place, make_key
from rtseg.card import CARD_FILE, INT8_FILE, ONNX_FILE, read_card, shipped_models
from rtseg.errors import BackendUnavailable, ConfigError, ModelError
from rtseg.frame import Size
from rtseg.preprocess import input_size

# In the order in which they are taken.
_TAKEN: dict[Precision, tuple[EnginePrecision, ...]] = {
    "auto": ("fp16", "fp32"),
    "f32": ("fp32",),
    "int8": ("int8",),
}


class Engines:
    """Finds the engines of one ONNX file. Needs TensorRT's version and a GPU, and no context."""

    def __init__(
        self, onnx_path: Path, precision: Precision, driver: cuda.Driver, gpu_index: int = 0
    ) -> None:
        """Raises ConfigError for a precision that engines do not have, ModelError for what cannot be read."""
        if precision not in _TAKEN:
            raise ConfigError(
                f"TensorRT's engines are fp32, fp16 or int8, not {precision}; use --precision auto"
            )
        from rtseg.backends.tensorrt import library

        try:
            digest = CompiledCache.digest(onnx_path)
        except OSError as error:
            raise ModelError(f"{onnx_path}: cannot be read ({error.strerror})") from error
        gpu = cuda.read_gpu(driver, gpu_index)
        self._gpu = gpu.name
        self._cache = EngineCache()
        self._describe(onnx_path)
        place = Place(library.version(), gpu.name, gpu.compute_capability)

        def key_of(wanted: EnginePrecision) -> EngineKey:
            options = Options(wanted)
            return make_key(digest, options, self._trained, place, library.typing_of(options))

        self._keys = [key_of(wanted) for wanted in _TAKEN[precision]]
        there = [key for key in self._keys if self._cache.shapes(key)]
        self.precision: EnginePrecision = (there or self._keys)[0].precision
        """Of those that there are, or of the one that would be built."""

    def sizes(self) -> list[Size]:
        """(width, height) of each that there is now."""
        shapes = {shape for key in self._keys for shape in self._cache.shapes(key)}
        return sorted((shape[2], shape[1]) for shape in shapes)

    def find(self, size: Size) -> tuple[bytes, Path]:
        """The plan for pictures of this size. Raises BackendUnavailable saying how to make one."""
        reasons = []
        for key in self._keys:
            of_size = key.model_copy(update={"shape": (1, size[1], size[0], 3)})
            found = self._cache.find(self._name, of_size, any_workspace=True)
            if found.plan is not None and found.path is not None:
                self.precision = key.precision
                return found.plan, found.path
            reasons.append(found.why)
        there = ", ".join(f"{width}x{height}" for width, height in self.sizes())
        why = next(filter(None, reasons), f"there are {there}" if there else "none was ever built")
        raise BackendUnavailable(
            f"{self._name}: there is no TensorRT engine of {size[0]}x{size[1]} for {self._gpu} ({why}); "
            f"build it once, which takes minutes, with `{self.command(size)}`, {cuda.INSTEAD}"
        )

    def command(self, size: Size) -> str:
        """What builds the engine."""
        chosen = "" if self.precision == "fp16" else f" --precision {self.precision}"
        return f"rtseg export --model {self._model} --format engine{chosen} --size {size[0]}x{size[1]}"

    def none_at_all(self) -> str:
        """What to tell where there is none of any size: which to build depends on the pictures."""
        area = self._trained[0] * self._trained[1]
        wide, narrow = (input_size(source, area, self._multiple) for source in ((1920, 1080), (640, 480)))
        found = self._cache.find(self._name, self._keys[0], any_workspace=True)
        return (
            f"{self._name}: there is no TensorRT engine for {self._gpu} "
            f"({found.why or 'none was ever built'}); build one, which takes minutes: "
            f"`{self.command(wide)}` for pictures of 16:9, `--size {narrow[0]}x{narrow[1]}` for 4:3"
        )

    def _describe(self, onnx_path: Path) -> None:
        """What the model is called, by its card and on the command line, and the size it was trained on."""
        card_path = onnx_path.with_name(CARD_FILE)
        self._name, self._model = onnx_path.stem, str(onnx_path)
        self._trained, self._multiple = (512, 288), 32
        if onnx_path.name in {ONNX_FILE, INT8_FILE} and card_path.is_file():
            card = read_card(card_path)
            self._name, self._trained = card.name, (card.input.width, card.input.height)
            self._multiple = card.input.multiple
            self._model = card.name if card.name in shipped_models() else str(onnx_path.parent)
