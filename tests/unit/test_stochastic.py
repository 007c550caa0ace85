"""Promise: a mini-batch descent is exact in its history and goes on after an interruption."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork
from gausswork.data import open_data
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.solve import least_squares
from gausswork.leastsquares.stochastic import run as stochastic
from gausswork.leastsquares.stochastic.answer import descend
from gausswork.leastsquares.stochastic.rows import HeldOut, permutation
from gausswork.leastsquares.stochastic.rules import Schedule


def rows(
    n: int = 600, p: int = 3, *, mean: float = 0.0, sd: float = 1.0, noise: float = 1.0
) -> tuple[Any, Any]:
    rng = np.random.default_rng(11)
    x = rng.normal(mean, sd, size=(n, p))
    return x, x @ np.arange(1.0, p + 1) + 0.5 + noise * rng.normal(size=n)


def run_on(data: Any, target: Any = None, *, intercept: bool = True, **options: Any) -> Descent:
    source = open_data(data, target).source
    solution = least_squares(source, intercept=intercept)
    progress = options.pop("progress", None)
    return descend(source, solution, GradientDescent(**options), progress=progress)[0]


def same(a: Descent, b: Descent) -> bool:
    """Whether two descents are the same to the last bit."""
    pairs = [
        (a.path, b.path), (a.loss, b.loss), (a.coefficients, b.coefficients),
        (a.held_out_loss, b.held_out_loss),
    ]  # fmt: skip
    if a.mini_batch is not None and b.mini_batch is not None:
        pairs += [(a.mini_batch.rate, b.mini_batch.rate)]
        pairs += [(a.mini_batch.gradient_norm, b.mini_batch.gradient_norm)]
    return (a.reason, a.outcome) == (b.reason, b.outcome) and all(
        left is right or np.array_equal(left, right) for left, right in pairs
    )


def test_the_path_is_the_loop_over_the_rows_in_their_order() -> None:
    x, y = rows()
    descent = run_on(
        x, y, batch_size=32, epochs=4, learning_rate=0.05, momentum=0.9, seed=7,
        schedule="step:every=2,factor=0.5",
    )  # fmt: skip
    design = np.column_stack([np.ones(len(y)), x])
    theta, v = np.zeros(4), np.zeros(4)
    for epoch in range(4):
        order = permutation(7, epoch, len(y))
        for k in range(0, len(y), 32):
            part = order[k : k + 32]
            g = 2.0 / len(part) * design[part].T @ (design[part] @ theta - y[part])
            v = 0.9 * v + g
            theta = theta - 0.05 * 0.5 ** (epoch // 2) * v
        # sums in another order than BLAS's: rounding of 76 steps
        np.testing.assert_allclose(descent.path[epoch + 1], theta, rtol=1e-12)


def test_standardised_steps_are_reported_in_the_units_of_the_data() -> None:
    x, y = rows(mean=50.0, sd=10.0)
    descent = run_on(x, y, batch_size=60, epochs=3, learning_rate=0.1, standardize=True)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    design = np.column_stack([np.ones(len(y)), z])
    theta = np.zeros(4)
    for epoch in range(3):
        order = permutation(0, epoch, len(y))
        for k in range(0, len(y), 60):
            part = order[k : k + 60]
            theta -= 0.1 * 2.0 / 60 * design[part].T @ (design[part] @ theta - y[part])
    slopes = theta[1:] / x.std(axis=0)
    expected = np.append(theta[0] - slopes @ x.mean(axis=0), slopes)
    np.testing.assert_allclose(descent.coefficients, expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["weights", "frequencies"])
@pytest.mark.parametrize("shuffle", [False, "disk"])
def test_weights_of_rows_weigh_the_steps(kind: str, shuffle: bool | str) -> None:
    x, y = rows(90)
    weight = np.random.default_rng(3).integers(0, 4, 90).astype(float)
    source = open_data(
        x, y, weights=weight, weighting="analytic" if kind == "weights" else "frequency"
    ).source
    method = GradientDescent(
        batch_size=30, epochs=2, learning_rate=0.05, shuffle=shuffle, ridge=2.0, memory=2048
    )
    descent = descend(source, least_squares(source), method)[0]
    for at, theta in enumerate(descent.path):
        squares = (y - theta[0] - x @ theta[1:]) ** 2
        loss = (weight @ squares + 2.0 * theta[1:] @ theta[1:]) / weight.sum()
        assert math.isclose(descent.loss[at], loss, rel_tol=1e-9)
    if shuffle:
        return
    design, theta = np.column_stack([np.ones(90), x]), np.zeros(4)
    for k in (0, 30, 60) * 2:
        part = slice(k, k + 30)
        error = weight[part] / weight.mean() * (design[part] @ theta - y[part])
        pull = 2.0 * 2.0 / weight.sum() * np.append(0.0, theta[1:])
        theta = theta - 0.05 * (2.0 / 30 * design[part].T @ error + pull)
    np.testing.assert_allclose(descent.coefficients, theta, rtol=1e-12)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_history_is_the_loss_of_the_rows(standardize: bool, intercept: bool) -> None:
    x, y = rows(mean=2.0)
    descent = run_on(
        x, y, intercept=intercept, batch_size=50, epochs=5, standardize=standardize,
        early_stopping=0.25, seed=3, ridge=4.0,
    )  # fmt: skip
    held = HeldOut(0.25, 3, len(y)).flags(0)
    assert held.sum() == 150
    assert descent.held_out_loss is not None
    assert descent.mini_batch is not None
    for at, theta in enumerate(descent.path):
        slopes = theta[1:] if intercept else theta
        fitted = x @ slopes + (theta[0] if intercept else 0.0)
        squares = (y - fitted) ** 2
        penalty = 4.0 / 450 * slopes @ slopes
        # the losses come from the moments, not from the rows
        assert math.isclose(descent.loss[at], squares[~held].mean() + penalty, rel_tol=1e-9)
        assert math.isclose(descent.held_out_loss[at], squares[held].mean(), rel_tol=1e-9)
    if not standardize:
        design = np.column_stack([np.ones(len(y)), x]) if intercept else x
        theta = descent.path[2]
        gradient = 2.0 / 450 * design[~held].T @ (design[~held] @ theta - y[~held])
        gradient[-3:] += 2.0 * 4.0 / 450 * theta[-3:]
        assert math.isclose(
            descent.mini_batch.gradient_norm[2], float(np.linalg.norm(gradient)), rel_tol=1e-9
        )


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "inverse-time"},
        {"averaging": True},
        {"optimizer": "adam", "schedule": "cosine"},
        {"optimizer": "rmsprop", "schedule": "cosine"},
        {"optimizer": "adagrad", "averaging": True},
        {"momentum": 0.9, "schedule": "cosine"},
        {"momentum": 0.9, "nesterov": True, "schedule": "cosine"},
    ],
)
def test_columns_far_from_zero_converge_when_standardised(options: dict[str, Any]) -> None:
    """scikit-learn's SGDRegressor ends at R² = -1e31 on such columns."""
    x, y = rows(4000, mean=5000.0, sd=1000.0, noise=500.0)
    descent = run_on(x, y, batch_size=32, epochs=30, standardize=True, **options)
    assert descent.outcome in (Outcome.CONVERGED, Outcome.UNFINISHED)
    assert descent.mini_batch is not None
    assert descent.mini_batch.distance < 2.0  # standard errors: near what the data can tell
    assert descent.digits[1:].min() > 2.0


def test_columns_far_from_zero_are_explained_when_they_are_not_standardised() -> None:
    x, y = rows(1000, 1, mean=5000.0, sd=1000.0)
    with pytest.raises(InputError, match=r"0\.01 is above .*'x1' \(mean 50.*standardize=True"):
        run_on(x, y, batch_size=1, epochs=5, learning_rate=0.01)
    run = {"batch_size": 1, "epochs": 5, "learning_rate": 0.01, "beyond_limit": "run"}
    descent = run_on(x, y, **run)
    assert descent.outcome is Outcome.DIVERGED
    assert descent.mini_batch is not None
    assert descent.mini_batch.steps < 10  # at once, not after the epoch
    assert "what sets the limit is 'x1'" in descent.reason
    assert np.isfinite(descent.path).all()
    assert np.isfinite(descent.loss).all()
    assert [f.code for f in descent.findings] == ["descent-diverged", "rate-beyond-limit"]


def test_noise_of_small_batches_is_named_as_the_cause() -> None:
    x, y = rows(2000, 5)
    descent = run_on(x, y, batch_size=1, epochs=5, learning_rate=0.9)
    assert descent.outcome is Outcome.DIVERGED
    assert "batches of 1 are so noisy" in descent.reason
    assert np.isfinite(descent.coefficients).all()


def test_one_wild_row_does_not_stop_a_descent_that_is_well() -> None:
    x, y = rows(2000, 2)
    y = y.copy()
    y[1234] = 1e5  # its batch is 10^8 times as bad as others
    descent = run_on(x, y, batch_size=8, epochs=3, learning_rate=0.001)
    assert descent.outcome is not Outcome.DIVERGED
    assert descent.epochs == 3


def test_a_batch_of_all_rows_is_gradient_descent() -> None:
    x, y = np.arange(1.0, 6.0)[:, None], 2.0 * np.arange(1.0, 6.0)
    descent = run_on(x, y, batch_size=5, epochs=1000, learning_rate=0.01)
    b, w = descent.coefficients
    assert round(w, 5) == 1.99518  # the textbook's case
    assert round(b, 5) == 0.01740


def test_equal_seeds_give_equal_bits_and_other_seeds_other_paths() -> None:
    x, y = rows()
    options = {"batch_size": 16, "epochs": 3}
    assert same(run_on(x, y, **options, seed=5), run_on(x, y, **options, seed=5))
    assert not same(run_on(x, y, **options, seed=5), run_on(x, y, **options, seed=6))


def test_numpy_steps_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = rows()
    options = {"batch_size": 16, "epochs": 2, "optimizer": "adam"}
    compiled = run_on(x, y, **options)
    monkeypatch.setattr(stochastic, "chosen", lambda: stochastic_numpy())
    assert same(compiled, run_on(x, y, **options))


def stochastic_numpy() -> Any:
    from gausswork.leastsquares.stochastic.steps import advance

    return advance


def test_any_reader_of_the_same_rows_gives_the_same_bits(tmp_path: Path) -> None:
    x, y = rows(300)
    names = [f"x{j + 1}" for j in range(3)]
    table = {name: x[:, j] for j, name in enumerate(names)} | {"y": y}
    path = tmp_path / "rows.csv"
    lines = [",".join(table)] + [
        ",".join(map(repr, map(float, values))) for values in zip(*table.values(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    options = {"batch_size": 16, "epochs": 2, "early_stopping": True}
    arrays = run_on(x, y, **options)
    for other in (
        run_on(np.asfortranarray(x), y, **options),
        run_on(table, "y", **options),
        run_on(str(path), "y", **options),
    ):
        assert same(arrays, other)


def test_averaging_is_the_mean_of_the_iterates() -> None:
    x, y = rows(40)
    options = {"batch_size": 10, "learning_rate": 0.05, "shuffle": False}
    averaged = run_on(x, y, epochs=2, averaging=1, **options)
    design, theta, seen = np.column_stack([np.ones(40), x]), np.zeros(4), []
    for k in (0, 10, 20, 30) * 2:
        part = slice(k, k + 10)
        theta = theta - 0.05 * 0.2 * design[part].T @ (design[part] @ theta - y[part])
        seen.append(theta)
    np.testing.assert_allclose(averaged.coefficients, np.mean(seen[4:], axis=0), rtol=1e-12)


def test_early_stopping_returns_the_best_epoch() -> None:
    x, y = rows(400, 3)
    descent = run_on(x, y, batch_size=4, epochs=200, early_stopping=0.2, patience=3)
    assert descent.held_out_loss is not None
    assert descent.mini_batch is not None
    best = descent.mini_batch.best_epoch
    assert best == int(np.argmin(descent.held_out_loss))
    assert np.array_equal(descent.coefficients, descent.path[best])
    assert descent.epochs < 200
    assert descent.mini_batch.held_out_rows == 80


def test_the_tolerance_stops() -> None:
    x, y = rows(400, 3)
    descent = run_on(
        x, y, batch_size=100, epochs=10_000, schedule="inverse-time", tolerance=1e-3
    )  # fmt: skip
    assert descent.epochs < 10_000
    assert np.abs(descent.path[-1] - descent.path[-2]).max() < 1e-3
    assert np.abs(descent.path[-2] - descent.path[-3]).max() >= 1e-3


def test_a_constant_column_moves_nothing_else() -> None:
    x, y = rows(300)
    x = np.column_stack([x, np.full(300, 7.0)])
    descent = run_on(x, y, batch_size=30, epochs=20, standardize=True, schedule="inverse-time")
    assert np.isfinite(descent.path).all()
    assert descent.coefficients[4] == 0.0


def test_schedules_are_their_formulas() -> None:
    time = 3 + np.arange(5) / 5
    np.testing.assert_allclose(
        Schedule("inverse-time", decay=2.0).rates(0.1, 3, 5, 10), 0.1 / (1 + 2 * time)
    )
    np.testing.assert_allclose(
        Schedule("cosine", floor=0.1).rates(0.1, 3, 5, 10),
        0.1 * (0.1 + 0.9 * (1 + np.cos(np.pi * time / 10)) / 2),
    )
    assert Schedule("step", every=3, factor=0.5).rates(0.1, 6, 2, 10).tolist() == [0.025, 0.025]
    assert Schedule().rates(0.1, 6, 2, 10).tolist() == [0.1, 0.1]


# ------------------------------------------------------------------ the fit

_OPTIONS: list[dict[str, Any]] = [
    {"standardize": True, "averaging": True, "schedule": "cosine"},
    {"early_stopping": 0.2, "optimizer": "adam:beta1=0.8"},
    {"learning_rate": 5.0, "beyond_limit": "run"},
    {"ridge": 5.0},
]


@pytest.mark.parametrize("options", _OPTIONS)
def test_a_fit_by_batches_is_a_fit_marked_with_its_method(
    options: dict[str, Any], tmp_path: Path
) -> None:
    x, y = rows(2000)
    method = GradientDescent(batch_size=50, epochs=30, **options)
    fit = gausswork.fit(x, y, method=method)
    assert fit.descent is not None
    assert fit.descent.mini_batch is not None
    assert fit.method == method
    assert np.array_equal(fit.coefficients, fit.descent.coefficients)
    arrived = fit.descent.outcome is Outcome.CONVERGED
    assert np.isfinite(fit.standard_errors).all() == (arrived and not method.ridge)
    # what the fit says of its residuals is true of the rows that it was fitted to
    held = np.zeros(2000, dtype=bool)
    if method.early_stopping:
        held = HeldOut(0.2, 0, 2000).flags(0)
    fitted = fit.predict()
    assert isinstance(fitted, np.ndarray)
    assert len(fitted) == fit.rows == 2000 - held.sum()
    square = float(((y[~held] - fitted) ** 2).sum())
    assert math.isclose(fit.solution.residual_sum_of_squares, square, rel_tol=1e-9)
    if arrived and not method.ridge:
        fit.check()  # which looks whether the rows are still those of the fit
    path = tmp_path / "model.json"
    fit.save(path)
    loaded = gausswork.load(path)
    assert loaded.descent is not None
    assert same(fit.descent, loaded.descent)
    assert str(loaded) == str(fit)
    assert loaded.method == fit.method
    assert loaded.descent.mini_batch is not None
    assert loaded.descent.mini_batch.distance == fit.descent.mini_batch.distance


@pytest.mark.parametrize(
    "damage",
    [
        lambda descent: descent.pop("arrays"),
        lambda descent: descent["arrays"].pop("path"),
        lambda descent: descent["arrays"].update(loss="AAAA"),
        lambda descent: descent["arrays"].update(digits="AAAAAAAA8H8="),
        lambda descent: descent.update(epochs=3),
        lambda descent: descent.update(outcome="lost"),
        lambda descent: descent["mini_batch"].update(best_epoch=99),
        lambda descent: descent["mini_batch"].update(steps="many"),
        lambda descent: descent["mini_batch"].update(more=1),
        lambda descent: descent.update(findings=[{}]),
    ],
)
def test_a_damaged_model_is_refused(damage: Any, tmp_path: Path) -> None:
    x, y = rows(200)
    path = tmp_path / "model.json"
    gausswork.fit(x, y, method=GradientDescent(batch_size=50, epochs=2)).save(path)
    document = json.loads(path.read_text("utf-8"))
    damage(document["descent"])
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ModelFileError, match="descent"):
        gausswork.load(path)


def test_epochs_are_reported_with_their_loss() -> None:
    x, y = rows(200)
    seen: list[tuple[float, int, float]] = []
    fit = gausswork.fit(
        x, y, method=GradientDescent(batch_size=50, epochs=3),
        on_epoch=lambda *said: seen.append(said),
    )  # fmt: skip
    assert fit.descent is not None
    whole = {int(done): loss for done, _, loss in seen if done == int(done)}
    assert list(whole) == [0, 1, 2, 3]
    assert whole[3] == fit.descent.loss[3]


# ------------------------------------------------------------------ interruption and resuming


class Interrupted(BaseException):
    """Stands for a keyboard interrupt, so that a failing test does not stop the others."""


def interrupt_after(calls: int) -> Any:
    left = [calls]

    def progress(done: float, epochs: int, loss: float) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted

    return progress


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.9, "nesterov": True, "schedule": "inverse-time"},
        {"optimizer": "adam", "averaging": 1.5, "early_stopping": 0.2},
        {"optimizer": "adagrad", "shuffle": "disk", "memory": 2048},
        {"optimizer": "rmsprop", "shuffle": "buffer", "memory": 2048},
        {"schedule": "cosine", "shuffle": False},
    ],
)
def test_an_interrupted_descent_goes_on_to_the_same_bits(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # small calls, so that interruptions also fall within epochs
    monkeypatch.setattr(stochastic, "_VALUES_A_CALL", 200)
    x, y = rows(200)
    options = {"batch_size": 9, "epochs": 4, **options}
    whole = run_on(x, y, **options)
    within = 0
    for calls in range(1, 40, 3):
        state = tmp_path / f"{calls}.json"
        with contextlib.suppress(Interrupted):
            run_on(x, y, **options, state=state, progress=interrupt_after(calls))
        resumed = run_on(x, y, **options, state=state, resume=True)
        assert same(whole, resumed)
        assert resumed.mini_batch is not None
        within += bool((resumed.mini_batch.resumed_at or 0) % 23)
        # resuming what is done changes nothing
        assert same(whole, run_on(x, y, **options, state=state, resume=True))
    assert within


def test_more_epochs_go_on_where_fewer_ended(tmp_path: Path) -> None:
    x, y = rows(200)
    state = tmp_path / "state.json"
    options = {"batch_size": 16, "optimizer": "adam", "learning_rate": 0.05}
    run_on(x, y, **options, epochs=2, state=state)
    assert same(
        run_on(x, y, **options, epochs=5),
        run_on(x, y, **options, epochs=5, state=state, resume=True),
    )
    with pytest.raises(InputError, match="5 epochs on, and epochs is 3"):
        run_on(x, y, **options, epochs=3, state=state, resume=True)


def test_states_of_another_descent_are_refused(tmp_path: Path) -> None:
    x, y = rows(200)
    state = tmp_path / "state.json"
    options = {"batch_size": 16, "epochs": 2, "learning_rate": 0.01, "state": state}
    run_on(x, y, **options)
    with pytest.raises(InputError, match=r"exists already\. Go on from it with resume=True"):
        run_on(x, y, **options)
    for change, said in (
        ({"learning_rate": 0.02}, "learning_rate = 0.01, and now it is 0.02"),
        ({"seed": 1}, "seed = 0, and now it is 1"),
        ({"optimizer": "adam"}, "optimizer = 'sgd', and now it is 'adam'"),
        ({"batch_size": 8}, "batch_size = 16"),
    ):
        with pytest.raises(InputError, match=said):
            run_on(x, y, **{**options, **change, "resume": True})
    y = y.copy()
    y[5] += 1e-9
    with pytest.raises(InputError, match="other data"):
        run_on(x, y, **options, resume=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"seed": 0', '"seed": 3'),
        lambda text: json.dumps({**json.loads(text), "values": "AAAA"}),
        lambda text: json.dumps({**json.loads(text), "history": 3}),
        lambda text: json.dumps({"format": "gausswork model"}),
        lambda text: "[" * 100_000,
    ],
)
def test_damaged_states_are_refused(damage: Any, tmp_path: Path) -> None:
    x, y = rows(100)
    state = tmp_path / "state.json"
    options = {"batch_size": 16, "epochs": 2, "state": state}
    run_on(x, y, **options)
    state.write_text(damage(state.read_text("utf-8")), "utf-8")
    with pytest.raises(ModelFileError, match="state"):
        run_on(x, y, **options, resume=True)


# ------------------------------------------------------------------ bad input


class OneShot:
    """A source that passes by once."""

    replayable = False

    def __init__(self, source: Any) -> None:
        self._source = source
        self.names, self.target = source.names, source.target
        self.tally = source.tally

    def batches(self, rows: int) -> Any:
        yield from self._source.batches(rows)


def test_a_source_that_cannot_be_read_again_is_refused() -> None:
    x, y = rows(100)
    source = OneShot(open_data(x, y).source)
    with pytest.raises(InputError, match="a stream that passes by once"):
        descend(source, least_squares(source), GradientDescent(batch_size=10))  # type: ignore[arg-type]


def test_a_batch_larger_than_the_data_is_refused() -> None:
    x, y = rows(100)
    with pytest.raises(InputError, match="batch_size=101 is larger than the data, which has 100"):
        run_on(x, y, batch_size=101)
    with pytest.raises(InputError, match="80 rows to train on"):
        run_on(x, y, batch_size=90, early_stopping=0.2)


def test_a_share_that_holds_out_no_row_is_refused() -> None:
    x, y = rows(10)
    with pytest.raises(InputError, match="holds out 0"):
        run_on(x, y, batch_size=2, early_stopping=0.01)


def test_a_start_of_another_length_is_refused() -> None:
    x, y = rows(100)
    with pytest.raises(InputError, match="start must have 4 numbers"):
        run_on(x, y, batch_size=10, start=[1.0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "at least 1; got 0"),
        ({"batch_size": -3}, "at least 1; got -3"),
        ({"batch_size": 32.0}, "Did you mean 32"),
        ({"batch_size": True}, "got True"),
        ({"batch_size": "32"}, "got '32'"),
        ({"optimizer": "adm"}, "Did you mean 'adam'"),
        ({"optimizer": "momentum"}, "momentum=0.9"),
        ({"optimizer": "nesterov"}, "nesterov=True"),
        ({"optimizer": "adam:beta1=2"}, r"beta1 must lie in \[0, 1\)"),
        ({"optimizer": "adam:beta3=0.2"}, "the options are beta1, beta2"),
        ({"optimizer": "adam:beta1=x"}, "beta1 must be a number; got 'x'"),
        ({"optimizer": 3}, "optimizer must be a name"),
        ({"optimizer": "adam", "momentum": 0.9}, "belong to the optimizer 'sgd'"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"schedule": "step:factor=2"}, r"factor of a schedule must lie in \(0, 1\]"),
        ({"schedule": "step:every=0"}, "every of a schedule must be a positive number"),
        ({"shuffle": "dsk"}, "Did you mean 'disk'"),
        ({"memory": 3}, "memory must be a whole number of bytes"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"averaging": 1000}, "averaging must be True"),
        ({"early_stopping": 1.5}, r"in \(0, 1\).*got 1.5. Did you mean 0.015"),
        ({"early_stopping": 0.0}, r"in \(0, 1\)"),
        ({"early_stopping": float("nan")}, r"in \(0, 1\)"),
        ({"patience": 0}, "patience must be a whole number"),
        ({"state": 3}, "state must be the name of a file"),
        ({"resume": True}, "resume=True needs the file"),
        ({"epochs": 10**9}, "full batch needs one pass"),
        ({"batch_size": None, "optimizer": "adam"}, "is an option of mini-batches"),
        ({"batch_size": None, "early_stopping": True}, "is an option of mini-batches"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        GradientDescent(**{"batch_size": 10, **options})
