"""How a check-up is shown: text, an HTML fragment, a JSON document. Nothing is computed here."""

from __future__ import annotations

import html
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.plain import number, plain
from gausswork.report import WIDTH, findings_text

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.auxiliary import HypothesisTest
    from gausswork.leastsquares.checkup.examination import Checkup

MOST_ROWS = 8  # of the rows that weigh most, and of columns
ORDER_NOTE = (
    "Durbin–Watson, Breusch–Godfrey and Harvey–Collier read the rows in the order of the data: "
    "they mean something if that order does, as time or place."
)
ROWS_NOTE = (
    "Rows are counted from 0 in the data as given: row 0 is the first, in a CSV file the line "
    "below the header."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One test in words: what it asks, what it found.

    Attributes
    ----------
    question : in plain words.
    name : of the test.
    statistic, p : as texts.
    effect : how much was seen.
    """

    question: str
    name: str
    statistic: str
    p: str
    effect: str


def lines(seen: Checkup) -> list[Line]:
    """Return the tests of a check-up as texts."""
    watson, spread = seen.durbin_watson, seen.spread
    low, high = fmt.significant(spread.low_sd, 3), fmt.significant(spread.high_sd, 3)
    scatter = f"sd {low} low, {high} high fitted"
    white = "White" if seen.white_form == "products" else "White, of fitted"
    found = [
        _line("equal scatter?", "Breusch–Pagan", seen.breusch_pagan, scatter),
        _line("", "Koenker", seen.koenker, _errors(seen)),
        _line("", white, seen.white, ""),
        Line(
            "independent rows?",
            "Durbin–Watson",
            f"d = {fmt.significant(watson.statistic, 4)}",
            fmt.p_value(watson.p_value),
            f"correlation with row before {_signed(watson.autocorrelation)}",
        ),
        _line("", f"Breusch–Godfrey ({seen.lags})", seen.breusch_godfrey, ""),
        _line("straight?", "RESET", seen.reset, f"a curve explains {_percent(seen.reset_share)}"),
        _line(
            "",
            "Harvey–Collier",
            seen.harvey_collier,
            f"mean error ahead {_signed(seen.recursive_mean)} sd",
        ),
    ]
    shape = f"skewness {_signed(spread.skewness)}, kurtosis {fmt.significant(spread.kurtosis, 3)}"
    name, statistic, p = "", "", math.nan
    if seen.normality is not None:
        leading = seen.normality.tests[seen.normality.leading]
        name = "–".join(part.capitalize() for part in seen.normality.leading.split("-"))
        statistic, p = fmt.significant(leading.statistic, 4), leading.p_value
    found.append(Line("bell-shaped?", name, statistic, fmt.p_value(p), shape))
    outside = f"{_percent(spread.outside)} outside the 95 % band"
    found.append(Line("", "", "", "", outside))
    return found


def _line(question: str, name: str, test: HypothesisTest, effect: str) -> Line:
    value = fmt.significant(test.statistic, 4)
    if test.denominator_df:
        said = f"F({test.df:,}, {test.denominator_df:,}) = {value}"
    elif name.startswith("Harvey"):
        said = f"t({test.df:,}) = {value}"
    else:
        said = f"χ²({test.df:,}) = {value}"
    return Line(question, name, said, fmt.p_value(test.p_value), effect)


def _errors(seen: Checkup) -> str:
    ratios = [
        robust / usual
        for robust, usual in zip(
            seen.robust_standard_errors.tolist(), seen.standard_errors.tolist(), strict=True
        )
        if math.isfinite(robust) and usual > 0.0
    ]
    if not ratios:
        return ""
    return f"robust errors × {min(ratios):.2f} to {max(ratios):.2f}"


def _signed(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:+.2f}"


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{100.0 * share:.1f} %"


def title(seen: Checkup) -> str:
    """Return one line that says what was checked."""
    return (
        f"Check-up of {fmt.visible(seen.target)}: {fmt.rows(seen.rows)}, {seen.rank:,} "
        f"coefficient{'s' if seen.rank != 1 else ''}"
    )


def row_table(seen: Checkup) -> list[list[str]]:
    """Return the rows that weigh most as texts, the heads first."""
    rows = seen.worst.rows
    terms = fmt.distinct(rows.names, 24)
    table = [["row", "residual", "studentised", "leverage", "Cook's D", "DFFITS", "moves most"]]
    for i in range(min(MOST_ROWS, len(rows))):
        moved = rows.dfbetas[i]
        most = ""
        if len(moved) and not all(map(math.isnan, moved.tolist())):
            j = max(range(len(moved)), key=lambda j: abs(moved[j]))
            most = f"{terms[j]} {_signed(float(moved[j]))} se"
        values = (rows.residual, rows.studentized, rows.leverage, rows.cooks_distance, rows.dffits)
        cells = [fmt.significant(float(v[i]), 3) for v in values]
        table.append([fmt.visible(seen.label(int(rows.row[i])), limit=24), *cells, most])
    return table


def column_table(seen: Checkup) -> list[list[str]]:
    """Return variance inflation by column as texts, the largest first, the heads first."""
    known = seen.collinearity
    names = fmt.distinct(known.columns, 40)
    table = [["column", "variance inflation", "standard errors"]]
    order = sorted(range(len(known.columns)), key=lambda j: -float(known.generalized[j]))
    for j in order[:MOST_ROWS]:
        value, df = float(known.generalized[j]), max(int(known.generalized_df[j]), 1)
        table.append(
            [
                names[j],
                fmt.significant(value, 4)
                + (f" ({df} coefficients)" if known.generalized_df[j] > 1 else ""),
                f"× {fmt.significant(value ** (0.5 / df), 3)}",
            ]
        )
    return table


def text(seen: Checkup, *, width: int = WIDTH) -> str:
    """Return the check-up as plain text: what matters first, the numbers below it."""
    parts = [title(seen), ""]
    parts += findings_text(seen.findings, width=width)
    table = [["question", "test", "statistic", "p", "how much"]]
    table += [[x.question, x.name, x.statistic, x.p, x.effect] for x in lines(seen)]
    parts += ["", *_grid(table, left=(0, 1, 2, 4), width=width)]
    parts += fmt.wrap(ORDER_NOTE, width)
    worst = seen.worst
    parts += ["", "Rows that weigh most", *_grid(row_table(seen), left=(0, 6), width=width)]
    parts += fmt.wrap(
        f"Beyond ±2 residual sd: {fmt.rows(worst.beyond_two)} (expected "
        f"{worst.expected_beyond_two:,.0f}); beyond ±3: {worst.beyond_three:,} (expected "
        f"{worst.expected_beyond_three:,.1f}). Leverage above twice the average: "
        f"{worst.high_leverage:,}. {ROWS_NOTE}",
        width,
    )
    parts += fmt.wrap(
        f"Predicted from all other rows, R² is {_share(seen.predicted_r_squared)} (PRESS "
        f"{fmt.significant(seen.press, 5)}).",
        width,
    )
    if seen.collinearity.columns:
        largest = float(seen.collinearity.condition_indexes[-1])
        parts += ["", "Columns that overlap most", *_grid(column_table(seen), width=width)]
        parts += fmt.wrap(
            f"Largest condition index {fmt.significant(largest, 3)}, the intercept counted in.",
            width,
        )
    return "\n".join(parts)


def _share(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4f}"


def _grid(table: list[list[str]], *, left: tuple[int, ...] = (0,), width: int) -> list[str]:
    widths = [max(map(fmt.cell_width, column)) for column in zip(*table, strict=True)]
    rows = []
    for row in table:
        cells = [fmt.pad(cell, widths[j], left=j not in left) for j, cell in enumerate(row)]
        rows.append("  ".join(cells).rstrip())
    rule = "─" * min(width, max(map(fmt.cell_width, rows)))
    return [rows[0], rule, *rows[1:], rule]


def printable(seen: Checkup) -> str:
    """Return the text with signs that standard output can write."""
    return fmt.for_encoding(text(seen), getattr(sys.stdout, "encoding", None))


def html_fragment(seen: Checkup) -> str:
    """Return the check-up as HTML; every text from the data is escaped."""
    said = "".join(
        f'<li class="{_escaped(f.severity)}"><strong>{_escaped(f.severity)}</strong> '
        f"<code>{_escaped(f.code)}</code> {_escaped(fmt.visible(f.sentence))}"
        + (f" <em>{_escaped(fmt.visible(f.remedy))}</em>" if f.remedy else "")
        + "</li>"
        for f in seen.findings
    )
    table = [["question", "test", "statistic", "p", "how much"]]
    table += [[x.question, x.name, x.statistic, x.p, x.effect] for x in lines(seen)]
    return (
        '<div class="gausswork-checkup">'
        f"<ul>{said}</ul>"
        + html_table(table, title(seen), left=(0, 1, 2, 4))
        + f"<p>{_escaped(ORDER_NOTE)}</p>"
        + html_table(row_table(seen), "Rows that weigh most, counted from 0", left=(0, 6))
        + f"<p>{_escaped(ROWS_NOTE)}</p>"
        + (
            html_table(column_table(seen), "Columns that overlap most")
            if seen.collinearity.columns
            else ""
        )
        + "</div>"
    )


def html_table(table: list[list[str]], caption: str, *, left: tuple[int, ...] = (0,)) -> str:
    """Return texts as a table, the first row its heads; numbers to the right."""
    right = ' style="text-align:right"'

    def cells(row: list[str], tag: str) -> str:
        return "".join(
            f"<{tag}{'' if j in left else right}>{_escaped(cell)}</{tag}>"
            for j, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table[1:])
    return (
        f"<table><caption>{_escaped(caption)}</caption>"
        f"<thead><tr>{cells(table[0], 'th')}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _escaped(value: object) -> str:
    return html.escape(str(value), quote=True)


def document(seen: Checkup) -> dict[str, Any]:
    """Return everything but the sample as plain data for JSON; undefined numbers are None."""
    watson, known, worst = seen.durbin_watson, seen.collinearity, seen.worst
    rows = worst.rows
    listed = []
    for i in range(len(rows)):
        one: dict[str, Any] = {"row": int(rows.row[i]), "label": seen.label(int(rows.row[i]))}
        for name, column in rows.to_dict().items():
            if name != "row" and not name.startswith("dfbetas["):
                one[name] = number(float(column[i]))
        one["dfbetas"] = {
            term: number(float(v)) for term, v in zip(rows.names, rows.dfbetas[i], strict=True)
        }
        listed.append(one)
    return {
        "target": seen.target,
        "rows": seen.rows,
        "rank": seen.rank,
        "degrees_of_freedom": seen.degrees_of_freedom,
        "findings": [plain(finding.to_dict()) for finding in seen.findings],
        "normality": plain(seen.normality.to_dict()) if seen.normality is not None else None,
        "spread": {
            "low_sd": number(seen.spread.low_sd),
            "high_sd": number(seen.spread.high_sd),
            "skewness": number(seen.spread.skewness),
            "kurtosis": number(seen.spread.kurtosis),
            "outside_95_percent": number(seen.spread.outside),
        },
        "breusch_pagan": _test(seen.breusch_pagan),
        "koenker": _test(seen.koenker),
        "white": _test(seen.white) | {"form": seen.white_form},
        "white_f": _test(seen.white_f),
        "durbin_watson": {
            "statistic": number(watson.statistic),
            "autocorrelation": number(watson.autocorrelation),
            "p": number(watson.p_value),
        },
        "breusch_godfrey": _test(seen.breusch_godfrey) | {"lags": seen.lags},
        "breusch_godfrey_f": _test(seen.breusch_godfrey_f) | {"lags": seen.lags},
        "reset": _test(seen.reset) | {"share": number(seen.reset_share)},
        "harvey_collier": _test(seen.harvey_collier) | {"mean": number(seen.recursive_mean)},
        "variance_inflation": {
            name: number(float(v))
            for name, v in zip(known.names, known.variance_inflation, strict=True)
        },
        "generalized_variance_inflation": {
            name: {"value": number(float(v)), "df": int(df)}
            for name, v, df in zip(
                known.columns, known.generalized, known.generalized_df, strict=True
            )
        },
        "condition_indexes": [
            {
                "index": number(float(index)),
                "variance_proportions": {
                    term: number(float(v)) for term, v in zip(known.terms, shares, strict=True)
                },
            }
            for index, shares in zip(
                known.condition_indexes, known.variance_proportions, strict=True
            )
        ],
        "worst_rows": listed,
        "counts": {
            "beyond_two": worst.beyond_two,
            "beyond_three": worst.beyond_three,
            "expected_beyond_two": number(worst.expected_beyond_two),
            "expected_beyond_three": number(worst.expected_beyond_three),
            "high_leverage": worst.high_leverage,
            "far": worst.far,
            "moving": worst.moving,
            "cook_limit": number(worst.cook_limit),
            "shifting": worst.shifting,
            "dfbetas_limit": number(worst.dfbetas_limit),
            "alone": worst.alone,
        },
        "press": number(seen.press),
        "predicted_r_squared": number(seen.predicted_r_squared),
        "robust_standard_errors": {
            name: number(float(v))
            for name, v in zip(seen.terms, seen.robust_standard_errors, strict=True)
        },
    }


def _test(test: HypothesisTest) -> dict[str, Any]:
    found: dict[str, Any] = {"statistic": number(test.statistic), "df": test.df}
    if test.denominator_df:
        found["denominator_df"] = test.denominator_df
    return found | {"p": number(test.p_value)}
