"""The training itself: from a configuration to a run folder with weights."""

from __future__ import annotations

import re

import keras

from rtseg import labels
from rtseg.card import CARD_FILE, InputSpec, ModelCard, TrainingData
from rtseg.data.data_set import DataSet, open_data_set
from rtseg.errors import ConfigError
from rtseg.nets import MULTIPLE, build
from rtseg.training.batches import TrainingBatches
from rtseg.training.callbacks import Checkpoint, Validation, trim_log
from rtseg.training.config import TrainConfig
from rtseg.training.losses import SegmentationLoss
from rtseg.training.progress import ProgressCallback

_BATCH_NORM_MOMENTUM = 0.95  # Keras's 0.999 never catches up with the encoder in a short run
_WARM_UP_SHARE = 0.03


def train(config: TrainConfig, *, resume: bool = False) -> dict[str, float]:
    """Train, keep the best weights by validation mean IoU, and return that epoch's IoU per class.

    The run folder is a model folder that lacks only its ONNX file: model.weights.h5 (the best so far) and
    model.json. Beside them lie log.csv (a row an epoch), best.json (the best epoch's figures) and, until the
    run is done, checkpoint/ (all that is needed to go on after an interruption).

    Raises ConfigError when the folder already holds a run and resume is False, DataError for bad data.
    """
    checkpoint, log = config.out / "checkpoint", config.out / "log.csv"
    if not resume and any(path.exists() for path in (config.out / CARD_FILE, checkpoint, log)):
        raise ConfigError(
            f"{config.out}: holds a run already; add --resume to go on, or choose another folder"
        )
    data_set = open_data_set(config.data, config.class_map)
    weights = config.class_weights or (1.0,) * len(data_set.classes)
    if len(weights) != len(data_set.classes):
        raise ConfigError(f"{len(weights)} class weights for the classes {', '.join(data_set.classes)}")
    validation = [(image, truth) for _, image, truth in data_set.pairs("val")]
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(config.precision)

    batches = TrainingBatches(config, data_set)
    model = build(
        config.net,
        classes=len(data_set.classes),
        encoder_weights=config.encoder_weights,
        freeze=config.freeze,
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _BATCH_NORM_MOMENTUM
    model.compile(
        optimizer=_optimizer(config, steps=config.epochs * len(batches)),
        loss=SegmentationLoss(weights),
        jit_compile=False,  # XLA takes minutes to compile this for a CPU, and then runs it slower
    )

    config.out.mkdir(parents=True, exist_ok=True)
    (config.out / CARD_FILE).write_text(_card(config, data_set).to_json(), encoding="utf-8")
    validate = Validation(data_set, validation, config.out)
    if resume and trim_log(log, checkpoint) >= config.epochs:
        return validate.best
    average = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if config.ema else []
    logger = keras.callbacks.CSVLogger(str(log), append=resume)
    progress = ProgressCallback()
    try:
        model.fit(
            batches,
            epochs=config.epochs,
            shuffle=False,  # the batches are drawn at random already, and the same again when resumed
            verbose=0,
            # The order matters: validation and log come after the average is swapped in at the end of an
            # epoch, the checkpoint after it is swapped out at the beginning of the next.
            callbacks=[
                keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.start_epoch(epoch)),
                *average,
                validate,
                logger,
                progress,
                Checkpoint(checkpoint),
            ],
        )
    except Exception:
        if batches.error is not None:  # Keras wraps what its data thread raises
            raise batches.error from None
        raise
    finally:
        progress.close()
        if logger.csv_file is not None:
            logger.csv_file.close()
    return validate.best


def _card(config: TrainConfig, data_set: DataSet) -> ModelCard:
    learned_from = [TrainingData(name=data_set.name, license=data_set.license)]
    if config.encoder_weights is not None:
        learned_from.append(TrainingData(name="ImageNet (encoder weights)", license=config.encoder_license))
    if config.demo_share > 0:
        learned_from.append(TrainingData(name="rtseg's demo source", license="MIT"))
    return ModelCard(
        name=re.sub(r"[^a-z0-9._-]+", "-", config.out.name.lower()).strip("-._") or "model",
        net=config.net,
        classes=data_set.classes,
        palette=labels.palette(data_set.classes),
        input=InputSpec(width=config.size[0], height=config.size[1], multiple=MULTIPLE),
        training_data=tuple(learned_from),
        training_command=config.command,
    )


def _optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    warm_up = max(1, int(_WARM_UP_SHARE * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / 100,
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, steps - warm_up),
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=config.weight_decay,
        clipnorm=5.0,
        use_ema=bool(config.ema),
        ema_momentum=config.ema or 0.99,
    )
