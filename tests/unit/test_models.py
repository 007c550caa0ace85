"""Promise: a saved fit comes back bit by bit; a damaged or hostile file gets a clear error and
nothing in it is run; what was on the disk before survives a failed save."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares import documents, models


@pytest.fixture(scope="module")
def fit() -> gw.Fit:
    """Numbers, a category, missing values, an aliased column, findings with evidence."""
    rng = np.random.default_rng(1)
    a = rng.normal(size=80) * 1e-9 + 1e6
    group = np.array(["x", "y", "z"])[rng.integers(0, 3, size=80)]
    y = 1e9 * (a - 1e6) + (group == "y") + rng.normal(size=80)
    y[5] = np.nan
    return gw.fit({"a": a, "b": 3 * a, "group": group, "y": y}, "y")


@pytest.fixture
def path(fit, tmp_path) -> Path:
    fit.save(tmp_path / "model.json")
    return tmp_path / "model.json"


NEW = {"a": [1e6, 1e6 + 1e-9, np.nan], "b": [3e6, 3e6 + 3e-9, 1.0], "group": ["x", "z", "y"]}
FITS = {
    "plain": lambda: gw.fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 2.5]),
    "no freedom": lambda: gw.fit([[1.0], [2.0]], [1.0, 2.0]),
    "perfect": lambda: gw.fit([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0]),
    "origin": lambda: gw.fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 2.5], intercept=False),
    "mean alone": lambda: gw.fit({"y": [1.0, 2.0, 4.0]}, "y", features=[]),
    "asked": lambda: gw.fit([[1.0], [2.0], [4.0]], [1, 2, 2], method=gw.NormalEquation(digits=12)),
}


def same(a: gw.Fit, b: gw.Fit) -> None:
    for name in (*models._VECTORS, *models._PREDICTOR_VECTORS, "inverse_root"):
        x, y = getattr(a.solution, name), getattr(b.solution, name)
        assert x.dtype == y.dtype == np.float64
        np.testing.assert_array_equal(x, y, err_msg=name)
    assert a.to_dict() == b.to_dict()
    assert str(a) == str(b)
    assert a._repr_html_() == b._repr_html_()
    assert a.design == b.design
    assert a.method == b.method
    assert a.moments.to_dict() == b.moments.to_dict()


def test_a_loaded_fit_is_the_same_bit_by_bit(fit, path) -> None:
    again = gw.load(path)
    same(fit, again)
    for kind in (None, "confidence", "prediction"):
        for x, y in zip(
            np.atleast_2d(fit.predict(NEW, interval=kind)),
            np.atleast_2d(again.predict(NEW, interval=kind)),
            strict=True,
        ):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("case", FITS)
def test_unusual_fits_come_back_too(case, tmp_path) -> None:
    fit = FITS[case]()
    fit.save(tmp_path / "m.json")
    same(fit, gw.load(tmp_path / "m.json"))


def test_the_file_is_plain_json_that_names_its_format(path) -> None:
    text = path.read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda token: pytest.fail(token))
    assert document["format"] == "gausswork-model"
    assert document["version"] == 1
    assert document["solution"]["coefficients"][2] is None  # b is aliased


def test_a_model_is_replaced_and_nothing_else_is(fit, path, tmp_path) -> None:
    fit.save(path)
    gw.load(path)
    other = tmp_path / "thesis.json"
    other.write_text('{"chapter": 1}')
    with pytest.raises(InputError, match="is not a gausswork model, so it was not replaced"):
        fit.save(other)
    assert other.read_text() == '{"chapter": 1}'
    (tmp_path / "empty.json").touch()
    fit.save(tmp_path / "empty.json")  # as mktemp leaves it
    gw.load(tmp_path / "empty.json")


def test_an_interrupted_save_leaves_the_old_model(fit, path, monkeypatch) -> None:
    before = path.read_bytes()

    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["model.json"]


def test_a_place_that_cannot_be_written_is_named(fit, tmp_path) -> None:
    with pytest.raises(InputError, match=r"the directory of .* does not exist"):
        fit.save(tmp_path / "no" / "model.json")
    with pytest.raises(InputError, match="is a directory"):
        fit.save(tmp_path)


@pytest.mark.parametrize("place", [None, 3, "", b"model.json"[:0]])
def test_what_is_no_name_of_a_file_is_refused(fit, place) -> None:
    for use in (fit.save, gw.load):
        with pytest.raises(InputError, match=r"path must be the name of a file; got .*such as"):
            use(place)


def test_a_model_that_could_not_be_read_again_is_not_written(fit, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_FILE", 1000)
    with pytest.raises(InputError, match="larger than 1000 bytes"):
        fit.save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


# --- files that are not models -------------------------------------------------------------


def refused(path: Path, text: str | bytes, said: str) -> None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ModelFileError) as caught:
        gw.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON at line 1"),
        ("a,b\n1,2\n", "not valid JSON at line 1, column 1"),
        (b"\x80\x04\x95", "byte 0 is not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
        ("[" * 20 + "]" * 20, "nested too deeply"),
        ("NaN", "NaN is not a number that JSON knows"),
        ('{"format": Infinity}', "Infinity is not a number"),
        ('{"a": 1, "a": 2}', "the same key twice"),
        ("9" * 5000, "a number has 5000 digits"),
        ("null", "the model must be an object; got NoneType"),
        ("[]", "the model must be an object; got list"),
        ("{}", "its format is not 'gausswork-model'"),
        ('{"format": "gausswork-model"}', "the model has no 'version'"),
        ('{"format": "gausswork-model", "version": 2}', "Upgrade gausswork"),
        ('{"format": "gausswork-model", "version": true}', "must be an integer"),
        ('{"format": "gausswork-model", "version": 1}', "has no 'moments'"),
    ],
)
def test_files_that_are_no_models(tmp_path, text, said) -> None:
    refused(tmp_path / "m.json", text, said)


def test_a_newer_format_is_not_called_damaged(tmp_path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{"format": "gausswork-model", "version": 7}')
    with pytest.raises(ModelFileError) as caught:
        gw.load(path)
    assert "damaged" not in str(caught.value)


def test_paths_that_are_no_files(tmp_path) -> None:
    for path, said in (
        (tmp_path / "none.json", "there is no file"),
        (tmp_path, "is a directory"),
        (Path(os.devnull), "is not a regular file"),
    ):
        with pytest.raises(ModelFileError, match=said):
            gw.load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="is not a regular file"):
        gw.load(tmp_path / "pipe")


def test_a_file_too_large_is_refused_unread(path, monkeypatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_FILE", 1000)
    with pytest.raises(ModelFileError, match=r"more than the 1000 .* Is it the data file\?"):
        gw.load(path)


def test_a_file_that_ends_early_is_refused_wherever_it_ends(path) -> None:
    whole = path.read_bytes()
    for end in (*range(0, len(whole) - 2, 97), len(whole) - 2):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelFileError):
            gw.load(path)


def parts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every part of a document; of long lists the first and last."""
    if place:
        yield place
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = sorted({0: value[0], len(value) - 1: value[-1]}.items()) if value else []
    for key, item in items:
        yield from parts(item, (*place, key))


def changed(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    document = copy.deepcopy(document)
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    if value is DELETED:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return document


DELETED = object()
# Parts that only describe: other values of their own type are as good.
FREE_TEXT = {"sentence", "remedy", "description"}
WRONG: list[Any] = [
    DELETED,
    None,
    True,
    -1,
    10**400,
    1e300,
    "x",
    "",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
]


def test_a_document_wrong_in_any_single_part_is_refused_or_harmless(fit) -> None:
    """Every part, replaced by every kind of wrong value: either a ModelFileError, or a fit that
    can still be shown and used without any other exception."""
    document = models.encode(fit)
    refusals = 0
    for place in parts(document):
        if place[0] == "findings" and "evidence" in place:
            continue  # evidence is free
        for value in WRONG:
            wrong = changed(document, place, value)
            try:
                loaded = models.decode(wrong)
            except ModelFileError:
                refusals += 1
                continue
            assert len(loaded.coefficients) == len(loaded.names)
            assert np.isfinite(loaded.solution.inverse_root).all()
    assert refusals > 1000


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("solution", "coefficients", 0), None, "'coefficients' and the list of aliased columns"),
        (("solution", "coefficients", 0), "inf", "'coefficients' and the list of aliased columns"),
        (("solution", "coefficients"), [1.0], "'coefficients' has 1 numbers where 5 belong"),
        (("solution", "coefficients", 0), "__import__('os')", "not a finite number"),
        (("solution", "coefficients", 0), 10**400, "not a finite number"),
        (("solution", "inverse_root", 0), -1.0, "'inverse_root' is not positive"),
        (("solution", "scales", 0), 3.0, "not powers of two"),
        (("solution", "scales", 0), 0.0, "not powers of two"),
        (("solution", "standard_errors", 0), -1.0, "a standard error is negative"),
        (("solution", "residual_sum_of_squares"), -1.0, "a sum of squares is negative"),
        (("solution", "standard_error_digits", 0), None, "no 'standard_error_digits'"),
        (("solution", "trusted_digits", 0), 1e308, "'trusted_digits' lie outside 0 and 15.95"),
        (("solution", "standard_error_digits", 0), -1, "'standard_error_digits' lie outside"),
        (("solution", "rank"), 2, "its rank, rows and coefficients do not go together"),
        (("solution", "dependencies", 0, "column"), "q", "a column that the model does not have"),
        (("solution", "dependencies"), [], "the list of aliased columns disagree"),
        (("moments", "rows"), 0, "do not go together"),
        (("moments", "names", 0), "other", "name different predictors"),
        (("moments", "second"), [], "moments"),
        (("target",), "other", "name different targets"),
        (("design", "columns", 2, "levels"), ["x", "y", "y"], "lists a level twice"),
        (("method", "name"), "magic", "its method 'magic' is unknown"),
        (("method", "digits"), 99, "digits must lie in (0, 15]"),
        (("findings", 0, "severity"), "panic", "a finding cannot be read"),
        (("tally", "missing", "y"), 1.5, "'y' in 'missing' must be an integer"),
    ],
)
def test_what_is_wrong_is_said(fit, place, value, said) -> None:
    document = changed(json.loads(json.dumps(models.encode(fit))), place, value)
    with pytest.raises(ModelFileError) as caught:
        models.decode(document)
    assert said in str(caught.value)


def test_infinite_standard_errors_survive(fit, tmp_path) -> None:
    document = changed(models.encode(fit), ("solution", "standard_errors", 1), "inf")
    assert models.decode(document).standard_errors[1] == math.inf


def test_a_number_of_many_digits_is_refused_wherever_it_stands(fit, tmp_path) -> None:
    path = tmp_path / "model.json"
    text = json.dumps(models.encode(fit))
    path.write_text(text.replace('"rows": ', '"rows": ' + "9" * 5000, 1))
    with pytest.raises(ModelFileError, match=r"a number has 500[0-9] digits"):
        models.load(path)
