"""The Python of room "initialisation": what is on its screen, with the public interface alone."""

from __future__ import annotations

import math
from importlib.util import find_spec

from gausswork.lab.rooms import start

_LAW = """\
# What the weights of a layer with {width} inputs and {width} outputs are drawn from
chosen = {chosen}
law = chosen.law(fans(({width}, {width})))
weights = draw(chosen, ({width}, {width}), seed={seed})
weight_sd = law.spread
weight_variance = {width} * law.spread**2    # fan_in · Var W: 2 keeps signals through ReLU
print(law.text(), f"fan_in · Var W = {{weight_variance:.3g}}")
"""
_THEORY = """\

# The theory of wide networks: chi is the factor on squared gradients per layer
theory = mean_field("{activation}", weight_variance)
chi = theory.chi
print(f"a wide network is {{theory.phase}}: squared gradients × {{chi:.3g}} per layer")
"""
_DIGITS = """\

# Inputs with mean 0 and sd 1 in every column, and classes
x, y = load_digits(return_X_y=True)
x = gw.Standardizer().fit_transform(x)
"""
_MADE = """\

# Inputs from the bell, and two classes: do the first two have the same sign?
x = gw.sampling.normal(({rows}, {features}), seed=0)
y = (x[:, 0] * x[:, 1] > 0.0).astype(int)
"""
_DOCTOR = """\

# The doctor: one batch forward and backward, its layers called as in the lab
model = mlp([{width}] * {depth}, inputs=x.shape[1], outputs={classes}, activation="{activation}")
initialize(model, chosen, seed={seed})
names = [{names} for k in range(1, {depth} + 1){inner}] + ["output"]
model = torch.nn.Sequential(OrderedDict(zip(names, model)))
batch = torch.tensor(x[:{batch}], dtype=torch.float32), torch.tensor(y[:{batch}])
diagnosis = diagnose(model, batch, cross_entropy)
print(diagnosis)
forward, backward = diagnosis.forward, diagnosis.backward
forward_total, backward_total = diagnosis.forward_total, diagnosis.backward_total
loss, healthy = diagnosis.loss, diagnosis.healthy
signal_sizes = [layer.output_rms for layer in diagnosis.layers]
gradient_sizes = [layer.gradient_sd for layer in diagnosis.layers]
"""
_TRAINING = """\

# The same network under each scheme, the same rows in the same order. What it says of a layer
# calls it by its place in mlp: '0' is layer 1, '{stride}' layer 2, and so on.
schemes = {{
{schemes}}}


def progress(done, of):
    if done % max(1, of // 20) == 0 or done == of:
        print(f"training: {{done}} of {{of}} epochs", flush=True)


comparison = compare(
    [{width}] * {depth}, schemes, (x, y), seeds=range({seed}, {last}),
    activation="{activation}", epochs={epochs}, learning_rate={rate!r}, together={together},
    progress=progress,
)
print(comparison)
learned = [run.learned for run in comparison.runs]
final_accuracy = [run.final_accuracy.tolist() for run in comparison.runs]
mean_loss = [run.band("train_loss")[0][-1] for run in comparison.runs]
mean_accuracy = [run.band("held_accuracy")[0][-1] for run in comparison.runs]
# gw.plots.training(comparison, path="training.png")
"""


def lines(s: start.State) -> str:
    """Return the script of a checked state."""
    from gausswork import initialization as gi

    name, options = start.recipe(s.scheme, s.activation, s.scale)
    law = gi.scheme(name, **options).law(gi.fans((s.width, s.width)))
    theory = law.mean == 0.0 and law.spread > 0.0
    doctor = find_spec("torch") is not None
    used = ["draw", "fans", "scheme"]
    used += ["mean_field"] if theory else []
    used += ["diagnose", "initialize", "mlp"] if doctor else []
    used += ["compare"] if doctor and s.trained else []
    made = (s.scheme, *(s.schemes if s.trained else ()))
    used += ["gain"] if any(" gain(" in _scheme(s, name) for name in made) else []
    needs = f"# pip install 'gausswork[torch{',sklearn' if s.data == 'digits' else ''}]'\n"
    imported = f"from gausswork.initialization import {', '.join(sorted(used))}\n\n"
    if doctor:
        digits = "from sklearn.datasets import load_digits\n" if s.data == "digits" else ""
        imported = (
            f"{needs}from collections import OrderedDict\n\nimport torch\n{digits}"
            "from torch.nn.functional import cross_entropy\n\n"
            f"import gausswork as gw\n{imported}"
        )
    bare = s.activation == "linear"  # then no layer of its own follows
    given = {
        "width": s.width, "depth": s.depth, "seed": s.seed, "activation": s.activation,
        "chosen": _scheme(s, s.scheme), "batch": start.BATCH, "rows": start.ROWS,
        "features": start.FEATURES, "classes": start.CLASSES[s.data], "epochs": s.epochs,
        "rate": s.rate, "last": s.seed + s.networks, "together": len(s.schemes) * s.networks,
        "names": 'f"layer {k}"' if bare else "name",
        "stride": 1 if bare else 2,
        "inner": "" if bare else f' for name in (f"layer {{k}}", f"{s.activation} {{k}}")',
        "schemes": "".join(f'    "{n}": {_scheme(s, n)},\n' for n in s.schemes),
    }  # fmt: skip
    parts = [_LAW]
    parts += [_THEORY] if theory else []
    if doctor:
        parts += [_DIGITS if s.data == "digits" else _MADE, _DOCTOR]
        parts += [_TRAINING] if s.trained else []
    return imported + "".join(part.format(**given) for part in parts)


def _scheme(s: start.State, of: str) -> str:
    """Return the expression that makes a scheme, all its weights times the scale."""
    name, options = start.recipe(of, s.activation, s.scale)
    said = []
    for key, value in options.items():
        text = repr(value).replace("'", '"')
        if key == "gain" and of == "he":
            text = f'{s.scale!r} * gain("{s.activation}")'
        elif key == "gain" and of == "default":
            text = f'{s.scale!r} * gain("leaky_relu", negative_slope={math.sqrt(5.0)!r})'
        said.append(f", {key}={text}")
    return f'scheme("{name}"{"".join(said)})'
