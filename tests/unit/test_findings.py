"""Promise: a finding travels: through JSON and through pickles, with evidence and without."""

from __future__ import annotations

import pickle

import pytest

import gausswork as gw
from gausswork.findings import Finding, Severity


@pytest.mark.parametrize("evidence", [None, {"rows": 3}])
def test_a_finding_travels(evidence) -> None:
    given = {} if evidence is None else {"evidence": evidence}
    finding = Finding("a-code", Severity.CAUTION, "So it is.", "Do that.", **given)
    assert pickle.loads(pickle.dumps(finding)) == finding
    assert Finding.from_dict(finding.to_dict()) == finding


def test_what_holds_findings_and_options_travels() -> None:
    for made in (
        gw.normality([1.0, 2, 4, 8, 16, 32, 64, 9]),
        gw.initialization.scheme("he", mode="fan_out"),
    ):
        again = pickle.loads(pickle.dumps(made))
        assert repr(again) == repr(made)
        assert again == made
