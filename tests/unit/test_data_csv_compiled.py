"""The compiled CSV parser: what it takes it reads as Arrow does, to the last bit."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gausswork.data import csv_compiled
from gausswork.data.csv_table import CsvTable, chunks
from gausswork.data.encode import codes_and_levels
from gausswork.data.files import file_table
from gausswork.data.kinds import Kind
from gausswork.data.tables import as_floats
from gausswork.errors import DataFileError, InputError

native = pytest.mark.skipif(csv_compiled.parser() is None, reason="the parser was not built")


def parsed_numbers(texts: list[str]) -> list[float | None]:
    """Parse one number a line; None for those left to exact arithmetic."""
    data = ("\n".join(texts) + "\n").encode()
    values = np.empty((1, len(texts)))
    hard = np.empty((len(texts), 3), dtype=np.int64)
    found = csv_compiled.parser().parse(
        data, b"n", b"NA", csv_compiled.powers_of_five(), values, np.empty(0, np.int32), hard,
        ord(","), ord("."), len(texts),
    )  # fmt: skip
    assert found is not None, texts[:3]
    rows, left, _ = found
    assert rows == len(texts)
    result: list[float | None] = values[0].tolist()
    for start, length, index in hard[:left].tolist():
        assert data[start : start + length].decode() == texts[index]
        result[index] = None
    return result


def number_texts(seed: int) -> list[str]:
    """Numbers as programs write them, and those that are hardest to round."""
    rng = random.Random(seed)
    bits = [rng.getrandbits(64) for _ in range(3000)]
    any_double = [struct.unpack("d", struct.pack("Q", b))[0] for b in bits]
    texts = [repr(v) for v in any_double if v - v == 0]
    texts += [
        f"{rng.getrandbits(rng.randint(1, 63))}e{rng.randint(-300, 280)}" for _ in range(3000)
    ]
    texts += [
        f"{rng.gauss(0, 10.0 ** rng.randint(-5, 9)):.{rng.randint(0, 17)}f}" for _ in range(3000)
    ]
    texts += [f"{rng.getrandbits(80)}.{rng.getrandbits(90)}" for _ in range(300)]
    for _ in range(3000):  # half way between two numbers, where rounding goes to the even one
        odd = 2 * (rng.getrandbits(53) | 1 << 52) + 1
        texts += [str(odd << rng.randint(0, 9)), f"{odd}e{rng.randint(-4, 5)}"]
    odd_ones = "0 -0 -0.0 0e5 5. .5 -.5e-3 1E+5 0.000123456789012345678"
    return [*texts, *odd_ones.split()]


@native
@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_rounded_correctly(seed: int) -> None:
    texts = number_texts(seed)
    found = parsed_numbers(texts)
    wrong = [
        (text, value)
        for text, value in zip(texts, found, strict=True)
        if value is not None and value.hex() != float(text).hex()
    ]
    assert wrong == []
    assert sum(value is None for value in found) < 0.1 * len(texts)  # few are left to Python


def test_powers_of_five_are_what_the_method_needs() -> None:
    table = csv_compiled.powers_of_five()
    assert table.shape == (651, 2)
    for power, (high, low) in zip(range(-342, 309), table.tolist(), strict=True):
        value = high << 64 | low
        assert 2**127 <= value < 2**128
        if 0 <= power <= 55:  # 5^55 is the last that 128 bits hold exactly
            assert value % 5**power == 0


def table_of(tmp_path, text: str | bytes, compiled: bool, monkeypatch) -> CsvTable:
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if not compiled:
        monkeypatch.setattr(csv_compiled, "parser", lambda: None)
    return file_table(path)


def everything(table: CsvTable, kinds: dict[str, Kind]) -> dict[str, list]:
    """Read a table whole; or, where it is refused, the words."""
    out: dict[str, list] = {name: [] for name in kinds}
    try:
        for portion in table.read(kinds):
            for (name, kind), column in zip(kinds.items(), portion.columns, strict=True):
                if kind in (Kind.TEXT, Kind.EMPTY):
                    codes, levels = codes_and_levels(column)
                    out[name] += [None if c < 0 else levels[c] for c in codes.tolist()]
                else:
                    out[name] += [float(v).hex() for v in as_floats(column)]
            out.setdefault("where", []).append(portion.where(portion.rows - 1))
            out.setdefault("beyond", []).append(dict(portion.beyond))
    except DataFileError as error:
        return {"error": [str(error)]}
    return out


FIELDS = [
    "1", "-2.5", "1e3", "3.1415926535897932", "0.1", "12345678901234567890", "9007199254740993",
    "1e-320", "1e400", "nan", "NA", "", " ", " 7", "7 ", '"8"', '" 8"', '"NA"', '""', "inf", "+5",
    "1_000", "0x10", "1,5", "12a", "a", '"a"', '"a""b"', '"a,b"', '"a\nb"', 'a"b', "true", "False",
    "é", "n/a", " NA", "-", ".", "e5", "1e", "--1", "1.2.3", '"1', "x\ty", "123456789.123456789e-5",
]  # fmt: skip


@native
@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(FIELDS), min_size=2, max_size=4), min_size=1, max_size=6
    ),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
    kinds=st.lists(st.sampled_from([Kind.NUMBER, Kind.FLAG, Kind.TEXT]), min_size=3, max_size=3),
    used=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
)
def test_any_file_reads_as_through_arrow(tmp_path_factory, rows, ending, last, kinds, used) -> None:
    """The same values, gaps, levels, places and errors, whichever parser serves."""
    text = ending.join(["a,b,c", *(",".join(row) for row in rows)]) + (ending if last else "")
    folder = tmp_path_factory.mktemp("any")
    wanted = {name: kind for name, kind in zip("abc", kinds, strict=True) if name in used}
    with pytest.MonkeyPatch.context() as patch:
        try:
            table = table_of(folder, text, True, patch)
        except InputError:  # no parser is asked about a header without rows
            return
        if not wanted.keys() <= set(table.names):  # the header was another line
            return
        ours = everything(table, wanted)
        arrow = everything(table_of(folder, text, False, patch), wanted)
    assert ours == arrow


@native
def test_numbers_and_text_take_the_compiled_way(tmp_path, monkeypatch) -> None:
    """Nothing ordinary is declined: quotes, blank lines, gaps, unused columns, late flags."""
    text = 'a,b,c,d\r\n1,"x, y",true,"un""used"\r\n\r\n,NA,False,2\r\n-3.5,"x, y",,3\r\n'
    table = table_of(tmp_path, text, True, monkeypatch)
    kinds = {"c": Kind.FLAG, "a": Kind.NUMBER, "b": Kind.TEXT}
    (chunk,) = chunks(table._files[0].head)
    found = csv_compiled.parse(chunk, table._files[0].head, kinds, ".")
    assert found is not None
    rows, (flags, numbers, texts) = found
    assert rows == 3
    assert flags.to_pylist() == [True, False, None]
    np.testing.assert_array_equal(numbers, [1.0, np.nan, -3.5])
    assert texts.to_pylist() == ["x, y", None, "x, y"]


@native
def test_decimal_comma(tmp_path, monkeypatch) -> None:
    table = table_of(tmp_path, "a;b\n1,5;2\n-0,25;3\n", True, monkeypatch)
    (chunk,) = chunks(table._files[0].head)
    found = csv_compiled.parse(
        chunk, table._files[0].head, {"a": Kind.NUMBER, "b": Kind.NUMBER}, ","
    )
    assert found is not None
    assert found[1][0].tolist() == [1.5, -0.25]


@native
def test_sizes_that_disagree_are_refused() -> None:
    table = csv_compiled.powers_of_five()
    arguments = (np.empty((1, 0)), np.empty(0, np.int32), np.empty((1, 3), np.int64), 44, 46, 2)
    with pytest.raises(ValueError, match="sizes disagree"):
        csv_compiled.parser().parse(b"1\n2\n", b"n", b"", table, *arguments)
    with pytest.raises(TypeError, match="10 arguments"):
        csv_compiled.parser().parse(b"1\n")


@native
def test_many_different_texts(tmp_path, monkeypatch) -> None:
    """The table of texts grows with what it meets."""
    names = [f"level {number * 7919 % 5000}" for number in range(9000)]
    table = table_of(tmp_path, "a\n" + "\n".join(names) + "\n", True, monkeypatch)
    assert everything(table, {"a": Kind.TEXT})["a"] == names
