"""Promise: a diagnosis leaves a model exactly as it was, whatever its forward pass does."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from gausswork.errors import InputError  # noqa: E402
from gausswork.initialization import diagnose  # noqa: E402


class Restless(nn.Module):
    """A model whose forward pass changes everything that one can change."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 8, max_norm=1.0)
        self.linear = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("steps", torch.zeros(()))
        self.loose = torch.ones(3)
        self.counter = 0
        self.history: list[int] = []
        self.cache: dict[str, Any] = {"a": 1}
        self.fail = False

    def forward(self, x: Any) -> Any:
        self.counter += 1
        self.history.append(self.counter)
        self.cache["b"] = 2
        torch.rand(1)
        self.fresh = x
        self.steps = self.steps + 1
        self.loose.mul_(2)
        with torch.no_grad():
            self.norm.weight.mul_(1.5)
        out = self.drop(self.norm(torch.relu(self.linear(self.embedding(x)))))
        if self.fail:
            raise ValueError("as asked")
        return out


def state(model: Any) -> dict[str, Any]:
    """Return everything that a forward pass may have changed."""
    return {
        "values": {k: v.clone() for k, v in model.state_dict().items()},
        "objects": {k: id(v) for k, v in model.state_dict(keep_vars=True).items()},
        "flags": [p.requires_grad for p in model.parameters()],
        "gradients": [None if p.grad is None else (id(p.grad), p.grad.clone())
                      for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
                  for m in model.modules()],
        "names": [sorted(vars(m)) for m in model.modules()],
        "loose": model.loose.clone(),
        "plain": (model.counter, list(model.history), dict(model.cache)),
        "random": torch.get_rng_state(),
    }  # fmt: skip


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return bool(torch.equal(one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    made = Restless()
    made.linear.parametrizations.weight.original.grad = torch.ones(8, 8)
    made.embedding.weight.requires_grad_(False)
    made.drop.eval()
    made.norm.register_forward_hook(lambda m, x, y: y * 1.0)
    return made


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fail", [False, True])
@pytest.mark.parametrize("loss", [None, lambda out: out.square().mean()])
def test_everything_is_as_before(model: Any, training: bool, fail: bool, loss: Any) -> None:
    if not training:
        model.eval()
    model.fail = fail
    batch = torch.arange(10)
    before, kept = state(model), batch.clone()
    if fail:
        with pytest.raises(InputError, match="as asked") as caught:
            diagnose(model, batch, loss)
        assert isinstance(caught.value.__cause__, ValueError)
    else:
        diagnose(model, batch, loss)
    after = state(model)
    assert [key for key in before if not same(before[key], after[key])] == []
    assert torch.equal(batch, kept)


def test_a_raising_loss_leaves_it_as_it_was(model: Any) -> None:
    before = state(model)

    def broken(out: Any) -> Any:
        raise KeyError("no such loss")

    with pytest.raises(InputError, match="no such loss"):
        diagnose(model, torch.arange(10), broken)
    assert same(before, state(model))


def test_the_test_would_notice(model: Any) -> None:
    before = state(model)
    model(torch.arange(10))
    changed = [key for key, value in before.items() if not same(value, state(model)[key])]
    assert {"values", "objects", "names", "loose", "plain", "random"} <= {*changed}


def test_the_batch_is_not_written_to() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 4))
    batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    kept = batch.clone()
    diagnose(model, batch)
    assert torch.equal(batch, kept)


def test_generators_are_seeded_inside_so_that_results_repeat() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8))
    batch = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    first = diagnose(model, batch, seed=1)
    torch.rand(3)
    assert diagnose(model, batch, seed=1).backward == first.backward
    assert diagnose(model, batch, seed=2).backward != first.backward
