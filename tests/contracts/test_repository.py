"""Promise: a clean clone is all that anybody needs, and it holds nothing that misleads."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import gausswork

ROOT = Path(__file__).resolve().parents[2]
BINARY = {".png", ".parquet", ".gz", ".zst"}
KEPT_AS_PUBLISHED = {".dat", ".csv"}
UNSAFE = {"dill", "joblib", "marshal", "pickle", "shelve"}
LARGEST = 500_000  # bytes; a clone stays small


def files() -> list[Path]:
    """Return the files that git tracks or would track; all of them outside a checkout."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
        return sorted(path for path in paths if path.is_file())
    kept = ("src", "tests", "docs", "examples", "benchmarks", "requirements")
    return sorted(
        path
        for folder in kept
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".so"}
    )


def texts() -> list[tuple[Path, str]]:
    """Return every text file with its contents; a file that is not UTF-8 fails here."""
    return [
        (path, path.read_bytes().decode("utf-8")) for path in files() if path.suffix not in BINARY
    ]


def offenders(pattern: str) -> list[str]:
    """Return "file:line: text" wherever the pattern stands."""
    sought = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if sought.search(line)
    ]


def pins() -> dict[str, str]:
    """Return what constraints.txt holds: distribution -> version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, separator, version = line.partition("==")
            assert separator, f"constraints.txt must pin one exact version: {line!r}"
            pinned[canonicalize_name(name)] = version
    return pinned


def project() -> dict[str, object]:
    """Return the [project] table."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        table: dict[str, object] = tomllib.load(file)["project"]
    return table


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?<![\w.])/(?:work|home|root|Users|farm)/\w", "a path of somebody's machine"),
        (r"(?<![\w.])/tmp/\w", "a path of somebody's machine"),
        (r"^(?:<{7}|>{7}|={7})(?: |$)", "a merge left unfinished"),
        (r"\b(?:TODO|FIXME|XXX)\b", "a note to oneself: finish it, or open an issue"),
        (r"https?://[^\s/]*(?:py" r"pi|pythonhosted)", "an address of a package index"),
        (r"[ \t]+$", "space at the end of a line"),
    ],
)
def test_nothing_that_does_not_belong(pattern: str, reason: str) -> None:
    found = [
        line
        for line in offenders(pattern)
        if Path(line.partition(":")[0]).suffix not in KEPT_AS_PUBLISHED
        and not line.startswith("tests/contracts/test_repository.py")
    ]
    assert not found, reason


def test_text_files_end_in_a_newline_and_use_no_carriage_returns() -> None:
    for path, text in texts():
        if path.suffix in KEPT_AS_PUBLISHED or not text:
            continue
        assert "\r" not in text, path
        assert text.endswith("\n"), path


def test_files_are_small() -> None:
    assert not [path for path in files() if path.stat().st_size > LARGEST]


def runs_code(source: str) -> list[str]:
    """Return what a module could use to run code that it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in UNSAFE]
        elif isinstance(node, ast.ImportFrom) and node.module in UNSAFE:
            found.append(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"eval", "exec", "compile"}:
            found.append(ast.unparse(node.func))
    return found


def test_the_package_never_unpickles_or_evaluates() -> None:
    """Loading a model or reading a table runs nothing."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        assert not runs_code(path.read_text(encoding="utf-8")), path
    assert runs_code("import pickle\nx = eval(text)") == ["pickle", "eval"]


def test_every_dependency_is_pinned_with_those_it_brings_in() -> None:
    """``make test`` installs the same versions on every machine."""
    pinned = pins()
    table = project()
    wanted = [Requirement(str(entry)) for entry in table["dependencies"]]  # type: ignore[attr-defined]
    for extra in table["optional-dependencies"].values():  # type: ignore[attr-defined]
        wanted += [Requirement(entry) for entry in extra]
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        wanted += [Requirement(line) for line in lines if line and not line.startswith("#")]
    seen: set[str] = set()
    missing: list[str] = []
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if name in seen or name == "gausswork":
            continue
        seen.add(name)
        if name not in pinned:
            missing.append(requirement.name)
        elif pinned[name] not in requirement.specifier:
            missing.append(f"{requirement} is not met by {name}=={pinned[name]}")
        try:
            brought_in = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # belongs to an environment that this is not, such as that of the docs
        wanted += [Requirement(entry) for entry in brought_in]
    assert "numpy" in seen
    assert not missing


def test_the_extra_all_is_all_extras() -> None:
    extras = dict(project()["optional-dependencies"])  # type: ignore[call-overload]
    together = Requirement(extras.pop("all")[0])
    assert together.extras == set(extras)


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", text, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == gausswork.__version__


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_alone_lists_every_target() -> None:
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in phony.group(1).split():
        assert f"make {target}" in listing
