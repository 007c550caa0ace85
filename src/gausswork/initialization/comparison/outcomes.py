"""What became of trained networks: who learned, who failed and why, and bands over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.initialization.activations import nearest
from gausswork.initialization.comparison import lessons
from gausswork.initialization.doctor import Diagnosis, diagnose
from gausswork.initialization.slots import torch

if TYPE_CHECKING:
    from gausswork.initialization.comparison.result import Trained

Array = npt.NDArray[np.float64]

CURVES = ("train_loss", "train_accuracy", "held_loss", "held_accuracy")
FAILED = ("not finite", "diverged", "at chance", "stalled")
_WORSE = 2.0  # times the loss of guessing: a network that ends there has been thrown off
_BY_CHANCE = 3.0  # sd by which guessing may do better than its expectation
_LITTLE = 0.02  # R² that is as good as nothing
_FLAT = 0.02  # of the loss of guessing: less than that in the last third is standing still
_FAR = 0.5  # of the loss of guessing: standing still below it is having learned


def placed(read: lessons.Lessons, device: Any, kind: Any) -> lessons.Lessons:
    """Return the data on a device, inputs and amounts in the type of the weights."""
    x = read.x.to(device)
    if x.is_floating_point() or (x.ndim == 2 and kind.is_floating_point):
        x = x.to(kind)
    y = read.y.to(device)
    return replace(read, x=x, y=y.to(kind) if y.is_floating_point() else y)


def accuracies(kind: str, out: Any, y: Any, chance: float) -> Any:
    """Return the share of right answers of each network, or its R²."""
    if kind == "classification":
        return (out.argmax(-1) == y).double().mean(1)
    errors = (out.double() - y).square().flatten(1).mean(1)
    return 1.0 - errors / chance if chance > 0.0 else errors * math.nan


def judged(
    curves: Mapping[str, Array],
    done: npt.NDArray[np.int64],
    epochs: int,
    chance: Mapping[str, tuple[float, float]],
    parts: Mapping[str, Any],
    loss: Any,
) -> tuple[str, ...]:
    """Return the outcome of each seed of a scheme."""
    part = "held" if "held" in parts else "train"
    count = len(parts[part][1])
    found = []
    for k, last in enumerate(done):
        losses = curves["train_loss"][k, : last + 1]
        accuracy = curves[f"{part}_accuracy"][k, last]
        guess = chance["train"][0]
        found.append(
            _outcome(losses, accuracy, guess, chance[part][1], count, last == epochs, loss)
        )
    return tuple(found)


def _outcome(
    losses: Array, accuracy: float, guess: float, share: float, count: int, whole: bool, loss: Any
) -> str:
    """Return what became of one network, from its curve of losses and its last accuracy."""
    if np.isnan(losses[:1]).any() and not whole:
        return "unfinished"  # never begun
    if not np.isfinite(losses).all():
        return "not finite"
    if not whole:
        return "unfinished"
    known = isinstance(loss, str)  # of other losses, what guessing costs is not known
    if known and losses[-1] > _WORSE * guess:
        return "diverged"
    by_chance = _BY_CHANCE * math.sqrt(share * (1.0 - share) / count) if share else _LITTLE
    if accuracy <= share + by_chance:
        return "at chance"
    third = losses[-1 - max(1, len(losses) // 3)]
    if known and losses[-1] > _FAR * guess and third - losses[-1] < _FLAT * guess:
        return "stalled"
    return "learned"


def verdict(outcomes: Sequence[str]) -> str:
    """Return the outcomes of a scheme in words."""
    names = list(dict.fromkeys(outcomes))
    if len(names) == 1:
        return {
            "learned": "learns",
            "stalled": "stalls",
            "at chance": "stays at chance",
            "diverged": "diverges",
            "not finite": "diverges to NaN",
            "unfinished": "unfinished",
        }[names[0]]
    names.sort(key=lambda name: -outcomes.count(name))
    return ", ".join(f"{outcomes.count(name)} {name}" for name in names)


def examined(model: Any, batch: tuple[Any, Any], loss: Any) -> Diagnosis | None:
    """Return what the doctor finds in a network that failed, before its training."""
    functional = torch().nn.functional
    called = {"cross_entropy": functional.cross_entropy, "mse": functional.mse_loss}
    try:
        return diagnose(model, batch, called.get(loss, loss) if isinstance(loss, str) else loss)
    except InputError:
        return None


def reason(outcome: str, losses: Array, diagnosis: Diagnosis | None, rate: float) -> str:
    """Return why a network failed; empty where it did not."""
    if outcome not in FAILED:
        return ""
    seen = {
        "not finite": f"the loss was not finite after {_first_bad(losses)}",
        "diverged": "the loss ended far above that of guessing",
        "at chance": "it ended no better than guessing",
        "stalled": "the loss stood still, more than half of that of guessing",
    }[outcome]
    causes = [] if diagnosis is None else [
        f for f in diagnosis.findings if f.severity is not Severity.NOTE
    ]  # fmt: skip
    if causes:
        return f"{seen}. At the start: {causes[0].sentence}"
    cause = "too large" if outcome in ("not finite", "diverged") else "too large or too small"
    return f"{seen}. The first batch shows nothing wrong: learning rate {rate:g} may be {cause}."


def _first_bad(losses: Array) -> str:
    epoch = int(np.argmax(~np.isfinite(losses)))
    return "no step at all" if epoch == 0 else f"epoch {epoch}"


def remarks(runs: Sequence[Trained], seeds: Sequence[int], interrupted: bool) -> list[Finding]:
    """Return what is worth knowing about a comparison."""
    found = []
    for run in runs:
        failed = [k for k, outcome in enumerate(run.outcomes) if outcome in FAILED]
        if not failed:
            continue
        remedy = ""
        if run.diagnosis is not None:
            remedy = next((f.remedy for f in run.diagnosis.findings if f.remedy), "")
        which = "" if len(failed) == len(seeds) else (
            f" (seeds {', '.join(str(seeds[k]) for k in failed[:10])}"
            f"{', …' if len(failed) > 10 else ''})"
        )  # fmt: skip
        found.append(
            Finding(
                code="scheme-failed",
                severity=Severity.CAUTION,
                sentence=f"{run.name} failed in {len(failed)} of {len(seeds)} networks{which}: "
                f"{run.reasons[failed[0]]}",
                remedy=remedy,
                evidence={
                    "scheme": run.name,
                    "seeds": [seeds[k] for k in failed],
                    "outcomes": [run.outcomes[k] for k in failed],
                },
            )
        )
    if interrupted:
        begun = sum(int((run.epochs > 0).sum()) for run in runs)
        found.append(
            Finding(
                code="training-interrupted",
                severity=Severity.CAUTION,
                sentence=f"Training was interrupted: {begun} of {len(runs) * len(seeds)} networks "
                "were trained for an epoch or more, and the curves end where it stopped.",
                evidence={"begun": begun, "networks": len(runs) * len(seeds)},
            )
        )
    elif not any(run.learned for run in runs):
        found.append(
            Finding(
                code="nothing-learned",
                severity=Severity.ALARM,
                sentence="No network learned anything: what fails under every scheme is hardly "
                "due to the initial weights.",
                remedy="Look at the learning rate, the scale of the data, and the depth.",
                evidence={"networks": len(runs) * len(seeds)},
            )
        )
    return found


def check_curve(of: str) -> str:
    """Refuse the name of a curve that there is not."""
    if of not in CURVES:
        raise InputError(f"of must be one of {', '.join(CURVES)}; got {of!r}.{nearest(of, CURVES)}")
    return of


def band(values: Array, of: str, level: float) -> tuple[Array, Array, Array]:
    """Return mean and confidence limits over the networks, after each epoch."""
    from scipy.special import stdtrit

    if isinstance(level, bool) or not 0.0 < level < 1.0:
        raise InputError(f"level must lie in (0, 1); got {level!r}.")
    positive = of.endswith("loss") and not (values <= 0.0).any()
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        used = np.where(finite, np.log(values) if positive else values, 0.0)
        mean = used.sum(axis=0) / n
        spread = np.where(finite, used - mean, 0.0)
        error = np.sqrt((spread**2).sum(axis=0) / (n - 1) / n)
        reach = stdtrit(np.maximum(n - 1, 1), 0.5 + level / 2) * error
        low, high = mean - reach, mean + reach
        if positive:
            return np.exp(mean), np.exp(low), np.exp(high)
    return mean, low, np.minimum(high, 1.0) if of.endswith("accuracy") else high


def first_below(curves: Array, loss: float) -> Array:
    """Return the first epoch at which each curve is at or below a loss; NaN for never."""
    below = curves <= loss
    return np.where(below.any(axis=1), below.argmax(axis=1).astype(float), np.nan)
