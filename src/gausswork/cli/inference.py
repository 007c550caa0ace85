"""What ``gausswork fit`` is asked beside the fit: robust errors, tests of hypotheses."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import number

if TYPE_CHECKING:
    from gausswork.findings import Finding
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.robust.covariance import Robust
    from gausswork.leastsquares.wald import HypothesisTest

_KINDS = ("HC0", "HC1", "HC2", "HC3", "HAC")


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked beside the fit: other errors, and tests by those or by the ordinary ones."""

    robust: Robust | None
    tests: tuple[HypothesisTest, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What there is to say about all of it."""
        robust = () if self.robust is None else self.robust.findings
        return (*robust, *(finding for test in self.tests for finding in test.findings))

    def text(self, level: float) -> str:
        """Return the tables that stand below the fit; empty where nothing was asked."""
        from gausswork import tables

        grids = [] if self.robust is None else [tables.robust(self.robust, level=level)]
        grids += [tables.hypothesis_test(test) for test in self.tests]
        return "\n\n".join(map(tables.printable, grids))

    def document(self, level: float) -> dict[str, Any]:
        """Return the same as plain data, under the names that it has in the JSON of a fit."""
        asked: dict[str, Any] = {}
        if self.robust is not None:
            asked["robust"] = self.robust.to_dict(level)
        if self.tests:
            asked["tests"] = [test.to_dict() for test in self.tests]
        return asked


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    errors = command.add_mutually_exclusive_group()
    errors.add_argument(
        "--errors",
        choices=_KINDS,
        help="standard errors that hold where rows differ in spread (HC0 to HC3) or follow each "
        "other in time (HAC), beside the ordinary ones",
    )
    errors.add_argument(
        "--cluster",
        metavar="COLUMN",
        help="standard errors for rows that belong together by this column, or by two (A,B)",
    )
    command.add_argument(
        "--lags", type=number, metavar="N", help="lags of HAC errors (default: by the rows)"
    )
    command.add_argument(
        "--test",
        action="append",
        default=[],
        metavar="HYPOTHESES",
        help="test equations together, such as 'a = b, c = 0'; may be given again",
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, before any work is done."""
    if arguments.lags is not None and arguments.errors != "HAC":
        arguments.refuse("--lags belongs to --errors HAC")


def answers(fitted: Fit, arguments: argparse.Namespace) -> Answers:
    """Compute what was asked for."""
    robust = None
    if arguments.cluster:
        robust = fitted.robust("cluster", clusters=_columns(arguments.cluster))
    elif arguments.errors:
        robust = fitted.robust(arguments.errors, lags=arguments.lags)
    tested = fitted if robust is None else robust
    return Answers(robust, tuple(tested.test(hypotheses) for hypotheses in arguments.test))


def _columns(text: str) -> str | list[str]:
    names = [name.strip() for name in text.split(",")]
    return names[0] if len(names) == 1 else names
