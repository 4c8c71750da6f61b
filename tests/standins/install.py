"""Put the stand-ins for tensorrt and pycuda where the real ones would be imported from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from standins.cuda_standin import Card, make_pycuda
from standins.tensorrt_standin import Script, make_tensorrt

VERSIONS = ("8.6.1", "10.3.0", "10.13.3.9", "11.4.0.106")

_BUILT_ON_IMPORTERS = {"rtseg.backends.tensorrt.runner", "rtseg.backends.tensorrt.backend"}


def stubs_of(shared: Path, version: str) -> Path:
    """The folder of one version's stubs; skips the test where it is absent."""
    stubs = shared / "tensorrt-api" / f"stubs-{version}"
    if not stubs.is_dir():
        pytest.skip(f"needs the stubs of TensorRT {version}, which are not in {shared}")
    return stubs


@contextmanager
def standing_in(shared: Path, version: str) -> Iterator[Script]:
    """Within, rtseg finds this TensorRT and a GPU; at the end nothing may be left on it."""
    card = Card()
    script = Script(card)
    package, driver = make_pycuda(card)
    modules = {"pycuda": package, "pycuda.driver": driver}
    modules["tensorrt"] = make_tensorrt(stubs_of(shared, version), version, script)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        _forget_importers()
        try:
            yield script
            card.nothing_left()
        finally:
            _forget_importers()


def _forget_importers() -> None:
    """What has imported a tensorrt imports the next one anew."""
    for name, module in sys.modules.copy().items():
        if name.startswith("rtseg.") and ("trt" in vars(module) or name in _BUILT_ON_IMPORTERS):
            del sys.modules[name]
            package, _, leaf = name.rpartition(".")
            if hasattr(sys.modules.get(package), leaf):
                delattr(sys.modules[package], leaf)
