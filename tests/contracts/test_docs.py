"""Promise: every example in the README and the documentation does what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gausswork.leastsquares.backend import default_backend

from .examples_in_pages import blocks, environment, failures, scratch

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


# Without the compiled kernels every fit says so, and the pages show a machine that has them.
@pytest.mark.skipif(default_backend().name != "compiled", reason="the pages show compiled kernels")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_do_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", environment()["COLUMNS"])
    found = failures(page.read_text(encoding="utf-8"), scratch(tmp_path, ROOT / "examples"))
    assert not found, "\n\n".join(found)


def test_pages_have_examples() -> None:
    """A page whose fences nobody recognises would pass silently."""
    assert list(blocks((ROOT / "README.md").read_text(encoding="utf-8")))
    assert list(blocks((ROOT / "docs/quickstart.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("example", "complaint"),
    [
        ("```python\n>>> 1 + 1\n2\n```\n", None),
        ("```python\n>>> 1 + 1\n3\n```\n", "Expected:"),
        ("```python\nx = 1\n```\n\n```python\n>>> x\n1\n```\n", None),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```console\n$ echo one two\none ...\n```\n", None),
        ("```console\n$ echo one\ntwo\n```\n", "- two"),
        ("```console\n$ echo one\n```\n", "+ one"),
        ("```console\n$ ls nowhere\n...\n```\n", "exit status 2"),
        ("```console\n$ ls nowhere\n...\n$ echo $?\n2\n```\n", None),
        ("```console\n$ rm -r examples\n```\n", "is not run here"),
    ],
)
def test_the_runner_tells_right_from_wrong(
    example: str, complaint: str | None, tmp_path: Path
) -> None:
    found = failures(example, tmp_path)
    assert bool(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]
