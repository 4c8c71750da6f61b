"""The batches of a training: real pictures and demo scenes, augmented, the same again from the same seed."""

from __future__ import annotations

import keras
import numpy as np

from rtseg.data.data_set import DataSet
from rtseg.data.demo import training_sample
from rtseg.errors import ConfigError, DataError
from rtseg.frame import UInt8Array
from rtseg.training.augmentation import augment
from rtseg.training.config import TrainConfig


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """An epoch of (images (N, H, W, 3) uint8, class maps (N, H, W) uint8).

    Each epoch shows each real picture once, plus the share of demo scenes that the configuration asks for.
    """

    def __init__(self, config: TrainConfig, data_set: DataSet) -> None:
        # One worker: the samples of the next batch are made while the device computes this one.
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.config = config
        self.data_set = data_set
        self.samples = data_set.samples("train")
        self.demo_count = round(len(self.samples) * config.demo_share / (1 - config.demo_share))
        self.epoch = 0
        self.error: DataError | None = None
        if not len(self):
            total = len(self.samples) + self.demo_count
            raise ConfigError(
                f"batch is {config.batch}, but an epoch has {total} samples; take a smaller batch"
            )

    def __len__(self) -> int:
        return (len(self.samples) + self.demo_count) // self.config.batch

    def start_epoch(self, epoch: int) -> None:
        """Draw this epoch (from 0) next: a resumed run goes on with the samples it would have had."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> tuple[UInt8Array, UInt8Array]:
        order = np.random.default_rng((self.config.seed, self.epoch)).permutation(
            len(self.samples) + self.demo_count
        )
        chosen = order[index * self.config.batch : (index + 1) * self.config.batch]
        try:
            pairs = [self._sample(int(number)) for number in chosen]
        except DataError as error:
            self.error = error
            raise
        return np.stack([image for image, _ in pairs]), np.stack([truth for _, truth in pairs])

    def _sample(self, number: int) -> tuple[UInt8Array, UInt8Array]:
        rng = np.random.default_rng((self.config.seed, self.epoch, number))
        if number < len(self.samples):
            image, truth = self.data_set.load(self.samples[number])
        else:
            image, truth = training_sample(rng)
        return augment(image, truth, self.config.size, rng)
