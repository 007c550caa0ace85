"""Promise: figures of starting networks show what was measured, on the axes given, and are not
shown by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from gausswork import plots
from gausswork.errors import InputError

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed(monkeypatch: Any) -> Any:
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() was called"))
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    from gausswork.initialization import diagnose, initialize, mlp

    x = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    result = {}
    for scheme in ("default", "he", "zeros"):
        model = mlp([32] * 8)
        initialize(model, scheme)
        result[scheme] = diagnose(model, x)
    return result


@pytest.mark.parametrize("of", ["activations", "gradients"])
@pytest.mark.parametrize("log", [True, False])
def test_layers_name_every_layer_and_count_its_zeros(
    found: dict[str, Any], of: str, log: bool
) -> None:
    ax = plots.layers(found["default"], of=of, log=log)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [layer.name for layer in found["default"].layers]
    assert any("zero" in text.get_text() for text in ax.texts)
    assert of[:8] in ax.get_xlabel()
    axes = plots.layers(found, of=of, log=log)
    assert len(axes) == 3
    assert {a.get_xlim() for a in axes} == {axes[0].get_xlim()}  # comparable at a glance


def test_growth_is_the_product_of_the_factors(found: dict[str, Any]) -> None:
    _, ax = plt.subplots()
    assert plots.growth(found["default"], of="gradients", ax=ax) is ax
    measured, theory = (line.get_ydata() for line in ax.lines[:2])
    backward = [layer.backward for layer in found["default"].layers[:-1]]
    assert measured[0] == pytest.approx(np.prod(backward))
    assert measured[-1] == 1.0
    predicted = [layer.predicted_backward for layer in found["default"].layers[:-1]]
    assert theory[0] == pytest.approx(np.prod(predicted))
    ax = plots.growth(found, of="signals")
    assert {"default", "he"} <= {text.get_text() for text in ax.texts}


def test_the_whole_picture_is_written(found: dict[str, Any], tmp_path: Path) -> None:
    for name, given in (("one.png", found["he"]), ("three.svg", found)):
        axes = plots.doctor(given, path=tmp_path / name)
        assert len(axes) == (4 if name == "one.png" else 8)
        assert (tmp_path / name).stat().st_size > 10_000
    assert not plt.get_fignums()  # only written: nothing is left open


def test_schemes_are_drawn_without_torch(tmp_path: Path) -> None:
    ax = plots.schemes(100, 50, ["he", "zeros", "rand"], activation="tanh")
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "kaiming_normal", "zeros", "rand",
    ]  # fmt: skip
    assert "fan_in · Var W = 2.78" in ax.texts[0].get_text()  # (5/3)²
    plots.schemes(512, 512, path=tmp_path / "schemes.png")
    assert (tmp_path / "schemes.png").stat().st_size > 10_000


def test_refusals(found: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="activations"):
        plots.layers(found["he"], of="weights")
    with pytest.raises(InputError, match="signals"):
        plots.growth(found["he"], of="weights")
    with pytest.raises(InputError, match="3 matplotlib axes"):
        plots.layers(found, ax=plt.subplots()[1])
    with pytest.raises(InputError, match="between 1 and 6"):
        plots.doctor({str(i): found["he"] for i in range(7)})
    with pytest.raises(InputError, match=r"\.png"):
        plots.doctor(found, path=tmp_path / "x.gif")
    with pytest.raises(InputError, match="at least one"):
        plots.schemes(3, 3, [])
