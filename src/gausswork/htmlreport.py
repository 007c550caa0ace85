"""The report of a fit as one HTML file: nothing in it asks the network for anything.

Equation, table with trusted digits, check-up with its figures, findings with remedies, summary of
the data, how to do it again. Whatever comes from the data is escaped. The same fit gives the same
bytes. Light and dark follow the reader's choice; on paper it is black on white.
"""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import checkreport, files, reportfigures
from gausswork import formatting as fmt
from gausswork import report as tables
from gausswork.errors import InputError, MissingPackageError
from gausswork.findings import Finding
from gausswork.leastsquares.inference import check_level

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

MARK = "<!DOCTYPE html>\n<!-- gausswork report -->\n"

_MOST_TERMS = 12  # of the equation
_MOST_COLUMNS = 40  # of the summary

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e;
  --line: #d1d9e0; --note: #0072b2; --caution: #b35900; --alarm: #c1121f; --wash: #f6f8fa }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1;
  --line: #3d444d; --note: #58a6ff; --caution: #e69f00; --alarm: #ff7b72; --wash: #151b23 } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --note: #0072b2;
  --caution: #8a4500; --alarm: #a00; --wash: #fff } }
* { box-sizing: border-box }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1.2rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem } h2 { font-size: 1.2rem;
  margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
p, li { max-width: 48rem } .soft, caption { color: var(--soft) } .equation { font: 1.05rem/1.7
  "DejaVu Sans Mono", ui-monospace, monospace; overflow-wrap: anywhere; background: var(--wash);
  border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  margin: .6rem 0; font-size: .92rem } caption { text-align: left; padding-bottom: .3rem }
th, td { padding: .22rem .7rem .22rem 0; text-align: left; white-space: nowrap }
thead th { border-bottom: 1px solid var(--line); font-weight: 600 } .number { text-align: right }
tbody tr:nth-child(even) { background: var(--wash) } td.text { white-space: normal }
figure { margin: 1rem 0 } svg text { font-family: "DejaVu Sans", Verdana, sans-serif }
svg { max-width: 100%; height: auto; color: var(--ink) }
ul.findings { list-style: none; padding: 0 } ul.findings li { border-left: .3rem solid var(--note);
  padding: .1rem 0 .1rem .8rem; margin: .8rem 0; max-width: 52rem }
ul.findings li.caution { border-color: var(--caution) }
ul.findings li.alarm { border-color: var(--alarm) }
.severity { font-weight: 700; text-transform: uppercase; font-size: .8rem; letter-spacing: .04em }
.remedy { display: block; color: var(--soft) } code, pre { font-family: "DejaVu Sans Mono",
  ui-monospace, monospace; font-size: .88rem } pre { background: var(--wash); padding: .8rem;
  border: 1px solid var(--line); border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere } footer { margin-top: 3rem; color: var(--soft); font-size: .85rem }
@media print { html { font-size: 9.5pt } body { max-width: none; margin: 0; padding: 0 }
  figure, tr, li { break-inside: avoid } h1, h2 { break-after: avoid } .wide { overflow: visible }
  table { font-size: .82rem } th, td { padding-right: .5rem; white-space: normal } }
"""


def write(
    fit: Fit,
    path: str | os.PathLike[str],
    data: Any = None,
    *,
    level: float = 0.95,
    command: str | None = None,
    checkup: Checkup | None = None,
) -> None:
    """Write the report of a fit. An older report of that name is replaced; other files are not.

    Parameters
    ----------
    data : what was fitted; by default the rows that the fit has kept. Without any rows the report
        has no check-up, and says so.
    level : of the intervals.
    command : the command line that made the fit, to be shown.
    checkup : the check-up of the fit, where there is one already.
    """
    check_place(path)
    text = page(fit, data, level=level, command=command, checkup=checkup)
    with files.atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a path where no report can be written, before the work whose result it is to hold."""
    files.check_writable(path)
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(
            f"a report is an HTML file; got {os.fspath(path)!r}. Call it "
            f"{Path(path).stem or 'report'}.html, for example."
        )
    target = Path(path)
    if target.is_file() and target.stat().st_size > 0:
        with target.open("rb") as file:
            if file.read(len(MARK)) != MARK.encode():
                raise InputError(
                    f"{path} exists and is not a gausswork report, so it was not replaced. "
                    "Choose another name, or delete it first."
                )


def page(
    fit: Fit,
    data: Any = None,
    *,
    level: float = 0.95,
    command: str | None = None,
    checkup: Checkup | None = None,
    file: str | None = None,
) -> str:
    """Return the report as text; see :func:`write`.

    Parameters
    ----------
    file : name of the file that the data came from, where the fit itself does not know it, as when
        it was made in memory; the lines that make the fit again read it.
    """
    level = check_level(level)
    checkup, reason = (checkup, "") if checkup is not None else _checked(fit, data)
    title = f"{fmt.visible(fit.target)}: least squares"
    found = list(fit.findings) + list(checkup.findings if checkup is not None else ())
    parts = [
        f"<h1>{_e(title)}</h1>",
        f'<p class="soft">{_e(tables.table(fit, level=level).title)}</p>',
        _section("Equation", f'<p class="equation">{_e(equation(fit))}</p>{_digits_note(fit)}'),
        _section("Findings", _findings(found)),
        _section("Coefficients", _coefficients(fit, level)),
        _section("Picture", _figures(lambda: reportfigures.fit(fit, data, level))),
        _section("Check-up", _checkup(checkup, reason)),
        _section("Data", _data(fit)),
        _section("How to do it again", _again(fit, command, level, file)),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'{MARK}<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{_e(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n{body}\n"
        f"<footer>{_e(_signature())}</footer>\n</body></html>\n"
    )


def equation(fit: Fit) -> str:
    """Return the fitted equation with the digits that its coefficients bear."""
    terms = []
    for name, value, error, trusted in zip(
        fit.names, fit.coefficients.tolist(), fit.standard_errors.tolist(),
        fit.trusted_digits.tolist(), strict=True,
    ):  # fmt: skip
        if value != value:
            continue  # aliased
        shown = fmt.estimate(abs(value), error, trusted)
        factor = "" if name == "intercept" else f" · {fmt.visible(name)}"
        sign = "−" if value < 0 else "+"
        terms.append(f"{sign} {shown}{factor}")
    more = len(terms) - _MOST_TERMS
    if more > 1:  # one more is no longer than the remark in its place
        terms = [*terms[:_MOST_TERMS], f"+ … {more} more terms"]
    right = " ".join(terms) or "0"
    right = right[2:] if right.startswith("+ ") else right.replace("− ", "−", 1)
    return f"{fmt.visible(fit.target)} ≈ {right}"


def _digits_note(fit: Fit) -> str:
    return (
        '<p class="soft">Coefficients to four digits of their standard errors, and no digit beyond '
        "those that arithmetic has got right.</p>"
    )


def _checked(fit: Fit, data: Any) -> tuple[Checkup | None, str]:
    """Return the check-up of a fit, or why there is none."""
    if data is None and fit.source is None:
        return None, (
            "This fit was loaded, or made from a stream that has passed by: its rows are not at "
            "hand, and without them there is no check-up. Make the report with the data: "
            "fit.report(path, data)."
        )
    from gausswork.leastsquares.checkup.examination import NothingToCheckError

    try:
        return fit.check(data), ""
    except NothingToCheckError as error:
        return None, f"There is no check-up: {error}"


def _findings(found: list[Finding]) -> str:
    if not found:
        return "<p>None.</p>"
    order = {"alarm": 0, "caution": 1, "note": 2}
    found = sorted(found, key=lambda finding: order[str(finding.severity)])
    items = "".join(
        f'<li class="{_e(f.severity)}"><span class="severity">{_e(f.severity)}</span> '
        f"{_e(fmt.held(fmt.visible(f.sentence)))}"
        + (
            f'<span class="remedy">What to do: {_e(fmt.held(fmt.visible(f.remedy)))}</span>'
            if f.remedy
            else ""
        )
        + f' <code class="soft">{_e(f.code)}</code></li>'
        for f in found
    )
    return f'<ul class="findings">{items}</ul>'


def _coefficients(fit: Fit, level: float) -> str:
    shown = tables.table(fit, level=level)
    rows = [list(row) for row in shown.rows]
    if shown.left_out[0]:
        at = shown.left_out[1]
        rows.insert(at, [f"… {shown.left_out[0]:,} more terms", *[""] * (len(shown.heads) - 1)])
    notes = "".join(
        f"<li><strong>{_e(name)}</strong>: {_e(note)}</li>"
        for name, note in (*shown.notes, ("digits", tables.DIGITS_NOTE))
    )
    return f"{_table(tables.headings(shown), rows, '')}<ul>{notes}</ul>"


def _checkup(seen: Checkup | None, reason: str) -> str:
    if seen is None:
        return f"<p>{_e(reason)}</p>"
    lines = [[x.question, x.name, x.statistic, x.p, x.effect] for x in checkreport.lines(seen)]
    rows, columns = checkreport.row_table(seen), checkreport.column_table(seen)
    worst = seen.worst
    counts = (
        f"Beyond ±2 residual standard deviations lie {fmt.rows(worst.beyond_two)} "
        f"({worst.expected_beyond_two:,.0f} expected), beyond ±3 {worst.beyond_three:,} "
        f"({worst.expected_beyond_three:,.1f} expected). {checkreport.ROWS_NOTE}"
    )
    return (
        _figures(lambda: reportfigures.panel(seen))
        + _table(["question", "test", "statistic", "p", "how much"], lines, "", text=(0, 1, 2, 4))
        + f'<p class="soft">{_e(checkreport.ORDER_NOTE)}</p>'
        + _table(rows[0], rows[1:], "Rows that weigh most", text=(0, 6))
        + f'<p class="soft">{_e(counts)}</p>'
        + (_table(columns[0], columns[1:], "Columns that overlap most") if len(columns) > 1 else "")
    )


def _figures(draw: Any) -> str:
    """Return what draws figures, or say what is missing for them."""
    try:
        return "".join(f"<figure>{figure}</figure>" for figure in draw())
    except MissingPackageError as error:
        return f'<p class="soft">No figures: {_e(error)}</p>'


def _data(fit: Fit) -> str:
    said = [f"{fmt.rows(fit.tally.read or fit.rows)} read from {fmt.visible(fit.description)}"]
    if fit.tally.dropped:
        said.append(f"{fit.tally.dropped:,} left out for missing values")
    said.append(f"{fit.rows:,} fitted")
    m = fit.moments
    n = m.total_weight[0]
    with np.errstate(over="ignore", invalid="ignore"):
        means = (m.first_high / n + m.shift) / m.scale
        spread = m.second_high.diagonal() / n - (m.first_high / n) ** 2
        sds = np.sqrt(np.maximum(spread, 0.0)) / m.scale
    if n > 1:
        sds = sds * np.sqrt(n / (n - 1.0))
    names = [*m.names, m.target]
    order = [len(names) - 1, *range(min(_MOST_COLUMNS, len(names) - 1))]
    rows = [
        [
            fmt.visible(names[j], limit=60) + (" (target)" if j == len(names) - 1 else ""),
            fmt.significant(float(means[j]), 6, strip=True),
            fmt.significant(float(sds[j]), 6, strip=True),
            f"{fit.tally.missing.get(names[j], 0):,}",
        ]
        for j in order
    ]
    if len(names) - 1 > _MOST_COLUMNS:
        rows.append([f"… {len(names) - 1 - _MOST_COLUMNS:,} more", "", "", ""])
    weighted = ", weighted" if fit.weighting is not None else ""
    return f"<p>{_e('; '.join(said))}.</p>" + _table(
        ["column", f"mean{weighted}", "standard deviation", "missing"], rows, ""
    )


def _again(fit: Fit, command: str | None, level: float, file: str | None) -> str:
    parts = []
    if command is not None:
        parts.append(
            f"<p>On the command line:</p><pre><code>{_e(fmt.visible(command))}</code></pre>"
        )
    parts.append(f"<p>In Python:</p><pre><code>{_e(python_lines(fit, file))}</code></pre>")
    parts.append(
        f'<p class="soft">Solved by {"the normal equation" if fit.descent is None else "descent"}; '
        "condition number of the centred predictors "
        f"{_e(fmt.significant(fit.solution.condition_number, 3))}. {_e(_versions())}.</p>"
    )
    return "".join(parts)


def python_lines(fit: Fit, file: str | None = None) -> str:
    """Return the lines of Python that make the fit again, where the data is at hand."""
    if file is None and getattr(fit.source, "bytes_total", None) is not None:
        file = fit.description.partition(" (")[0]
    place = "data" if file is None else repr(file)
    formula = fit.design.formula
    given = []
    if formula is not None:
        given.append(repr(formula.formula.text))
    else:
        given.append(f"target={fit.target!r}")
        given.append(f"features={[column.name for column in fit.design.columns]!r}")
        if not fit.solution.intercept:
            given.append("intercept=False")
    if fit.design.weights is not None:
        kind = {"analytic": "weights", "frequency": "frequencies"}[fit.design.weights.kind]
        given.append(f"{kind}={fit.design.weights.name!r}")
    lines = ["import gausswork as gw", ""]
    if file is None:
        lines.append(f"# data: {fmt.visible(fit.description)}")
    lines += [
        f"fit = gw.fit({place}, {', '.join(given)})",
        "print(fit)",
        "print(fit.check())",
        'fit.report("report.html")',
    ]
    return "\n".join(lines)


def _table(
    heads: list[str], rows: list[list[str]], caption: str, *, text: tuple[int, ...] = (0,)
) -> str:
    def cells(row: list[str], tag: str) -> str:
        return "".join(
            f"<{tag}>{_e(cell)}</{tag}>"
            if j in text
            else f'<{tag} class="number">{_e(cell)}</{tag}>'
            for j, cell in enumerate(row)
        )

    named = f"<caption>{_e(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="wide"><table>{named}<thead><tr>{cells(heads, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_e(title)}</h2>{body}</section>" if body else ""


def _versions() -> str:
    import platform

    from gausswork import __version__

    return f"gausswork {__version__}, NumPy {np.__version__}, Python {platform.python_version()}"


def _signature() -> str:
    return f"Made by {_versions()}. This file asks the network for nothing."


def _e(value: object) -> str:
    return html.escape(str(value), quote=True)
