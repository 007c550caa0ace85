"""Many regressions of the same rows: by group, of several targets, on subsets of the columns.

    python -m benchmarks.groups [--quick]

Everything lies in memory as a data frame, and all contestants may use all cores. A fit by group
gives coefficients, standard errors and trusted digits; of the others statsmodels alone has errors.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.common import say, timings, write

PREDICTORS, TARGETS = 5, 10
OURS = "gausswork"
Calls = dict[str, Callable[[], Any]]


def frame_of(rows: int, groups: int) -> Any:
    """Return a pandas frame whose groups have offsets, scales and slopes of their own."""
    import pandas as pd

    rng = np.random.default_rng(rows)
    of = rng.integers(groups, size=rows)
    x = rng.normal(size=(rows, PREDICTORS)) * rng.uniform(0.1, 10, groups)[of, None]
    x += 100 * rng.normal(size=groups)[of, None]
    frame = pd.DataFrame({f"x{j}": x[:, j] for j in range(PREDICTORS)})
    frame["y"] = (x * rng.normal(size=(groups, PREDICTORS))[of]).sum(axis=1) + rng.normal(size=rows)
    for k in range(TARGETS):
        frame[f"y{k}"] = x @ rng.normal(size=PREDICTORS) + rng.normal(size=rows)
    frame["group"] = of
    return frame


def names_of(count: int = PREDICTORS) -> list[str]:
    """Names of the predictors."""
    return [f"x{j}" for j in range(count)]


def by_group(frame: Any) -> Calls:
    """Return what fits one regression a group; each gives (groups, 1 + p) coefficients."""
    import gausswork as gw

    names = names_of()
    calls: Calls = {
        OURS: lambda: gw.fit_groups(frame, "y", features=names, by="group").coefficients,
        "pandas groupby + statsmodels": lambda: _statsmodels_groups(frame, names),
        "pandas groupby + scikit-learn": lambda: _sklearn_groups(frame, names),
        "pandas groupby + NumPy lstsq": lambda: _lstsq_groups(frame, names),
    }
    try:
        import polars as pl
        import polars_ds as pds
    except ImportError:
        say("  polars_ds is not installed: left out")
        return calls
    lazy = pl.from_pandas(frame)

    def polars() -> Any:
        fitted = pds.lin_reg(*names, target="y", add_bias=True).alias("b")
        found = lazy.group_by("group").agg(fitted).sort("group")["b"].to_list()
        none = [np.nan] * (1 + len(names))  # where it takes the columns for dependent
        complete = [b if b is not None and len(b) == len(none) else none for b in found]
        return np.roll(np.array(complete, dtype=np.float64), 1, axis=1)  # it has the intercept last

    return calls | {"polars group_by + polars_ds": polars}


def _statsmodels_groups(frame: Any, names: list[str]) -> Any:
    import statsmodels.api as sm

    found = []
    for _, part in frame.groupby("group", sort=True):
        fit = sm.OLS(part["y"], sm.add_constant(part[names], has_constant="add")).fit()
        found.append([*fit.params, *fit.bse][: 1 + len(names)])
    return np.array(found)


def _sklearn_groups(frame: Any, names: list[str]) -> Any:
    from sklearn.linear_model import LinearRegression

    found = []
    for _, part in frame.groupby("group", sort=True):
        fit = LinearRegression().fit(part[names], part["y"])
        found.append([fit.intercept_, *fit.coef_])
    return np.array(found)


def _lstsq_groups(frame: Any, names: list[str]) -> Any:
    found = []
    for _, part in frame.groupby("group", sort=True):
        x = np.column_stack([np.ones(len(part)), part[names].to_numpy()])
        found.append(np.linalg.lstsq(x, part["y"].to_numpy(), rcond=None)[0])
    return np.array(found)


def of_targets(frame: Any) -> Calls:
    """Return what fits several targets; each gives (targets, 1 + p) coefficients."""
    import statsmodels.api as sm
    from sklearn.linear_model import LinearRegression

    import gausswork as gw

    names, targets = names_of(), [f"y{k}" for k in range(TARGETS)]

    def ours() -> Any:
        fits = gw.fit_many(frame, targets, features=names)
        return np.array([fits[name].coefficients for name in targets])

    def sklearn() -> Any:
        fit = LinearRegression().fit(frame[names], frame[targets])
        return np.column_stack([fit.intercept_, fit.coef_])

    def statsmodels() -> Any:
        x = sm.add_constant(frame[names])
        return np.array([sm.OLS(frame[name], x).fit().params for name in targets])

    def one_by_one() -> Any:
        return np.array([gw.fit(frame, name, features=names).coefficients for name in targets])

    return {
        OURS: ours,
        "gausswork, a fit for each": one_by_one,
        "scikit-learn, all at once": sklearn,
        "statsmodels, a fit for each": statsmodels,
    }


def of_subsets(frame: Any) -> Calls:
    """Return what fits every subset of the columns; each gives the residual sds."""
    import statsmodels.api as sm

    import gausswork as gw

    names = names_of()
    subsets = [
        list(chosen)
        for k in range(1, 1 + PREDICTORS)
        for chosen in itertools.combinations(names, k)
    ]

    def ours() -> Any:
        fit = gw.fit(frame, "y0", features=names)
        return np.array([fit.using(chosen).residual_sd for chosen in subsets])

    def again() -> Any:
        fits = (gw.fit(frame, "y0", features=chosen) for chosen in subsets)
        return np.array([fit.residual_sd for fit in fits])

    def statsmodels() -> Any:
        x = sm.add_constant(frame[names])
        fits = (sm.OLS(frame["y0"], x[["const", *chosen]]).fit() for chosen in subsets)
        return np.array([np.sqrt(fit.mse_resid) for fit in fits])

    return {
        OURS: ours,
        "gausswork, a fit for each": again,
        "statsmodels, a fit for each": statsmodels,
    }


def measured(calls: Calls, rounds: int) -> dict[str, Any]:
    """Return times, digits in which all numbers agree with ours, and how often there are none."""
    found = {name: np.asarray(call(), dtype=np.float64) for name, call in calls.items()}
    digits, silent = {}, {}
    for name, values in found.items():
        off = np.nanmax(np.abs(values / found[OURS] - 1))
        silent[name] = int(np.isnan(values).reshape(len(values), -1).any(axis=1).sum())
        digits[name] = float(min(16.0, -np.log10(max(off, 1e-16))))
    times = timings(calls, rounds=rounds, patience=40.0, warm_up=False)
    for name, time in times.items():
        said = f"agrees to {digits[name]:.1f} digits, silent {silent[name]} times"
        say(f"  {name}: {time.wall:.3f} s (best {time.best_wall:.3f}), {said}")
    return {"times": times, "digits": digits, "silent": silent}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/groups.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    quick = parser.parse_args(arguments).quick
    rows, groups = (100_000, 100) if quick else (1_000_000, 1000)
    rounds = 3 if quick else 5
    say("groups")
    frame = frame_of(rows, groups)
    results = {
        "groups": measured(by_group(frame), rounds),
        "targets": measured(of_targets(frame), rounds),
        "subsets": measured(of_subsets(frame), rounds),
    }
    about = {"rows": rows, "groups": groups, "predictors": PREDICTORS, "targets": TARGETS}
    write("groups", {**results, "about": about}, quick=quick)


if __name__ == "__main__":
    main()
