"""The training itself: from a configuration to a run folder with weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from rtseg import labels
from rtseg.card import (
    CARD_FILE,
    InputSpec,
    ModelCard,
    OutputSpec,
    Stride,
    TrainingData,
    model_folder,
    read_card,
)
from rtseg.data.data_set import DataSet, Pairs, open_data_set
from rtseg.errors import ConfigError, DataError
from rtseg.labels import BACKGROUND, has_background
from rtseg.nets import MULTIPLE, stride
from rtseg.segmenter import Segmenter, load
from rtseg.training.batches import TrainingBatches, training_shares
from rtseg.training.callbacks import Checkpoint, Log, MeasureStatistics, StopAtNaN, Validation, read_best
from rtseg.training.config import CONFIG_FILE, TrainConfig
from rtseg.training.disk import writing
from rtseg.training.network import TrainingNetwork
from rtseg.training.pictures import Pictures
from rtseg.training.progress import ProgressCallback
from rtseg.training.resume import CHECKPOINT_FOLDER, LOG_FILE, epochs_done
from rtseg.training.schedule import WarmUpThenCosine
from rtseg.video.outputs import write_file

_WARM_UP_SHARE = 0.03
_DEMO_SHARE = 0.2


def train(config: TrainConfig, *, resume: bool = False) -> dict[str, float]:
    """Train, keep the weights of one epoch, and return that epoch's IoU per class on the val split.

    The run folder is a model folder that lacks only its ONNX file: model.weights.h5 and model.json. Beside
    them lie train.toml (the configuration), log.csv (a row an epoch), best.json (figures of the epoch that is
    kept), curves.png, pictures/ (what the net makes of validation pictures), tensorboard/ and, until the run
    is done, checkpoint/ (all that is needed to go on after an interruption).

    Raises ConfigError when the folder already holds a run and resume is False, DataError for bad data,
    SinkError for what cannot be written, and TrainingError when the loss is no number any more.
    """
    done = 0
    if resume:
        done = epochs_done(config.out, config.epochs)
        if done >= config.epochs:
            return read_best(config.out)
    elif any((config.out / name).exists() for name in (CARD_FILE, CHECKPOINT_FOLDER, LOG_FILE)):
        raise ConfigError(
            f"{config.out}: holds a run already; add --resume to go on, or choose another folder"
        )
    data_sets = [open_data_set(path, config.class_map) for path in config.data]
    classes = _common_classes(data_sets)
    config = config.model_copy(update={"demo_share": _demo_share(config, classes)})
    class_weights = config.class_weights or (1.0,) * len(classes)
    if len(class_weights) != len(classes):
        raise ConfigError(f"{len(class_weights)} class weights for the classes {', '.join(classes)}")
    validated = next((each for each in data_sets if "val" in each.splits), None)
    if validated is None:
        raise ConfigError(f"{data_sets[0].root}: no split 'val', nor in another of the data sets; one must")
    pairs = Pairs(validated, validated.samples("val"))
    # All are read once: a broken one is told of now, and not after the first epoch.
    least = BACKGROUND + has_background(classes)
    telling = [np.logical_and(truth >= least, truth < len(classes)).any() for _, truth in pairs]
    if not any(telling):
        raise DataError(
            f"{validated.root}: split 'val' holds nothing but {classes[BACKGROUND]}, so it cannot tell which "
            "epoch is best; put pictures with other classes into it"
        )
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(_precision(config))

    with ExitStack() as stack:
        teacher = stack.enter_context(_open_teacher(config.teacher, classes)) if config.teacher else None
        batches = TrainingBatches(config, training_shares(config, data_sets), teacher)
        model = TrainingNetwork(config, len(classes), class_weights)
        # A checkpoint of the very epoch at whose end all is unfrozen is from before it.
        _compile(config, model, len(batches), unfrozen=0 < config.unfreeze_after < done)
        with writing(config.out):
            config.out.mkdir(parents=True, exist_ok=True)
        write_file(config.out / CARD_FILE, _card(config, data_sets, stride(model.network)).to_json().encode())
        write_file(config.out / CONFIG_FILE, config.anchored().to_toml().encode())
        validate = Validation(classes, pairs, config.out, keep=config.keep, blend=config.blend)
        _fit(config, model, batches, validate)
    return validate.best


def _compile(config: TrainConfig, model: TrainingNetwork, steps_an_epoch: int, *, unfrozen: bool) -> None:
    """Make a network ready to learn, from the start on or from where all of it is unfrozen.

    The latter with an optimizer that knows nothing yet: Adam's estimates for variables that it has not seen
    would be far off in the middle of a run, and so would be their first steps.
    """
    steps = config.epochs * steps_an_epoch
    rate = _schedule(config.learning_rate, steps)
    if unfrozen:
        model.unfreeze()
        before = config.unfreeze_after * steps_an_epoch
        rate = _schedule(float(keras.ops.convert_to_numpy(rate(before))), steps - before)
    momentum = config.ema if config.ema is not None else min(max(1 - 10 / steps, 0.9), 0.998)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            rate,
            weight_decay=config.weight_decay,
            clipnorm=5.0,
            use_ema=momentum > 0,
            ema_momentum=momentum,
        ),
        # For TensorFlow on a CPU, XLA takes minutes to compile this, and then runs it slower.
        jit_compile=keras.backend.backend() == "jax",
    )
    # Now, or TensorFlow traces the whole step a second time once the optimizer has its variables.
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()  # Keras does so only before the first epoch


def _schedule(peak: float, steps: int) -> WarmUpThenCosine:
    return WarmUpThenCosine(peak / 100, peak, warm_up_steps=max(1, int(_WARM_UP_SHARE * steps)), steps=steps)


def _fit(config: TrainConfig, model: TrainingNetwork, batches: TrainingBatches, validate: Validation) -> None:
    def unfreeze(epoch: int, logs: object) -> None:
        if epoch == config.unfreeze_after:
            _compile(config, model, len(batches), unfrozen=True)

    progress = ProgressCallback()
    # The order matters: what validates, logs and draws comes after the average is swapped in at the end of an
    # epoch, the checkpoint after it is swapped out at the beginning of the next, and what was frozen learns
    # after that.
    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.start_epoch(epoch)),
        StopAtNaN(),
        *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if config.ema != 0 else []),
        MeasureStatistics(batches),
        validate,
        Log(config.out / LOG_FILE),
        *_tensorboard(config),
        Pictures(config.out, validate.classes, validate.pairs, every=config.pictures_every),
        progress,
        Checkpoint(config.out / CHECKPOINT_FOLDER),
        *([keras.callbacks.LambdaCallback(on_epoch_begin=unfreeze)] if config.unfreeze_after else []),
    ]
    try:
        model.fit(
            batches,
            epochs=config.epochs,
            shuffle=False,  # the batches are drawn at random already, and the same again when resumed
            verbose=0,
            callbacks=callbacks,
        )
    except Exception:
        if batches.error is not None:  # Keras wraps what its data thread raises
            raise batches.error from None
        raise
    finally:
        progress.close()


def _common_classes(data_sets: Sequence[DataSet]) -> tuple[str, ...]:
    for other in data_sets[1:]:
        if other.classes != data_sets[0].classes:
            raise DataError(
                f"{data_sets[0].root} and {other.root} have different classes under the map "
                f"{other.map_name!r}: {', '.join(data_sets[0].classes)}; {', '.join(other.classes)}"
            )
    return data_sets[0].classes


def _demo_share(config: TrainConfig, classes: tuple[str, ...]) -> float:
    if config.demo_share and classes != labels.CLASSES:
        raise ConfigError(
            f"demo_share is {config.demo_share:g}, but the demo source draws {', '.join(labels.CLASSES)}; "
            f"the data has {', '.join(classes)}: leave it out"
        )
    if config.demo_share is None:
        return _DEMO_SHARE if classes == labels.CLASSES else 0.0
    return config.demo_share


def _open_teacher(name: str, classes: tuple[str, ...]) -> Segmenter:
    # One thread: it works while the student's step has the others.
    teacher = load(name, threads=1)
    if teacher.classes != classes:
        teacher.close()
        raise ConfigError(
            f"the teacher {name} knows {', '.join(teacher.classes)}; the data has {', '.join(classes)}"
        )
    return teacher


def _precision(config: TrainConfig) -> str:
    if config.precision != "auto":
        return config.precision
    # bfloat16 needs no loss scaling; on a CPU it is for who asks for it.
    # Where the backend puts a tensor: .../device:GPU:0, cuda:0 and the like.
    device = str(keras.ops.zeros(()).device).lower()
    return "mixed_bfloat16" if "gpu" in device or "cuda" in device else "float32"


def _tensorboard(config: TrainConfig) -> list[keras.callbacks.Callback]:
    """Keras writes its event files with TensorFlow, whatever backend trains: without it there are none."""
    if find_spec("tensorflow") is None or find_spec("tensorboard") is None:
        return []
    return [keras.callbacks.TensorBoard(str(config.out / "tensorboard"), write_graph=False)]


def _card(config: TrainConfig, data_sets: Sequence[DataSet], stride: Stride) -> ModelCard:
    learned_from = [TrainingData(name=each.name, license=each.license) for each in data_sets]
    if config.encoder_weights is not None:
        # What a file's weights learned from, nobody knows: its name has to say it.
        weights = config.encoder_weights
        source = weights.name if isinstance(weights, Path) else "ImageNet"
        learned_from.append(TrainingData(name=f"{source} (encoder weights)", license=config.encoder_license))
    if config.demo_share:
        learned_from.append(TrainingData(name="rtseg's demo source", license="MIT"))
    for name in (config.init, config.teacher):
        # What a model learned from, its pupils have learned from too.
        learned_from += read_card(model_folder(name) / CARD_FILE).training_data if name else ()
    classes = data_sets[0].classes
    return ModelCard(
        name=re.sub(r"[^a-z0-9._-]+", "-", config.out.name.lower()).strip("-._") or "model",
        net=config.net,
        classes=classes,
        palette=labels.palette(classes),
        input=InputSpec(width=config.size[0], height=config.size[1], multiple=MULTIPLE),
        output=OutputSpec(stride=stride),
        training_data=tuple(dict.fromkeys(learned_from)),
        training_command=config.command,
    )
