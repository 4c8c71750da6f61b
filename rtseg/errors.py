"""Every error that a user can cause.

    RtsegError
    ├── SourceError         a camera, file, stream or folder cannot be opened or read
    ├── SinkError           an output cannot be written
    ├── ModelError          a model, its card or its weights cannot be used
    ├── BackendUnavailable  the library that would run the network is missing
    ├── DataError           a data set cannot be trained or evaluated on
    ├── TrainingError       a training cannot go on
    └── ConfigError         an option or a configuration makes no sense

A message says what was given, what was expected and what to do. The command line prints it in one line and
exits with 2; any other exception is a defect of rtseg and keeps its traceback.
"""


class RtsegError(Exception):
    """The root of all errors that a user can cause."""


class SourceError(RtsegError):
    """A camera, file, stream or folder cannot be opened or read."""


class SinkError(RtsegError):
    """An output cannot be written."""


class ModelError(RtsegError):
    """A model, its card or its weights cannot be used."""


class BackendUnavailable(RtsegError):
    """The library that would run the network is missing or does not work here."""


class DataError(RtsegError):
    """A data set cannot be trained or evaluated on."""


class TrainingError(RtsegError):
    """A training cannot go on."""


class ConfigError(RtsegError):
    """An option or a configuration makes no sense."""
