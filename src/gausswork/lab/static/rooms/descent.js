// Gradient descent: a valley, a path down, and the rate at which it fails.
import { Fragment, html, useMemo, useRef, useState } from "../vendor/preact.js";
import { Button, NumberField, Panel, Slider, Switch, useFrames } from "../core/controls.js";
import { format, Shown } from "../core/numbers.js";
import { PairPicker, taken } from "../core/pairs.js";
import { Frame, Handle, line as curve, WhenSeen } from "../core/plot.js";
import { disc } from "../core/shapes.js";

export const name = "descent";
export const title = "Gradient descent";
export const line = "Every point of this plane is a line through the data. The deeper, the better it fits.";

const PACE = 14; // epochs a second at first; a long walk is played in ten seconds
const LONGEST = 10;
const MOST_DOTS = 400; // epochs that have a dot of their own
const FADES = 7; // swings off the picture that are drawn
const TONES = { converges: "green", oscillates: "gold", diverges: "red" };
const isNumber = (value) => typeof value === "number";
const within = (value, [low, high]) => Math.min(high, Math.max(low, value));

/** The ranges of a picture with room around the valley; with equal units where that is wanted. */
function ranges([left, right, bottom, top], equal) {
  let [w, h] = [(right - left) * 0.57, (top - bottom) * 0.57];
  if (equal) w = h = Math.max(w, h);
  const [x, y] = [(left + right) / 2, (bottom + top) / 2];
  return { x: [x - w, x + w], y: [y - h, y + h] };
}

export function Room({ lab, state, set, answer: newest, start, moving }) {
  const others = useRef([]); // during a drag there are no new ones: the last stay
  others.current = newest.others ?? others.current;
  const answer = useMemo(() => ({ ...newest, others: others.current }), [newest]);
  const last = answer.path.length - 1;
  const [playing, setPlaying] = useState(null); // the epoch while it plays
  const begun = useRef({ time: 0, epoch: 0 });
  const epoch = Math.min(playing ?? state.epoch, last);
  const running = playing !== null;
  useFrames(running, (time) => {
    if (!begun.current.time) begun.current = { time, epoch: playing };
    const pace = Math.max(PACE, last / LONGEST);
    const now = Math.floor(begun.current.epoch + ((time - begun.current.time) / 1000) * pace);
    if (now >= last) stop(last);
    else if (now !== playing) setPlaying((was) => (was === null ? null : now)); // a pause may have come between
  });
  const stop = (at) => { setPlaying(null); set({ epoch: at }, { commit: true }); };
  const play = () => {
    if (running) { stop(epoch); return; }
    begun.current = { time: 0, epoch: 0 };
    setPlaying(epoch >= last ? 0 : epoch);
  };
  const step = (by) => { setPlaying(null); set({ epoch: within(epoch + by, [0, last]) }, { commit: true }); };
  const scrub = (to, how) => { setPlaying(null); set({ epoch: to }, how); };
  const walk = { answer, epoch, last, running, play, step, scrub };
  // What rests on the answer is drawn when there is a new one, not with every move of the hand.
  const valley = useMemo(() => html`<${Valley} ...${{ state, set, answer, epoch }} />`, [answer, epoch, state.epoch, state.equal, state.standardize]);
  const rate = useMemo(() => html`<${Rate} ...${{ state, set, answer }} />`, [answer, state.learning_rate, state.momentum, state.standardize, state.others]);
  const losses = useMemo(() => html`<${Losses} ...${{ answer, state, epoch }} />`, [answer, epoch, state.epochs]);
  const beside = useMemo(() => html`<${Beside} ...${{ state, set, answer, epoch }} />`, [answer, epoch, state.equal, state.others]);
  const fitted = useMemo(() => html`<${Fitted} ...${{ state, answer, epoch }} />`, [answer, epoch, state.table, state.x, state.y]);
  return html`<div class="views descent">
    <${Panel} class="main" title="The valley" line=${answer.headline}>
      ${valley}
      <${Tape} ...${walk} />
    </${Panel}>
    <div class="side stack">
      ${rate}
      <${Now} ...${{ answer, epoch }} />
    </div>
    <${WhenSeen} class="third" moving=${moving || running}><${Panel} title="How far above the floor"
      line="Loss above the least, in powers of ten: a straight line down is steady progress.">${losses}</${Panel}></${WhenSeen}>
    <${WhenSeen} class="two-thirds" moving=${moving || running}><${Panel} title="Rates side by side"
      line="The same start, the same epoch, other learning rates.">${beside}</${Panel}></${WhenSeen}>
    <${WhenSeen} class="half" moving=${moving || running}><${Panel} title="The line at this epoch"
      line="What the path means for the points.">${fitted}</${Panel}></${WhenSeen}>
    <${Panel} class="half" title="Points and start">
      <div class="stack tight">
        <${PairPicker} lab=${lab} state=${state} start=${start} more=${fromRegression(lab)}
          onInput=${(fields, how) => set({ ...fields, start: [0, 0], start_standardized: false, learning_rate: "auto", others: [], epoch: 0 }, how)} />
        <div class="row">${["intercept", "slope"].map((label, k) => html`<${NumberField} key=${label} label=${`Start: ${label}`}
          value=${answer.path[0][k]} onInput=${(value, how) => set({ start: answer.path[0].with(k, value), start_standardized: state.standardize }, how)} />`)}
          <${NumberField} label="Epochs" value=${state.epochs} min=${1} max=${1000} whole step=${10} onInput=${(epochs, how) => set({ epochs }, how)} /></div>
        <${Switch} label="Same scale on both axes" value=${state.equal} onInput=${(equal, how) => set({ equal }, how)}
          help="Steps then stand at right angles to the contours." />
      </div>
    </${Panel}>
    <${Panel} class="wide" title="What the library says" line="Before the first step, and after the last.">
      ${answer.remarks.map((one) => html`<p class="remark" key=${one}>${one}</p>`)}
    </${Panel}>
  </div>`;
}

const fromRegression = (lab) => {
  if (!lab.rooms.some((room) => room.name === "regression")) return {};
  const { now } = lab.state("regression");
  return now.table || !now.x.length ? {} : { regression: { label: "Points of the room Regression", ...taken(now) } };
};

/** Contours of the loss, from the outermost in. */
function Contours({ frame, answer, few = false }) {
  const [x, y] = answer.solution;
  const shapes = few ? answer.contours.filter((_, k) => k % 2 === 0) : answer.contours;
  // the same valley as before, most often: a step, another start
  return useMemo(() => html`<g class=${`contours ${few ? "few" : ""}`}><rect x=${frame.left} y=${frame.top} width=${frame.right - frame.left} height=${frame.bottom - frame.top} />
    ${shapes.map(([a, b], k) => html`<path key=${k} d=${ring(frame, x, y, a, b)} />`)}</g>`, [frame, few, JSON.stringify([x, y, shapes])]);
}

/** The contour solution + a·cos t + b·sin t. */
function ring(frame, x, y, a, b) {
  let path = "";
  for (let k = 0; k < 144; k += 1) {
    const [c, s] = [Math.cos((k * Math.PI) / 72), Math.sin((k * Math.PI) / 72)];
    path += `${k ? "L" : "M"}${frame.x(x + c * a[0] + s * b[0]).toFixed(1)} ${frame.y(y + c * a[1] + s * b[1]).toFixed(1)}`;
  }
  return `${path}Z`;
}

/**
 * A path up to an epoch, in pieces {d, fade}: where it runs away it is drawn for a few more swings,
 * each fainter than the one before.
 */
function trail(frame, path, upto) {
  const pieces = [];
  let drawn = "";
  let out = 0;
  let before = "";
  for (let k = 0; k <= Math.min(upto, path.length - 1); k += 1) {
    const [u, v] = [frame.x(path[k][0]), frame.y(path[k][1])];
    if (!(Math.abs(u) < 1e5 && Math.abs(v) < 1e5)) break; // far off: what follows is farther
    const here = `${u.toFixed(2)} ${v.toFixed(2)}`;
    if (out > 0) pieces.push({ d: `M${before}L${here}`, fade: Math.min(FADES, out) });
    else drawn += `${k ? "L" : "M"}${here}`;
    if (!inside(frame, path[k])) out += 1;
    if (out > FADES) break;
    before = here;
  }
  return [{ d: drawn, fade: 0 }, ...pieces];
}

/** A path drawn in its pieces. */
const Trail = ({ frame, path, upto, tone, cls = "", name = undefined }) => trail(frame, path, upto).map(({ d, fade }, k) => html`
  <path key=${k} class=${`path ${cls} ${tone ? `s-${tone}` : ""} fade-${fade}`} data-path=${k ? undefined : name} d=${d} />`);

const inside = (frame, [x, y]) => x >= frame.x.domain[0] && x <= frame.x.domain[1] && y >= frame.y.domain[0] && y <= frame.y.domain[1];

/** Where a walker is; at the edge, with an arrow, where he has left the picture. */
function Walker({ frame, at, tone, small = false, numbers = true }) {
  if (inside(frame, at)) {
    return html`<circle class=${`walker f-${tone}`} cx=${frame.x(at[0])} cy=${frame.y(at[1])} r=${small ? 5 : 8} data-walker="inside" />`;
  }
  const u = within(frame.x(at[0]), [frame.left + 12, frame.right - 12]);
  const v = within(frame.y(at[1]), [frame.top + 12, frame.bottom - 12]);
  const turn = (Math.atan2(frame.y(at[1]) - v, frame.x(at[0]) - u) * 180) / Math.PI;
  const anchor = u > (frame.left + frame.right) / 2 ? "end" : "start";
  const low = v > (frame.top + frame.bottom) / 2;
  return html`<g data-walker="off scale"><path class=${`walker f-${tone}`} transform=${`translate(${u.toFixed(1)} ${v.toFixed(1)}) rotate(${turn.toFixed(0)})`} d="M10 0L-6 -7V7Z" />
    ${numbers && html`<text class="note" x=${anchor === "end" ? frame.right - 10 : frame.left + 10} y=${low ? frame.bottom - 30 : frame.top + 40} text-anchor=${anchor}>off scale:
      intercept ${format(at[0], 3)}, slope ${format(at[1], 3)}</text>`}</g>`;
}

/** The large picture. */
function Valley({ state, set, answer, epoch }) {
  const view = ranges(answer.bounds, state.equal);
  const tone = TONES[answer.behaviour];
  const begin = (at, how) => set({ start: [at.x, at.y], start_standardized: state.standardize, epoch: how.commit ? state.epoch : epoch }, how);
  const names = state.standardize ? ["intercept, x standardised", "slope per sd of x"] : ["intercept", "slope"];
  const { path } = answer;
  const square = state.equal || state.standardize;
  return html`<${Frame} name="valley" label="Loss over intercept and slope, with the path of the descent" class="valley" x=${view.x} y=${view.y}
    xLabel=${names[0]} yLabel=${names[1]} grid=${false} minHeight=${300} maxHeight=${square ? 440 : 500} ratio=${0.64} square=${square}
    onPress=${(at) => begin({ x: Number(at.x.toPrecision(4)), y: Number(at.y.toPrecision(4)) }, { commit: true })}
    over=${(frame) => html`<${Handle} name="start" class="start" label="Start of the descent" r=${9} x=${path[0][0]} y=${path[0][1]}
      text=${`intercept ${format(path[0][0])}, slope ${format(path[0][1])}`} onMove=${begin}>
      <rect class="dot" x="-7" y="-7" width="14" height="14" rx="2" /></${Handle}>`}>
    ${(frame) => html`<${Fragment}>
      <${Contours} frame=${frame} answer=${answer} />
      ${epoch < path.length - 1 && html`<${Trail} frame=${frame} path=${path} upto=${path.length} cls="ahead" />`}
      <${Trail} frame=${frame} path=${path} upto=${epoch} tone=${tone} name="descent" />
      ${path.length <= MOST_DOTS && html`<path class=${`foot f-${tone}`}
        d=${path.slice(0, epoch + 1).map((at) => (inside(frame, at) ? disc(frame.x(at[0]), frame.y(at[1]), 2.6) : "")).join("")} />`}
      <path class="goal" transform=${`translate(${frame.x(answer.solution[0]).toFixed(1)} ${frame.y(answer.solution[1]).toFixed(1)})`} d="M0 -11L3 -3.5 11 -3.5 4.6 1.6 7 9.5 0 4.8 -7 9.5 -4.6 1.6 -11 -3.5 -3 -3.5Z" />
      <${Walker} frame=${frame} at=${path[epoch]} tone=${tone} />
    </${Fragment}>`}
  </${Frame}>`;
}

const Icon = ({ d }) => html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d=${d} /></svg>`;

/** Play, step, step back, scrub. */
function Tape({ answer, epoch, last, running, play, step, scrub }) {
  return html`<div class="tape">
    <div class="row"><${Button} label="To the start" onClick=${() => scrub(0, { commit: true })} disabled=${epoch === 0}><${Icon} d="M3 2V14M14 2L5 8 14 14Z" /></${Button}>
      <${Button} label="Step back" onClick=${() => step(-1)} disabled=${epoch === 0}><${Icon} d="M11 2L3 8 11 14Z" /></${Button}>
      <${Button} kind="strong play" label=${running ? "Pause" : "Play"} onClick=${play}><${Icon} d=${running ? "M3 2H6V14H3ZM10 2H13V14H10Z" : "M3 2L14 8 3 14Z"} /></${Button}>
      <${Button} label="Step" onClick=${() => step(1)} disabled=${epoch >= last}><${Icon} d="M5 2L13 8 5 14Z" /></${Button}>
      <${Button} label="To the end" onClick=${() => scrub(last, { commit: true })} disabled=${epoch >= last}><${Icon} d="M13 2V14M2 2L11 8 2 14Z" /></${Button}></div>
    <${Slider} label="Epoch" value=${epoch} min=${0} max=${Math.max(1, last)} step=${1} onInput=${scrub} />
  </div>`;
}

/** The learning rate with the limit on its track, and what it does. */
function Rate({ state, set, answer }) {
  const { slider, shown } = answer;
  const limit = state.momentum > 0 ? "limit" : "2/λmax";
  const rate = isNumber(state.learning_rate) ? state.learning_rate : shown.learning_rate;
  const ends = { min: Math.min(slider.least, rate), max: Math.max(slider.most, rate) };
  return html`<${Panel} title="The learning rate" class="rate">
    <p class=${`chip ${TONES[answer.behaviour]}`} data-behaviour=${answer.behaviour}>${answer.behaviour}</p>
    <div class="stack tight">
      <p class="line" data-verdict>${answer.verdict}</p>
      <${Slider} label="Learning rate" value=${rate} ...${ends} log onInput=${(learning_rate, how) => set({ learning_rate }, how)}
        marks=${[{ at: slider.limit, label: `${limit} = ${format(slider.limit, 3)}`, name: "limit" }]} />
      <div class="row"><${Button} onClick=${() => set({ learning_rate: Number(slider.best.toPrecision(6)) }, { commit: true })}>Best rate</${Button}>
        <${Button} disabled=${state.others.length >= 5 || state.others.includes(rate)}
          onClick=${() => set({ others: [...state.others, rate] }, { commit: true })}>Keep to compare</${Button}></div>
      <${Switch} label="Standardise x" value=${state.standardize} onInput=${(standardize, how) => set({ standardize }, how)}
        help=${answer.standardized ? `Condition number ${format(shown.condition_number, 3)}; ${state.standardize ? "without it" : "with it"} ${format(answer.standardized.condition_number, 3)}.` : ""} />
      <${Slider} label="Momentum" value=${state.momentum} min=${0} max=${0.99} step=${0.01} onInput=${(momentum, how) => set({ momentum }, how)} />
    </div>
  </${Panel}>`;
}

/** The numbers of the present epoch. */
function Now({ answer, epoch }) {
  const { shown } = answer;
  const [intercept, slope] = (answer.parameters ?? answer.path)[epoch];
  return html`<${Panel} title="Where it is">
    <div class="numbers two">
      <${Shown} name="slope" value=${slope} label=${`slope (goal ${format(shown.exact_slope)})`} tone="blue" />
      <${Shown} name="intercept" value=${intercept} label=${`intercept (goal ${format(shown.exact_intercept)})`} tone="blue" />
      <${Shown} name="loss" value=${answer.loss[epoch]} label=${`loss (least ${format(shown.least_loss, 3)})`} />
      <${Shown} name="epoch" value=${epoch} label=${`epoch of ${format(answer.path.length - 1)}`} />
    </div>
    <div class="numbers two">
      <${Shown} name="condition_number" value=${shown.condition_number} label="condition number" tone="small" />
      <${Shown} name="learning_rate_limit" value=${shown.learning_rate_limit} label="limit of the rate" tone="small" />
      <${Shown} name="factor" value=${shown.factor} label="error × per epoch" tone="small" />
      <${Shown} name="epochs_per_digit" value=${shown.epochs_per_digit} label="epochs per digit" digits=${3} tone="small" />
    </div>
  </${Panel}>`;
}

/** The loss above the least, epoch by epoch, for all rates. */
function Losses({ answer, state, epoch }) {
  const first = answer.excess[0] > 0 ? answer.excess[0] : 1;
  const tone = TONES[answer.behaviour];
  const epochs = answer.excess.map((_, k) => k);
  const top = first * 1e3;
  const at = answer.excess[epoch];
  return html`<${Frame} name="losses" label="Loss above the least over epochs" x=${[0, Math.max(1, state.epochs)]} y=${[first * 1e-9, top]} yLog
      minHeight=${230} maxHeight=${320} ratio=${0.8} xLabel="epoch">
    ${(f) => html`<${Fragment}>
      ${answer.others.map((one, k) => html`<path key=${k} class=${`path thin s-${TONES[one.behaviour]}`} d=${curve(f.x, f.y, one.excess.map((_, i) => i), one.excess)} />`)}
      <path class=${`path s-${tone}`} d=${curve(f.x, f.y, epochs, answer.excess)} />
      <line class="limit" x1=${f.x(epoch)} x2=${f.x(epoch)} y1=${f.top} y2=${f.bottom} />
      <${Tags} frame=${f} curves=${[{ excess: answer.excess, learning_rate: answer.shown.learning_rate }, ...answer.others]} />
      ${at > 0 && at <= top && html`<circle class=${`walker f-${tone}`} cx=${f.x(epoch)} cy=${f.y(at)} r="6" />`}
      ${at > top && html`<text class="note" x=${f.right - 8} y=${f.top + 20} text-anchor="end">off scale: ${format(at, 2)}</text>`}
    </${Fragment}>`}
  </${Frame}>`;
}

/** The rates, written where their curves end or leave the picture; never one over another. */
function Tags({ frame, curves }) {
  const placed = [];
  return curves.map(({ excess, learning_rate: rate }, k) => {
    const off = excess.findIndex((value) => value > frame.y.domain[1]);
    const at = off < 0 ? excess.length - 1 : Math.max(0, off - 1);
    if (!(excess[at] >= frame.y.domain[0])) return null;
    const u = Math.min(frame.x(at), frame.right) - 6;
    const v = Math.max(frame.y(excess[at]), frame.top + 20) - 6;
    if (placed.some(([a, b]) => Math.abs(a - u) < 60 && Math.abs(b - v) < 15)) return null;
    placed.push([u, v]);
    return html`<text key=${k} class="note tag" x=${u} y=${v} text-anchor="end">${format(rate, 3)}</text>`;
  });
}

/** Small pictures of the other rates at the same epoch. */
function Beside({ state, set, answer, epoch }) {
  const view = ranges(answer.bounds, state.equal);
  const drop = (k) => set({ others: state.others.toSpliced(k, 1) }, { commit: true });
  const { shown } = answer;
  return html`<div class="beside">
    ${answer.others.length === 0 && html`<p class="help nothing">Choose a rate above and keep it to compare.</p>`}
    ${answer.others.map((one, k) => {
      const at = Math.min(epoch, one.path.length - 1);
      const tone = TONES[one.behaviour];
      return html`<figure key=${`${k} ${one.learning_rate}`}>
        <figcaption><b>${format(one.learning_rate, 3)}</b> <span class=${`chip small ${tone}`}>${one.behaviour}</span></figcaption>
        <${Frame} name=${`beside ${k + 1}`} label=${`Path at the learning rate ${format(one.learning_rate, 3)}: it ${one.behaviour}`} class="valley" x=${view.x} y=${view.y}
          xTicks=${false} yTicks=${false} grid=${false} minHeight=${120} maxHeight=${200} square>
          ${(f) => html`<${Fragment}><${Contours} frame=${f} answer=${answer} few />
            <${Trail} frame=${f} path=${one.path} upto=${at} tone=${tone} />
            <${Walker} frame=${f} at=${one.path[at]} tone=${tone} small numbers=${false} /></${Fragment}>`}
        </${Frame}>
        <p class="line">loss ${format(one.loss[at], 3)}</p>
        <div class="row"><${Button} kind="quiet" label=${`Use the rate ${format(one.learning_rate, 3)}`} onClick=${() => set({ learning_rate: one.learning_rate }, { commit: true })}>use</${Button}
          ><${Button} kind="quiet" label=${`Remove the rate ${format(one.learning_rate, 3)}`} onClick=${() => drop(k)}>✕</${Button}></div>
      </figure>`;
    })}
  </div>`;
}

/** The points with the line that the present parameters stand for. */
function Fitted({ state, answer, epoch }) {
  const x = state.table ? answer.points?.x ?? [] : state.x;
  const y = state.table ? answer.points?.y ?? [] : state.y;
  const [b, w] = (answer.parameters ?? answer.path)[epoch];
  const spread = (values, room) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const more = (high - low || 1) * room;
    return [low - more, high + more];
  };
  const across = spread(x, 0.1);
  return html`<${Frame} name="fitted" label="Points and the line at this epoch" x=${across} y=${spread([...y, 0], 0.12)} xLabel=${answer.x_name} yLabel=${answer.y_name}
      minHeight=${200} maxHeight=${300} ratio=${0.5}>
    ${(f) => html`<${Fragment}>
      <path class="mark-line s-soft dashed thin" d=${curve(f.x, f.y, across, across.map((v) => answer.shown.exact_intercept + answer.shown.exact_slope * v))} />
      <path class=${`path s-${TONES[answer.behaviour]}`} data-line="now" d=${curve(f.x, f.y, across, across.map((v) => b + w * v))} />
      <g class="dots f-ink">${x.map((_, k) => html`<circle key=${k} cx=${f.x(x[k])} cy=${f.y(y[k])} r=${x.length > 300 ? 2.5 : 5} />`)}</g>
    </${Fragment}>`}
  </${Frame}>`;
}
