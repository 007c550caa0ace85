"""The plan: what an initialisation would set each parameter of a network to, before it does."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gausswork.errors import InputError, require
from gausswork.findings import Finding, Severity
from gausswork.initialization.activations import nearest
from gausswork.initialization.fan import Fans
from gausswork.initialization.laws import Law
from gausswork.initialization.schemes import RECIPES, Scheme, scheme
from gausswork.initialization.slots import OTHER, Slot, is_lazy, slots_of

KEEP = "keep"
# Put around a model by torch.compile and by the parallel wrappers; no part of a name.
_WRAPPERS = ("_orig_mod", "module", "_fsdp_wrapped_module")


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter and what is to happen to it.

    Attributes
    ----------
    name : dotted name without the wrappers of torch.compile and DataParallel.
    owner : class of the module that owns it.
    shape : its shape; None while it is lazy.
    role : ``"weight"``, ``"embedding"``, ``"bias"``, ``"scale"``, ``"shift"`` or ``"other"``.
    status : ``"set"``, or why not: ``"frozen"``, ``"kept"``, ``"lazy"``, ``"meta"``.
    scheme : what sets it; None where it is not set.
    law : what its numbers are drawn from, each block by its own; None where it is not set, or
        its shape is not known yet.
    fans : of one block; None without.
    blocks : labels of the blocks, such as the gates of an LSTM.
    also : further names of the same parameter, if it is tied.
    reason : why it is not set; empty otherwise.
    """

    name: str
    owner: str
    shape: tuple[int, ...] | None
    role: str
    status: str
    scheme: Scheme | None = None
    law: Law | None = None
    fans: Fans | None = None
    blocks: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What :func:`initialize` would do; nothing is changed by making one.

    Attributes
    ----------
    scheme : for all weights that no rule names.
    seed : of every draw.
    entries : one for each parameter, in the order of the model.
    findings : what is worth knowing: parameters left alone, and why.
    """

    scheme: Scheme
    seed: int
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        from gausswork.initialization.text import plan_text

        return plan_text(self)

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if name in (entry.name, *entry.also):
                return entry
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON."""
        from gausswork.initialization.text import plan_document

        return plan_document(self)


@dataclass(frozen=True, slots=True)
class Use:
    """One place of a parameter in a model: its name, the module that owns it, what it is for.

    ``behind`` are the parameters that a parametrised weight is computed from, such as size and
    direction under weight norm.
    """

    name: str
    parameter: Any
    slot: Slot
    module: Any
    local: str
    behind: tuple[Any, ...] = ()

    def write(self, values: Any) -> None:
        """Give the parameter these values; a parametrised one through its parametrisation."""
        if self.behind:
            setattr(self.module, self.local, values)
        else:
            self.parameter.copy_(values)


@dataclass(frozen=True, slots=True)
class Target:
    """A parameter with its entry and its uses; the first decides what it is for."""

    entry: Entry
    uses: tuple[Use, ...]

    @property
    def parameter(self) -> Any:
        """The parameter itself."""
        return self.uses[0].parameter


def plan(
    model: Any,
    name: str | Scheme = "he",
    *,
    seed: int = 0,
    rules: Mapping[str, Any] | None = None,
    bias: float | str = 0.0,
    base: Any = None,
    **options: Any,
) -> Plan:
    """Return what :func:`initialize` would do to a model with the same arguments.

    Parameters
    ----------
    model, name, seed, rules, bias, base, **options : as in :func:`initialize`.

    Returns
    -------
    Plan
        ``print(plan)`` shows it as a table.
    """
    made, _ = prepare(model, name, seed=seed, rules=rules, bias=bias, base=base, options=options)
    return made


def prepare(
    model: Any,
    name: str | Scheme,
    *,
    seed: int,
    rules: Mapping[str, Any] | None,
    bias: float | str,
    base: Any,
    options: Mapping[str, Any],
) -> tuple[Plan, list[Target]]:
    """Return the plan, and the parameters with their slots."""
    check_model(model)
    chosen = scheme(name, **options)
    seed = check_seed(seed)
    if chosen.name == "mup" and base is None and chosen.options["base"] is None:
        raise InputError(
            "scheme 'mup' scales by how far the widths have grown: pass base=, the same network "
            "at the width that the learning rate was tuned at."
        )
    checked = _checked_rules(rules)
    bases = _base_fans(base)
    used: set[str] = set()
    targets = []
    for names, uses in owned(model):
        asked: Scheme | None = chosen
        rule = None
        for pattern, wanted in checked.items():  # the last that matches decides
            if any(fnmatch.fnmatchcase(n, pattern) for n in names):
                used.add(pattern)
                asked, rule = wanted, pattern
        entry = _entry(names, uses[0], asked, rule, bias, bases)
        targets.append(Target(entry, uses))
    _check_used(checked, used, [t.entry.name for t in targets])
    entries = tuple(target.entry for target in targets)
    return Plan(chosen, seed, entries, tuple(_remarks(entries))), targets


def owned(model: Any) -> list[tuple[tuple[str, ...], tuple[Use, ...]]]:
    """Return the names and the uses of every parameter; a tied one once.

    The first name is the one that counts: the first by the alphabet, so that it does not depend
    on the order of the modules.
    """
    with _still(model):
        return _owned(model)


def _owned(model: Any) -> list[tuple[tuple[str, ...], tuple[Use, ...]]]:
    found: dict[int, list[Use]] = {}
    claimed: dict[str, Slot] = {}
    between = _parametrize().ParametrizationList
    for prefix, module in model.named_modules(remove_duplicate=False):
        known = slots_of(module)
        for local, behind in _parametrised(module):
            use = Use(_joined(prefix, local), getattr(module, local), known.get(local, OTHER),
                      module, local, behind)  # fmt: skip
            found.setdefault(id(behind[0]), []).append(use)
        if isinstance(module, between):
            continue  # its parameters are those behind a weight
        for local, slot in known.items():
            if "." in local:  # an outer module knows better what its inner one is for
                claimed[_joined(prefix, local)] = slot
        for local, parameter in module._parameters.items():
            if parameter is None:
                continue
            name = _joined(prefix, local)
            slot = claimed.get(name, known.get(local, OTHER))
            found.setdefault(id(parameter), []).append(Use(name, parameter, slot, module, local))
    result = []
    for uses in found.values():
        names = tuple(sorted({use.name for use in uses}))
        # A table of embeddings that serves as a readout too must not be too large for that.
        uses.sort(key=lambda use: (use.slot.role in ("embedding", "other"), use.name))
        result.append((names, tuple(uses)))
    return result


def _parametrised(module: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the weights of a module that are computed, with the parameters behind them."""
    if not _parametrize().is_parametrized(module):
        return []
    return [
        (local, behind)
        for local, listed in module.parametrizations.items()
        if (behind := tuple(listed.parameters(recurse=False)))
    ]


@contextlib.contextmanager
def _still(model: Any) -> Iterator[None]:
    """Keep a spectral norm from iterating while its weight is looked at."""
    kind = _parametrize().ParametrizationList
    inner = [m for listed in model.modules() if isinstance(listed, kind) for m in listed.modules()]
    modes = [module.training for module in inner]
    for module in inner:
        module.training = False
    try:
        yield
    finally:
        for module, mode in zip(inner, modes, strict=True):
            module.training = mode


def _parametrize() -> Any:
    return require("torch.nn.utils.parametrize", purpose="Networks", extra="torch")


def check_model(model: Any) -> None:
    """Refuse what is no network, or has nothing to set."""
    if not (hasattr(model, "named_modules") and hasattr(model, "parameters")):
        raise InputError(
            f"model must be a torch.nn.Module; got {type(model).__name__}. For NumPy arrays there "
            "is gausswork.initialization.draw(scheme, shape)."
        )
    if next(iter(model.parameters()), None) is None:
        raise InputError(
            f"model {type(model).__name__} has no parameters: there is nothing to initialise. "
            "Layers in a plain list or dict are not seen by PyTorch: use nn.ModuleList or "
            "nn.ModuleDict."
        )


def check_seed(seed: Any) -> int:
    """Return a seed as an int."""
    whole = getattr(seed, "__index__", None)
    if whole is None or isinstance(seed, bool):
        raise InputError(f"seed must be a whole number such as 0; got {seed!r}.")
    return int(whole())


def _joined(prefix: str, local: str) -> str:
    parts = [part for part in prefix.split(".") if part]
    while parts and parts[0] in _WRAPPERS:
        parts = parts[1:]
    kept = [part for part in parts if part not in ("_orig_mod", "_fsdp_wrapped_module")]
    return ".".join([*kept, local])


def _checked_rules(rules: Mapping[str, Any] | None) -> dict[str, Scheme | None]:
    if rules is None:
        return {}
    if not isinstance(rules, Mapping):
        raise InputError(
            "rules must be a mapping of patterns to schemes, such as {'head.*': 'zeros'}; got "
            f"{type(rules).__name__}."
        )
    checked: dict[str, Scheme | None] = {}
    for pattern, wanted in rules.items():
        if wanted is None or wanted == KEEP:
            checked[pattern] = None
        elif isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
            checked[pattern] = scheme("constant", value=float(wanted))
        elif isinstance(wanted, tuple) and len(wanted) == 2 and isinstance(wanted[1], Mapping):
            checked[pattern] = scheme(wanted[0], **wanted[1])
        else:
            checked[pattern] = scheme(wanted)
    return checked


def _check_used(rules: Mapping[str, Any], used: set[str], names: list[str]) -> None:
    for pattern in rules:
        if pattern not in used:
            raise InputError(
                f"rules: no parameter matches {pattern!r}.{nearest(pattern, names)} The "
                f"parameters are {', '.join(names[:8])}{', …' if len(names) > 8 else ''}."
            )


def _entry(
    names: tuple[str, ...],
    use: Use,
    asked: Scheme | None,
    rule: str | None,
    bias: float | str,
    bases: Mapping[str, tuple[int, int]],
) -> Entry:
    """Return what is to happen to a parameter: whether it is set, and by which scheme."""
    known, parameter, slot = _known(names, use), use.parameter, use.slot
    if asked is None:
        return Entry(**known, status="kept", reason=f"rule {rule!r} keeps it")
    if not parameter.requires_grad:
        return Entry(**known, status="frozen", reason="requires_grad is False")
    if not is_lazy(parameter) and not parameter.is_floating_point():
        kind = str(parameter.dtype).removeprefix("torch.")
        return Entry(**known, status="kept", reason=f"numbers of type {kind} are not drawn")
    if rule is None and slot.role == "other":
        return Entry(**known, status="kept", reason=f"no rule knows this part of {known['owner']}")
    if rule is None and slot.role == "bias" and bias == KEEP:
        return Entry(**known, status="kept", reason="rule bias='keep'")
    named = rule is not None
    if rule is not None and any(sign in rule for sign in "*?["):
        # "head.*" means the layer: what has no fans is set as in a layer without a rule.
        named = bool(slot.blocks) or not RECIPES[asked.name].needs_fans or slot.role == "other"
    chosen = asked if named else _by_role(slot, asked, bias)
    return decided(names, use, chosen, bases, named=named)


def decided(
    names: tuple[str, ...],
    use: Use,
    chosen: Scheme,
    bases: Mapping[str, tuple[int, int]],
    *,
    named: bool = False,
) -> Entry:
    """Return the entry of a parameter whose scheme is settled; ``named`` by a rule of its own."""
    known = {**_known(names, use), "scheme": chosen}
    if is_lazy(use.parameter):
        return Entry(**known, status="lazy", reason="has no shape before the first batch")
    law = _law(chosen, use.slot, names[0], use.parameter, bases, named=named)
    if law.kind == "constant" or chosen.name == "default":
        known["blocks"] = ()  # drawn as one
    if use.parameter.is_meta:
        return Entry(**known, status="meta", law=law, reason="is on the meta device")
    return Entry(**known, status="set", law=law)


def _known(names: tuple[str, ...], use: Use) -> dict[str, Any]:
    """Return what an entry says whatever happens to its parameter."""
    parameter, slot = use.parameter, use.slot
    return {
        "name": names[0],
        "also": names[1:],
        "owner": type(use.module).__name__,
        "role": slot.role,
        "shape": None if is_lazy(parameter) else tuple(parameter.shape),
        "fans": slot.blocks[0].fans if slot.blocks else None,
        "blocks": tuple(b.label for b in slot.blocks) if len(slot.blocks) > 1 else (),
    }


def _by_role(slot: Slot, asked: Scheme, bias: float | str) -> Scheme:
    """Return what sets a parameter that no rule names."""
    if asked.name == "default":
        return asked
    if slot.role == "bias":
        if isinstance(bias, str):
            return scheme(bias)
        return scheme("constant", value=float(bias)) if bias else scheme("zeros")
    if slot.role in ("scale", "shift"):
        return scheme("ones" if slot.role == "scale" else "zeros")
    return scheme("default") if slot.role in ("token", "slope") else asked


def _law(
    chosen: Scheme,
    slot: Slot,
    name: str,
    parameter: Any,
    bases: Mapping[str, tuple[int, int]],
    *,
    named: bool,
) -> Law:
    """Return what the blocks of a parameter are drawn from."""
    if chosen.name == "default" and slot.own is not None:
        return slot.own
    each = slot.blocks[0].fans if slot.blocks else None
    if each is None and named and parameter.ndim >= 2:
        from gausswork.initialization.fan import fans

        each = fans(tuple(parameter.shape))
    if RECIPES[chosen.name].needs_fans and each is None:
        raise InputError(
            f"scheme {chosen.name!r} needs a weight of shape (out, in, *kernel), and {name!r} has "
            f"shape {tuple(parameter.shape)}. Give it another with rules={{{name!r}: 'zeros'}}."
        )
    if chosen.name == "mup" and name in bases:
        chosen = scheme(chosen, base=bases[name])
    if not slot.gained and not named and _gain_is_chosen_by_activation(chosen):
        chosen = scheme(chosen, gain=1.0)
    return chosen.law(each)


def _gain_is_chosen_by_activation(chosen: Scheme) -> bool:
    options = chosen.options
    return "activation" in options and options["gain"] is None


def _base_fans(base: Any) -> dict[str, tuple[int, int]]:
    if base is None:
        return {}
    check_model(base)
    found = {}
    for names, uses in owned(base):
        blocks = uses[0].slot.blocks
        each = blocks[0].fans if blocks else None
        if each is not None:
            found.update(dict.fromkeys(names, (each.fan_in, each.fan_out)))
    return found


def _remarks(entries: tuple[Entry, ...]) -> list[Finding]:
    found = []
    by_status: dict[str, list[str]] = {}
    for entry in entries:
        by_status.setdefault(entry.status, []).append(entry.name)
    if "frozen" in by_status:
        names = by_status["frozen"]
        found.append(
            Finding(
                code="frozen-parameters",
                severity=Severity.NOTE,
                sentence=f"Frozen, and left alone: {_listed(names)}.",
                remedy="Set requires_grad to have them initialised too.",
                evidence={"parameters": names},
            )
        )
    kept = [e.name for e in entries if e.status == "kept" and not e.reason.startswith("rule ")]
    if kept:
        found.append(
            Finding(
                code="parameters-kept",
                severity=Severity.NOTE,
                sentence=f"Left as they are, for lack of a rule: {_listed(kept)}.",
                remedy=f"Name one with rules={{{kept[0]!r}: ('normal', {{'sd': 0.02}})}}.",
                evidence={"parameters": kept},
            )
        )
    if "lazy" in by_status:
        names = by_status["lazy"]
        found.append(
            Finding(
                code="lazy-parameters",
                severity=Severity.NOTE,
                sentence=f"Without a shape until the first batch: {_listed(names)}.",
                remedy="initialize sets them when that batch comes.",
                evidence={"parameters": names},
            )
        )
    if "meta" in by_status:
        names = by_status["meta"]
        found.append(
            Finding(
                code="meta-parameters",
                severity=Severity.CAUTION,
                sentence=f"On the meta device, where nothing can be set: {_listed(names)}.",
                remedy="Pass device='cpu' (or 'cuda') to put them there and set them.",
                evidence={"parameters": names},
            )
        )
    tied = [(e.name, e.also) for e in entries if e.also]
    if tied:
        pairs = "; ".join(f"{name} is {', '.join(also)}" for name, also in tied)
        found.append(
            Finding(
                code="tied-parameters",
                severity=Severity.NOTE,
                sentence=f"Tied, and set once: {pairs}.",
                evidence={"parameters": [[name, *also] for name, also in tied]},
            )
        )
    return found


def _listed(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
