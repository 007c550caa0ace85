"""A comparison of schemes as text and as plain data; nothing is computed here but the text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.initialization.text import WIDTH, columns, findings_lines, number
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.initialization.comparison.result import Comparison, Trained


def text(found: Comparison) -> str:
    """Return a comparison as a table with its findings."""
    classes = found.kind == "classification"
    part = "held out" if len(found.held) else "in training"
    reach = target(found)
    rows = [_row(found, run, reach) for run in found.runs]
    heads = ("scheme", "learned", "loss", "accuracy" if classes else "R²", "95 %", "epochs to "
             f"{number(reach, 2)}", "verdict")  # fmt: skip
    lines = columns(heads, rows, left="lrrrrrl")
    seeds = f"{len(found.seeds)} network{'s' if len(found.seeds) > 1 else ''} each"
    said = (
        f"{len(found.runs)} scheme{'s' if len(found.runs) > 1 else ''}, {seeds}: {found.epochs} "
        f"epochs of {found.steps} steps on {len(found.train):,} rows, {found.optimizer} with "
        f"learning rate {found.learning_rate:g}, batches of {found.batch_size}"
    )
    if found.interrupted:
        said = f"INTERRUPTED. {said}"
    chance = f"accuracy {found.chance_accuracy:.3f}" if classes else "R² 0"
    legend = (
        f"loss, {heads[3]}: means over the networks, {part}; guessing has loss "
        f"{number(found.chance_loss, 3)}, {chance}. 95 %: confidence limits of the mean. epochs: "
        "median until the training loss is there."
    )
    lines = [*fmt.wrap(said, WIDTH), "", *lines, "", *fmt.wrap(legend, WIDTH)]
    if found.findings:
        lines += ["", *findings_lines(found.findings)]
    return "\n".join(lines)


def target(found: Comparison) -> float:
    """Return a loss to time the schemes by: half of that of guessing."""
    return 0.5 * found.chance_loss


def _row(found: Comparison, run: Trained, reach: float) -> tuple[str, ...]:
    part = "held" if len(found.held) else "train"
    accuracy, low, high = run.band(f"{part}_accuracy")
    loss = run.band(f"{part}_loss")[0]
    at = int(run.epochs.min()) if not found.interrupted else int(run.epochs.max())
    times = np.nan_to_num(found.time_to(reach)[run.name], nan=math.inf)
    median = float(np.median(times))
    return (
        run.name,
        f"{run.learned}/{len(found.seeds)}",
        number(float(loss[at]), 3),
        _places(float(accuracy[at])),
        "" if math.isnan(low[at]) else f"{_places(float(low[at]))} … {_places(float(high[at]))}",
        "never" if math.isinf(median) else f"{median:g}",
        run.verdict,
    )


def _places(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.3f}".replace("-", "−")


def document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data for JSON."""
    reach = target(found)
    times = found.time_to(reach)
    names = ("train_loss", "train_accuracy", "held_loss", "held_accuracy")
    return {
        "kind": found.kind,
        "seeds": list(found.seeds),
        "epochs": found.epochs,
        "steps": found.steps,
        "batch_size": found.batch_size,
        "learning_rate": found.learning_rate,
        "optimizer": found.optimizer,
        "rows": len(found.train),
        "held_out": len(found.held),
        "chance_loss": plain(found.chance_loss),
        "chance_accuracy": plain(found.chance_accuracy),
        "way": found.way,
        "seconds": found.seconds,
        "interrupted": found.interrupted,
        "loss_to_reach": reach,
        "schemes": [
            {
                "name": run.name,
                "scheme": str(run.scheme),
                "verdict": run.verdict,
                "learned": run.learned,
                "outcomes": list(run.outcomes),
                "reasons": list(run.reasons),
                "epochs": run.epochs.tolist(),
                "final_loss": plain(run.final_loss),
                "final_accuracy": plain(run.final_accuracy),
                "epochs_to_loss": plain(times[run.name]),
                **{name: plain(getattr(run, name)) for name in names},
                "bands": {
                    name: dict(
                        zip(("mean", "low", "high"), map(plain, run.band(name)), strict=True)
                    )
                    for name in names
                    if getattr(run, name).shape[1]
                },
            }
            for run in found.runs
        ],
        "findings": [plain(finding.to_dict()) for finding in found.findings],
    }
