"""Promise: eigenvalues and eigenvectors to double-double, small ones as well as large ones."""

from __future__ import annotations

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from gausswork.leastsquares.descent.eigen import eigen, product

Array = npt.NDArray[np.float64]
RNG = np.random.default_rng(20)


def gram(x: Array) -> Array:
    return np.asarray(x.T @ x)


MATRICES = {
    "one": np.array([[3.0]]),
    "gauss": gram(RNG.normal(size=(20, 6))),
    "graded": gram(RNG.normal(size=(20, 6)) * 10.0 ** np.arange(-7, 9, 3)),
    "graded more": gram(RNG.normal(size=(20, 5)) * 10.0 ** np.linspace(-12, 12, 5)),
    "identity": np.eye(4),
    "close pairs": gram(
        np.hstack([RNG.normal(size=(20, 3))] * 2) + 1e-9 * RNG.normal(size=(20, 6))
    ),
    "hilbert": np.array([[1.0 / (i + j + 1) for i in range(7)] for j in range(7)]),
    "dependent": gram(
        np.round(8 * RNG.normal(size=(20, 3))) @ np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]])
    ),
    "zeros": np.zeros((3, 3)),
}


def exact(a: tuple[Array, Array]) -> mpmath.matrix:
    return mpmath.matrix(a[0].tolist()) + mpmath.matrix(a[1].tolist())


@pytest.mark.parametrize("name", MATRICES)
def test_eigenvalues_and_vectors(name: str) -> None:
    matrix = MATRICES[name]
    n = len(matrix)
    with mpmath.workdps(70):
        values, vectors, resolution = eigen((matrix, np.zeros((n, n))))
        truth = sorted(mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True))
        found = exact((values[0][:, None], values[1][:, None]))
        for i in range(n):
            # the bound that the function gives; for graded matrices it is relative to each
            assert abs(found[i] - truth[i]) <= resolution[i]
        x = exact(vectors)
        off = x.T * x - mpmath.eye(n)
        assert max(abs(v) for v in off) < mpmath.mpf(2) ** -95


def test_small_eigenvalues_of_graded_matrices_are_relatively_accurate() -> None:
    matrix = MATRICES["graded more"]
    with mpmath.workdps(90):
        values, _, _ = eigen((matrix, np.zeros_like(matrix)))
        truth = sorted(mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True))
        assert values[0][0] < 1e-40 * values[0][-1]  # LAPACK's would be noise
        found = mpmath.mpf(values[0][0]) + mpmath.mpf(values[1][0])
        assert abs(found / truth[0] - 1) < 1e-28


def test_product_keeps_a_hundred_bits() -> None:
    a = RNG.normal(size=(5, 40)) * 10.0 ** RNG.integers(-8, 8, size=(5, 1))
    b = RNG.normal(size=(40, 3))
    low = 1e-17 * RNG.normal(size=(5, 40)) * np.abs(a)
    with mpmath.workdps(60):
        got = exact(product((a, low), (b, np.zeros_like(b))))
        want = exact((a, low)) * mpmath.matrix(b.tolist())
        scale = np.abs(a).max(axis=1)
        for i in range(5):
            for j in range(3):
                assert abs(got[i, j] - want[i, j]) < scale[i] * mpmath.mpf(2) ** -98
