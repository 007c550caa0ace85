"""randn, rand and randint side by side: what was drawn, what theory says, what each is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.sampling.arguments import finite
from gausswork.sampling.draws import integers, normal, uniform
from gausswork.sampling.state import check_seed, check_stream, whole

Edges: TypeAlias = npt.NDArray[np.float64]

CHUNK = 1 << 20  # values at a time: memory stays flat
_BARS = "▁▂▃▄▅▆▇█"
_LEAST = 100
_MOST_BARS = 60  # whole numbers that get a bar each; of more, neighbours share one
_EXACT = 2**53  # whole numbers up to here are counted as floats


@dataclass(frozen=True, slots=True)
class Sampler:
    """One of the three samplers: theory, and what was seen.

    Attributes
    ----------
    name, torch_name : ``"normal"`` and ``"randn"``, …
    low, high : the ends of the range in theory; the upper one does not occur.
    least, largest : drawn.
    mean, sd : of the values drawn; ``theory_mean`` and ``theory_sd`` of the distribution.
    edges : (b + 1,) of the bins; ``counts`` and ``expected`` (b,) values in them.
    p_value : of Pearson's χ² on the bins: small if the histogram does not look like theory.
    purpose : what it is for.
    lines : the same draw with gausswork, torch and NumPy.
    """

    name: str
    torch_name: str
    low: float
    high: float
    least: float
    largest: float
    mean: float
    sd: float
    theory_mean: float
    theory_sd: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    purpose: str
    lines: dict[str, str]

    @property
    def range(self) -> str:
        """The range in theory, in words."""
        low, high = self.low, self.high
        if self.name == "normal":
            return "all numbers"
        if self.name == "uniform":
            return f"[{low:g}, {high:g})"
        if high - low < 4.0:
            return ", ".join(f"{low + k:.0f}" for k in range(int(high - low)))
        return f"{low:.0f}, {low + 1:.0f}, …, {high - 1:.0f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The three samplers on the same seed; ``print`` shows them, ``plots.samplers`` draws them."""

    size: int
    seed: int
    stream: int | str
    samplers: tuple[Sampler, Sampler, Sampler]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON; an end of a range at infinity is null."""
        data = asdict(self)
        for sampler in data["samplers"]:
            for end in ("low", "high"):
                sampler[end] = sampler[end] if np.isfinite(sampler[end]) else None
        return data

    def __str__(self) -> str:
        return text(self)


def compare(
    size: int = 100_000,
    *,
    seed: int = 0,
    stream: int | str = 0,
    mean: float = 0.0,
    sd: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    start: int = 0,
    stop: int = 10,
) -> Comparison:
    """Draw so many normals, uniforms and whole numbers, and compare them with theory.

    Parameters
    ----------
    size : values of each, at least 100; memory does not grow with it.
    seed, stream : as in :func:`normal`.
    mean, sd : of the normals; sd (not variance) above 0.
    low, high : the uniforms lie in [low, high).
    start, stop : the whole numbers run from start to stop − 1, as in Python's ``range``; at least
        two of them, and none beyond ±2⁵³.

    Returns
    -------
    Comparison : ``print`` it, or draw it with ``gausswork.plots.samplers``.

    Raises
    ------
    InputError
        An argument is of the wrong type or out of range.
    """
    size, seed, stream = whole("size", size), check_seed(seed), check_stream(stream)
    if size < _LEAST:
        raise InputError(f"size must be at least {_LEAST} to compare histograms; got {size}.")
    mean, sd = finite("mean", mean), finite("sd", sd)
    if not sd > 0.0:
        raise InputError(f"sd must be above 0 to compare histograms; got {sd!r}. Take sd=1.0.")
    start, stop = whole("start", start), whole("stop", stop)
    if not -_EXACT <= start < stop - 1 < _EXACT:
        raise InputError(
            f"start and stop must leave two whole numbers or more, none beyond ±2**53; got "
            f"start={start}, stop={stop}. start=1, stop=7 are the faces of a die."
        )
    where = f"seed={seed}" + (f", stream={stream!r}" if stream != 0 else "")
    draw = _Draw(size, {"seed": seed, "stream": stream}, where)
    return Comparison(size, seed, stream, (
        _normal(draw, mean, sd), _uniform(draw, low, high), _integers(draw, start, stop),
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Draw:
    """How many values to draw, from where, and the same as it is written in a line of code."""

    size: int
    origin: dict[str, Any]
    where: str

    def seen(self, sampler: Callable[..., Any], edges: Edges, **range_: Any) -> _Seen:
        """Draw in portions and count."""
        if not (np.diff(edges) > 0.0).all():
            said = ", ".join(f"{name}={value!r}" for name, value in range_.items())
            raise InputError(
                f"between {said} float64 has too few numbers for a histogram. Draw nearer to 0, "
                "or wider."
            )
        seen = _Seen(edges)
        for at in range(0, self.size, CHUNK):
            count = min(CHUNK, self.size - at)
            drawn = sampler(count, **self.origin, **range_, offset=at)
            seen.add(np.asarray(drawn, dtype=np.float64))
        return seen


def _normal(draw: _Draw, mean: float, sd: float) -> Sampler:
    from scipy.special import ndtr

    in_sd = np.linspace(-4.0, 4.0, 33)
    standard = mean == 0.0 and sd == 1.0
    size, given = draw.size, "" if standard else f", mean={mean!r}, sd={sd!r}"
    return draw.seen(normal, mean + sd * in_sd, mean=mean, sd=sd).sampler(
        np.diff(ndtr(in_sd)), name="normal", torch_name="randn", low=-np.inf, high=np.inf,
        theory_mean=mean, theory_sd=sd,
        purpose="noise, fake features, and weights once scaled by the fan-in",
        lines={
            "gausswork": f"sampling.normal({size}, {draw.where}{given})",
            "torch": f"torch.randn({size})" if standard else
                     f"{mean!r} + {sd!r} * torch.randn({size})",
            "NumPy": f"rng.standard_normal({size})" if standard else
                     f"rng.normal({mean!r}, {sd!r}, {size})",
        },
    )  # fmt: skip


def _uniform(draw: _Draw, low: float, high: float) -> Sampler:
    uniform(1, **draw.origin, low=low, high=high)  # refuses what is no range, with the remedy
    low, high = float(low), float(high)
    edges = np.linspace(low, high, 21)
    standard = low == 0.0 and high == 1.0
    size, given = draw.size, "" if standard else f", low={low!r}, high={high!r}"
    return draw.seen(uniform, edges, low=low, high=high).sampler(
        np.full(20, 1 / 20), name="uniform", torch_name="rand", low=low, high=high,
        theory_mean=low + (high - low) / 2.0, theory_sd=(high - low) * 12**-0.5,
        purpose="probabilities, masks and coin tosses, bounds of weights (Kaiming, Xavier)",
        lines={
            "gausswork": f"sampling.uniform({size}, {draw.where}{given})",
            "torch": f"torch.rand({size})" if standard else
                     f"torch.empty({size}).uniform_({low!r}, {high!r})",
            "NumPy": f"rng.random({size})" if standard else
                     f"rng.uniform({low!r}, {high!r}, {size})",
        },
    )  # fmt: skip


def _integers(draw: _Draw, start: int, stop: int) -> Sampler:
    span = stop - start
    wide = -(-span // _MOST_BARS)  # whole numbers to a bar
    first = np.arange(start, stop, wide, dtype=np.float64)
    held = np.minimum(first + wide, stop) - first
    size = draw.size
    given = f"high={stop}, " if start == 0 else f"low={start}, high={stop}, "
    ends = f"{stop}" if start == 0 else f"{start}, {stop}"
    return draw.seen(integers, np.append(first, stop) - 0.5, low=start, high=stop).sampler(
        held / span, name="integers", torch_name="randint", low=float(start), high=float(stop),
        theory_mean=start + (span - 1) / 2, theory_sd=((span**2 - 1) / 12) ** 0.5,
        purpose="class labels, token ids, indices of rows",
        lines={
            "gausswork": f"sampling.integers({size}, {given}{draw.where})",
            "torch": f"torch.randint({ends}, ({size},))",
            "NumPy": f"rng.integers({ends}, size={size})",
        },
    )  # fmt: skip


class _Seen:
    """Running counts of what was drawn."""

    def __init__(self, edges: npt.NDArray[np.float64]) -> None:
        self.edges = edges
        self.counts = np.zeros(len(edges) - 1, dtype=np.int64)
        self.size, self.mean, self.squares = 0, 0.0, 0.0
        self.least, self.largest = np.inf, -np.inf

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Count values; mean and squares merge as Chan, Golub & LeVeque (1983) do."""
        self.counts += np.histogram(values, self.edges)[0]
        mean, squares = float(values.mean()), float(values.var()) * values.size
        total, step = self.size + values.size, mean - self.mean
        self.squares += squares + step**2 * self.size * values.size / total
        self.mean += step * values.size / total
        self.size = total
        self.least = min(self.least, float(values.min()))
        self.largest = max(self.largest, float(values.max()))

    def sampler(self, shares: npt.NDArray[np.float64], **theory: Any) -> Sampler:
        """Return what was seen beside the shares of the bins in theory."""
        from scipy.special import chdtrc

        expected = shares * self.size
        counts, thick = self.counts, expected
        if (expected >= 5).sum() < 2:  # thin everywhere: neighbours join
            share = np.floor(np.cumsum(expected) / 5.0 + 1e-9).clip(max=self.size // 5 - 1)
            ends = np.unique(np.append(np.flatnonzero(np.diff(share)), len(expected) - 1))
            counts = np.diff(np.cumsum(counts)[ends], prepend=0)
            thick = np.diff(np.cumsum(expected)[ends], prepend=0.0)
        # Bins in which fewer than five are expected would upset the χ² distribution: one bin.
        plenty = thick >= 5
        seen = [*counts[plenty], self.size - counts[plenty].sum()]
        hoped = [*thick[plenty], self.size - thick[plenty].sum()]
        if hoped[-1] < 5:  # too few for a bin of their own: the last one takes them
            seen[-2:], hoped[-2:] = [sum(seen[-2:])], [sum(hoped[-2:])]
        statistic = sum((s - h) ** 2 / h for s, h in zip(seen, hoped, strict=True))
        return Sampler(
            least=self.least, largest=self.largest, mean=self.mean,
            sd=(self.squares / (self.size - 1)) ** 0.5,
            edges=tuple(self.edges.tolist()), counts=tuple(self.counts.tolist()),
            expected=tuple(expected.tolist()), p_value=float(chdtrc(len(seen) - 1, statistic)),
            **theory,
        )  # fmt: skip


def text(comparison: Comparison) -> str:
    """Return the table: a column for each sampler, then what each is for and the lines."""
    kinds = comparison.samplers
    rows = [
        ("", [f"{s.name} ({s.torch_name})" for s in kinds]),
        ("range in theory", [s.range for s in kinds]),
        ("least drawn", [_number(s.least, s) for s in kinds]),
        ("largest drawn", [_number(s.largest, s) for s in kinds]),
        ("mean", [_to(s.mean, s, 4) for s in kinds]),
        ("  in theory", [_to(s.theory_mean, s, 4) for s in kinds]),
        ("sd", [_to(s.sd, s, 4) for s in kinds]),
        ("  in theory", [_to(s.theory_sd, s, 4) for s in kinds]),
        ("histogram", [_bars(s.counts) for s in kinds]),
        ("  in theory", [_bars(s.expected) for s in kinds]),
        ("p, χ² test", [fmt.p_value(s.p_value) for s in kinds]),
    ]
    widths = [max(len(row[1][k]) for row in rows) for k in range(3)]
    stream = f", stream {comparison.stream!r}" if comparison.stream != 0 else ""
    out = [f"Three samplers, {comparison.size:,} values each, seed {comparison.seed}{stream}", ""]
    for label, cells in rows:
        padded = "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True))
        out.append(f"{label:<15}  {padded}".rstrip())
    out += ["", "What each is for"]
    out += [f"  {s.name:<10}{s.purpose}" for s in kinds]
    out += ["", "The same in code"]
    for library in ("gausswork", "torch", "NumPy"):
        out += [f"  {library:<11}{s.lines[library]}" for s in kinds]
    return "\n".join(out)


def _number(value: float, sampler: Sampler) -> str:
    if sampler.name == "integers":
        return f"{value:.0f}"
    return _to(value, sampler, 7 if sampler.name == "uniform" else 4)


def _to(value: float, sampler: Sampler, places: int) -> str:
    """Return a number to so many decimals, more where the values lie close together."""
    return f"{value:.{max(places, places - 1 - fmt.exponent(sampler.theory_sd))}f}"


def _bars(values: tuple[float, ...]) -> str:
    """Return counts as a row of bars; many bins are joined so that it stays short."""
    joined = values
    while len(joined) > 20:
        joined = tuple(a + b for a, b in zip_longest(joined[::2], joined[1::2], fillvalue=0.0))
    top = max(joined)
    return "".join(_BARS[round(v / top * (len(_BARS) - 1))] for v in joined)
