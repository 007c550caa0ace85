"""Promise: the command line shows what the library computes, says what is wrong in one line, leaves
no half-written file, and behaves in pipes, on terminals and under Ctrl-C as tools do."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gausswork as gw
from gausswork.cli import main, terminal
from gausswork.cli import predictions as writer

pa = pytest.importorskip("pyarrow")

ROWS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A table with a number, a category, codes with leading zeros and gaps; new rows; a model."""
    place = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(1)
    lines = ["id,x,group,note,y"]
    for i in range(ROWS):
        x, group = round(rng.normal() * 10, 2), "ab"[i % 2]
        y = round(2 * x + (group == "b") + rng.normal(), 3)
        lines.append(f'{i:03d},{x},{group},"said ""{i}"", then left",{y if i != 7 else ""}')
    (place / "data.csv").write_text("\n".join(lines) + "\n")
    (place / "new.csv").write_text(
        'id,x,group,extra\n007,67,a,"p,q"\n008,,b,\n009,1e1,b,"line\nbreak"\n'
    )
    gw.fit(place / "data.csv", "y", features="x,group").save(place / "model.json")
    return place


@pytest.fixture
def at(folder, tmp_path, monkeypatch) -> Path:
    """A fresh working directory with copies of the files."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


FIT = ["fit", "data.csv", "--target", "y", "--features", "x,group"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gausswork", *arguments],
        capture_output=True, text=True, timeout=60, check=False, **options,  # type: ignore[call-overload]
    )  # fmt: skip


# --- it equals the library -----------------------------------------------------------------


def test_the_table_is_that_of_the_library(at, capsys) -> None:
    assert main(FIT) == 0
    out, err = capsys.readouterr()
    assert out == f"{gw.fit('data.csv', 'y', features='x,group')}\n"
    assert err == ""


def test_json_is_one_document_equal_to_to_dict(at, capsys) -> None:
    assert main([*FIT, "--json", "--level", "0.8"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == gw.fit("data.csv", "y", features="x,group").to_dict(level=0.8)
    assert err == ""


@pytest.mark.parametrize(
    ("extra", "options"),
    [
        (["--no-intercept"], {"intercept": False}),
        (["--digits", "15"], {"method": gw.NormalEquation(digits=15)}),
        (["--threads", "1"], {"threads": 1}),
        (["--features", "x"], {"features": "x"}),
    ],
)
def test_options_reach_the_library(at, capsys, extra, options) -> None:
    options = {"features": "x,group", **options}
    assert main([*FIT, *extra, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == gw.fit("data.csv", "y", **options).to_dict()


def test_features_left_out_are_chosen_aloud(at, capsys) -> None:
    assert main(["fit", "data.csv", "--target", "y"]) == 0
    assert "features-chosen" in capsys.readouterr().out


def test_saved_models_are_shown_and_predict_as_the_fit_does(at, capsys) -> None:
    assert main([*FIT, "--save", "mine.json", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    fit = gw.fit("data.csv", "y", features="x,group")
    assert main(["show", "mine.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fit.to_dict()
    assert main(["show", "mine.json", "--level", "0.5"]) == 0
    assert "50 % interval" in capsys.readouterr().out


def test_a_glob_that_the_shell_has_expanded_is_the_same_data(at, capsys) -> None:
    lines = Path("data.csv").read_text().splitlines(keepends=True)
    Path("part-1.csv").write_text("".join(lines[:21]))
    Path("part-2.csv").write_text("".join([lines[0], *lines[21:]]))
    options = ["--target", "y", "--features", "x,group", "--json"]
    found = []
    for data in (["part-*.csv"], ["part-1.csv", "part-2.csv"], ["data.csv"]):
        assert main(["fit", *data, *options]) == 0
        found.append(json.loads(capsys.readouterr().out)["terms"])
    assert found[0] == found[1] == found[2]
    assert main(["predict", "model.json", "part-1.csv", "part-2.csv", "-o", "out.csv"]) == 0
    assert len(table(Path("out.csv").read_text())) == ROWS


def test_show_work_follows_the_table(at, capsys) -> None:
    assert main([*FIT, "--show-work"]) == 0
    out = capsys.readouterr().out
    fit = gw.fit("data.csv", "y", features="x,group")
    assert out == f"{fit}\n\n{fit.show_work('data.csv')}\n"
    assert main(["show", "model.json", "--show-work"]) == 0
    assert gw.load("model.json").show_work() in capsys.readouterr().out


def test_a_plot_is_drawn(at, capsys) -> None:
    assert main([*FIT, "--plot", "fit.png", "--quiet"]) == 0
    assert Path("fit.png").read_bytes().startswith(b"\x89PNG")
    assert main(["show", "model.json", "--plot", "again.svg", "--quiet"]) == 0
    assert Path("again.svg").exists()
    assert capsys.readouterr() == ("", "")


# --- predictions ---------------------------------------------------------------------------


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_stand_beside_the_columns_as_they_were_written(at, capsysbinary) -> None:
    assert main(["predict", "model.json", "new.csv"]) == 0
    out, err = capsysbinary.readouterr()
    rows = table(out.decode())
    assert list(rows[0]) == ["id", "x", "group", "extra", "prediction"]
    assert [row["id"] for row in rows] == ["007", "008", "009"]
    assert [row["x"] for row in rows] == ["67", "", "1e1"]
    assert [row["extra"] for row in rows] == ["p,q", "", "line\nbreak"]
    expected = gw.load("model.json").predict("new.csv")
    assert float(rows[0]["prediction"]) == expected[0]
    assert rows[1]["prediction"] == ""
    assert float(rows[2]["prediction"]) == expected[2]
    assert err == b"gausswork: 1 of 3 rows has a missing value and no prediction\n"


@pytest.mark.parametrize("kind", ["prediction", "confidence"])
@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_intervals_are_those_of_the_library(at, capsys, kind, output) -> None:
    arguments = ["--interval", "0.8", "--kind", kind, "-o", output, "--quiet"]
    assert main(["predict", "model.json", "new.csv", *arguments]) == 0
    assert capsys.readouterr() == ("", "")
    found = gw.load("model.json").predict("new.csv", interval=kind, level=0.8)
    if output.endswith(".csv"):
        rows = table(Path(output).read_text())
        columns = {
            k: [float(r[k] or "nan") for r in rows] for k in ("prediction", "lower", "upper")
        }
    else:
        import pyarrow.parquet as pq

        whole = pq.read_table(output)
        assert whole["x"].type == pa.float64()
        assert whole["id"].to_pylist() == ["007", "008", "009"]
        assert whole["prediction"].null_count == 1
        columns = {k: whole[k].to_numpy() for k in ("prediction", "lower", "upper")}
    for name, values in zip(("prediction", "lower", "upper"), found, strict=True):
        np.testing.assert_array_equal(columns[name], values)
    assert main(["predict", "model.json", "new.csv", "--interval", "0.8", "--quiet"]) == 0


def test_parquet_goes_in_and_out_with_its_types(at) -> None:
    import pyarrow.parquet as pq

    n = 150_000  # more than two blocks
    rng = np.random.default_rng(2)
    data = pa.table({
        "when": pa.array(np.arange(n).astype("datetime64[s]")),
        "group": pa.array(np.array(["a", "b"])[rng.integers(0, 2, n)]).dictionary_encode(),
        "x": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.01),
        "n": pa.array(np.arange(n, dtype=np.int16)),
    })  # fmt: skip
    pq.write_table(data, "big.parquet", row_group_size=40_000)
    assert main(["predict", "model.json", "big.parquet", "-o", "out.parquet", "--quiet"]) == 0
    out = pq.read_table("out.parquet")
    assert out.column_names == [*data.column_names, "prediction"]
    assert out["n"].equals(data["n"])
    assert out["when"].equals(data["when"].cast(out["when"].type))
    expected = gw.load("model.json").predict("big.parquet")
    np.testing.assert_array_equal(out["prediction"].to_numpy(), expected)
    assert main(["predict", "model.json", "big.parquet", "-o", "out.csv", "--quiet"]) == 0
    with Path("out.csv").open() as file:
        rows = sum(1 for _ in csv.reader(file))
    assert rows == n + 1


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_texts_are_quoted_where_they_need_it_whatever_their_type(at, capsysbinary, kind) -> None:
    import pyarrow.parquet as pq

    texts = ["plain", "a,b", 'say "no"', "two\nlines", "", None, "carriage\rreturn", "é,身"]
    column = pa.array(texts, type=pa.large_string() if kind == "large_string" else pa.string())
    if kind == "dictionary":
        column = column.dictionary_encode()
    n = len(texts)
    data = {"note, odd": column, "x": np.arange(n) / 4, "group": ["a"] * n, "n": np.arange(n)}
    pq.write_table(pa.table(data), "notes.parquet")
    assert main(["predict", "model.json", "notes.parquet"]) == 0
    out = capsysbinary.readouterr().out.decode()
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert rows[0] == ["note, odd", "x", "group", "n", "prediction"]
    assert [row[0] for row in rows[1:]] == [text or "" for text in texts]
    assert [row[1] for row in rows[1:4]] == ["0", "0.25", "0.5"]


def test_blocks_are_cut_the_same_on_both_sides() -> None:
    pieces = [[pa.array(range(a, b))] for a, b in ((0, 3), (3, 4), (4, 11), (11, 12))]
    found = [block[0].to_pylist() for block in writer._reblocked(iter(pieces), rows=5)]
    assert found == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]


def test_a_column_called_prediction_is_not_lost(at, capsys) -> None:
    Path("new.csv").write_text("x,group,prediction\n1,a,9\n")
    assert main(["predict", "model.json", "new.csv"]) == 2
    assert "has a column 'prediction' already" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["new.csv", "./new.csv", "link.csv", "hard.csv"])
def test_the_output_never_replaces_what_it_is_made_from(at, capsys, output) -> None:
    Path("link.csv").symlink_to("new.csv")
    os.link("new.csv", "hard.csv")
    before = Path("new.csv").read_bytes()
    for data in (["new.csv"], ["n*.csv"], ["data.csv", "new.csv"]):
        assert main(["predict", "model.json", *data, "-o", output]) == 2
        err = capsys.readouterr().err
        assert f"the output {output!r} would replace 'new.csv'" in err
        assert "Give --output another name." in err
    assert Path("new.csv").read_bytes() == before
    Path("model.csv").write_bytes(Path("model.json").read_bytes())
    assert main(["predict", "model.csv", "data.csv", "-o", "model.csv"]) == 2
    assert main(["predict", "model.json", "data.csv", "-o", "other.csv", "--quiet"]) == 0


def test_a_file_without_rows_leaves_the_output_as_it_was(at, capsys) -> None:
    """Not an empty file in its place, which is no table in any format."""
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": pa.array([], pa.float64()), "group": pa.array([], pa.string())}),
                   "none.parquet")  # fmt: skip
    for name in ("out.parquet", "out.csv"):
        Path(name).write_text("before")
        assert main(["predict", "model.json", "none.parquet", "-o", name]) == 2
        assert "none.parquet has no rows" in capsys.readouterr().err
        assert Path(name).read_text() == "before"
    assert main(["predict", "model.json", "none.parquet"]) == 2
    assert capsys.readouterr().out == ""


# --- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "data.csv", "--target", "yy"], "no column 'yy'. Did you mean 'y'?"),
        (["fit", "no.csv", "--target", "y"], "no.csv"),
        (["fit", "..", "--target", "y"], "is a folder"),
        ([*FIT, "--level", "95"], "level must lie in (0, 1); got 95.0. Did you mean 0.95?"),
        ([*FIT, "--level", "high"], "argument --level: 'high' is not a number"),
        ([*FIT, "--digits", "40"], "digits must lie in (0, 15]"),
        ([*FIT, "--threads", "0"], "threads must be at least 1"),
        ([*FIT, "--missing", "error"], "use --missing drop to leave such rows out"),
        (["fit", "data.csv", "--target", "y ~ x", "--features", "x"], "Leave one out."),
        (["fit", "data.csv", "--target", "y", "--features", ","], "names no column; got ','"),
        (["fit", "data.csv", "--target", "y", "--features", "x,y"], "Take it out of --features."),
        ([*FIT, "--missing", "ignore"], "invalid choice: 'ignore'"),
        ([*FIT, "--plot", "fit.docx"], "a figure is written as .png, .pdf, .svg"),
        ([*FIT, "--plot", "no/fit.png"], "the directory of no/fit.png does not exist"),
        ([*FIT, "--save", "no/model.json"], "the directory of no/model.json does not exist"),
        ([*FIT, "--save", "data.csv"], "data.csv exists and is not a gausswork model"),
        ([*FIT, "--json", "--show-work"], "not allowed with argument --json"),
        ([*FIT, "--jsn"], "unrecognized arguments: --jsn"),
        (["fit"], "the following arguments are required: DATA"),
        ([*FIT, "--jsn"], "Did you mean --json? See gausswork fit --help."),
        ([*FIT, "--robust", "HC3"], "Did you mean --errors?"),
        ([*FIT, "--zzz"], "unrecognized arguments: --zzz. See gausswork fit --help."),
        (["teach"], "invalid choice: 'teach'"),
        (["predicts", "model.json"], "Did you mean predict?"),
        (["show", "data.csv"], "data.csv is not a gausswork model"),
        (["predict", "model.json", "data.csv", "-o", "out.xlsx"], "written as .csv or .parquet"),
        (["predict", "model.json", "new.csv", "--kind", "confidence"], "--kind needs --interval"),
        (["predict", "model.json", "new.csv", "--kind", "confidence"], "gausswork predict --help"),
        (["predict", "model.json", "new.csv", "--interval", "95"], "interval must lie in (0, 1)"),
        (["predict", "model.json", "new.csv", "--interval", "95"], "Did you mean 0.95?"),
        (["predict", "model.json", "other.csv"], "no column 'x'"),
        (["predict", "model.json", "level.csv"], "holds 'c' at line 3 of level.csv"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(at, capsys, arguments, said) -> None:
    Path("other.csv").write_text("z,group\n1,a\n")
    Path("level.csv").write_text("x,group\n1,a\n2,c\n")
    before = {p.name: p.read_bytes() for p in at.iterdir()}
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith("gausswork: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    if arguments[0] != "predict":
        assert out == ""
    assert {p.name: p.read_bytes() for p in at.iterdir()} == before


def test_findings_speak_of_options(at, capsys) -> None:
    assert main(["fit", "data.csv", "--target", "y"]) == 0
    out = capsys.readouterr().out
    assert "--features" in out
    assert "features=" not in out


# Text in the package that speaks of an argument of gausswork.fit; docstrings are for Python.
ARGUMENT = re.compile(r"\b(target|features|missing|intercept|method|threads|level|interval)=")


def sentences() -> set[str]:
    found = set()
    for path in Path(gw.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and id(node) not in bare
            and isinstance(node.value, str) and " " in node.value and ARGUMENT.search(node.value)
        }  # fmt: skip
    return found


def test_no_sentence_speaks_python_on_the_command_line() -> None:
    found = sentences()
    assert any("features=" in sentence for sentence in found)
    for sentence in found:
        assert not ARGUMENT.search(terminal.for_command_line(sentence))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Choose them with features=.", "Choose them with --features."),
        ("use missing='drop' to leave", "use --missing drop to leave"),
        ("as in target='price'.", "as in --target price."),
        (
            "Use learning_rate='auto', or standardize=True;",
            "Use --learning-rate auto, or --standardize;",
        ),
        ("batch_size=101 is larger", "--batch-size 101 is larger"),
        (
            "Allow more memory=, or use shuffle='buffer'.",
            "Allow more --memory, or use --shuffle buffer.",
        ),
        ("as in target='sale price'.", "as in --target 'sale price'."),
        ("with features=, or fit the mean alone with features=[].", "with --features."),
        ("a column called features", "a column called features"),
    ],
)
def test_arguments_are_said_as_options(said, shown) -> None:
    assert terminal.for_command_line(said) == shown


def test_names_in_errors_cannot_command_a_terminal(at, capsys) -> None:
    assert main(["fit", "data.csv", "--target", "\x1b[2J\n"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_an_unexpected_failure_is_told_from_bad_input(at, capsys, monkeypatch) -> None:
    def broken(*a: object, **k: object) -> None:
        raise ZeroDivisionError("by mistake")

    monkeypatch.setattr("gausswork.leastsquares.fitting.fit", broken)
    assert main(FIT) == 1
    assert "unexpected ZeroDivisionError: by mistake. This is a bug" in capsys.readouterr().err
    monkeypatch.setenv("GAUSSWORK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(FIT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_no_bug(at) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "gausswork", *FIT],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert found.returncode == 1
    assert found.stderr.startswith("gausswork: error: [Errno 28] No space left on device")
    assert "bug" not in found.stderr


def test_an_alarm_has_an_exit_code_of_its_own(at, capsys) -> None:
    Path("two.csv").write_text("x,y\n1,2\n2,5\n")
    assert main(["fit", "two.csv", "--target", "y"]) == 3
    out = capsys.readouterr().out
    assert "alarm (no-degrees-of-freedom)" in out
    assert main(["fit", "two.csv", "--target", "y", "--json"]) == 3


def test_exit_codes_are_in_the_help(capsys) -> None:
    for arguments in (["--help"], ["fit", "--help"], ["predict", "--help"], ["show", "--help"]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert "exit codes:" in out
        for code in ("0 ", "1 ", "2 ", "3 ", "130", "141", "143"):
            assert f"\n  {code}" in out or f"{code} " in out


def test_without_a_command_the_help_is_shown(capsys) -> None:
    assert main([]) == 2
    assert "usage: gausswork" in capsys.readouterr().err


def test_version(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gausswork {gw.__version__}\n"


# --- processes -----------------------------------------------------------------------------


def test_it_runs_as_a_module_and_is_plain_in_a_pipe(at) -> None:
    found = run(*FIT, cwd=at)
    assert found.returncode == 0
    assert found.stdout == f"{gw.fit('data.csv', 'y', features='x,group')}\n"
    assert found.stderr == ""


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys\nfrom gausswork.cli import main\nmain(['--help'])\n"
        "slow = {'numpy', 'scipy', 'pyarrow', 'rich', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "print(sorted(slow), file=sys.stderr)\nsys.exit(len(slow))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "data.csv", "--target", "y"],
        ["predict", "model.json", "new.csv", "-o", "out.csv"],
        ["predict", "model.json", "new.csv", "-o", "out.parquet", "--interval", "0.9"],
    ],
)
def test_commands_do_not_load_other_frame_libraries(at, arguments) -> None:
    """Parts of Arrow load pandas where it is installed: half a second for nothing."""
    code = (
        "import sys\nfrom gausswork.cli import main\n"
        f"assert main({arguments!r}) == 0\n"
        "sys.exit(len({'pandas', 'polars', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=at, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr


def test_a_stream_that_cannot_write_unicode_gets_plain_signs(at) -> None:
    found = run(*FIT, cwd=at, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert found.returncode == 0
    assert "R^2" in found.stdout


def test_output_that_is_closed_early_is_no_error(at) -> None:
    import pyarrow.parquet as pq

    n = 200_000
    pq.write_table(pa.table({"x": np.arange(n) / 7, "group": ["a", "b"] * (n // 2)}), "big.parquet")
    command = [sys.executable, "-m", "gausswork", "predict", "model.json", "big.parquet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=at
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"x,group,prediction\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


SLOW = """\
import sys, time
from pathlib import Path
from gausswork.cli import main, predictions
ready = Path(sys.argv.pop(1))
def wait(*a):
    ready.touch()
    time.sleep(30)
predictions._{kind}.write = wait
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("kind", ["Csv", "Parquet"])
def test_interruption_leaves_no_half_written_file(at, tmp_path, sent, code, kind) -> None:
    """Stopped in the middle of writing: the old file is as it was, and nothing new is there."""
    output = at / f"out.{kind.lower()}"
    output.write_text("old")
    before = {p.name for p in at.iterdir()}
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", SLOW.format(kind=kind), str(ready),
         "predict", "model.json", "new.csv", "-o", output.name],
        cwd=at, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for _ in range(600):
            if ready.exists():
                break
            time.sleep(0.05)
        assert {p.name for p in at.iterdir()} > before  # a temporary file is there
        process.send_signal(sent)
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(30) == code
    assert "Traceback" not in err
    assert output.read_text() == "old"
    assert {p.name for p in at.iterdir()} == before | {"ready"}


# --- terminals -----------------------------------------------------------------------------


def on_a_terminal(
    *arguments: str, cwd: Path, columns: int = 100, **environment: str
) -> tuple[int, str]:
    """Run on a pseudo-terminal; return the exit code and what a person would see."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    with subprocess.Popen(
        [sys.executable, "-m", "gausswork", *arguments],
        cwd=cwd, stdin=child, stdout=child, stderr=child,
        env={**kept, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        os.close(child)
        seen = b""
        while True:
            try:
                block = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            seen += block
        os.close(parent)
        return process.wait(60), seen.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_the_same_numbers(at) -> None:
    code, seen = on_a_terminal(*FIT, cwd=at)
    assert code == 0
    assert "\x1b[" in seen
    fit = gw.fit("data.csv", "y", features="x,group")
    row = next(line for line in str(fit).splitlines() if line.startswith("group[b]"))
    for number in row.split():
        assert number in seen
    assert "reading" not in seen  # no bar for work that takes no time


def test_no_color_is_respected(at) -> None:
    _, seen = on_a_terminal(*FIT, cwd=at, NO_COLOR="1")
    assert "\x1b[3" not in seen


@pytest.mark.parametrize("columns", [100, 80, 60, 40])
def test_a_narrow_terminal_loses_columns_never_digits(at, columns) -> None:
    code, seen = on_a_terminal(*FIT, cwd=at, columns=columns, NO_COLOR="1")
    assert code == 0
    fit = gw.fit("data.csv", "y", features="x,group")
    table = next(line for line in str(fit).splitlines() if line.startswith("x ")).split()
    row = next(line for line in seen.splitlines() if line.startswith("x ")).split()
    assert set(row) <= set(table)
    assert table[1] in row
    assert ("narrow terminal" in seen) == (len(row) < len(table))


def test_names_cannot_command_a_terminal(at) -> None:
    Path("evil.csv").write_text("\x1b[31m[red]x,y\n1,2\n2,4\n3,7\n")
    _, seen = on_a_terminal("fit", "evil.csv", "--target", "y", cwd=at, NO_COLOR="1")
    assert "\x1b[31m" not in seen
    assert "\\x1b[31m[red]x" in seen


def test_a_formula_after_the_data_takes_the_place_of_target_and_features(at, capsys) -> None:
    assert main(["fit", "data.csv", "y ~ x * group", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [term["name"] for term in told["terms"]] == ["intercept", "x", "group[b]", "x:group[b]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "y ~ x"], "after the data"),
        (["fit", "data.csv", "y ~ x", "--features", "x"], "leave --features out"),
        (["fit", "data.csv", "y ~ x", "--target", "y"], "leave --target out"),
        (["fit", "data.csv", "y ~ x", "--no-intercept"], "- 1"),
        (["fit", "data.csv"], "--target"),
    ],
)
def test_a_formula_and_its_rivals_are_told_apart(at, capsys, arguments, words) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_an_error_in_a_formula_points_at_the_character(at, capsys) -> None:
    assert main(["fit", "data.csv", "y ~ x + nogroup"]) == 2
    first, shown, caret = capsys.readouterr().err.rstrip("\n").split("\n")
    assert first.startswith("gausswork: error: the data has no column 'nogroup'")
    assert shown[caret.index("^") :] == "nogroup"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full")
def test_a_fit_is_shown_though_its_file_cannot_be_written(at) -> None:
    """A fit may have taken hours: a full disk costs the file, not the answer."""
    done = run(*FIT, "--save", "/dev/full")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "residual sd" in done.stdout
    done = run(*FIT, "--save", "/dev/full", "--json")
    assert json.loads(done.stdout)["rows"] > 0


def test_predictions_are_written_as_their_input_is(at, capsys) -> None:
    """Semicolons and decimal commas come back as such in every column, and are read back."""
    Path("flats.csv").write_text("size;price\n1,5;3,5\n2,5;5,25\n4;8,5\n5,5;11\n")
    assert main(["fit", "flats.csv", "price ~ size", "--quiet", "--save", "m.json"]) == 0
    assert main(["predict", "m.json", "flats.csv", "-o", "out.csv"]) == 0
    assert "wrote out.csv" in capsys.readouterr().err
    head, first, *_ = Path("out.csv").read_text().splitlines()
    assert head == "size;price;prediction"
    assert first.startswith("1,5;3,5;3,")
    assert "." not in first
    again = gw.fit("out.csv", "prediction ~ size")
    assert again.coefficients == pytest.approx(gw.load("m.json").coefficients)


def test_hints_name_what_was_meant(at, capsys) -> None:
    """A column without backticks, a formula as an option, a file unlike all others."""
    Path("flats.csv").write_text("size,price (EUR)\n1,3\n2,5\n4,8\n")
    assert main(["fit", "flats.csv", "price (EUR) ~ size"]) == 2
    assert "`price (EUR)`" in capsys.readouterr().err
    assert main(["fit", "flats.csv", "--formula", "size ~ 1"]) == 2
    assert "'y ~ a + b'" in capsys.readouterr().err
    assert main(["fit", "nofile.csv", "--target", "y"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


TABLE = "a,g,y\n" + "".join(f"{k},{'uv'[k % 2]},{k * k % 7}\n" for k in range(20))


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "d.csv", "--target", "y", "--by", "g", "-o", "d.csv"],
        ["fit", "d.*", "--target", "y", "--by", "g", "-o", "./d.csv"],
        ["fit", "--sql", "select * from 'd.csv'", "--target", "y", "--by", "g", "-o", "d.csv"],
        ["fit", "d.csv", "--target", "y", "--method", "gradient-descent", "--history", "d.csv"],
        ["predict", "m.json", "d.csv", "-o", "link.csv"],
        ["predict", "m.json", "--sql", "select * from 'd.csv'", "-o", "d.csv"],
        ["fit", "picture.png", "--target", "y", "--plot", "picture.png"],
        ["fit", "folder", "--target", "y", "--by", "g", "-o", "folder/d.csv"],
    ],
)
def test_no_output_takes_the_place_of_its_own_input(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Promise: what a command reads it does not destroy, whatever the output is called."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    data = [Path(name) for name in ("d.csv", "picture.png", "folder/d.csv")]
    for path in data:
        path.write_text(TABLE)
    Path("link.csv").symlink_to("d.csv")
    gw.fit("d.csv", "y").save("m.json")
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert "would replace" in said.err
    assert [path.read_text() for path in data] == [TABLE] * 3


def test_a_closed_standard_output_stops_no_work(tmp_path: Path) -> None:
    """As ``>&-`` and some schedulers leave it."""
    (tmp_path / "d.csv").write_text(TABLE)
    command = f'"{sys.executable}" -m gausswork fit d.csv --target y --save m.json >&-'
    found = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (found.returncode, "bug" in found.stderr) == (0, False)
    assert gw.load(tmp_path / "m.json").rows == 20


def test_an_interruption_that_a_loading_module_swallows_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C while NumPy is loading comes out as an ImportError of NumPy's."""
    (tmp_path / "d.csv").write_text(TABLE)

    def loading(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("please read this for advice") from None

    monkeypatch.setattr("gausswork.leastsquares.fitting.fit", loading)
    assert main(["fit", str(tmp_path / "d.csv"), "--target", "y"]) == 130
    assert capsys.readouterr().err == "gausswork: interrupted; nothing is half-written.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
