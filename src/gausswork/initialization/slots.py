"""Which parameters a PyTorch module owns, what each is for, and of which blocks it consists.

The weight of an LSTM is four matrices on top of one another, that of an attention layer three,
that of a grouped convolution one for each group, that of a transposed convolution has its axes
swapped. A scheme must see the single matrices: their fans are what it scales by, and orthogonal
rows are orthogonal within one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gausswork.errors import require
from gausswork.initialization.fan import Fans, fans
from gausswork.initialization.laws import Law, uniform

_GATES = {
    "LSTM": ("input", "forget", "cell", "output"),
    "GRU": ("reset", "update", "new"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a parameter that is drawn as one matrix.

    Attributes
    ----------
    label : such as ``"forget"``; empty for the only block.
    start, stop : its rows on the first axis of the parameter.
    transposed : whether the first two axes are (in, out).
    fans : of the block; None without.
    """

    label: str
    start: int
    stop: int
    transposed: bool = False
    fans: Fans | None = None

    def of(self, tensor: Any) -> Any:
        """Return the block of a tensor as a view of shape (out, in, *kernel)."""
        part = tensor[self.start : self.stop]
        return part.transpose(0, 1) if self.transposed else part


@dataclass(frozen=True, slots=True)
class Slot:
    """What one parameter is for.

    Attributes
    ----------
    role : ``"weight"``, ``"embedding"``, ``"bias"``, ``"scale"`` or ``"shift"`` of a norm,
        ``"slope"`` of a PReLU, ``"token"`` of an attention layer, or ``"other"``.
    blocks : its matrices.
    own : what PyTorch itself draws it from.
    gained : whether an activation of the network follows it, so that its gain applies. The
        activations within recurrent and attention layers are their own.
    """

    role: str
    blocks: tuple[Block, ...] = ()
    own: Law | None = None
    gained: bool = False


OTHER = Slot("other")


def torch() -> Any:
    """Return the torch module, or say what to install."""
    return require("torch", purpose="Networks", extra="torch")


def slots_of(module: Any) -> dict[str, Slot]:
    """Return what the parameters of one module are for, by their names within it.

    Parameters without a known purpose are not in it. A lazy parameter has no blocks yet.
    """
    for kinds, rule in _rules():
        if isinstance(module, kinds):
            return rule(module)
    return {}


def _rules() -> Iterator[tuple[Any, Callable[[Any], dict[str, Slot]]]]:
    nn = torch().nn
    yield nn.Linear, _linear
    yield nn.Bilinear, _bilinear
    yield nn.modules.conv._ConvNd, _convolution
    yield (nn.Embedding, nn.EmbeddingBag), _embedding
    yield nn.MultiheadAttention, _attention
    yield nn.PReLU, _slope
    yield (nn.modules.rnn.RNNBase, nn.modules.rnn.RNNCellBase), _recurrent
    norms = [nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm]
    if hasattr(nn, "RMSNorm"):
        norms.append(nn.RMSNorm)
    yield tuple(norms), _norm


def is_lazy(parameter: Any) -> bool:
    """Whether a parameter waits for its first batch to have a shape."""
    return bool(torch().nn.parameter.is_lazy(parameter))


def _whole(parameter: Any, **shape: Any) -> tuple[Block, ...]:
    if is_lazy(parameter) or 0 in parameter.shape:
        return ()
    return (Block("", 0, parameter.shape[0], fans=fans(tuple(parameter.shape), **shape)),)


def _linear(module: Any) -> dict[str, Slot]:
    blocks = _whole(module.weight)
    return _weight_and_bias(blocks, module.weight.shape[1] if blocks else 0)


def _weight_and_bias(blocks: tuple[Block, ...], own_fan: int) -> dict[str, Slot]:
    """Return the slots of a layer whose own draw is uniform in ±1/√(own fan), weight and bias."""
    own = uniform(-(own_fan**-0.5), own_fan**-0.5) if own_fan else None
    return {
        "weight": Slot("weight", blocks, own, gained=True),
        "bias": Slot("bias", (), own),
    }


def _bilinear(module: Any) -> dict[str, Slot]:
    return _weight_and_bias(_whole(module.weight), module.weight.shape[1])


def _convolution(module: Any) -> dict[str, Slot]:
    weight = module.weight
    if is_lazy(weight) or 0 in weight.shape:
        return _weight_and_bias((), 0)
    rows, groups = weight.shape[0] // module.groups, module.groups
    each = fans(tuple(weight.shape), transposed=module.transposed, groups=groups)
    blocks = tuple(
        Block(f"group {g}" if groups > 1 else "", g * rows, (g + 1) * rows, module.transposed, each)
        for g in range(groups)
    )
    # PyTorch takes the second axis for the inputs, also where it holds the outputs.
    return _weight_and_bias(blocks, math.prod(weight.shape[1:]))


def _embedding(module: Any) -> dict[str, Slot]:
    weight = module.weight
    # One row is looked up: each output is one weight times one.
    each = Fans(1, weight.shape[1], weight.shape[1]) if weight.ndim == 2 else None
    blocks = (Block("", 0, weight.shape[0], fans=each),)
    return {"weight": Slot("embedding", blocks, Law("normal", 0.0, 1.0))}


def _attention(module: Any) -> dict[str, Slot]:
    width = module.embed_dim
    found: dict[str, Slot] = {}
    if module.in_proj_weight is not None:
        blocks = tuple(
            Block(label, i * width, (i + 1) * width, fans=Fans(width, width, width))
            for i, label in enumerate("qkv")
        )
        own = uniform(*_symmetric(math.sqrt(6.0 / (4 * width))))
        found["in_proj_weight"] = Slot("weight", blocks, own)
    for label, inputs in (("q", width), ("k", module.kdim), ("v", module.vdim)):
        name = f"{label}_proj_weight"
        if getattr(module, name, None) is not None:
            block = Block(label, 0, width, fans=Fans(inputs, width, width))
            own = uniform(*_symmetric(math.sqrt(6.0 / (inputs + width))))
            found[name] = Slot("weight", (block,), own)
    found["in_proj_bias"] = Slot("bias", (), Law("constant", 0.0))
    projection = slots_of(module.out_proj)
    found["out_proj.weight"] = Slot(
        "weight", projection["weight"].blocks, projection["weight"].own, gained=False
    )
    found["out_proj.bias"] = Slot("bias", (), Law("constant", 0.0))
    # Learned extra tokens of shape (1, 1, width), as torch.nn.init.xavier_normal_ sees them.
    token = Law("normal", 0.0, math.sqrt(2.0 / (width + width)))
    found["bias_k"] = found["bias_v"] = Slot("token", (), token)
    return found


def _symmetric(bound: float) -> tuple[float, float]:
    return -bound, bound


def _recurrent(module: Any) -> dict[str, Slot]:
    kind = type(module).__name__.removesuffix("Cell")
    if getattr(module, "mode", "") in _GATES:
        kind = module.mode
    labels = _GATES.get(kind, ("",))
    hidden = module.hidden_size
    own = uniform(*_symmetric(hidden**-0.5))
    found: dict[str, Slot] = {}
    for name, parameter in module._parameters.items():
        if parameter is None:
            continue
        if name.startswith("bias"):
            found[name] = Slot("bias", (), own)
        elif name.startswith("weight_hr"):
            found[name] = Slot("weight", _whole(parameter), own)
        else:
            each = Fans(parameter.shape[1], hidden, hidden)
            found[name] = Slot(
                "weight",
                tuple(
                    Block(label, i * hidden, (i + 1) * hidden, fans=each)
                    for i, label in enumerate(labels)
                ),
                own,
            )
    return found


def _slope(module: Any) -> dict[str, Slot]:
    return {"weight": Slot("slope", (), Law("constant", float(getattr(module, "init", 0.25))))}


def _norm(module: Any) -> dict[str, Slot]:
    return {
        "weight": Slot("scale", (), Law("constant", 1.0)),
        "bias": Slot("shift", (), Law("constant", 0.0)),
    }
