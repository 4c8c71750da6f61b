"""The machines of a cluster: which are there, how many tasks they can have, and their goodbye."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rtseg.fleet.node import forget

_LOOK_EVERY_S = 2.0
_GOODBYE_S = 10.0


@dataclass(frozen=True)
class Resources:
    """Of a task, and how much may be under way at once."""

    cpus: float
    gpus: float = 0
    most_bytes: int = 64 << 30
    """Of clips that are begun and not finished; a single one may have more."""


class Machines:
    """Used by the thread that drives the run."""

    def __init__(self, resources: Resources, tell: Callable[[str], None]) -> None:
        """Is told, in a line, when one dies."""
        self._resources = resources
        self._tell = tell
        self._alive: dict[str, dict[str, float]] = {}
        self._looked_s = 0.0

    @property
    def tasks(self) -> int:
        """How many they can have at once."""
        return sum(self._fits(each) for each in self._alive.values())

    def _fits(self, node: Mapping[str, float]) -> int:
        tasks_by_cpu = int(node.get("CPU", 0) // self._resources.cpus)
        if not self._resources.gpus:
            return tasks_by_cpu
        return min(tasks_by_cpu, int(node.get("GPU", 0) // self._resources.gpus))

    def look(self) -> None:
        """See which are there, if it is a while since that was done."""
        if time.monotonic() - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = time.monotonic()
        alive = {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
        lost = len(self._alive.keys() - alive.keys())
        if lost:
            self._tell(f"{lost} machine(s) of the cluster died; what they had is done elsewhere")
        self._alive = alive

    def forget(self, runs: Sequence[str]) -> None:
        """Have all of them remove what they keep of these runs."""
        answers = []
        for node in self._alive:
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            remote = ray.remote(forget).options(num_cpus=0, scheduling_strategy=there, max_retries=0)
            answers += [remote.remote(run) for run in runs]
        if answers:
            ray.wait(answers, num_returns=len(answers), timeout=_GOODBYE_S)
