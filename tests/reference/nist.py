"""Strict reader of the NIST StRD linear least-squares files: data, model, certified values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "nist"
NAMES = (
    "Norris",
    "Pontius",
    "NoInt1",
    "NoInt2",
    "Filip",
    "Longley",
    "Wampler1",
    "Wampler2",
    "Wampler3",
    "Wampler4",
    "Wampler5",
)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?"


class NistFormatError(ValueError):
    """A file does not have the shape that its own header declares."""


@dataclass(frozen=True, slots=True)
class Certified:
    """Certified decimals, as exact fractions, in the order of the model's parameters.

    Attributes
    ----------
    estimates, standard_errors : (k,) by parameter, the intercept first when there is one.
    f_statistic : None where the file says Infinity.
    """

    estimates: tuple[Fraction, ...]
    standard_errors: tuple[Fraction, ...]
    residual_sd: Fraction
    r_squared: Fraction
    residual_sum_of_squares: Fraction
    degrees_of_freedom: int
    f_statistic: Fraction | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One StRD problem.

    Attributes
    ----------
    predictors : columns of the file as exact decimals.
    target : the response as exact decimals.
    degree : of the polynomial in the single predictor; 1 for a model in the columns themselves.
    intercept : whether the model has B0.
    """

    name: str
    predictors: tuple[tuple[Fraction, ...], ...]
    target: tuple[Fraction, ...]
    degree: int
    intercept: bool
    certified: Certified

    def decimal_design(self) -> list[list[Fraction]]:
        """Return the p columns of the model, powers included, without any rounding."""
        if self.degree == 1:
            return [list(column) for column in self.predictors]
        (x,) = self.predictors
        return [[value**power for value in x] for power in range(1, self.degree + 1)]

    def binary_design(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return x (n, p) and y (n,) as a program gets them: each number rounded to binary64.

        A power is the correctly rounded power of the rounded x.
        """
        base = [[Fraction(float(value)) for value in column] for column in self.predictors]
        if self.degree > 1:
            base = [[value**power for value in base[0]] for power in range(1, self.degree + 1)]
        x = np.array([[float(value) for value in column] for column in base]).T
        return np.ascontiguousarray(x), np.array([float(value) for value in self.target])


def load(name: str) -> Dataset:
    """Read one of the eleven sets by its name, such as ``"Filip"``."""
    return parse((FOLDER / f"{name}.dat").read_text(encoding="ascii"))


def load_all() -> list[Dataset]:
    """Read the eleven sets, easiest first."""
    return [load(name) for name in NAMES]


def parse(text: str) -> Dataset:
    """Read the text of a file; NistFormatError where it contradicts its own header."""
    lines = text.splitlines()
    name = _one(r"Dataset Name:\s+(\w+)", text)
    certified_from, certified_to = _range(r"Certified Values\s+\(lines (\d+) to (\d+)\)", text)
    data_from, data_to = _range(r"Data\s+\(lines (\d+) to (\d+)\)", text)
    rows = int(_one(r"(\d+) Observations", text))
    columns = int(_one(r"(\d+) Predictor Variable", text))
    parameters = int(_one(r"(\d+) Parameters? \(B", text))
    table = [line.split() for line in lines[data_from - 1 : data_to]]
    if len(table) != rows or any(len(line) != columns + 1 for line in table):
        raise NistFormatError(f"{name}: expected {rows} rows of {columns + 1} numbers")
    if any(line.strip() for line in lines[data_to:]):
        raise NistFormatError(f"{name}: text after the last data line {data_to}")
    formula = _one(r"\n\s+(y = B[^\n]*)", text)
    intercept = "B0" in formula
    if "x1" in formula:
        degree = 1
    else:
        degree = max([int(power) for power in re.findall(r"x\*\*(\d+)", formula)], default=1)
    if parameters != intercept + (columns if degree == 1 else degree):
        raise NistFormatError(f"{name}: {parameters} parameters do not fit the model {formula!r}")
    return Dataset(
        name=name,
        predictors=tuple(tuple(Fraction(line[j]) for line in table) for j in range(1, columns + 1)),
        target=tuple(Fraction(line[0]) for line in table),
        degree=degree,
        intercept=intercept,
        certified=_certified(lines[certified_from - 1 : certified_to], parameters, intercept, name),
    )


def _certified(lines: Sequence[str], parameters: int, intercept: bool, name: str) -> Certified:
    block = "\n".join(lines)
    found = re.findall(rf"^\s*B(\d+)\s+({_NUMBER})\s+({_NUMBER})\s*$", block, re.MULTILINE)
    first = 0 if intercept else 1
    if [int(index) for index, _, _ in found] != list(range(first, first + parameters)):
        raise NistFormatError(f"{name}: expected {parameters} certified parameters from B{first}")
    residual = re.search(rf"^Residual\s+(\d+)\s+({_NUMBER})\s+({_NUMBER})\s*$", block, re.MULTILINE)
    regression = re.search(
        rf"^Regression\s+(\d+)\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER}|Infinity)\s*$",
        block,
        re.MULTILINE,
    )
    if residual is None or regression is None:
        raise NistFormatError(f"{name}: no analysis of variance in the certified lines")
    return Certified(
        estimates=tuple(Fraction(estimate) for _, estimate, _ in found),
        standard_errors=tuple(Fraction(error) for _, _, error in found),
        residual_sd=Fraction(_one(rf"Standard Deviation\s+({_NUMBER})\s*$", block)),
        r_squared=Fraction(_one(rf"R-Squared\s+({_NUMBER})", block)),
        residual_sum_of_squares=Fraction(residual[2]),
        degrees_of_freedom=int(residual[1]),
        f_statistic=None if regression[4] == "Infinity" else Fraction(regression[4]),
    )


def _one(pattern: str, text: str) -> str:
    found = re.findall(pattern, text, re.MULTILINE)
    if not found:
        raise NistFormatError(f"nothing matches {pattern!r}")
    return str(found[0])


def _range(pattern: str, text: str) -> tuple[int, int]:
    found = re.search(pattern, text)
    if found is None:
        raise NistFormatError(f"nothing matches {pattern!r}")
    return int(found[1]), int(found[2])
