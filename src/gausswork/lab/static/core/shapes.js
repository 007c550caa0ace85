// Shapes that several rooms draw in a Frame: bars, smooth curves, Q-Q plots.
import { html } from "../vendor/preact.js";
import { Frame, line, nice } from "./plot.js";

/** The highest of some heights; 0 without any. */
export const barsTop = (heights) => heights.reduce((top, height) => Math.max(top, height), 0);

/** Bars between edges, as one path; `gap` pixels apart. */
export function Bars({ frame, edges, heights, tone = "blue", class: extra = "", gap = 1 }) {
  const base = frame.y(0);
  let path = "";
  for (let k = 0; k < heights.length; k += 1) {
    if (!heights[k]) continue;
    const [left, right] = [frame.x(edges[k]), frame.x(edges[k + 1])];
    const inset = Math.min(gap / 2, Math.max(0, (right - left) / 4));
    path += `M${(left + inset).toFixed(2)} ${base.toFixed(2)}V${frame.y(heights[k]).toFixed(2)}H${(right - inset).toFixed(2)}V${base.toFixed(2)}Z`;
  }
  return html`<path class=${`bars bars-${tone} ${extra}`} d=${path} />`;
}

const REACH = 30; // pixels from the pointer within which a point is meant
const FEW = 60; // points that are outlined: more would hide one another behind their rims

/**
 * Points as one path, which draws quickly however many they are, and a plane in front that tells
 * `onNear(k)` of the one nearest to the pointer; null without any near it. Number `lit` stands out.
 */
export function Points({ frame, x, y, r = 5, lit = null, onNear }) {
  const there = (k) => Number.isFinite(x[k]) && Number.isFinite(y[k]);
  const near = (event) => {
    const at = frame.point(event);
    const [u, v] = [frame.x(at.x), frame.y(at.y)];
    let best = null;
    let least = REACH ** 2;
    for (let k = 0; k < x.length; k += 1) {
      if (!there(k)) continue;
      const d = (frame.x(x[k]) - u) ** 2 + (frame.y(y[k]) - v) ** 2;
      if (d < least) { best = k; least = d; }
    }
    onNear(best);
  };
  let path = "";
  for (let k = 0; k < x.length; k += 1) {
    if (there(k)) path += disc(frame.x(x[k]), frame.y(y[k]), r);
  }
  return html`<g class="points-seen"><path class=${`points ${x.length > FEW ? "many" : ""}`} d=${path} />
    ${lit !== null && there(lit) && html`<circle class="aglow" cx=${frame.x(x[lit]).toFixed(1)} cy=${frame.y(y[lit]).toFixed(1)} r=${r + 3} />`}
    <rect class="plane live" x=${frame.left} y=${frame.top} width=${frame.right - frame.left} height=${frame.bottom - frame.top}
      onPointerMove=${near} onPointerDown=${near} onPointerLeave=${() => onNear(null)} /></g>`;
}

/** A disc as part of a path. */
export const disc = (u, v, r) => `M${(u - r).toFixed(1)} ${v.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;

/** A smooth path through points (Catmull and Rom's cubic), for theory known at the middles of bins. */
export function smooth(frame, xs, ys) {
  const at = (k) => {
    const i = Math.min(xs.length - 1, Math.max(0, k));
    return [frame.x(xs[i]), frame.y(ys[i])];
  };
  let path = "";
  for (let k = 0; k < xs.length; k += 1) {
    const [before, from, to, after] = [at(k - 2), at(k - 1), at(k), at(k + 1)];
    if (k === 0) { path = `M${to.map((v) => v.toFixed(2)).join(" ")}`; continue; }
    const one = from.map((v, i) => v + (to[i] - before[i]) / 6);
    const two = to.map((v, i) => v - (after[i] - from[i]) / 6);
    path += `C${[...one, ...two, ...to].map((v) => v.toFixed(2)).join(" ")}`;
  }
  return path;
}

/** Ordered values over where a bell has them, with the band that bells stay in. */
export function QuantilePlot({ qq, label, xLabel, yLabel, bellName, name = "qq" }) {
  const low = Math.min(qq.value[0], qq.bell[0]);
  const high = Math.max(qq.value[qq.value.length - 1], qq.bell[qq.bell.length - 1]);
  const edge = qq.z[qq.z.length - 1];
  const size = qq.value.length > 400 ? 2 : qq.value.length > 80 ? 2.6 : 4;
  return html`<div><${Frame} name=${name} label=${label} x=${[-edge * 1.06, edge * 1.06]} y=${nice([low, high], 0.04)}
      xLabel=${xLabel} yLabel=${yLabel} ratio=${0.62} minHeight=${220} maxHeight=${340}>
      ${(frame) => {
        const outside = (k) => qq.value[k] < qq.lower[k] || qq.value[k] > qq.upper[k];
        const dots = { in: "", out: "" };
        qq.value.forEach((value, k) => {
          const [u, v] = [frame.x(qq.z[k]), frame.y(value)];
          if (outside(k)) dots.out += `M${u.toFixed(1)} ${v.toFixed(1)}m-3.5 -3.5l7 7m0 -7l-7 7`;
          else dots.in += disc(u, v, size);
        });
        const back = [...qq.z].reverse();
        return html`
          <path class="qq-band" d=${`${line(frame.x, frame.y, qq.z, qq.lower)}${line(frame.x, frame.y, back, [...qq.upper].reverse()).replace("M", "L")}Z`} />
          <path class="mark-line s-red" d=${line(frame.x, frame.y, qq.z, qq.bell)} />
          <path class="dots f-blue" d=${dots.in} /><path class="crosses s-ink" d=${dots.out} />`;
      }}
    </${Frame}>
    <p class="legend"><span><i class="key-line"></i>${bellName}</span>
      <span><i class="key-band"></i>95 of 100 bells stay in here</span>
      ${qq.outside > 0 && html`<span><i aria-hidden="true">✕</i>outside</span>`}</p></div>`;
}
