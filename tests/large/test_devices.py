"""Promise: arrays of other libraries are fitted where they lie, and only their sums leave there."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
import torch

import gausswork as gw
from gausswork.data.devices import is_foreign
from gausswork.data.devices.library import library_of
from gausswork.data.devices.source import DeviceSource
from gausswork.errors import InputError
from gausswork.leastsquares.devices.engine import require_float64
from tests.large.arrays_elsewhere import (
    MAKERS,
    copies,
    of_cuda,
    of_jax,
    of_strict,
    of_torch,
    to_numpy,
)

ROWS = 3000


@pytest.fixture(autouse=True)
def _x64() -> Iterator[None]:
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", False)  # as it comes


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let arrays in the host's memory take the way of those on a device."""
    monkeypatch.setenv("GAUSSWORK_ARRAYS", "own")


@pytest.fixture(params=sorted(MAKERS))
def there(request: pytest.FixtureRequest, own: None) -> Any:
    """Make an array of each library."""
    return MAKERS[request.param]


def data(rows: int = ROWS, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return columns of different units, one with an offset, and a target."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3)) * [1.0, 1e6, 1e-8] + [0.0, 5.0, 1.0]
    return x, x @ [1.0, 2e-6, 3e8] + 1.0 + rng.standard_normal(rows)


def same(fit: gw.Fit, other: gw.Fit) -> None:
    """All coefficients agree to the last digit, standard errors to rounding."""
    assert fit.coefficients.tolist() == other.coefficients.tolist()
    np.testing.assert_allclose(fit.standard_errors, other.standard_errors, rtol=1e-14)


FULL = gw.NormalEquation(digits=15)


def test_a_fit_is_that_of_numpy(there: Any) -> None:
    x, y = data()
    fit, plain = gw.fit(there(x), there(y), method=FULL), gw.fit(x, y, method=FULL)
    same(fit, plain)
    assert fit.trusted_digits.min() > 15.9  # so agreement is no chance
    assert isinstance(fit.source, DeviceSource)
    assert fit.description.startswith("arrays 3000×3 (")


def test_hard_problems_climb_the_tiers_there(there: Any) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((500, 3))
    x[:, 2] = x[:, 0] + x[:, 1] + 1e-9 * rng.standard_normal(500)
    y = x @ [1.0, 2.0, 3.0] + 1e-3 * rng.standard_normal(500)
    fit, plain = gw.fit(there(x), there(y), method=FULL), gw.fit(x, y, method=FULL)
    same(fit, plain)
    assert fit.solution.tier > 0
    x[:, 2] = x[:, 0] + x[:, 1] + 1e-13 * rng.standard_normal(500)  # whitened by the rows
    fit, plain = gw.fit(there(x), there(y), method=FULL), gw.fit(x, y, method=FULL)
    assert fit.trusted_digits.min() > 8
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-8)


def test_float32_data_is_summed_in_float64(there: Any) -> None:
    x, y = data()
    x, y = (x[:, :2] * [1.0, 1e-6] + 1e3).astype(np.float32), y.astype(np.float32)
    same(gw.fit(there(x), there(y), method=FULL), gw.fit(x, y, method=FULL))


def test_integers_and_flags(there: Any) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(-100, 100, (400, 2)), rng.integers(0, 2, 400) > 0
    fit = gw.fit(there(x), there(y), method=FULL)
    same(fit, gw.fit(x, y, method=FULL))
    assert "binary-target" in {finding.code for finding in fit.findings}
    big = x * 2**50 + 1
    found = gw.fit(there(big), there(y)).findings
    assert [f.code for f in found].count("integers-rounded") == 2
    plain = [f for f in gw.fit(big, y).findings if f.code == "integers-rounded"]
    assert [f for f in found if f.code == "integers-rounded"] == plain


@pytest.mark.parametrize("kind", ["weights", "frequencies"])
def test_weights_lie_there_too(there: Any, kind: str) -> None:
    x, y = data()
    w = np.random.default_rng(4).poisson(2.0, ROWS).astype(float)
    fit = gw.fit(there(x), there(y), method=FULL, **{kind: there(w)})
    plain = gw.fit(x, y, method=FULL, **{kind: w})
    same(fit, plain)
    said = [f for f in plain.findings if f.code != "numpy-kernels"]  # which is of those alone
    assert (fit.rows, list(fit.findings)) == (plain.rows, said)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13)


def test_gaps_are_left_out_there_and_counted(there: Any) -> None:
    x, y = data()
    x[[5, 6, 2999], [0, 0, 2]], y[7] = np.nan, np.nan
    fit, plain = gw.fit(there(x), there(y), method=FULL), gw.fit(x, y, method=FULL)
    same(fit, plain)
    assert fit.tally == plain.tally
    assert fit.source is not None
    assert fit.source.dropped_rows.tolist() == [5, 6, 7, 2999]
    with pytest.raises(InputError, match=r"'x1' has no value at row 5"):
        gw.fit(there(x), there(y), missing="error")
    x[100, 1] = -np.inf
    with pytest.raises(InputError, match=r"'x2' is -inf at row 100"):
        gw.fit(there(x), there(y))
    with pytest.raises(InputError, match="none of the 3 rows"):
        gw.fit(there(np.full((3, 1), np.nan)), there(y[:3]))


def test_ranges_that_overflow_are_scaled_again(there: Any) -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.standard_normal(300) * 1e-300, rng.standard_normal(10) * 1e200])
    y = x * 2e-100 + 1.0
    fit, plain = gw.fit(there(x), there(y)), gw.fit(x, y)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-14)


def test_ridge_origin_and_repeated_columns(there: Any) -> None:
    x, y = data()
    ridge = gw.NormalEquation(ridge=2.0, digits=15)
    same(gw.fit(there(x), there(y), method=ridge), gw.fit(x, y, method=ridge))
    same(
        gw.fit(there(x), there(y), intercept=False, method=FULL),
        gw.fit(x, y, intercept=False, method=FULL),
    )
    x = np.column_stack([x, x[:, 0] + 1.0, np.ones(ROWS)])
    fit, plain = gw.fit(there(x), there(y)), gw.fit(x, y)
    assert fit.dropped == plain.dropped == ("x4", "x5")


def test_several_targets_at_once(there: Any) -> None:
    x, y = data()
    both = np.column_stack([y, x[:, 0] - y])
    fits = gw.fit_many(there(x), there(both), method=FULL)
    for name, plain in gw.fit_many(x, both, method=FULL).items():
        same(fits[name], plain)
    both[8, 1] = np.nan
    assert gw.fit_many(there(x), there(both))["y1"].rows == ROWS - 1


def test_descent_updates_and_moments(there: Any) -> None:
    x, y = data()
    x = x / np.abs(x).max(axis=0)
    steps = gw.GradientDescent(epochs=20)
    fit, plain = gw.fit(there(x), there(y), method=steps), gw.fit(x, y, method=steps)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-12)
    batches = gw.GradientDescent(epochs=2, batch_size=500, seed=1)
    fit, plain = gw.fit(there(x), there(y), method=batches), gw.fit(x, y, method=batches)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-12)
    half = ROWS // 2
    updated = gw.fit(x[:half], y[:half]).update(there(x[half:]), there(y[half:]))
    whole = gw.Moments.of(there(x), there(y))
    assert updated.rows == whole.rows == ROWS
    np.testing.assert_allclose(gw.fit(whole).coefficients, updated.coefficients, rtol=1e-13)


def test_second_passes_bring_blocks_of_rows_here(there: Any) -> None:
    x, y = data()
    fit, plain = gw.fit(there(x), there(y)), gw.fit(x, y)
    np.testing.assert_allclose(
        fit.robust("HC3").standard_errors, plain.robust("HC3").standard_errors, rtol=1e-12
    )
    assert [f.code for f in fit.check().findings] == [f.code for f in plain.check().findings]
    np.testing.assert_allclose(fit.influence().cooks_distance, plain.influence().cooks_distance)
    np.testing.assert_allclose(fit.predict(), plain.predict(), rtol=1e-12)
    fit.check((there(x), there(y)))


@pytest.mark.parametrize("interval", [None, "confidence", 0.9])
def test_predictions_stay_there(there: Any, interval: Any) -> None:
    x, y = data()
    new = x[:1500] * 3.0
    new[3, 1] = np.nan
    fit = gw.fit(x, y)
    found, plain = (
        fit.predict(there(new), interval=interval),
        fit.predict(new, interval=interval),
    )
    for mine, theirs in zip(
        [found] if interval is None else found, [plain] if interval is None else plain, strict=True
    ):
        assert type(mine) is type(there(new))
        assert library_of(mine).device == library_of(there(new)).device
        np.testing.assert_allclose(to_numpy(mine), theirs, rtol=1e-13)
    new[9, 2] = np.inf
    with pytest.raises(InputError, match=r"'x3' is inf at row 9"):
        fit.predict(there(new))
    with pytest.raises(InputError, match="new data has 2 columns; the fit uses 3"):
        fit.predict(there(new[:, :2]))
    assert to_numpy(fit.predict(there(new[:0]))).shape == (0,)


def test_predictions_that_are_not_determined(there: Any) -> None:
    x, y = data()
    x = np.column_stack([x, x[:, 0] + x[:, 1]])
    fit = gw.fit(x, y)
    new = x[:10].copy()
    new[4, 3] += 1e7
    with pytest.warns(UserWarning, match="1 row cannot be predicted"):
        found = to_numpy(fit.predict(there(new)))
    assert np.flatnonzero(np.isnan(found)).tolist() == [4]


def test_predictions_keep_digits_that_offsets_cost(there: Any) -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal((50, 1)) + 1e9
    fit = gw.fit(x, 1.0 + 2.0 * (x[:, 0] - 1e9), method=FULL)
    np.testing.assert_allclose(
        to_numpy(fit.predict(there(x))), 1.0 + 2.0 * (x[:, 0] - 1e9), rtol=1e-14
    )


@pytest.mark.parametrize("make", [of_torch, of_strict], ids=["torch", "strict"])
def test_nothing_is_copied_but_the_moments(
    make: Any, own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for rows in (4_000, 300_000):
        x, y = data(rows)
        gaps = x.copy()
        gaps[::7, 1] = np.nan
        x, y, gaps, w = make(x), make(y), make(gaps), make(np.arange(float(rows)) + 1.0)
        with copies(monkeypatch) as sizes:
            fit = gw.fit(x, y, method=FULL)
            assert gw.fit(gaps, y, weights=w).tally.dropped == -(-rows // 7)
            fit.predict(x, interval=0.95)
        assert fit.solution.passes > 0  # the refinement, too
        seen[rows] = sizes
    # at most a few words of the 4×4 products at a time, however many rows
    assert 0 < max(seen[4_000]) == max(seen[300_000]) <= 16 * 4 * 4
    assert sum(seen[300_000]) < 10_000  # of 1,200,000 numbers


def test_the_counter_of_copies_sees_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with copies(monkeypatch) as sizes:
        of_torch(np.zeros((30, 3))).numpy()
        np.from_dlpack(of_strict(np.zeros((20, 3))))
    assert 90 in sizes
    assert 60 in sizes


def test_tensors_in_the_memory_of_the_host_are_views(monkeypatch: pytest.MonkeyPatch) -> None:
    for dtype in (np.float64, np.float32):
        x, y = (torch.tensor(values.astype(dtype)) for values in data())
        x.requires_grad_(True)
        y.requires_grad_(True)
        fit = gw.fit(x, y)
        source: Any = fit.source
        assert np.shares_memory(source.x, x.detach().numpy())
        assert np.shares_memory(source.y, y.detach().numpy())
    x, y = (strict.asarray(values) for values in data())
    source = gw.fit(x, y).source
    assert np.shares_memory(source.x, np.asarray(x))
    assert type(fit.predict(x)) is type(x)


def test_jax_arrays_in_the_memory_of_the_host_are_views() -> None:
    x, y = (of_jax(values.astype(np.float32)) for values in data())
    assert not sys.modules["jax"].config.jax_enable_x64
    fit = gw.fit(x, y, method=FULL)  # computed in float64 although JAX is set to 32 bits
    same(fit, gw.fit(np.asarray(x), np.asarray(y), method=FULL))
    source: Any = fit.source
    assert np.shares_memory(source.x, np.asarray(x))


def test_jax_arrays_on_a_device(own: None) -> None:
    # one test for all: JAX compiles each operation when it first comes by
    x, y = data(1500)
    x, y = x[:, :2].copy(), y.copy()
    x[5, 0] = y[1030] = np.nan
    pytest.importorskip("jax", reason="JAX is not installed").config.update("jax_enable_x64", True)
    fit, plain = gw.fit(of_jax(x), of_jax(y), method=FULL), gw.fit(x, y, method=FULL)
    same(fit, plain)
    assert fit.tally == plain.tally
    found: Any = fit.predict(of_jax(x))
    assert type(found) is type(of_jax(x))
    assert str(found.dtype) == "float64"
    np.testing.assert_allclose(np.asarray(found), plain.predict(x), rtol=1e-13)


def test_jax_set_to_32_bits_never_computes_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (of_jax(values.astype(np.float32)) for values in data())
    with pytest.raises(InputError, match="jax_enable_x64"):
        gw.fit(x, y).predict(x)
    monkeypatch.setenv("GAUSSWORK_ARRAYS", "own")
    with pytest.raises(InputError, match="jax_enable_x64"):
        gw.fit(x, y)


def test_a_fit_is_no_part_of_a_jax_program() -> None:
    x, y = (of_jax(values) for values in data())
    jax = sys.modules["jax"]
    with pytest.raises(InputError, match="being traced"):
        jax.jit(lambda x, y: gw.fit(x, y).coefficients)(x, y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e4m3fn", "uint16", "uint64"])
def test_types_that_numpy_lacks_or_torch_neglects(dtype: str) -> None:
    x, y = data()
    x = torch.tensor(np.abs(x[:, :2]) * [50.0, 5e-5]).to(getattr(torch, dtype))
    y = torch.tensor(y)
    y[7] = float("nan")
    plain = gw.fit(x.to(torch.float64).numpy(), y.numpy(), method=FULL)
    same(gw.fit(x, y, method=FULL), plain)


def test_a_target_of_few_bits() -> None:
    x, y = (torch.tensor(values) for values in data())
    y = y.to(torch.bfloat16)
    same(gw.fit(x, y), gw.fit(x.numpy(), y.float().numpy()))


def test_a_fit_is_no_part_of_a_torch_transformation() -> None:
    x = torch.ones(4, 9, 2, dtype=torch.float64)

    def slope(x: Any) -> Any:
        return torch.tensor(gw.fit(x, torch.arange(9.0)).coefficients)

    with pytest.raises(InputError, match=r"torch\.func"):
        torch.func.vmap(slope)(x)


def test_learning_is_not_disturbed() -> None:
    x, y = (torch.tensor(values) for values in data())
    slope = torch.ones(3, dtype=torch.float64, requires_grad=True)
    made = x * slope
    fit = gw.fit(made, y)
    predicted: Any = fit.predict(made)
    assert not predicted.requires_grad
    made.sum().backward()
    assert slope.grad is not None


BAD: dict[str, tuple[Any, Any, str]] = {
    "complex": (torch.zeros(9, 2, dtype=torch.complex64), torch.zeros(9), "complex numbers"),
    "sparse": (torch.eye(9).to_sparse(), torch.zeros(9), r"X\.to_dense\(\)"),
    "meta": (torch.empty(9, 2, device="meta"), torch.zeros(9), "meta device"),
    "meta target": (torch.eye(9), torch.empty(9, device="meta"), "y is a tensor on the meta"),
    "NumPy target": (torch.eye(9), np.zeros(9), r"torch\.as_tensor\(y, device=X\.device\)"),
    "list target": (torch.eye(9), [0.0] * 9, "y is a list"),
    "NumPy predictors": (np.eye(9), torch.zeros(9), r"torch\.as_tensor\(X, device=y\.device\)"),
    "other library": (of_strict(np.eye(9)), torch.zeros(9), "of one library"),
    "other device": (
        of_strict(np.eye(9)), strict.asarray(np.zeros(9)), "lies on .*device1.* and y on .*CPU"
    ),
    "three axes": (torch.zeros(9, 2, 2), torch.zeros(9), r"\(9, 2, 2\)"),
    "a number": (torch.zeros(()), torch.zeros(9), "a single number"),
    "no rows": (torch.zeros(0, 2), torch.zeros(0), "no rows"),
    "turned": (torch.zeros(2, 9), torch.zeros(9), "X has 2 rows and y has 9 values.*X.T"),
    "two targets": (torch.eye(9), torch.zeros(9, 2), r"pass y\[:, 0\]"),
    "no target": (torch.eye(9), None, "target is missing"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["", "own"])
@pytest.mark.parametrize("what", sorted(BAD))
def test_what_cannot_be_fitted_is_refused_in_words(
    what: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAUSSWORK_ARRAYS", way)
    x, y, words = BAD[what]
    with pytest.raises(InputError, match=words):
        gw.fit(x, y)


def test_a_quantized_tensor() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates them
        quantized = torch.quantize_per_tensor(torch.ones(9, 2), 0.1, 0, torch.quint8)
    with pytest.raises(InputError, match="dequantize"):
        gw.fit(quantized, torch.zeros(9))


@pytest.mark.parametrize(
    ("argument", "bad", "words"),
    [
        ("weights", -1.0, "holds -1 at row 4"),
        ("weights", float("nan"), "has no value at row 4"),
        ("weights", 1e200, "holds 1e\\+200 at row 4"),
        ("frequencies", 0.5, "must be whole"),
        ("frequencies", float("inf"), "must be finite"),
    ],
)
def test_weights_that_are_none(there: Any, argument: str, bad: float, words: str) -> None:
    x, y = data(100)
    w = np.ones(100)
    w[4] = bad
    with pytest.raises(InputError, match=words):
        gw.fit(there(x), there(y), **{argument: there(w)})
    with pytest.raises(InputError, match="has no column names"):
        gw.fit(there(x), there(y), **{argument: "w"})
    with pytest.raises(InputError, match="of one library"):
        gw.fit(there(x), there(y), **{argument: np.ones(100)})


def test_what_needs_numpy_says_so() -> None:
    x, y = (of_strict(values) for values in data())
    labels, plain = of_strict(np.arange(ROWS) % 7), data()
    for ask in (
        lambda: gw.fit({"x": np.ones(ROWS)}, y),
        lambda: gw.fit({"x": x[:, 0], "y": y}, "y"),
        lambda: gw.fit({"x": plain[0][:, 0], "y": plain[1]}, "y").predict({"x": x[:, 0]}),
        lambda: gw.fit_groups(x, y, by=np.zeros(ROWS)),
        lambda: gw.fit_groups(*plain, by=labels),
        lambda: gw.fit(*plain).robust("cluster", clusters=labels),
    ):
        with pytest.raises(InputError, match=r"array_api_strict on .*device1.*NumPy can read"):
            ask()
    for ask in (lambda: gw.normality(y), lambda: gw.Normal.from_samples(y)):
        with pytest.raises(InputError, match="cannot be read as"):
            ask()


def test_columns_of_tensors_are_columns() -> None:
    x, y = data()
    columns = {"a": torch.tensor(x[:, 0], requires_grad=True), "y": torch.tensor(y)}
    fit = gw.fit(columns, "y")
    same(fit, gw.fit({"a": x[:, 0], "y": y}, "y"))
    labels = torch.arange(ROWS) % 7
    assert fit.robust("cluster", clusters=labels).standard_errors.tolist() == (
        fit.robust("cluster", clusters=labels.numpy()).standard_errors.tolist()
    )
    grouped: Any = gw.fit_groups(torch.tensor(x), torch.tensor(y), by=labels)
    assert len(grouped) == 7


def test_a_device_without_ieee_arithmetic_is_refused() -> None:
    library = library_of(of_torch([1.0]))
    require_float64(library)

    def in_tf32(values: np.ndarray) -> Any:
        rounded = torch.tensor(values, dtype=torch.float64)
        return rounded.to(torch.float32).to(torch.float64) * (1.0 + 2.0**-40)

    with pytest.raises(InputError, match="as IEEE 754 asks"):
        require_float64(replace(library, send=in_tf32))

    def none(values: np.ndarray) -> Any:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    with pytest.raises(InputError, match=r"Cannot convert a MPS.*X\.cpu\(\)"):
        require_float64(replace(library, send=none))


def test_a_device_without_memory_says_so(own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from gausswork.leastsquares.devices import kernels

    def exhausted(*given: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(kernels, "gram", exhausted)
    x, y = data()
    with pytest.raises(InputError, match=r"torch on cpu has no memory left .* MB are needed"):
        gw.fit(of_torch(x), of_torch(y))


def test_a_device_that_is_full_from_the_start_is_not_taken_for_one_without_float64() -> None:
    def exhausted(values: np.ndarray) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB")

    library = replace(library_of(torch.ones(1)), send=exhausted)
    with pytest.raises(InputError, match=r"has no memory left .* Tried to allocate 2 MiB"):
        require_float64(library)


def test_tensors_that_are_differentiated_or_seen_negative(own: None) -> None:
    x, y = data()
    both = np.column_stack([y, y[::-1]])
    several = gw.fit_many(of_torch(x).requires_grad_(), of_torch(both).requires_grad_())
    for mine, theirs in zip(several.values(), gw.fit_many(x, both).values(), strict=True):
        same(mine, theirs)
    turned = torch.complex(of_torch(y), of_torch(y)).conj().imag  # torch notes the sign aside
    assert turned.is_neg()
    fit, one = gw.fit(of_torch(x), turned), gw.fit(x, -y)
    np.testing.assert_allclose(fit.robust().standard_errors, one.robust().standard_errors)


def test_settings_that_cost_float32_its_digits_do_not_matter(own: None) -> None:
    x, y = data()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        same(gw.fit(of_torch(x), of_torch(y), method=FULL), gw.fit(x, y, method=FULL))
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_switch_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAUSSWORK_ARRAYS", "gpu")
    with pytest.raises(InputError, match="GAUSSWORK_ARRAYS must be 'own'"):
        gw.fit(of_torch(np.eye(9)), of_torch(np.zeros(9)))


def test_what_is_an_array_of_another_library() -> None:
    import pandas as pd

    for value in (torch.ones(2), torch.nn.Parameter(torch.ones(2)), of_strict([1.0])):
        assert is_foreign(value)
    for value in (np.ones(2), np.float64(1.0), [1.0], "a", None, pd.Series([1.0]), {"a": 1}):
        assert not is_foreign(value)


def test_the_same_fit_twice_is_the_same_to_the_last_bit(there: Any) -> None:
    x, y = data(20_000)
    first, second = (gw.fit(there(x), there(y)) for _ in range(2))
    assert first.moments.to_dict() == second.moments.to_dict()


def test_progress_counts_rows(own: None) -> None:
    x, y = data(50_000)
    seen: list[int] = []
    gw.fit(of_torch(x), of_torch(y), progress=lambda rows, done, total: seen.append(rows))
    assert seen[-1] == 50_000


def test_on_cuda_nothing_is_copied_but_the_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (of_cuda(values) for values in data(300_000))
    sizes: list[int] = []
    inner = torch.Tensor.cpu

    def cpu(self: Any, *given: Any, **named: Any) -> Any:
        sizes.append(self.numel())
        return inner(self, *given, **named)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    fit = gw.fit(x, y, method=FULL)
    assert 0 < max(sizes) <= 16 * 4 * 4
    monkeypatch.undo()
    same(fit, gw.fit(x.cpu().numpy(), y.cpu().numpy(), method=FULL))


def test_cuda_and_cpu_do_not_mix() -> None:
    x, y = data()
    with pytest.raises(InputError, match="X lies on cuda:0 and y on cpu"):
        gw.fit(of_cuda(x), of_torch(y))
