"""The Python of the room of gradient descent: its screen, with the public interface alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gausswork.lab.rooms.descent import OUTLOOK, State

if TYPE_CHECKING:
    from gausswork.lab.pairs import Opened


def script(s: State, opened: Opened) -> str:
    """Return the script of a checked state over points that can be walked on."""
    given = f"standardize={s.start_standardized}"
    lines = [
        "from dataclasses import replace", "", "import gausswork as gw", "", *opened.lines, "",
        f"line = {opened.call()}",
        f"start = gw.loss_surface(line, {given}).parameters({list(s.start)!r})",
        "method = gw.GradientDescent(",
        f"    learning_rate={s.learning_rate!r}, epochs={s.epochs}, start=start,",
        f"    momentum={s.momentum!r}, standardize={s.standardize}, beyond_limit='run',",
        ")",
        f"descent = {opened.call('method')}.descent",
        "outlook = descent.outlook",
        "print(outlook.verdict)",
        "print(descent.reason)",
        "",
        f"surface = gw.loss_surface(line, standardize={s.standardize})",
        "path = surface.place(descent.path)  # where it went on the surface",
        f"epochs, epoch = descent.epochs, min({s.epoch}, descent.epochs)",
        "intercept, slope = descent.path[epoch].tolist()",
        "loss, least_loss = float(descent.loss[epoch]), surface.least",
        "exact_intercept, exact_slope = descent.exact.tolist()",
    ]  # fmt: skip
    lines += [f"{name} = outlook.{name}" for name in OUTLOOK]
    lines += ["epochs_per_digit = outlook.epochs_per_digit()", ""]
    lines += [
        "# the same at other rates",
        f"other_rates = {list(s.others)!r}",
        "other_losses = []",
        "for rate in other_rates:",
        "    again = replace(method, learning_rate=rate)",
        f"    other = {opened.call('again')}.descent",
        f"    other_losses.append(float(other.loss[min({s.epoch}, other.epochs)]))",
        "    print(other.outlook.verdict)",
    ]
    return "\n".join(lines) + "\n"
