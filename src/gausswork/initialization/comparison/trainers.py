"""Many networks trained at once: gradients over a leading axis of networks, and the optimisers.

A trainer holds the parameters of several networks as stacked tensors, (networks, *shape), and has
two verbs: ``outputs`` of all networks for some rows, and ``gradients`` of each network's own loss.
No number of one network enters those of another, so one that diverges does not touch its
neighbours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization.slots import torch

OPTIMIZERS = ("sgd", "momentum", "adam")
RATES = {"sgd": 0.1, "momentum": 0.02, "adam": 2e-3}  # where nothing else is asked for
_MOMENTUM = 0.9  # as in most recipes
_BETAS, _TINY = (0.9, 0.999), 1e-8  # of Adam, Kingma & Ba (2015), as in torch.optim
_SLICE = 128  # rows judged at a time
_IN_PLACE = {"ReLU": "relu_", "Tanh": "tanh_", "Sigmoid": "sigmoid_"}


class Stacked:
    """Fully connected networks: one batched product a layer, and its derivative by hand."""

    way = "batched products"

    def __init__(self, model: Any, members: Sequence[dict[str, Any]], loss: str) -> None:
        th = torch()
        self.loss = loss
        self.layers = _layers(model)
        self.parameters: list[Any] = []
        self.weights: list[tuple[Any, Any]] = []
        self.trained: list[tuple[bool, bool]] = []
        for module, prefix, _ in self.layers:
            pair: list[Any] = []
            for name in ("weight", "bias"):
                own = getattr(module, name)
                if own is None:
                    pair.append(None)
                    continue
                stack = th.stack([m[f"{prefix}{name}"] for m in members])
                stack = stack if name == "weight" else stack.unsqueeze(1)
                pair.append(stack)
                if own.requires_grad:
                    self.parameters.append(stack)
            self.weights.append((pair[0], pair[1]))
            self.trained.append(
                (module.weight.requires_grad, pair[1] is not None and module.bias.requires_grad)
            )
        self.members = len(members)

    def outputs(self, x: Any) -> Any:
        """Return (networks, rows, outputs)."""
        th = torch()
        with th.no_grad():  # slice by slice: what lies between the layers stays in the cache
            return th.cat([self._forward(rows)[-1] for rows in x.split(_SLICE)], dim=1)

    def gradients(self, x: Any, y: Any) -> list[Any]:
        """Return the gradient of each network's loss, in the order of ``parameters``."""
        th = torch()
        with th.no_grad():
            passed = self._forward(x)
            g = _loss_slope(passed[-1], y, self.loss)
            found: list[Any] = []
            for i in range(len(self.layers) - 1, -1, -1):
                act = self.layers[i][2]
                before, inputs = passed[2 * i + 1], passed[2 * i]
                if act is not None:
                    g = _slope(act, g, before, passed[2 * i + 2])
                if self.trained[i][1]:
                    found.append(g.sum(1, keepdim=True))
                if self.trained[i][0]:
                    found.append(th.bmm(g.transpose(1, 2), inputs))
                if i:
                    g = th.bmm(g, self.weights[i][0])
        return found[::-1]

    def _forward(self, x: Any) -> list[Any]:
        """Return inputs, sums and activations of all layers, one after another."""
        th = torch()
        passed = [x.flatten(1).expand(self.members, -1, -1)]
        for (w, b), (_, _, act) in zip(self.weights, self.layers, strict=True):
            h = passed[-1]
            z = th.bmm(h, w.mT) if b is None else th.baddbmm(b, h, w.mT)
            passed += [z, z if act is None else _activated(act, z)]
        return passed


class Mapped:
    """Any module that torch.func can map over the parameters of many networks."""

    way = "torch.func.vmap"

    def __init__(self, model: Any, members: Sequence[dict[str, Any]], loss: Any) -> None:
        th = torch()
        self.model, self.loss = model, loss
        trained = {n for n, p in model.named_parameters() if p.requires_grad}
        self.names = [n for n in members[0] if n in trained]
        self.fixed_names = [n for n in members[0] if n not in trained]
        self.parameters = [th.stack([m[n] for m in members]) for n in self.names]
        self.fixed = [th.stack([m[n] for m in members]) for n in self.fixed_names]
        self._gradients = th.func.vmap(
            th.func.grad(self._own_loss), in_dims=(0, 0, None, None), randomness="different"
        )
        self._outputs = th.func.vmap(self._call, in_dims=(0, 0, None), randomness="different")

    def outputs(self, x: Any) -> Any:
        """Return (networks, rows, outputs)."""
        self.model.eval()
        try:
            with torch().no_grad():
                return self._outputs(self.parameters, self.fixed, x)
        finally:
            self.model.train()

    def gradients(self, x: Any, y: Any) -> list[Any]:
        """Return the gradient of each network's loss, in the order of ``parameters``."""
        return list(self._gradients(self.parameters, self.fixed, x, y))

    def _call(self, parameters: list[Any], fixed: list[Any], x: Any) -> Any:
        named = dict(zip([*self.names, *self.fixed_names], [*parameters, *fixed], strict=True))
        return torch().func.functional_call(self.model, named, (x,))

    def _own_loss(self, parameters: list[Any], fixed: list[Any], x: Any, y: Any) -> Any:
        return loss_of(self.loss, self._call(parameters, fixed, x), y)


class Single:
    """One network, trained as it would be alone."""

    way = "one by one"

    def __init__(self, model: Any, members: Sequence[dict[str, Any]], loss: Any) -> None:
        assert len(members) == 1
        self.model, self.loss = model, loss
        own = dict(model.named_parameters())
        with torch().no_grad():
            for name, parameter in own.items():
                parameter.copy_(members[0][name])
        self.parameters = [p for p in own.values() if p.requires_grad]

    def outputs(self, x: Any) -> Any:
        """Return (1, rows, outputs)."""
        self.model.eval()
        try:
            with torch().no_grad():
                return self.model(x).unsqueeze(0)
        finally:
            self.model.train()

    def gradients(self, x: Any, y: Any) -> list[Any]:
        """Return the gradient of the loss, in the order of ``parameters``."""
        th = torch()
        with th.enable_grad():
            value = loss_of(self.loss, self.model(x), y)
            found = th.autograd.grad(value, self.parameters, allow_unused=True)
        pairs = zip(found, self.parameters, strict=True)
        return [th.zeros_like(p) if g is None else g for g, p in pairs]


Trainer = Stacked | Mapped | Single


class Optimizer:
    """Gradient steps on stacked parameters, as torch.optim makes them on single ones."""

    def __init__(self, name: str, rate: float, parameters: Sequence[Any]) -> None:
        th = torch()
        self.name, self.rate, self.parameters, self.count = name, rate, parameters, 0
        kept = {"sgd": 0, "momentum": 1, "adam": 2}[name]
        self.state = [[th.zeros_like(p) for p in parameters] for _ in range(kept)]

    def step(self, gradients: Sequence[Any]) -> None:
        """Change the parameters in place."""
        self.count += 1
        with torch().no_grad():
            if self.name == "adam":
                self._adam(gradients)
                return
            if self.name == "momentum":
                for moved, g in zip(self.state[0], gradients, strict=True):
                    moved.mul_(_MOMENTUM).add_(g)
                gradients = self.state[0]
            for p, g in zip(self.parameters, gradients, strict=True):
                p.add_(g, alpha=-self.rate)

    def _adam(self, gradients: Sequence[Any]) -> None:
        first, second = _BETAS
        size = self.rate / (1.0 - first**self.count)
        root = (1.0 - second**self.count) ** 0.5
        for p, g, mean, square in zip(self.parameters, gradients, *self.state, strict=True):
            mean.lerp_(g, 1.0 - first)
            square.mul_(second).addcmul_(g, g, value=1.0 - second)
            p.addcdiv_(mean, square.sqrt().div_(root).add_(_TINY), value=-size)


def is_plain(model: Any) -> bool:
    """Whether a model is a chain of linear layers, each with at most one activation behind."""
    if type(model) is not torch().nn.Sequential:
        return False
    if any(m._forward_hooks or m._forward_pre_hooks for m in model.modules()):
        return False
    parameters = [p for m in model for p in m._parameters.values() if p is not None]
    try:
        layers = _layers(model)
    except InputError:
        return False
    return bool(layers) and len({id(p) for p in parameters}) == len(parameters)


def _layers(model: Any) -> list[tuple[Any, str, Any]]:
    """Return (linear layer, prefix of its names, activation or None) of a chain."""
    nn = torch().nn
    known = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid,
             nn.Softsign, nn.SELU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
             nn.Softplus)  # fmt: skip
    found: list[tuple[Any, str, Any]] = []
    for name, module in model.named_children():
        if type(module) is nn.Linear:
            found.append((module, f"{name}.", None))
        elif type(module) in known and found and found[-1][2] is None:
            kept = _not_in_place(module)
            found[-1] = (*found[-1][:2], kept)
        elif not (type(module) is nn.Identity or (type(module) is nn.Flatten and not found)):
            raise InputError(f"{type(module).__name__} is no part of a plain chain.")
    return found


def _not_in_place(module: Any) -> Any:
    if not getattr(module, "inplace", False):
        return module
    import copy

    module = copy.deepcopy(module)
    module.inplace = False
    return module


def _activated(act: Any, z: Any) -> Any:
    """Return an activation of sums; in their place where its slope needs no more than itself."""
    name = type(act).__name__
    if name in _IN_PLACE:
        return getattr(z, _IN_PLACE[name])()
    return act(z)


def _slope(act: Any, g: Any, before: Any, after: Any) -> Any:
    """Return the gradient in front of an activation from that behind it."""
    th = torch()
    name = type(act).__name__
    if name == "ReLU":
        return th.ops.aten.threshold_backward(g, after, 0)
    if name == "Tanh":
        return th.ops.aten.tanh_backward(g, after)
    if name == "Sigmoid":
        return th.ops.aten.sigmoid_backward(g, after)
    with th.enable_grad():
        z = before.detach().requires_grad_()
        return th.autograd.grad(act(z), z, g)[0]


def _loss_slope(out: Any, y: Any, loss: str) -> Any:
    """Return the gradient of each network's mean loss by its outputs, (networks, rows, outputs)."""
    th = torch()
    if loss == "mse":
        return (out - y).mul_(2.0 / y.numel())
    g = th.softmax(out, dim=-1)
    place = y.expand(out.shape[0], -1).unsqueeze(-1)
    g.scatter_add_(-1, place, th.full(place.shape, -1.0, dtype=g.dtype, device=g.device))
    return g.div_(len(y))


def loss_of(loss: Any, out: Any, y: Any) -> Any:
    """Return the mean loss of one network."""
    functional = torch().nn.functional
    if loss == "cross_entropy":
        return functional.cross_entropy(out, y)
    if loss == "mse":
        return functional.mse_loss(out, y)
    return loss(out, y)


def losses(loss: Any, out: Any, y: Any) -> Any:
    """Return the mean loss of every network, (networks,)."""
    th = torch()
    if loss == "mse":
        return (out - y).square().flatten(1).mean(1)
    if loss == "cross_entropy":
        place = y.expand(out.shape[0], -1).unsqueeze(-1)
        return -th.log_softmax(out, dim=-1).gather(-1, place).squeeze(-1).mean(1)
    return th.stack([loss_of(loss, own, y) for own in out])


def trainer_for(model: Any, loss: Any) -> Callable[..., Any]:
    """Return the quickest trainer that might do; whether it does is seen by its first step."""
    return Stacked if isinstance(loss, str) and is_plain(model) else Mapped


@contextlib.contextmanager
def own_randomness(seed: int, device: Any) -> Iterator[None]:
    """Let dropout draw from a seed; the global generators are afterwards what they were."""
    th = torch()
    devices = [device] if device.type == "cuda" else []
    with th.random.fork_rng(devices=devices):
        th.manual_seed(seed)
        yield
