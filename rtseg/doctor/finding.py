"""What a check found, and what follows from it for a use of rtseg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

Verdict = Literal["ok", "trouble", "not here"]
Use = Literal["run", "process", "train", "tensorrt", "viewer"]

USES: tuple[Use, ...] = get_args(Use)
SCHEMA = 1


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    check: str
    """What was looked at, in at most twelve characters."""
    verdict: Verdict
    found: str
    mend: tuple[str, ...] = ()
    """Commands for a terminal, in order; a sentence where no command can do it."""
    breaks: frozenset[Use] = frozenset()
    """The uses that fail as long as this is so. Other troubles only make things slower or less."""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The same for programs."""

    def judged_for(self, use: Use) -> Finding:
        """What is not here but needed for the use is a trouble."""
        return replace(self, verdict="trouble") if use in self.breaks else self


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order of the checks."""

    use: Use
    findings: tuple[Finding, ...]

    @property
    def breaking(self) -> tuple[Finding, ...]:
        """What the chosen use would fail on."""
        return tuple(finding for finding in self.findings if self.use in finding.breaks)

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """All that can be mended, whether the chosen use needs it or not."""
        return tuple(finding for finding in self.findings if finding.verdict == "trouble")

    def to_json(self) -> dict[str, Any]:
        """The documented keys of `rtseg doctor --json`."""
        from rtseg import __version__

        def plain(finding: Finding) -> dict[str, Any]:
            keys = asdict(replace(finding, facts={}))
            return keys | {"breaks": sorted(finding.breaks), "facts": dict(finding.facts)}

        return {
            "schema": SCHEMA,
            "rtseg": __version__,
            "use": self.use,
            "works": not self.breaking,
            "checks": [plain(finding) for finding in self.findings],
        }
