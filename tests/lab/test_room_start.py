"""Promise: room "initialisation" shows what the library says, and its Python says it again."""

from __future__ import annotations

import builtins
import json
import math
import threading
import time
from typing import Any

import numpy as np
import pytest

from gausswork import initialization as gi
from gausswork.errors import InputError
from gausswork.lab.rooms import start, start_training

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

STATES: list[dict[str, Any]] = [
    {},
    {"scheme": "he"},
    {"scheme": "he", "scale": 1.7, "activation": "tanh", "depth": 4},
    {"scheme": "zeros", "width": 7},
    {"scheme": "rand", "scale": 0.3, "data": "made", "depth": 3},
    {"scheme": "randn", "depth": 40, "width": 256, "activation": "relu"},
    {"scheme": "default", "scale": 2.5, "activation": "gelu", "seed": 4_000_000_000},
    {"scheme": "orthogonal", "scale": 0.01, "depth": 1, "width": 2},
    {"scheme": "xavier", "activation": "sigmoid", "data": "made"},
    {"scheme": "lecun", "activation": "selu", "depth": 20},
    {"scheme": "he", "activation": "linear", "scale": 1.0, "depth": 2},
]


def shown_by(text: str) -> dict[str, Any]:
    """Run a script and return what it binds."""
    bound: dict[str, Any] = {"print": lambda *_, **__: None}
    exec(compile(text, "script", "exec"), bound)
    return bound


def same(one: Any, other: Any) -> bool:
    """Whether a number on the screen is the one that the script has bound, words among them."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return one == start.number(float(other))
    return bool(one == other)


@pytest.mark.parametrize("change", STATES, ids=lambda state: "-".join(map(str, state.values())))
def test_the_python_computes_what_is_shown(change: dict[str, Any]) -> None:
    state = {**start.START, **change}
    found = start.answer(state, None)
    json.dumps(found, allow_nan=False)
    bound = shown_by(start.script(state, None))
    assert {"weight_sd", "weight_variance", "forward", "healthy"} <= set(found["shown"])
    for name, value in found["shown"].items():
        assert same(value, bound[name]), name


def test_the_first_state_is_ill_and_he_cures_it() -> None:
    found = start.answer(start.START, None)["doctor"]
    assert not found["healthy"]
    assert "He" in found["findings"][0]["remedy"]
    cured = start.answer({**start.START, "scheme": "he"}, None)["doctor"]
    assert cured["healthy"]
    assert cured["verdict"].startswith("Healthy")


def test_the_histograms_hold_every_number_in_sight() -> None:
    found = start.answer({**start.START, "scheme": "he"}, None)["doctor"]
    assert len(found["layers"]) == 11
    for of in ("activations_log", "activations_linear", "gradients_log", "gradients_linear"):
        picture = found[of]
        assert len(picture["counts"]) == 11
        assert all(len(counts) == 80 for counts in picture["counts"])
        assert picture["edges"][0] < picture["edges"][1]
        # 4,000 numbers a layer, 256 × 10 of the output; what is zero is said beside them
        sizes = [4000] * 10 + [2560]
        for size, counts, zeros in zip(sizes, picture["counts"], picture["zeros"], strict=True):
            assert 0 <= zeros <= 1
            assert 0.9 * size < sum(counts) + size * zeros <= size + 0.5  # some are far out


def test_theory_and_measurement_agree_where_theory_applies() -> None:
    found = start.answer({**start.START, "scheme": "he", "width": 256}, None)
    assert found["theory"]["phase"] == "critical"
    assert found["theory"]["gradient_factor"] == pytest.approx(1.0)
    assert found["edge"] == pytest.approx(2.0)
    assert found["shown"]["backward"] == pytest.approx(1.0, abs=0.05)


def test_without_torch_the_room_says_what_to_install_and_shows_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    import importlib

    real_import = importlib.import_module

    def refuse_module(name: str, package: str | None = None) -> Any:
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real_import(name, package)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(importlib, "import_module", refuse_module)
    monkeypatch.setattr("gausswork.lab.rooms.start_script.find_spec", lambda name: None)
    found = start.answer(start.START, None)
    assert found["doctor"] is None
    assert "pip install 'gausswork[torch]'" in found["missing"]
    assert found["theory"]["phase"] == "ordered"
    assert sum(found["weights"]["counts"]) > 3000
    bound = shown_by(start.script(start.START, None))
    for name, value in found["shown"].items():
        assert same(value, bound[name]), name
    with pytest.raises(ImportError, match=r"pip install 'gausswork\[torch\]'"):
        list(start.train(start.START, None, lambda: False))


QUICK = {
    **start.START, "depth": 3, "width": 16, "epochs": 4, "networks": 2, "data": "made",
    "schemes": ["zeros", "he", "randn"], "rate": 0.1, "seed": 5,
}  # fmt: skip


def test_a_training_streams_its_curves_and_its_verdicts() -> None:
    parts = list(start.train(QUICK, None, lambda: False))
    assert [part["epoch"] for part in parts] == [0, 1, 2, 3, 4, 4]
    assert all("outcome" not in part for part in parts[:-1])
    json.dumps(parts, allow_nan=False)
    for part in parts:
        assert [run["name"] for run in part["curves"]] == ["zeros", "randn", "he"]
        for run in part["curves"]:
            mean = run["train_loss"]["mean"]
            assert len(mean) == 5
            assert all(value is None for value in mean[part["epoch"] + 1 :])
            if run["name"] != "randn":
                assert all(value is not None for value in mean[: part["epoch"] + 1])
    last = parts[-1]["outcome"]
    assert not last["interrupted"]
    direct = start_training.compared(start.read(QUICK))
    assert [run["verdict"] for run in last["schemes"]] == [run.verdict for run in direct.runs]
    he = next(run for run in parts[-1]["curves"] if run["name"] == "he")
    np.testing.assert_array_equal(he["train_loss"]["mean"], direct["he"].band("train_loss")[0])


def test_a_training_repeats_with_its_seed_and_not_with_another() -> None:
    first = list(start.train(QUICK, None, lambda: False))
    again = list(start.train(QUICK, None, lambda: False))
    assert first == again
    other = list(start.train({**QUICK, "seed": 6}, None, lambda: False))
    assert other[1]["curves"] != first[1]["curves"]


def test_a_training_can_be_stopped_and_keeps_what_it_has() -> None:
    stop = threading.Event()
    parts = []
    for part in start.train({**QUICK, "epochs": 60}, None, stop.is_set):
        parts.append(part)
        if part["epoch"] >= 2:
            stop.set()
    assert parts[-1]["outcome"]["interrupted"]
    assert parts[-1]["epoch"] < 60
    assert "training-interrupted" in [f["code"] for f in parts[-1]["outcome"]["findings"]]
    assert parts[-1]["curves"][0]["train_loss"]["mean"][2] is not None


def test_a_training_that_nobody_follows_ends() -> None:
    parts = start.train({**QUICK, "epochs": 60}, None, lambda: False)
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10.0
    while any(t.name == "gausswork-training" for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_python_of_a_training_computes_what_is_shown() -> None:
    state = {**QUICK, "trained": True, "scale": 1.3}
    shown = list(start.train(state, None, lambda: False))[-1]["outcome"]["shown"]
    bound = shown_by(start.script(state, None))
    assert set(shown) == {"learned", "final_accuracy", "mean_loss", "mean_accuracy"}
    for name, value in shown.items():
        assert same(value, bound[name]), name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"depth": 41}, r"depth must be a whole number from 1 to 40; got 41"),
        ({"depth": 2.5}, r"depth must be a whole number"),
        ({"width": True}, r"width must be a whole number"),
        ({"width": "64"}, r"width must be a whole number.*'64'"),
        ({"seed": -1}, r"seed must be"),
        ({"scale": 0.0}, r"scale must lie between 0.01 and 100; got 0"),
        ({"scale": None}, r"scale must be a number; got None"),
        ({"scale": math.nan}, r"scale must lie between"),
        ({"rate": 1e9}, r"rate must lie"),
        ({"activation": "maxout"}, r"activation must be one of relu, .*'maxout'"),
        ({"activation": ["relu"]}, r"activation must be one of"),
        ({"scheme": "<script>"}, r"scheme must be one of"),
        ({"data": "/etc/passwd"}, r"data must be one of digits, made"),
        ({"schemes": []}, r"schemes must be a list of some of zeros"),
        ({"schemes": ["he", "hers"]}, r"schemes must be"),
        ({"schemes": "he"}, r"schemes must be"),
        ({"schemes": [["he"]]}, r"schemes must be"),
        ({"networks": 11}, r"networks must be"),
        ({"epochs": 10**9}, r"epochs must be"),
        ({"trained": 1}, r"trained must be true or false"),
        ({"activation": "x" * 10_000}, r"got 'x{59}…"),
    ],
)
def test_a_state_that_cannot_be_is_refused_in_words(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        start.answer({**start.START, **change}, None)


def test_a_training_too_large_to_wait_for_is_refused_before_it_begins() -> None:
    state = {**start.START, "depth": 40, "width": 256, "networks": 10}
    with pytest.raises(InputError, match=r"million weights.*Take fewer"):
        next(start.train(state, None, lambda: False))


def test_what_is_missing_in_an_old_link_is_taken_from_the_start() -> None:
    assert start.read({}) == start.read(start.START)
    assert start.read({"depth": 3.0, "unknown": 1}).depth == 3
    assert [gi.scheme(name).name for name in start.SCHEMES]


@pytest.mark.parametrize("scheme", ["default", "xavier", "he", "randn", "lecun", "orthogonal"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
def test_the_mark_stands_where_theory_keeps_gradients(scheme: str, activation: str) -> None:
    state = {**start.START, "scheme": scheme, "activation": activation, "scale": 0.7, "depth": 2}
    marks = start.answer(state, None)["marks"]
    assert [mark["name"] for mark in marks] == ["edge"]
    there = start.answer({**state, "scale": marks[0]["at"]}, None)
    assert there["shown"]["chi"] == pytest.approx(1.0, abs=2e-3)
    assert there["marks"][0]["at"] == pytest.approx(marks[0]["at"], rel=1e-9)


def test_weights_without_a_middle_have_no_mark() -> None:
    for scheme in ("zeros", "rand"):
        assert start.answer({**start.START, "scheme": scheme, "depth": 2}, None)["marks"] == []


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_the_doctor_calls_layers_as_the_page_does(activation: str) -> None:
    state = {**start.START, "scheme": "zeros", "depth": 3, "activation": activation}
    found = start.answer(state, None)["doctor"]
    assert [layer["name"] for layer in found["layers"]] == [
        "layer 1", "layer 2", "layer 3", "output",
    ]  # fmt: skip
    assert "64 of 64 in layer 1, 64 of 64 in layer 2" in found["findings"][0]["sentence"]
    said = "From layer '4' (number 3 of 4) on, layer '14' (number 1 of 2)"
    # without activations between them '4' is none of its layers
    third = "layer 3" if activation == "relu" else "layer '4' (number 3 of 4)"
    wanted = f"From {third} on, layer '14' (number 1 of 2)"
    assert start.relabelled(said, start.read(state)) == wanted
