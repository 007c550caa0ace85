"""Promise: imports point one way, so that each folder can be read and replaced alone.

``errors`` and ``findings`` are at the bottom; ``data`` and ``sampling`` know nothing of each other;
``normal`` stands on ``sampling``, ``leastsquares`` on all three, ``initialization`` on ``sampling``
and ``normal``; the faces (command line, plots, report) are on top. What is below a face may import
it only inside a function, as ``fit.plot()`` does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

import gausswork

PACKAGE = Path(gausswork.__file__).parent
FACES = frozenset(
    {
        "checkreport",
        "cli",
        "descending",
        "htmlreport",
        "lab",
        "notebook",
        "plots",
        "report",
        "reportfigures",
        "sklearn",
        "tables",
        "work",
    }
)
WINGS = frozenset({"data", "sampling", "normal", "leastsquares", "initialization"})
HELPERS = frozenset({"files", "formatting", "processors"})
GROUND = frozenset({"errors", "findings", "plain"})

# Wing -> the wings that it may import at module level, beside itself and the ground.
ALLOWED = {
    "errors": frozenset(),
    "findings": frozenset(),
    "plain": frozenset(),
    "files": frozenset(),
    "formatting": frozenset(),
    "processors": frozenset(),
    "_native": frozenset(),
    "data": frozenset({"_native", "processors"}),
    "sampling": HELPERS | {"_native"},
    "normal": HELPERS | {"_native", "sampling"},
    "leastsquares": HELPERS | {"_native", "data", "normal", "sampling"},
    "initialization": HELPERS | {"normal", "sampling"},
    "__main__": frozenset({"cli"}),
    **dict.fromkeys(FACES, HELPERS | WINGS | FACES),
}
# What a wing may import inside a function only.
ALLOWED_LATE = dict.fromkeys(WINGS - {"data"}, FACES)


@dataclass(frozen=True)
class Edge:
    """One import of one part of the package by another."""

    wing: str
    imported: str
    late: bool  # inside a function
    place: str


def wing_of(module: str) -> str:
    """Return the first name below the package; "" for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def home_of(name: str) -> str:
    """Return the module behind ``from gausswork import name``."""
    if name.startswith("__"):
        return "gausswork"  # such as __version__: the package itself
    return gausswork._HOMES.get(name, f"gausswork.{name}")


def edges_of(path: Path, module: str) -> list[Edge]:
    """Return what ``module``, stored in ``path``, imports from the package."""
    found: list[Edge] = []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def visit(node: ast.AST, late: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return  # names for the type checker import nothing
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            names = [base] if base != "gausswork" else [home_of(a.name) for a in node.names]
        for name in names:
            if name.split(".")[0] == "gausswork":
                place = f"{path.name}:{node.lineno}"  # type: ignore[attr-defined]
                found.append(Edge(wing_of(module), wing_of(name), late, place))
        inside = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return found


def forbidden(edge: Edge) -> bool:
    """Whether the rules above forbid this import."""
    if edge.wing == "" or edge.imported in {"", edge.wing, *GROUND}:
        return False
    if edge.imported in ALLOWED[edge.wing]:
        return False
    return not (edge.late and edge.imported in ALLOWED_LATE.get(edge.wing, frozenset()))


def modules() -> list[tuple[Path, str]]:
    """Return every module of the package with its dotted name."""
    listed = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        listed.append((path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)))
    return listed


@pytest.mark.parametrize(("path", "module"), modules(), ids=[name for _, name in modules()])
def test_imports_point_down(path: Path, module: str) -> None:
    wing = wing_of(module)
    assert wing in {"", *ALLOWED}, f"{module}: say in ALLOWED what {wing!r} may import"
    broken = [edge for edge in edges_of(path, module) if forbidden(edge)]
    assert not broken


@pytest.mark.parametrize(
    ("module", "source", "verdict"),
    [
        ("gausswork.data.x", "from gausswork.leastsquares.fit import fit", True),
        ("gausswork.data.x", "from ..leastsquares import fit", True),
        ("gausswork.data.x", "def f():\n    import gausswork.leastsquares.fit", True),
        ("gausswork.data.x", "from gausswork import leastsquares", True),
        ("gausswork.data.x", "from gausswork.errors import InputError", False),
        ("gausswork.data.x", "from .sources import Batch", False),
        ("gausswork.errors", "from gausswork.data import sources", True),
        ("gausswork.data.x", "from gausswork.sampling import normal", True),
        ("gausswork.sampling.x", "import gausswork.normal", True),
        ("gausswork.normal.x", "import gausswork.sampling", False),
        ("gausswork.normal.x", "import gausswork.leastsquares.fit", True),
        ("gausswork.initialization.x", "import gausswork.leastsquares.fit", True),
        ("gausswork.leastsquares.x", "from gausswork import plots", True),
        ("gausswork.leastsquares.x", "def f():\n    from gausswork import plots", False),
        ("gausswork.leastsquares.x", "from gausswork.data.sources import Source", False),
        ("gausswork.cli", "from gausswork.leastsquares.fit import fit", False),
        ("gausswork.cli", "from gausswork import fit", False),
        ("gausswork.data.x", "from gausswork import fit", True),
    ],
)
def test_the_reader_of_imports_sees_what_it_must(
    tmp_path: Path, module: str, source: str, verdict: bool
) -> None:
    path = tmp_path / "x.py"
    path.write_text(source, encoding="utf-8")
    assert [forbidden(edge) for edge in edges_of(path, module)] == [verdict]
