"""randn, rand and randint side by side: what was drawn, what theory says, what each is for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.sampling.draws import integers, normal, uniform
from gausswork.sampling.state import check_seed, check_stream, whole

HIGH = 10  # the whole numbers compared run from 0 to 9
CHUNK = 1 << 20  # values at a time: memory stays flat
_BARS = "▁▂▃▄▅▆▇█"
_LEAST = 100


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


def compare(size: int = 100_000, *, seed: int = 0, stream: int | str = 0) -> Comparison:
    """Draw so many normals, uniforms and whole numbers from 0 to 9, and compare them with theory.

    Parameters
    ----------
    size : values of each, at least 100; memory does not grow with it.
    seed, stream : as in :func:`normal`.

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
    where = f"seed={seed}" + (f", stream={stream!r}" if stream != 0 else "")
    return Comparison(size, seed, stream, (
        _normal(size, seed, stream, where),
        _uniform(size, seed, stream, where),
        _integers(size, seed, stream, where),
    ))  # fmt: skip


def _normal(size: int, seed: int, stream: int | str, where: str) -> Sampler:
    from scipy.special import ndtr

    edges = np.linspace(-4.0, 4.0, 33)
    seen = _Seen(edges)
    for at in range(0, size, CHUNK):
        seen.add(normal(min(CHUNK, size - at), seed=seed, stream=stream, offset=at))
    shares = np.diff(ndtr(edges))
    return seen.sampler(
        shares, name="normal", torch_name="randn", low=-np.inf, high=np.inf,
        theory_mean=0.0, theory_sd=1.0,
        purpose="noise, fake features, and weights once scaled by the fan-in",
        lines={
            "gausswork": f"sampling.normal({size}, {where})",
            "torch": f"torch.randn({size})",
            "NumPy": f"rng.standard_normal({size})",
        },
    )  # fmt: skip


def _uniform(size: int, seed: int, stream: int | str, where: str) -> Sampler:
    edges = np.linspace(0.0, 1.0, 21)
    seen = _Seen(edges)
    for at in range(0, size, CHUNK):
        seen.add(uniform(min(CHUNK, size - at), seed=seed, stream=stream, offset=at))
    return seen.sampler(
        np.diff(edges), name="uniform", torch_name="rand", low=0.0, high=1.0,
        theory_mean=0.5, theory_sd=12**-0.5,
        purpose="probabilities, masks and coin tosses, bounds of weights (Kaiming, Xavier)",
        lines={
            "gausswork": f"sampling.uniform({size}, {where})",
            "torch": f"torch.rand({size})",
            "NumPy": f"rng.random({size})",
        },
    )  # fmt: skip


def _integers(size: int, seed: int, stream: int | str, where: str) -> Sampler:
    edges: npt.NDArray[np.float64] = np.arange(HIGH + 1, dtype=np.float64) - 0.5
    seen = _Seen(edges)
    for at in range(0, size, CHUNK):
        drawn = integers(min(CHUNK, size - at), high=HIGH, seed=seed, stream=stream, offset=at)
        seen.add(drawn.astype(np.float64))
    return seen.sampler(
        np.full(HIGH, 1 / HIGH), name="integers", torch_name="randint", low=0.0, high=float(HIGH),
        theory_mean=(HIGH - 1) / 2, theory_sd=((HIGH**2 - 1) / 12) ** 0.5,
        purpose="class labels, token ids, indices of rows",
        lines={
            "gausswork": f"sampling.integers({size}, high={HIGH}, {where})",
            "torch": f"torch.randint({HIGH}, ({size},))",
            "NumPy": f"rng.integers({HIGH}, size={size})",
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
        # Bins in which fewer than five are expected would upset the χ² distribution: one bin.
        plenty = expected >= 5
        seen = [*self.counts[plenty], self.size - self.counts[plenty].sum()]
        hoped = [*expected[plenty], self.size - expected[plenty].sum()]
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
        ("range in theory", ["all numbers", "[0, 1)", f"0, 1, …, {HIGH - 1}"]),
        ("least drawn", [_number(s.least, s) for s in kinds]),
        ("largest drawn", [_number(s.largest, s) for s in kinds]),
        ("mean", [f"{s.mean:.4f}" for s in kinds]),
        ("  in theory", [f"{s.theory_mean:.4f}" for s in kinds]),
        ("sd", [f"{s.sd:.4f}" for s in kinds]),
        ("  in theory", [f"{s.theory_sd:.4f}" for s in kinds]),
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
    if sampler.name == "uniform":
        return f"{value:.7f}"
    return f"{value:.4f}"


def _bars(values: tuple[float, ...]) -> str:
    """Return counts as a row of bars; many bins are joined so that it stays short."""
    joined = values
    while len(joined) > 20:
        joined = tuple(a + b for a, b in zip(joined[::2], joined[1::2], strict=True))
    top = max(joined)
    return "".join(_BARS[round(v / top * (len(_BARS) - 1))] for v in joined)
