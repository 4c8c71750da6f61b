"""The driver of a run on a cluster: gives out tasks, never too many, and listens."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rtseg.backends import Precision
from rtseg.errors import RtsegError
from rtseg.fleet import work as tasks
from rtseg.fleet.board import Board, Reporter
from rtseg.fleet.claim import Claim
from rtseg.fleet.items import Item, Plan, Work
from rtseg.fleet.machines import Machines, Resources
from rtseg.offline import Progress
from rtseg.offline.outcome import Outcome, Watcher

_POLL_S = 0.5
_RETRIES = 4
_ANSWER_S = 10.0
_ITSELF = -1  # the part that a clip is which is not split
_JOIN = -2


def _report(board: Any, name: str, part: int) -> Reporter:
    reporter = Reporter(board, name, part)
    reporter.begin(ray.util.get_node_ip_address())
    return reporter


def _clip_task(work: Work, item: Item, board: Any) -> Outcome | Plan:
    return tasks.do_clip(work, item, _report(board, item.name, _ITSELF))


def _span_task(work: Work, plan: Plan, number: int, board: Any) -> Outcome | None:
    return tasks.do_span(work, plan, number, _report(board, plan.item.name, number))


class Driver:
    """Used by the thread that runs it."""

    def __init__(
        self,
        work: Work,
        items: list[Item],
        resources: Resources,
        watcher: Watcher,
        stopping: Callable[[], bool],
        claim: Claim,
    ) -> None:
        self.work = work
        self.resources = resources
        self.watcher = watcher
        self.stopping = stopping
        self.claim = claim
        self.waiting = deque(items)
        self.under_way: dict[str, int] = {}
        """Bytes of clips that are begun and not finished."""
        self.plans: dict[str, Plan] = {}
        self.missing: dict[str, set[int]] = {}
        """Spans that are not done."""
        self.began_s: dict[str, float] = {}
        self.ready: deque[tuple[str, int]] = deque()
        """Parts of clips that nobody has yet."""
        self.flying: dict[Any, tuple[str, int]] = {}
        self.progress: dict[str, dict[int, Progress]] = {}
        self.machines = Machines(resources, lambda line: watcher.told(None, line))
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self.board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        options: dict[str, Any] = {"num_cpus": resources.cpus, "max_retries": _RETRIES}
        if resources.gpus:
            options["num_gpus"] = resources.gpus
        self.remotes = {
            function: ray.remote(function).options(**options)
            for function in (tasks.resolve, _clip_task, _span_task, tasks.join)
        }
        self.sent_work = ray.put(work)

    def resolve(self) -> None:
        """Have all machines take the same backend and precision, whatever each would find best.

        Raises what a machine found wrong.
        """
        self.machines.look()
        if not self.machines.tasks:
            self.watcher.told(
                None,
                f"no machine of the cluster has the {self.resources.cpus:g} CPUs and "
                f"{self.resources.gpus:g} GPUs of a task yet; waiting for one (--task-cpus, --task-gpus ask "
                "for less)",
            )
        answer = self.remotes[tasks.resolve].remote(self.sent_work)
        while not ray.wait([answer], timeout=_POLL_S)[0]:
            self.claim.refresh()
            if self.stopping():
                ray.cancel(answer, force=True)
                return
        found = ray.get(answer)
        if isinstance(found, RtsegError):
            raise found
        backend, precision = found
        network = self.work.network
        if network.precision == "auto" and precision in {"f32", "bf16", "int8"}:
            network = replace(network, precision=cast(Precision, precision))
        self.work = replace(self.work, network=replace(network, backend=backend))
        self.sent_work = ray.put(self.work)

    def run(self) -> None:
        """Until all is done, or until it is to stop."""
        while (self.waiting or self.ready or self.flying) and not self.stopping():
            self.machines.look()
            self._fill()
            done, _ = ray.wait(list(self.flying), timeout=_POLL_S)
            self._hear()
            for answer in done:
                self._take(answer)
            self.claim.refresh()
        for answer in self.flying:
            ray.cancel(answer, force=True)
        for name in self.under_way:
            self.watcher.ended(Outcome(name, "stopped"))

    def forget(self) -> None:
        """Have all machines remove what they keep of this run, and of one before it that crashed."""
        self.machines.forget([run for run in (self.work.run, self.claim.crashed) if run is not None])
        ray.kill(self.board)

    def _fill(self) -> None:
        """Give out tasks: as many as run, and as many again that wait for them, or for more machines."""
        most = max(2, 2 * self.machines.tasks)
        while len(self.flying) < most:
            if self.ready:
                self._launch(*self.ready.popleft())
            elif self.waiting and self._has_room(self.waiting[0].size):
                item = self.waiting.popleft()
                self.under_way[item.name] = item.size
                self.began_s[item.name] = time.time()
                self._fly(
                    item.name, _ITSELF, self.remotes[_clip_task].remote(self.sent_work, item, self.board)
                )
                self.watcher.begun(item.name)
            else:
                return

    def _has_room(self, size: int) -> bool:
        return not self.under_way or sum(self.under_way.values()) + size <= self.resources.most_bytes

    def _launch(self, name: str, part: int) -> None:
        plan = self.plans[name]
        if part == _JOIN:
            answer = self.remotes[tasks.join].remote(self.sent_work, plan, self.began_s[name])
        else:
            answer = self.remotes[_span_task].remote(self.sent_work, plan, part, self.board)
        self._fly(name, part, answer)

    def _fly(self, name: str, part: int, answer: Any) -> None:
        self.flying[answer] = (name, part)

    def _take(self, answer: Any) -> None:
        name, part = self.flying.pop(answer)
        try:
            result = ray.get(answer)
        except RayTaskError as error:
            print(error, file=sys.stderr)  # with the traceback of the machine where it was raised
            cause = error.cause
            result = Outcome.failed(name, f"a defect of rtseg, {type(cause).__name__}: {cause}")
        except RayError as error:
            result = Outcome.failed(
                name,
                f"what had it died {_RETRIES + 1} times ({type(error).__name__}); it may crash a decoder",
            )
        if name not in self.under_way:
            return  # another part of it has failed
        if isinstance(result, Plan):
            self._begin_spans(result)
        elif isinstance(result, Outcome):
            del self.under_way[name]
            self.ready = deque(each for each in self.ready if each[0] != name)
            self.watcher.ended(result)
        else:
            self.missing[name].discard(part)
            if not self.missing[name]:
                self.ready.appendleft((name, _JOIN))

    def _begin_spans(self, plan: Plan) -> None:
        name = plan.item.name
        self.plans[name] = plan
        self.missing[name] = set(range(len(plan.spans)))
        self.ready.extend((name, number) for number in range(len(plan.spans)))
        self.watcher.told(name, f"done in {len(plan.spans)} parts")

    def _hear(self) -> None:
        """What tasks have said since the last time."""
        try:
            progress, lines = ray.get(self.board.drain.remote(), timeout=_ANSWER_S)
        except RayError:
            return  # without progress the work goes on
        for name, line in lines:
            self.watcher.told(name, line)
        for (name, part), each in progress.items():
            self.progress.setdefault(name, {})[part] = each
        for name in {name for name, _ in progress} & self.under_way.keys():
            self.watcher.advanced(name, self._sum(name))

    def _sum(self, name: str) -> Progress:
        parts = self.progress[name]
        plan = self.plans.get(name)
        if plan is None:
            return parts[_ITSELF]
        frames = sum(each.frames - plan.spans[part].first_index for part, each in parts.items() if part >= 0)
        fps = sum(each.fps for part, each in parts.items() if part in self.missing[name])
        return Progress(frames, plan.frames, fps)
