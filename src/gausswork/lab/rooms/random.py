"""The room of random numbers: randn, rand and randint side by side, drawn and in theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.fields import Fields
from gausswork.lab.wire import refusal
from gausswork.sampling import Comparison, Sampler

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

START: Mapping[str, Any] = {
    "size": 1000,
    "seed": 1,
    "mean": 0.0,
    "sd": 1.0,
    "low": 0.0,
    "high": 1.0,
    "start": 0,
    "stop": 10,
}

_LARGEST = 10**9
_FIRST = 6  # values that are shown one by one


@dataclass(frozen=True, slots=True)
class State:
    """The checked state of the room.

    Attributes
    ----------
    size, seed : how many values of each, and by which seed.
    mean, sd : of the normals.
    low, high : ends of the uniforms.
    start, stop : ends of the whole numbers; stop is not included.
    """

    size: int
    seed: int
    mean: float
    sd: float
    low: float
    high: float
    start: int
    stop: int


def read(state: Mapping[str, Any]) -> State:
    """Check a state.

    Raises
    ------
    InputError
        An entry is of another type or out of range.
    """
    f = Fields(state, START)
    return State(
        size=f.whole("size", least=100, most=1_000_000),
        seed=f.whole("seed", least=0, most=2**53),
        mean=f.number("mean", least=-_LARGEST, most=_LARGEST),
        sd=f.number("sd", least=1e-9, most=_LARGEST),
        low=f.number("low", least=-_LARGEST, most=_LARGEST),
        high=f.number("high", least=-_LARGEST, most=_LARGEST),
        start=f.whole("start", least=-_LARGEST, most=_LARGEST),
        stop=f.whole("stop", least=-_LARGEST, most=_LARGEST),
    )


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the three samplers, what was drawn beside theory.

    A range that cannot be drawn from is ``trouble``, so that it can be corrected.

    Raises
    ------
    InputError
        The state cannot be used.
    """
    s = read(state)
    shown: dict[str, Any] = {"size": s.size, "seed": s.seed}
    try:
        compared, first = _compared(s), _first(s)
    except InputError as error:
        return {"shown": shown, "said": str(error), "samplers": [], "trouble": refusal(error)}
    for sampler in compared.samplers:
        of = sampler.torch_name
        shown[f"{of}_first"] = first[sampler.name]
        for name in ("least", "largest", "mean", "sd", "theory_mean", "theory_sd", "p_value"):
            shown[f"{of}_{name}"] = getattr(sampler, name)
    said = f"{s.size:,} values of each drawn with seed {s.seed}."
    return {
        "shown": shown,
        "said": said,
        "samplers": [_drawing(sampler) for sampler in compared.samplers],
        "trouble": None,
    }


def _compared(s: State) -> Comparison:
    given = asdict(s)
    return gw.sampling.compare(given.pop("size"), **given)


def _first(s: State) -> dict[str, list[float]]:
    draw = gw.sampling
    return {
        "normal": draw.normal(_FIRST, seed=s.seed, mean=s.mean, sd=s.sd).tolist(),
        "uniform": draw.uniform(_FIRST, seed=s.seed, low=s.low, high=s.high).tolist(),
        "integers": draw.integers(_FIRST, seed=s.seed, low=s.start, high=s.stop).tolist(),
    }


def _drawing(sampler: Sampler) -> dict[str, Any]:
    return {
        "name": sampler.name,
        "torch_name": sampler.torch_name,
        "edges": list(sampler.edges),
        "counts": list(sampler.counts),
        "expected": list(sampler.expected),
        "purpose": sampler.purpose,
        "lines": sampler.lines,
        "range": sampler.range,
    }


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen; errors as :func:`answer`."""
    s = read(state)
    _compared(s)  # what cannot be drawn is refused here, not by the script
    ranges = f"mean={s.mean!r}, sd={s.sd!r}, low={s.low!r}, high={s.high!r}, "
    ranges += f"start={s.start}, stop={s.stop}"
    lines = ["from gausswork import sampling", "", f"size, seed = {s.size}, {s.seed}"]
    lines += [f"compared = sampling.compare(size, seed=seed, {ranges})", "print(compared)", ""]
    lines += ["randn, rand, randint = compared.samplers"]
    firsts = (
        f"sampling.normal({_FIRST}, seed=seed, mean={s.mean!r}, sd={s.sd!r})",
        f"sampling.uniform({_FIRST}, seed=seed, low={s.low!r}, high={s.high!r})",
        f"sampling.integers({_FIRST}, seed=seed, low={s.start}, high={s.stop})",
    )
    for of, first in zip(("randn", "rand", "randint"), firsts, strict=True):
        lines += ["", f"{of}_first = {first}.tolist()"]
        lines += [f"{of}_least, {of}_largest = {of}.least, {of}.largest"]
        lines += [f"{of}_mean, {of}_sd = {of}.mean, {of}.sd"]
        lines += [f"{of}_theory_mean, {of}_theory_sd = {of}.theory_mean, {of}.theory_sd"]
        lines += [f"{of}_p_value = {of}.p_value"]
    return "\n".join(lines) + "\n"
