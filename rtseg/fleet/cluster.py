"""Finding a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Literal

from rtseg.errors import ConfigError
from rtseg.threads import processors

_PATIENCE_S = 5.0
# What a server that speaks HTTP/2, as Ray's does, answers with a frame of settings.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_SETTINGS = 4


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be part of a cluster: "local" starts one on this machine, HOST:PORT or ray://HOST:PORT names one.

    No statistics are sent, and a local one has no dashboard. Raises ConfigError.
    """
    if address != "local":
        _check_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Else Ray hides GPUs from tasks that ask for none, and says for each that it does.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise ConfigError(
            f"--ray needs the package {error.name!r}, which cannot be imported; install it with "
            "`pip install 'rtseg[fleet]'`"
        ) from error
    try:
        if address == "local":
            ray.init(
                "local",
                num_cpus=processors(),
                include_dashboard=False,
                logging_level="error",
                log_to_driver=False,
                object_store_memory=256 << 20,  # videos do not go through it
            )
        else:
            ray.init(address, logging_level="error", log_to_driver=False)  # tasks report themselves
    except (RayError, OSError, RuntimeError, ValueError) as error:
        line = " ".join(str(error).split())
        raise ConfigError(
            f"--ray {address}: cannot be joined ({line[:300]}); run rtseg on a machine of the cluster with "
            "the same Ray, or give ray://HOST:10001"
        ) from error
    # There Ray prints pages for each machine that dies, at the end too. Tasks report themselves, and stdout
    # is for results.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            yield
        finally:
            ray.shutdown()


def largest(what: Literal["CPU", "GPU"]) -> float:
    """Of the machines of the cluster that this process is connected to; 0 where none works yet."""
    import ray

    return max((node["Resources"].get(what, 0.0) for node in ray.nodes() if node["Alive"]), default=0.0)


def _check_answers(address: str) -> None:
    """Ray would wait for many minutes. Raises ConfigError."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--ray {address}: expected local, HOST:PORT (Ray's is 6379) or ray://HOST:PORT")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.sendall(_GREETING)
            answer = connection.recv(9)
    except OSError as error:
        raise ConfigError(
            f"--ray {address}: no cluster answers there ({error.strerror or error}); start one with "
            f"`ray start --head --port {port}`, or give --ray local"
        ) from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ConfigError(
            f"--ray {address}: what answers there is no Ray cluster; `ray status` names its address"
        )
