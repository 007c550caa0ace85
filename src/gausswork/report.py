"""How a fit is shown: a text table for papers and terminals, an HTML fragment, a JSON document.

All three say the same; none computes anything but the text of a number.
"""

from __future__ import annotations

import html
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.descending import document as descent_document
from gausswork.descending import words
from gausswork.findings import Finding
from gausswork.leastsquares.inference import check_level
from gausswork.plain import number, plain

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

WIDTH = 100
_MOST_ROWS = 60  # of the printed table; the JSON document has them all
_TAIL_ROWS = 5
_FEW = 4  # more than these: to name them costs little more than to say that they are missing
_NAME_WIDTH = 60  # a longer name goes on in the next line
_NUMBER_COLUMNS = ("estimate", "std. error", "t", "p", "lower", "upper", "digits")
DIGITS_NOTE = (
    "correct significant digits of the estimate as arithmetic goes, by an error bound "
    "(a probabilistic one); no digit beyond them is shown."
)
_R_SQUARED = {
    "centred": "share of the squares about the mean explained",
    "uncentred": "share of the squares about zero explained; not comparable with an intercept's",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A fit in words and number texts, ready for any renderer.

    Attributes
    ----------
    title : one line.
    interval : heading over the two limits: ``"95 % interval"``.
    rows : one tuple per term: name, then the texts under ``heads``.
    notes : (label, text) lines under the table.
    findings : what the fit has to say.
    left_out : number of middle rows not among ``rows``, and after how many rows they belong.
    """

    title: str
    interval: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    left_out: tuple[int, int] = (0, 0)
    digits: str = DIGITS_NOTE

    heads = ("term", *_NUMBER_COLUMNS)


def table(fit: Fit, *, level: float = 0.95) -> Table:
    """Return the fit as texts."""
    level = check_level(level)
    rows = _rows(fit, level)
    left_out = (0, 0)
    if len(rows) > _MOST_ROWS + _FEW:
        head = _MOST_ROWS - _TAIL_ROWS
        left_out = (len(rows) - _MOST_ROWS, head)
        rows = rows[:head] + rows[-_TAIL_ROWS:]
    intercept = "" if fit.solution.intercept else " through the origin"
    descent = fit.descent
    how = "least squares" if descent is None else words.title(descent)
    count = fmt.rows(fit.rows)
    by = ""
    if fit.weights is not None:
        weighed = "counted" if fit.weighting == "frequency" else "weighted"
        by = f" {weighed} by {fmt.visible(fit.weights)}"
    if fit.solution.ridge:
        intercept = f" with a ridge penalty of {fit.solution.ridge:g}{intercept}"
    title = f"{fmt.visible(fit.target)}: {how}{intercept}, {count}{by}"
    if fit.description:
        title += f" of {fmt.visible(fit.description)}"
    return Table(
        title=title,
        interval=f"{fmt.percent(level)} interval",
        rows=tuple(rows),
        notes=tuple(_notes(fit)),
        findings=fit.findings,
        left_out=left_out,
        digits=DIGITS_NOTE if descent is None else words.DIGITS_NOTE,
    )


def _rows(fit: Fit, level: float) -> list[tuple[str, ...]]:
    intervals = fit.confidence_intervals(level)
    t_values, p_values = fit.t_values, fit.p_values
    rows: list[tuple[str, ...]] = []
    for i, name in enumerate(fit.names):
        value, error = float(fit.coefficients[i]), float(fit.standard_errors[i])
        trusted = float(fit.trusted_digits[i])
        lower, upper = fmt.interval_limits(
            float(intervals[i, 0]), float(intervals[i, 1]), value, error, trusted
        )
        rows.append(
            (
                fmt.visible(name),
                fmt.estimate(value, error, trusted)
                if fit.descent is None
                else words.estimate(value, error, trusted),
                fmt.standard_error(error, float(fit.standard_error_digits[i])),
                fmt.t_value(float(t_values[i])),
                fmt.p_value(float(p_values[i])),
                lower,
                upper,
                "—" if math.isnan(trusted) else str(int(trusted)),
            )
        )
    return rows


def _notes(fit: Fit) -> list[tuple[str, str]]:
    freedom, test = fit.degrees_of_freedom, fit.f_test
    on = f"{freedom:,} degree{'s' if freedom != 1 else ''} of freedom"
    if fit.solution.ridge:
        on = f"{fmt.significant(fit.rows - fit.effective_rank, 5)} effective degrees of freedom"
    notes = [] if fit.descent is None else words.notes(fit.descent)
    notes += [
        ("residual sd", f"{fmt.significant(fit.residual_sd, 5)} on {on}"),
        ("R²", _explained(fit)),
    ]
    if test.numerator_df > 0 and fit.solution.minimal and not fit.solution.ridge:
        p = fmt.p_value(test.p_value)
        against = "the mean alone" if fit.solution.intercept else "zero"
        notes.append(
            (
                "F",
                f"{fmt.t_value(test.statistic)} on {test.numerator_df:,} and "
                f"{max(test.denominator_df, 0):,} degrees of freedom, "
                f"p {p if p[0] in '<—' else f'= {p}'}, against {against}",
            )
        )
    if fit.solution.minimal:
        notes.append(
            (
                "log-likelihood",
                f"{fmt.criterion(fit.log_likelihood)}, AIC {fmt.criterion(fit.aic)}, "
                f"BIC {fmt.criterion(fit.bic)} (counting the residual variance)",
            )
        )
    if fit.tally.dropped:
        by_column = ", ".join(
            f"{fmt.visible(name)} {count:,}" for name, count in fit.tally.missing.items()
        )
        notes.append(
            (
                "left out",
                f"{fmt.share_has(fit.tally.dropped, fit.tally.read)} missing values ({by_column})",
            )
        )
    if fit.references:
        levels = ", ".join(
            f"{fmt.visible(column)} = {fmt.visible(level)}"
            for column, level in fit.references.items()
        )
        notes.append(("reference", levels))
    label = "aliased" if fit.descent is None else "flat"
    notes += [(label, fmt.visible(d.sentence())) for d in fit.solution.dependencies]
    return notes


def _explained(fit: Fit) -> str:
    if math.isnan(fit.r_squared):
        return "undefined: the target has no spread"
    adjusted = _share(fit.adjusted_r_squared)
    return f"{_share(fit.r_squared)} ({_R_SQUARED[fit.r_squared_definition]}), adjusted {adjusted}"


def _share(value: float) -> str:
    """Return R² without rounding 0.99999 to 1."""
    if math.isnan(value):
        return "undefined"
    if value < -1e4:
        return fmt.significant(value, 3)
    if 0.9995 <= value < 1.0:
        return f"1 − {fmt.significant(1.0 - value, 2)}"
    return fmt.significant(value, 4) if value and abs(value) < 0.001 else f"{value:.4f}"


def text(fit: Fit, *, level: float = 0.95, width: int | None = None) -> str:
    """Return the table as plain text, the findings below it.

    Names stay whole: those too long for a ``width`` go on in the next line, and without one the
    table is as wide as it needs to be.
    """
    least = _NAME_WIDTH if width is None else 8
    width = WIDTH if width is None else width
    shown = table(fit, level=level)
    columns = aligned_columns(shown)[1:]
    heads = list(shown.heads)
    widths = [max(fmt.cell_width(heads[j + 1]), *map(fmt.cell_width, c or [""]))
              for j, c in enumerate(columns)]  # fmt: skip
    both = widths[4] + widths[5] + 2
    if fmt.cell_width(shown.interval) > both:
        widths[4] += fmt.cell_width(shown.interval) - both
    room = max(width - sum(widths) - 2 * len(widths), least)
    names = [fmt.folded(row[0], room) for row in shown.rows]
    term = max([4, *(fmt.cell_width(part) for parts in names for part in parts)])
    whole = term + sum(widths) + 2 * len(widths)

    def line(name: str, cells: list[str]) -> str:
        padded = [fmt.pad(cell, w, left=True) for cell, w in zip(cells, widths, strict=True)]
        return "  ".join((fmt.pad(name, term), *padded)).rstrip()

    above = sum(widths[:4]) + 2 * 4 + term + 2
    over = shown.interval.center(widths[4] + widths[5] + 2)
    lines = [*fmt.wrap(shown.title, width), "", (" " * above + over).rstrip()]
    lines += [line(heads[0], heads[1:]), "─" * whole]
    for i, (name, *further) in enumerate(names):
        if shown.left_out[0] and i == shown.left_out[1]:
            lines.append(f"… {shown.left_out[0]:,} more terms; to_dict() and --json have them all")
        lines += [line(name, [column[i] for column in columns]), *further]
    lines.append("─" * whole)
    label = max(len(name) for name, _ in shown.notes) + 2
    for name, note in (*shown.notes, ("digits", shown.digits)):
        lines += fmt.wrap(note, width, first=fmt.pad(name, label), further=" " * label)
    if shown.findings:
        lines += ["", *findings_text(shown.findings, width=width)]
    return "\n".join(lines)


def findings_text(findings: tuple[Finding, ...], *, width: int = WIDTH) -> list[str]:
    """Return findings as lines: what was seen, then what to do about it."""
    lines: list[str] = []
    for finding in findings:
        head = f"{finding.severity} ({finding.code}): "
        lines += fmt.wrap(head + fmt.visible(str(finding)), width, further="    ")
    return lines


def aligned_columns(shown: Table) -> list[list[str]]:
    """Return the columns of a table; the numbers of each line up at their decimal points."""
    return [
        _aligned([row[j] for row in shown.rows]) if j else [row[0] for row in shown.rows]
        for j in range(len(shown.heads))
    ]


def _aligned(cells: list[str]) -> list[str]:
    """Line numbers up at their decimal points."""
    parts = []
    for cell in cells:
        whole, point, rest = cell.partition(".")
        if not point and "e" in cell:
            whole, mark, power = cell.partition("e")
            rest = mark + power
        parts.append((whole, point + rest))
    tail = max((fmt.cell_width(rest) for _, rest in parts), default=0)
    return [whole + fmt.pad(rest, tail) for whole, rest in parts]


def html_fragment(fit: Fit, *, level: float = 0.95) -> str:
    """Return the table as HTML for notebooks; every text from the data is escaped."""
    shown = table(fit, level=level)
    number = ' style="text-align:right"'
    heads = [f'<th scope="col"{number if j else ""}>{_escaped(h)}</th>'
             for j, h in enumerate(headings(shown))]  # fmt: skip
    body = []
    for i, row in enumerate(shown.rows):
        if shown.left_out[0] and i == shown.left_out[1]:
            body.append(
                f'<tr><td colspan="{len(row)}">… {shown.left_out[0]:,} more terms; '
                "to_dict() has them all</td></tr>"
            )
        cells = "".join(f"<td{number}>{_escaped(cell)}</td>" for cell in row[1:])
        body.append(
            f'<tr><th scope="row" style="text-align:left">{_escaped(row[0])}</th>{cells}</tr>'
        )
    notes = "".join(
        f"<li><strong>{_escaped(name)}</strong> {_escaped(note)}</li>" for name, note in shown.notes
    )
    said = "".join(
        f"<li><strong>{_escaped(f.severity)}</strong> <code>{_escaped(f.code)}</code> "
        f"{_escaped(fmt.visible(str(f)))}</li>"
        for f in shown.findings
    )
    return (
        '<div class="gausswork-fit">'
        f"<table><caption>{_escaped(shown.title)}</caption>"
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<ul>{notes}<li><strong>digits</strong> {_escaped(shown.digits)}</li></ul>"
        + (f"<p>Findings</p><ul>{said}</ul>" if said else "")
        + "</div>"
    )


def headings(shown: Table) -> list[str]:
    """Return the heads of the columns with the level at the limits."""
    level = shown.interval.removesuffix(" interval")
    named = {"lower": f"lower {level}", "upper": f"upper {level}"}
    return [named.get(head, head) for head in shown.heads]


def _escaped(text: object) -> str:
    return html.escape(str(text), quote=True)


def document(fit: Fit, *, level: float = 0.95) -> dict[str, Any]:
    """Return everything that the fit knows as plain data for JSON; undefined numbers are None."""
    level = check_level(level)
    solution, test = fit.solution, fit.f_test
    intervals = fit.confidence_intervals(level)
    columns = {
        "estimate": fit.coefficients,
        "standard_error": fit.standard_errors,
        "t": fit.t_values,
        "p": fit.p_values,
        "lower": intervals[:, 0],
        "upper": intervals[:, 1],
        "trusted_digits": fit.trusted_digits,
        "standard_error_digits": fit.standard_error_digits,
        "data_digits": fit.data_digits,
    }
    aliased = {d.column: d for d in solution.dependencies}
    terms = []
    for i, name in enumerate(fit.names):
        term: dict[str, Any] = {"name": name}
        term |= {key: number(float(values[i])) for key, values in columns.items()}
        term["aliased"] = aliased[name].sentence() if name in aliased else None
        terms.append(term)
    return {
        "target": fit.target,
        "source": fit.description,
        "method": fit.method.to_dict(),
        "intercept": solution.intercept,
        "level": level,
        "terms": terms,
        "covariance": [[number(float(v)) for v in row] for row in fit.covariance],
        "weights": fit.design.weights.to_dict() if fit.design.weights else None,
        "rows": fit.rows,
        "rows_read": fit.tally.read,
        "rows_dropped": fit.tally.dropped,
        "missing": dict(fit.tally.missing),
        "references": fit.references,
        "rank": fit.rank,
        "effective_rank": number(fit.effective_rank),
        "degrees_of_freedom": fit.degrees_of_freedom,
        "dropped": list(fit.dropped),
        "residual_sd": number(fit.residual_sd),
        "residual_sum_of_squares": number(solution.residual_sum_of_squares),
        "total_sum_of_squares": number(solution.total_sum_of_squares),
        "r_squared": number(fit.r_squared),
        "r_squared_definition": fit.r_squared_definition,
        "adjusted_r_squared": number(fit.adjusted_r_squared),
        "f_test": {
            "statistic": number(test.statistic),
            "numerator_df": test.numerator_df,
            "denominator_df": test.denominator_df,
            "p": number(test.p_value),
        },
        "log_likelihood": number(fit.log_likelihood),
        "aic": number(fit.aic),
        "bic": number(fit.bic),
        "condition_number": number(solution.condition_number),
        "tier": solution.tier,
        "passes": solution.passes,
        "descent": None if fit.descent is None else descent_document.document(fit.descent),
        "findings": [plain(finding.to_dict()) for finding in fit.findings],
    }


def printable(fit: Fit) -> str:
    """Return the table with signs that standard output can write."""
    return fmt.for_encoding(text(fit), getattr(sys.stdout, "encoding", None))
