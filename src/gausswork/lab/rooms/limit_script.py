"""The Python of the room of the central limit: its screen, with the public interface alone."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from gausswork.lab.rooms.limit import FEW, LAWLESS, State, drawn_from, reason

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables


def script(s: State, tables: Tables) -> str:
    """Return the script of a checked state.

    Raises
    ------
    InputError
        The population cannot be drawn from.
    """
    lines = _lines_without_a_bell(s) if s.lawless else _lines_with_a_bell(s, tables)
    return "\n".join(lines) + "\n"


def _lines_with_a_bell(s: State, tables: Tables) -> list[str]:
    drawn_from(s, tables)  # what cannot be drawn from is refused here, not by the script
    imports, source = ["import gausswork as gw"], repr(s.law)
    before: list[str] = []
    if s.population == "drawn":
        imports.insert(0, "import numpy as np")
        source = "bag"
        before = [
            "# so many tickets with the numbers 0, 1, 2, …",
            f"tickets = {list(s.heights)}",
            "bag = np.repeat(np.arange(len(tickets)), tickets)",
        ]
    elif s.population == "column":
        source = "values"
        head, _, *before = s.own.lines(tables, "values")
        imports.append(head)
    lines = [*imports, "", *before, f"n, repeats = {s.n}, {max(s.means, 1)}"]
    lines += [
        f"found = gw.central_limit({source}, n, repeats=repeats, seed={s.seed})",
        "population_mean, population_sd = found.population.mean, found.population.sd",
        "predicted_mean, predicted_sd = found.mean, found.sd  # sd / √n",
    ]
    if s.means >= FEW:
        lines += [
            "",
            "seen = gw.Normal.from_samples(found.means)",
            "mean_of_means, sd_of_means = seen.mean, seen.sd",
            "distance, noise = found.distance, found.noise",
            "print(found.verdict)",
        ]
    picture = '# gw.plots.central_limit(found, path="means.png")'
    return [*lines, "", "# The picture, as a file:", picture]


def _lines_without_a_bell(s: State) -> list[str]:
    lines = ["import numpy as np", "from scipy.stats import iqr", ""]
    lines += [f"# {part}" for part in textwrap.wrap(reason(s), 96)]
    draw = LAWLESS[s.population][1].format(tail=s.parameter, shape="(repeats, n)")
    lines += [
        "",
        f"n, repeats = {s.n}, {max(s.means, 1)}",
        f"rng = np.random.default_rng({s.seed})",
        f"draws = {draw}",
    ]
    if s.means >= FEW:
        lines += [
            "# how wide the middle half lies: of the draws, of their means, of their medians",
            "half_of_draws = iqr(draws)",
            "half_of_means = iqr(draws.mean(axis=1))",
            "half_of_medians = iqr(np.median(draws, axis=1))",
            "print(half_of_draws, half_of_means, half_of_medians)",
        ]
    return lines
