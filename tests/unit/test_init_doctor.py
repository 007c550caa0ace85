"""Promise: the doctor flags what keeps a network from training, and nothing else."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from gausswork.errors import InputError  # noqa: E402
from gausswork.initialization import diagnose, initialize  # noqa: E402


def mlp(width: int, layers: int, act: Any = nn.ReLU, out: int = 10) -> Any:
    parts: list[Any] = []
    for _ in range(layers):
        parts += [nn.Linear(width, width), act()]
    return nn.Sequential(*parts, nn.Linear(width, out))


def normal(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(count: int, of: int = 10) -> Any:
    return torch.randint(0, of, (count,), generator=torch.Generator().manual_seed(1))


X, Y = normal(128, 64), labels(128)


def codes(diagnosis: Any) -> set[str]:
    return {f.code for f in diagnosis.findings if f.severity != "note"}


def started(scheme: str, *args: Any, seed: int = 0, **options: Any) -> Any:
    model = mlp(64, *args)
    initialize(model, scheme, seed=seed, **options)
    return model


@pytest.mark.parametrize("seed", range(3))
def test_the_default_relu_network_of_14_layers_stalls(seed: int) -> None:
    found = diagnose(started("default", 14, seed=seed), (X, Y), F.cross_entropy)
    assert not found.healthy
    assert {"vanishing-gradients", "collapsed-samples"} <= codes(found)
    assert found.backward == pytest.approx(0.41, abs=0.02)
    assert 1e-6 < found.backward_total < 1e-5
    alike = next(f for f in found.findings if f.code == "collapsed-samples")
    assert re.match(r"From layer '\d+' \(number \d+ of 1[45]\) on ", alike.sentence)
    worst = next(f for f in found.findings if f.code == "vanishing-gradients")
    assert worst.severity == "alarm"
    assert "a = √5" in worst.sentence
    assert "initialize(model, 'he')" in worst.remedy


HEALTHY = [
    ("he", (14,)), ("he", (30,)), ("default", (2,)), ("default", (4,)), ("orthogonal", (10,)),
    ("xavier", (8, nn.Tanh)), ("orthogonal", (30, nn.Tanh)), ("default", (3, nn.Tanh)),
    ("default", (2, nn.GELU)), ("lecun", (8, nn.SELU)), ("he", (1, nn.Sigmoid)),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "shape"), HEALTHY, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_healthy_networks_stay_unflagged_whatever_the_scale_of_the_loss(
    scheme: str, shape: tuple[Any, ...], seed: int
) -> None:
    model = started(scheme, *shape, seed=seed)
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert found.healthy, found
    for scale in (1e-6, 1e-30, 1e6):
        scaled = diagnose(model, (X, Y), lambda out, y, s=scale: s * F.cross_entropy(out, y))
        assert scaled.healthy
        assert scaled.backward == pytest.approx(found.backward, rel=1e-3)
        assert scaled.layers[0].gradient_sd == pytest.approx(
            scale * found.layers[0].gradient_sd, rel=1e-3
        )
    assert diagnose(model, X).healthy


@pytest.mark.parametrize("scheme", ["zeros", "constant", "ones"])
@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh, nn.Sigmoid])
def test_identical_units(scheme: str, act: Any) -> None:
    found = diagnose(started(scheme, 3, act), (X, Y), F.cross_entropy)
    assert "identical-units" in codes(found)
    assert all(layer.copies == layer.units for layer in found.layers[:3])


def test_a_few_twins_among_many_are_found_and_counted() -> None:
    model = started("he", 3)
    with torch.no_grad():
        model[2].weight[5] = model[2].weight[9]
        model[2].weight[40] = model[2].weight[9]
        model[2].bias[5] = model[2].bias[9] = model[2].bias[40] = 0.1
        # They stay alike only if the next layer treats them alike.
        model[4].weight[:, 5] = model[4].weight[:, 40] = model[4].weight[:, 9]
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert (found["2"].copies, found["2"].units) == (3, 64)
    assert codes(found) == {"identical-units"}
    with torch.no_grad():
        model[4].weight[:, 5] *= 1.01  # gradients differ now: training will part them
    assert diagnose(model, (X, Y), F.cross_entropy)["2"].copies == 2


def test_a_readout_that_starts_at_zero_is_no_fault() -> None:
    model = started("he", 3, rules={"6.weight": "zeros"})
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert found.healthy
    assert [f.code for f in found.findings] == ["zero-readout"]


def test_randn_explodes() -> None:
    for layers in (3, 14):
        found = diagnose(started("randn", layers), (X, Y), F.cross_entropy)
        assert {"exploding-gradients", "exploding-signals"} <= codes(found)
        # χ₁ = fan_in / 2: √32 per layer, on both ways.
        assert found.backward == pytest.approx(math.sqrt(32), rel=0.1)
    assert "saturated-units" in codes(diagnose(started("randn", 4, nn.Tanh), X))
    assert "saturated-units" in codes(diagnose(started("randn", 4, nn.Sigmoid), X))


def test_rand_is_not_centred() -> None:
    found = diagnose(started("rand", 4), (X, Y), F.cross_entropy)
    assert "exploding-signals" in codes(found)
    assert any("not centred" in f.sentence for f in found.findings)


def test_dead_relus() -> None:
    model = started("he", 4)
    with torch.no_grad():
        model[4].bias -= 100.0
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert "dead-units" in codes(found)
    assert found["4"].dead == 1.0
    assert found["2"].dead < 0.3
    model = started("he", 4)
    with torch.no_grad():
        model[4].bias[:40] -= 100.0
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert found["4"].dead == pytest.approx(40 / 64, abs=0.1)
    assert codes(found) == {"dead-units"}


def test_functional_and_in_place_activations_are_seen_like_modules() -> None:
    class Written(nn.Module):
        def __init__(self, way: str) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)
            self.way = way
            self.relu = nn.ReLU(inplace=True)

        def act(self, x: Any) -> Any:
            ways = {"F": F.relu, "torch": torch.relu, "method": lambda t: t.relu(),
                    "in-place": lambda t: t.relu_(), "module": self.relu,
                    "F in-place": lambda t: F.relu(t, inplace=True)}  # fmt: skip
            return ways[self.way](x)

        def forward(self, x: Any) -> Any:
            return self.c(self.act(self.b(self.act(self.a(x)))))

    seen = []
    for way in ("F", "torch", "method", "in-place", "module", "F in-place"):
        model = Written(way)
        initialize(model, "he")
        found = diagnose(model, X)
        assert [layer.activation for layer in found.layers] == ["relu", "relu", ""]
        seen.append([(x.forward, x.backward, x.dead, x.predicted_backward) for x in found.layers])
    for other in seen[1:]:
        assert np.allclose(seen[0], other, equal_nan=True)


@pytest.mark.parametrize(
    ("act", "weight_variance"), [(nn.ReLU, 2.0), (nn.ReLU, 1 / 3), (nn.Tanh, 1.0), (nn.Tanh, 4.0)]
)
def test_theory_and_measurement_agree_in_a_wide_network(act: Any, weight_variance: float) -> None:
    model = mlp(400, 6, act)
    initialize(model, "lecun_normal", gain=math.sqrt(weight_variance))
    found = diagnose(model, normal(64, 400))
    assert found.theory is not None
    for layer in found.layers[1:-1]:
        # 400 units in place of infinitely many: a few per cent.
        assert layer.forward == pytest.approx(layer.predicted_forward, rel=0.1)
        assert layer.backward == pytest.approx(layer.predicted_backward, rel=0.15)


def test_theory_keeps_to_where_it_applies() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lines = nn.ModuleList([nn.Linear(32, 32) for _ in range(4)])

        def forward(self, x: Any) -> Any:
            for line in self.lines:
                x = x + F.relu(line(x))
            return x

    found = diagnose(Residual(), normal(32, 32))
    assert found.theory is None
    assert all(math.isnan(layer.predicted_forward) for layer in found.layers)

    class InPlace(Residual):
        def forward(self, x: Any) -> Any:
            for line in self.lines:
                out = line(x)
                out += x  # no longer what the layer gave
                x = F.relu(out)
            return x

    found = diagnose(InPlace(), normal(32, 32))
    assert found.theory is None
    assert [layer.activation for layer in found.layers] == ["relu"] * 4
    assert all(math.isnan(layer.predicted_forward) for layer in found.layers)
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8))
    assert math.isnan(diagnose(model, normal(32, 8)).layers[1].predicted_forward)


@pytest.mark.parametrize("samples", [2, 4, 128])
@pytest.mark.parametrize("seed", range(4))
def test_units_that_chance_leaves_off_are_not_called_dead(samples: int, seed: int) -> None:
    """Deep down samples are alike, and half of the units are off for all: as many are on."""
    found = diagnose(started("he", 30, seed=seed), normal(samples, 64, seed=seed))
    assert max(layer.dead for layer in found.layers[:-1]) > 0.25
    assert found.healthy, found


def test_nan_and_overflow_are_located() -> None:
    model = started("he", 4)
    with torch.no_grad():
        model[4].weight.mul_(1e38)
    found = diagnose(model, X)
    assert "not-finite" in codes(found)
    assert "'4'" in found.findings[0].sentence or "'6'" in found.findings[0].sentence

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return torch.sqrt(self.line(x) * 0.0)  # the slope of the root is infinite at zero

    assert "not-finite" in codes(diagnose(Root(), normal(8, 4)))


def test_parameters_without_a_gradient_are_named() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.cut, self.idle = (nn.Linear(4, 4) for _ in range(3))

        def forward(self, x: Any) -> Any:
            return self.used(self.cut(x).detach())

    found = diagnose(Unused(), normal(8, 4))
    assert codes(found) == {"unreached-parameters"}
    assert "'cut.weight'" in found.findings[0].sentence
    assert "'idle.weight'" in found.findings[0].sentence


def test_frozen_layers_pass_gradients_on() -> None:
    model = started("he", 4)
    for parameter in model[:6].parameters():
        parameter.requires_grad_(False)
    found = diagnose(model, (X, Y), F.cross_entropy)
    assert found.healthy
    assert found.backward == pytest.approx(1.0, abs=0.2)
    assert not model[0].weight.requires_grad


@pytest.mark.parametrize(
    ("model", "batch", "said"),
    [
        (nn.ReLU(), normal(8, 4), "no parameters"),
        (nn.Linear(4, 4), normal(1, 4), "one sample"),
        (nn.Linear(4, 4), normal(8, 5), r"raised RuntimeError in its forward.*\(8, 5\)"),
        (nn.Linear(4, 4), torch.ones(8, 4, dtype=torch.int64), r"batch\.float\(\)"),
        (nn.LazyLinear(4), normal(8, 4), "lazy"),
        (nn.Linear(4, 4, device="meta"), normal(8, 4), "meta"),
        (nn.Linear(4, 4), torch.full((8, 4), math.nan), "32 NaN"),
        (nn.Linear(4, 4), "text", "tensors"),
        (nn.Linear(4, 4), [], "tensors"),
        ("model", normal(8, 4), "torch.nn.Module"),
        (nn.Embedding(4, 4), torch.full((8,), 9), "IndexError"),
    ],
)
def test_bad_input(model: Any, batch: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        diagnose(model, batch)


def test_bad_losses_and_weights() -> None:
    model = nn.Linear(4, 4)
    with pytest.raises(InputError, match="pair"):
        diagnose(model, normal(8, 4), F.cross_entropy)
    with pytest.raises(InputError, match="single number"):
        diagnose(model, normal(8, 4), lambda out: out.sum(dim=1))
    with pytest.raises(InputError, match="does not depend"):
        diagnose(model, normal(8, 4), lambda out: model.weight.sum())
    with pytest.raises(InputError, match="function"):
        diagnose(model, normal(8, 4), "cross_entropy")
    with torch.no_grad():
        model.weight[0, 0] = math.nan
    with pytest.raises(InputError, match=r"'weight' holds 1 NaN .* of 16"):
        diagnose(model, normal(8, 4))


def test_where_a_deep_model_raised_is_said() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 4)))
    with pytest.raises(InputError, match=r"in '1\.1' \(Linear\)") as caught:
        diagnose(model, normal(8, 4))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_compiled_models_are_examined_as_what_they_are_made_of() -> None:
    model = started("default", 14)
    compiled = torch.compile(model, backend="eager")
    assert diagnose(compiled, X).backward == diagnose(model, X).backward


def test_batches_of_every_kind() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(4, 4)

        def forward(self, a: Any, b: Any) -> dict[str, Any]:
            return {"out": [self.line(a) + b], "n": 3}

    a, b = normal(8, 4), normal(8, 4, seed=1)
    first = diagnose(Two(), (a, b))
    assert first.samples == 8
    assert diagnose(Two(), {"a": a, "b": b}).samples == 8
    assert diagnose(Two(), ((a, b), labels(8, 4)),
                    lambda out, y: F.cross_entropy(out["out"][0], y)).loss is not None  # fmt: skip
    assert diagnose(nn.Linear(4, 2), np.ones((8, 4)) * np.arange(8)[:, None]).samples == 8
    assert diagnose(nn.Linear(2, 2), [[0.0, 1.0], [2.0, 3.0]]).samples == 2


def test_the_text_and_the_document_say_the_same() -> None:
    found = diagnose(started("default", 14), (X, Y), F.cross_entropy)
    said, data = str(found), found.to_dict()
    assert found.verdict in said
    assert "χ₁ = 0.16" in said
    assert data["healthy"] is False
    assert data["layers"][0]["name"] == "0"
    assert data["theory"]["phase"] == "ordered"
    import json

    json.dumps(data, allow_nan=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_everything_is_measured_there_and_left_as_it_was() -> None:
    model = started("default", 14).cuda()
    before, state = torch.cuda.get_rng_state(), torch.get_rng_state()
    found = diagnose(model, (X.cuda(), Y.cuda()), F.cross_entropy)
    assert "vanishing-gradients" in codes(found)
    assert torch.equal(before, torch.cuda.get_rng_state())
    assert torch.equal(state, torch.get_rng_state())
