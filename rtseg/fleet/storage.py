"""Folders on any storage that fsspec knows: s3://, gs://, file://, or a plain path.

Credentials come from the environment of each machine and are in no message.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rtseg.errors import ConfigError, RtsegError, SinkError, SourceError
from rtseg.video.urls import redacted

T = TypeVar("T")
# There an object is under its name only when it is whole.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"}
_HINTS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or the account of the machine",
}
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
_TRIES = 3


@dataclass(frozen=True)
class Store:
    """A folder. Plain data that can be sent to another machine; opened where it is used."""

    url: str

    @staticmethod
    def of(given: str) -> Store:
        """A URL, or a path, which all machines must then share. Raises ConfigError for a URL with a password.

        It would go to all machines, and into messages of libraries.
        """
        if re.match(r"[^:/]+://[^/]*:[^/]*@", given):
            raise ConfigError(
                f"{redacted(given)}: has a password in it; give the URL without, credentials are taken from "
                "the environment"
            )
        return Store(given.rstrip("/") if "://" in given else str(Path(given).absolute()))

    def __str__(self) -> str:
        return redacted(self.url)

    @property
    def scheme(self) -> str:
        """Such as "s3"; "file" for a path."""
        return self.url.partition("://")[0].lower() if "://" in self.url else "file"

    def called(self, name: str) -> str:
        """A file of it, for messages."""
        return f"{self}/{name}"

    def files(self, below: str = "") -> dict[str, int]:
        """The bytes of all files below a folder of it, by their names relative to that; {} where none is.

        Raises SourceError.
        """
        system, root = self._open(SourceError)
        folder = posixpath.join(root, below).rstrip("/")

        def find() -> dict[str, int]:
            found = system.find(folder, detail=True)
            return {path[len(folder) + 1 :]: int(info["size"] or 0) for path, info in found.items()}

        return self._call(find, SourceError, self.called(below)) or {}

    def size(self, name: str) -> int | None:
        """In bytes; None where it is not there. Raises SourceError."""
        system, root = self._open(SourceError)
        info = self._call(lambda: system.info(f"{root}/{name}"), SourceError, self.called(name))
        return None if info is None or info["type"] != "file" else int(info["size"])

    def read(self, name: str) -> bytes | None:
        """A small file, None where it is not there. Raises SourceError."""
        system, root = self._open(SourceError)
        data = self._call(lambda: system.cat_file(f"{root}/{name}"), SourceError, self.called(name))
        return None if data is None else bytes(data)

    def fetch(self, name: str, target: Path) -> None:
        """Copy it to a local file. Raises SourceError."""
        system, root = self._open(SourceError)

        def get() -> bool:
            system.get_file(f"{root}/{name}", str(target))
            return True

        if self._call(get, SourceError, self.called(name)) is None:
            raise SourceError(f"{self.called(name)}: is not there any more")

    def write(self, name: str, data: bytes) -> None:
        """A small file, whole under its name at once as far as the store allows. Raises SinkError."""
        self._put(name, lambda system, path: system.pipe_file(path, data))

    def put(self, source: Path, name: str) -> None:
        """Copy a local file there, whole under its name at once as far as the store allows.

        Raises SinkError.
        """
        self._put(name, lambda system, path: system.put_file(str(source), path))

    def _put(self, name: str, put: Callable[[Any, str], None]) -> None:
        system, root = self._open(SinkError)
        path = f"{root}/{name}"
        folder, _, last = path.rpartition("/")

        def work() -> bool:
            if self.scheme in _OBJECT_STORES:
                put(system, path)
                return True
            part = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.part"
            system.makedirs(folder, exist_ok=True)
            try:
                put(system, part)
                if self.scheme == "file":
                    os.replace(part, path)  # noqa: PTH105  paths are text in fsspec
                else:
                    system.mv(part, path)
            except BaseException:
                if system.exists(part):
                    system.rm_file(part)
                raise
            return True

        if self._call(work, SinkError, self.called(name)) is None:
            raise SinkError(
                f"{self.called(name)}: cannot be put there; make the folder or bucket {self} first"
            )

    def remove(self, folder: str) -> None:
        """A folder of it with all that is in it; harmless where it is not there. Raises SinkError."""
        system, root = self._open(SinkError)
        if self.scheme == "file":
            path = Path(root, folder)
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):  # not empty, or not there
                if folder.count("/"):
                    path.parent.rmdir()
        else:
            self._call(lambda: system.rm(f"{root}/{folder}", recursive=True), SinkError, self.called(folder))

    def _open(self, error: type[RtsegError]) -> tuple[Any, str]:
        with self._explained(error, str(self)):
            from fsspec.core import url_to_fs

            system, root = url_to_fs(self.url, use_listings_cache=False)
        return system, str(root).rstrip("/")

    def _call(self, work: Callable[[], T], error: type[RtsegError], name: str) -> T | None:
        """The result; None where there is no such file. What may pass is tried again."""
        with self._explained(error, name):
            for tried in range(_TRIES):
                try:
                    return work()
                except FileNotFoundError:
                    return None
                except (ConnectionError, TimeoutError):
                    if tried == _TRIES - 1:
                        raise
                    time.sleep(2**tried)
        return None

    @contextmanager
    def _explained(self, error: type[RtsegError], name: str) -> Iterator[None]:
        try:
            yield
        except RtsegError:
            raise
        except ImportError as missing:
            package = missing.name or _PACKAGES.get(self.scheme, f"of fsspec for {self.scheme}")
            mend = "'rtseg[fleet]'" if package in {"fsspec", "s3fs"} else package
            raise ConfigError(
                f"{self}: {self.scheme}:// needs the package {package}; install it with `pip install {mend}`"
            ) from missing
        except Exception as failed:  # each library behind fsspec has errors of its own
            if not _is_of_storage(failed):
                raise
            if _lacks_credentials(failed):
                hint = _HINTS.get(self.scheme.replace("gcs", "gs").replace("s3a", "s3"), "its own variables")
                raise error(
                    f"{name}: no credentials that open it; they are taken from the environment ({hint})"
                ) from None
            raise error(f"{name}: {_said(failed)}") from None


def _is_of_storage(error: BaseException) -> bool:
    modules = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure", "fsspec", "s3fs")
    return isinstance(error, OSError | ValueError) or type(error).__module__.partition(".")[0] in modules


def _lacks_credentials(error: BaseException) -> bool:
    while True:
        kind = type(error).__name__
        if "Credential" in kind or "AuthError" in kind or kind in {"RefreshError", "TokenRetrievalError"}:
            return True
        if isinstance(error, PermissionError) and error.filename is None:  # a local one names its file
            return True
        cause = error.__cause__ or error.__context__
        if cause is None:
            return False
        error = cause


def _said(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return re.sub(r"\S+://\S+", lambda found: redacted(found[0]), " ".join(str(text).split()))
