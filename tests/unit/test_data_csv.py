"""CSV: every byte counts, no guess is silent, and memory stays flat."""

from __future__ import annotations

import csv
import gzip
import io
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gausswork as gw
from gausswork.data import csv_head, csv_table, open_data, open_predictors
from gausswork.data.csv_text import ends_inside, fields_of, records, records_end
from gausswork.errors import DataFileError, InputError

from .data_rows import bits_of, codes_of, opened_rows, rows_of

FIELD = st.text(alphabet=st.sampled_from('ab1",;\n \té€'), max_size=6)


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def tiny_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "CHUNK_BYTES", 64)


def written(table: list[list[str]], separator: str) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n").writerows(table)
    return stream.getvalue().encode()


@given(st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=8), st.data())
def test_records_are_those_of_the_csv_module(table: list[list[str]], data: st.DataObject) -> None:
    """Promise: quotes, doubled quotes, separators and line breaks inside fields are understood."""
    separator = data.draw(st.sampled_from(",;\t"))
    raw = written(table, separator)
    found = [
        [field.decode() for field in fields]
        for _, fields in records(raw, separator.encode(), b"\n")
    ]
    assert found == table


@given(st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=8), st.data())
def test_a_cut_never_falls_inside_a_record(table: list[list[str]], data: st.DataObject) -> None:
    """Promise: wherever reading stops, the last complete record is found, and none is halved."""
    ends = [len(written(table[: count + 1], ",")) for count in range(len(table))]
    raw = written(table, ",")
    stop = data.draw(st.integers(0, len(raw)))
    expected = max([end for end in ends if end <= stop], default=0)
    assert records_end(raw[:stop], b",", b"\n") == expected


MESSY = st.text(alphabet=st.sampled_from('ab",\n'), max_size=25)


@settings(max_examples=500)
@given(MESSY)
def test_records_are_those_that_arrow_reads(text: str) -> None:
    """Promise: what errors are explained by is what Arrow parses, stray quotes included."""
    raw = f"{text}\n".encode()
    found = [tuple(f.decode() for f in fields) for _, fields in records(raw, b",", b"\n")]
    try:
        parsed = pcsv.read_csv(
            pa.BufferReader(raw),
            read_options=pcsv.ReadOptions(use_threads=False, column_names=["a", "b"]),
            convert_options=pcsv.ConvertOptions(
                column_types={"a": pa.string(), "b": pa.string()}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # ragged, or nothing but blank lines
        assert not found or any(len(fields) != 2 for fields in found)
    else:
        assert found == list(zip(*(column.to_pylist() for column in parsed.columns), strict=True))


@settings(max_examples=500)
@given(MESSY, st.integers(0, 26))
def test_cuts_agree_with_a_byte_by_byte_reading(text: str, stop: int) -> None:
    """Promise: the quick search for the last record is exact, stray quotes included."""
    inside, at, expected = False, 0, 0
    for line in text.encode()[:stop].split(b"\n")[:-1]:
        inside = ends_inside(line, inside, b",")
        at += len(line) + 1
        expected = expected if inside else at
    assert records_end(text.encode()[:stop], b",", b"\n") == expected


def test_a_quote_in_the_middle_of_a_field_is_a_letter() -> None:
    """Promise: 5" pipe is text with an inch mark and opens nothing."""
    raw = b'5" pipe,1\n12",2\n'
    assert records_end(raw, b",", b"\n") == len(raw)
    assert fields_of(b'5" pipe,1', b",") == [b'5" pipe', b"1"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["plain", 'a "word"', "two\nlines", "x,y", "\n\n", '""']),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
        max_size=60,
    ),
    chunk=st.integers(1, 200),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_chunks_of_any_size_give_the_same_rows(
    tmp_path: Path, rows: list[tuple[str, float]], chunk: int, newline: str
) -> None:
    """Promise: however the bytes are cut, the numbers are those that were written, to the bit."""
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator=newline)
        writer.writerow(["text", "a", "y"])
        writer.writerows([text, repr(value), n] for n, (text, value) in enumerate(rows))
    before = csv_table.CHUNK_BYTES
    csv_table.CHUNK_BYTES = chunk
    try:
        source = open_data(path, "y", features="a").source
        found = rows_of(source, 7)
    finally:
        csv_table.CHUNK_BYTES = before
    expected = np.array([[value, n] for n, (_, value) in enumerate(rows)])
    assert found.tobytes() == expected.tobytes()
    assert source.tally.read == len(rows)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
@pytest.mark.usefixtures("tiny_chunks")
def test_every_line_ending(write, ending: str, last: str) -> None:
    """Promise: Unix, Windows and old Mac line endings, with or without one at the end."""
    lines = ["a,y", *(f"{n},{2 * n}" for n in range(100))]
    path = write(ending.join(lines) + (ending if last else ""))
    assert np.array_equal(opened_rows(path)[:, 0], np.arange(100))


def test_byte_order_mark_and_blank_lines(write) -> None:
    """Promise: a BOM is no part of the first name, and blank lines are no rows."""
    path = write(b"\xef\xbb\xbf\r\n\r\na,y\r\n\r\n1,2\r\n\r\n3,4\r\n\r\n")
    opened = open_data(path, "y")
    assert opened.source.names == ("a",)
    assert rows_of(opened.source).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", ["a,b", "a\nb", ' "a"'])
def test_quoted_names(write, name: str) -> None:
    """Promise: names may hold separators, line breaks and quotes."""
    quoted = name.replace('"', '""')
    assert open_data(write(f'"{quoted}",y\n1,2\n'), "y").source.names == (name.strip(),)


def test_late_decimals_after_integers(write) -> None:
    """Promise: a 1.75 after thousands of integers is 1.75."""
    path = write("a,y\n" + "1,2\n" * 400_000 + "1.75,3\n")
    assert opened_rows(path)[-1].tolist() == [1.75, 3]


@pytest.mark.usefixtures("tiny_chunks")
def test_late_text_names_line_column_and_text(write) -> None:
    """Promise: text in a column of numbers is an error that says where, what and what to do."""
    path = write("a,b,y\n" + "1,2,3\n" * 500 + "1,oops,3\n" + "1,2,3\n" * 500)
    with pytest.raises(DataFileError, match=r"t\.csv, line 502, column 'b': 'oops' is not a num"):
        opened_rows(path)


@pytest.mark.usefixtures("tiny_chunks")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4,5", "2 fields where the header names 3 columns"),
        ("4,5,6,7", "4 fields where the header names 3 columns"),
    ],
)
def test_ragged_rows_name_their_line(write, line: str, message: str) -> None:
    """Promise: a short or long row is an error with its line number, never filled with nulls."""
    path = write('a,b,y\n"1",2,3\n\n' + "1,2,3\n" * 200 + line + "\n1,2,3\n")
    with pytest.raises(DataFileError, match=rf"line 204: {message}"):
        opened_rows(path)


@pytest.mark.usefixtures("tiny_chunks")
def test_line_numbers_count_line_breaks_in_quotes(write) -> None:
    """Promise: the line number is the one that an editor shows."""
    path = write('t,a,y\n"one\ntwo\nthree",1,2\n' * 1 + '"x\ny",1,2\n' * 50 + "z,bad,2\n")
    with pytest.raises(DataFileError, match="line 105, column 'a': 'bad'"):
        opened_rows(path, features="a")


@pytest.mark.usefixtures("tiny_chunks")
def test_not_utf8_names_the_line(write) -> None:
    """Promise: Latin-1 in a used column is an error with line and byte; unused, it is ignored."""
    path = write(("t,a,y\n" + "x,1,2\n" * 100 + "é,1,2\n").encode("latin-1"))
    with pytest.raises(DataFileError, match=r"line 102: the byte 0xe9 is not UTF-8 text.*iconv"):
        opened_rows(path, features="t")
    assert len(opened_rows(path, features="a")) == 101


@pytest.mark.usefixtures("tiny_chunks")
def test_unclosed_quote_names_where_it_opens(write) -> None:
    """Promise: a quote that never closes is found at its opening, not at the end of the file."""
    path = write("a,t,y\n" + "1,x,2\n" * 50 + '1,"x,2\n' + "1,x,2\n" * 50)
    with pytest.raises(DataFileError, match=r"line 52: a quote .* opens a field there and none"):
        opened_rows(path, features="a")


def test_endless_line_is_refused(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: an unclosed quote in a huge file does not fill the memory."""
    monkeypatch.setattr(csv_table, "RECORD_LIMIT", 1000)
    monkeypatch.setattr(csv_table, "CHUNK_BYTES", 64)
    path = write("a,t,y\n1,x,2\n" * 1 + '1,"' + "x,2\n" * 2000)
    monkeypatch.setattr(csv_head, "SAMPLE_BYTES", 40)
    with pytest.raises(DataFileError, match="line 3: a quote"):
        opened_rows(path, features="a")


@pytest.mark.parametrize(
    "mark", ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "#N/A", " NA", " ", '"NA"', '""']
)
def test_marks_of_missing_values(write, mark: str) -> None:
    """Promise: the usual marks are missing in numbers and in text alike, quoted or not."""
    path = write(f"a,g,y\n1,u,1\n{mark},v,2\n3,{mark},3\n4,v,{mark}\n5,v,5\n")
    source = open_data(path, "y", features="a,g").source
    assert rows_of(source).tolist() == [[1, 0, 1], [5, 1, 5]]
    assert source.tally.missing == {"a": 1, "g": 1, "y": 1}


def test_none_is_a_level(write) -> None:
    """Promise: the word None is a level of a category, not a missing value."""
    path = write("g,y\nNone,1\nBrick,2\nNone,3\nBrick,4\n")
    assert open_data(path, "y").recipe.categories == {"g": ("Brick", "None")}


@pytest.mark.parametrize("codes", [["001", "002"], ["01", "1"], ['"007"', '"1"']])
def test_leading_zeros_are_codes(write, codes: list[str]) -> None:
    """Promise: 001 stays text, quoted or not, and is a category."""
    path = write("id,y\n" + f"{codes[0]},1\n{codes[1]},2\n" * 3)
    opened = open_data(path, "y")
    assert opened.recipe.categories["id"] == tuple(sorted(code.strip('"') for code in codes))


def test_zero_and_decimals_are_no_codes(write) -> None:
    """Promise: 0, 0.5 and -0.25 are numbers."""
    assert opened_rows(write("a,y\n0,1\n0.5,2\n-0.25,3\n"))[:, 0].tolist() == [0, 0.5, -0.25]


@pytest.mark.parametrize(
    ("text", "value"),
    [(" 1.5 ", 1.5), ("+2", 2), (".5", 0.5), ("5.", 5), ("1e-3", 1e-3), ('" 7"', 7),
     ("4.9406564584124654e-324", 5e-324), ("0.1000000000000000055511151231257827", 0.1),
     ("9007199254740993", 9007199254740992)],
)  # fmt: skip
def test_numbers_are_rounded_correctly(write, text: str, value: float) -> None:
    """Promise: every usual spelling of a number gives the nearest float64."""
    assert opened_rows(write(f"a,y\n1,1\n{text},2\n"))[1, 0] == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a;y\n1,5;2\n3;4,5\n", True),
        ("a;y\n1.5;2\n3;4.5\n", False),
        ("a\ty\n1,5\t2\n3\t4,5\n", True),
    ],
)
def test_separator_and_decimal_comma_are_said_aloud(write, text: str, code: bool) -> None:
    """Promise: semicolons, tabs and decimal commas are understood and reported."""
    path = write(text)
    assert opened_rows(path).tolist() == [[1.5, 2], [3, 4.5]]
    codes = codes_of(path)
    assert "separator-detected" in codes
    assert ("decimal-comma" in codes) == code


def test_no_finding_where_nothing_surprises(write) -> None:
    """Promise: commas in .csv and tabs in .tsv need no announcement."""
    assert codes_of(write("a,y\n1,2\n")) == ["features-chosen"]
    assert codes_of(write("a\ty\n1\t2\n", "t.tsv")) == ["features-chosen"]


def test_commas_in_text_do_not_make_decimals(write) -> None:
    """Promise: text with commas beside numbers with points leaves the point as it is."""
    path = write("g;a;y\n1,5;1.5;1\n2,5;2.5;2\n1,5;1.5;3\n2,5;2.5;4\n")
    assert opened_rows(path, features="a")[:, 0].tolist() == [1.5, 2.5, 1.5, 2.5]
    assert "decimal-comma" not in codes_of(path)


def test_thousands_separators_are_explained(write) -> None:
    """Promise: "1,200" is not silently 1.2 or text: the remedy is named."""
    path = write("a,y\n" + '"1",2\n' * 20 + '"1,200",3\n')
    with pytest.raises(DataFileError, match=r"'1,200' is not a number.*thousands separators"):
        opened_rows(path)


@pytest.mark.parametrize("width", ["utf-16", "utf-16-le", "utf-16-be"])
def test_wide_text_is_recognised(write, width: str) -> None:
    """Promise: UTF-16, as Excel writes "Unicode text", is named with the command that helps."""
    with pytest.raises(DataFileError, match=r"UTF-16 text.*iconv -f UTF-16"):
        open_data(write("a,y\n1,2\n".encode(width)), "y")


def test_duplicate_names_are_refused(write) -> None:
    """Promise: two columns of one name are an error that names it."""
    with pytest.raises(DataFileError, match=r"header of t\.csv has several.*'a'"):
        open_data(write("a,b,a,y\n1,2,3,4\n"), "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", "nothing but blank lines. Write the file again"),
        ("a,b,y\n", "no rows. Its columns are a, b, y. Add the rows below the header"),
        ("a,b,y", "a header and no rows"),
        ("a,b,y\n\n\n", "a header and no rows"),
    ],
)
def test_nothing_to_read(write, text: str, message: str) -> None:
    """Promise: a file without rows says so."""
    with pytest.raises(DataFileError, match=message):
        open_data(write(text), "y")


def test_missing_header_is_suspected(write) -> None:
    """Promise: numbers in the first line lead to the advice to add names."""
    with pytest.raises(InputError, match="does the file lack a line of column names"):
        open_data(write("1.5,2\n2.5,3\n"), "y")


def test_blanks_as_separators_are_suspected(write) -> None:
    """Promise: a file separated by blanks leads to the advice to use commas."""
    with pytest.raises(InputError, match="separate the fields by commas"):
        open_data(write("a b y\n1 2 3\n"), "y")


def test_columns_without_a_name_are_row_numbers(write) -> None:
    """Promise: the unnamed first column of R and pandas is left out, and that is said."""
    path = write(",a,y\n1,2,3\n2,3,4\n")
    opened = open_data(path, "y")
    assert opened.recipe.names == ("a",)
    assert "column1" in opened.findings[0].evidence["left_out"]


def test_only_used_columns_are_parsed(write) -> None:
    """Promise: a broken value in a column that is not used does not matter."""
    path = write("a,b,y\n" + "1,2,3\n" * 100 + "1,oops,3\n")
    assert len(opened_rows(path, features="a")) == 101


def test_numbers_after_a_long_gap(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a column that is empty at first and numeric later is numeric."""
    monkeypatch.setattr(csv_head, "SAMPLE_BYTES", 50)
    path = write("a,g,y\n" + ",,1\n" * 100 + "1.5,u,2\n2.5,v,3\n2.5,u,3\n")
    opened = open_data(path, "y")
    assert opened.recipe.names == ("a", "g[v]")
    assert rows_of(opened.source).tolist() == [[1.5, 0, 2], [2.5, 1, 3], [2.5, 0, 3]]


def test_a_target_after_a_long_gap(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a target that is empty at first is read as numbers; one without any is refused."""
    monkeypatch.setattr(csv_head, "SAMPLE_BYTES", 50)
    assert opened_rows(write("a,y\n" + "1,\n" * 100 + "2,0.5\n")).tolist() == [[2, 0.5]]
    with pytest.raises(InputError, match=r"none of the 100 rows .* 'y' alone"):
        opened_rows(write("a,y\n" + "1,\n" * 100))


def test_flags_and_codes_are_read_by_the_recipe(write) -> None:
    """Promise: new files are read by the types of the fit, not judged anew."""
    fitted = write("id,f,a,y\n" + "007,true,1.5,1\n12,false,2,2\n" * 3)
    recipe = open_data(fitted, "y").recipe
    assert recipe.names == ("id[12]", "f", "a")
    new = write("a,f,id\n5,0,12\n6,1,007\n,TRUE,12\n", "new.csv")
    (x,) = open_predictors(new, recipe)
    assert x[:2].tolist() == [[1, 0, 5], [0, 1, 6]]
    assert np.isnan(x[2]).all()
    bad = write("a,f,id\n5,true,12\n\n5,true,13\n", "bad.csv")
    with pytest.raises(InputError, match=r"'id' holds '13' at line 4 of bad\.csv"):
        list(open_predictors(bad, recipe))
    bad = write("a,f,id\n5,perhaps,12\n", "bad.csv")
    with pytest.raises(DataFileError, match="'f': 'perhaps' is not true or false"):
        list(open_predictors(bad, recipe))


@pytest.mark.usefixtures("tiny_chunks")
def test_places_are_lines(write) -> None:
    """Promise: infinities, gaps and unseen levels in files are named by line."""
    filler = "1,u,2\n\n" * 50
    with pytest.raises(InputError, match=r"column 'a' is inf at line 102 of t\.csv"):
        opened_rows(write("a,g,y\n" + filler + "inf,u,2\n"), features="a")
    with pytest.raises(InputError, match="column 'g' has no value at line 102"):
        opened_rows(write("a,g,y\n" + filler + "1,,2\n3,v,4\n"), missing="error")


@pytest.mark.parametrize("codec", ["gzip", "zstd", "bz2"])
@pytest.mark.usefixtures("tiny_chunks")
def test_compressed_files(write, codec: str) -> None:
    """Promise: compression is seen from the content, whatever the name says."""
    text = ("a,y\n" + "".join(f"{n},{n}\n" for n in range(3000))).encode()
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(text)
    path = write(sink.getvalue().to_pybytes())
    assert np.array_equal(opened_rows(path)[:, 0], np.arange(3000))


def test_joined_gzip_files_are_read_to_the_end(write) -> None:
    """Promise: a .gz of several members, as from cat, is read to its end."""
    path = write(gzip.compress(b"a,y\n1,2\n") + gzip.compress(b"3,4\n"))
    assert opened_rows(path).tolist() == [[1, 2], [3, 4]]


def test_cut_compressed_files_are_noticed(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a download that broke off is an error, not a shorter table."""
    text = b"a,y\n" + b"".join(b"%d,%d\n" % (n * n, n) for n in range(200_000))
    path = write(gzip.compress(text)[:-1000], "t.csv.gz")
    with pytest.raises(DataFileError, match=r"t\.csv\.gz breaks off after line \d+"):
        opened_rows(path)


def test_a_file_that_changes_is_noticed(write) -> None:
    """Promise: a file that is still being written is refused between two passes."""
    path = write("a,y\n1,2\n")
    source = open_data(path, "y").source
    assert len(rows_of(source)) == 1
    path.write_text("a,y\n1,2\n3,4\n")
    with pytest.raises(DataFileError, match="has changed since it was opened"):
        rows_of(source)


def test_progress_in_bytes(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: bytes_done grows to bytes_total, the size on disk."""
    monkeypatch.setattr(csv_table, "CHUNK_BYTES", 1000)
    path = write("a,y\n" + "1,2\n" * 5000)
    source = open_data(path, "y").source
    assert source.bytes_total == path.stat().st_size
    seen = [source.bytes_done for _ in source.batches(500)]
    assert seen == sorted(seen)
    assert seen[0] < source.bytes_total / 2
    assert source.bytes_done == source.bytes_total


def test_breaking_off_leaves_no_threads(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a pass that is given up stops its threads."""
    monkeypatch.setattr(csv_table, "CHUNK_BYTES", 1000)
    path = write("a,y\n" + "1,2\n" * 5000)
    before = threading.enumerate()
    batches = open_data(path, "y").source.batches(10)
    next(batches)
    own = [t for t in threading.enumerate() if t not in before]
    assert any(t.name.startswith("gausswork-csv") for t in own)
    batches.close()
    assert not any(t.is_alive() for t in own)


def test_files_are_read_again_alike(write) -> None:
    """Promise: every pass gives the same bits in the same blocks."""
    path = write("a,y\n" + "".join(f"{n / 7},{n}\n" for n in range(5000)))
    source = open_data(path, "y").source
    assert bits_of(source, 999) == bits_of(source, 999)


def rounded_in(path: Path) -> dict[str, int]:
    """Return the columns that a pass reports as rounded, each with its example."""
    source = open_data(path, "y", features="a").source
    list(source.batches(1000))
    return {
        finding.evidence["column"]: int(finding.evidence["example"])
        for finding in source.findings
        if finding.code == "integers-rounded"
    }


@pytest.mark.usefixtures("tiny_chunks")
@pytest.mark.parametrize(
    ("integers", "example"),
    [
        ([2**53 + 1 + 2 * n for n in range(50)], 2**53 + 1),
        ([2**63 + 3 * n for n in range(50)], 2**63 + 3),
        ([-(2**53) - 1 - 2 * n for n in range(50)], -(2**53) - 1),
        ([*range(50), 2**60 + 1], 2**60 + 1),
        ([10**25 + n for n in range(50)], 10**25),
        ([2**54 + 4 * n for n in range(50)], 2**54),
    ],
)
def test_integers_beyond_float64(write, integers: list[int], example: int) -> None:
    """Promise: integers that float64 rounds are reported, with one that was, wherever they are."""
    text = "a,y\n" + "".join(f"{value},{n}\n" for n, value in enumerate(integers))
    assert rounded_in(write(text)) == {"a": example}


@pytest.mark.usefixtures("tiny_chunks")
@pytest.mark.parametrize("top", ["9007199254740992", "-9007199254740992", "NA"])
def test_integers_that_float64_holds(write, top: str) -> None:
    """Promise: integers up to 2^53 are exact and give no finding; nor do large decimals."""
    assert rounded_in(write("a,y\n" + "1,2\n" * 50 + f"{top},3\n")) == {}
    assert rounded_in(write("a,y\n" + "1.5e30,2\n2e30,3\n" * 50)) == {}


def test_rounded_integers_of_a_fit(write) -> None:
    """Promise: an identifier beyond 2^53 is a finding of the fit, as target and as feature."""
    rows = [(2**53 + 1 + 2 * n, n * n) for n in range(20)]
    path = write("a,y\n" + "".join(f"{a},{y}\n" for a, y in rows))
    for target in ("a", "y"):
        found = [f for f in gw.fit(path, target).findings if f.code == "integers-rounded"]
        assert [finding.evidence["column"] for finding in found] == ["a"]


@pytest.mark.parametrize("stray", [".", "?", '"1,000"', "$1000", "5%", "none"])
def test_a_stray_word_in_numbers(write, stray: str) -> None:
    """Promise: what keeps a column from being numbers is shown with line, count and remedy."""
    shown = stray.strip('"')
    path = write(f"a,b,y\n1,1,1\n2,{stray},2\n3,3,4\n4,4,3\n5,5,6\n")
    why = f"4 of its first 5 values are numbers, {shown!r} in line 3 of t.csv is not"
    with pytest.raises(InputError) as error:
        open_data(path, "b")
    assert f"the target must be numbers; column 'b' holds text: {why}. Write mis" in str(
        error.value
    )
    with pytest.raises(InputError) as error:
        open_data(write(f"b,y\n1,1\n{stray},2\n3,4\n4,3\n5,6\n", "alone.csv"), "y")
    assert f"{why.replace('t.csv', 'alone.csv')}. " in str(error.value)
    (finding,) = open_data(path, "y").findings
    assert why in finding.evidence["left_out"]["b"]
    assert "If 'b' should be numbers: write missing values as NA" in finding.remedy
    assert "features=, which also makes such text a category" in finding.remedy
    assert "numbers-as-category" in codes_of(path, features="b")


@pytest.mark.parametrize("values", ["12 12 ?", "5% 6% 5%", "$1,5 $2 $2", "1 1 x2"])
def test_numbers_that_became_a_category(write, values: str) -> None:
    """Promise: a category that looks like numbers is a caution with the remedy, not a surprise."""
    rows = "".join(f'"{value}",{n}\n' for n, value in enumerate(values.split() * 2))
    (found,) = [
        finding
        for finding in open_data(write("a,y\n" + rows), "y").findings
        if finding.code == "numbers-as-category"
    ]
    assert "'a' looks like a column of numbers" in found.sentence
    assert "write missing values as NA" in found.remedy


@pytest.mark.parametrize("values", ["u v w", "1 b c", "1.2.3 1.2.4 1.2", "001 002 x", "a% b% c$"])
def test_text_that_is_a_category(write, values: str) -> None:
    """Promise: words, codes and version numbers are categories without a caution."""
    rows = "".join(f"{value},{n}\n" for n, value in enumerate(values.split() * 2))
    opened = open_data(write("a,y\n" + rows), "y")
    assert opened.recipe.categories["a"] == tuple(sorted(values.split()))
    assert "numbers-as-category" not in [finding.code for finding in opened.findings]


def test_text_in_numbers_says_who_expects_them(write) -> None:
    """Promise: an error about text says why numbers are expected."""
    numbers = "".join(f"{n},{n}\n" for n in range(30))
    with pytest.raises(
        DataFileError, match=r"line 2.*'big' is not a number, as 30 of its first 31"
    ):
        opened_rows(write("a,y\nbig,1\n" + numbers))
    with pytest.raises(DataFileError, match=r"with a letter, such as s1, s2, or pass a data frame"):
        opened_rows(write("a,y\n" + numbers + "12a,1\n"))
    recipe = open_data(write("a,y\n" + numbers), "y").recipe
    with pytest.raises(DataFileError) as error:
        list(open_predictors(write("a\nbig\n1\n", "new.csv"), recipe))
    assert str(error.value) == (
        "new.csv, line 2, column 'a': 'big' is not a number; the fit used numbers there. If it "
        "stands for a missing value, leave the field empty or write NA; or leave the line out."
    )


def test_text_after_an_empty_beginning(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a target that began with a gap is judged by the values that it has."""
    monkeypatch.setattr(csv_head, "SAMPLE_BYTES", 50)
    with pytest.raises(DataFileError, match=r"'x' is not a number, as its other values are"):
        opened_rows(write("a,y\n" + "1,\n" * 100 + "2,0.5\n2,x\n"))


@pytest.mark.parametrize("comment", ["# made today", "# made, today", "#", "# a, b, c"])
def test_comment_lines_are_pointed_out(write, comment: str) -> None:
    """Promise: a comment above the header leads to the advice to delete it."""
    path = write(f"{comment}\na,y\n1,2\n2,3\n")
    with pytest.raises(InputError, match=r"first line of t\.csv begins with '#'.*grep -v"):
        open_data(path, "y")
    if comment == "# a, b, c":
        with pytest.raises(DataFileError, match=r"line 2: 2 fields.*begins with '#': if it is a"):
            open_data(path, "b")
    assert open_data(write("#a,y\n1,2\n2,4\n"), "y").recipe.names == ("#a",)


def test_a_target_of_true_and_false(write) -> None:
    """Promise: true and false as target is said to be a linear probability model, 0 and 1 not."""
    assert "binary-target" in codes_of(write("a,y\n1,true\n2,false\n3,true\n"))
    assert "binary-target" not in codes_of(write("a,y\n1,1\n2,0\n3,1\n"))


@pytest.mark.parametrize("text", ["１２", "٣", "12\u00a0", "12\x0b", "1\u200b2"])
def test_what_python_takes_for_a_number_and_no_reader_does_is_shown_with_its_line(
    write, text: str
) -> None:
    rows = "".join(f"{k},{k % 3}\n" for k in range(30))
    path = write(f"a,y\n{rows}{text},1\n{rows}")
    with pytest.raises(DataFileError, match=r"t\.csv, line 32, column 'a': .* is not a number"):
        gw.fit(path, "y")


def test_an_integer_beyond_all_floats_is_refused_with_its_line(write) -> None:
    path = write("a,y\n" + "".join(f"{k},{k % 3}\n" for k in range(30)) + "9" * 400 + ",1\n")
    with pytest.raises(InputError, match=r"column 'a' is inf at line 32 of t\.csv"):
        gw.fit(path, "y")


def test_a_nul_byte_is_said_with_its_line_and_wide_text_as_such(write) -> None:
    rows = "".join(f"{k},{k % 3}\n" for k in range(30))
    with pytest.raises(DataFileError, match=r"t\.csv, line 3: there is a NUL byte"):
        gw.fit(write("a,y\n" + rows.replace("\n1,", "\n1\0,", 1)), "y")
    with pytest.raises(DataFileError, match="UTF-16"):
        gw.fit(write(f"a,y\n{rows}".encode("utf-16-le")), "y")


def test_a_first_line_of_numbers_is_no_header_with_names_that_occur_twice(write) -> None:
    with pytest.raises(DataFileError, match="lack a line of column names"):
        gw.fit(write("1,1,2\n2,3,4\n3,3,5\n"), "y")


@pytest.mark.parametrize("text", ['[{"a": 1, "y": 2}]', '{"a": 1}\n{"a": 2}\n', " [ {}]"])
def test_json_is_called_json(write, text: str) -> None:
    with pytest.raises(DataFileError, match="is JSON, which is not read here"):
        gw.fit(write(text, "t.json"), "y")


def test_frames_that_are_skipped_stand_before_compressed_ones(write) -> None:
    """As pzstd and the seekable format write them."""
    text = "a,y\n" + "".join(f"{k},{k % 3}\n" for k in range(30))
    frame = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    packed = pa.compress(text.encode(), codec="zstd", asbytes=True)
    plain = gw.fit(write(text), "y")
    found = gw.fit(write(frame + packed + frame, "t.csv.zst"), "y")
    assert found.coefficients.tolist() == plain.coefficients.tolist()
