"""What is opened is closed: the base of everything that holds a device, a file or a network."""

from __future__ import annotations

from typing_extensions import Self


class Closing:
    """A context manager that closes itself at the end."""

    def close(self) -> None:
        """Free what is held; harmless when done twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
