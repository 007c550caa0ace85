"""Sets the parameters of a PyTorch network as a plan says, and can undo it.

Every draw is made by ``torch.nn.init`` where it has the function, with a generator of its own
whose seed is made of the given seed and the parameter's name. So a value depends on seed, name,
shape and kind of device, and neither on the order of the modules nor on the global generator,
which is not touched. The generators of PyTorch differ from :mod:`gausswork.sampling`, and those
of CPU and CUDA from each other: same laws, other numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.initialization.laws import Law
from gausswork.initialization.plans import Plan, Target, Use, decided, owned, prepare
from gausswork.initialization.schemes import Scheme
from gausswork.initialization.slots import Block, slots_of, torch

# Activations whose gain torch.nn.init.calculate_gain knows: there its Kaiming can be called.
_TORCH_GAINS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")


@dataclass(slots=True)
class Initialized:
    """What :func:`initialize` has done, and how to undo it.

    Attributes
    ----------
    plan : what was set, to what, and what was left alone.
    """

    plan: Plan
    _before: list[tuple[Any, Any]] = field(default_factory=list, repr=False)
    _buffers: list[tuple[Any, str, Any, Any]] = field(default_factory=list, repr=False)
    _hooks: list[Any] = field(default_factory=list, repr=False)
    _materialised: list[tuple[Any, str, Any]] = field(default_factory=list, repr=False)
    _undone: bool = field(default=False, repr=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is worth knowing: parameters left alone, and why."""
        return self.plan.findings

    def undo(self) -> None:
        """Put every parameter back to the value that it had before, to the last bit.

        Raises
        ------
        InputError
            It was undone already, or was not to be (``keep=False``), or a parameter has another
            shape by now.
        """
        if self._undone:
            raise InputError("undo: this initialisation was undone already.")
        if not self._before and not self._hooks and not self._materialised:
            raise InputError(
                "undo: the values before were not kept. Call initialize with keep=True."
            )
        for parameter, value in self._before:
            if parameter.shape != value.shape:
                raise InputError(
                    f"undo: a parameter of shape {tuple(value.shape)} has shape "
                    f"{tuple(parameter.shape)} by now."
                )
        with torch().no_grad():
            for parameter, value in self._before:
                parameter.copy_(value)
            for module, local, buffer, value in self._buffers:
                buffer.copy_(value)
                module._buffers[local] = buffer  # a parametrisation puts another in its place
        for hook in self._hooks:
            hook.remove()
        for module, local, parameter in self._materialised:
            module._parameters[local] = parameter
        self._undone = True


def initialize(
    model: Any,
    name: str | Scheme = "he",
    *,
    seed: int = 0,
    rules: Mapping[str, Any] | None = None,
    bias: float | str = 0.0,
    base: Any = None,
    batch: Any = None,
    device: Any = None,
    keep: bool = True,
    **options: Any,
) -> Initialized:
    """Set the weights of a network by a scheme, in place.

    Linear layers, convolutions, transposed convolutions (by their own fans), embeddings, recurrent
    layers (gate by gate), attention (query, key and value apart), norms (scale 1, shift 0). Tied
    parameters are set once, frozen ones left alone, lazy ones set when their first batch comes.

    Parameters
    ----------
    model : a torch.nn.Module, on any device.
    name : of a scheme, or a Scheme. ``"default"`` is what PyTorch itself does for each layer.
    seed : a whole number. Values depend on it and on the name of the parameter.
    rules : pattern → what the parameters whose name matches get instead: the name of a scheme, a
        Scheme, a pair (name, options), a number, or ``"keep"``. ``*`` stands for anything; of
        several patterns that match the last decides.
    bias : what biases get: a number, a scheme, or ``"keep"``. The scheme ``"default"`` has its own.
    base : for ``"mup"``, the same network at the width where the learning rate was tuned.
    batch : for ``"lsuv"``, what the model is called with: a tensor, or a tuple or dict of them.
    device : where to put parameters that are on the meta device, before they are set.
    keep : whether to keep the values before, so that ``undo`` can restore them.
    **options : of the scheme, such as ``activation="relu"``, ``mode="fan_out"``, ``sd=0.02``.

    Returns
    -------
    Initialized
        With ``plan``, ``findings`` and ``undo()``.

    Raises
    ------
    InputError
        The model has no parameters; the scheme, an option or a pattern is not known; or a scheme
        needs a batch, a base, or a weight with two axes.
    """
    made, targets = prepare(
        model, name, seed=seed, rules=rules, bias=bias, base=base, options=options
    )
    if made.scheme.name == "lsuv" and batch is None:
        raise InputError(
            "scheme 'lsuv' scales by what a batch does in the network: pass batch=, the inputs "
            "of one training step."
        )
    result = Initialized(made)
    if device is not None:
        targets = _materialise(model, targets, device, result)
    for target in targets:
        if target.entry.status == "set" or (device is not None and target.entry.status == "meta"):
            fresh = any(p is target.parameter for _, _, p in result._materialised)
            if keep and not fresh:
                use = target.uses[0]
                stored = [target.parameter]
                if use.behind:
                    inner = use.module.parametrizations[use.local]
                    stored = list(inner.parameters())
                    result._buffers += [
                        (m, local, buffer, buffer.detach().clone())
                        for m in inner.modules()
                        for local, buffer in m._buffers.items()
                        if buffer is not None
                    ]
                result._before += [(p, p.detach().clone()) for p in stored]
            _set(target, made.seed)
        elif target.entry.status == "lazy":
            _defer(target, made.seed, result)
    if made.scheme.name == "lsuv":
        from gausswork.initialization.layerwise import scale_layers

        try:
            scale_layers(model, batch, targets, seed=made.seed, **made.scheme.options)
        except BaseException:
            if keep:  # the model did not run: it is left as it was found
                result.undo()
            raise
    return result


def generator_seed(seed: int, name: str) -> int:
    """Return the seed of a parameter's own generator: a hash of seed and name, below 2⁶³."""
    text = f"{seed}\n{name}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def _set(target: Target, seed: int) -> None:
    """Draw the values of one parameter and copy them into it."""
    entry, parameter, slot = target.entry, target.parameter, target.uses[0].slot
    assert entry.law is not None
    assert entry.scheme is not None
    th = torch()
    generator = th.Generator(device=parameter.device)
    generator.manual_seed(generator_seed(seed, entry.name))
    own = entry.scheme.name == "default" and slot.own is not None
    blocks = slot.blocks if not own and slot.blocks else (Block("", 0, max(len_of(parameter), 1)),)
    # Half precision has no QR, and few of its own draws: drawn in float32, then rounded.
    small = parameter.dtype in (th.float16, th.bfloat16) or parameter.element_size() < 4
    with th.no_grad():
        values = th.empty_like(parameter, memory_format=th.contiguous_format)
        for block in blocks:
            place = block.of(values) if values.ndim else values
            drawn = th.empty(
                place.shape, dtype=th.float32 if small else values.dtype, device=values.device
            )
            _draw(drawn, entry.scheme, entry.law, generator, called=not own)
            place.copy_(drawn)
        for use in target.uses:
            padding = getattr(use.module, "padding_idx", None)
            if use.slot.role == "embedding" and padding is not None:
                values[padding] = 0.0  # stands for no token at all
        target.uses[0].write(values)


def len_of(parameter: Any) -> int:
    """Return the length of the first axis, 1 for a single number."""
    return int(parameter.shape[0]) if parameter.ndim else 1


def _draw(values: Any, chosen: Scheme, law: Law, generator: Any, *, called: bool) -> None:
    """Fill a contiguous block by the function of torch.nn.init that has the scheme's name."""
    init = torch().nn.init
    if called and values.ndim >= 2 and _by_name(values, chosen, law, generator):
        return
    match law.kind:
        case "constant":
            init.constant_(values, law.mean)
        case "uniform":
            init.uniform_(values, law.low, law.high, generator=generator)
        case "normal":
            init.normal_(values, law.mean, law.sd, generator=generator)
        case "truncated":
            init.trunc_normal_(values, law.mean, law.sd, law.low, law.high, generator=generator)
        case "integers":
            values.random_(int(law.low), int(law.high), generator=generator)
        case "orthogonal":
            init.orthogonal_(values, law.gain, generator=generator)
        case "identity":
            (init.eye_ if values.ndim == 2 else init.dirac_)(values)
            values.mul_(law.gain)
        case "sparse":
            flat = values.view(values.shape[0], -1)
            with torch().random.fork_rng(devices=[]):  # the zeros come from the global generator
                torch().default_generator.manual_seed(generator.initial_seed())
                init.sparse_(flat, law.sparsity, law.sd, generator=generator)


def _by_name(values: Any, chosen: Scheme, law: Law, generator: Any) -> bool:
    """Call the function of torch.nn.init with the scheme's own name; False if it has none."""
    init, options = torch().nn.init, chosen.options
    if options.get("distribution") not in (None, chosen.name.partition("_")[2]):
        return False
    if chosen.name in ("xavier_uniform", "xavier_normal") and options["mode"] == "fan_avg":
        fan = values[0].numel() + values.shape[0] * math.prod(values.shape[2:])
        called: Callable[..., Any] = getattr(init, f"{chosen.name}_")
        called(values, law.spread * math.sqrt(fan / 2.0), generator=generator)
        return True
    activation = options.get("activation") or "relu"
    if (
        chosen.name in ("kaiming_uniform", "kaiming_normal")
        and options["gain"] is None
        and options["mode"] != "fan_avg"
        and activation in _TORCH_GAINS
        and chosen.gain() == init.calculate_gain(activation, options["negative_slope"])
    ):
        slope = options["negative_slope"]
        fan = (
            values[0].numel()
            if options["mode"] == "fan_in"
            else (values.shape[0] * math.prod(values.shape[2:]))
        )
        if not math.isclose(law.spread, chosen.gain() / math.sqrt(fan), rel_tol=1e-9):
            return False  # no activation follows: its gain does not apply
        called = getattr(init, f"{chosen.name}_")
        called(
            values, a=0.0 if slope is None else slope, mode=options["mode"],
            nonlinearity=activation, generator=generator,
        )  # fmt: skip
        return True
    return False


class _Later:
    """Sets a lazy parameter once its module has seen a batch; removes itself then."""

    def __init__(self, name: str, local: str, chosen: Scheme, seed: int) -> None:
        self.name, self.local, self.chosen, self.seed = name, local, chosen, seed
        self.handle: Any = None

    def __call__(self, module: Any, arguments: Any) -> None:
        parameter, slot = module._parameters[self.local], slots_of(module)[self.local]
        use = Use(self.name, parameter, slot, module, self.local)
        _set(Target(decided((self.name,), use, self.chosen, {}), (use,)), self.seed)
        self.handle.remove()


def _defer(target: Target, seed: int, result: Initialized) -> None:
    entry, use = target.entry, target.uses[0]
    assert entry.scheme is not None
    later = _Later(entry.name, use.local, entry.scheme, seed)
    later.handle = use.module.register_forward_pre_hook(later)
    result._hooks.append(later.handle)


def _materialise(
    model: Any, targets: list[Target], device: Any, result: Initialized
) -> list[Target]:
    """Give parameters on the meta device memory on another; tied ones stay tied."""
    th = torch()
    lost = [
        name
        for name, module in model.named_modules()
        if any(b is not None and b.is_meta for b in module._buffers.values())
        and not hasattr(module, "reset_running_stats")
    ]
    if lost:
        raise InputError(
            f"device: module {lost[0]!r} has buffers on the meta device, and what they should "
            "hold is not known here. Build the model on a real device instead."
        )
    fresh: dict[int, Any] = {}
    for module in model.modules():
        for local, parameter in module._parameters.items():
            if parameter is not None and parameter.is_meta:
                if id(parameter) not in fresh:
                    empty = th.empty_like(parameter, device=device)
                    fresh[id(parameter)] = th.nn.Parameter(empty, parameter.requires_grad)
                result._materialised.append((module, local, parameter))
                module._parameters[local] = fresh[id(parameter)]
        if any(b is not None and b.is_meta for b in module._buffers.values()):
            for local, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[local] = th.empty_like(buffer, device=device)
            module.reset_running_stats()
    by_name = {names[0]: uses for names, uses in owned(model)}
    return [Target(target.entry, by_name[target.entry.name]) for target in targets]
