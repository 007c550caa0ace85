"""Promise: initialize sets every kind of layer by its own fans, and only what it says it sets."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from gausswork.errors import InputError  # noqa: E402
from gausswork.initialization import initialize, plan  # noqa: E402
from gausswork.initialization.schemes import RECIPES  # noqa: E402

DRAWN = [name for name in RECIPES if name not in ("lsuv", "mup")]


def wide(sd: float, count: int) -> float:
    """Return six standard errors of an sd estimated from ``count`` normals."""
    return 6.0 * sd / math.sqrt(2.0 * count)


@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (nn.Linear(200, 300), 200),
        (nn.Conv1d(20, 60, 5), 100),
        (nn.Conv2d(16, 64, 3), 144),
        (nn.Conv3d(6, 64, 3), 162),
        (nn.Conv2d(32, 64, 3, groups=4), 72),
        (nn.ConvTranspose1d(20, 80, 5), 100),
        (nn.ConvTranspose2d(16, 64, 3), 144),
        (nn.ConvTranspose2d(32, 64, 3, groups=4), 72),
        (nn.Bilinear(20, 30, 40), 600),
    ],
    ids=lambda value: str(value).partition(",")[0],
)
def test_he_has_twice_one_over_fan_in(layer: Any, fan: int) -> None:
    initialize(layer, "he", seed=1)
    sd = math.sqrt(2.0 / fan)
    assert float(layer.weight.detach().std()) == pytest.approx(
        sd, abs=wide(sd, layer.weight.numel())
    )
    assert float(layer.bias.detach().abs().max()) == 0.0


def test_fan_out_of_a_transposed_convolution_is_that_of_its_outputs() -> None:
    layer = nn.ConvTranspose2d(16, 64, 3)
    initialize(layer, "he", mode="fan_out")
    sd = math.sqrt(2.0 / (64 * 9))
    assert float(layer.weight.detach().std()) == pytest.approx(sd, abs=wide(sd, 16 * 64 * 9))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_recurrent_weights_are_orthogonal_gate_by_gate(kind: Any) -> None:
    layer = kind(24, 16)
    initialize(layer, "orthogonal")
    for name, parameter in layer.named_parameters():
        if name.startswith("weight"):
            for gate in parameter.detach().split(16):
                assert torch.allclose(gate @ gate.T, torch.eye(16), atol=1e-5)
        else:
            assert not parameter.detach().any()


def test_the_gates_of_an_lstm_have_the_fans_of_one_gate() -> None:
    """A draw over the stacked matrix would see four times the outputs."""
    layer = nn.LSTM(64, 64, proj_size=32, num_layers=2, bidirectional=True)
    made = plan(layer, "xavier_normal")
    entry = made["weight_ih_l0"]
    assert entry.blocks == ("input", "forget", "cell", "output")
    assert entry.law is not None
    assert entry.law.spread == pytest.approx(math.sqrt(2 / 128))
    assert {e.status for e in made.entries} == {"set"}


def test_attention_is_query_key_and_value() -> None:
    layer = nn.MultiheadAttention(64, 4)
    made = plan(layer, "xavier")
    entry = made["in_proj_weight"]
    assert entry.blocks == ("q", "k", "v")
    assert entry.law is not None
    assert entry.law.spread == pytest.approx(math.sqrt(2 / 128))
    initialize(layer, "orthogonal")
    for part in layer.in_proj_weight.detach().split(64):
        assert torch.allclose(part @ part.T, torch.eye(64), atol=1e-5)
    apart = nn.MultiheadAttention(64, 4, kdim=32, vdim=16, add_bias_kv=True)
    initialize(apart, "he", seed=2)
    assert float(apart.v_proj_weight.detach().std()) == pytest.approx(0.25, abs=wide(0.25, 1024))
    assert bool(apart.bias_k.detach().any())


def test_the_gain_of_an_activation_is_for_layers_that_one_follows() -> None:
    model = nn.ModuleDict(
        {
            "line": nn.Linear(100, 100),
            "loop": nn.GRU(100, 100),
            "look": nn.MultiheadAttention(100, 4),
        }
    )
    made = plan(model, "he", activation="relu")
    assert made["line.weight"].law.spread == pytest.approx(math.sqrt(2 / 100))
    for name in ("loop.weight_hh_l0", "look.in_proj_weight", "look.out_proj.weight"):
        assert made[name].law.spread == pytest.approx(0.1), name
    assert plan(model, "he", gain=3.0)["loop.weight_hh_l0"].law.spread == pytest.approx(0.3)


def test_norms_embeddings_and_slopes() -> None:
    model = nn.Sequential(
        nn.Embedding(50, 40, padding_idx=3), nn.LayerNorm(40), nn.BatchNorm1d(40),
        nn.GroupNorm(4, 40), nn.RMSNorm(40), nn.InstanceNorm1d(40, affine=True), nn.PReLU(),
    )  # fmt: skip
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7.0)
    initialize(model, "xavier")
    assert float(model[0].weight[3].detach().abs().max()) == 0.0  # stands for no token
    sd = math.sqrt(2 / 41)
    rows = torch.cat([model[0].weight[:3], model[0].weight[4:]]).detach()
    assert float(rows.std()) == pytest.approx(sd, abs=wide(sd, rows.numel()))
    for norm in model[1:6]:
        assert bool((norm.weight == 1).all())
        assert getattr(norm, "bias", None) is None or not bool(norm.bias.detach().any())
    assert float(model[6].weight.detach()) == 0.25


def test_values_do_not_depend_on_the_order_of_modules_nor_on_what_is_around_them() -> None:
    def net(reverse: bool) -> Any:
        parts = [("a", nn.Linear(8, 8)), ("b", nn.LSTM(8, 8)), ("c", nn.Conv2d(3, 4, 3))]
        return nn.ModuleDict(dict(reversed(parts) if reverse else parts))

    one, other = net(False), net(True)
    for seed in (0, 1):
        initialize(one, "he", seed=seed)
        initialize(other, "he", seed=seed)
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    wrapped = nn.DataParallel(copy.deepcopy(one))
    initialize(wrapped, "he", seed=1)
    assert torch.equal(wrapped.module["a"].weight, one["a"].weight)
    before = one["a"].weight.detach().clone()
    initialize(one, "he", seed=2)
    assert not torch.equal(before, one["a"].weight)
    assert not torch.equal(one["a"].weight, one["b"].weight_hh_l0[:8])


@pytest.mark.parametrize("name", DRAWN)
def test_the_global_generator_is_left_alone(name: str) -> None:
    model = nn.Sequential(nn.Linear(20, 30), nn.Conv2d(3, 4, 3), nn.LSTM(4, 4))
    before = torch.get_rng_state()
    initialize(model, name)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", DRAWN)
def test_undo_restores_every_bit(name: str) -> None:
    model = nn.Sequential(nn.Linear(20, 30), nn.BatchNorm1d(30), nn.LSTM(30, 4))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    objects = [id(p) for p in model.parameters()]
    done = initialize(model, name)
    assert any(not torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    done.undo()
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    assert objects == [id(p) for p in model.parameters()]
    with pytest.raises(InputError, match="undone already"):
        done.undo()
    with pytest.raises(InputError, match="keep=True"):
        initialize(model, name, keep=False).undo()


def test_a_plan_changes_nothing_and_says_what_would_happen() -> None:
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
    model[2].weight.requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    made = plan(model, "he", activation="relu", seed=3)
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    said = str(made)
    assert "normal, sd 0.3162" in said
    assert "requires_grad is False" in said
    assert "0.weight" in said
    done = initialize(model, "he", activation="relu", seed=3)
    assert done.plan == made
    assert torch.equal(model[2].weight, before["2.weight"])
    assert [f.code for f in done.findings] == ["frozen-parameters"]
    assert made.to_dict()["parameters"][0]["fan_in"] == 20


def test_rules_by_pattern_the_last_one_decides() -> None:
    model = nn.ModuleDict({"body": nn.Linear(20, 20), "head": nn.Linear(20, 5)})
    kept = model["body"].bias.detach().clone()
    initialize(
        model, "he",
        rules={"*": ("normal", {"sd": 5.0}), "head.*": "zeros", "head.bias": 0.25,
               "body.bias": "keep"},
    )  # fmt: skip
    assert float(model["body"].weight.detach().std()) > 3.0
    assert not bool(model["head"].weight.detach().any())
    assert bool((model["head"].bias == 0.25).all())
    assert torch.equal(model["body"].bias, kept)
    initialize(model, "randn", rules={"body.*": "orthogonal"}, bias=0.125)
    assert bool((model["body"].bias == 0.125).all())  # a bias has no fans
    with pytest.raises(InputError, match=r"no parameter matches 'heda.weight'.*'head.weight'"):
        plan(model, "he", rules={"heda.weight": "zeros"})


def test_biases() -> None:
    layer = nn.Linear(4, 4)
    initialize(layer, "he", bias=0.5)
    assert bool((layer.bias == 0.5).all())
    initialize(layer, "zeros", bias="keep")
    assert bool((layer.bias == 0.5).all())
    initialize(layer, "he", bias="default")
    assert 0.0 < float(layer.bias.detach().abs().max()) <= 0.5  # uniform in ±1/√4


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100, 64, padding_idx=0)
        self.readout = nn.Linear(64, 100, bias=False)
        self.readout.weight = self.table.weight


def test_tied_weights_are_set_once_and_as_a_readout_can_bear() -> None:
    model = Tied()
    done = initialize(model, "lecun", seed=1)
    assert model.readout.weight is model.table.weight
    assert [(e.name, e.also) for e in done.plan.entries] == [("readout.weight", ("table.weight",))]
    assert [f.code for f in done.findings] == ["tied-parameters"]
    rows = model.table.weight[1:].detach()
    assert float(rows.std()) == pytest.approx(1 / 8, abs=wide(1 / 8, rows.numel()))
    assert not bool(model.table.weight[0].detach().any())


def test_lazy_parameters_are_set_when_their_batch_comes() -> None:
    def net() -> Any:
        return nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(50, bias=True))

    model, ready = net(), net()
    x = torch.randn(4, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    done = initialize(model, "he", seed=5, bias=0.5)
    assert {e.status for e in done.plan.entries} == {"lazy"}
    assert "lazy-parameters" in [f.code for f in done.findings]
    model(x)
    ready(x)
    initialize(ready, "he", seed=5, bias=0.5)
    for name, value in model.state_dict().items():
        assert torch.equal(value, ready.state_dict()[name]), name
    assert not any(m._forward_pre_hooks for m in model.modules())
    undone = net()
    initialize(undone, "zeros").undo()
    undone(x)
    assert bool(undone[2].weight.detach().any())


def test_meta_parameters_are_said_or_put_somewhere() -> None:
    with torch.device("meta"):
        model = Tied()
        model.norm = nn.BatchNorm1d(3)
    done = initialize(model, "he")
    assert {e.status for e in done.plan.entries} == {"meta"}
    assert "meta-parameters" in [f.code for f in done.findings]
    assert model.table.weight.is_meta
    done = initialize(model, "he", device="cpu")
    assert model.readout.weight is model.table.weight
    assert not any(t.is_meta for t in (*model.parameters(), *model.buffers()))
    assert float(model.norm.running_var.sum()) == 3.0
    ready = Tied()
    initialize(ready, "he")
    assert torch.equal(ready.table.weight, model.table.weight)
    done.undo()
    assert model.table.weight.is_meta


@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm", "orthogonal"])
def test_parametrised_weights_are_set_through_their_parametrisation(kind: str) -> None:
    wrap = getattr(nn.utils.parametrizations, kind)
    model = nn.Sequential(wrap(nn.Linear(40, 30)), nn.ReLU(), nn.Linear(30, 5))
    plain = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 5))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    scheme = "orthogonal" if kind == "orthogonal" else "he"
    done = initialize(model, scheme, seed=1)
    initialize(plain, scheme, seed=1)
    names = {e.name for e in done.plan.entries if e.status == "set"}
    assert names == {"0.weight", "0.bias", "2.weight", "2.bias"}
    if kind == "spectral_norm":  # divided by its largest singular value whenever it is used
        assert torch.equal(model[0].parametrizations.weight.original, plain[0].weight)
    else:
        assert torch.allclose(model[0].weight, plain[0].weight, atol=1e-5)
    done.undo()
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())


def test_half_precision_is_the_rounded_single() -> None:
    single, half = nn.Linear(30, 20), nn.Linear(30, 20, dtype=torch.bfloat16)
    for name in ("he", "orthogonal", "default"):
        initialize(single, name)
        initialize(half, name)
        assert torch.equal(half.weight, single.weight.to(torch.bfloat16))


def test_other_parameters_are_left_alone_and_said() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.position = nn.Parameter(torch.ones(1, 5, 8))
            self.codes = nn.Parameter(torch.ones(4, dtype=torch.int32), requires_grad=False)
            self.line = nn.Linear(8, 8)

    model = Own()
    done = initialize(model, "he")
    assert bool((model.position == 1).all())
    assert done.findings[-1].code == "parameters-kept"
    initialize(model, "he", rules={"position": ("truncated_normal", {"sd": 0.02})})
    assert float(model.position.detach().abs().max()) <= 0.04


def test_lsuv_scales_by_a_batch_and_leaves_the_rest_of_the_model_alone() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 20),
        nn.Tanh(), nn.Linear(20, 5),
    )  # fmt: skip
    x = 5.0 * torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)) + 2.0
    initialize(model, "lsuv", batch=x)
    assert int(model[2].num_batches_tracked) == 0
    assert bool((model[2].running_mean == 0).all())
    h = x
    for layer in model:
        h = layer(h)
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            assert float(h.detach().var()) == pytest.approx(1.0, abs=0.02)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(InputError, match="raised"):
        initialize(model, "lsuv", batch=torch.randn(4, 7))
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: initialize(m, "hee"), "Did you mean 'he'"),
        (lambda m: initialize(nn.ReLU(), "he"), "no parameters"),
        (lambda m: initialize(nn.ModuleDict(), "he"), "no parameters"),
        (lambda m: initialize([1, 2], "he"), "torch.nn.Module"),
        (lambda m: initialize(m, "he", seed=1.5), "whole number"),
        (lambda m: initialize(m, "he", rules=["*"]), "mapping"),
        (lambda m: initialize(m, "he", rules={"0.bias": "he"}), r"0\.bias"),
        (lambda m: initialize(m, "lsuv"), "batch="),
        (lambda m: initialize(m, "mup"), "base="),
        (lambda m: initialize(m, "he", activation="rel"), "Did you mean 'relu'"),
    ],
)
def test_bad_input_changes_nothing_and_says_what_to_do(call: Any, said: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    before = model[0].weight.detach().clone()
    with pytest.raises(InputError, match=said):
        call(model)
    assert torch.equal(before, model[0].weight)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_values_are_drawn_there_and_repeat() -> None:
    model = nn.Sequential(nn.Linear(64, 64), nn.LSTM(64, 8)).cuda()
    before = torch.cuda.get_rng_state()
    for name in DRAWN:
        initialize(model, name)
        first = model[0].weight.detach().clone()
        initialize(model, name)
        assert torch.equal(first, model[0].weight)
        assert model[0].weight.is_cuda
    assert torch.equal(before, torch.cuda.get_rng_state())
