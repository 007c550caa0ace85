"""What the numbers of a diagnosis mean: findings, each with what was seen and what to do.

Thresholds are on effects, not on tests: a gradient that arrives a thousand times smaller or larger
than it set out moves nothing or everything. Healthy networks of any usual kind stay far within.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.initialization.text import power
from gausswork.initialization.theory import edge_of_chaos

if TYPE_CHECKING:
    from gausswork.initialization.doctor import Diagnosis, LayerHealth
    from gausswork.initialization.probe import Measured

_LARGE = 1e3  # a factor over the whole depth that stalls or shakes training
_TINY = 1e-4  # of a gradient that does not train any more
_STEEP, _NOTICED = 3.0, 1e2  # a factor per layer that matters from this over the depth on
_SATURATED, _MOSTLY_SATURATED = 0.3, 0.6
_DEAD_MORE = 0.25  # share of units off beyond those that are always on
_SIGMAS = 4.5  # by which they must exceed them: there are many layers, and units hang together
_MOSTLY_DEAD = 0.9
_ALIKE = 1e-4  # 1 − similarity of samples
_VERY_MUCH_ALIKE = 1e-6
_DEFAULT = 1.0 / 3.0  # fan_in · Var W of PyTorch's default
_CLOSE = 0.1
_SHOWN = {"relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "leaky ReLU", "selu": "SELU",
          "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}  # fmt: skip


def with_findings(diagnosis: Diagnosis, measured: Measured, rows: Sequence[Any]) -> Diagnosis:
    """Return a diagnosis with what is to be said about it, the worst first."""
    found = [
        *_not_finite(diagnosis),
        *_identical(diagnosis),
        *_unreached(diagnosis, measured, rows),
        *_gradients(diagnosis),
        *_signals(diagnosis),
        *_dead(diagnosis),
        *_saturated(diagnosis),
        *_collapsed(diagnosis, measured),
    ]
    order = (Severity.ALARM, Severity.CAUTION, Severity.NOTE)
    found.sort(key=lambda finding: order.index(finding.severity))
    return dataclasses.replace(diagnosis, findings=tuple(found))


def remedy(diagnosis: Diagnosis) -> str:
    """Return what to initialise with, from the activation that most layers have."""
    name = main_activation(diagnosis)
    if name in ("relu", "relu6", ""):
        return "Use He: initialize(model, 'he')."
    if name in ("tanh", "softsign", "hardtanh"):
        call = f"initialize(model, 'xavier', activation='{name}')"
        return f"Use Xavier with the gain of {name}: {call}."
    if name == "sigmoid":
        return (
            "Use tanh or ReLU between the layers: the slope of a sigmoid is 1/4 at most. If it "
            "must stay: initialize(model, 'xavier', gain=4)."
        )
    if name == "selu":
        return "Use LeCun: initialize(model, 'lecun')."
    return f"Use He with its gain: initialize(model, 'he', activation='{name}')."


def main_activation(diagnosis: Diagnosis) -> str:
    """Return the activation that most layers have; empty without any."""
    counts = Counter(layer.activation for layer in diagnosis.layers if layer.activation)
    return counts.most_common(1)[0][0] if counts else ""


def _cause(diagnosis: Diagnosis) -> tuple[str, bool]:
    """Return what the weights have to do with it, and whether they are to blame."""
    known = (layer for layer in diagnosis.layers if math.isfinite(layer.weight_variance))
    layers = [layer for layer in known if not layer.kind.startswith("Embedding")]
    if not layers:
        return "", True
    skew = sorted(layers, key=lambda x: abs(x.weight_mean) / max(x.weight_sd, 1e-300))
    middle = skew[len(skew) // 2]
    if abs(middle.weight_mean) > 0.5 * middle.weight_sd:
        return (
            f": the weights are not centred (mean {power(middle.weight_mean)}, sd "
            f"{power(middle.weight_sd)} in {_called(middle.name)}), and add up over the inputs"
        ), True
    values = sorted(layer.weight_variance for layer in layers)
    typical = values[len(values) // 2]
    name = main_activation(diagnosis)
    try:
        ideal = edge_of_chaos(name or "linear")
    except InputError:
        return "", True
    shown = _SHOWN.get(name, name or "linear layers")
    if abs(typical / ideal - 1.0) < 0.25:
        return f" The weights have the right scale for {shown}.", False
    way = "small" if typical < ideal else "large"
    if abs(typical / _DEFAULT - 1.0) < _CLOSE:
        return (
            f": PyTorch's default, Kaiming uniform with a = √5, is too small for {shown} "
            f"(fan_in · Var W is 1/3, and {_plain(ideal)} keeps signals and gradients)"
        ), True
    return (
        f": the weights are too {way} for {shown} (fan_in · mean W² is {power(typical)}, and "
        f"{_plain(ideal)} keeps signals and gradients)"
    ), True


def _grows(factor: float, total: float) -> bool:
    """Whether a growth or decay matters."""
    factor, total = max(factor, 1.0 / factor), max(total, 1.0 / total if total else math.inf)
    return total > _LARGE or (factor > _STEEP and total > _NOTICED)


def _sentence(diagnosis: Diagnosis, what: str, factor: float, total: float) -> tuple[str, str]:
    """Return sentence and remedy for signals or gradients that grow or shrink."""
    cause, blamed = _cause(diagnosis)
    depth = round(math.log(total) / math.log(factor)) if 0.0 < total < math.inf else 0
    over = f", ×{power(total)} over {depth} layers" if depth else ""
    way = "shrink" if factor < 1.0 else "grow"
    head = f"{what} {way} by {_plain(factor)} per layer{over}"
    if not blamed:
        return (
            f"{head}.{cause}",
            "The structure is to blame: put a norm (LayerNorm, BatchNorm) between the layers, or "
            "start the last layer of each residual branch at zero with a rule.",
        )
    return f"{head}{cause}.", remedy(diagnosis)


def _gradients(diagnosis: Diagnosis) -> list[Finding]:
    factor, total = diagnosis.backward, diagnosis.backward_total
    if not math.isfinite(factor) or not _grows(factor, total):
        return []
    sentence, what_to_do = _sentence(diagnosis, "Gradients", factor, total)
    evidence = {"factor": factor, "total": total, "layers": len(diagnosis.layers)}
    if factor < 1.0:
        return [
            Finding(
                code="vanishing-gradients",
                severity=Severity.ALARM if total < _TINY else Severity.CAUTION,
                sentence=sentence,
                remedy=what_to_do,
                evidence=evidence,
            )
        ]
    return [
        Finding(
            code="exploding-gradients",
            severity=Severity.ALARM if total > _LARGE else Severity.CAUTION,
            sentence=sentence,
            remedy=what_to_do,
            evidence=evidence,
        )
    ]


def _signals(diagnosis: Diagnosis) -> list[Finding]:
    factor, total = diagnosis.forward, diagnosis.forward_total
    if not math.isfinite(factor) or not _grows(factor, total):
        return []
    sentence, what_to_do = _sentence(diagnosis, "Signals", factor, total)
    evidence = {"factor": factor, "total": total, "layers": len(diagnosis.layers)}
    if factor < 1.0:
        return [
            Finding(
                code="vanishing-signals",
                severity=Severity.ALARM if total < _TINY else Severity.CAUTION,
                sentence=sentence,
                remedy=what_to_do,
                evidence=evidence,
            )
        ]
    return [
        Finding(
            code="exploding-signals",
            severity=Severity.ALARM if total > _LARGE else Severity.CAUTION,
            sentence=sentence,
            remedy=what_to_do,
            evidence=evidence,
        )
    ]


def _not_finite(diagnosis: Diagnosis) -> list[Finding]:
    for layer in diagnosis.layers:
        if not math.isfinite(layer.output_rms):
            return [
                Finding(
                    code="not-finite",
                    severity=Severity.ALARM,
                    sentence=f"NaN or infinite numbers come out of {_called(layer.name)} "
                    f"({layer.kind}), the first layer where they do.",
                    remedy="The signals before it grow too large, or it divides by zero. "
                    f"{remedy(diagnosis)}",
                    evidence={"layer": layer.name},
                )
            ]
    for layer in reversed(diagnosis.layers):
        if layer.gradients.size and not math.isfinite(layer.gradient_sd):
            return [
                Finding(
                    code="not-finite",
                    severity=Severity.ALARM,
                    sentence=f"The gradient is NaN or infinite at {_called(layer.name)} "
                    f"({layer.kind}), the last layer where it is.",
                    remedy="Something behind it has no slope there, such as √0 or log 0, or the "
                    f"gradient grew too large. {remedy(diagnosis)}",
                    evidence={"layer": layer.name},
                )
            ]
    return []


def _identical(diagnosis: Diagnosis) -> list[Finding]:
    found = [layer for layer in diagnosis.layers if layer.copies]
    if not found:
        return []
    worst = max(found, key=lambda layer: layer.copies / layer.units)
    where = _where(found, lambda layer: f"{layer.copies} of {layer.units} in {_called(layer.name)}")
    return [
        Finding(
            code="identical-units",
            severity=Severity.ALARM if worst.copies > 0.5 * worst.units else Severity.CAUTION,
            sentence=f"Units have twins with the same weights and the same gradients ({where}): "
            "they stay alike in every step, and count as one.",
            remedy=f"Weights must differ from the start. {remedy(diagnosis)}",
            evidence={layer.name: [layer.copies, layer.units] for layer in found},
        )
    ]


def _unreached(diagnosis: Diagnosis, measured: Measured, rows: Sequence[Any]) -> list[Finding]:
    found = []
    silent = [
        layer.name
        for layer in diagnosis.layers
        if layer.gradient_sd == 0.0 and layer.copies == 0 and layer.output_rms != 0.0
    ]
    blocking = [row.layer.path for row in rows if row.zero and row.gradient > 0.0]
    if silent and blocking and not any(layer.copies for layer in diagnosis.layers):
        found.append(
            Finding(
                code="zero-readout",
                severity=Severity.NOTE,
                sentence=f"The weights of {blocking[-1]!r} are all zero, so no gradient passes to "
                f"{_listed(silent)} in the first step. It does from the second on.",
                evidence={"zero": blocking, "layers": silent},
            )
        )
    elif silent and not any(layer.dead > _MOSTLY_DEAD for layer in diagnosis.layers):
        found.append(
            Finding(
                code="no-gradient",
                severity=Severity.ALARM,
                sentence=f"The gradient is exactly zero at {_listed(silent)}.",
                remedy="Units behind are dead or saturated, or their weights are zero: see the "
                f"other findings. {remedy(diagnosis)}",
                evidence={"layers": silent},
            )
        )
    if measured.unreached:
        found.append(
            Finding(
                code="unreached-parameters",
                severity=Severity.CAUTION,
                sentence=f"No gradient reaches {_listed(measured.unreached)}: the loss does not "
                "depend on them.",
                remedy="They are not used in forward, or something detaches what they give. Freeze "
                "them with requires_grad_(False) if that is meant.",
                evidence={"parameters": measured.unreached},
            )
        )
    return found


def _dead(diagnosis: Diagnosis) -> list[Finding]:
    found = [layer for layer in diagnosis.layers if _has_dead(layer) and not layer.copies]
    if not found:
        return []
    worst = max(layer.dead for layer in found)
    where = _where(found, lambda layer: f"{layer.dead:.0%} in {_called(layer.name)}")
    return [
        Finding(
            code="dead-units",
            severity=Severity.ALARM if worst > _MOSTLY_DEAD else Severity.CAUTION,
            sentence=f"{_SHOWN.get(main_activation(diagnosis), 'Activation')} units are off for "
            f"every sample ({where}): no gradient passes through them, and they do not learn.",
            remedy="Their biases are too negative, or what comes in is. Start biases at zero: "
            f"initialize does. {remedy(diagnosis)}",
            evidence={layer.name: layer.dead for layer in found},
        )
    ]


def _has_dead(layer: LayerHealth) -> bool:
    """Whether more units are off for every sample than chance leaves off.

    Samples that are alike switch a unit together. With weights centred on zero that leaves as many
    units always on as always off, whatever the batch; the difference is what the biases did.
    """
    if not layer.dead > 0.0:
        return False
    if layer.dead == 1.0:
        return True
    units = max(layer.shape[0] if layer.shape else 1, 1)
    by_chance = _SIGMAS * math.sqrt((layer.dead + layer.always_on) / units)
    return layer.dead - layer.always_on > max(_DEAD_MORE, by_chance)


def _saturated(diagnosis: Diagnosis) -> list[Finding]:
    found = [layer for layer in diagnosis.layers if layer.saturated > _SATURATED]
    if not found:
        return []
    worst = max(layer.saturated for layer in found)
    where = _where(found, lambda layer: f"{layer.saturated:.0%} in {_called(layer.name)}")
    return [
        Finding(
            code="saturated-units",
            severity=Severity.ALARM if worst > _MOSTLY_SATURATED else Severity.CAUTION,
            sentence=f"{main_activation(diagnosis)} is saturated ({where}): its slope is below "
            "1/20 of the largest there, and little gradient passes.",
            remedy=f"What comes in is too large. {remedy(diagnosis)}",
            evidence={layer.name: layer.saturated for layer in found},
        )
    ]


def _collapsed(diagnosis: Diagnosis, measured: Measured) -> list[Finding]:
    apart = [1.0 - layer.similarity for layer in diagnosis.layers]
    given = apart[0] if measured.input is None else 1.0 - measured.input.similarity
    if not given > 100.0 * _ALIKE:  # the samples are alike to begin with
        return []
    found = [
        layer
        for layer, distance in zip(diagnosis.layers, apart, strict=True)
        if distance < _ALIKE and layer.output_sd > 0.0
    ]
    if not found:
        return []
    least = max(min(1.0 - layer.similarity for layer in found), 0.0)
    position, layers = diagnosis.layers.index(found[0]) + 1, len(diagnosis.layers)
    nth = f" (number {position} of {layers})" if layers > 1 else ""
    hardly = "does not depend" if least < _VERY_MUCH_ALIKE else "hardly depends"
    return [
        Finding(
            code="collapsed-samples",
            severity=Severity.ALARM if least < _VERY_MUCH_ALIKE else Severity.CAUTION,
            sentence=f"From {_called(found[0].name)}{nth} on all samples look the same: their "
            f"correlation is 1 − {power(max(least, 1e-16), 1)} where it is highest, and the "
            f"output {hardly} on the input.",
            remedy=remedy(diagnosis),
            evidence={layer.name: 1.0 - layer.similarity for layer in found},
        )
    ]


def _where(layers: Sequence[LayerHealth], said: Any, most: int = 3) -> str:
    shown = ", ".join(said(layer) for layer in layers[:most])
    more = len(layers) - most
    return f"{shown} and {more} more layer{'s' if more > 1 else ''}" if more > 0 else shown


def _called(name: str) -> str:
    """Quote the name of a layer; a bare number, as in nn.Sequential, would read as another."""
    return f"layer {name!r}" if re.fullmatch(r"[\d.]+", name) else repr(name)


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(_called(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _plain(value: float) -> str:
    from gausswork import formatting as fmt

    if 99.5 <= value < 1000:
        return f"{value:.0f}"
    return fmt.significant(value, 2, strip=True) if 0.01 <= value < 99.5 else power(value)
