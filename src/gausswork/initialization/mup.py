"""muP, the maximal update parametrisation: learning rates that stay right as a network grows.

Yang & Hu et al. (2021), "Tensor Programs V: Tuning large neural networks via zero-shot
hyperparameter transfer", table 3. A weight is input-like if only its outputs grow with the width,
a readout if only its inputs do, hidden if both do:

=========  ==================  ===========  ==============  ===============
kind       what grows          variance     SGD rate ×      Adam rate ×
=========  ==================  ===========  ==============  ===============
input      outputs             1 / fan_in   growth of out   1
hidden     inputs and outputs  1 / fan_in   1               1 / growth of in
readout    inputs              1 / fan_in²  1 / growth      1 / growth of in
biases     outputs             0            growth of out   1
=========  ==================  ===========  ==============  ===============
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization.activations import nearest
from gausswork.initialization.plans import Use, check_model, owned

_OPTIMIZERS = ("adam", "sgd")


def mup_factors(model: Any, base: Any, *, optimizer: str = "adam") -> dict[str, float]:
    """Return what to multiply the learning rate of each parameter with.

    Parameters
    ----------
    model : the network, initialised with ``initialize(model, "mup", base=base)``.
    base : the same network at the width where the learning rate was tuned.
    optimizer : ``"adam"`` (also for AdamW and others that divide by the size of the gradient) or
        ``"sgd"``.

    Returns
    -------
    name of the parameter → factor. All are 1 where model and base have the same widths.

    Raises
    ------
    InputError
        The two networks have different parameters, or the optimizer is not known.
    """
    if optimizer not in _OPTIMIZERS:
        raise InputError(
            f"optimizer must be 'adam' or 'sgd'; got {optimizer!r}."
            f"{nearest(str(optimizer), _OPTIMIZERS)}"
        )
    check_model(model)
    check_model(base)
    smaller = {names[0]: uses[0] for names, uses in owned(base)}
    factors = {}
    for names, uses in owned(model):
        if names[0] not in smaller:
            raise InputError(
                f"base: it has no parameter {names[0]!r}. Build it like the model, with smaller "
                "widths and the same layers."
            )
        factors[names[0]] = _factor(uses[0], smaller[names[0]], optimizer)
    return factors


def mup_groups(
    model: Any, base: Any, learning_rate: float, *, optimizer: str = "adam"
) -> list[dict[str, Any]]:
    """Return parameter groups with their learning rates, as ``torch.optim`` takes them.

    ``torch.optim.Adam(mup_groups(model, base, 1e-3))``

    Parameters
    ----------
    model, base, optimizer : as in :func:`mup_factors`.
    learning_rate : the one tuned for ``base``.
    """
    factors: Mapping[str, float] = mup_factors(model, base, optimizer=optimizer)
    groups: dict[float, list[Any]] = {}
    for names, uses in owned(model):
        groups.setdefault(factors[names[0]], []).append(uses[0].parameter)
    return [
        {"params": parameters, "lr": learning_rate * factor}
        for factor, parameters in groups.items()
    ]


def _factor(use: Use, smaller: Use, optimizer: str) -> float:
    if use.parameter.ndim != smaller.parameter.ndim:
        raise InputError(
            f"base: {use.name!r} has {smaller.parameter.ndim} axes there and "
            f"{use.parameter.ndim} in the model."
        )
    if use.slot.blocks and smaller.slot.blocks:
        one, other = use.slot.blocks[0].fans, smaller.slot.blocks[0].fans
        assert one is not None
        assert other is not None
        into, out = one.fan_in / other.fan_in, one.fan_out / other.fan_out
    else:
        into, out = 1.0, use.parameter.numel() / max(smaller.parameter.numel(), 1)
    if optimizer == "adam":
        return 1.0 / into
    if into == 1.0:
        return out
    return 1.0 if out != 1.0 else 1.0 / into
