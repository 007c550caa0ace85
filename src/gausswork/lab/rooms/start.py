"""Room "initialisation": what a scheme makes of a deep network, layer by layer, before training.

Everything that NumPy can say (the law of the weights, the theory of wide networks) is said with or
without PyTorch; the doctor and the training need it.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError, MissingPackageError
from gausswork.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from gausswork.findings import Finding
    from gausswork.initialization.comparison.result import Trained
    from gausswork.initialization.doctor import Diagnosis

ACTIVATIONS = (
    "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "linear",
)  # fmt: skip
SCHEMES = ("zeros", "rand", "randn", "default", "lecun", "xavier", "he", "orthogonal")
DATA = ("digits", "made")

START: dict[str, Any] = {
    "depth": 10,
    "width": 64,
    "activation": "relu",
    "scheme": "default",
    "scale": 1.0,
    "seed": 0,
    "data": "digits" if find_spec("sklearn") else "made",
    "schemes": ["zeros", "randn", "default", "xavier", "he"],
    "networks": 3,
    "epochs": 15,
    "rate": 0.05,
    "trained": False,
}

_LIMITS = {
    "depth": (1, 40), "width": (2, 256), "seed": (0, 2**32 - 1), "networks": (1, 10),
    "epochs": (1, 60),
}  # fmt: skip
_RANGES = {"scale": (0.01, 100.0), "rate": (1e-5, 10.0)}
MOST_WEIGHTS = 6_000_000  # of all networks together: a second or so an epoch
BATCH = 256  # rows that the doctor sees
_SHOWN_WEIGHTS = 20_000
ROWS, FEATURES = 1_500, 16  # of the data that is made where digits cannot be had
CLASSES = {"digits": 10, "made": 2}


@dataclass(frozen=True, slots=True)
class State:
    """A checked state of the room.

    Attributes
    ----------
    depth, width : hidden layers, and units in each.
    activation : behind each hidden layer.
    scheme : of the network that the doctor looks at.
    scale : factor on all weights, of every scheme.
    seed : of the weights; the networks trained have this one and those that follow.
    data : ``"digits"`` of scikit-learn, or ``"made"`` up.
    schemes, networks, epochs, rate : of the training.
    trained : whether a finished training is on the screen.
    """

    depth: int
    width: int
    activation: str
    scheme: str
    scale: float
    seed: int
    data: str
    schemes: tuple[str, ...]
    networks: int
    epochs: int
    rate: float
    trained: bool


def read(state: Mapping[str, Any]) -> State:
    """Return the checked state.

    Raises
    ------
    InputError
        A value is missing, unknown or out of its limits; the message names it.
    """
    values = {**START, **{name: state[name] for name in START if name in state}}
    for name, (low, high) in _LIMITS.items():
        value = values[name]
        if isinstance(value, float) and value.is_integer():
            values[name] = value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(
                f"{name} must be a whole number from {low} to {high:,}; got {_shown(value)}."
            )
    for name, (least, most) in _RANGES.items():
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{name} must be a number; got {_shown(value)}.")
        if not least <= value <= most:
            raise InputError(f"{name} must lie between {least:g} and {most:g}; got {value:g}.")
        values[name] = float(value)
    for name, known in (("activation", ACTIVATIONS), ("scheme", SCHEMES), ("data", DATA)):
        if values[name] not in known:
            raise InputError(
                f"{name} must be one of {', '.join(known)}; got {_shown(values[name])}."
            )
    chosen = values["schemes"]
    if not isinstance(chosen, list | tuple) or not chosen or any(s not in SCHEMES for s in chosen):
        raise InputError(
            f"schemes must be a list of some of {', '.join(SCHEMES)}; got {_shown(chosen)}."
        )
    values["schemes"] = tuple(name for name in SCHEMES if name in chosen)
    if not isinstance(values["trained"], bool):
        raise InputError(f"trained must be true or false; got {_shown(values['trained'])}.")
    return State(**values)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def recipe(name: str, activation: str, scale: float) -> tuple[str, dict[str, Any]]:
    """Return a scheme, all its weights times ``scale``, as the arguments of ``scheme``.

    Where a scheme has a gain the factor goes there; the draws have an sd or a limit.
    """
    from gausswork.initialization import gain

    if scale == 1.0 or name == "zeros":
        return name, {"activation": activation} if name == "he" else {}
    if name == "he":
        return name, {"gain": scale * gain(activation)}
    if name == "default":
        own = gain("leaky_relu", negative_slope=math.sqrt(5.0))
        return "variance_scaling", {"gain": scale * own, "distribution": "uniform"}
    if name == "randn":
        return "normal", {"sd": scale}
    if name == "rand":
        return "uniform", {"low": 0.0, "high": scale}
    return name, {"gain": scale}


def answer(state: Mapping[str, Any], tables: Any) -> dict[str, Any]:
    """Return the law of the weights, its theory, and what the doctor finds where there is one."""
    from gausswork import initialization as gi
    from gausswork.initialization import ridges

    s = read(state)
    name, options = recipe(s.scheme, s.activation, s.scale)
    chosen = gi.scheme(name, **options)
    law = chosen.law(gi.fans((s.width, s.width)))
    weights = gi.draw(chosen, (s.width, s.width), seed=s.seed).ravel()[:_SHOWN_WEIGHTS]
    limits = ridges.reach([weights], log=False)
    edges = ridges.edges(limits)
    counted, zeros = ridges.counts(weights, edges, log=False)
    variance = s.width * law.spread**2
    shown: dict[str, Any] = {"weight_sd": law.spread, "weight_variance": variance}
    found: dict[str, Any] = {
        "law": law.text(),
        "weights": {"edges": edges.tolist(), "counts": counted.tolist(), "zeros": zeros},
        "theory": None,
        "edge": None,
        "marks": [],
        "doctor": None,
        "missing": None,
    }
    with contextlib.suppress(InputError):  # some activations have none
        found["edge"] = number(gi.edge_of_chaos(s.activation))
    if law.mean == 0.0 and variance > 0.0:
        found["marks"] = _marks(s.scale, variance, found["edge"])
        theory = gi.mean_field(s.activation, variance)
        shown["chi"] = number(theory.chi)
        found["theory"] = {
            "phase": theory.phase,
            "chi": number(theory.chi),
            "gradient_factor": number(theory.gradient_factor),
            "depth_scale": number(theory.depth_scale),
        }
    try:
        diagnosis = _examined(s)
    except MissingPackageError as error:
        found["missing"] = str(error)
    else:
        found["doctor"] = _doctor(diagnosis, s)
        shown |= {
            "forward": number(diagnosis.forward),
            "backward": number(diagnosis.backward),
            "forward_total": number(diagnosis.forward_total),
            "backward_total": number(diagnosis.backward_total),
            "loss": number(math.nan if diagnosis.loss is None else diagnosis.loss),
            "healthy": diagnosis.healthy,
            "signal_sizes": [number(layer.output_rms) for layer in diagnosis.layers],
            "gradient_sizes": [number(layer.gradient_sd) for layer in diagnosis.layers],
        }
    found["shown"] = shown
    found["said"] = found["doctor"]["verdict"] if found["doctor"] else law.text()
    return found


def _marks(scale: float, variance: float, edge: Any) -> list[dict[str, Any]]:
    """Return where on the slider of the scale theory keeps gradients: variance goes with scale²."""
    low, high = _RANGES["scale"]
    if not isinstance(edge, float):
        return []
    at = scale * math.sqrt(edge / variance)
    return [{"at": at, "label": "keeps gradients", "name": "edge"}] if low <= at <= high else []


def number(value: float) -> float | str:
    """Return a number, or in words what is none."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return float(value)


@lru_cache(maxsize=len(CLASSES))
def lesson(data: str) -> tuple[Any, Any]:
    """Return inputs with mean 0 and sd 1 in every column, and classes; nobody writes to them."""
    from gausswork import sampling
    from gausswork.errors import require
    from gausswork.normal.standardize import Standardizer

    if data == "digits":
        sets = require("sklearn.datasets", purpose="The digits", extra="sklearn")
        x, y = sets.load_digits(return_X_y=True)
        return Standardizer().fit_transform(x), y
    x = sampling.normal((ROWS, FEATURES), seed=0)
    return x, (x[:, 0] * x[:, 1] > 0.0).astype(int)


def _examined(s: State) -> Diagnosis:
    from gausswork import initialization as gi
    from gausswork.errors import require

    torch: Any = require("torch", purpose="The doctor and the training", extra="torch")
    functional: Any = require("torch.nn.functional", purpose="The doctor", extra="torch")
    x, y = lesson(s.data)
    name, options = recipe(s.scheme, s.activation, s.scale)
    model = gi.mlp(
        [s.width] * s.depth, inputs=x.shape[1], outputs=CLASSES[s.data], activation=s.activation
    )
    gi.initialize(model, gi.scheme(name, **options), seed=s.seed)
    batch = torch.tensor(x[:BATCH], dtype=torch.float32), torch.tensor(y[:BATCH])
    return gi.diagnose(model, batch, functional.cross_entropy)


def labels(s: State) -> dict[str, str]:
    """Return what the page calls the layers that ``mlp`` numbers with their activations."""
    step = 1 if s.activation == "linear" else 2
    hidden = {str(step * i): f"layer {i + 1}" for i in range(s.depth)}
    return {**hidden, str(step * s.depth): "the output"}


def relabelled(text: str, s: State) -> str:
    """Return a sentence of the doctor in which layers are called as on the page."""
    named = labels(s)

    def called(found: re.Match[str]) -> str:
        return named.get(found[1], found[0])

    # "layer '4' (number 3 of 5)": the page numbers them anyway
    return re.sub(r"(?:layer )?'(\d+)'(?: \(number \d+ of \d+\))?", called, text)


def finding(one: Finding, s: State) -> dict[str, Any]:
    """Return a finding as plain data, its layers called as on the page."""
    said: dict[str, Any] = plain(one.to_dict())
    return {**said, "sentence": relabelled(one.sentence, s)}


def _doctor(diagnosis: Diagnosis, s: State) -> dict[str, Any]:
    """Return a diagnosis as the page draws it."""
    from gausswork.initialization import ridges

    layers = diagnosis.layers
    pictures: dict[str, Any] = {}
    for of in ("activations", "gradients"):
        drawn = [ridges.values(layer, of) for layer in layers]
        for log in (True, False):
            edges = ridges.edges(ridges.reach(drawn, log=log))
            counted = [ridges.counts(values, edges, log=log) for values in drawn]
            pictures[f"{of}_{'log' if log else 'linear'}"] = {
                "edges": [float(edges[0]), float(edges[-1])],
                "counts": [counts.tolist() for counts, _ in counted],
                "zeros": [None if math.isnan(zeros) else zeros for _, zeros in counted],
            }
    signals, signals_theory = ridges.growth(diagnosis, "signals")
    gradients, gradients_theory = ridges.growth(diagnosis, "gradients")
    named = labels(s)
    return {
        "verdict": diagnosis.verdict,
        "healthy": diagnosis.healthy,
        "samples": diagnosis.samples,
        "findings": [finding(one, s) for one in diagnosis.findings],
        "layers": [
            {
                "name": named[layer.name].removeprefix("the "),
                "signal": number(layer.output_rms),
                "gradient": number(layer.gradient_sd),
                "forward": number(layer.forward),
                "backward": number(layer.backward),
                "off": plain(layer.dead),
                "saturated": plain(layer.saturated),
                "similarity": plain(layer.similarity),
                "copies": layer.copies,
                "units": layer.units,
            }
            for layer in layers
        ],
        "growth": {
            "signals": plain(signals),
            "signals_theory": plain(signals_theory),
            "gradients": plain(gradients),
            "gradients_theory": plain(gradients_theory),
        },
        **pictures,
    }


def train(
    state: Mapping[str, Any], tables: Any, cancelled: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Yield the curves of the same network under each scheme, after every epoch, then the verdicts.

    All networks are trained side by side, so that the bands grow together. Equal states give equal
    curves.
    """
    from gausswork.lab.rooms.start_training import trained

    return trained(read(state), cancelled)


def script(state: Mapping[str, Any], tables: Any) -> str:
    """Return Python that computes the numbers on the screen."""
    from gausswork.lab.rooms.start_script import lines

    return lines(read(state))


def curves_of(runs: tuple[Trained, ...]) -> list[dict[str, Any]]:
    """Return the bands of some runs, None where training has not got yet."""
    found = []
    for run in runs:
        bands = {}
        for of in ("train_loss", "held_accuracy"):
            mean, low, high = run.band(of)
            bands[of] = {"mean": plain(mean), "low": plain(low), "high": plain(high)}
        found.append({"name": run.name, **bands})
    return found
