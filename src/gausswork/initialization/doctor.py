"""The doctor: what one batch does in a network before training, layer by layer, and what is wrong.

Growth is measured in factors per layer, of signals on the way forward (root mean square) and of
gradients on the way back (length of the gradient of a sample: it is what weights of variance
1/fan_in keep, however the widths change). Factors do not depend on the scale of the loss.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.initialization import batches, probe, symmetry
from gausswork.initialization.activations import Activation, activation
from gausswork.initialization.plans import check_model, check_seed
from gausswork.initialization.slots import is_lazy, torch
from gausswork.initialization.theory import MeanField, chi, mean_field, variance_map
from gausswork.initialization.untouched import untouched

Array = npt.NDArray[np.float64]

_CENTRED = 0.1  # |mean| of weights, in sd, up to which theory takes them for centred
_SHIFTED = 0.3  # |mean| of biases, in the size of the output, up to which they are
_SAME_SCALE = 1.5  # ratio of σ_w² between layers up to which one number stands for all


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """What was measured in one layer.

    Attributes
    ----------
    name, kind : dotted name of the module and its class.
    shape : of its weight.
    calls : how often one forward pass uses it.
    weight_mean, weight_sd : of its weights.
    weight_variance : fan_in × mean square of its weights (σ_w²); NaN without fans.
    output_mean, output_sd, output_rms : of what it gives, before any activation.
    activation : name of the function applied to that; empty without one.
    activation_mean, activation_sd : after it; those of the output without one.
    saturated : share of activations where the slope is below 1/20 of the largest; NaN where the
        activation has no limits.
    dead, always_on : shares of units that are zero for every sample, and for none; NaN where units
        cannot be off. Weights centred on zero leave as many always on as off.
    similarity : correlation of two samples of the batch in the output; 1 when all look the same.
    gradient_sd : root mean square of the gradient of the loss by the output.
    forward, backward : factor on the signal from the layer before, and on the gradient from the
        layer behind.
    predicted_forward, predicted_backward : the same by mean-field theory; NaN where it does not
        apply (behind norms, shortcuts, pooling, recurrent or attention layers).
    units, copies : how many units were compared, and how many have a twin with the same weights
        and the same gradients; 0 and 0 where nothing was compared.
    activations, gradients : up to 4,000 of the numbers, for histograms.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    calls: int
    weight_mean: float
    weight_sd: float
    weight_variance: float
    output_mean: float
    output_sd: float
    output_rms: float
    activation: str
    activation_mean: float
    activation_sd: float
    saturated: float
    dead: float
    always_on: float
    similarity: float
    gradient_sd: float
    forward: float
    backward: float
    predicted_forward: float
    predicted_backward: float
    units: int
    copies: int
    activations: Array
    gradients: Array


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What :func:`diagnose` has found.

    Attributes
    ----------
    layers : in the order in which the batch meets them.
    samples : size of the batch.
    loss : its value; None without one.
    forward, backward : factor per layer on signals and on gradients, fitted over all layers.
    forward_total, backward_total : the same over the whole depth.
    theory : mean-field theory of the network, where it is a plain chain of one kind of layer.
    findings : what is wrong, and what to do about it; empty for a healthy network.
    """

    layers: tuple[LayerHealth, ...]
    samples: int
    loss: float | None
    forward: float
    backward: float
    forward_total: float
    backward_total: float
    theory: MeanField | None
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether no finding is more than a note."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        from gausswork.initialization.text import verdict

        return verdict(self)

    def __getitem__(self, name: str) -> LayerHealth:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def __str__(self) -> str:
        from gausswork.initialization.text import diagnosis_text

        return diagnosis_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the histograms as plain data for JSON."""
        from gausswork.initialization.text import diagnosis_document

        return diagnosis_document(self)


def diagnose(model: Any, batch: Any, loss: Any = None, *, seed: int = 0) -> Diagnosis:
    """Run a batch forward and backward through a network and say how it starts.

    The model is afterwards exactly what it was: parameters, gradients, mode, buffers such as the
    running statistics of batch norms, hooks, attributes, and the states of the generators; after
    an error too. It is run as in training: a model in eval mode is put in training mode for the
    time being.

    Parameters
    ----------
    model : a torch.nn.Module on any device, with or without training behind it.
    batch : what it is called with: a tensor or array, a tuple of them, or a dict of them by name.
        With a loss of two arguments a pair (inputs, targets).
    loss : a function of the output, or of output and targets, that returns one number, such as
        ``torch.nn.functional.cross_entropy``. Without one the gradient that enters from behind is
        random.
    seed : of dropout and of that random gradient.

    Returns
    -------
    Diagnosis
        ``print`` shows it; ``findings`` says what is wrong; ``healthy`` whether anything is.

    Raises
    ------
    InputError
        The model has no parameters, NaN among them, or lazy ones without a shape; the batch is one
        sample or holds NaN; or the model or the loss raises, whose error is shown and chained.
    """
    check_model(model)
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps: hooks belong there
    if isinstance(model, torch().jit.ScriptModule):
        raise InputError(
            "model is a TorchScript module, whose layers cannot be looked into. Diagnose the "
            "module that it was made from."
        )
    seed = check_seed(seed)
    _check_parameters(model)
    call, targets = batches.prepare(model, batch, loss)
    with untouched(model, seed=seed):
        measured = probe.measure(model, call, targets, loss, seed=seed)
        if not measured.layers:
            raise InputError(
                f"model {type(model).__name__} ran, and no layer with weights was called by it: "
                "there is nothing to diagnose."
            )
        twins = [symmetry.alike(layer, measured.parameter_gradients) for layer in measured.layers]
    return _judged(measured, twins, call.samples)


def _check_parameters(model: Any) -> None:
    th = torch()
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise InputError(
                f"parameter {name!r} is lazy and has no shape yet. Call the model once with a "
                "batch, model(batch), and diagnose it then."
            )
        if parameter.is_meta:
            raise InputError(
                f"parameter {name!r} is on the meta device and holds no numbers. Put it somewhere "
                "with initialize(model, 'he', device='cpu')."
            )
        if parameter.is_inference():
            raise InputError(
                f"parameter {name!r} was made in torch.inference_mode() and has no gradient. Build "
                "the model outside of it."
            )
        if parameter.is_floating_point() and not bool(th.isfinite(parameter).all()):
            bad = int((~th.isfinite(parameter)).sum())
            raise InputError(
                f"parameter {name!r} holds {bad:,} NaN or infinite value{'s' if bad > 1 else ''} "
                f"of {parameter.numel():,}. Initialise it anew, with initialize(model, 'he')."
            )


def _judged(
    measured: probe.Measured, twins: list[symmetry.Alike | None], samples: int
) -> Diagnosis:
    from gausswork.initialization import verdicts

    rows = [_Row(layer) for layer in measured.layers]
    lengths = [row.gradient for row in rows]
    layers = []
    for i, (row, twin) in enumerate(zip(rows, twins, strict=True)):
        layer = row.layer
        before = rows[i - 1].layer.output if i else measured.input
        following = rows[i + 1] if i + 1 < len(rows) else None
        active = layer.active or layer.output
        layers.append(
            LayerHealth(
                name=layer.path or layer.kind,
                kind=layer.kind,
                shape=row.shape,
                calls=layer.calls,
                weight_mean=row.weight_mean,
                weight_sd=row.weight_sd,
                weight_variance=row.weight_variance,
                output_mean=layer.output.mean,
                output_sd=layer.output.sd,
                output_rms=layer.output.rms,
                activation="" if layer.activation is None else layer.activation.name,
                activation_mean=active.mean,
                activation_sd=active.sd,
                saturated=layer.saturated,
                dead=layer.dead,
                always_on=layer.always_on,
                similarity=layer.output.similarity,
                gradient_sd=row.gradient_rms * measured.scale,
                forward=math.nan if before is None else _ratio(layer.output.rms, before.rms),
                backward=math.nan if following is None else _ratio(lengths[i], lengths[i + 1]),
                predicted_forward=row.predicted()[0],
                predicted_backward=(
                    following.predicted()[1]
                    if following is not None and following.layer.source is layer
                    else math.nan
                ),
                units=0 if twin is None else twin.units,
                copies=0 if twin is None else twin.copies,
                activations=active.values,
                gradients=layer.gradients * measured.scale,
            )
        )
    signals = [layer.output_rms for layer in layers]
    if measured.input is not None:
        signals.insert(0, measured.input.rms)
    forward, backward = _slope(signals), 1.0 / _slope(lengths)
    diagnosis = Diagnosis(
        layers=tuple(layers),
        samples=samples,
        loss=measured.loss,
        forward=forward,
        backward=backward,
        forward_total=_power(forward, len(signals) - 1),
        backward_total=_power(backward, len(layers) - 1),
        theory=_theory(rows),
        findings=(),
    )
    return verdicts.with_findings(diagnosis, measured, rows)


class _Row:
    """A measured layer with what theory needs of its weights."""

    def __init__(self, layer: probe.Layer) -> None:
        self.layer = layer
        self.shape: tuple[int, ...] = ()
        self.weight_mean = self.weight_sd = self.weight_variance = math.nan
        self.centred = False
        self.zero = False
        self._predicted: tuple[float, float] | None = None
        self.gradient = math.sqrt(layer.gradient_squares)
        count = max(layer.gradient_numbers, 1)
        self.gradient_rms = math.sqrt(layer.gradient_squares / count)
        self._weights()

    def _weights(self) -> None:
        parameters = self.layer.module._parameters
        for local, slot in self.layer.slots.items():
            parameter = parameters.get(local)
            if parameter is None or slot.role not in ("weight", "embedding"):
                continue
            values = parameter.detach().double()
            squares, mean = float(values.square().mean()), float(values.mean())
            self.shape = tuple(parameter.shape)
            self.weight_mean = mean
            self.weight_sd = math.sqrt(max(squares - mean * mean, 0.0))
            self.centred = abs(mean) <= self.weight_sd * max(_CENTRED, 4.0 / values.numel() ** 0.5)
            self.zero = squares == 0.0
            if slot.blocks and slot.blocks[0].fans is not None:
                self.weight_variance = slot.blocks[0].fans.fan_in * squares
            break
        bias = parameters.get("bias")
        self.bias_variance = 0.0
        if bias is not None:
            values = bias.detach().double()
            self.bias_variance = float(values.square().mean())
            # A common bias shifts all units one way: theory has it random about zero.
            by_chance = 4.0 * math.sqrt(self.bias_variance / max(values.numel(), 1))
            allowed = max(_SHIFTED * self.layer.output.rms, by_chance)
            self.centred &= abs(float(values.mean())) <= allowed

    @property
    def before(self) -> Activation | None:
        """The activation between the layer before and this one; None where theory does not go."""
        source, nn = self.layer.source, torch().nn
        plain = isinstance(self.layer.module, (nn.Linear, nn.modules.conv._ConvNd))
        if source is None or not plain or not self.centred:
            return None
        if source.calls > 1 or not math.isfinite(source.output.rms) or source.output.rms == 0.0:
            return None
        if not self.layer.source_active:
            return activation("linear")
        return source.activation if source.direct else None

    def predicted(self) -> tuple[float, float]:
        """Return the factors on signals and on gradients that theory predicts for this layer."""
        phi = self.before
        if phi is None or self.layer.source is None:
            return math.nan, math.nan
        q = self.layer.source.output.rms**2
        forward = math.sqrt(variance_map(q, phi, self.weight_variance, self.bias_variance) / q)
        return forward, math.sqrt(chi(phi, self.weight_variance, q))


def _theory(rows: list[_Row]) -> MeanField | None:
    """Return the theory of the whole network where its layers are of one kind."""
    linked = [row for row in rows if row.before is not None]
    if len(linked) < 2 or len(linked) < len(rows) - 1:
        return None
    phis = {row.before for row in linked}
    scales = [row.weight_variance for row in linked]
    if len(phis) != 1 or min(scales) <= 0.0 or max(scales) > _SAME_SCALE * min(scales):
        return None
    biases = [row.bias_variance for row in linked]
    return mean_field(phis.pop(), statistics.median(scales), statistics.median(biases))


def _slope(sizes: list[float]) -> float:
    """Return the factor per layer of a line through the logarithms; NaN where there is none."""
    known = [(i, math.log(s)) for i, s in enumerate(sizes) if s > 0.0 and math.isfinite(s)]
    if len(known) < 2:
        return math.nan
    x, y = np.array(known).T
    x = x - x.mean()
    return float(np.exp(x @ (y - y.mean()) / (x @ x)))


def _power(factor: float, depth: int) -> float:
    try:
        return factor**depth
    except OverflowError:
        return math.inf


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0.0 and math.isfinite(other) else math.nan
