"""Findings: what a reader, a solver or a check-up has to say, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding should worry its reader."""

    NOTE = "note"  # good to know; the numbers stand
    CAUTION = "caution"  # read before relying on the affected numbers
    ALARM = "alarm"  # the affected numbers should not be used as they are


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation with a stable code, what it means and what to do about it.

    Attributes
    ----------
    code : stable kebab-case identifier, such as ``"dependent-column"``.
    severity : how much it matters.
    sentence : what was seen, in plain words and with numbers.
    remedy : what the reader can do; empty when nothing needs doing.
    evidence : the numbers and names behind the sentence, JSON-serialisable.
    """

    code: str
    severity: Severity
    sentence: str
    remedy: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data for JSON."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "sentence": self.sentence,
            "remedy": self.remedy,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Rebuild a finding written by :meth:`to_dict`."""
        return cls(
            code=str(data["code"]),
            severity=Severity(data["severity"]),
            sentence=str(data["sentence"]),
            remedy=str(data["remedy"]),
            evidence=dict(data["evidence"]),
        )


def distinct(*groups: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Join findings; an earlier group has the last word on the codes that it uses."""
    joined: list[Finding] = []
    for group in filter(None, groups):
        taken = {finding.code for finding in joined}
        joined += [finding for finding in group if finding.code not in taken]
    return tuple(joined)
