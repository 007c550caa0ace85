"""Promise: ``import gausswork`` is quick, so it brings in nothing that is not needed yet."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gausswork

PACKAGE = Path(gausswork.__file__).parent
SLOW = {"matplotlib", "pandas", "polars", "pyarrow", "rich", "scipy", "sklearn", "statsmodels"}


def modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after ``statement``."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(result.stdout))


def loaded_after(statement: str) -> set[str]:
    """Return the same without submodules."""
    return {name.partition(".")[0] for name in modules_after(statement)}


def test_bare_import_brings_in_nothing_slow() -> None:
    assert not loaded_after("import gausswork") & {*SLOW, "numpy"}


def test_the_names_of_the_package_bring_in_numpy_at_most() -> None:
    every = ", ".join(gausswork.__all__)
    loaded = loaded_after(f"from gausswork import {every}")
    assert "numpy" in loaded  # the names were really imported
    assert not loaded & SLOW


def test_a_first_fit_of_arrays_waits_for_no_reader_of_tables() -> None:
    """Nor for what takes as long to import as a fit takes: masked arrays, futures, logging."""
    array = "import numpy as np; x = np.random.default_rng(0).normal(size=(140_000, 8))"
    fitted = f"{array}; import gausswork as gw; gw.fit(x, x @ x[0] + x[:, 0] ** 2, threads=2)"
    brought = modules_after(fitted) - modules_after(array)
    assert "gausswork.data.opening" in brought
    assert not brought & {"concurrent.futures", "decimal", "difflib", "logging", "numpy.ma"}
    assert not brought & {f"gausswork.data.{name}" for name in ("design", "files", "frames")}
    assert not {name.partition(".")[0] for name in brought} & SLOW


def test_the_check_would_notice_a_slow_import() -> None:
    assert "scipy" in loaded_after("import gausswork, scipy")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_modules_import_only_numpy_at_their_top(path: Path) -> None:
    """Everything else enters inside the function that needs it."""
    outside = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            outside |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            outside.add((node.module or "").partition(".")[0])
    # A class of scikit-learn's kind needs its base at once; nothing here imports that file.
    adapter = {"sklearn"} if path.name == "sklearn.py" else set()
    assert outside <= {*sys.stdlib_module_names, "gausswork", "numpy", *adapter}


def test_public_names_are_all_there() -> None:
    for name in gausswork.__all__:
        assert getattr(gausswork, name) is not None
    assert dir(gausswork) == sorted(gausswork.__all__)
    assert set(gausswork._HOMES) == set(gausswork.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        gausswork.fitt  # noqa: B018
