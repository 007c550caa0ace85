"""Write the measured tables into the pages, between their comment markers.

    python -m benchmarks.tables

A page that holds ``<!-- NAME-table -->`` … ``<!-- /NAME-table -->`` gets the table of that name.
What has not been measured yet is left as it is; a quick run never gets into a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.common import ROOT, read, say

PAGES = (
    "README.md",
    "docs/benchmarks.md",
    "docs/databases.md",
    "docs/increments.md",
    "docs/large-data.md",
    "docs/normal.md",
    "docs/random-numbers.md",
    "benchmarks/README.md",
)
PEERS = ("scikit-learn", "statsmodels pinv", "statsmodels QR", "NumPy lstsq", "textbook inv(X'X)")
HEADS = {
    "statsmodels pinv": "statsmodels",
    "statsmodels QR": "statsmodels, QR",
    "textbook inv(X'X)": "`inv(X.T@X)@(X.T@y)`",
    "tutorial": "`inv(X.T@X)@X.T@y`, ones added",
    "X'X by BLAS alone": "X'X by BLAS, alone",
    "reading X once": "reading X once",
}


def accuracy_table() -> str | None:
    """Return digits on NIST and on changed units and offsets."""
    measured = read("accuracy")
    if measured is None:
        return None
    results = measured["results"]
    nist = {f"NIST {name}": scores for name, scores in results["nist"].items()}
    changes = {_change(name): scores for name, scores in results["changes"].items()}
    return "\n".join(
        [
            "Correct digits of the worst coefficient, of at most 16; in brackets how many of them "
            "gausswork says to trust.",
            "",
            *_scores({**nist, **changes}),
            "",
            "Against the exact rational solution of the same binary64 numbers. † the program "
            "warned; elsewhere it did not. Units and offsets: y = 1 + 2a + 3b + noise, 1000 rows.",
            _versions(measured),
        ]
    )


def _change(name: str) -> str:
    return "y = 1 + 2a + 3b + noise" if name == "as it is" else f"… {name}"


def condition_table() -> str | None:
    """Return digits over condition numbers."""
    measured = read("accuracy")
    if measured is None:
        return None
    rows = {
        f"condition {name.replace('1e', '10^')}": scores
        for name, scores in measured["results"]["conditions"].items()
    }
    return "\n".join(_scores(rows))


def _scores(rows: dict[str, Any]) -> list[str]:
    body = []
    for name, scores in rows.items():
        mine = scores["gausswork"]
        cells = [f"**{mine['digits']:.1f}** ({_down(mine['trusted'])})"]
        for peer in PEERS:
            score = scores[peer]
            warned = "†" if score["said"] else ""
            cells.append(f"{score['digits']:.1f}{warned}")
        body.append([name, *cells])
    return _markdown(["data", "gausswork", *(HEADS.get(p, p) for p in PEERS)], body)


def _down(value: float) -> str:
    return f"{int(value * 10) / 10:.1f}"  # a promise is never rounded up


def speed_table() -> str | None:
    """Return times of whole fits on one thread, with how many times longer the peers take."""
    measured = read("speed")
    if measured is None:
        return None
    names = ("gausswork", "gausswork, 15 digits", "scikit-learn", "statsmodels pinv",
             "NumPy lstsq", "tutorial", "textbook inv(X'X)", "X'X by BLAS alone")  # fmt: skip
    fits = measured["results"]["fits"]
    names = tuple(name for name in names if all(name in of["float64 C"] for of in fits.values()))
    body = []
    for shape, layouts in fits.items():
        found = layouts["float64 C"]
        base = found["gausswork"]["time"]["cpu"]
        cells = []
        for name in names:
            time = found[name]["time"]["cpu"]
            ratio = "" if name == "gausswork" else f" ({time / base:.2g}×)"
            text = f"{_milliseconds(time)}{ratio}"
            cells.append(f"**{text}**" if name == "gausswork" else text)
        body.append([_shape(shape), *cells])
    heads = [HEADS.get(name, name) for name in names]
    cores = measured["environment"]["cores"]
    return "\n".join(
        [
            "Milliseconds of CPU for a whole fit on one thread, certificates included; in brackets "
            "how many times longer than gausswork.",
            "",
            *_markdown(["rows × columns", *heads], body),
            "",
            f"Medians of interleaved rounds, float64, C order; a machine with {cores} cores and "
            f"{measured['environment']['vector_instructions'].upper()}. "
            "The peers that need a column of ones in the table get it for nothing.",
            _versions(measured),
        ]
    )


def layout_table() -> str | None:
    """Return times of our fit and scikit-learn's by memory order, precision and threads."""
    measured = read("speed")
    if measured is None:
        return None
    names = ("gausswork", "gausswork, 15 digits", "scikit-learn", "textbook inv(X'X)",
             "X'X by BLAS alone", "reading X once")  # fmt: skip
    body = []
    for shape, layouts in measured["results"]["fits"].items():
        for layout, found in layouts.items():
            key = "wall" if "all cores" in layout else "cpu"
            cells = []
            for name in names:
                text = _milliseconds(found[name]["time"][key])
                if "digits" in found[name]:
                    text += f" / {found[name]['digits']:.1f}"
                cells.append(text)
            body.append([_shape(shape), layout, *cells])
    heads = [HEADS.get(name, name) for name in names]
    return "\n".join(
        [
            "Milliseconds (CPU on one thread; wall clock on all cores) / correct digits.",
            "",
            *_markdown(["rows × columns", "layout", *heads], body),
        ]
    )


def start_table() -> str | None:
    """Return what a small fit, a first fit, an import and a command cost."""
    measured = read("speed")
    if measured is None:
        return None
    results = measured["results"]
    body = [
        [f"fit of 100 rows, 3 predictors: {name}", f"{1e6 * seconds:.0f} µs"]
        for name, seconds in results["small"].items()
    ]
    body += [
        [f"first fit of a process over later ones, {_shape(shape)}", f"{found['ratio']:.2f}"]
        for shape, found in results["first"].items()
    ]
    for kind in ("import", "command"):
        body += [
            [f"{kind if kind == 'import' else 'shell:'} `{name}`", f"{seconds:.2f} s"]
            for name, seconds in results["start"][kind].items()
        ]
    return "\n".join(_markdown(["what", "time"], body))


def memory_table() -> str | None:
    """Return peak memory beyond the input."""
    measured = read("memory")
    if measured is None:
        return None
    names = list(next(iter(measured["results"]["arrays"].values()))["beyond"])
    body = []
    for what, found in measured["results"]["arrays"].items():
        cells = [_megabytes(found["beyond"].get(name)) for name in names]
        body.append([what.replace("x", " × ", 1), _megabytes(found["input"]), *cells])
    files = [
        [f"{kind}, {int(rows):,} rows".replace(",", " "), _megabytes(found["file"]),
         _megabytes(found["beyond"])]
        for kind, sizes in measured["results"]["files"].items()
        for rows, found in sizes.items()
    ]  # fmt: skip
    return "\n".join(
        [
            "Peak resident megabytes beyond the input.",
            "",
            *_markdown(["array", "input", *(HEADS.get(n, n) for n in names)], body),
            "",
            *_markdown(["file of 10 columns", "size", "gausswork"], files),
        ]
    )


def large_table() -> str | None:
    """Return times and peaks of whole fits of large files, and how memory grows with the rows."""
    measured = read("large")
    if measured is None:
        return None
    results = measured["results"]
    csv, parquet = (results["race"][kind] for kind in ("csv", "parquet"))
    body = [
        [
            name,
            *(cell for kind in (csv, parquet) for cell in _race_cells(kind["contestants"], name)),
        ]
        for name in csv["contestants"]
    ]
    heads = [
        "", f"CSV, {csv['file'] / 1e6:,.0f} MB", "times ours", "peak MB",
        f"Parquet, {parquet['file'] / 1e6:,.0f} MB", "times ours", "peak MB",
    ]  # fmt: skip
    growth = [
        [kind, *(cell for one in (small, large) for cell in
                 (f"{one['rows']:,}", f"{one['file'] / 1e6:,.0f}", _megabytes(one["peak"]))),
         f"{large['peak'] / small['peak']:.2f}"]
        for kind, (small, large) in results["growth"].items()
    ]  # fmt: skip
    limits = [
        f"{found['file'] / 1e6:,.0f} MB of {name} in a process that may take "
        f"{found['limit'] / 1e6:.0f} MB more than it has"
        for name, kind in (("CSV", "csv"), ("Parquet", "parquet"))
        for found in [results["limit"][kind]]
        if found["rows"]
    ]  # fmt: skip
    said = f"Fitted too: {' and '.join(limits)}." if limits else ""
    return "\n".join(
        [
            f"A whole fit of {results['rows']:,} rows of ten predictors, from the path to the "
            "coefficients, in seconds: the best of interleaved rounds, each a process of its own "
            "and warm, and in brackets their median (other programs were running).",
            "",
            *_markdown(heads, body),
            "",
            "Batches: the reader's record batches and X'X by NumPy, without standard errors or "
            f"certified digits. {measured['environment']['cores']} cores.",
            "",
            *_markdown(
                [
                    "peak memory",
                    "rows",
                    "file MB",
                    "peak MB",
                    "rows",
                    "file MB",
                    "peak MB",
                    "ratio",
                ],
                growth,
            ),
            "",
            said,
            _versions(measured),
        ]
    )


def _race_cells(contestants: dict[str, Any], name: str) -> list[str]:
    found = contestants.get(name)
    if found is None:
        return ["", "", ""]
    times = found["best_wall"] / contestants["gausswork"]["best_wall"]
    return [
        f"{found['best_wall']:.2f} ({found['wall']:.2f})",
        f"{times:.1f}",
        f"{found['peak'] / 1e6:,.0f}",
    ]


def calibration_table() -> str | None:
    """Return how often certificates claimed too much, and how modest they are."""
    measured = read("calibration")
    if measured is None:
        return None
    body = []
    for kernel in ("compiled", "numpy"):
        found = measured["results"].get(kernel)
        if found is None:
            continue
        for what in ("coefficient", "standard error"):
            for way, digest in found[what]["by way"].items():
                body.append(
                    [kernel, what, way, str(digest["numbers"]), str(digest["violations"]),
                     f"{digest['median_gap']:.1f}", f"{digest['largest_gap']:.1f}"]
                )  # fmt: skip
    for name, digest in measured["results"]["broken"].items():
        body.append(["broken on purpose", "coefficient", name, str(digest["numbers"]),
                     str(digest["violations"]), "", ""])  # fmt: skip
    heads = ["kernels", "of", "way", "numbers", "claimed too much", "median gap", "largest gap"]
    return "\n".join(_markdown(heads, body))


def descent_table() -> str | None:
    """Return what a thousand epochs of full-batch descent cost."""
    measured = read("descent")
    if measured is None:
        return None
    results = measured["results"]
    lines = [
        f"CPU time of {results['epochs']:,} epochs over all rows on one thread, and how far the "
        "iterates differ from those of gausswork.",
        "",
    ]
    for shape, found in results["shapes"].items():
        base = found["gausswork"]["cpu"]
        body = []
        for name, entry in found.items():
            time = entry["cpu"]
            ratio = "" if name == "gausswork" else _times(time / base)
            apart = f"{entry['difference']:.0e}" if name in found and entry["extrapolated"] else ""
            shown = f"{time:.1f} s" if time > 1.0 else f"{1e3 * time:.0f} ms"
            body.append([name, shown, ratio, apart])
        heads = [f"{results['epochs']:,} epochs on {_shape(shape)}", "time", "", "difference"]
        lines += _markdown(heads, body)
    versions = measured["environment"]["versions"]
    return "\n".join(
        [
            *lines,
            "",
            "gausswork: the whole fit, with the sums, the certified solution and the path of all "
            f"epochs. The loops are timed over {results['timed']} epochs and multiplied; nothing "
            "but the loop is counted.",
            f"Measured by `make bench` with PyTorch {results['torch']}, numpy {versions['numpy']}.",
        ]
    )


def stochastic_table() -> str | None:
    """Return what an epoch of mini-batch descent costs, and to which loss it leads."""
    measured = read("stochastic")
    if measured is None:
        return None
    lines = [
        "Milliseconds of CPU on one thread, and how far above the least possible the loss is after "
        "one epoch.",
        "",
    ]
    for shape, found in measured["results"]["epochs"].items():
        base = found["gausswork, the epoch"]["time"]["cpu"]
        body = []
        for name, entry in found.items():
            time = entry["time"]["cpu"]
            ratio = "" if "epoch" in name and "without" not in name else _times(time / base)
            body.append([name, _milliseconds(time), ratio, f"{100 * entry['excess']:.2f} %"])
        heads = [f"one epoch of {_shape(shape)}, batches of 256", "ms", "", "above the least"]
        lines += _markdown(heads, body)
    far = [
        [name, _r_squared(found["r_squared"]), " ".join(found.get("said", ())) or "nothing"]
        for name, found in measured["results"]["far"].items()
    ]
    versions = measured["environment"]["versions"]
    return "\n".join(
        [
            *lines,
            "",
            "*The epoch*: the order of the rows, the steps, the loss. *The fit*: reading, the "
            "exact answer with its certificates, and the epoch. scikit-learn steps after every "
            "row, at a rate that leaves about the same noise. PyTorch twice: through a "
            "`DataLoader`, and by indexing the tensors with a permutation.",
            "",
            *_markdown(["one column around 5000 ± 1000", "R²", "what was said"], far),
            "",
            f"Measured by `make bench` with scikit-learn {versions['scikit-learn']}, PyTorch "
            f"{measured['results']['torch']}, numpy {versions['numpy']}.",
        ]
    )


def _times(ratio: float) -> str:
    return f"{ratio:.0f}×" if ratio > 9.95 else f"{ratio:.1f}×"


def _r_squared(value: float | None) -> str:
    if value is None:
        return "refused"
    if value > -100.0:
        return f"{value:.5f}"
    return f"−10^{len(str(int(-value))) - 1}"


def normality_table() -> str | None:
    """Return the shares of bells that tests for normality reject at the 5 % level."""
    measured = read("normality")
    if measured is None:
        return None
    results = measured["results"]
    names = {
        "shapiro-wilk": "Shapiro–Wilk",
        "francia": "Shapiro–Francia",
        "anderson": "Anderson–Darling",
        "dagostino": "D'Agostino",
        "jarque-bera": "Jarque–Bera",
        "lilliefors": "Lilliefors",
    }
    body = [
        [f"{int(n):,}".replace(",", "\u202f"), f"{found['samples']:,}".replace(",", "\u202f")]
        + [_percent(found["rejected"].get(name, {}).get("0.05")) for name in names]
        for n, found in results["ours"].items()
    ]
    ours = _markdown(["values", "samples", *names.values()], body)
    peers = list(next(iter(results["peers"].values()))["rejected"])
    body = [
        [f"{int(n):,}".replace(",", "\u202f"), f"{found['samples']:,}".replace(",", "\u202f")]
        + [_percent(found["rejected"][name]["0.05"]) for name in peers]
        for n, found in results["peers"].items()
    ]
    theirs = _markdown(["values", "samples", *peers], body)
    speeds = results["speed"]
    contestants = list(dict.fromkeys(name for found in speeds.values() for name in found))
    body = [
        [f"{int(n):,}".replace(",", "\u202f")]
        + [_milliseconds(found[c]["best_wall"]) if c in found else "—" for c in contestants]
        for n, found in speeds.items()
    ]
    return "\n".join(
        [
            "How many of 100 true bells are rejected at the 5 % level; 5 would be right.",
            "",
            *ours,
            "",
            "The tests of other libraries, as they are called:",
            "",
            *theirs,
            "",
            "Milliseconds, best of the rounds:",
            "",
            *_markdown(["values", *contestants], body),
            "",
            _versions(measured),
        ]
    )


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.2f}"


def sampling_table() -> str | None:
    """Nanoseconds a value, and how many times longer the peers take."""
    measured = read("sampling")
    if measured is None:
        return None
    results = measured["results"]
    body = []
    for draw, found in results["draws"].items():
        ours = found["gausswork"]["cpu"]
        others = [
            f"{found[name]['cpu'] / results['size'] * 1e9:.2f} ({found[name]['cpu'] / ours:.1f}×)"
            for name in ("torch", "NumPy")
        ]
        body.append([draw, f"**{ours / results['size'] * 1e9:.2f}**", *others])
    same = "the same" if results["same_bits_on_two_threads"] else "NOT THE SAME"
    return "\n".join(
        [
            "Nanoseconds of CPU a value on one thread; in brackets as a multiple of gausswork's.",
            "",
            *_markdown(["draw", "gausswork", "torch", "NumPy `default_rng`"], body),
            "",
            f"Medians of interleaved rounds of {results['size']:,} values, filled in place "
            "(NumPy's whole numbers cannot be). "
            f"The bits of one thread and of two are {same}.",
            f"Measured by `make bench` with torch {results['torch'].partition('+')[0]}, "
            f"numpy {measured['environment']['versions']['numpy']}.",
        ]
    )


def normal_table() -> str | None:
    """Return time and error of the normal distribution, and what a single number costs."""
    measured = read("normal")
    if measured is None:
        return None
    results = measured["results"]
    rows = []
    for function, data in results["speed"].items():
        for spread, found in data.items():
            mine = found["gausswork"]["best"]
            rows += [
                [f"{function}, values with {spread}", name, f"{took['best']:.1f}",
                 f"{took['median']:.1f} ± {took['spread']:.1f}",
                 "" if name.startswith("gausswork") else f"{took['best'] / mine:.1f}×"]
                for name, took in found.items()
            ]  # fmt: skip
    by = ("gausswork", "scipy", "NormalDist")
    errors = [
        [f"{function}, {span}", *(_units(found[name]) for name in by)]
        for function, spans in results["accuracy"].items()
        for span, found in spans.items()
    ]  # fmt: skip
    single = [
        [name, f"{took['gausswork']:.0f}", f"{took['NormalDist']:.0f}",
         f"{took['gausswork'] / took['NormalDist']:.1f}"]
        for name, took in results["single"].items()
    ]  # fmt: skip
    return "\n".join(
        [
            "Milliseconds of CPU per 10⁶ values on one thread, interleaved; best and median of the "
            "rounds.",
            "",
            *_markdown(["function", "by", "best", "median", "longer"], rows),
            "",
            "Largest relative error against mpmath, in units of 2⁻⁵³.",
            "",
            *_markdown(["function and range", "gausswork", "SciPy", "NormalDist"], errors),
            "",
            "Nanoseconds a call for single numbers.",
            "",
            *_markdown(["call", "gausswork", "NormalDist", "ratio"], single),
            "",
            f"{measured['environment']['vector_instructions'].upper()}.",
            _versions(measured),
        ]
    )


def _units(error: float) -> str:
    return f"{error:.1f}" if error < 1e4 else f"{error:.0e}"


def initialization_table() -> str | None:
    """Return what training many networks at once takes, beside one after another."""
    measured = read("initialization")
    if measured is None:
        return None
    results = measured["results"]
    body = [
        [width, str(results["epochs"][width]), f"{found['times']['gausswork']['cpu']:.2f}",
         f"{found['loop']:.1f}", _times(found["loop"] / found["times"]["gausswork"]["cpu"])]
        for width, found in results["widths"].items()
    ]  # fmt: skip
    return "\n".join(
        [
            f"Seconds of CPU on one thread to train {results['networks']} networks of "
            f"{results['layers']} hidden layers, {results['steps']} steps an epoch with batches of "
            f"{results['batch']}, initial weights and curves included.",
            "",
            *_markdown(["width", "epochs", "gausswork", "torch, one by one", "longer"], body),
            "",
            "Medians of interleaved rounds. The loop trains five of the networks, and its time is "
            "multiplied by ten; both end with the same losses.",
            f"Measured by `make bench` with torch {results['torch'].partition('+')[0]}.",
        ]
    )


def groups_table() -> str | None:
    """Return what many regressions of the same rows take, beside loops of the peers."""
    measured = read("groups")
    if measured is None:
        return None
    results, lines = measured["results"], []
    about = results["about"]
    heads = {
        "groups": f"{about['groups']:,} groups",
        "targets": f"{about['targets']} targets",
        "subsets": f"all {2 ** about['predictors'] - 1} subsets of the columns",
    }
    for part, head in heads.items():
        found, rows = results[part], []
        mine = found["times"]["gausswork"]["best_wall"]
        for name, took in found["times"].items():
            silent = found["silent"][name]
            times = took["best_wall"] / mine
            ratio = "" if name == "gausswork" else f"{times:.{0 if times >= 10 else 1}f}×"
            digits = "" if name == "gausswork" else f"{found['digits'][name]:.1f}"
            rows.append(
                [name, f"{took['best_wall']:.3f} ({took['wall']:.3f})", ratio, digits,
                 str(silent) if silent else ""]
            )  # fmt: skip
        lines += [*_markdown([head, "seconds", "times ours", "digits", "no answer"], rows), ""]
    return "\n".join(
        [
            f"{about['rows']:,} rows of {about['predictors']} predictors in a pandas data frame: "
            "the best of interleaved rounds, and in brackets their median (other programs were "
            "running). Digits: in how many the worst number agrees with ours. No answer: fits that "
            "came back empty, of columns whose means are far from zero.",
            "",
            *lines,
            f"{measured['environment']['cores']} cores. {_versions(measured)}",
        ]
    )


def databases_table() -> str | None:
    """Return what a fit of a query takes beside other ways to get its coefficients."""
    measured = read("databases")
    if measured is None:
        return None
    results, parts = measured["results"], []
    for shape, found in results["tables"].items():
        mine = found["times"]["gausswork"]["wall"]
        for name, took in found["times"].items():
            digits = found["digits"].get(name)
            parts.append(
                [_shape(shape), name, f"{took['wall']:.2f} ± {took['wall_spread']:.2f}",
                 "" if name == "gausswork" else f"{took['wall'] / mine:.2g}×",
                 _megabytes(found["memory"][name]), "" if digits is None else f"{digits:.1f}"]
            )  # fmt: skip
    heads = ["rows × columns", "by", "seconds", "of gausswork's", "MB", "digits"]
    return "\n".join(
        [
            "Seconds of wall time for the coefficients of a linear regression on all columns of a "
            "table, client and server on the same machine; megabytes that the client needs beyond "
            "what it has loaded; correct digits of the worst coefficient.",
            "",
            *_markdown(heads, parts),
            "",
            f"{results['server']} with its own settings, {measured['environment']['cores']} cores. "
            "Medians of interleaved rounds with half their interquartile range.",
            _versions(measured),
        ]
    )


def clusters_table() -> str | None:
    """Return what two workers take for a fit beside other ways to have them make one."""
    measured = read("clusters")
    if measured is None:
        return None
    results = measured["results"]
    if any("work" not in one for one in results["contestants"].values()):
        return None  # measured before processors were
    held = {
        name.removesuffix(", arrays held"): one
        for name, one in results["contestants"].items()
        if name.endswith("held")
    }
    read_first = {n: one for n, one in results["contestants"].items() if not n.endswith("held")}
    left_out = [f"{name} is not among them: it was not installed." for name in results["missing"]]
    return "\n".join(
        [
            f"{results['rows']:,} rows of {results['columns']} predictors in {results['files']} "
            "Parquet files, two workers of one thread, from path to coefficients: seconds on the "
            "clock, the best of interleaved rounds; seconds that processors worked for it, "
            "scheduler and caller included; and correct digits of the worst coefficient.",
            "",
            *_race(read_first),
            "",
            *_without_making(read_first),
            "The same of arrays that the workers hold in memory before the clock starts:",
            "",
            *_race(held),
            "",
            *left_out,
            f"dask {results['dask']}, {measured['environment']['cores']} cores. "
            + _versions(measured),
        ]
    )


def _without_making(found: Mapping[str, Any]) -> list[str]:
    """Say what arrays take without making them, which is dask's and the same for all."""
    names = ("only making the dask arrays", "gausswork, dask arrays", "dask.array.linalg.lstsq")
    if not all(name in found for name in names):
        return []
    making, ours, theirs = (found[name] for name in names)
    parts = {key: [one[key] - making[key] for one in (ours, theirs)] for key in ("best", "work")}
    return [
        "`to_dask_array(lengths=True)`, by which all of them make the arrays, reads "
        "everything once to count the rows, before anybody fits. Without it gausswork takes "
        f"{parts['best'][0]:.2f} s for the arrays and `dask.array.linalg.lstsq` "
        f"{parts['best'][1]:.2f} s, {parts['best'][1] / parts['best'][0]:.1f} times as "
        f"much; of the processors {parts['work'][0]:.2f} s and {parts['work'][1]:.2f} s, "
        f"{parts['work'][1] / parts['work'][0]:.1f} times.",
        "",
    ]


def cluster_deaths_table() -> str | None:
    """Return what it costs that a worker is killed in the middle."""
    measured = read("cluster_deaths")
    if measured is None:
        return None
    results = measured["results"]
    body = [
        [f"{results['rows'] * one['copies']:,}", f"{one['undisturbed']:.2f}",
         f"{one['disturbed']:.2f}", f"{one['ratio']:.2f}",
         f"{one['ratios'][0]:.2f} to {one['ratios'][-1]:.2f}", f"{one['joining']:.1f}"]
        for one in results["fits"]
    ]  # fmt: skip
    heads = ["rows", "undisturbed", "one killed", "ratio", "of all pairs", "until two again"]
    return "\n".join(
        [
            "Two workers read Parquet files, and half-way through one of them is killed: "
            f"seconds, medians of {len(results['fits'][0]['ratios'])} pairs in turns. The last "
            "column is how long after the death, at most, the cluster was seen to have two workers "
            "again.",
            "",
            *_markdown(heads, body),
        ]
    )


def arrays_table() -> str | None:
    """Return what fits of tensors take and get right, on the host and on a graphics card."""
    measured = read("arrays")
    if measured is None:
        return None
    results = measured["results"]
    lines = [
        "Milliseconds of wall time for a whole fit of PyTorch tensors, in brackets how many times "
        "longer than gausswork, then correct digits of the worst coefficient.",
        "",
    ]
    for place in ("cpu", "cuda"):
        if results[place] is None:
            continue
        names = list(next(iter(results[place].values())))
        body = []
        for what, found in results[place].items():
            shape, dtype = what.split()
            mine = found["gausswork"]["time"]["wall"]
            cells = []
            for name in names:
                took = found[name]["time"]["wall"]
                ratio = "" if name == "gausswork" else f" ({took / mine:.2g}×)"
                cells.append(f"{_milliseconds(took)}{ratio}, {found[name]['digits']:.1f}")
            body.append([f"{_shape(shape)}, {dtype}, {place}", *cells])
        lines += [*_markdown(["rows × columns", *names], body), ""]
    where = results["device"] or "No CUDA device was at hand: that leg is left out"
    return "\n".join(
        [
            *lines,
            f"Medians of interleaved rounds, one thread; torch {results['torch']}, which gets its "
            "column of ones for nothing, and whose lstsq drops in float32 what is below 1.2·10⁻⁷ "
            f"times the number of rows. By torch: the way of a graphics card. {where}.",
            _versions(measured),
        ]
    )


def _race(found: Mapping[str, Any]) -> list[str]:
    """Return contestants as a table; ours is the first."""
    mine = next(iter(found.values()))
    body = [
        [name, f"{one['best']:.2f}", f"{one['best'] / mine['best']:.1f}", f"{one['work']:.2f}",
         f"{one['work'] / mine['work']:.1f}",
         "" if one["digits"] is None else f"{one['digits']:.1f}"]
        for name, one in found.items()
    ]  # fmt: skip
    heads = ["", "clock", "times ours", "processors", "times ours", "digits"]
    return _markdown(heads, body)


def lab_table() -> str | None:
    """Return how the lab follows the hand, opens and lasts, each beside what was promised."""
    measured = read("lab")
    if measured is None:
        return None
    results = measured["results"]
    best = max(results["dragging"], key=lambda drag: drag["updates_per_second"])
    paint, opening, crowd = best["event_to_paint_ms"], results["opening"], results["crowd"]
    held, assets = results["holding"], results["assets"]
    grown = (held["memory_after_reconnects"] - held["memory_before"]) / 1e6
    middle = len(opening["first_paint_s"]) // 2
    many = f"{held['messages']:,} messages and {held['reconnects']} reconnects"
    answers = f"{crowd['answers']:,} answers, {len(crowd['failed'])} clients without"
    rows = {
        f"updates a second, dragging one of {best['points']} points": (
            "≥ 30",
            f"{best['updates_per_second']:.0f}",
        ),
        "from the event of the hand to the end of its frame": (
            "95 % < 80 ms",
            f"median {paint['median']:.0f} ms, 95 % < {paint['p95']:.0f} ms",
        ),
        "from the command to the first paint": (
            "< 1.5 s",
            f"{opening['first_paint_s'][middle]:.2f} s",
        ),
        "from the command to the first room, drawn": (
            "",
            f"{opening['room_drawn_s'][middle]:.2f} s",
        ),
        f"the {assets['files']} files of the page, compressed": (
            "< 200 kB",
            f"{assets['gzip'] / 1e3:.0f} kB",
        ),
        f"memory of the server after {many}": (
            "flat",
            f"{grown:+.1f} MB of {held['memory_before'] / 1e6:.0f} MB",
        ),
        f"{crowd['clients']} clients at once": (
            "all answered",
            f"{answers}; median {crowd['median_ms']:.0f} ms",
        ),
    }
    body = [(what, *told) for what, told in rows.items()]
    load = results["load"]
    busy = (
        f"Load of the machine at the beginning and at the end: {load['before']:.1f} and "
        f"{load['after']:.1f} processes that wanted one of its {load['cores']} cores, the lab and "
        "its browser among them at the end. Timings on a busy machine are longer than they need be."
    )
    return "\n".join([*_markdown(("", "promised", "measured"), body), "", busy])


TABLES: dict[str, Callable[[], str | None]] = {
    "accuracy": accuracy_table,
    "condition": condition_table,
    "speed": speed_table,
    "layout": layout_table,
    "start": start_table,
    "memory": memory_table,
    "calibration": calibration_table,
    "normality": normality_table,
    "descent": descent_table,
    "stochastic": stochastic_table,
    "normal": normal_table,
    "sampling": sampling_table,
    "initialization": initialization_table,
    "groups": groups_table,
    "databases": databases_table,
    "large": large_table,
    "lab": lab_table,
    "clusters": clusters_table,
    "cluster-deaths": cluster_deaths_table,
    "arrays": arrays_table,
}


def _markdown(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *body]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _shape(shape: str) -> str:
    rows, columns = map(int, shape.split("x"))
    return f"{rows:,} × {columns}".replace(",", "\u202f")


def _milliseconds(seconds: float) -> str:
    value = 1e3 * seconds
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f}" if size < 1e7 else f"{size / 1e6:.0f}"


def _versions(measured: dict[str, Any]) -> str:
    versions = measured["environment"]["versions"]
    named = ", ".join(f"{n} {versions[n]}" for n in ("scikit-learn", "statsmodels", "numpy"))
    return f"Measured by `make bench` with {named}."


def main() -> None:
    """Fill every marked place of every page."""
    for page in PAGES:
        path = ROOT / page
        if not path.exists():
            continue
        before = text = path.read_text(encoding="utf-8")
        for name, table in TABLES.items():
            marks = re.compile(rf"(<!-- {name}-table -->\n).*?(<!-- /{name}-table -->)", re.DOTALL)
            if marks.search(text) and (body := table()) is not None:
                text = marks.sub(lambda m, body=body: f"{m[1]}{body}\n{m[2]}", text)  # type: ignore[misc]
        if text != before:
            path.write_text(text, encoding="utf-8")
            say(f"wrote the tables of {page}")


if __name__ == "__main__":
    main()
