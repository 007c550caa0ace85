"""Promise: the doctor works on networks of every usual kind, written in plain PyTorch.

Each is healthy as PyTorch starts it and after He, and flagged when it starts at zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from gausswork.initialization import diagnose, initialize  # noqa: E402


class Block(nn.Module):
    """A residual block of two convolutions with batch norms."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.c2, self.n2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.short = nn.Sequential()
        if into != out or stride > 1:
            self.short = nn.Sequential(nn.Conv2d(into, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x: Any) -> Any:
        out = F.relu(self.n1(self.c1(x)))
        return F.relu(self.n2(self.c2(out)) + self.short(x))


def resnet() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1), Block(8, 8), Block(8, 8), Block(8, 16, 2), Block(16, 16),
        Block(16, 32, 2), Block(32, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def cnn() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 16, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10),
    )  # fmt: skip


class Language(nn.Module):
    """A transformer over tokens, with or without norms in front."""

    def __init__(self, layers: int, norm_first: bool, act: str) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 32)
        self.position = nn.Parameter(0.02 * torch.ones(1, 12, 32))
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, batch_first=True, norm_first=norm_first, activation=act
        )
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        # The layers of an encoder are copies of one: their starts are drawn anew.
        initialize(self.body, "default")
        self.head = nn.Linear(32, 50)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(self.table(x) + self.position))


class Sequence(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.body, self.head = kind(6, 24, 2, batch_first=True), nn.Linear(24, 5)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x)[0][:, -1])


def generator() -> Any:
    return nn.Sequential(
        nn.ConvTranspose2d(16, 32, 4), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    build: Callable[[], Any]
    batch: Any
    loss: Any = None
    layers: int = 0


def _cases() -> dict[str, Case]:
    g = torch.Generator().manual_seed(0)
    images, labels = (
        torch.randn(16, 3, 16, 16, generator=g),
        torch.randint(0, 10, (16,), generator=g),
    )
    tokens = torch.randint(0, 50, (8, 12), generator=g)
    series = torch.randn(16, 15, 6, generator=g)

    def language(out: Any, y: Any) -> Any:
        return F.cross_entropy(out.transpose(1, 2), y)

    return {
        "cnn": Case(cnn, (images, labels), F.cross_entropy, 4),
        "resnet": Case(resnet, (images, labels), nn.CrossEntropyLoss(), 16),
        "transformer": Case(lambda: Language(4, False, "relu"), (tokens, tokens), language, 14),
        "gpt": Case(lambda: Language(8, True, "gelu"), (tokens, tokens), language, 26),
        "lstm": Case(lambda: Sequence(nn.LSTM), (series, labels % 5), F.cross_entropy, 2),
        "gru": Case(lambda: Sequence(nn.GRU), series, None, 2),
        "rnn": Case(lambda: Sequence(nn.RNN), series, None, 2),
        "generator": Case(generator, torch.randn(16, 16, 1, 1, generator=g), None, 3),
    }


CASES = _cases()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("scheme", ["built", "he", "xavier", "orthogonal"])
def test_healthy(name: str, scheme: str) -> None:
    case = CASES[name]
    torch.manual_seed(0)
    model = case.build()
    if scheme != "built":
        initialize(model, scheme)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = diagnose(model, case.batch, case.loss)
    assert len(found.layers) == case.layers
    assert found.healthy, str(found)
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    assert found.layers[0].gradient_sd > 0.0


@pytest.mark.parametrize("name", CASES)
def test_zeros_are_seen(name: str) -> None:
    case = CASES[name]
    model = case.build()
    initialize(model, "zeros")
    found = diagnose(model, case.batch, case.loss)
    assert "identical-units" in {f.code for f in found.findings}, str(found)


@pytest.mark.parametrize("name", ["cnn", "gpt", "generator"])
def test_randn_is_seen(name: str) -> None:
    case = CASES[name]
    model = case.build()
    initialize(model, "randn")
    assert not diagnose(model, case.batch, case.loss).healthy


def test_an_encoder_of_copies_is_not_taken_for_identical_units() -> None:
    """Layers that start alike are no fault: units within a layer must differ."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    x = torch.randn(8, 12, 32, generator=torch.Generator().manual_seed(0))
    assert diagnose(model, x).healthy
