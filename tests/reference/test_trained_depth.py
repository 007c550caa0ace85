"""Promise: deep ReLU networks train under He's scheme where they stall under Xavier's.

He et al. (2015), "Delving deep into rectifiers", figures 2 and 3: with 22 layers both schemes
converge; with 30 layers He's does, and with Xavier's "the gradients are diminishing" and learning
stalls completely. There on ImageNet with convolutions; here on the digits with linear layers of 48
units, 25 epochs of plain SGD: small enough for seconds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from gausswork.initialization import Comparison, compare


def trained(layers: int) -> Comparison:
    return compare(
        [48] * layers, ["he", "xavier_normal"], "digits", seeds=2, epochs=25, batch_size=32,
        learning_rate=0.03,
    )  # fmt: skip


def test_22_layers_train_under_both_and_30_under_he_alone() -> None:
    some, many = trained(22), trained(30)
    guessing = math.log(10)
    # Medians over networks; the last digits of such deep networks differ between machines.
    assert np.median(some["he"].train_loss[:, -1]) < 0.5
    assert np.median(some["xavier_normal"].train_loss[:, -1]) < 0.9 * guessing
    assert np.median(many["he"].train_loss[:, -1]) < 0.7 * guessing
    stalled = many["xavier_normal"]
    assert (stalled.train_loss[:, -1] > 0.98 * guessing).all()
    assert stalled.outcomes == ("at chance", "at chance")
    assert "shrink" in stalled.reasons[0]
    assert many["he"].final_accuracy.mean() > 3 * stalled.final_accuracy.mean()
