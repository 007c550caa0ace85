"""GradientDescent: what is asked of a descent. A value; it computes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError
from gausswork.leastsquares.stochastic.options import MEMORY, check_batches

if TYPE_CHECKING:
    import os

    from gausswork.leastsquares.stochastic.rules import Optimizer, Schedule

MOST_EPOCHS = 10**10  # a constant rate that needs more has lost to its condition number
AUTO = "auto"

_AT_THE_LIMIT = ("refuse", "run")
_OF_THE_RUN = ("state", "resume")  # where a run keeps its state is no part of the method
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """Least squares by gradient descent on J(θ) = (1/m) Σ (y − ŷ)², whose gradient has the 2/m.

    The rule, with the learning rate η, momentum β and v = 0 before the first epoch:
    v ← βv − η∇J(θ), θ ← θ + v. Nesterov's takes the gradient at θ + βv. With ``ridge`` = λ the
    loss is (1/m) (Σ (y − ŷ)² + λ Σ w²) over the slopes w; the intercept is not penalised.

    Attributes
    ----------
    learning_rate : step η > 0, or ``"auto"`` for the best constant one.
    epochs : passes over the data, from 1 to 10¹⁰.
    start : (k,) parameters to start from, in the order of ``fit.names`` and the units of the data;
        ``None`` for zeros.
    momentum : β in [0, 1), or ``"auto"`` for the best one.
    nesterov : take the gradient where the momentum leads.
    standardize : descend on predictors with mean 0 and sd 1 (through the origin: with root mean
        square 1); parameters are reported in the units of the data all the same.
    tolerance : stop after the first epoch that moves every parameter by less than this, in the
        units of the data; 0 for never.
    ridge : λ >= 0.
    beyond_limit : what to do with a learning rate that diverges: ``"refuse"`` it, or ``"run"`` it
        until numbers overflow.
    batch_size : rows a step; ``None`` for all of them (full batch). Everything below belongs to
        mini-batches, whose rows are read again every epoch.
    optimizer : ``"sgd"``, ``"adagrad"``, ``"rmsprop"``, ``"adam"``, with options as text
        (``"adam:beta1=0.8"``) or an :class:`~gausswork.Optimizer`.
    schedule : how the rate changes: ``"constant"``, ``"step"``, ``"inverse-time"``, ``"cosine"``,
        with options as text (``"step:every=5,factor=0.5"``) or a :class:`~gausswork.Schedule`.
    seed : of the order of the rows and of the rows held out.
    shuffle : ``True``: in memory where the rows fit, else on disk; or ``"memory"``, ``"disk"``,
        ``"buffer"`` (within runs of rows, writes nothing); ``False``: the rows in their order.
    memory : bytes that rows may take; arrays are used where they lie and do not count.
    averaging : return the average of the parameters over the second half of the epochs (``True``)
        or from some epoch on (Polyak & Juditsky 1992).
    early_stopping : share of rows to hold out (``True``: 0.1): stop when their loss has not fallen
        by a part in 10⁴ for ``patience`` epochs, and return the best epoch.
    patience : epochs without improvement to wait for.
    state : file that keeps the state, written now and then and on an interruption.
    resume : go on from that file where there is one, to the same bits as without interruption.
    """

    learning_rate: float | str = AUTO
    epochs: int = 1000
    start: Sequence[float] | None = None
    momentum: float | str = 0.0
    nesterov: bool = False
    standardize: bool = False
    tolerance: float = 0.0
    ridge: float = 0.0
    beyond_limit: str = "refuse"
    batch_size: int | None = None
    optimizer: str | Optimizer = "sgd"
    schedule: str | Schedule = "constant"
    seed: int = 0
    shuffle: bool | str = True
    memory: int = MEMORY
    averaging: bool | float = False
    early_stopping: bool | float = False
    patience: int = 5
    state: str | os.PathLike[str] | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        check_epochs(self.epochs)
        object.__setattr__(self, "epochs", int(self.epochs))
        object.__setattr__(self, "start", _start(self.start))
        _check_momentum(self.momentum)
        for name in ("nesterov", "standardize"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be True or False; got {getattr(self, name)!r}.")
        if self.nesterov and self.momentum == 0.0:
            raise InputError(
                "nesterov=True needs momentum, and momentum is 0. Set momentum=0.9, say, or 'auto'."
            )
        for name in ("tolerance", "ridge"):
            value = getattr(self, name)
            if not _real(value) or not 0.0 <= value < math.inf:
                raise InputError(f"{name} must be zero or a positive number; got {value!r}.")
        if self.beyond_limit not in _AT_THE_LIMIT:
            raise InputError(
                f"beyond_limit must be 'refuse' or 'run'; got {self.beyond_limit!r}. "
                "'run' lets a descent diverge until its numbers overflow."
            )
        check_batches(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: what differs from the defaults, and always rate and epochs."""
        always = ("learning_rate", "epochs", "momentum")
        data: dict[str, Any] = {"name": "gradient-descent"}
        for field in fields(self):
            if field.name in _OF_THE_RUN:
                continue
            value = getattr(self, field.name)
            if field.name in always or value != field.default:
                data[field.name] = value if isinstance(value, _PLAIN) else str(value)
        if self.start is not None:
            data["start"] = list(self.start)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GradientDescent:
        """Rebuild what :meth:`to_dict` wrote; unknown options are refused."""
        options = {key: value for key, value in data.items() if key != "name"}
        unknown = set(options) - {field.name for field in fields(cls)}
        if unknown:
            raise InputError(f"gradient descent has no option {sorted(unknown)[0]!r}.")
        return cls(**options)


def check_learning_rate(rate: Any) -> None:
    """Refuse what is no learning rate."""
    if isinstance(rate, str) and rate == AUTO:
        return
    if not _real(rate) or not 0.0 < rate < math.inf:
        raise InputError(
            f"learning_rate must be a positive number or 'auto'; got {rate!r}. "
            "'auto' takes the best constant rate for the data."
        )


def check_epochs(epochs: Any, *, name: str = "epochs") -> None:
    """Refuse what is no number of epochs."""
    if not _whole(epochs) or not 1 <= epochs <= MOST_EPOCHS:
        hint = ""
        if _real(epochs) and epochs > MOST_EPOCHS:
            hint = " A descent that needs more wants another rate, or standardize=True."
        elif _real(epochs) and float(epochs).is_integer() and epochs >= 1:
            hint = f" Did you mean {int(epochs)}?"
        raise InputError(
            f"{name} must be a whole number from 1 to {MOST_EPOCHS:,}; got {epochs!r}.{hint}"
        )


def _check_momentum(momentum: Any) -> None:
    if isinstance(momentum, str) and momentum == AUTO:
        return
    if not _real(momentum) or not 0.0 <= momentum < 1.0:
        hint = ""
        if _real(momentum) and 1.0 <= momentum < 100.0:
            hint = " With 1 or more nothing ever slows down; 0.9 is a common choice."
        raise InputError(f"momentum must lie in [0, 1) or be 'auto'; got {momentum!r}.{hint}")


def _start(start: Any) -> tuple[float, ...] | None:
    if start is None:
        return None
    try:
        values = tuple(float(value) for value in start)
    except (TypeError, ValueError):
        raise InputError(
            f"start must be a sequence of numbers, one per term with the intercept first; "
            f"got {start!r}."
        ) from None
    if not all(math.isfinite(value) for value in values):
        raise InputError(f"start must be finite; got {list(values)!r}. Leave it out to start at 0.")
    return values


def _real(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and not math.isnan(value)


def _whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)
