"""Promise: every number on the screen of a room is what its Python computes, whatever is chosen.

States that nobody chooses first: the ends of sliders, a file of one's own with gaps, a name that
bites, other languages of a limit. The script is the one that the page shows, run as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gausswork.lab import launch, rooms
from gausswork.lab.app import Lab
from gausswork.lab.tables import Tables

from .conftest import Watched, agrees
from .running import run_script

BITING = "<b>a\"'\\n{0}</b>"
FILE = "own data.csv"

STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "two points": ("regression", {"x": [1e6, 1e6 + 1.0], "y": [-3.0, 8.0]}),
    "points above one another": ("regression", {"x": [2.0] * 4, "y": [1.0, 2.0, 4.0, 9.0]}),
    "far from zero, my line": ("regression", {
        "x": [1e8 + k for k in range(6)], "y": [0.1, 0.3, 0.2, 0.5, 0.4, 0.7], "mine": True,
        "squares": "mine", "band": "prediction", "level": 0.6}),
    "own columns": ("regression", {"table": FILE, "x_column": BITING, "y_column": "y"}),
    "diverges": ("descent", {"learning_rate": 0.3, "epochs": 1000, "epoch": 37, "others": []}),
    "momentum": ("descent", {"momentum": 0.9, "standardize": True, "start": [1e6, -1e6]}),
    "best rate of own columns": ("descent", {
        "table": FILE, "x_column": "y", "y_column": BITING, "learning_rate": "auto"}),
    "far tail": ("bell", {
        "mean": -3e5, "sd": 1e-3, "event": "above", "hold": "tail", "a": 0.5, "b": 1e-250}),
    "area outside": ("bell", {"event": "outside", "hold": "area", "area": 1e-9, "log": True}),
    "own column under the bell": ("bell", {
        "sample": "column", "column": {"table": FILE, "column": BITING}, "hold": "z", "a": -0.3,
        "b": 0.1, "mean": 1.0, "sd": 2.0}),
    "a bag": ("limit", {"population": "drawn", "heights": [20] + [0] * 19 + [1], "n": 1000}),
    "own column, drawn from": ("limit", {
        "population": "column", "column": {"table": FILE, "column": "y"}, "n": 7, "seed": 2**40}),
    "no variance": ("limit", {"population": "pareto", "parameter": 1.0, "n": 3, "repeats": 500}),
    "far ranges": ("random", {
        "mean": -1e9, "sd": 1e3, "low": 1e9 - 1, "high": 1e9, "start": -(10**9), "stop": 10**9,
        "size": 100, "seed": 2**53}),
    "zeros": ("start", {"scheme": "zeros", "depth": 1, "width": 2, "data": "made"}),
    "explodes": ("start", {
        "scheme": "randn", "scale": 100.0, "depth": 40, "width": 32, "activation": "selu",
        "data": "made", "seed": 2**32 - 1}),
    "own file": ("data", {"table": FILE, "target": "y", "features": [BITING, "kind"]}),
    "own formula": ("data", {
        "table": FILE, "by": "formula", "formula": "log(y) ~ kind", "level": 0.5}),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file that has gaps, categories, and a name of a column that bites."""
    rng = np.random.default_rng(7)
    rows = [f'"{BITING.replace(chr(34), 2 * chr(34))}",kind,y']
    for k in range(200):
        gap = k % 17 == 3
        rows.append(f"{'' if gap else round(rng.normal(), 4)},{'uvw'[k % 3]},{k % 31 + 0.5}")
    made = tmp_path_factory.mktemp("own")
    (made / FILE).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def own(folder: Path) -> Iterator[Any]:
    """A lab that was started with the file."""
    tables = Tables()
    tables.add_file(folder / FILE)
    with launch.running(Lab(tables)) as opened:
        yield opened, tables.first


@pytest.mark.parametrize("name", STATES)
def test_the_script_on_the_page_computes_every_number_on_the_page(
    watch: Callable[..., Watched],
    own: Any,
    folder: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    opened, table = own
    room, changes = STATES[name]
    state = json.loads(
        json.dumps({**rooms.room(room).START, **changes}).replace(json.dumps(FILE), f'"{table}"')
    )
    seen = watch(opened.address)
    kept = {room: state, f"first-{room}": table}  # else the file would be offered in its place
    for key, value in kept.items():
        text = json.dumps(json.dumps(value))
        seen.page.add_init_script(f"sessionStorage['gausswork-lab:{key}'] = {text}")
    page = seen.open(room)
    script = seen.script()
    assert page.locator("main .problem-box").all_inner_texts() == []
    numbers = page.eval_on_selector_all(
        "[data-shown]",
        "all => all.map(one => [one.dataset.shown, one.dataset.value ?? null, one.textContent])",
    )
    assert numbers
    bound = run_script(script)
    for shown, value, text in numbers:
        if text == "–":  # undefined: the script may say so by NaN, or leave the name out
            assert not np.isfinite(bound.get(shown, np.nan)).all(), shown
            continue
        assert shown in bound, f"the script does not compute {shown}"
        computed = bound[shown]
        if value is None:
            assert agrees(text, computed), (shown, text, computed)
            continue
        on_page = json.loads(value)
        if isinstance(on_page, str):  # "not a number", "infinite"
            assert not np.isfinite(computed), shown
        else:
            assert np.asarray(computed) == pytest.approx(np.asarray(on_page), rel=1e-12), shown
