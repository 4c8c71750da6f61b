"""A run on a cluster: what it has to do, and what its manifest says before and after."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from rtseg.card import CARD_FILE, find_model, models_folder
from rtseg.fleet.claim import Claim
from rtseg.fleet.driver import Driver
from rtseg.fleet.items import Item, Work
from rtseg.fleet.machines import Resources
from rtseg.fleet.storage import Store
from rtseg.offline import ClipJob
from rtseg.offline.folder import Saver, known
from rtseg.offline.manifest import MANIFEST, Entry, Manifest
from rtseg.offline.outcome import Watcher
from rtseg.offline.tree import check_names, result_names
from rtseg.runtime.choice import NetworkChoice

_SAVE_EVERY_S = 5.0


def plain_work(
    source: Store, folders: dict[str, Store], template: ClipJob, network: NetworkChoice, split_s: float
) -> Work:
    """A run, not begun: its model's files are read if the cluster cannot have them. Raises ModelError."""
    model = find_model(network.model)
    files: dict[str, bytes] = {}
    if (given := model.onnx_path.parent).parent != models_folder():
        lone = network.model.endswith(".onnx")
        names = [model.onnx_path.name] if lone else [CARD_FILE, *model.card.files]
        files = {name: (given / name).read_bytes() for name in names if (given / name).is_file()}
        network = replace(network, model=model.onnx_path.name if lone else "")
    return Work(secrets.token_hex(8), source, folders, template, network, files, split_s)


def process_on_cluster(
    sizes: Mapping[str, int],
    work: Work,
    resources: Resources,
    *,
    watcher: Watcher,
    stopping: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Do these clips on the cluster that this process is connected to; as process_folder otherwise.

    Raises SinkError where another run writes there, ConfigError, ModelError and BackendUnavailable where no
    clip could be done, and SourceError where storage cannot be read.
    """
    check_names(sizes, work.folders)
    with closing(Claim(work.base, work.run)) as claim:
        text = work.base.read(MANIFEST)
        manifest = Manifest() if text is None else Manifest.parse(text.decode(), work.base.called(MANIFEST))
        listed = {store: set(store.files()) for store in set(work.folders.values())}
        existing = {kind: listed[store] for kind, store in work.folders.items()}
        items = [Item(name, size, _entry(manifest, name, existing)) for name, size in sizes.items()]
        saver = Saver(
            manifest, lambda text: work.base.write(MANIFEST, text.encode()), watcher, every_s=_SAVE_EVERY_S
        )
        driver = Driver(work, items, resources, saver, stopping, claim)
        try:
            driver.resolve()
            saver.save()
            driver.run()
        finally:
            driver.forget()
        saver.save()
    return manifest


def _entry(manifest: Manifest, name: str, existing: Mapping[str, set[str]]) -> Entry | None:
    exists = False
    for kind, result in result_names(name, existing).items():
        inside = f"{result}/"
        exists |= result in existing[kind]
        exists |= kind == "masks" and any(file.startswith(inside) for file in existing[kind])
    entry = known(manifest, name, exists=exists)
    if entry is not None:
        manifest.clips[name] = entry
    return entry
