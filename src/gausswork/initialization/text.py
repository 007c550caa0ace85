"""Plans and diagnoses as text and as plain data; nothing is computed here but the text."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.findings import Finding, Severity
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.initialization.doctor import Diagnosis, LayerHealth
    from gausswork.initialization.plans import Entry, Plan

WIDTH = 100
_MOST_ROWS = 60
_TAIL_ROWS = 5
_AT_THE_EDGE = 0.05  # |χ₁ − 1|: weights of a finite network miss it by chance


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: str) -> list[str]:
    """Return rows as lines with aligned columns; those marked ``l`` in ``left`` to the left."""
    table = [list(heads), *[[fmt.visible(cell) for cell in row] for row in rows]]
    widths = [max(fmt.cell_width(row[j]) for row in table) for j in range(len(heads))]
    lines = [
        "  ".join(
            fmt.pad(cell, widths[j], left=left[j] != "l") for j, cell in enumerate(row)
        ).rstrip()
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
        lines += fmt.wrap(head + fmt.visible(str(finding)), width, further="    ")
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
        left="lrrrll",
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
        many = entry.blocks[0].startswith("group")
        each = f"{len(entry.blocks)} groups" if many else ", ".join(entry.blocks)
        drawn += f"; each of {each}"
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


def verdict(diagnosis: Diagnosis) -> str:
    """Return the result of a diagnosis in one sentence."""
    worst = [f for f in diagnosis.findings if f.severity is not Severity.NOTE]
    if worst:
        codes = ", ".join(dict.fromkeys(finding.code.replace("-", " ") for finding in worst))
        return f"Not healthy: {codes}."
    if not math.isfinite(diagnosis.backward):
        return "Healthy: nothing that this batch shows speaks against training."
    return (
        f"Healthy: signals ×{number(diagnosis.forward, 2)} and gradients "
        f"×{number(diagnosis.backward, 2)} per layer."
    )


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as a table with its findings."""
    shown, left_out, after = shortened(list(diagnosis.layers))
    heads = ["layer", "kind", "signal sd", "×", "theory", "gradient sd", "×", "theory"]
    optional: list[tuple[str, Callable[[LayerHealth], str], bool]] = [
        ("same", lambda x: f"{x.copies}/{x.units}", any(x.copies for x in diagnosis.layers)),
        ("off", lambda x: _share(x.dead), _any(x.dead for x in diagnosis.layers)),
        ("saturated", lambda x: _share(x.saturated), _any(x.saturated for x in diagnosis.layers)),
        ("samples differ", lambda x: power(max(1.0 - x.similarity, 0.0), 2), True),
    ]
    used = [(head, cell) for head, cell, wanted in optional if wanted]
    rows = [[*_layer_row(layer), *(cell(layer) for _, cell in used)] for layer in shown]
    lines = columns([*heads, *(head for head, _ in used)], rows, left="ll" + "r" * 20)
    if left_out:
        lines.insert(2 + after, f"… {left_out:,} more layers; to_dict() has them all")
    head = f"{diagnosis.verdict} {len(diagnosis.layers)} layers, {diagnosis.samples:,} samples"
    if diagnosis.loss is not None:
        head += f", loss {number(diagnosis.loss, 4)}"
    lines = [*fmt.wrap(head, WIDTH), "", *lines]
    lines += ["", *fmt.wrap(_legend(diagnosis), WIDTH)]
    if diagnosis.findings:
        lines += ["", *findings_lines(diagnosis.findings)]
    return "\n".join(lines)


def _layer_row(layer: LayerHealth) -> list[str]:
    name = f"{layer.name} + {layer.activation}" if layer.activation else layer.name
    return [
        name,
        layer.kind,
        power(layer.activation_sd),
        _blank(layer.forward),
        _blank(layer.predicted_forward),
        power(layer.gradient_sd),
        _blank(layer.backward),
        _blank(layer.predicted_backward),
    ]


def _legend(diagnosis: Diagnosis) -> str:
    said = (
        "×: factor on the signal from the layer before, and on the gradient from the layer behind; "
        "theory: the same in an infinitely wide network. samples differ: 1 − correlation of two "
        "samples."
    )
    theory = diagnosis.theory
    if theory is not None:
        near = abs(theory.chi - 1.0) < _AT_THE_EDGE
        phase = "at the edge of chaos" if near else theory.phase
        deep = theory.depth_scale
        reach = "" if near else f", depth scale {number(deep, 3)} layers"
        said += f" Mean field: χ₁ = {number(theory.chi, 3)}, {phase}{reach}."
    return said


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"


def _blank(value: float) -> str:
    return "" if math.isnan(value) else power(value)


def _any(values: Any) -> bool:
    return any(value > 0.0 for value in values)


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as plain data for JSON, without its histograms."""
    theory = diagnosis.theory
    layers = [
        {
            field.name: plain(getattr(layer, field.name))
            for field in dataclasses.fields(layer)
            if field.name not in ("activations", "gradients")
        }
        for layer in diagnosis.layers
    ]
    return {
        "healthy": diagnosis.healthy,
        "verdict": diagnosis.verdict,
        "samples": diagnosis.samples,
        "loss": plain(diagnosis.loss),
        "forward": plain(diagnosis.forward),
        "backward": plain(diagnosis.backward),
        "forward_total": plain(diagnosis.forward_total),
        "backward_total": plain(diagnosis.backward_total),
        "theory": None if theory is None else plain(dataclasses.asdict(theory)),
        "layers": layers,
        "findings": [plain(finding.to_dict()) for finding in diagnosis.findings],
    }
