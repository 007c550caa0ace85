"""Promise: many networks trained at once learn what each would have learned alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy, mse_loss  # noqa: E402

from gausswork import errors  # noqa: E402
from gausswork.initialization import compare, initialize, mlp, scheme  # noqa: E402


def blobs(rows: int = 240, features: int = 6, classes: int = 3, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    centres = rng.normal(0.0, 2.0, (classes, features))
    return centres[y] + rng.normal(0.0, 1.0, (rows, features)), y


def alone(model: Any, found: Any, data: Any, optimizer: Any, loss: Any) -> Any:
    """Train one network as anybody would; return its losses on the rows trained and held out."""
    x = torch.from_numpy(np.asarray(data[0])).float()
    y = torch.from_numpy(np.asarray(data[1]))
    y = y.float().reshape(len(y), -1) if y.is_floating_point() else y
    made = optimizer(model.parameters())
    curves: list[list[float]] = []

    def judge() -> None:
        model.eval()
        with torch.no_grad():
            parts = (found.train, found.held)
            curves.append([float(loss(model(x[part]), y[part])) for part in parts])
        model.train()

    judge()
    for epoch in range(found.epochs):
        for rows in found.batches(epoch):
            made.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            made.step()
        judge()
    return np.array(curves).T


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05),
}


@pytest.mark.parametrize(
    ("optimizer", "activation"),
    [
        ("sgd", "relu"), ("momentum", "tanh"), ("adam", "sigmoid"), ("adam", "gelu"),
        ("momentum", "linear"), ("sgd", "leaky_relu"),
    ],
)  # fmt: skip
def test_a_network_in_the_batch_learns_what_it_would_alone(optimizer: str, activation: str) -> None:
    data = blobs()
    asked = ["he", "xavier", "default", "randn"]
    found = compare(
        [12, 9], asked, data, seeds=[0, 3], activation=activation, epochs=3, batch_size=32,
        learning_rate=0.05, optimizer=optimizer,
    )  # fmt: skip
    assert found.way == "batched products"
    for name in asked[:3]:
        for k, seed in enumerate(found.seeds):
            model = mlp([12, 9], inputs=6, outputs=3, activation=activation)
            initialize(model, name, seed=seed)
            train, held = alone(model, found, data, OPTIMIZERS[optimizer], cross_entropy)
            # float32 over 17 steps; a wrong start or order differs in the first digit
            np.testing.assert_allclose(found[name].train_loss[k], train, rtol=2e-4, atol=1e-6)
            np.testing.assert_allclose(found[name].held_loss[k], held, rtol=2e-4, atol=1e-6)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        h = torch.relu(self.first(x))
        return self.last(h + torch.relu(self.second(h)))


class Branching(Residual):
    def forward(self, x: Any) -> Any:
        h = torch.relu(self.first(x))
        return self.last(h if float(h.detach().sum()) > 0.0 else -h)


def normed() -> Any:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize(
    ("build", "way"),
    [(Residual, "torch.func.vmap"), (Branching, "one by one"), (normed, "one by one")],
)
def test_other_modules_too(build: Any, way: str) -> None:
    data = blobs()
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = compare(model, ["he", "xavier"], data, seeds=3, epochs=2, batch_size=32,
                    learning_rate=0.05)  # fmt: skip
    assert found.way == way
    said = [f.code for f in found.findings]
    assert ("trained-one-by-one" in said) == (way == "one by one")
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
    for name in ("he", "xavier"):
        for k in range(3):
            own = build()
            initialize(own, name, seed=k)
            train, held = alone(own, found, data, OPTIMIZERS["sgd"], cross_entropy)
            np.testing.assert_allclose(found[name].train_loss[k], train, rtol=2e-4)
            np.testing.assert_allclose(found[name].held_loss[k], held, rtol=2e-4)


def test_amounts_are_learned_by_mean_squares() -> None:
    x, _ = blobs()
    y = np.tanh(x[:, 0]) + 0.5 * x[:, 1]
    found = compare([16], ["he", "zeros"], (x, y), seeds=2, epochs=4, batch_size=32,
                    learning_rate=0.02)  # fmt: skip
    assert found.kind == "regression"
    model = mlp([16], inputs=6, outputs=1)
    initialize(model, "he", seed=1)
    used = {"sgd": lambda p: torch.optim.SGD(p, lr=0.02)}
    train, held = alone(model, found, (x, y), used["sgd"], mse_loss)
    np.testing.assert_allclose(found["he"].train_loss[1], train, rtol=2e-4)
    rows = found.held
    r2 = 1.0 - held[-1] / y[rows].var()
    assert found["he"].final_accuracy[1] == pytest.approx(r2, abs=1e-3)
    assert found["he"].outcomes == ("learned", "learned")
    assert found["zeros"].verdict == "stays at chance"
    own = compare([16], ["he"], (x, y), seeds=2, epochs=4, batch_size=32, learning_rate=0.02,
                  loss=lambda out, y: mse_loss(out, y))  # fmt: skip
    assert own.way == "torch.func.vmap"
    np.testing.assert_allclose(own["he"].train_loss, found["he"].train_loss, rtol=1e-4)


def test_a_network_that_diverges_does_not_touch_the_others() -> None:
    data = blobs()
    wild = {"wild": scheme("normal", sd=1e25), "he": "he"}
    together = compare([12, 12], wild, data, seeds=3, epochs=2, batch_size=32)
    quiet = compare([12, 12], ["he"], data, seeds=3, epochs=2, batch_size=32)
    assert together["wild"].outcomes == ("not finite",) * 3
    assert all("not finite after no step at all" in r for r in together["wild"].reasons)
    np.testing.assert_allclose(together["he"].train_loss, quiet["he"].train_loss, rtol=1e-5)
    assert np.isfinite(together["he"].held_loss).all()


def test_an_interruption_returns_what_there_is() -> None:
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 5:
            raise KeyboardInterrupt

    found = compare([8], ["he", "xavier"], blobs(), seeds=4, epochs=3, batch_size=32, together=4,
                    progress=stop)  # fmt: skip
    assert seen == [(4, 24), (8, 24), (12, 24), (16, 24), (20, 24)]
    assert found.interrupted
    assert "training-interrupted" in [f.code for f in found.findings]
    for run in found.runs:
        assert run.epochs.tolist() == [3, 3, 2, 2]
        assert np.isfinite(run.train_loss[:2]).all()
        assert np.isnan(run.train_loss[2:, 3]).all()
        assert run.outcomes[2:] == ("unfinished", "unfinished")
        assert np.isfinite(run.final_accuracy).all()
    assert str(found).startswith("INTERRUPTED")
    assert found.to_dict()["interrupted"] is True


def test_the_curves_can_be_watched_while_they_grow() -> None:
    seen: list[Any] = []
    found = compare([8], ["he", "zeros"], blobs(), seeds=3, epochs=4, batch_size=32, together=6,
                    watch=seen.append)  # fmt: skip
    assert len(seen) == 5  # before training and after every epoch
    for epoch, runs in enumerate(seen):
        for run in runs:
            assert run.epochs.tolist() == [epoch] * 3
            assert run.outcomes == ("unfinished",) * 3
            for of in ("train_loss", "held_accuracy"):
                whole = found[run.name].band(of)
                for own, final in zip(run.band(of), whole, strict=True):
                    np.testing.assert_array_equal(own[: epoch + 1], final[: epoch + 1])
                    assert np.isnan(own[epoch + 1 :]).all()


def test_a_watcher_can_end_the_training() -> None:
    def stop(runs: Any) -> None:
        if int(runs[0].epochs.min()) == 2:
            raise KeyboardInterrupt

    found = compare([8], ["he"], blobs(), seeds=2, epochs=6, batch_size=32, watch=stop)
    assert found.interrupted
    assert found["he"].epochs.tolist() == [2, 2]


def test_the_global_generator_and_the_data_are_left_alone() -> None:
    x, y = blobs()
    kept = x.copy(), y.copy()
    state = torch.get_rng_state()
    first = compare([8], ["he"], (x, y), seeds=2, epochs=1, batch_size=32, standardize=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert (x == kept[0]).all()
    assert (y == kept[1]).all()
    again = compare([8], ["he"], (torch.from_numpy(x), torch.from_numpy(y)), seeds=2, epochs=1,
                    batch_size=32, standardize=True)  # fmt: skip
    np.testing.assert_array_equal(first["he"].train_loss, again["he"].train_loss)
    other = compare([8], ["he"], (x, y), seeds=2, epochs=1, batch_size=32, seed=1)
    assert set(other.train) != set(first.train)


def test_digits_reproduce_what_the_papers_say() -> None:
    pytest.importorskip("sklearn")
    fails = ["zeros", "constant", "rand", "randn"]
    learns = ["default", "glorot", "he", "orthogonal"]
    found = compare([64, 64, 64], fails + learns, "digits", seeds=2, epochs=8)
    for name in fails[:3]:
        assert found[name].final_accuracy.max() < 0.2, name
        assert found[name].learned == 0
    assert found["randn"].learned == 0
    assert found["randn"].final_accuracy.max() < 0.5
    for name in learns:
        assert found[name].learned == 2, name
        assert found[name].final_accuracy.min() > 0.85
    assert "twins" in found["zeros"].reasons[0]
    assert "grow" in found["randn"].reasons[0]
    times = found.time_to(1.0)
    assert np.isnan(times["zeros"]).all()
    assert times["he"].max() < times["default"].min()
    shown = str(found)
    assert "stays at chance" in shown
    assert "learns" in shown
    assert found.to_dict()["schemes"][5]["learned"] == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schemes": ["hee"]}, "Did you mean 'he'"),
        ({"schemes": []}, "at least one"),
        ({"schemes": ["he", "he"]}, "named twice"),
        ({"batch_size": 1_000}, "180 rows to train on"),
        ({"seeds": 0}, "at least 1"),
        ({"seeds": -3}, "at least 1"),
        ({"seeds": 2.5}, "at least 1"),
        ({"seeds": [1, 1]}, "different"),
        ({"epochs": 0}, "epochs must be"),
        ({"optimizer": "adma"}, "Did you mean 'adam'"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"loss": "mes"}, "Did you mean 'mse'"),
        ({"held_out": 25}, "held_out is a share"),
        ({"activation": "rleu"}, "Did you mean 'relu'"),
        ({"model_or_widths": [8, 0]}, "from 1 on"),
        ({"model_or_widths": []}, "at least one hidden layer"),
        ({"model_or_widths": 8}, "widths such as"),
        ({"model_or_widths": nn.Linear(7, 3)}, "X has 6 features"),
        ({"model_or_widths": nn.Linear(6, 2)}, "3 classes"),
        ({"model_or_widths": nn.Flatten()}, "no parameters"),
        ({"data": "digit"}, "Did you mean 'digits'"),
        ({"data": 3}, "a pair"),
        ({"data": (np.ones(4), np.ones(4))}, "axis of rows"),
        ({"data": (np.ones((4, 2)), np.ones(5))}, "as many"),
        ({"data": (np.ones((4, 2)), np.ones(4, int))}, "one class only"),
        ({"data": (np.ones((400, 2)), np.arange(400))}, "y.astype(float)"),
        ({"data": (np.full((4, 2), np.nan), np.ones(4))}, "8 NaN"),
        ({"data": (np.ones((4, 2)), np.array([1.0, 2.0, np.inf, 1.0]))}, "first in row 2"),
        ({"data": (np.array([["a", "b"]] * 4), np.ones(4))}, "must hold numbers"),
        ({"data": (np.ones((40, 2, 2)), np.arange(40) % 2), "batch_size": 8}, "reshape(len(X)"),
    ],
)
def test_refusals(changes: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {
        "model_or_widths": [8], "schemes": ["he"], "data": blobs(), "seeds": 2, "epochs": 1,
        "batch_size": 32,
    }  # fmt: skip
    with pytest.raises(errors.InputError) as raised:
        compare(**(asked | changes))
    assert said in str(raised.value)


class Raising(Residual):
    def forward(self, x: Any) -> Any:
        raise ValueError("not today")


def test_a_model_that_raises_is_shown() -> None:
    with pytest.raises(errors.InputError, match="not today") as raised:
        compare(Raising(), ["he"], blobs(), seeds=1, epochs=1, batch_size=32)
    assert isinstance(raised.value.__cause__, ValueError)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_networks_are_trained_there_and_learn_the_same() -> None:
    data = blobs()
    model = mlp([16, 16], inputs=6, outputs=3)
    settings: dict[str, Any] = {"seeds": 3, "epochs": 4}
    here = compare(model, ["he", "zeros"], data, **settings)
    there = compare(model.cuda(), ["he", "zeros"], data, **settings)
    assert next(model.parameters()).is_cuda
    # Initial weights are drawn on the device, by another generator: what is learned is alike.
    assert there["he"].learned == here["he"].learned == 3
    assert there["zeros"].learned == here["zeros"].learned == 0
