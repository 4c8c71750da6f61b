"""The batches of a training: real pictures and demo scenes, augmented, the same again from the same seed."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import keras
import numpy as np

from rtseg.data.data_set import DataSet, Sample
from rtseg.data.demo import training_sample
from rtseg.errors import ConfigError, RtsegError
from rtseg.frame import UInt8Array
from rtseg.labels import BACKGROUND, IGNORE, has_background
from rtseg.segmenter import Segmenter
from rtseg.training.augmentation import augment
from rtseg.training.config import TrainConfig

_RECENT_PICTURES = 128


@dataclass(frozen=True, eq=False)
class Share:
    """The training pictures of one data set, and how often an epoch shows each of them."""

    data_set: DataSet
    samples: list[Sample]
    times: float

    @property
    def count(self) -> int:
        """How many samples an epoch draws from it."""
        return max(1, round(self.times * len(self.samples)))


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """An epoch of (images (N, H, W, 3) uint8, targets): targets["class_map"] (N, H, W) uint8.

    With a teacher there is targets["teacher"] too: its logits (N, H/4, W/4, C) float32 of the same images.
    """

    def __init__(
        self, config: TrainConfig, shares: Sequence[Share], teacher: Segmenter | None = None
    ) -> None:
        # One worker: the samples of the next batch are made while the device computes this one.
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.config = config
        self.shares = shares
        self.teacher = teacher
        real = sum(share.count for share in shares)
        demo_share = config.demo_share or 0.0
        self.demo_count = round(real * demo_share / (1 - demo_share))
        self.count = real + self.demo_count
        classes = shares[0].data_set.classes
        self.own_car = BACKGROUND if has_background(classes) else IGNORE
        self.error: RtsegError | None = None
        self.start_epoch(0)
        if not len(self):
            raise ConfigError(
                f"batch is {config.batch}, but an epoch has {self.count} samples; take a smaller batch"
            )

    def __len__(self) -> int:
        return self.count // self.config.batch

    def start_epoch(self, epoch: int) -> None:
        """Draw this epoch (from 0) next: a resumed run goes on with the samples it would have had."""
        self.epoch = epoch
        self.recent: deque[UInt8Array] = deque(maxlen=math.ceil(_RECENT_PICTURES / self.config.batch))
        """The images of this epoch's last batches."""
        rng = np.random.default_rng((self.config.seed, epoch))
        drawn: list[tuple[DataSet, Sample] | None] = [None] * self.demo_count
        for share in self.shares:
            # Every picture as often as every other, but for a rest that is drawn anew each epoch.
            times, rest = divmod(share.count, len(share.samples))
            numbers = [*range(len(share.samples))] * times
            numbers += rng.permutation(len(share.samples))[:rest].tolist()
            drawn += [(share.data_set, share.samples[number]) for number in numbers]
        self.drawn = [drawn[number] for number in rng.permutation(len(drawn))]

    def __getitem__(self, index: int) -> tuple[UInt8Array, dict[str, Any]]:
        first = index * self.config.batch
        try:
            pairs = [self._sample(number) for number in range(first, first + self.config.batch)]
            images = np.stack([image for image, _ in pairs])
            targets: dict[str, Any] = {"class_map": np.stack([truth for _, truth in pairs])}
            if self.teacher is not None:
                logits = self.teacher.backend.infer(images)
                targets["teacher"] = np.ascontiguousarray(logits.transpose(0, 2, 3, 1), np.float32)
        except RtsegError as error:
            self.error = error
            raise
        self.recent.append(images)
        return images, targets

    def _sample(self, number: int) -> tuple[UInt8Array, UInt8Array]:
        rng = np.random.default_rng((self.config.seed, self.epoch, number))
        source = self.drawn[number]
        image, truth = training_sample(rng) if source is None else source[0].load(source[1])
        calm = self.epoch >= self.config.epochs - self.config.calm_epochs
        return augment(image, truth, self.config.size, rng, calm=calm, own_car=self.own_car)


def training_shares(config: TrainConfig, data_sets: Sequence[DataSet]) -> list[Share]:
    """What of each data set is trained on. Raises DataError, and ConfigError where nothing is left."""
    shares = []
    for data_set, times in zip(data_sets, config.data.values(), strict=True):
        samples = [
            sample
            for sample in data_set.samples("train")
            if not any(fnmatch(sample.image_path.stem, pattern) for pattern in config.hold_out)
        ]
        if not samples:
            raise ConfigError(f"{data_set.root}: hold_out {', '.join(config.hold_out)} leaves no picture")
        shares.append(Share(data_set, samples, times))
    return shares
