"""``gausswork init``: what schemes draw, and how a network starts."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from gausswork.cli import init_compare
from gausswork.cli.command import ALARMED, DONE, EXIT_CODES, Parser, check_plot, say

if TYPE_CHECKING:
    from gausswork.initialization.doctor import Diagnosis

_EXAMPLES = """\
examples:
  gausswork init show
  gausswork init show --scheme he --activation gelu --fan-in 768 --plot he.png
  gausswork init diagnose --widths 64,64,64,64,64,64 --scheme default,he --plot start.png
  gausswork init diagnose --model net:build --input-shape 3,32,32 --samples 64
  gausswork init compare --widths 64,64,64 --schemes zeros,randn,xavier,he --plot curves.png
"""
_SAMPLES = 128


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "init",
        help="what initial weights are drawn from, and whether a network starts well",
        description="What initial weights are drawn from, and whether a network starts well.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    actions = command.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=Parser
    )
    _add_show(actions, shape)
    _add_diagnose(actions, shape)
    init_compare.add(actions, shape)


def _add_show(actions: Any, shape: dict[str, Any]) -> None:
    show = actions.add_parser(
        "show",
        help="the schemes side by side",
        description="Show what the schemes draw the weights of one layer from.",
        **shape,
    )
    show.add_argument("--fan-in", type=int, default=512, metavar="N", help="default 512")
    show.add_argument("--fan-out", type=int, default=512, metavar="N", help="default 512")
    show.add_argument("--scheme", metavar="A,B", help="these only (default: all)")
    show.add_argument("--activation", metavar="NAME", help="whose gain is used")
    show.add_argument("--seed", type=int, default=0, metavar="N", help="of the weights drawn")
    show.add_argument("--json", action="store_true", help="print one JSON document instead")
    show.add_argument("--plot", metavar="FILE", help="draw histograms as .png, .pdf or .svg")
    show.set_defaults(run=_show, refuse=show.error)


def _add_diagnose(actions: Any, shape: dict[str, Any]) -> None:
    diagnose = actions.add_parser(
        "diagnose",
        help="run a batch through a network and say how it starts (needs PyTorch)",
        description="Run a batch forward and backward through a network and say how it starts.",
        epilog=EXIT_CODES,
        **shape,
    )
    network = diagnose.add_mutually_exclusive_group(required=True)
    network.add_argument(
        "--widths", metavar="N,N", help="hidden widths of a fully connected network"
    )
    network.add_argument(
        "--model",
        metavar="MODULE:NAME",
        help="import path of a model, or of a function that returns one, or a model and a batch",
    )
    diagnose.add_argument("--inputs", type=int, metavar="N", help="features (default: first width)")
    diagnose.add_argument("--outputs", type=int, metavar="N", help="of the last layer (default 10)")
    diagnose.add_argument("--activation", metavar="NAME", help="between layers, and for its gain")
    diagnose.add_argument(
        "--scheme",
        metavar="A,B",
        help="initialise with these, one after another (default: as the model comes)",
    )
    diagnose.add_argument(
        "--input-shape", metavar="N,N", help="of one sample, for --model: normal numbers are drawn"
    )
    diagnose.add_argument("--tokens", type=int, metavar="K", help="draw whole numbers below K")
    diagnose.add_argument(
        "--samples", type=int, default=_SAMPLES, metavar="N", help=f"batch (default {_SAMPLES})"
    )
    diagnose.add_argument("--seed", type=int, default=0, metavar="N", help="of all draws")
    diagnose.add_argument("--json", action="store_true", help="print one JSON document instead")
    diagnose.add_argument("--plot", metavar="FILE", help="draw it as .png, .pdf or .svg")
    diagnose.add_argument("--quiet", action="store_true", help="findings only by the exit code")
    diagnose.set_defaults(run=_diagnose, refuse=diagnose.error)


def _show(arguments: argparse.Namespace) -> int:
    from gausswork.cli import terminal
    from gausswork.initialization import table
    from gausswork.plain import plain

    names = _list(arguments.scheme)
    if arguments.plot:
        check_plot(arguments.plot)
    lines = table.table(
        arguments.fan_in,
        arguments.fan_out,
        names,
        activation=arguments.activation,
        seed=arguments.seed,
    )
    if arguments.plot:
        from gausswork import plots

        plots.schemes(
            arguments.fan_in,
            arguments.fan_out,
            [line.name for line in lines if line.name != "lsuv"],
            activation=arguments.activation,
            seed=arguments.seed,
            path=arguments.plot,
        )
        say(f"drew {arguments.plot}")
    if arguments.json:
        keys = ("name", "summary", "source", "drawn", "sd", "scaled_variance", "options")
        document = [plain({key: getattr(line, key) for key in keys}) for line in lines]
        _print(document)
    else:
        terminal.write(table.text(lines, arguments.fan_in, arguments.fan_out))
    return DONE


def _diagnose(arguments: argparse.Namespace) -> int:
    from gausswork.cli import terminal
    from gausswork.findings import Severity

    if arguments.plot:
        check_plot(arguments.plot)
    found = {name: _one(arguments, name) for name in _list(arguments.scheme) or [""]}
    if arguments.plot:
        from gausswork import plots

        single = next(iter(found.values()))
        plots.doctor(found if len(found) > 1 else single, path=arguments.plot)
        if not arguments.quiet:
            say(f"drew {arguments.plot}")
    if arguments.json:
        documents = {name: diagnosis.to_dict() for name, diagnosis in found.items()}
        _print(documents if arguments.scheme else documents[""])
    elif not arguments.quiet:
        texts = [f"{name}: {d}" if name else str(d) for name, d in found.items()]
        terminal.write("\n\n".join(texts))
    alarms = [f for d in found.values() for f in d.findings if f.severity is Severity.ALARM]
    return ALARMED if alarms else DONE


def _one(arguments: argparse.Namespace, scheme: str) -> Diagnosis:
    """Build the network, initialise it and diagnose it."""
    from gausswork.initialization import networks
    from gausswork.initialization.apply import initialize
    from gausswork.initialization.doctor import diagnose
    from gausswork.initialization.schemes import scheme as scheme_of

    batch: Any = None
    if arguments.widths:
        if arguments.input_shape or arguments.tokens is not None:
            arguments.refuse("--input-shape and --tokens belong to --model")
        widths = _whole(arguments, "widths")
        outputs = 10 if arguments.outputs is None else arguments.outputs
        act = arguments.activation or "relu"
        model = networks.mlp(widths, inputs=arguments.inputs, outputs=outputs, activation=act)
        # Without a scheme the global generator of PyTorch would have chosen.
        initialize(model, "default", seed=arguments.seed)
        shape = [widths[0] if arguments.inputs is None else arguments.inputs]
    else:
        if arguments.inputs is not None or arguments.outputs is not None:
            arguments.refuse("--inputs and --outputs belong to --widths; --model has its own")
        model = networks.imported(arguments.model)
        if isinstance(model, tuple) and len(model) == 2:
            model, batch = model
        shape = _whole(arguments, "input_shape") if arguments.input_shape else []
        if batch is None and not shape:
            arguments.refuse(
                "--input-shape says what one sample is, such as 3,32,32; or let the function of "
                "--model return a model and a batch"
            )
    if batch is None:
        batch = _batch(arguments, shape)
    if scheme:
        options: dict[str, Any] = {}
        if arguments.activation and "activation" in scheme_of(scheme).options:
            options["activation"] = arguments.activation
        if scheme_of(scheme).name == "lsuv":
            options["batch"] = batch
        initialize(model, scheme, seed=arguments.seed, keep=False, **options)
    return diagnose(model, batch, seed=arguments.seed)


def _batch(arguments: argparse.Namespace, shape: list[int]) -> Any:
    from gausswork import sampling

    sizes = (arguments.samples, *shape)
    if arguments.tokens is not None:
        return sampling.integers(sizes, high=arguments.tokens, seed=arguments.seed, stream="batch")
    return sampling.normal(sizes, seed=arguments.seed, stream="batch", dtype="float32")


def _list(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def _whole(arguments: argparse.Namespace, name: str) -> list[int]:
    text = getattr(arguments, name)
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        option = name.replace("_", "-")
        arguments.refuse(f"--{option} must be whole numbers such as 64,64,64; got {text!r}")
        raise


def _print(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2, allow_nan=False, ensure_ascii=False)
    sys.stdout.write("\n")
