"""One real forward and backward pass through a network, with everything measured on the way.

Outputs of layers are seen by hooks, activations by a function mode: ``F.relu(x)`` in a forward
method counts like a module ``nn.ReLU``. Gradients are taken with ``torch.autograd.grad``, which
leaves those of the user alone, from a cotangent scaled to size 1: so nothing that is measured
depends on the scale of the loss, and nothing underflows because the loss is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.initialization import batches
from gausswork.initialization.activations import ACTIVATIONS, Activation, activation
from gausswork.initialization.fan import fans
from gausswork.initialization.slots import Block, Slot, slots_of, torch

Array = npt.NDArray[np.float64]

_SAMPLE = 4_000  # values kept of each layer, for its histogram
_CHUNK = 1 << 22  # numbers that are turned to float64 at a time
_PASSED_ON = ("flatten", "view", "reshape", "squeeze", "unsqueeze", "contiguous", "permute",
              "transpose")  # fmt: skip


@dataclass(slots=True)
class Signal:
    """What a tensor holds.

    Attributes
    ----------
    mean, sd, rms : of all its numbers.
    similarity : correlation about zero of two samples: mean over pairs of ⟨a, b⟩ / mean ⟨a, a⟩.
    finite : whether all its numbers are.
    values : some of the numbers, for a histogram.
    """

    mean: float
    sd: float
    rms: float
    similarity: float
    finite: bool
    values: Array


@dataclass(slots=True)
class Layer:
    """One layer with weights, as it was met in the forward pass.

    Attributes
    ----------
    path, kind : dotted name, empty for the model itself, and class.
    module, slots : the module and what its parameters are for.
    axis : of the units in its output, counted from the end.
    output : its output before any activation; of its first call, if it is called often.
    calls : how often it is called in one pass.
    activation : the function applied to what it gives, if one was met before the next layer.
    direct : whether that function got the output itself, and not a normalised one.
    active : the signal after the activation.
    saturated : share of activations whose slope is below 1/20 of the largest; NaN without limits.
    dead, always_on : shares of units that are off for every sample and for none; NaN where units
        cannot be off.
    source, source_active : the layer whose output is this one's input, where it comes without
        detours, and whether it went through that layer's activation; None otherwise.
    gradient_squares : Σ of squared gradients with respect to the output, over all calls.
    gradient_numbers : how many they are.
    gradients : some of them.
    """

    path: str
    kind: str
    module: Any
    slots: dict[str, Slot]
    axis: int
    output: Signal
    calls: int = 1
    activation: Activation | None = None
    direct: bool = False
    active: Signal | None = None
    saturated: float = math.nan
    dead: float = math.nan
    always_on: float = math.nan
    source: Layer | None = None
    source_active: bool = False
    gradient_squares: float = math.nan
    gradient_numbers: int = 0
    gradients: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(slots=True)
class Measured:
    """What one pass has shown.

    Attributes
    ----------
    layers : in the order in which they were first called.
    input : the first floating-point tensor of the batch.
    loss : its value; None without one.
    scale : what gradients are to be multiplied with to have the scale of the loss.
    parameter_gradients : of the parameters that a gradient reaches, by their id.
    unreached : names of trained parameters that none reaches.
    """

    layers: list[Layer]
    input: Signal | None
    loss: float | None
    scale: float
    parameter_gradients: dict[int, Any]
    unreached: list[str]


def measure(model: Any, call: batches.Call, targets: Any, loss: Any, *, seed: int) -> Measured:
    """Run a batch forward and backward; the caller keeps the model from being changed."""
    th = torch()
    recorder = _Recorder(model)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    named = [(n, p) for n, p in model.named_parameters() if p.is_floating_point()]
    for _, parameter in named:
        parameter.requires_grad_(True)  # gradients pass through frozen layers as well
    if not model.training:
        model.train()
    with recorder:
        try:
            answer = call.run(model)
        except Exception as error:
            raise _raised(error, recorder, call) from error
    found = batches.outputs(answer)
    ends = [t for t in found if t.requires_grad]
    if not found:
        raise InputError(
            f"the model returned {type(answer).__name__} without any floating-point tensor: there "
            "is nothing to take gradients of."
        )
    value, cotangents = _cotangents(answer, ends, targets, loss, seed)
    size = _size([c for c in cotangents if c is not None])
    gradients: list[Any] = [None] * len(named)
    if ends and size > 0.0 and math.isfinite(size):
        recorder.listening = True
        used = [(e, c / size) for e, c in zip(ends, cotangents, strict=True) if c is not None]
        gradients = list(
            th.autograd.grad(
                [e for e, _ in used],
                [p for _, p in named],
                grad_outputs=[c for _, c in used],
                allow_unused=True,
            )
        )
    reached = {id(p): g for (_, p), g in zip(named, gradients, strict=True) if g is not None}
    first = next((t for t in call.tensors if t.is_floating_point()), None)
    return Measured(
        layers=recorder.layers,
        input=None if first is None else signal(first),
        loss=value,
        scale=size,
        parameter_gradients=reached,
        unreached=[n for n, p in named if n in trained and id(p) not in reached],
    )


def signal(tensor: Any) -> Signal:
    """Return what a tensor holds, with samples along its first axis."""
    th = torch()
    flat = tensor.detach()
    if flat.is_sparse or flat.is_quantized:
        flat = flat.to_dense() if flat.is_sparse else flat.dequantize()
    count = max(flat.numel(), 1)
    picked = flat.reshape(-1)
    if picked.numel() > _SAMPLE:
        chosen = np.random.default_rng(0).integers(0, picked.numel(), _SAMPLE)
        picked = picked[th.from_numpy(chosen).to(picked.device)]
    values = picked.to("cpu", th.float64).numpy()
    rows = flat.reshape(flat.shape[0], -1) if flat.ndim else flat.reshape(1, 1)
    first = squares = 0.0
    total: Any = 0.0
    step = max(_CHUNK // max(rows.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        part = _wide(rows[start : start + step])
        first += float(part.sum())
        squares += float((part * part).sum())
        total = total + part.sum(dim=0)
    mean = first / count
    finite = math.isfinite(mean) and math.isfinite(squares)
    similarity = math.nan
    samples = rows.shape[0]
    if finite and samples > 1 and squares > 0.0:
        similarity = (float(total @ total) - squares) / (samples - 1) / squares
    centred = max(squares / count - mean * mean, 0.0) if finite else math.nan
    return Signal(
        mean=mean,
        sd=math.sqrt(centred) if finite else math.nan,
        rms=math.sqrt(squares / count) if finite else math.nan,
        similarity=similarity,
        finite=finite,
        values=values,
    )


def _wide(tensor: Any) -> Any:
    th = torch()
    # MPS has no float64.
    return tensor.to(th.float32 if tensor.device.type == "mps" else th.float64)


class _Recorder:
    """Hooks on every module, and a mode that sees activation functions."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers: list[Layer] = []
        self.stack: list[str] = []
        self.listening = False
        self._known: dict[int, Layer] = {}
        self._origin: dict[int, tuple[Any, int, Layer, bool]] = {}
        self._inputs: dict[int, tuple[Layer | None, bool]] = {}
        self._handles: list[Any] = []
        self._mode: Any = None

    def __enter__(self) -> _Recorder:
        for name, module in self.model.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._before(name, module)))
            self._handles.append(module.register_forward_hook(self._after(name, module)))
        self._mode = _mode(self)
        self._mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)
        for handle in self._handles:
            handle.remove()
        self._origin.clear()

    def _before(self, name: str, module: Any) -> Callable[..., None]:
        def hook(_: Any, arguments: Any) -> None:
            self.stack.append(name)
            origin = self.origin(arguments[0]) if arguments else None
            self._inputs[id(module)] = (None, False) if origin is None else origin

        return hook

    def _after(self, name: str, module: Any) -> Callable[..., None]:
        slots = {local: s for local, s in slots_of(module).items() if "." not in local}
        weighted = any(s.role in ("weight", "embedding") and s.blocks for s in slots.values())
        own = [p for p in module._parameters.values() if p is not None and p.ndim >= 2]
        if own and not slots_of(module) and not any(True for _ in module.children()):
            slots, weighted = _unknown(module), True  # a layer that somebody has written

        def hook(_: Any, arguments: Any, answer: Any) -> None:
            self.stack.pop()
            found = batches.outputs(answer)
            if weighted and found:
                self._layer(name, module, slots, found[0])

        return hook

    def _layer(self, name: str, module: Any, slots: dict[str, Slot], out: Any) -> None:
        th = torch()
        again = self._known.get(id(module))
        if again is None:
            convolution = isinstance(module, th.nn.modules.conv._ConvNd)
            source, active = self._inputs.get(id(module), (None, False))
            layer = Layer(
                path=name,
                kind=type(module).__name__,
                module=module,
                slots=slots,
                axis=-(len(module.kernel_size) + 1) if convolution else -1,
                output=signal(out),
                source=source,
                source_active=active,
            )
            self._known[id(module)] = layer
            self.layers.append(layer)
        else:
            layer, again.calls = again, again.calls + 1
        self._note(out, layer, active=False)
        if out.requires_grad:
            out.register_hook(self._gradient(layer))

    def _gradient(self, layer: Layer) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            if not self.listening:  # the gradient of the loss alone, to find its scale
                return
            seen = signal(gradient)
            before = layer.gradient_squares if layer.gradient_numbers else 0.0
            layer.gradient_squares = before + seen.rms**2 * gradient.numel()
            layer.gradient_numbers += gradient.numel()
            if not layer.gradients.size:
                layer.gradients = seen.values

        return hook

    def origin(self, tensor: Any) -> tuple[Layer, bool] | None:
        """Return the layer that gave a tensor, and whether through its activation.

        None for a tensor that something else has made, or has written to since: ``out += x``.
        """
        found = self._origin.get(id(tensor))
        if found is None or found[1] != tensor._version:
            return None
        return found[2], found[3]

    def _note(self, tensor: Any, layer: Layer, *, active: bool) -> None:
        self._origin[id(tensor)] = (tensor, tensor._version, layer, active)

    def activated(self, phi: Activation, origin: tuple[Layer, bool] | None, out: Any) -> None:
        """Note that an activation was applied to what ``origin`` says."""
        if not self.layers:
            return
        layer = origin[0] if origin is not None else self.layers[-1]
        if layer.activation is None:
            layer.activation = phi
            layer.direct = origin is not None and not origin[1]
            layer.active = signal(out)
            layer.saturated = _saturated(phi, out)
            layer.dead, layer.always_on = _switched(phi, out, layer.axis)
        if origin is not None:
            self._note(out, layer, active=True)

    def passed_on(self, origin: tuple[Layer, bool], given: Any, out: Any) -> None:
        """Note that a tensor is another one in another shape."""
        if hasattr(out, "numel") and out.numel() == given.numel():
            self._note(out, origin[0], active=origin[1])


def _mode(recorder: _Recorder) -> Any:
    """Return a function mode that tells the recorder of activations."""
    th = torch()
    functions = _functions()

    class Watch(th.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        def __torch_function__(
            self, called: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            found = functions.get(called)
            if found is None:
                return called(*args, **kwargs)
            given = args[0] if args else kwargs.get("input")
            origin = recorder.origin(given)  # before it is written to in place
            out = called(*args, **kwargs)
            if found == "":
                if origin is not None:
                    recorder.passed_on(origin, given, out)
            elif isinstance(out, th.Tensor) and out.is_floating_point():
                slope = None
                if found == "leaky_relu":
                    slope = kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
                recorder.activated(activation(found, negative_slope=slope), origin, out)
            return out

    return Watch()


def _functions() -> dict[Any, str]:
    """Return torch's activation functions with our names, and those that only reshape with ""."""
    th = torch()
    places = (th, th.nn.functional, th.Tensor, getattr(th, "special", th))
    found: dict[Any, str] = {}
    for place in places:
        for name in ACTIVATIONS:
            if name == "linear":
                continue
            for spelled in (name, f"{name}_"):
                called = getattr(place, spelled, None)
                if called is not None:
                    found[called] = name
        for name in _PASSED_ON:
            called = getattr(place, name, None)
            if called is not None:
                found[called] = ""
    expit = getattr(th.special, "expit", None)
    if expit is not None:
        found[expit] = "sigmoid"
    return found


def _saturated(phi: Activation, out: Any) -> float:
    """Return the share of outputs where the slope is below 1/20 of its largest value."""
    if phi.limits is None:
        return math.nan
    low, high = phi.limits
    at = (out.detach().float() - low) / (high - low)  # 0 … 1
    if phi.name in ("tanh", "sigmoid"):
        flat = 4.0 * at * (1.0 - at) < 0.05  # the slope over its largest value
    elif phi.name == "softsign":
        flat = (1.0 - (2.0 * at - 1.0).abs()).square() < 0.05
    else:
        flat = (at <= 0.0) | (at >= 1.0)
    return float(flat.double().mean()) if out.numel() else math.nan


def _switched(phi: Activation, out: Any, axis: int) -> tuple[float, float]:
    """Return the shares of units that are off for every sample, and for no sample."""
    if not phi.rectifies or out.ndim < 2:
        return math.nan, math.nan
    axis = axis if out.ndim >= -axis + 1 else -1
    by_unit = out.detach().movedim(axis, 0).reshape(out.shape[axis], -1)
    off = (by_unit.amax(dim=1) <= 0.0).double().mean()
    return float(off), float((by_unit.amin(dim=1) > 0.0).double().mean())


def _cotangents(
    answer: Any, ends: list[Any], targets: Any, loss: Any, seed: int
) -> tuple[float | None, list[Any]]:
    """Return the loss and its gradient with respect to the outputs.

    Without a loss the gradient is standard normal: a direction that no layer is prepared for.
    """
    th = torch()
    if loss is None:
        generator = th.Generator().manual_seed(seed)
        drawn = [th.randn(e.shape, generator=generator, dtype=th.float32) for e in ends]
        return None, [d.to(e.device, e.dtype) for d, e in zip(drawn, ends, strict=True)]
    try:
        value = loss(answer) if targets is None else loss(answer, targets)
    except Exception as error:
        raise InputError(
            f"the loss raised {type(error).__name__}: {error}. It is called with what the model "
            f"returns{'' if targets is None else ' and the second part of the batch'}."
        ) from error
    if not isinstance(value, th.Tensor) or value.numel() != 1:
        said = f"shape {tuple(value.shape)}" if isinstance(value, th.Tensor) else type(value)
        raise InputError(
            f"loss must return a single number as a tensor; got {said}. Take its mean, or leave "
            "reduction='mean'."
        )
    number = float(value.detach())
    if not ends or not value.requires_grad:
        return number, [None] * len(ends)
    found = th.autograd.grad(value.sum(), ends, retain_graph=True, allow_unused=True)
    if all(g is None for g in found):
        raise InputError(
            "loss does not depend on what the model returned: no gradient flows back from it."
        )
    return number, list(found)


def _size(cotangents: list[Any]) -> float:
    """Return the largest number, in size, of a list of tensors."""
    return max((float(c.detach().abs().max()) for c in cotangents if c.numel()), default=0.0)


def _raised(error: Exception, recorder: _Recorder, call: batches.Call) -> InputError:
    where = recorder.stack[-1] if recorder.stack else ""
    module = dict(recorder.model.named_modules()).get(where)
    place = f"in {where!r} ({type(module).__name__})" if where else "in its forward"
    said = str(error).strip() or "without a message"
    hint = ""
    first = call.tensors[0]
    if not first.is_floating_point() and not any(
        isinstance(m, torch().nn.Embedding | torch().nn.EmbeddingBag)
        for m in recorder.model.modules()
    ):
        hint = " The batch holds whole numbers, and no layer looks them up: try batch.float()."
    return InputError(
        f"the model raised {type(error).__name__} {place} when called with a batch of "
        f"{call.text()}: {said.rstrip('.')}.{hint} The model is as it was before."
    )


def _unknown(module: Any) -> dict[str, Slot]:
    """Return slots for a module that is not one of PyTorch's: axes are (out, in, …) as a rule."""
    found = {}
    for local, parameter in module._parameters.items():
        if parameter is None or not parameter.is_floating_point() or not parameter.numel():
            continue
        if parameter.ndim >= 2:
            block = Block("", 0, parameter.shape[0], fans=fans(tuple(parameter.shape)))
            found[local] = Slot("weight", (block,))
        elif parameter.ndim == 1:
            found[local] = Slot("bias")
    return found
