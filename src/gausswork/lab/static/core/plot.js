// Pictures: a frame with scales and axes that hold still during a drag, and handles to move in it.
import { createContext, html, useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { fixed, format } from "./numbers.js";

/** A scale from data to pixels. */
export function scale(domain, range, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const [a, b] = domain.map(f);
  const [p, q] = range;
  const span = b - a || 1;
  const to = (v) => p + ((f(v) - a) / span) * (q - p);
  to.invert = (pixel) => {
    const v = a + ((pixel - p) / (q - p)) * span;
    return log ? 10 ** v : v;
  };
  to.domain = domain;
  to.range = range;
  to.log = log;
  to.ticks = (count = 6) => (log ? logTicks(domain, count) : ticks(domain, count));
  return to;
}

/** Round numbers that divide a range: [{value, label}]. */
export function ticks([low, high], count = 6) {
  if (!(high > low)) return [];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.85);
  const decimals = Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9)));
  const large = Math.max(Math.abs(low), Math.abs(high)) >= 1e7 || step < 1e-6;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) {
    const value = k * step;
    found.push({ value, label: large ? format(value, 3) : fixed(value, decimals) });
  }
  return found;
}

function logTicks([low, high], count) {
  const decades = Math.log10(high) - Math.log10(low);
  const every = Math.max(1, Math.ceil(decades / count));
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    if (((power % every) + every) % every !== 0) continue;
    for (const m of decades < 2.5 ? [1, 2, 5] : [1]) {
      const value = m * 10 ** power;
      if (value >= low * 0.9999 && value <= high * 1.0001) found.push({ value, label: format(value, 3).replace(/^1×/, "") }); // 10⁻⁶
    }
  }
  return found;
}

/** A range that begins and ends at round numbers, with some room around the data. */
export function nice([low, high], room = 0.06) {
  if (!(high > low)) { low -= 1; high += 1; }
  const more = (high - low) * room;
  const step = 10 ** Math.floor(Math.log10((high - low) / 4));
  return [Math.floor((low - more) / step) * step, Math.ceil((high + more) / step) * step];
}

/** An SVG path through points given as two arrays; gaps where a number is missing or far off. */
export function line(x, y, xs, ys) {
  let path = "";
  let pen = false;
  for (let k = 0; k < xs.length; k += 1) {
    const [u, v] = [x(xs[k]), y(ys[k])];
    // what lies far outside would make browsers draw wrong: the line leaves the frame and ends
    if (xs[k] === null || ys[k] === null || !Number.isFinite(u) || !Number.isFinite(v) || Math.abs(v) > 1e5 || Math.abs(u) > 1e5) {
      pen = false;
      continue;
    }
    path += `${pen ? "L" : "M"}${u.toFixed(2)} ${v.toFixed(2)}`;
    pen = true;
  }
  return path;
}

/** The same, closed down to a base line: for shaded areas. */
export function area(x, y, xs, ys, base = 0) {
  if (!xs.length) return "";
  const low = y(base).toFixed(2);
  return `${line(x, y, xs, ys)}L${x(xs[xs.length - 1]).toFixed(2)} ${low}L${x(xs[0]).toFixed(2)} ${low}Z`;
}

const Held = createContext(null);

/**
 * A picture with axes. `x` and `y` are [low, high]; `children(frame)` draws what is clipped to the
 * plotting area, `over(frame)` what is not, such as handles. The frame has the scales `x` and `y`,
 * `left`, `right`, `top`, `bottom` in pixels, and `width`, `height` of the whole.
 * `onPress(point)`, `onDrag(point)` and `onRelease(point)` tell of the empty plane, in data units.
 * While `moving`, because something is dragged in another picture, the axes hold still too: they
 * only widen where something would leave.
 */
export function Frame({
  x, y, xLabel = "", yLabel = "", xLog = false, yLog = false, label, ratio = 0.62, minHeight = 220,
  maxHeight = 560, children, over = null, onPress = null, onDrag = null, onRelease = null,
  xTicks = true, yTicks = true, grid = true, square = false, class: extra = "", name = undefined,
  moving = false,
}) {
  const box = useRef(null);
  const id = useId();
  const [width, setWidth] = useState(0);
  const held = useRef(null); // the ranges at the start of a drag
  const [, redraw] = useState(0);
  const pressed = useRef(false);

  useLayoutEffect(() => {
    const measure = () => setWidth(Math.floor(box.current.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const ranges = useRef(null);
  if (moving && ranges.current) [x, y] = [widened(ranges.current.x, x), widened(ranges.current.y, y)];
  ranges.current = { x, y };
  const hold = useCallback((on) => {
    held.current = on ? held.current ?? ranges.current : null;
    if (!on) redraw((n) => n + 1);
  }, []);
  const { x: xRange, y: yRange } = held.current ?? { x, y };
  const compact = width < 460;
  const left = (yLabel ? 22 : 6) + (yTicks ? (compact ? 38 : 46) : 0);
  const bottomRoom = (xLabel ? 22 : 4) + (xTicks ? 24 : 4);
  const inner = Math.max(20, width - left - 14);
  const height = square
    ? Math.min(maxHeight, inner) + 12 + bottomRoom
    : Math.max(minHeight, Math.min(maxHeight, Math.round(width * ratio)));
  // The same object as long as nothing about it changes: what stands in it is then left alone.
  const frame = useMemo(() => {
    const made = { width, height, left, top: 12, right: left + inner, bottom: height - bottomRoom, hold, held };
    if (square) {
      const side = Math.min(inner, made.bottom - made.top);
      made.left = left + Math.floor((inner - side) / 2);
      made.right = made.left + side;
    }
    made.x = scale(xRange, [made.left, made.right], xLog);
    made.y = scale(yRange, [made.bottom, made.top], yLog);
    made.svg = box;
    made.point = (event) => {
      const rect = box.current.querySelector("svg").getBoundingClientRect();
      return { x: made.x.invert(event.clientX - rect.left), y: made.y.invert(event.clientY - rect.top) };
    };
    return made;
  }, [width, height, left, inner, bottomRoom, xRange[0], xRange[1], yRange[0], yRange[1], xLog, yLog, square]);
  const latest = useRef(frame);
  latest.current = frame;

  const down = (event) => {
    if (event.button !== 0 || !(onPress || onDrag)) return;
    pressed.current = true;
    if (onDrag) {
      event.currentTarget.setPointerCapture(event.pointerId);
      hold(true);
    }
    onPress?.(latest.current.point(event), event);
  };
  const move = (event) => { if (pressed.current && onDrag) onDrag(latest.current.point(event), event); };
  const up = (event) => {
    if (!pressed.current) return;
    pressed.current = false;
    if (onDrag) hold(false);
    onRelease?.(latest.current.point(event), event);
  };

  const axes = useMemo(() => {
    const xMarks = xTicks && width ? frame.x.ticks(Math.max(2, Math.round(inner / 90))) : [];
    const yMarks = yTicks && width ? frame.y.ticks(Math.max(2, Math.round((frame.bottom - frame.top) / 55))) : [];
    return html`<g class="axes" aria-hidden="true">
      ${grid && xMarks.map((t) => html`<line class="grid" x1=${frame.x(t.value)} x2=${frame.x(t.value)} y1=${frame.top} y2=${frame.bottom} />`)}
      ${grid && yMarks.map((t) => html`<line class="grid" y1=${frame.y(t.value)} y2=${frame.y(t.value)} x1=${frame.left} x2=${frame.right} />`)}
      <line class="axis" x1=${frame.left} x2=${frame.right} y1=${frame.bottom} y2=${frame.bottom} />
      ${yTicks && html`<line class="axis" x1=${frame.left} x2=${frame.left} y1=${frame.top} y2=${frame.bottom} />`}
      ${xMarks.map((t) => html`<text class="tick" x=${frame.x(t.value)} y=${frame.bottom + 18} text-anchor=${anchor(frame.x(t.value), t.label, width)}>${t.label}</text>`)}
      ${yMarks.map((t) => html`<text class="tick" x=${frame.left - 7} y=${frame.y(t.value) + 4} text-anchor="end">${t.label}</text>`)}
      ${xLabel && html`<text class="axis-label" x=${(frame.left + frame.right) / 2} y=${height - 5} text-anchor="middle">${xLabel}</text>`}
      ${yLabel && html`<text class="axis-label" transform=${`translate(${15 + frame.left - left} ${(frame.top + frame.bottom) / 2}) rotate(-90)`} text-anchor="middle">${yLabel}</text>`}
    </g>`;
  }, [frame, xLabel, yLabel, xTicks, yTicks, grid]);
  const clip = `${id}-clip`;
  return html`<div class=${`frame ${extra}`} ref=${box} style=${{ height: `${width ? height : minHeight}px` }}>
    ${width > 0 && html`<svg width=${width} height=${height} role="group" aria-label=${label} data-frame=${name}
      data-x=${JSON.stringify(xRange)} data-y=${JSON.stringify(yRange)}
      data-box=${JSON.stringify([frame.left, frame.top, frame.right, frame.bottom])}>
      <clipPath id=${clip}><rect x=${frame.left} y=${frame.top} width=${frame.right - frame.left}
        height=${Math.max(0, frame.bottom - frame.top)} /></clipPath>
      ${axes}
      <rect class=${`plane ${onDrag ? "drawable" : ""} ${onPress ? "pressable" : ""}`} x=${frame.left} y=${frame.top}
        width=${frame.right - frame.left} height=${Math.max(0, frame.bottom - frame.top)}
        onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up} />
      <g clip-path=${`url(#${clip})`} class="marks">${call(children, frame)}</g>
      <${Held.Provider} value=${frame}>${call(over, frame)}</${Held.Provider}>
    </svg>`}
  </div>`;
}

/** A range that holds another one, wider than before only where it has to be, and then with some room. */
function widened(range, [low, high]) {
  if (low >= range[0] && high <= range[1]) return range;
  const room = 0.2 * (high - low);
  return [low < range[0] ? low - room : range[0], high > range[1] ? high + room : range[1]];
}

/** A label is centred under its tick, unless it would be cut off at the edge of the picture. */
const anchor = (at, label, width) => {
  const half = 4 * label.length;
  return at < half ? "start" : at > width - half ? "end" : "middle";
};

/**
 * Many alike: `each(k, key, draw)` returns what `draw()` made for place k as long as the parts of
 * `key` stay the same, and the page leaves alone what is handed to it again.
 */
export function useEach() {
  const made = useRef([]);
  return (k, key, draw) => {
    const old = made.current[k];
    if (old && old.key.length === key.length && old.key.every((part, i) => part === key[i])) return old.node;
    const node = draw();
    made.current[k] = { key, node };
    return node;
  };
}

/**
 * Pictures that are drawn anew while they are on the screen; off it they wait until nothing is
 * `moving`, so that a drag costs what is seen of it.
 */
export function WhenSeen({ moving, class: extra = "", children }) {
  const box = useRef(null);
  const [seen, setSeen] = useState(true);
  const drawn = useRef(children);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1).isIntersecting));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  if (seen || !moving) drawn.current = children;
  return html`<div ref=${box} class=${extra}>${drawn.current}</div>`;
}

const call = (draw, frame) => {
  const one = Array.isArray(draw) ? draw.find((part) => typeof part === "function") : draw;
  return typeof one === "function" ? one(frame) : draw;
};

/**
 * A thing in a Frame's `over` that is moved by mouse, touch and keyboard.
 * `axis` is "x", "y" or "both"; `step` is what an arrow key moves, in data units: one number or
 * [dx, dy], by default a hundredth of the axis; Shift makes it ten. `limits` = {x: [lo, hi], y: …}.
 * `onMove({x, y}, {commit})`, `onRemove()` for Delete, `onHover(on)`, `onPress()` on a plain click.
 * `children` draws it around (0, 0); without them it is a disc of radius `r`.
 */
export function Handle({
  x, y, axis = "both", label, text = null, step = null, limits = {}, r = 8, onMove = null, onRemove = null,
  onHover = null, onPress = null, children = null, class: extra = "", name = undefined, tabIndex = 0, snap = null,
}) {
  const frame = useContext(Held);
  const drag = useRef(null);
  const latest = useRef(frame);
  latest.current = frame;
  const [u, v] = [frame.x(x), frame.y(y)];
  const within = (value, range) => (range ? Math.min(range[1], Math.max(range[0], value)) : value);
  const placed = (point) => {
    const free = {
      x: axis === "y" ? x : within(point.x, limits.x ?? frame.x.domain),
      y: axis === "x" ? y : within(point.y, limits.y ?? frame.y.domain),
    };
    return snap ? snap(free) : { x: Number(free.x.toPrecision(6)), y: Number(free.y.toPrecision(6)) };
  };
  const down = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    event.currentTarget.focus({ preventScroll: true });
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = latest.current.point(event);
    drag.current = { dx: x - at.x, dy: y - at.y, moved: false, last: { x, y } };
    if (frame.x.log || frame.y.log) { drag.current.dx = 0; drag.current.dy = 0; }
    if (onMove) frame.hold(true);
  };
  const move = (event) => {
    if (!drag.current || !onMove) return;
    const at = latest.current.point(event);
    drag.current.moved = true;
    drag.current.last = placed({ x: at.x + drag.current.dx, y: at.y + drag.current.dy });
    onMove(drag.current.last, { commit: false });
  };
  const up = () => {
    if (!drag.current) return;
    const { moved, last } = drag.current;
    drag.current = null;
    if (moved && onMove) onMove(last, { commit: true });
    else onPress?.();
    if (onMove) frame.hold(false);
  };
  // a drag that ends because the thing is taken away must not hold the axes for ever
  useEffect(() => () => { if (drag.current) latest.current.hold(false); }, []);
  const key = (event) => {
    if ((event.key === "Delete" || event.key === "Backspace") && onRemove) {
      event.preventDefault();
      onRemove();
      return;
    }
    if ((event.key === "Enter" || event.key === " ") && onPress) {
      event.preventDefault();
      onPress();
      return;
    }
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!direction || !onMove) return;
    let [a, b] = direction;
    if (axis === "x" && b) [a, b] = [b, 0];
    if (axis === "y" && a) [a, b] = [0, a];
    event.preventDefault();
    const [dx, dy] = Array.isArray(step) ? step : [step, step];
    const by = event.shiftKey ? 10 : 1;
    const next = (s, value, sign, own) => {
      if (!sign) return value;
      if (own !== null && own !== undefined) return value + sign * by * own;
      return s.log ? value * (s.domain[1] / s.domain[0]) ** (sign * by * 0.01) : value + sign * by * 0.01 * (s.domain[1] - s.domain[0]);
    };
    onMove(placed({ x: next(frame.x, x, a, dx), y: next(frame.y, y, b, dy) }), { commit: true });
  };
  const said = text ?? (axis === "x" ? format(x) : axis === "y" ? format(y) : `x ${format(x)}, y ${format(y)}`);
  const now = axis === "x" ? x : y;
  const [low, high] = axis === "x" ? limits.x ?? frame.x.domain : limits.y ?? frame.y.domain;
  return html`<g class=${`handle ${onMove ? "movable" : ""} ${extra}`} transform=${`translate(${u.toFixed(2)} ${v.toFixed(2)})`}
    role="slider" tabindex=${tabIndex} aria-label=${label} aria-valuenow=${now} aria-valuemin=${low} aria-valuemax=${high}
    aria-valuetext=${said} aria-orientation=${axis === "y" ? "vertical" : "horizontal"}
    data-handle=${name ?? label} data-x=${x} data-y=${y}
    onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up} onKeyDown=${key}
    onPointerEnter=${() => onHover?.(true)} onPointerLeave=${() => onHover?.(false)}
    onFocus=${() => onHover?.(true)} onBlur=${() => onHover?.(false)}>
    <circle class="reach" r=${r + 8} /><circle class="ring" r=${r + 4} />
    ${children ?? html`<circle class="dot" r=${r} />`}
  </g>`;
}
