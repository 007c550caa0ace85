"""Promise: no digit is shown that is not trusted, no p-value is shown as zero, and a name from the
data cannot command a terminal."""

from __future__ import annotations

import math

import pytest

from gausswork import formatting as fmt

FULL = 15.95


@pytest.mark.parametrize(
    ("value", "error", "trusted", "shown"),
    [
        # to the decimals of a standard error of four digits
        (16.514102197, 2.7339175, FULL, "16.514"),
        (0.687015, 0.0394435, FULL, "0.68702"),
        (100000000.12345, 0.00123456, FULL, "100000000.123450"),
        (5.2, 0.09996, FULL, "5.20000"),
        (5.2, 0.099999, FULL, "5.2000"),
        # never beyond the trusted digits
        (16.514102197, 2.7339175e-6, 4.9, "16.51"),
        (16.514102197, 2.7339175e-6, 1.2, "2e+01"),
        (-0.0123456789, 1e-9, 3.0, "-0.0123"),
        (123456.0, 1e-3, 2.0, "1.2e+05"),
        # only the order of magnitude is known
        (3.21e-17, 0.0, 0.4, "~3e-17"),
        (3.21e-17, math.nan, 0.0, "~3e-17"),
        # no standard error tells how many digits matter
        (2.0, 0.0, FULL, "2"),
        (0.1, math.nan, FULL, "0.1"),
        (1 / 3, 0.0, FULL, "0.3333333333"),
        (1 / 3, 0.0, 3.2, "0.333"),
        (2.0, 1e-17, FULL, "2"),
        # small and large numbers, and what is small beside its error
        (1.98582389e-06, 8.4027e-08, FULL, "1.98582e-06"),
        (8.5443336e7, 8.1103e7, FULL, "8.544e+07"),
        (1.2345e-9, 0.0012, FULL, "1.2e-09"),
        (12.3, 45678.0, FULL, "12"),
        (123456.789, 45678.0, FULL, "123457"),
        (1234567.8, 45678.0, 5.0, "1.2346e+06"),
        (0.0, 0.5, FULL, "0"),
        (-0.0, 0.0, FULL, "0"),
        (math.nan, math.nan, math.nan, "—"),
    ],
)
def test_estimates(value, error, trusted, shown) -> None:
    assert fmt.estimate(value, error, trusted) == shown


@pytest.mark.parametrize("trusted", [0.0, 0.9, 1.0, 2.5, 7.3, 12.0, FULL])
@pytest.mark.parametrize("value", [1.2345678901234567, -9.876543210987654e-7, 4.4444444444444e11])
@pytest.mark.parametrize("relative", [0.0, 1e-14, 1e-9, 1e-3, 10.0])
def test_an_estimate_never_shows_a_digit_that_is_not_trusted(value, trusted, relative) -> None:
    """Whatever is printed, moving the value within its error bound stays within half a unit of
    the last digit shown, or the digits are marked."""
    text = fmt.estimate(value, relative * abs(value), trusted)
    if text.startswith("~"):
        assert trusted < 1.0
        return
    mantissa = text.lstrip("-").partition("e")[0].replace(".", "").lstrip("0")
    leading = math.floor(math.log10(abs(value))) - math.floor(math.log10(abs(float(text)) or 1.0))
    assert len(mantissa) - abs(leading) <= max(int(trusted), 1)


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (0.0, "< 1e-16"),
        (5e-324, "< 1e-16"),
        (9.9e-17, "< 1e-16"),
        (1.1e-16, "1.1e-16"),
        (0.00049, "4.9e-04"),
        (0.0499999, "0.0500"),
        (0.04994, "0.0499"),
        (0.6354, "0.635"),
        (1.0, "1.00"),
        (math.nan, "—"),
    ],
)
def test_p_values_are_never_zero(p, shown) -> None:
    assert fmt.p_value(p) == shown


@pytest.mark.parametrize(
    ("t", "shown"),
    [(1.7, "1.70"), (-36.688, "-36.69"), (2.5e9, "2.50e+09"), (math.inf, "∞"), (-math.inf, "−∞"),
     (math.nan, "—"), (0.0, "0.00")],
)  # fmt: skip
def test_t_values(t, shown) -> None:
    assert fmt.t_value(t) == shown


@pytest.mark.parametrize(
    ("error", "trusted", "shown"),
    [
        (2.7339175, 14.0, "2.734"),
        (2.7339175, 2.3, "2.7"),
        (2.7339175, 0.3, "~3"),
        (0.0, FULL, "0"),
        (math.nan, math.nan, "—"),
        (8.4e-8, FULL, "8.400e-08"),
        (45678.9, FULL, "45679"),
        (45678.9, 3.0, "4.57e+04"),
    ],
)
def test_standard_errors(error, trusted, shown) -> None:
    assert fmt.standard_error(error, trusted) == shown


def test_names_from_the_data_cannot_command_a_terminal() -> None:
    hostile = "\x1b[31mred\x1b[0m\r\nline\x00\u202egnp\u200b\ud800"
    shown = fmt.visible(hostile)
    assert shown.isprintable()
    assert "\\x1b[31mred" in shown
    assert "\\u202e" in shown
    assert fmt.visible("Größe (cm) 身長") == "Größe (cm) 身長"


@pytest.mark.parametrize("limit", [8, 9, 20])
@pytest.mark.parametrize("name", ["x" * 50, "身長" * 20, "a身" * 30, "short"])
def test_long_names_keep_both_ends_within_the_limit(name, limit) -> None:
    shown = fmt.visible(name, limit=limit)
    assert fmt.cell_width(shown) <= limit
    if len(name) > limit:
        head, tail = shown.split("…")
        assert name.startswith(head)
        assert name.endswith(tail)
        assert fmt.cell_width(shown) >= limit - 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "no-such-encoding"])
def test_any_encoding_can_write_the_table(encoding) -> None:
    text = "R² − ∞ ─ … θ 身長 β"
    written = fmt.for_encoding(text, encoding)
    written.encode(encoding if encoding != "no-such-encoding" else "ascii")
    assert "\\u8eab" in written
    assert fmt.for_encoding(text, "utf-8") == text
    assert fmt.for_encoding(text, None) == text


def test_names_cut_to_a_width_stay_different() -> None:
    """A table of sixty columns is of no use when all of them read "sensor_…_value"."""
    names = [f"sensor_reading_channel_{i:02d}_temperature_average_value" for i in range(60)]
    shown = fmt.distinct(["machine id", *names], 24)
    assert shown[0] == "machine id"
    assert len(set(shown)) == 61
    assert max(map(fmt.cell_width, shown)) <= 24
    assert "07" in shown[8]
    # they differ in their last part only, which the ordinary cut shows
    assert fmt.distinct(["a" * 40 + "x", "a" * 40 + "y"], 10) == ["aaaaa…aaax", "aaaaa…aaay"]
    # nothing short tells them apart: whole
    far = ["a" * 30 + end + "b" * 30 for end in ("1", "2" + "c" * 40 + "1", "2" + "c" * 40 + "2")]
    assert len(set(fmt.distinct(far, 12))) == 3
    assert fmt.distinct(["same" * 10, "same" * 10], 12) == ["samesa…esame"] * 2


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("average_temperature_value", ["average_temperature_", "value"]),
        ("averagetemperaturevaluex", ["averagetemperaturev", "aluex"]),
        ("a_bcdefghijklmnopqrstuv", ["a_bcdefghijklmnopqrs", "tuv"]),  # a cut at 2 helps nobody
    ],
)
def test_long_names_are_cut_between_words(name: str, parts: list[str]) -> None:
    width = 19 if name.startswith("averaget") else 20
    assert fmt.folded(name, width) == parts
    assert "".join(parts) == name


@pytest.mark.parametrize(
    "text",
    ["p < 1e-16", "p = 0.03", "1 − 2·10⁻⁹", "95 %", "× 2.20"],
)
def test_a_number_stays_with_its_sign(text: str) -> None:
    for lead in range(1, 30):
        lines = fmt.wrap("x" * lead + " " + text + " and so on it goes", 30)
        assert any(text in line for line in lines), lines


def test_one_is_not_many() -> None:
    assert fmt.share_has(1, 1) == "1 of 1 row has"
    assert fmt.share_has(1, 5) == "1 of 5 rows has"
    assert fmt.share_has(2_000, 5_000) == "2,000 of 5,000 rows have"
    assert fmt.counted(1, "value") == "1 value"
