"""The schemes: every usual way to choose starting weights, by name.

Most are one function, variance scaling: the variance of a weight is gain² / fan. LeCun, Glorot
and He differ in the gain, the fan and the shape of the distribution alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization import laws
from gausswork.initialization.activations import gain as gain_of
from gausswork.initialization.activations import nearest
from gausswork.initialization.fan import Fans
from gausswork.initialization.laws import Law

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")
_CUT = 2.0  # sd at which the truncated member of the family is cut
_DEFAULT_SLOPE = math.sqrt(5.0)  # the a of PyTorch's own default

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a scheme makes a law from its options and the fans of a weight.

    Attributes
    ----------
    summary : what it is, for one line of a table.
    source : who proposed it.
    options : what may be given, with the defaults.
    law : options and fans → law. Fans are None where ``needs_fans`` is false.
    needs_fans : whether a weight needs at least two axes.
    activation : the activation whose gain is used where none is named; None without a gain.
    """

    summary: str
    source: str
    options: Options
    law: Callable[[Options, Any], Law]
    needs_fans: bool = False
    activation: str | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to choose starting weights: a name and the options that were given.

    Make one with :func:`scheme`, which checks both.

    Attributes
    ----------
    name : canonical name, such as ``"kaiming_normal"`` for ``"he"``.
    given : the options that differ from the defaults.
    """

    name: str
    given: Options = field(default_factory=lambda: MappingProxyType({}))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.name, dict(self.given))  # views of dicts are not pickled

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.given.items())
        return f"{self.name}({inside})" if inside else self.name

    @property
    def options(self) -> dict[str, Any]:
        """All options with their values."""
        return {**RECIPES[self.name].options, **self.given}

    def gain(self) -> float:
        """Return the gain: the one given, or that of the activation; 1 without either."""
        return _gain(self.options, RECIPES[self.name].activation)

    def law(self, of: Fans | None) -> Law:
        """Return what a weight with these fans is drawn from.

        Raises
        ------
        InputError
            The scheme needs fans and there are none.
        """
        recipe = RECIPES[self.name]
        if recipe.needs_fans and of is None:
            raise InputError(
                f"scheme {self.name!r} needs a weight of shape (out, in, *kernel): its spread "
                "follows from the fans. Use 'uniform' or 'normal' for anything else."
            )
        return recipe.law(self.options, of)


def _rebuilt(name: str, given: dict[str, Any]) -> Scheme:
    """Make a scheme of its unpickled parts."""
    return Scheme(name, MappingProxyType(given))


def scheme(name: str | Scheme, **options: Any) -> Scheme:
    """Return a scheme by name, with options.

    Parameters
    ----------
    name : such as ``"he"``, ``"xavier"``, ``"orthogonal"``; capitals and hyphens do not matter.
    **options : what the scheme takes; ``gausswork init show`` lists schemes and options.

    Raises
    ------
    InputError
        The name or an option is not known (the nearest is named), or a value is impossible.

    Examples
    --------
    >>> from gausswork.initialization import scheme
    >>> scheme("he", mode="fan_out")
    Scheme(name='kaiming_normal', given=mappingproxy({'mode': 'fan_out'}))
    """
    if isinstance(name, Scheme):
        if not options:
            return name
        return scheme(name.name, **{**name.given, **options})
    if not isinstance(name, str):
        raise InputError(
            f"scheme must be a name such as 'he' or a value made by scheme(); got "
            f"{type(name).__name__}."
        )
    key = name.lower().strip().replace("-", "_").replace(" ", "_").rstrip("_")
    key = ALIASES.get(key, key)
    if key not in RECIPES:
        raise InputError(
            f"scheme {name!r} is not known.{nearest(key, [*RECIPES, *ALIASES])} "
            f"Known are: {', '.join(RECIPES)}."
        )
    recipe = RECIPES[key]
    for option in options:
        if option not in recipe.options:
            takes = ", ".join(recipe.options) or "no options"
            raise InputError(
                f"scheme {key!r} has no option {option!r}; it takes {takes}."
                f"{nearest(option, list(recipe.options))}"
            )
    given = {k: v for k, v in options.items() if v is not None and v != recipe.options[k]}
    _check(key, {**recipe.options, **given})
    return Scheme(key, MappingProxyType(given))


def variance_scaling_law(
    of: Fans,
    *,
    gain: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "normal",
) -> Law:
    """Return the law whose variance is gain² / fan: the one function behind the family.

    ``distribution="truncated_normal"`` is cut at two sd and widened before, so that its variance
    is what it says (a plain cut would leave 77 % of it).
    """
    sd = gain / math.sqrt(of.of(mode))
    if distribution == "uniform":
        return laws.uniform(-sd * math.sqrt(3.0), sd * math.sqrt(3.0))
    if distribution == "truncated_normal":
        return laws.truncated(0.0, sd / laws.cut_sd(-_CUT, _CUT), -_CUT, _CUT)
    return Law("normal", 0.0, sd)


def _gain(options: Options, activation: str | None) -> float:
    if options.get("gain") is not None:
        return float(options["gain"])
    name = options.get("activation") or activation
    if name is None:
        return 1.0
    return gain_of(name, negative_slope=options.get("negative_slope"))


def _scaled(
    mode: str, distribution: str, activation: str
) -> tuple[Options, Callable[[Options, Any], Law]]:
    options = {
        "activation": None, "gain": None, "negative_slope": None, "mode": mode,
        "distribution": distribution,
    }  # fmt: skip

    def law(given: Options, of: Fans) -> Law:
        return variance_scaling_law(
            of,
            gain=_gain(given, activation),
            mode=given["mode"],
            distribution=given["distribution"],
        )

    return MappingProxyType(options), law


def _family(
    summary: str, source: str, mode: str, distribution: str, activation: str = "linear"
) -> Recipe:
    options, law = _scaled(mode, distribution, activation)
    return Recipe(summary, source, options, law, True, activation)


def _mup(options: Options, of: Fans) -> Law:
    """Return He or LeCun's law at the base width, its variance falling as muP says beyond.

    Yang & Hu et al. (2021), "Tensor Programs V", table 3: a weight out of a width that grows into
    one that does not (a readout) has variance ∝ 1/fan_in², any other 1/fan_in.
    """
    law = variance_scaling_law(of, gain=_gain(options, "relu"), distribution="normal")
    base = options["base"]
    if base is None:
        return law
    grown_in, grown_out = of.fan_in / base[0], of.fan_out / base[1]
    readout = grown_in != 1.0 and grown_out == 1.0
    return Law("normal", 0.0, law.sd / math.sqrt(grown_in) if readout else law.sd)


def _orthogonal(options: Options, of: Fans) -> Law:
    gain = _gain(options, "linear")
    # An entry of a block with orthonormal rows or columns: 1/√(the longer side).
    return Law("orthogonal", 0.0, gain / math.sqrt(max(of.fan_in, of.units)), gain=gain)


def _identity(options: Options, of: Fans) -> Law:
    gain, cells = float(options["gain"]), of.fan_out // of.units
    share = min(of.units, of.fan_in // cells) / (of.units * of.fan_in)  # of ones among zeros
    return Law("identity", gain * share, gain * math.sqrt(share * (1.0 - share)), gain=gain)


def _sparse(options: Options, of: Fans) -> Law:
    sparsity, sd = float(options["sparsity"]), float(options["sd"])
    return Law("sparse", 0.0, sd, sparsity=sparsity)


def _frozen(**options: Any) -> Options:
    return MappingProxyType(options)


_GLOROT, _HE = "Glorot & Bengio 2010", "He et al. 2015"
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "zeros": Recipe("all zeros: every unit stays like every other", "", _frozen(),
                        lambda o, f: Law("constant", 0.0)),
        "ones": Recipe("all ones", "", _frozen(), lambda o, f: Law("constant", 1.0)),
        "constant": Recipe("one value everywhere", "", _frozen(value=0.1),
                           lambda o, f: Law("constant", float(o["value"]))),
        "identity": Recipe("ones on the diagonal (of the kernel's centre)", "Le et al. 2015",
                           _frozen(gain=1.0), _identity, True),
        "rand": Recipe("torch.rand: uniform in 0 … 1, never negative", "", _frozen(),
                       lambda o, f: laws.uniform(0.0, 1.0)),
        "randn": Recipe("torch.randn: standard normal, whatever the width", "", _frozen(),
                        lambda o, f: Law("normal", 0.0, 1.0)),
        "randint": Recipe("torch.randint: whole numbers, high not reached", "",
                          _frozen(low=-1, high=2),
                          lambda o, f: Law("integers", 0.5 * (o["low"] + o["high"] - 1),
                                           math.sqrt(((o["high"] - o["low"]) ** 2 - 1) / 12.0),
                                           float(o["low"]), float(o["high"]))),
        "uniform": Recipe("uniform between two limits", "", _frozen(low=0.0, high=1.0),
                          lambda o, f: laws.uniform(float(o["low"]), float(o["high"]))),
        "normal": Recipe("normal with a given sd", "", _frozen(mean=0.0, sd=1.0),
                         lambda o, f: Law("normal", float(o["mean"]), float(o["sd"]))),
        "truncated_normal": Recipe("normal, cut at so many sd", "",
                                   _frozen(mean=0.0, sd=1.0, low=-2.0, high=2.0),
                                   lambda o, f: laws.truncated(float(o["mean"]), float(o["sd"]),
                                                               float(o["low"]),
                                                               float(o["high"]))),
        "variance_scaling": _family("variance gain² / fan: the family itself", "",
                                    "fan_in", "truncated_normal"),
        "lecun_normal": _family("variance 1 / fan_in", "LeCun et al. 1998", "fan_in", "normal"),
        "lecun_uniform": _family("variance 1 / fan_in", "LeCun et al. 1998", "fan_in", "uniform"),
        "xavier_normal": _family("variance 2 / (fan_in + fan_out)", _GLOROT, "fan_avg", "normal"),
        "xavier_uniform": _family("variance 2 / (fan_in + fan_out)", _GLOROT, "fan_avg",
                                  "uniform"),
        "kaiming_normal": _family("variance gain² / fan_in, 2 / fan_in for ReLU", _HE, "fan_in",
                                  "normal", "relu"),
        "kaiming_uniform": _family("variance gain² / fan_in, 2 / fan_in for ReLU", _HE, "fan_in",
                                   "uniform", "relu"),
        "default": Recipe("PyTorch's own: kaiming_uniform with a = √5, variance 1 / (3·fan_in)",
                          "torch.nn", _frozen(),
                          lambda o, f: variance_scaling_law(
                              f, gain=gain_of("leaky_relu", negative_slope=_DEFAULT_SLOPE),
                              distribution="uniform"), True),
        "orthogonal": Recipe("orthonormal rows or columns, times the gain", "Saxe et al. 2014",
                             _frozen(activation=None, gain=None, negative_slope=None),
                             _orthogonal, True, "linear"),
        "sparse": Recipe("most weights zero, the others normal", "Martens 2010",
                         _frozen(sparsity=0.9, sd=0.01), _sparse, True),
        "lsuv": Recipe("orthogonal, then scaled until a batch leaves each layer with variance 1",
                       "Mishkin & Matas 2016", _frozen(tolerance=0.02, rounds=10),
                       lambda o, f: _orthogonal({"gain": 1.0}, f), True, "linear"),
        "mup": Recipe("muP: readout variance ∝ 1 / fan_in² beyond the base width",
                      "Yang & Hu et al. 2021",
                      _frozen(activation=None, gain=None, negative_slope=None, base=None),
                      _mup, True, "relu"),
    }
)  # fmt: skip

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "zero": "zeros", "one": "ones", "eye": "identity", "dirac": "identity",
        "const": "constant", "torch": "default", "pytorch": "default",
        "lecun": "lecun_normal", "xavier": "xavier_uniform", "glorot": "xavier_uniform",
        "glorot_uniform": "xavier_uniform", "glorot_normal": "xavier_normal",
        "he": "kaiming_normal", "kaiming": "kaiming_normal", "he_normal": "kaiming_normal",
        "he_uniform": "kaiming_uniform", "trunc_normal": "truncated_normal",
        "orthonormal": "orthogonal", "saxe": "orthogonal", "gaussian": "normal",
        "standard_normal": "randn", "maximal_update": "mup",
    }
)  # fmt: skip


def _check(name: str, options: Options) -> None:
    """Refuse options that make no law."""
    for key, value in options.items():
        if key in ("activation", "mode", "distribution", "base") or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{key} of scheme {name!r} must be a number; got {value!r}.")
        if not math.isfinite(value) and key not in ("low", "high"):
            raise InputError(f"{key} of scheme {name!r} must be finite; got {value!r}.")
        if key in ("sd", "gain") and value < 0.0:
            raise InputError(f"{key} of scheme {name!r} must not be negative; got {value!r}.")
    if options.get("mode") not in (None, *MODES):
        raise InputError(
            f"mode must be one of {', '.join(MODES)}; got {options['mode']!r}."
            f"{nearest(str(options['mode']), MODES)}"
        )
    if options.get("distribution") not in (None, *DISTRIBUTIONS):
        raise InputError(
            f"distribution must be one of {', '.join(DISTRIBUTIONS)}; got "
            f"{options['distribution']!r}.{nearest(str(options['distribution']), DISTRIBUTIONS)}"
        )
    if "low" in options:
        _check_limits(name, options["low"], options["high"])
    if "sparsity" in options and not 0.0 <= options["sparsity"] <= 1.0:
        raise InputError(
            f"sparsity is a share of zeros and must lie in [0, 1]; got {options['sparsity']!r}."
        )
    if options.get("activation") is not None or options.get("negative_slope") is not None:
        _gain({**options, "gain": None}, RECIPES[name].activation)  # complains of a wrong name


def _check_limits(name: str, low: float, high: float) -> None:
    if not low < high:
        raise InputError(f"low must be below high in scheme {name!r}; got {low!r} and {high!r}.")
    if name == "randint" and (low != int(low) or high != int(high)):
        raise InputError(f"low and high of 'randint' are whole numbers; got {low!r}, {high!r}.")
    if name == "truncated_normal" and (low > 5.0 or high < -5.0):
        raise InputError(
            "low and high of 'truncated_normal' are in sd, and hold nearly nothing of the bell "
            f"from {low!r} to {high!r}. torch.nn.init.trunc_normal_ takes them in the unit of "
            "the weights: divide those by sd."
        )
    if name != "truncated_normal" and not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"low and high of scheme {name!r} must be finite; got {low!r}, {high!r}.")
