"""``gausswork init compare``: the same network trained from several schemes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from gausswork.cli.command import ALARMED, DONE, EXIT_CODES, INTERRUPTED, check_plot, say, whole

_MOST_CLASSES = 30  # distinct whole numbers in a file up to which they are taken for classes
_SCHEMES = "zeros,rand,randn,default,xavier,he,orthogonal"


def add(actions: Any, shape: dict[str, Any]) -> None:
    """Add the action to ``gausswork init``."""
    compare = actions.add_parser(
        "compare",
        help="train the same network from several schemes (needs PyTorch)",
        description="Train the same network from several schemes, many seeds at once, and say which"
        " learn.",
        epilog=EXIT_CODES,
        **shape,
    )
    network = compare.add_mutually_exclusive_group()
    network.add_argument(
        "--widths", metavar="N,N", help="hidden widths of a fully connected network (64,64,64)"
    )
    network.add_argument("--model", metavar="MODULE:NAME", help="import path of a model instead")
    compare.add_argument(
        "--schemes", default=_SCHEMES, metavar="A,B", help=f"to compare (default {_SCHEMES})"
    )
    compare.add_argument("--data", metavar="FILE", help="a table to learn from (default: digits)")
    compare.add_argument("--target", metavar="COLUMN", help="of --data: what is to be learned")
    compare.add_argument("--seeds", type=whole, default=10, metavar="N", help="networks each (10)")
    compare.add_argument("--epochs", type=whole, default=20, metavar="N", help="default 20")
    compare.add_argument("--activation", metavar="NAME", help="between the layers (default relu)")
    compare.add_argument("--optimizer", default="sgd", metavar="NAME", help="sgd, momentum or adam")
    compare.add_argument(
        "--learning-rate", type=float, metavar="RATE",
        help="default 0.1 for sgd, 0.02 for momentum, 0.002 for adam",
    )  # fmt: skip
    compare.add_argument("--batch-size", type=whole, default=64, metavar="N", help="default 64")
    compare.add_argument(
        "--held-out", type=float, default=0.25, metavar="SHARE", help="to judge by (default 0.25)"
    )
    compare.add_argument("--seed", type=whole, default=0, metavar="N", help="of split and order")
    compare.add_argument("--json", action="store_true", help="print one JSON document instead")
    compare.add_argument("--plot", metavar="FILE", help="draw curves as .png, .pdf or .svg")
    compare.add_argument("--quiet", action="store_true", help="findings only by the exit code")
    compare.set_defaults(run=run, refuse=compare.error)


def run(arguments: argparse.Namespace) -> int:
    """Train and show; return the exit code."""
    from gausswork.cli import terminal
    from gausswork.findings import Severity
    from gausswork.initialization.comparison.comparing import compare
    from gausswork.initialization.schemes import scheme

    if (arguments.target is None) != (arguments.data is None):
        arguments.refuse("--data and --target belong together: a table, and the column to learn")
    if arguments.model and arguments.activation:
        arguments.refuse("--activation belongs to --widths; --model has its own")
    schemes = _list(arguments.schemes)
    for name in schemes:
        scheme(name)  # before anything is read or imported
    if arguments.plot:
        check_plot(arguments.plot)
    data = "digits" if arguments.data is None else _table(arguments.data, arguments.target)
    with terminal.progress(quiet=arguments.quiet) as bar:
        found = compare(
            _network(arguments),
            schemes,
            data,
            seeds=arguments.seeds,
            activation=arguments.activation or "relu",
            epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
            batch_size=arguments.batch_size,
            optimizer=arguments.optimizer,
            held_out=arguments.held_out,
            standardize=True,
            seed=arguments.seed,
            progress=None if bar is None else bar.trained,
        )
    if arguments.plot:
        from gausswork import plots

        plots.training(found, path=arguments.plot)
        if not arguments.quiet:
            say(f"drew {arguments.plot}")
    if arguments.json:
        document = found.to_dict()
        json.dump(document, sys.stdout, indent=2, allow_nan=False, ensure_ascii=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        terminal.write(str(found))
    if found.interrupted:
        return INTERRUPTED
    return ALARMED if any(f.severity is Severity.ALARM for f in found.findings) else DONE


def _network(arguments: argparse.Namespace) -> Any:
    if arguments.model:
        from gausswork.initialization import networks

        model = networks.imported(arguments.model)
        return model[0] if isinstance(model, tuple) else model
    text = "64,64,64" if arguments.widths is None else arguments.widths
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        arguments.refuse(f"--widths must be whole numbers such as 64,64,64; got {text!r}")
        raise


def _table(path: str, target: str) -> tuple[Any, Any]:
    """Return the numeric columns of a file as inputs, and a column as what is to be learned."""
    import numpy as np

    from gausswork import formatting as fmt
    from gausswork.cli.columns import numeric_columns
    from gausswork.data.kinds import Kind, require_column
    from gausswork.data.opening import as_table
    from gausswork.errors import InputError

    columns = numeric_columns(path, ())
    table = columns.table
    require_column(target, table.names, place=table.description, hint=table.hint)
    read = dict(columns.read(None))
    y: Any = read.pop(target, None)
    if not read:
        raise InputError(f"{table.description} has no column of numbers beside {target!r}.")
    if y is None:
        again: Any = as_table(path)
        field = again.fields([target])[target]
        if field.kind not in (Kind.TEXT, Kind.FLAG):
            raise InputError(
                f"column {target!r} of {table.description} holds {field.holds}, which cannot be "
                f"learned. {field.remedy}".rstrip()
            )
        parts = [p.columns[0] for p in again.read({target: Kind.TEXT})]
        values = [str(v) for part in parts for v in part.tolist()]
        y = np.array(values)
    elif np.isfinite(y).all() and (y == np.round(y)).all() and len(np.unique(y)) <= _MOST_CLASSES:
        y = y.astype(np.int64)
    gaps = {name: int(np.isnan(values).sum()) for name, values in read.items()}
    if any(gaps.values()):
        held = ", ".join(f"{fmt.visible(name)} {gap:,}" for name, gap in gaps.items() if gap)
        raise InputError(
            f"{table.description} has missing values ({held}), and a network cannot learn from "
            "them. Fill them in, or leave such rows or columns out."
        )
    return np.column_stack(list(read.values())), y


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
