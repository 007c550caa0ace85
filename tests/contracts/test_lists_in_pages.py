"""Promise: the lists in the documentation are complete: every finding, option and public name."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gausswork
from gausswork import cli

DOCS = Path(__file__).resolve().parents[2] / "docs"
PACKAGE = Path(gausswork.__file__).parent
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|[a-z0-9]+")


def findings_in_source() -> Iterator[tuple[str, str, str]]:
    """Yield (code, severity, file) of every ``Finding(...)`` that the package can build."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "Finding",
                "findings.Finding",
            }:
                given = dict(zip(("code", "severity"), node.args, strict=False))
                given |= {word.arg or "": word.value for word in node.keywords}
                code, severity = given["code"], ast.unparse(given["severity"])
                assert isinstance(code, ast.Constant), (
                    f"{path.name}:{node.lineno}: write the code out"
                )
                yield code.value, severity, path.name


def documented_findings() -> dict[str, set[str]]:
    """Return the codes of the page with their severities."""
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z or,]+) \|", page, re.MULTILINE)
    return {code: set(re.findall("note|caution|alarm", severity)) for code, severity in rows}


def test_every_finding_is_documented_with_its_severity() -> None:
    written: dict[str, set[str]] = {}
    for code, severity, _ in findings_in_source():
        written.setdefault(code, set())
        written[code] |= {word.lower() for word in re.findall("NOTE|CAUTION|ALARM", severity)}
    assert written == documented_findings()


def test_codes_are_kebab_case() -> None:
    assert all(KEBAB.fullmatch(code) for code in documented_findings())


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Return the long options of a command and of the commands below it."""
    found: set[str] = set()
    for action in parser._actions:
        found |= {option for option in action.option_strings if option.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= options_of(below)
    return found


def test_every_option_is_documented_and_every_documented_option_exists() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert options_of(cli.parser()) == set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page))


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    for name in gausswork.__all__:
        assert re.search(rf"\bgausswork\.{name}\b", page), name
