"""What a comparison with a bell says: findings, a verdict, a table, plain data."""

from __future__ import annotations

import html as escaping
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.findings import Finding, Severity
from gausswork.normal.shape import BELL_L_KURTOSIS, Effect, Shape
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.normal.normality import Normality

_ADVERB = {Effect.SLIGHT: "slightly ", Effect.CLEAR: "clearly ", Effect.STRONG: "strongly "}
_FEW = 50
_MANY = 20_000  # values: a significant result says little
_SPIKE = 0.05  # share of one value that is no accident of rounding


def findings_of(
    shape: Shape, p_value: float, mean: float, sd: float, missing: int, spread: bool
) -> tuple[Finding, ...]:
    """Return what is worth saying about a shape: its departures first, then how it was judged.

    Parameters
    ----------
    p_value : of the leading test; skewness and tails are spoken of only where chance is excluded.
    mean, sd : to say places in the unit of the data.
    missing, spread : as in :class:`~gausswork.normal.normality.Normality`.
    """
    found = list(_departures(shape, mean, sd, significant=p_value <= 0.05))
    n = shape.count
    if missing:
        found.append(
            Finding(
                "values-missing",
                Severity.NOTE,
                f"{missing:,} of {n + missing:,} entries have no value and are left out.",
                "Ask why they are missing: if large values are missing more often than small "
                "ones, what is left has another shape.",
                {"missing": missing, "entries": n + missing},
            )
        )
    if spread:
        found.append(
            Finding(
                "rounded-values",
                Severity.NOTE,
                f"The values are rounded to steps of about {shape.ties.step * sd:.3g} "
                f"({shape.ties.distinct:,} different ones among {n:,}), which the tests would "
                "take for a departure. They judge the values spread over their steps instead.",
                "",
                {"step": shape.ties.step * sd, "distinct": shape.ties.distinct},
            )
        )
    if n < _FEW and p_value > 0.05:
        found.append(
            Finding(
                "few-values",
                Severity.NOTE,
                f"{n} values are few: of samples of 20 from an exponential law, which is nothing "
                "like a bell, 1 in 6 passes the test, of samples of 10 more than half.",
                "Look at the Q-Q plot, and collect more values where the shape matters.",
                {"count": n},
            )
        )
    if n >= _MANY and p_value <= 0.05 and shape.effect in (Effect.NONE, Effect.SLIGHT):
        found.append(
            Finding(
                "many-values",
                Severity.NOTE,
                f"With {n:,} values the smallest departure is significant. The p-value says that "
                "there is one, not that it matters.",
                "Judge by the effect sizes and the Q-Q plot.",
                {"count": n, "p_value": p_value},
            )
        )
    return tuple(found)


_OF_SHAPE = frozenset({"skewed", "heavy-tails", "light-tails", "two-peaks"})


def findings_with_rest(whole: tuple[Finding, ...], rest: Normality) -> tuple[Finding, ...]:
    """Say of the rest what the values far from it would otherwise be blamed for.

    Parameters
    ----------
    whole : findings of all values.
    rest : the comparison without those that stand apart.
    """
    far = [f for f in whole if f.code == "far-values"]
    others = [f for f in whole if f.code not in _OF_SHAPE and f.code != "far-values"]
    return (*far, *(f for f in rest.findings if f.code in _OF_SHAPE), *others)


def _departures(shape: Shape, mean: float, sd: float, *, significant: bool) -> Iterator[Finding]:
    n, coincide = shape.count, shape.ties
    if coincide.distinct < 6 and coincide.distinct < n:
        yield Finding(
            "few-levels",
            Severity.CAUTION,
            f"There are only {coincide.distinct} different values among {n:,}: counts, marks or "
            "categories. A bell is continuous.",
            "Compare counts or shares instead of asking for a bell.",
            {"distinct": coincide.distinct},
        )
    elif n >= 20 and coincide.largest > max(_SPIKE, 3.0 * coincide.step * 0.4, 2.5 / n):
        value = mean + sd * coincide.commonest
        yield Finding(
            "repeated-value",
            Severity.CAUTION,
            f"{fmt.percent(round(coincide.largest, 3))} of the values are {_of(value)}, far more "
            "than their neighbours.",
            "Does it stand for something else, such as not measured, censored or zero?",
            {"value": value, "share": coincide.largest},
        )
    if shape.outlying is not None:
        yield _outlying(shape, sd)
    if not significant:
        return
    if shape.peaks is not None:
        left, right = (mean + sd * at for at in (shape.peaks.left, shape.peaks.right))
        yield Finding(
            "two-peaks",
            Severity.CAUTION,
            f"There are two peaks, near {_of(left)} and {_of(right)}, with a valley of "
            f"{fmt.percent(round(shape.peaks.depth, 2))} of the lower peak between them.",
            "Are there two groups in it? Look at them apart.",
            {"left": left, "right": right, "depth": shape.peaks.depth},
        )
    if shape.skewness_effect is not Effect.NONE:
        side = "right" if shape.l_skewness > 0.0 else "left"
        yield Finding(
            "skewed",
            Severity.NOTE,
            f"It is {_ADVERB[shape.skewness_effect]}skewed to the {side}: L-skewness "
            f"{shape.l_skewness:+.3f}, where a bell has 0 and an exponential law 0.333.",
            "Positive values that are skewed to the right often become bell-shaped in logarithms."
            if side == "right"
            else "",
            {"l_skewness": shape.l_skewness, "skewness": shape.skewness},
        )
    if shape.tail_effect is not Effect.NONE:
        yield _tails(shape)


def _tails(shape: Shape) -> Finding:
    seen = (
        f"L-kurtosis {shape.l_kurtosis:.3f}, where a bell has 0.123; "
        f"{_share(shape.beyond_2)} of the values lie beyond 2 sd and {_share(shape.beyond_3)} "
        "beyond 3 sd, of a bell 4.6 % and 0.27 %."
    )
    evidence = {"l_kurtosis": shape.l_kurtosis, "excess_kurtosis": shape.excess_kurtosis}
    adverb = _ADVERB[shape.tail_effect].strip()
    if shape.l_kurtosis > BELL_L_KURTOSIS:
        return Finding(
            "heavy-tails",
            Severity.NOTE,
            f"The tails are {adverb} heavier than a bell's: {seen}",
            "Means and standard deviations vary more than they seem to; the median and robust "
            "methods do not.",
            evidence,
        )
    return Finding(
        "light-tails",
        Severity.NOTE,
        f"The tails are {adverb} lighter than a bell's: {seen}",
        "",
        evidence,
    )


def _outlying(shape: Shape, sd: float) -> Finding:
    far = shape.outlying
    assert far is not None
    one = far.count == 1
    return Finding(
        "far-values",
        Severity.CAUTION,
        f"{far.count:,} {'value stands' if one else 'values stand'} apart from the rest, up to "
        f"{far.farthest:.3g} robust standard deviations from the median; in 99 of 100 samples of "
        f"{shape.count:,} from a bell none is beyond {far.limit:.1f}.",
        "Look at them with gausswork.outliers: errors of recording are corrected, real values are "
        "kept and reported.",
        {"low": far.low, "high": far.high, "farthest": far.farthest, "limit": far.limit},
    )


_PHRASES = {
    "few-levels": "few different values",
    "repeated-value": "one value repeated",
    "far-values": "values far from the rest",
    "two-peaks": "two peaks",
}


def ways(found: Normality) -> list[str]:
    """Return in a few words each how the shape departs from a bell."""
    said = []
    shape = found.shape if found.rest is None else found.rest.shape
    for finding in found.findings:
        if finding.code in _PHRASES:
            said.append(_PHRASES[finding.code])
        elif finding.code == "skewed":
            side = "right" if shape.l_skewness > 0.0 else "left"
            said.append(f"{_ADVERB[shape.skewness_effect]}skewed to the {side}")
        elif finding.code in ("heavy-tails", "light-tails"):
            kind = finding.code.partition("-")[0]
            said.append(f"{_ADVERB[shape.tail_effect]}{kind} tails")
    return said


def verdict(found: Normality) -> str:
    """Say in a sentence or two how far from a bell, in which way, and what the test says."""
    shape, n = found.shape, found.count
    name = fmt.visible(found.name, limit=60)
    name = name[:1].upper() + name[1:] if name.startswith("the ") else name
    off = (
        f"The share of values below a point is off the bell's by up to "
        f"{_points(shape.distance)} (by chance {_points(shape.distance_by_chance, bare=True)})"
    )
    test = f"{found.tests[found.leading].name}: p {_p(found.p_value)}, {n:,} values"
    how = "; ".join(ways(found))
    if found.rest is not None:
        rest = found.rest
        alike = {
            "bell-shaped": "a bell",
            "nearly bell-shaped": "nearly a bell",
            "undecided": "nothing against a bell",
        }.get(str(rest.conclusion), "no bell either")
        test += f"; without the values far from the rest: {alike}, p {_p(rest.p_value)}"
    conclusion = str(found.conclusion)
    if conclusion == "not bell-shaped":
        return f"{name} is not bell-shaped{f': {how}' if how else ''}. {off}. {test}."
    if conclusion == "nearly bell-shaped":
        return (
            f"{name} is nearly bell-shaped{f': {how}' if how else ''}. {off}. {test}: the "
            "departure is more than chance likely makes, and it is small."
        )
    but = f" ({how})" if how else ""
    if conclusion == "bell-shaped":
        return f"{name} is bell-shaped{but}, as far as {n:,} values can tell. {off}. {test}."
    inside = f"the{name[3:]}" if name.startswith("The ") else name
    return (
        f"Nothing speaks against a bell in {inside}{but}, but {n} values can show gross "
        f"departures only. {off}. {test}."
    )


def text(found: Normality) -> str:
    """Return the comparison as a table with its verdict and findings."""
    shape = found.shape
    name = fmt.visible(found.name, limit=60)
    lines = [
        f"{name}: {found.count:,} values, mean {_of(found.mean)}, sd {_of(found.sd)}",
        "",
        *fmt.wrap(found.verdict, 88),
        "",
    ]
    rows = [("", "sample", "bell", "a bell's sample")]
    rows += [(what, seen, bell, chance) for what, seen, bell, chance in _effects(shape)]
    lines += _columns(rows)
    lines.append("")
    tests = [("test", "statistic", "p", "")]
    for key, test in found.tests.items():
        role = "decides" if key == found.leading else ""
        tests.append(
            (test.name, fmt.significant(test.statistic, 5), fmt.p_value(test.p_value), role)
        )
    lines += _columns(tests)
    for finding in found.findings:
        said = f"{finding.severity} ({finding.code}): {finding}"
        lines += ["", *fmt.wrap(fmt.visible(said), 88, further="    ")]
    return "\n".join(line.rstrip() for line in lines)


def _effects(shape: Shape) -> Iterator[tuple[str, str, str, str]]:
    yield (
        "largest difference of shares",
        _points(shape.distance, bare=True),
        "0",
        f"about {_points(shape.distance_by_chance)}",
    )
    yield (
        "Q-Q points off the line",
        f"{shape.quantile_gap:.3f} sd",
        "0",
        f"about {shape.quantile_gap_by_chance:.3f} sd",
    )
    yield (
        "L-skewness",
        f"{shape.l_skewness:+.3f}",
        "0",
        f"± {shape.l_skewness_error:.3f}",
    )
    if not math.isnan(shape.l_kurtosis):
        yield (
            "L-kurtosis",
            f"{shape.l_kurtosis:.3f}",
            f"{BELL_L_KURTOSIS:.3f}",
            f"± {shape.l_kurtosis_error:.3f}",
        )
    for what, seen, share in (
        ("beyond 2 sd", shape.beyond_2, 0.04550026),
        ("beyond 3 sd", shape.beyond_3, 0.002699796),
    ):
        error = math.sqrt(share * (1.0 - share) / shape.count)
        yield what, _share(seen), _share(share), f"± {100 * error:.2g} points"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(fmt.cell_width(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = (
            fmt.pad(cell, width, left=j in (1, 2))
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "─" * max(map(fmt.cell_width, lines)))
    return lines


def as_dict(found: Normality) -> dict[str, Any]:
    """Return the comparison as plain data for JSON."""
    shape = found.shape
    peaks, far = shape.peaks, shape.outlying
    data = {
        "name": found.name,
        "count": found.count,
        "missing": found.missing,
        "mean": found.mean,
        "sd": found.sd,
        "conclusion": str(found.conclusion),
        "effect": str(found.effect),
        "verdict": found.verdict,
        "p_value": found.p_value,
        "leading": found.leading,
        "distance": shape.distance,
        "distance_at": found.mean + found.sd * shape.distance_at,
        "distance_by_chance": shape.distance_by_chance,
        "quantile_gap": shape.quantile_gap,
        "quantile_gap_by_chance": shape.quantile_gap_by_chance,
        "skewness": shape.skewness,
        "excess_kurtosis": shape.excess_kurtosis,
        "l_skewness": shape.l_skewness,
        "l_kurtosis": shape.l_kurtosis,
        "beyond_2_sd": shape.beyond_2,
        "beyond_3_sd": shape.beyond_3,
        "distinct": shape.ties.distinct,
        "peaks": None
        if peaks is None
        else [found.mean + found.sd * at for at in (peaks.left, peaks.right)],
        "far_values": 0 if far is None else far.count,
        "spread": found.spread,
        "rest": None if found.rest is None else as_dict(found.rest),
        "tests": {
            key: {
                "name": test.name,
                "statistic": test.statistic,
                "p_value": test.p_value,
                "calibration": test.calibration,
            }
            for key, test in found.tests.items()
        },
        "findings": [finding.to_dict() for finding in found.findings],
    }
    cleaned: dict[str, Any] = plain(data)
    return cleaned


def html(found: Normality) -> str:
    """Return the comparison for a notebook; everything from the data is escaped."""
    return f"<pre>{escaping.escape(text(found))}</pre>"


def _points(share: float, *, bare: bool = False) -> str:
    value = 100.0 * share
    shown = f"{value:.1f}" if value >= 0.95 else fmt.significant(value, 2)
    return shown if bare else f"{shown} percentage points"


def _share(share: float) -> str:
    return f"{fmt.significant(100.0 * share, 2)} %"


def _p(value: float) -> str:
    shown = fmt.p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"


def _of(value: float) -> str:
    return fmt.significant(value, 5, strip=True)
