"""A descent in motion, written as a GIF, as a web page that needs nothing else, or as MP4."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork import files
from gausswork.errors import InputError, require
from gausswork.plots.descent import (
    View,
    descent_of,
    draw_contours,
    draw_ends,
    draw_way,
    least_loss,
    target_of,
    view_of,
)
from gausswork.plots.style import COLOURS, INK, finish, shown_name

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.fit import Fit

_FORMATS = (".gif", ".html", ".mp4")
_DPI = 100
_HOLD = 1.5  # seconds that the last picture stays
_MOST_FRAMES = 600


def check_animation(path: str | os.PathLike[str]) -> None:
    """Refuse a place where no animation can be written, before any work is done."""
    files.check_path(path)
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise InputError(
            f"an animation is written as {', '.join(_FORMATS)} by the ending of its name; got "
            f"{os.fspath(path)!r}. Call it {Path(path).stem or 'descent'}.gif, for example."
        )
    if suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise InputError(
            "an .mp4 is written by the program ffmpeg, which is not there. Install ffmpeg, or "
            "write a .gif or an .html page, which need nothing."
        )
    files.check_writable(path)


def animate(
    descent: Descent | Fit,
    path: str | os.PathLike[str],
    x: str | None = None,
    y: str | None = None,
    *,
    frames: int = 80,
    seconds: float = 8.0,
) -> None:
    """Write a descent in motion: the path over the contours, and the loss beside it.

    The first epochs are shown one by one, later ones in growing strides.

    Parameters
    ----------
    descent : a descent, or a fit made by one.
    path : a ``.gif``, an ``.html`` page with the pictures inside, or an ``.mp4`` (needs ffmpeg).
    x, y : names of the two parameters; by default the two that move the predictions most.
    frames : pictures, from 2 to 600.
    seconds : how long it runs.

    Raises
    ------
    InputError
        The file cannot be written, or there is no path to show.
    """
    descent = descent_of(descent)
    check_animation(path)
    if isinstance(frames, bool) or not isinstance(frames, int) or not 2 <= frames <= _MOST_FRAMES:
        raise InputError(f"frames must be a whole number from 2 to {_MOST_FRAMES}; got {frames!r}.")
    if not 0.1 <= seconds <= 600.0:
        raise InputError(f"seconds must lie between 0.1 and 600; got {seconds!r}.")
    view = view_of(descent, x, y)
    shown = _epochs_shown(len(view.epochs), frames)
    pictures = _Pictures(descent, view)
    rate = len(shown) / seconds
    suffix = Path(path).suffix.lower()
    with files.atomic(path) as temporary:
        if suffix == ".mp4":
            pictures.write_mp4(shown, temporary, rate)
        elif suffix == ".gif":
            pictures.write_gif(shown, temporary, rate)
        else:
            pictures.write_html(shown, temporary, rate)


def _epochs_shown(count: int, frames: int) -> npt.NDArray[np.int64]:
    """Return which of so many recorded epochs to show: all, or strides that grow."""
    if count <= frames:
        return np.arange(count)
    later = np.geomspace(1.0, count - 1.0, frames - 1)
    dense = np.maximum(later.round(), np.arange(1, frames))  # one by one while strides are short
    return np.concatenate(([0], np.minimum(dense, count - 1))).astype(np.int64)


class _Pictures:
    """One figure whose lines grow from epoch to epoch."""

    def __init__(self, descent: Descent, view: View) -> None:
        figure = require("matplotlib.figure", purpose="Animations", extra="plots").Figure(
            figsize=(9.6, 4.6), dpi=_DPI, layout="constrained"
        )
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        draw_contours(left, view)
        draw_ends(left, view)
        left.lines[-2].set_visible(False)  # the end is not known yet
        self.way = draw_way(left, view, [], [])
        (self.here,) = left.plot(
            [], [], marker="o", markersize=9, color=COLOURS[1], markeredgecolor="white", zorder=6
        )
        excess = descent.loss[: len(view.epochs)] - least_loss(descent)
        excess = np.where(excess > 1e-30 * abs(excess[0]), excess, np.nan)
        right.plot(view.epochs, excess, color="#cccccc", linewidth=1.2)
        (self.loss,) = right.plot([], [], color=COLOURS[0], linewidth=2.2)
        (self.now,) = right.plot(
            [], [], marker="o", markersize=7, color=COLOURS[0], markeredgecolor="white"
        )
        if np.isfinite(excess).any():
            right.set_yscale("log")
        if view.epochs[-1] > 50:
            right.set_xscale("symlog", linthresh=1)
        right.set_xlim(left=0)
        right.set_xlabel("epoch")
        target = shown_name(target_of(descent), 20)
        right.set_ylabel(f"mean squared error above the least ({target}²)")
        finish(right)
        self.title = left.set_title(" ", loc="left", fontsize=11, color=INK)
        self.view, self.excess = view, excess
        self.rule = f"{descent.rule}, learning rate {descent.learning_rate:.4g}"
        # What moves is drawn over a picture of what does not: a hundredth of the work.
        self.moving = [(left, self.way), (left, self.here), (left, self.title),
                       (right, self.loss), (right, self.now)]  # fmt: skip
        for _, artist in self.moving:
            artist.set_animated(True)
        canvas = require("matplotlib.backends.backend_agg", purpose="Animations", extra="plots")
        self.canvas = canvas.FigureCanvasAgg(figure)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(figure.bbox)

    def picture(self, at: int) -> Any:
        """Return the picture with the path up to the recorded epoch ``at``."""
        way, epochs = self.view.way, self.view.epochs
        self.way.set_data(way[: at + 1, 0], way[: at + 1, 1])
        self.here.set_data([way[at, 0]], [way[at, 1]])
        self.loss.set_data(epochs[: at + 1], self.excess[: at + 1])
        self.now.set_data([epochs[at]], [self.excess[at]])
        self.title.set_text(f"{self.rule}: epoch {int(epochs[at]):,}")
        self.canvas.restore_region(self.still)
        for axes, artist in self.moving:
            axes.draw_artist(artist)
        image = require("PIL.Image", purpose="Animations", extra="plots")
        return image.fromarray(np.asarray(self.canvas.buffer_rgba())[:, :, :3].copy())

    def write_gif(self, shown: npt.NDArray[np.int64], path: Path, rate: float) -> None:
        """Write a GIF, in the colours of its last picture."""
        pictures = [self.picture(int(at)) for at in shown]
        palette = _palette(pictures[-1])
        reduced = [picture.quantize(palette=palette, dither=0) for picture in pictures]
        each = max(20, round(1000.0 / rate))
        pauses = [each] * (len(reduced) - 1) + [each + int(1000.0 * _HOLD)]
        reduced[0].save(
            path, format="GIF", save_all=True, append_images=reduced[1:], duration=pauses, loop=0,
            optimize=False,
        )  # fmt: skip

    def write_html(self, shown: npt.NDArray[np.int64], path: Path, rate: float) -> None:
        """Write a page with the pictures inside, a slider and a button."""
        pictures: list[str] = []
        palette: Any = None
        for at in shown:
            with io.BytesIO() as stream:
                picture = self.picture(int(at))
                palette = _palette(picture) if palette is None else palette
                picture.quantize(palette=palette, dither=0).save(stream, format="PNG")
                pictures.append(base64.b64encode(stream.getvalue()).decode("ascii"))
        labels = [f"epoch {int(self.view.epochs[at]):,}" for at in shown]
        page = _PAGE.replace("PICTURES", json.dumps(pictures)).replace("LABELS", json.dumps(labels))
        page = page.replace("PAUSE", str(max(20, round(1000.0 / rate))))
        path.write_text(page, encoding="utf-8")

    def write_mp4(self, shown: npt.NDArray[np.int64], path: Path, rate: float) -> None:
        """Write an MP4 by ffmpeg."""
        hold = [int(shown[-1])] * max(1, round(_HOLD * rate))
        pictures = [np.asarray(self.picture(at)) for at in [*shown.tolist(), *hold]]
        height, width = (n // 2 * 2 for n in pictures[0].shape[:2])  # yuv420p wants even sizes
        command = [
            "ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{width}x{height}", "-r", f"{rate:.6f}", "-i", "-",
            "-pix_fmt", "yuv420p", "-f", "mp4", str(path),
        ]  # fmt: skip
        stream = b"".join(np.ascontiguousarray(p[:height, :width]).tobytes() for p in pictures)
        done = subprocess.run(command, input=stream, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise InputError(f"ffmpeg could not write the animation: {said}. Write a .gif instead.")


def _palette(picture: Any) -> Any:
    """Return 256 colours of a picture, those of the small signs among them."""
    image = picture.copy()
    draw = require("PIL.ImageDraw", purpose="Animations", extra="plots").Draw(image)
    for i, colour in enumerate(("white", INK, *COLOURS[:3])):
        draw.rectangle((0, 40 * i, 200, 40 * i + 40), fill=colour)
    return image.quantize(256)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gradient descent</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; margin: 1.5rem auto; max-width: 62rem;
  padding: 0 1rem; }
img { max-width: 100%; height: auto; display: block; }
div { display: flex; gap: 1rem; align-items: center; }
input { flex: 1; min-height: 2rem; }
button { font: inherit; padding: .4rem 1rem; min-width: 6rem; }
output { min-width: 9rem; font-variant-numeric: tabular-nums; }
</style></head><body>
<img id="picture" alt="The path of a gradient descent over the contours of the loss">
<div><button id="play" type="button">Pause</button>
<input id="slider" type="range" min="0" value="0" step="1" aria-label="picture">
<output id="label" for="slider"></output></div>
<script>
"use strict";
const pictures = PICTURES, labels = LABELS;
const picture = document.getElementById("picture"), slider = document.getElementById("slider");
const label = document.getElementById("label"), play = document.getElementById("play");
let timer = null;
slider.max = pictures.length - 1;
function show(i) {
  picture.src = "data:image/png;base64," + pictures[i];
  slider.value = i; slider.setAttribute("aria-valuetext", labels[i]); label.textContent = labels[i];
}
function step() {
  const next = Number(slider.value) + 1;
  if (next >= pictures.length) { stop(); return; }
  show(next);
}
function start() {
  if (Number(slider.value) >= pictures.length - 1) show(0);
  timer = setInterval(step, PAUSE); play.textContent = "Pause";
}
function stop() { clearInterval(timer); timer = null; play.textContent = "Play"; }
play.addEventListener("click", () => timer === null ? start() : stop());
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
show(0);
if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) stop(); else start();
</script></body></html>
"""
