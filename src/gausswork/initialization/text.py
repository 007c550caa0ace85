"""Plans and diagnoses as text and as plain data; nothing is computed here but the text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.findings import Finding
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.initialization.plans import Entry, Plan

WIDTH = 100
_MOST_ROWS = 60
_TAIL_ROWS = 5


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return rows as lines with aligned columns, the first ``left`` of them to the left."""
    table = [list(heads), *[[fmt.visible(cell) for cell in row] for row in rows]]
    widths = [max(fmt.cell_width(row[j]) for row in table) for j in range(len(heads))]
    lines = [
        "  ".join(fmt.pad(cell, widths[j], left=j >= left) for j, cell in enumerate(row)).rstrip()
        for row in table
    ]
    return [lines[0], "─" * max(map(fmt.cell_width, lines)), *lines[1:]]


def number(value: float, digits: int = 3) -> str:
    """Return a number for a table, with a real minus sign."""
    return fmt.significant(value, digits).replace("-", "−", 1)


def power(value: float, digits: int = 2) -> str:
    """Return a number as people write it: 3.1·10⁻⁶, or plain where it is near 1."""
    text = fmt.significant(value, digits)
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text.replace("-", "−", 1)
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{raised}".replace("-", "−", 1)


def findings_lines(findings: Sequence[Finding], width: int = WIDTH) -> list[str]:
    """Return findings as wrapped lines: severity, code, what was seen, what to do."""
    lines: list[str] = []
    for finding in findings:
        head = f"{finding.severity} ({finding.code}): "
        lines += textwrap.wrap(head + fmt.visible(str(finding)), width, subsequent_indent="    ")
    return lines


def shortened(rows: list[Any]) -> tuple[list[Any], int, int]:
    """Return the rows to show, how many middle ones are left out, and after how many shown."""
    if len(rows) <= _MOST_ROWS:
        return rows, 0, 0
    head = _MOST_ROWS - _TAIL_ROWS
    return rows[:head] + rows[-_TAIL_ROWS:], len(rows) - _MOST_ROWS, head


def plan_text(plan: Plan) -> str:
    """Return a plan as a table."""
    shown, left_out, after = shortened(list(plan.entries))
    lines = columns(
        ("parameter", "shape", "fan in", "fan out", "scheme", "drawn from"),
        [_plan_row(entry) for entry in shown],
    )
    if left_out:
        lines.insert(2 + after, f"… {left_out:,} more parameters; to_dict() has them all")
    counts: dict[str, int] = {}
    for entry in plan.entries:
        counts[entry.status] = counts.get(entry.status, 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines = [f"{plan.scheme}, seed {plan.seed}: {said}", "", *lines]
    if plan.findings:
        lines += ["", *findings_lines(plan.findings)]
    return "\n".join(lines)


def _plan_row(entry: Entry) -> tuple[str, ...]:
    shape = "?" if entry.shape is None else "×".join(map(str, entry.shape)) or "1"
    into = "" if entry.fans is None else f"{entry.fans.fan_in:,}"
    out = "" if entry.fans is None else f"{entry.fans.fan_out:,}"
    drawn = entry.reason if entry.law is None else entry.law.text()
    if entry.status == "meta":
        drawn = f"{drawn}; {entry.reason}"
    if entry.blocks:
        few = ", ".join(entry.blocks[:4]) + (", …" if len(entry.blocks) > 4 else "")
        drawn += f"; each of {few}"
    scheme = entry.status if entry.scheme is None else entry.scheme.name
    return entry.name, shape, into, out, scheme, drawn


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data for JSON."""
    return {
        "scheme": str(plan.scheme),
        "seed": plan.seed,
        "parameters": [
            {
                "name": entry.name,
                "also": list(entry.also),
                "owner": entry.owner,
                "shape": entry.shape and list(entry.shape),
                "role": entry.role,
                "status": entry.status,
                "reason": entry.reason,
                "scheme": entry.scheme and str(entry.scheme),
                "law": entry.law and entry.law.text(),
                "sd": entry.law and entry.law.spread,
                "fan_in": entry.fans and entry.fans.fan_in,
                "fan_out": entry.fans and entry.fans.fan_out,
                "blocks": list(entry.blocks),
            }
            for entry in plan.entries
        ],
        "findings": [plain(finding.to_dict()) for finding in plan.findings],
    }
