"""Promise: what papers report of starting networks comes out, on a CPU, in seconds."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from gausswork.initialization import diagnose, initialize, mup_groups  # noqa: E402


def normal(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Convolutions(nn.Module):
    """Conv2 to conv10 of model B of He et al. (2015), section 2.2: widths of VGG, ReLU between."""

    def __init__(self) -> None:
        super().__init__()
        widths = [64, 64, 128, 128, 256, 256, 512, 512, 512, 512]
        pairs = itertools.pairwise(widths)
        self.layers = nn.ModuleList([nn.Conv2d(i, o, 3, padding=1) for i, o in pairs])

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x


def test_vgg_with_sd_001_attenuates_gradients_seventeen_thousand_times() -> None:
    """He et al. 2015: from conv10 to conv2 by 1/(5.9·4.2²·2.9²·2.1⁴) = 1/(1.7·10⁴) of He's."""
    model, x = Convolutions(), normal(2, 64, 4, 4)
    ends = []
    for scheme, options in (("he", {"mode": "fan_out"}), ("normal", {"sd": 0.01})):
        initialize(model, scheme, seed=1, **options)
        found = diagnose(model, x)
        first, last = found.layers[0].gradient_sd, found.layers[-1].gradient_sd
        ends.append(first / last)
        if scheme == "normal":
            assert "vanishing-gradients" in {f.code for f in found.findings}
    # The weights are the same draws with other sds, and ReLU is homogeneous: the ratio is the
    # product of √(2/(9·out)) / 0.01 over the eight layers between, exactly but for rounding.
    outs = [layer.out_channels for layer in model.layers][1:]
    exact = math.prod(math.sqrt(2 / (9 * o)) / 0.01 for o in outs)
    assert ends[0] / ends[1] == pytest.approx(exact, rel=1e-3)
    # Over all nine layers, from the input of conv2 on, it is the figure of the paper.
    assert exact * math.sqrt(2 / (9 * 64)) / 0.01 == pytest.approx(16_729, rel=1e-3)


@pytest.mark.parametrize(
    ("act", "factor", "theory"),
    [(nn.ReLU, 0.406, math.sqrt(1 / 6)), (nn.Tanh, 0.575, math.sqrt(1 / 3))],
)
def test_the_default_of_pytorch_shrinks_gradients(act: Any, factor: float, theory: float) -> None:
    """kaiming_uniform with a = √5 has n·Var W = 1/3 (docs of torch.nn.Linear)."""
    layers: list[Any] = []
    for _ in range(20):
        layers += [nn.Linear(400, 400), act()]
    model = nn.Sequential(*layers)
    initialize(model, "default", seed=0)
    found = diagnose(model, normal(64, 400))
    # 19 factors of 400 units each: two per cent.
    assert found.backward == pytest.approx(factor, rel=0.02)
    assert found.backward == pytest.approx(theory, rel=0.03)
    assert found.theory is not None
    assert found.theory.gradient_factor == pytest.approx(theory, rel=0.01)


def deep_linear(depth: int, scheme: str, **options: Any) -> Any:
    model = nn.Sequential(*[nn.Linear(32, 32, bias=False) for _ in range(depth)])
    initialize(model, scheme, **options)
    return model


def steps_to_learn(depth: int, scheme: str, seed: int) -> float:
    """Return the steps until the error of a deep linear network has fallen to a tenth.

    Full-batch descent on whitened inputs and an orthogonal map; the rate that suits a depth falls
    as 1/depth (Saxe et al. 2014, section 3).
    """
    model = deep_linear(depth, scheme, seed=seed)
    with torch.no_grad():
        target, _ = torch.linalg.qr(normal(32, 32, seed=seed + 100))
        target = 2.0 * target @ torch.linalg.multi_dot([m.weight for m in reversed(model)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02 / depth)
    start = None
    for step in range(600):
        weights = [m.weight for m in reversed(model)]
        error = (torch.linalg.multi_dot(weights) - target).square().sum()
        value = float(error.detach())
        start = value if start is None else start
        if value < 0.1 * start:
            return float(step)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return math.inf


def test_orthogonal_starts_are_isometries_at_any_depth() -> None:
    """Saxe et al. 2014: all singular values of the whole map stay 1; scaled Gaussians do not."""
    for depth in (2, 10, 50):
        weights = [m.weight.detach().double() for m in reversed(deep_linear(depth, "orthogonal"))]
        values = torch.linalg.svdvals(torch.linalg.multi_dot(weights))
        assert torch.allclose(values, torch.ones(32, dtype=torch.float64), atol=1e-4)
        weights = [m.weight.detach().double() for m in reversed(deep_linear(depth, "lecun"))]
        values = torch.linalg.svdvals(torch.linalg.multi_dot(weights))
        assert float(values[0] / values[-1]) > 10 ** (depth / 5)


def test_learning_time_of_orthogonal_starts_does_not_depend_on_the_depth() -> None:
    """Saxe et al. 2014, figure 6: orthogonal starts learn as fast at any depth, Gaussian ones not.

    The time tends to a limit as the depth grows (their equation 11), from below.
    """
    orthogonal = [steps_to_learn(depth, "orthogonal", 0) for depth in (12, 24)]
    assert orthogonal[1] < 1.2 * orthogonal[0]
    gaussian = [steps_to_learn(depth, "lecun", 0) for depth in (12, 24)]
    assert gaussian[1] > 4.0 * gaussian[0]


def slopes(kind: str, widths: tuple[int, ...]) -> np.ndarray:
    """Return how the change of each layer's output in five steps of Adam grows with the width."""
    x, y = normal(64, 20), torch.randint(0, 10, (64,), generator=torch.Generator().manual_seed(1))

    def net(width: int) -> Any:
        return nn.Sequential(
            nn.Linear(20, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10),
        )  # fmt: skip

    def outputs(model: Any) -> list[Any]:
        h, found = x, []
        for layer in model:
            h = layer(h)
            if isinstance(layer, nn.Linear):
                found.append(h.detach())
        return found

    changes = []
    for width in widths:
        sizes = []
        for seed in range(3):
            model, base = net(width), net(widths[0])
            if kind == "mup":
                initialize(model, "mup", base=base, seed=seed)
                optimizer = torch.optim.Adam(mup_groups(model, base, 0.01))
            else:
                initialize(model, "he", seed=seed)
                optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
            before = outputs(model)
            for _ in range(5):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            after = outputs(model)
            sizes.append([float((a - b).abs().mean())
                          for a, b in zip(after, before, strict=True)])  # fmt: skip
        changes.append(np.mean(sizes, axis=0))
    fitted: np.ndarray = np.polyfit(np.log(widths), np.log(changes), 1)[0]
    return fitted


def test_coordinate_check_of_mup() -> None:
    """Yang & Hu et al. 2021, appendix D.1: updates do not depend on the width under muP.

    Standard: up to about width¹. muP: slopes about 0; three seeds leave ±0.1.
    """
    widths = (64, 128, 256, 512)
    assert slopes("standard", widths).max() > 0.9
    assert np.abs(slopes("mup", widths)).max() < 0.15
