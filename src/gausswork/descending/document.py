"""A gradient descent as data: a JSON document, and its history as CSV."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import files
from gausswork.errors import InputError
from gausswork.plain import number, plain

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.descent.outlook import Outlook


def document(descent: Descent, *, history: bool = False) -> dict[str, Any]:
    """Return what a descent knows as plain data for JSON.

    Parameters
    ----------
    history : also every recorded epoch, with parameters and loss.
    """
    k = len(descent.names)
    data: dict[str, Any] = {
        "rule": descent.rule,
        "learning_rate": descent.learning_rate,
        "momentum": descent.momentum,
        "epochs": descent.epochs,
        "outcome": str(descent.outcome),
        "reason": descent.reason,
        "loss": number(float(descent.loss[descent.ended_at])),
        "loss_at_start": number(float(descent.loss[0])),
        "loss_of_least_squares": _least_loss(descent),
        "terms": [
            {
                "name": descent.names[i],
                "estimate": number(float(descent.coefficients[i])),
                "least_squares": number(float(descent.exact[i])),
                "distance": number(float(descent.distance[i])),
                "digits": number(float(descent.digits[i])),
            }
            for i in range(k)
        ],
        "outlook": None if descent.outlook is None else outlook_document(descent.outlook),
    }
    batches = descent.mini_batch
    if batches is not None:
        data["mini_batch"] = {
            name: plain(getattr(batches, name))
            for name in (
                "batch_size", "rows", "steps", "optimizer", "schedule", "shuffle",
                "held_out_rows", "best_epoch", "averaged_from", "distance", "resumed_at",
            )
        }  # fmt: skip
    if history:
        data["history"] = {
            "epochs": plain(descent.recorded),
            "loss": plain(descent.loss),
            "path": plain(descent.path),
        }
        if descent.held_out_loss is not None:
            data["history"]["held_out_loss"] = plain(descent.held_out_loss)
        if batches is not None:
            data["history"]["rate"] = plain(batches.rate)
            data["history"]["gradient_norm"] = plain(batches.gradient_norm)
    return data


def _least_loss(descent: Descent) -> float | None:
    if descent.modes is not None:
        return number(descent.modes.floor)
    exact = descent.least_squares
    if exact is None or descent.method.ridge:
        return None
    return number(exact.residual_sum_of_squares / exact.total_weight)


def outlook_document(outlook: Outlook) -> dict[str, Any]:
    """Return an outlook as plain data for JSON."""
    data: dict[str, Any] = {
        name: plain(getattr(outlook, name))
        for name in (
            "learning_rate", "momentum", "nesterov", "standardize", "factor",
            "smallest_eigenvalue", "largest_eigenvalue", "condition_number",
            "learning_rate_limit", "best_learning_rate", "best_factor", "best_pair",
            "best_pair_factor", "flat_directions",
        )
    }  # fmt: skip
    other = outlook.alternative
    data["alternative"] = None if other is None else outlook_document(other)
    return data


def check_history(path: str | os.PathLike[str]) -> None:
    """Refuse a place where no history can be written, before any work is done."""
    files.check_path(path)
    if not os.fspath(path).lower().endswith(".csv"):
        raise InputError(
            f"a history is written as .csv; got {os.fspath(path)!r}. Call it history.csv, say."
        )
    files.check_writable(path)


def write_history(descent: Descent, path: str | os.PathLike[str]) -> None:
    """Write the recorded epochs as CSV: epoch, loss, more of mini-batches, then the parameters."""
    check_history(path)
    heads = ["epoch", "loss"]
    columns: list[Any] = [descent.recorded.tolist(), descent.loss.tolist()]
    if descent.held_out_loss is not None:
        heads.append("held_out_loss")
        columns.append(descent.held_out_loss.tolist())
    if descent.mini_batch is not None:
        heads += ["rate", "gradient_norm"]
        columns += [descent.mini_batch.rate.tolist(), descent.mini_batch.gradient_norm.tolist()]
    heads += descent.names
    columns += np.asarray(descent.path).T.tolist()
    with files.atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(zip(*columns, strict=True))
