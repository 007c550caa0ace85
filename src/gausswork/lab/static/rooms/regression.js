// Regression: points that are dragged, the line through them, and every view of every point.
import { Fragment, html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Button, Choice, Findings, NumberField, Panel, Slider, Switch } from "../core/controls.js";
import { Matrix } from "../core/matrix.js";
import { format, Shown } from "../core/numbers.js";
import { offered, PairPicker, taken } from "../core/pairs.js";
import { Frame, Handle, line as curve, nice, useEach, WhenSeen } from "../core/plot.js";
import { Points } from "../core/shapes.js";

export const name = "regression";
export const title = "Regression";
export const line = "Drag a point: the line follows, and so does everything that rests on it.";

const REACH = 16; // pixels within which a point is erased, and between points that are drawn
const MOST_ROWS = 200; // of the table on the page
const spread = (values) => [Math.min(...values), Math.max(...values)];
const rounded = (value) => Number(value.toPrecision(4));
const within = (value, [low, high]) => Math.min(high, Math.max(low, value));
const isNumber = (value) => typeof value === "number";

export const offer = offered;

export function Room({ lab, state, set, answer, start, moving }) {
  const [lit, setLit] = useState(null);
  const [mode, setMode] = useState("move");
  const own = !state.table; // points that can be moved
  const x = own ? state.x : answer.points?.x ?? [];
  const y = own ? state.y : answer.points?.y ?? [];
  const { shown } = answer;
  const findings = useRef([]); // during a drag there are no new ones: the last stay
  findings.current = answer.findings ?? findings.current;
  const each = (field) => shown[field] ?? answer.each[field] ?? [];
  const view = { x, y, own, shown, each, lit: lit !== null && lit < x.length ? lit : null, setLit };
  // What rests on the answer alone is drawn when there is a new one, not with every move of the hand.
  const linked = useMemo(() => html`<${Linked} ...${{ view, answer, moving }} />`, [answer, view.lit, own, moving]);
  const equation = useMemo(() => html`<${Equation} view=${view} answer=${answer} />`, [answer, view.lit, own]);
  const words = useMemo(() => html`<${Words} answer=${answer} />`, [answer]);
  const mine = useMemo(() => html`<${Mine} ...${{ state, set, shown }} />`, [shown, state.mine, state.squares]);
  const take = () => set({
    ...taken(start), x: [...x], y: [...y], x_name: answer.x_name.slice(0, 60), y_name: answer.y_name.slice(0, 60),
  }, { commit: true });
  const choose = (fields, how) => { setLit(null); set({ ...fields, my_points: null }, how); };
  return html`<div class="views regression">
    <${Panel} class="main" title="Points and their line" line=${own
      ? "Drag a point; press in the plane to add one. Of all lines this one makes the sum of the squared distances least."
      : `${shown.rows === 1 ? "1 row is" : `All ${format(shown.rows)} rows are`} fitted; ${x.length < shown.rows ? `${format(x.length)} of them, evenly spread, are drawn` : "all are drawn"}. Points of a file stay where they are until you take them, below.`}>
      <${Scatter} ...${{ state, set, answer, view, mode }} />
      <${Facts} view=${view} names=${[answer.x_name, answer.y_name]} />
      <div class="row tools-below">${own
        ? html`<${Choice} label="Pressing in the plane" value=${mode} onInput=${(value) => setMode(value)} options=${[
            { value: "move", label: "adds a point" }, { value: "draw", label: "draws many" }, { value: "erase", label: "erases" }]} />
          <${Button} disabled=${!x.length} onClick=${() => set({ x: [], y: [] }, { commit: true })}>Clear</${Button}>`
        : html`<${Button} onClick=${take}>Take ${x.length === 1 ? "this point to move it" : `these ${format(x.length)} points to move them`}</${Button}>`}
      </div>
      ${own && html`<p class="help">Keyboard: Tab to a point, arrows move it (with Shift farther), Page Up and Page Down go to
        its neighbours, Delete removes it. Tab to the cross, move it with arrows; Enter adds a point there.</p>`}
    </${Panel}>
    <div class="side stack">
      ${words}
      ${mine}
    </div>
    <${WhenSeen} class="views" moving=${moving}>${linked}</${WhenSeen}>
    <${WhenSeen} class="two-thirds" moving=${moving}>${equation}</${WhenSeen}>
    <div class="third stack">
      <${Panel} title="What is drawn">
        <div class="stack tight">
          <${PairPicker} lab=${lab} state=${state} start=${start} onInput=${choose} />
          <${Choice} label="Band" value=${state.band} onInput=${(band, how) => set({ band }, how)} options=${[
            { value: "none", label: "none" }, { value: "confidence", label: "of the line" }, { value: "prediction", label: "of new points" }]} />
          ${state.band !== "none" && html`<${Slider} label="Level of the band" value=${state.level} min=${0.5} max=${0.99} step=${0.01}
            onInput=${(level, how) => set({ level }, how)} />`}
        </div>
      </${Panel}>
      <${Panel} title="What the library finds" line="What its report would say of these points.">
        <${Findings} findings=${findings.current} none="Nothing to find yet." />
      </${Panel}>
    </div>
    ${own && html`<${Table} ...${{ state, set, view }} />`}
  </div>`;
}

/** The plane: points, line, band, squares, the visitor's own line. */
function Scatter({ state, set, answer, view, mode }) {
  const { x, y, own, shown, lit, setLit } = view;
  const [current, setCurrent] = useState(0); // the point that Tab reaches
  const [pen, setPen] = useState(null);
  const place = useRef(null);
  const scales = useRef(null);
  const wanted = useRef(null); // the point to focus once it is drawn
  const drawn = useRef(null); // the last point of a stroke
  const each = useEach();
  const reached = Math.min(current, x.length - 1);
  const xRange = x.length ? nice(spread(x), 0.07) : [0, 10];
  const yRange = y.length ? nice(spread(y), 0.09) : [0, 10];
  useEffect(() => {
    if (wanted.current === null) return;
    place.current?.querySelector(`[data-handle="point ${wanted.current + 1}"]`)?.focus();
    wanted.current = null;
  });
  const add = (point, commit = true) => set((now) => ({
    x: [...now.x, rounded(point.x)], y: [...now.y, rounded(point.y)] }), { commit });
  const remove = (k) => {
    const next = Math.max(0, Math.min(k, x.length - 2));
    wanted.current = x.length > 1 ? next : null;
    setCurrent(next);
    setLit(null);
    set((now) => ({ x: now.x.toSpliced(k, 1), y: now.y.toSpliced(k, 1) }), { commit: true });
  };
  const apart = (a, b) => Math.hypot(scales.current.x(a.x) - scales.current.x(b.x), scales.current.y(a.y) - scales.current.y(b.y));
  const wipe = (at) => set((now) => {
    const stays = now.x.map((one, k) => apart({ x: one, y: now.y[k] }, at) >= REACH);
    return { x: now.x.filter((_, k) => stays[k]), y: now.y.filter((_, k) => stays[k]) };
  });
  const sprinkle = (at) => {
    if (drawn.current && apart(at, drawn.current) < REACH) return;
    drawn.current = at;
    add(at, false);
  };
  const strokes = own && mode !== "move";
  const stroke = (at) => (mode === "draw" ? sprinkle(at) : wipe(at));
  const press = (at) => {
    drawn.current = null;
    if (strokes) stroke(at);
    else add(at);
  };
  const keys = (event) => {
    const by = { PageDown: 1, PageUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const handle = event.target.closest("[data-handle^='point ']");
    if (by === undefined || !handle) return;
    event.preventDefault();
    const order = x.map((_, k) => k).sort((a, b) => x[a] - x[b] || y[a] - y[b]);
    const at = order.indexOf(Number(handle.dataset.handle.slice(6)) - 1);
    const next = order[within(at + by, [0, order.length - 1])];
    setCurrent(next);
    wanted.current = next;
  };
  const facts = (k) => {
    const parts = [`${answer.x_name} ${format(x[k])}, ${answer.y_name} ${format(y[k])}`];
    const [residual, leverage] = [view.each("residuals")[k], view.each("leverage")[k]];
    if (isNumber(residual)) parts.push(`residual ${format(residual, 3)}`);
    if (isNumber(leverage)) parts.push(`leverage ${format(leverage, 3)}`);
    return parts.join(", ");
  };
  const mine = state.mine ? state.my_points ?? answer.my_points : null;
  const at = pen ?? { x: (xRange[0] + xRange[1]) / 2, y: (yRange[0] + yRange[1]) / 2 };
  const fitted = view.each("fitted");
  const below = (frame) => {
    scales.current = frame;
    return html`<${Fragment}>
      ${answer.grid && shown.band_lower && html`<path class="belt" d=${between(frame, answer.grid, shown.band_lower, shown.band_upper)} />`}
      <${Squares} ...${{ frame, state, view, mine }} />
      ${lit !== null && isNumber(fitted[lit]) && html`<line class="residual" x1=${frame.x(x[lit])} x2=${frame.x(x[lit])}
        y1=${frame.y(y[lit])} y2=${frame.y(fitted[lit])} />`}
      ${answer.grid && html`<path class="mark-line" data-line="fit" d=${curve(frame.x, frame.y, answer.grid, shown.line)} />`}
      ${mine && html`<path class="mark-line s-red dashed" data-line="mine" d=${through(frame, mine)} />`}
      ${!own && html`<${Points} frame=${frame} ...${{ x, y, lit }} onNear=${setLit} r=${x.length > 400 ? 3 : 5} />`}
    </${Fragment}>`;
  };
  const above = (frame) => html`<${Fragment}>
    ${own && !strokes && html`<${Handle} key="pen" class="pen" r=${9} name="pen" label="Cross: Enter adds a point here"
      x=${within(at.x, frame.x.domain)} y=${within(at.y, frame.y.domain)} onMove=${(to) => setPen(to)} onPress=${() => add(at)}>
      <path class="cross" d="M-9 0H9M0 -9V9" /></${Handle}>`}
    ${own && x.map((_, k) => each(k, [x[k], y[k], x.length, k === lit && facts(k), k === reached, frame],
      () => html`<${Handle} key=${k} x=${x[k]} y=${y[k]} r=${x.length > 120 ? 5 : 7} name=${`point ${k + 1}`}
      label=${`Point ${k + 1} of ${x.length}`} text=${k === lit ? facts(k) : null} tabIndex=${k === reached ? 0 : -1}
      class=${k === lit ? "aglow" : ""} onHover=${(on) => { setLit(on ? k : null); if (on) setCurrent(k); }} onRemove=${() => remove(k)}
      onMove=${(to, how) => set((now) => ({ x: now.x.with(k, to.x), y: now.y.with(k, to.y) }), how)} />`))}
    ${mine && [0, 1].map((end) => html`<${Handle} key=${`mine ${end}`} class="mine" r=${9} name=${`my line ${end + 1}`}
      x=${mine[2 * end]} y=${mine[2 * end + 1]} label=${`My line, ${end ? "right" : "left"} end`}
      limits=${{ x: limits(mine, end, frame.x.domain) }}
      onMove=${(to, how) => set({ my_points: mine.with(2 * end, to.x).with(2 * end + 1, to.y) }, how)}>
      <rect class="dot" x="-7" y="-7" width="14" height="14" rx="3" /></${Handle}>`)}
  </${Fragment}>`;
  return html`<div ref=${place} onKeyDown=${keys} class=${strokes ? "stroking" : ""}>
    <${Frame} name="points" label=${`Points: ${answer.y_name} over ${answer.x_name}`} x=${xRange} y=${yRange}
      xLabel=${answer.x_name} yLabel=${answer.y_name} minHeight=${290} maxHeight=${480} ratio=${0.54}
      onPress=${own ? press : null} onDrag=${strokes ? stroke : null}
      onRelease=${strokes ? () => set({}, { commit: true }) : null} over=${above}>${below}</${Frame}></div>`;
}

/** How far an end of one's own line can go: not past the other end. */
function limits(mine, end, [low, high]) {
  const gap = 0.02 * (high - low);
  return end ? [Math.min(high, mine[0] + gap), high] : [low, Math.max(low, mine[2] - gap)];
}

/** The height in pixels, at u, of the straight line through two points. */
const heightOf = (frame, [x1, y1, x2, y2]) => {
  const [u1, v1, u2, v2] = [frame.x(x1), frame.y(y1), frame.x(x2), frame.y(y2)];
  return (u) => v1 + ((u - u1) / (u2 - u1)) * (v2 - v1);
};

function through(frame, ends) {
  const height = heightOf(frame, ends);
  return `M${frame.left} ${height(frame.left).toFixed(2)}L${frame.right} ${height(frame.right).toFixed(2)}`;
}

const between = (frame, grid, lower, upper) =>
  `${curve(frame.x, frame.y, grid, lower)}${curve(frame.x, frame.y, grid.toReversed(), upper.toReversed()).replace("M", "L")}Z`;

/** The squares of the residuals: their areas are what least squares makes least together. */
function Squares({ frame, state, view, mine }) {
  const { x, y, lit } = view;
  const own = mine && state.squares === "mine";
  if (state.squares === "none" || x.length > 200) return null;
  const fitted = view.each("fitted");
  const height = own ? heightOf(frame, mine) : null;
  return x.map((_, k) => {
    if (!own && !isNumber(fitted[k])) return null;
    const [u, v] = [frame.x(x[k]), frame.y(y[k])];
    const foot = own ? height(u) : frame.y(fitted[k]);
    const side = Math.abs(foot - v);
    return html`<rect key=${k} class=${`square ${own ? "of-mine" : ""} ${k === lit ? "aglow" : ""}`} x=${foot > v ? u - side : u}
      y=${Math.min(v, foot)} width=${side} height=${side} />`;
  });
}

/** What is known of the point that is lit. */
function Facts({ view, names }) {
  const { x, y, lit, each } = view;
  const of = (field, digits = 3) => format(lit === null ? null : each(field)[lit], digits);
  const cells = [[names[0], lit === null ? "–" : format(x[lit])], [names[1], lit === null ? "–" : format(y[lit])],
    ["on the line", of("fitted", 4)], ["residual", of("residuals")], ["leverage", of("leverage")],
    ["bell score", of("qq_score")], ["Cook’s distance", of("cooks_distance", 2)]];
  return html`<dl class=${`facts ${lit === null ? "idle" : ""}`} aria-label="The point that is lit">
    <div class="which"><dt>point</dt><dd>${lit === null ? "–" : lit + 1}</dd></div>
    ${cells.map(([label, text], k) => html`<div key=${k}><dt>${label}</dt><dd>${text}</dd></div>`)}
  </dl>`;
}

function Words({ answer }) {
  const { shown } = answer;
  return html`<${Panel} title="The line">
    <p class="verdict" data-headline>${answer.headline}</p>
    <p class="line">${answer.hint}</p>
    <div class="numbers two">
      <${Shown} name="slope" value=${shown.slope} label="slope" tone="blue" />
      <${Shown} name="intercept" value=${shown.intercept} label="intercept" tone="blue" />
      <${Shown} name="r_squared" value=${shown.r_squared} label="R²" digits=${3} />
      <${Shown} name="residual_sd" value=${shown.residual_sd} label="residual sd" />
    </div>
    <div class="numbers two">
      <${Shown} name="slope_error" value=${shown.slope_error} label="error of slope" digits=${3} tone="small" />
      <${Shown} name="intercept_error" value=${shown.intercept_error} label="of intercept" digits=${3} tone="small" />
      <${Shown} name="rows" value=${shown.rows} label=${shown.rows === 1 ? "point" : "points"} tone="small" />
      <${Shown} name="digits" value=${shown.digits} label="digits to trust" digits=${3} tone="small" />
    </div>
    ${answer.left_out > 0 && html`<p class="help">${answer.left_out === 1 ? "1 row has a gap and is" : `${format(answer.left_out)} rows have a gap and are`} left out.</p>`}
  </${Panel}>`;
}

/** One's own line against least squares. */
function Mine({ state, set, shown }) {
  const most = Math.max(shown.sum_of_squares ?? 0, shown.my_sum_of_squares ?? 0) || 1;
  const bar = (field, label, tone) => isNumber(shown[field]) && html`<div class="sum">
    <${Shown} name=${field} value=${shown[field]} label=${label} digits=${5} tone=${`small ${tone}`} />
    <svg class=${`sum-bar ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="ground" width="100" height="6" /><rect class="amount" width=${(100 * shown[field]) / most} height="6" /></svg>
  </div>`;
  const turn = (mine, how) => set({ mine, squares: mine ? "mine" : state.squares === "mine" ? "none" : state.squares }, how);
  return html`<${Panel} title="Can you do better?" line="A square stands on the distance of each point from the line. Their areas are summed.">
    <div class="stack tight">
      <${Switch} label="Try a line of my own" value=${state.mine} onInput=${turn} />
      <${Choice} label="Squares" value=${state.squares} onInput=${(squares, how) => set({ squares }, how)} options=${[
        { value: "none", label: "none" }, { value: "fit", label: "least squares" },
        ...(state.mine ? [{ value: "mine", label: "my line" }] : [])]} />
      ${state.mine && bar("my_sum_of_squares", "sum of squares, my line", "red")}
      ${bar("sum_of_squares", "sum of squares, least squares", "blue")}
    </div>
  </${Panel}>`;
}

/** The same points in three more views: what lights up in one lights up in all. */
function Linked({ view, answer, moving }) {
  const { x, lit, setLit, each, shown } = view;
  const [residuals, standardized, leverage, score] = [each("residuals"), each("standardized"), each("leverage"), shown.qq_score ?? []];
  const known = (values) => values.filter(isNumber);
  const around = (values, least) => {
    const most = Math.max(least, ...known(values).map(Math.abs)) * 1.15;
    return [-most, most];
  };
  const dots = { lit, onNear: setLit, r: x.length > 400 ? 2.5 : x.length > 120 ? 3.5 : 5 };
  const size = { minHeight: 200, maxHeight: 270, ratio: 0.68, moving };
  const nothing = html`<p class="help nothing">No residuals to look at: the line goes through every point.</p>`;
  const zero = (f) => html`<line class="zero" x1=${f.left} x2=${f.right} y1=${f.y(0)} y2=${f.y(0)} />`;
  const seen = known(standardized).length > 0;
  return html`<${Fragment}>
    <${Panel} class="third" title="Residuals" line="A band without a pattern: nothing is left to explain.">
      ${known(residuals).length ? html`<${Frame} name="residuals" label="Residuals over x" ...${size} x=${nice(spread(x), 0.07)} y=${around(residuals, 1e-9)}
          xLabel=${answer.x_name} yLabel="residual">
        ${(f) => html`<${Fragment}>${zero(f)}
          ${lit !== null && isNumber(residuals[lit]) && html`<line class="residual" x1=${f.x(x[lit])} x2=${f.x(x[lit])} y1=${f.y(0)} y2=${f.y(residuals[lit])} />`}
          <${Points} frame=${f} x=${x} y=${residuals} ...${dots} /></${Fragment}>`}
      </${Frame}>` : nothing}
    </${Panel}>
    <${Panel} class="third" title="Leverage" line="Right of the dotted line a point has twice the average say in the line.">
      ${seen ? html`<${Frame} name="leverage" label="Standardised residuals over leverage" ...${size}
          x=${[0, Math.min(1, Math.max(2.4 * answer.mean_leverage, 1.1 * Math.max(...known(leverage))))]} y=${around(standardized, 2.2)}
          xLabel="leverage" yLabel="residual in sd">
        ${(f) => html`<${Fragment}>${zero(f)}
          <line class="limit" x1=${f.x(2 * answer.mean_leverage)} x2=${f.x(2 * answer.mean_leverage)} y1=${f.top} y2=${f.bottom} />
          <${Points} frame=${f} x=${leverage} y=${standardized} ...${dots} /></${Fragment}>`}
      </${Frame}>` : nothing}
    </${Panel}>
    <${Panel} class="third" title="Bell or not (Q-Q)" line="On the line residuals are bell-shaped; 95 of 100 bells stay in the band.">
      ${answer.qq && score.length ? html`<${Frame} name="qq" label="Residuals over where a bell would have them" ...${size}
          x=${around(score, 2)} y=${around([...standardized, ...answer.qq.upper, ...answer.qq.lower], 2.2)}
          xLabel="where a bell has it" yLabel="residual in sd">
        ${(f) => html`<${Fragment}><path class="belt grey" d=${between(f, answer.qq.score, answer.qq.lower, answer.qq.upper)} />
          <path class="mark-line s-red thin" d=${curve(f.x, f.y, f.x.domain, f.x.domain.map((s) => answer.qq.mean + answer.qq.sd * s))} />
          <${Points} frame=${f} x=${score} y=${standardized} ...${dots} /></${Fragment}>`}
      </${Frame}>` : html`<p class="help nothing">Three points off the line are the least that can be compared with a bell.</p>`}
    </${Panel}>
  </${Fragment}>`;
}

/** The normal equation, matrix by matrix, with the numbers of the moment. */
function Equation({ view, answer }) {
  const { x, y, lit, shown } = view;
  const both = answer.terms?.length === 2;
  const head = [0, 1, 2].filter((k) => k < x.length);
  const rows = lit !== null && lit > 2 ? [...head, lit] : [...head, ...(x.length > 3 ? [3] : [])];
  const more = x.length > rows.length;
  const light = lit === null ? null : rows.indexOf(lit);
  const column = (field, extra = {}) => html`<${Matrix} name=${field} label=${field} value=${shown[field]} rows=${shown[field].map((one) => [one])} ...${extra} />`;
  return html`<${Panel} title="The normal equation, with these numbers"
      line="Two sums of products, XᵀX and Xᵀy, are all that the line needs, however many points there are.">
    ${!shown.XtX ? html`<p class="help">Add a point, and the sums appear.</p>` : html`<ol class="steps">
      <li><span>A row for each point; a column of ones makes the intercept.</span>
        <div class="sums"><i>X</i> = <${Matrix} label="X" rows=${rows.map((k) => (both ? [1, x[k]] : [1]))} lit=${light} more=${more} />
          <i>y</i> = <${Matrix} label="y" rows=${rows.map((k) => [y[k]])} lit=${light} more=${more} /></div></li>
      <li><span>The sums, and the equation: intercept b and slope w are what solves it.</span>
        <div class="sums"><${Matrix} name="XtX" label="XᵀX" value=${shown.XtX} rows=${shown.XtX} under="XᵀX" />
          <${Matrix} label="θ" rows=${(both ? ["b", "w"] : ["b"]).map((one) => [one])} under="θ" /> = ${column("Xty", { under: "Xᵀy" })}</div></li>
      ${shown.L ? html`<${Fragment}>
        <li><span>XᵀX = L·Lᵀ with a triangular L. Then L·u = Xᵀy from the first row down, Lᵀ·θ = u from the last row up. Nothing is inverted.</span>
          <div class="sums"><i>L</i> = <${Matrix} name="L" label="L" value=${shown.L} rows=${shown.L} />
            <i>u</i> = ${column("u")} <i>θ</i> = ${column("theta", { strong: true })}</div></li>
        <li><span>The check: what the residuals still have in common with each column of X must be nothing.</span>
          <div class="sums"><i>Xᵀ</i>(<i>y</i> − <i>Xθ</i>) = ${column("left_over")}</div></li></${Fragment}>`
        : html`<li><span>In double precision the textbook stops here: the points lie so far from zero, or so nearly above one another, that
          rounding has used up the digits of XᵀX. gausswork sums about the means, with twice the digits: that is the line above.</span></li>`}
    </ol>`}
  </${Panel}>`;
}

/** The points as a table that can be typed in. */
function Table({ state, set, view }) {
  const [open, setOpen] = useState(false);
  const { x, y, lit, setLit, each } = view;
  const change = (field, k) => (value, how) => set((now) => ({ [field]: now[field].with(k, value) }), how);
  const drop = (k) => set((now) => ({ x: now.x.toSpliced(k, 1), y: now.y.toSpliced(k, 1) }), { commit: true });
  const row = () => set((now) => ({ x: [...now.x, now.x.at(-1) ?? 0], y: [...now.y, now.y.at(-1) ?? 0] }), { commit: true });
  return html`<details class="panel wide" open=${open} onToggle=${(e) => setOpen(e.currentTarget.open)}>
    <summary><h3>The points as a table</h3></summary>
    ${open && html`<div class="stack tight">
      <div class="row names">${["x", "y"].map((axis) => html`<label key=${axis}>Name of ${axis}
        <input type="text" maxlength="60" value=${state[`${axis}_name`]}
          onChange=${(e) => set({ [`${axis}_name`]: e.currentTarget.value.trim() || axis }, { commit: true })} /></label>`)}</div>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of the points"><table class="points">
        <thead><tr><th scope="col">point</th><th scope="col">${state.x_name}</th><th scope="col">${state.y_name}</th><th scope="col">on the line</th>
          <th scope="col">residual</th><th scope="col">leverage</th><th scope="col"><span class="unseen">remove</span></th></tr></thead>
        <tbody>${x.slice(0, MOST_ROWS).map((_, k) => html`<tr key=${k} class=${k === lit ? "aglow" : ""}
            onPointerEnter=${() => setLit(k)} onPointerLeave=${() => setLit(null)} onFocusIn=${() => setLit(k)}>
          <td>${k + 1}</td>
          <td><${NumberField} hideLabel label=${`x of point ${k + 1}`} value=${x[k]} onInput=${change("x", k)} /></td>
          <td><${NumberField} hideLabel label=${`y of point ${k + 1}`} value=${y[k]} onInput=${change("y", k)} /></td>
          <td>${format(each("fitted")[k])}</td><td>${format(each("residuals")[k], 3)}</td><td>${format(each("leverage")[k], 3)}</td>
          <td><${Button} kind="quiet" label=${`Remove point ${k + 1}`} onClick=${() => drop(k)}>✕</${Button}></td></tr>`)}</tbody>
      </table></div>
      ${x.length > MOST_ROWS && html`<p class="help">The first ${MOST_ROWS} of ${format(x.length)} points.</p>`}
      <div class="row"><${Button} onClick=${row}>Add a row</${Button}></div>
    </div>`}
  </details>`;
}
