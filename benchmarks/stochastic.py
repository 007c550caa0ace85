"""How long an epoch of mini-batch descent takes, beside the peers, and to which loss.

    python -m benchmarks.stochastic [--quick]

One epoch, batches of 256, one thread, interleaved rounds. scikit-learn knows batches of one row
only: it takes as many steps as there are rows. Then one column around 5000 ± 1000, which everybody
is given as it is.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gausswork as gw
from benchmarks.common import compiled, kernels, limited, say, timings, write
from benchmarks.peers import Array

BATCH = 256
RATE = 0.01
RATE_OF_ONE = 1e-4  # a row at a time: as far from the least loss by noise as the batches


def ours(x: Array, y: Array, **options: Any) -> gw.Fit:
    """Fit by one epoch: the sums, the exact answer and the epoch."""
    method = gw.GradientDescent(batch_size=BATCH, epochs=1, learning_rate=RATE, **options)
    return gw.fit(x, y, method=method, threads=1)


def epoch_alone(x: Array, y: Array) -> Callable[[], Array]:
    """Return a call of nothing but the epoch: order of the rows, steps, loss."""
    from gausswork.data import open_data
    from gausswork.leastsquares.solve import least_squares
    from gausswork.leastsquares.stochastic.run import run

    source = open_data(x, y).source
    exact = least_squares(source, threads=1)
    method = gw.GradientDescent(batch_size=BATCH, epochs=1, learning_rate=RATE)
    return lambda: run(source, exact, method).coefficients


def scikit_learn(x: Array, y: Array) -> Array:
    """Fit SGDRegressor by one epoch."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(
        learning_rate="constant", eta0=RATE_OF_ONE, penalty=None, max_iter=1, tol=None,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what was asked for
        model.fit(x, y)
    return np.append(model.intercept_, model.coef_)


def torch_loop(x: Array, y: Array, *, loader: bool) -> Array:
    """Train a linear layer by one epoch, through a DataLoader or by indexing the tensors."""
    import torch

    torch.manual_seed(0)
    rows, target = torch.from_numpy(x), torch.from_numpy(y)
    layer = torch.nn.Linear(x.shape[1], 1, dtype=torch.float64)
    optimizer = torch.optim.SGD(layer.parameters(), lr=RATE)
    if loader:
        data = torch.utils.data.TensorDataset(rows, target)
        batches: Any = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    else:
        parts = torch.randperm(len(y)).split(BATCH)
        batches = ((rows[part], target[part]) for part in parts)
    for batch, wanted in batches:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(layer(batch)[:, 0], wanted).backward()
        optimizer.step()
    bias, weight = layer.bias.detach().numpy(), layer.weight.detach().numpy()
    return np.append(bias, weight[0])


def race(rows: int, columns: int, rounds: int) -> dict[str, Any]:
    """Time everybody on the same rows; say how far above the least each loss is."""
    import torch

    rng = np.random.default_rng(4)
    x = rng.normal(size=(rows, columns))
    y = x @ rng.normal(size=columns) + 1.0 + rng.normal(size=rows)
    exact = gw.fit(x, y)
    least = exact.solution.residual_sum_of_squares / rows
    calls: dict[str, Callable[[], Array]] = {
        "gausswork, the epoch": epoch_alone(x, y),
        "gausswork, the fit": lambda: ours(x, y).coefficients,
        "scikit-learn": lambda: scikit_learn(x, y),
        "PyTorch, indexing": lambda: torch_loop(x, y, loader=False),
        "PyTorch, DataLoader": lambda: torch_loop(x, y, loader=True),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    out: dict[str, Any] = {}
    try:
        with limited(1):
            for name, call in calls.items():
                theta = call()
                loss = float(np.mean((y - theta[0] - x @ theta[1:]) ** 2))
                out[name] = {"excess": loss / least - 1.0}
            if compiled():
                with kernels("numpy"):
                    out["gausswork without compiler, the epoch"] = {
                        "excess": out["gausswork, the epoch"]["excess"]
                    }
            timed = dict(calls)
            timed["gausswork without compiler, the epoch"] = _without_compiler(x, y)
            for name, timing in timings(timed, rounds=rounds, warm_up=False).items():
                out.setdefault(name, {})["time"] = timing
                say(
                    f"    {name:40s} {timing.cpu * 1e3:9.1f} ms CPU, {timing.wall * 1e3:9.1f} "
                    f"wall, loss {out[name]['excess']:.2e} above the least"
                )
    finally:
        torch.set_num_threads(threads)
    return out


def _without_compiler(x: Array, y: Array) -> Callable[[], Any]:
    call = epoch_alone(x, y)

    def slower() -> Any:
        with kernels("numpy"):
            return call()

    return slower


def far_from_zero(rows: int) -> dict[str, Any]:
    """Give everybody one column around 5000 ± 1000; return R² and what was said."""
    rng = np.random.default_rng(0)
    x = rng.normal(5000.0, 1000.0, size=(rows, 1))
    y = 3.0 * x[:, 0] + 7.0 + rng.normal(0.0, 500.0, size=rows)

    def r_squared(theta: Array) -> float:
        with np.errstate(over="ignore"):
            left = y - theta[0] - x @ theta[1:]
            return float(1.0 - left @ left / ((y - y.mean()) @ (y - y.mean())))

    out: dict[str, Any] = {"least squares": {"r_squared": gw.fit(x, y).r_squared}}
    from sklearn.linear_model import SGDRegressor

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = SGDRegressor(random_state=0).fit(x, y)
    theta = np.append(model.intercept_, model.coef_)
    out["scikit-learn, as it is"] = {
        "r_squared": r_squared(theta),
        "said": [str(warning.message) for warning in said],
    }
    for name, options in (
        ("gausswork, as it is", {}),
        ("gausswork, standardised", {"standardize": True, "averaging": True}),
    ):
        fit = gw.fit(x, y, method=gw.GradientDescent(batch_size=BATCH, epochs=20, **options))
        out[name] = {"r_squared": fit.r_squared, "said": [str(f) for f in fit.findings]}
    try:
        gw.fit(x, y, method=gw.GradientDescent(batch_size=1, epochs=20, learning_rate=RATE))
    except gw.errors.InputError as error:
        out["gausswork, at scikit-learn's rate"] = {"r_squared": None, "said": [str(error)]}
    for name, found in out.items():
        say(f"    {name:40s} R² {found['r_squared']} {' '.join(found.get('said', ()))}")
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/stochastic.json."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, no table")
    quick = parser.parse_args(arguments).quick
    rows = 50_000 if quick else 1_000_000
    with kernels(""):
        say("one epoch of mini-batch descent")
        results = {
            "torch": torch.__version__,
            "epochs": {f"{rows}x20": race(rows, 20, 3 if quick else 7)},
            "far": far_from_zero(rows // 10),
        }
    write("stochastic", results, quick=quick)


if __name__ == "__main__":
    main()
