"""Layer-sequential unit variance (Mishkin & Matas 2016): layers scaled by what a batch does there.

Layer after layer, in the order in which the batch meets them, the weights are divided by the sd of
the output, until that is 1. Linear layers and convolutions are scaled; what has gates or softmax
inside keeps its orthogonal start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization import batches
from gausswork.initialization.plans import Target
from gausswork.initialization.slots import torch
from gausswork.initialization.untouched import untouched


def scale_layers(
    model: Any,
    batch: Any,
    targets: Sequence[Target],
    *,
    seed: int,
    tolerance: float,
    rounds: int,
) -> None:
    """Scale the weights that ``targets`` set by ``"lsuv"``, in place."""
    nn = torch().nn
    layers = {
        id(target.uses[0].module): target.parameter
        for target in targets
        if target.entry.scheme is not None
        and target.entry.scheme.name == "lsuv"
        and isinstance(target.uses[0].module, (nn.Linear, nn.modules.conv._ConvNd))
    }
    call, _ = batches.prepare(model, batch, None)
    for module in _order(model, call, layers, seed):
        weight = layers[id(module)]
        for _ in range(int(rounds)):
            variance = _variance(model, call, module, seed)
            if not math.isfinite(variance) or variance <= 0.0 or abs(variance - 1.0) < tolerance:
                break
            with torch().no_grad():
                weight.div_(math.sqrt(variance))


def _order(model: Any, call: batches.Call, layers: dict[int, Any], seed: int) -> list[Any]:
    """Return the layers in the order in which they are first called."""
    met: dict[int, Any] = {}

    def note(module: Any, given: Any, out: Any) -> None:
        met.setdefault(id(module), module)

    handles = [
        module.register_forward_hook(note) for module in model.modules() if id(module) in layers
    ]
    _run(model, call, seed, handles)
    return list(met.values())


def _variance(model: Any, call: batches.Call, module: Any, seed: int) -> float:
    """Return the variance of what a layer gives, in its first call."""
    seen: list[float] = []

    def note(_: Any, given: Any, out: Any) -> None:
        if not seen:
            seen.append(float(out.detach().double().var()))

    _run(model, call, seed, [module.register_forward_hook(note)])
    return seen[0] if seen else math.nan


def _run(model: Any, call: batches.Call, seed: int, handles: list[Any]) -> None:
    try:
        with untouched(model, seed=seed), torch().no_grad():
            call.run(model)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"the model raised {type(error).__name__} when called with a batch of {call.text()}: "
            f"{error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
