"""tools/fleet/cluster.yaml is what Ray's launcher takes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import ray
import yaml

CLUSTER_FILE = Path(__file__).parents[2] / "tools/fleet/cluster.yaml"


def test_the_launcher_takes_the_cluster_file() -> None:
    cluster = yaml.safe_load(CLUSTER_FILE.read_text())
    schema = Path(ray.__file__).parent / "autoscaler/ray-schema.json"
    jsonschema.validate(cluster, json.loads(schema.read_text()))
    assert cluster["head_node_type"] in cluster["available_node_types"]
    commands = [*cluster["head_start_ray_commands"], *cluster["worker_start_ray_commands"]]
    assert any("--include-dashboard=false" in command for command in commands)
