"""rtseg process --ray on a real cluster of several nodes, with a real S3 server on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import boto3
import cv2
import numpy as np
import pytest
from clips import moving, write_clip
from ray.cluster_utils import Cluster

from rtseg import load
from rtseg.offline import ClipJob, process_clip
from rtseg.offline.manifest import MANIFEST

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="a cluster of several nodes runs on Linux alone"
)
SECRET = "do-not-tell-anyone"
PATIENCE_S = 120


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of all processes here: credentials, and no place of the user's."""
    home = tmp_path_factory.mktemp("home")
    sockets = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # their names must be short
    yield {
        **os.environ,
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RAY_AUTH_MODE": "disabled",
        "RAY_TMPDIR": sockets,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    shutil.rmtree(sockets)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as connecting:
        return connecting.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(surroundings: dict[str, str]) -> Iterator[str]:
    """The address of an S3 server, which surroundings then lead to."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=surroundings
    )
    deadline = time.monotonic() + PATIENCE_S
    while not answers(port):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    surroundings["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@dataclass(frozen=True)
class Bucket:
    client: Any

    def put(self, name: str, path: Path) -> None:
        self.client.upload_file(str(path), "cars", name)

    def get(self, name: str, folder: Path) -> Path:
        path = folder / Path(name).name
        self.client.download_file("cars", name, str(path))
        return path

    def names(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket="cars").get("Contents", ())]

    def entries(self, folder: Path) -> dict[str, Any]:
        clips: dict[str, Any] = json.loads(self.get(f"out/{MANIFEST}", folder).read_text())["clips"]
        return clips


@pytest.fixture(scope="module")
def bucket(server: str, surroundings: dict[str, str]) -> Iterator[Bucket]:
    client = boto3.client(
        "s3", f"{surroundings['AWS_DEFAULT_REGION']}",
        endpoint_url=f"http://{server}", aws_access_key_id="someone", aws_secret_access_key=SECRET,
    )  # fmt: skip
    client.create_bucket(Bucket="cars")
    yield Bucket(client)
    client.close()


@pytest.fixture(scope="module")
def cluster(server: str, surroundings: dict[str, str]) -> Iterator[Cluster]:
    """A head and another node, each with a CPU."""
    settings = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
    node = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings.items():
            patch.setenv(name, value)
        cluster = Cluster(initialize_head=True, head_node_args={**node, "_system_config": settings})
        cluster.add_node(**node)
        yield cluster
        cluster.shutdown()


Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def start(surroundings: dict[str, str], tiny_model: Path) -> Run:
    def start(
        *arguments: str, model: Path | str = tiny_model, **changed: str | None
    ) -> subprocess.Popen[str]:
        environment = {**surroundings, **changed}
        return subprocess.Popen(
            [sys.executable, "-m", "rtseg", "process", *arguments, "--model", str(model)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in environment.items() if value is not None},
        )

    return start


def picture(index: int) -> np.ndarray:
    return cv2.resize(moving(index), (320, 180), interpolation=cv2.INTER_NEAREST)


def packets(path: Path) -> list[tuple[int | None, int | None, str]]:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return [
            (packet.pts, packet.dts, hashlib.sha256(bytes(packet)).hexdigest())
            for packet in container.demux(video)
            if packet.size
        ]


def test_a_node_that_dies_costs_its_part_alone(
    tmp_path: Path, bucket: Bucket, cluster: Cluster, start: Run, tiny_model: Path
) -> None:
    options = {"preset": "ultrafast", "g": "25"}
    long = write_clip(tmp_path / "long.mp4", range(300), picture=picture, codec_options=options)
    bucket.put("in/deep/long.mp4", long)
    bucket.put("in/short.mkv", write_clip(tmp_path / "short.mkv"))
    (tmp_path / "bad.mov").write_bytes(b"no video")
    bucket.put("in/bad.mov", tmp_path / "bad.mov")

    places = {"-o": "out", "--jsonl": "out", "--masks": "maps"}
    arguments = ["s3://cars/in", "--ray", cluster.address, "--split-s", "4", "--task-cpus", "1"]
    arguments += [word for option, folder in places.items() for word in (option, f"s3://cars/{folder}")]
    run = start(*arguments)
    deadline = time.monotonic() + PATIENCE_S
    while not any(".rtseg-parts/" in name and name.endswith(".json") for name in bucket.names()):
        assert run.poll() is None and time.monotonic() < deadline, run.communicate()
        time.sleep(0.1)
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1, err  # one of them is no video
    assert out.splitlines() == [f"s3://cars/out/{MANIFEST}"]
    assert "deep/long.mp4: done in 3 parts" in err
    assert "1 machine(s) of the cluster died" in err
    assert "bad.mov: failed: s3://cars/in/bad.mov: is no video" in err
    assert "3 clips: 2 done, 1 failed" in err
    assert SECRET not in err + out

    results = [name for name in bucket.names() if name.startswith("out/")]
    clips = ["deep/long.mp4", "deep/long.mp4.jsonl", MANIFEST, "short.mkv", "short.mkv.jsonl"]
    assert results == [f"out/{name}" for name in clips]  # no part, no claim is left
    alone = ClipJob(long, tmp_path / "alone.mp4", jsonl=tmp_path / "alone.jsonl", masks=tmp_path / "alone")
    with load(str(tiny_model), mode="offline") as segmenter:
        process_clip(alone, segmenter)
    (tmp_path / "got").mkdir()
    assert packets(bucket.get("out/deep/long.mp4", tmp_path / "got")) == packets(alone.output)
    rows = bucket.get("out/deep/long.mp4.jsonl", tmp_path / "got")
    assert rows.read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    entry = bucket.entries(tmp_path / "got")["deep/long.mp4"]
    assert entry["state"] == "done" and entry["frames"] == 300
    assert entry["key"]["input"]["sha256"] == hashlib.sha256(long.read_bytes()).hexdigest()
    lines = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted((tmp_path / "alone").iterdir())
    )
    masks = entry["outputs"]["masks"]
    assert masks["sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert (masks["files"], masks["path"]) == (300, "../maps/deep/long.mp4.masks")

    again = start(*arguments)
    _, err = again.communicate(timeout=PATIENCE_S)
    assert "3 clips: 2 skipped, 1 failed" in err
    assert not list(Path(os.environ["TMPDIR"]).glob("rtseg*"))


def test_mistakes_are_a_line_and_fast(tmp_path: Path, server: str, rtseg: Callable[..., Any]) -> None:
    write_clip(tmp_path / "a.mp4")
    here = [str(tmp_path), "-o", str(tmp_path / "out")]
    mistakes = {
        ("--ray", f"127.0.0.1:{free_port()}"): "no cluster answers there",
        ("--ray", server): "what answers there is no Ray cluster",
        ("--ray", "somewhere"): "expected local, HOST:PORT",
        ("--ray", "local", "--jobs", "2"): "--jobs is for this machine alone",
        ("--ray", "local", "-o", str(tmp_path)): "is the folder of the input",
        ("-o", "s3://cars/out"): "s3://cars/out: is a URL; add --ray",
        ("--ray", "local", "--jsonl", "gs://cars/out"): "gs:// needs the package gcsfs",
        ("--ray", "local", "--jsonl", f"s3://me:{SECRET}@cars/out"): "s3://cars/out: has a password in it",
        ("--ray", "local", "--verify"): "leave out --ray",
        ("--ray", "local", "--task-cpus", "4096"): "--task-cpus 4096: this machine has",
    }
    for arguments, line in mistakes.items():
        outcome = rtseg("process", *here, *arguments)
        assert outcome.code == 2, outcome.err
        assert line in outcome.err and len(outcome.err.splitlines()) == 1, outcome.err
        assert SECRET not in outcome.err


def test_storage_that_cannot_be_read_is_a_line_without_secrets(bucket: Bucket, start: Run) -> None:
    no_key: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None}
    runs = {
        start("s3://cars/none", "-o", "out", "--ray", "local"): "s3://cars/none: no videos there",
        start("s3://cars/in", "-o", "out", "--ray", "local", **no_key): "no credentials that open it",
    }
    for run, line in runs.items():
        out, err = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 2, err
        assert line in err and len(err.splitlines()) == 1, err
        assert SECRET not in out + err
