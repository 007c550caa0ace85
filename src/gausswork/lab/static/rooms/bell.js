// The bell curve: mean, sd and two limits to drag; the shaded area is a probability.
import { html, useRef, useState } from "../vendor/preact.js";
import { Button, Choice, Findings, NumberField, Panel, Problem, Slider, Switch } from "../core/controls.js";
import { format, Shown, written } from "../core/numbers.js";
import { Frame, Handle, line as path } from "../core/plot.js";
import { Bars, barsTop, QuantilePlot } from "../core/shapes.js";
import { ColumnPicker } from "../core/tables.js";

export const name = "bell";
export const title = "The bell curve";
export const line = "Drag the top, the shoulder, the limits: the shaded area is a probability.";

const EVENTS = [
  { value: "between", label: "between" }, { value: "outside", label: "outside" },
  { value: "below", label: "below" }, { value: "above", label: "above" },
];
const HOLDS = [
  { value: "value", label: "value" }, { value: "z", label: "z-score" },
  { value: "tail", label: "share" }, { value: "area", label: "area" },
];
const plain = { log: false, sample: "none", view: null };
// Where the bell is met. The numbers are the first state of a story; what follows from them is asked.
const STORIES = [
  {
    label: "Exam scores",
    told: "10,000 exam scores with mean 70 and sd 10. Two of three lie between 60 and 80, few below 40 or above 100. The grey bars are drawn at random; the bell knew before.",
    state: { mean: 70, sd: 10, event: "between", hold: "value", a: 60, b: 80, sample: "drawn", size: 10000 },
  },
  {
    label: "Heights",
    told: "Many small causes add up to a height, and sums of many small things are bells: that is why nature is full of them. Galton’s 480 sons: mean 69.2 in, sd 2.6 in. How many are taller than six feet?",
    state: { mean: 69.2, sd: 2.6, event: "above", hold: "value", a: 72, b: 72 },
  },
  {
    label: "Outliers",
    told: "The z-score counts standard deviations from the mean, whatever the unit. Farther than 3 is rare, 27 in 10,000: so rare that one looks twice. Scale a column to z-scores, and every column can be compared.",
    state: { mean: 0, sd: 1, event: "outside", hold: "z", a: -3, b: 3 },
  },
  {
    label: "95 % sure",
    told: "The errors of a mean, of a poll, of a regression’s slope are bells. 95 % of a bell lie within 1.96 sd of its middle: that is where confidence intervals and margins of error come from. Drag the area.",
    state: { mean: 0, sd: 1, event: "between", hold: "area", area: 0.95 },
  },
  {
    label: "A network’s weights",
    told: "He’s initialisation draws the weights of a layer with 256 inputs from a bell with mean 0 and sd √(2/256) ≈ 0.0884: wide enough that the signal lives on, narrow enough that it does not explode. Few weights are larger than 0.2.",
    state: { mean: 0, sd: 0.0884, event: "outside", hold: "value", a: -0.2, b: 0.2 },
  },
  {
    label: "Six sigma",
    told: "How rare is a part that is six standard deviations too large? Heights are powers of ten here, so that far tails can be read: every line down is a thousand or a million times less.",
    state: { mean: 0, sd: 1, event: "above", hold: "z", a: 6, b: 6, log: true },
  },
];

export function Room({ lab, state, set, answer }) {
  const [story, setStory] = useState(null);
  const tell = (one) => {
    setStory(one);
    set({ ...plain, ...one.state }, { commit: true });
  };
  return html`<div class="views">
    <div class="stories"><div class="row" role="group" aria-label="Where the bell is met">
      <span class="shown-label">Where it is met:</span>
      ${STORIES.map((one) => html`<${Button} key=${one.label} kind="chip" pressed=${story === one} onClick=${() => tell(one)}>${one.label}</${Button}>`)}
    </div>${story && html`<p class="told">${story.told}</p>`}</div>
    <${Bell} state=${state} set=${set} answer=${answer} />
    <${Sample} lab=${lab} state=${state} set=${set} answer=${answer} />
  </div>`;
}

/** The curve with its handles, and the limits in every language. */
export function Bell({ state, set, answer }) {
  const move = mover(state, set, answer);
  const choose = (event) => {
    const [a, b] = answer.holds.value; // the limits stay where they are; an area stays an area
    move(state.hold === "area" ? { event } : { event, hold: "value", a, b }, { commit: true });
  };
  return html`
    <section class="panel main bell-picture" aria-label="The bell">
      <p class="at-a-glance" aria-hidden="true">P(${written(answer.event.replaceAll("X", "x"))}) <b>${written(answer.percent)}</b></p>
      <${Curve} state=${state} answer=${answer} move=${move} />
      <div class="controls">
        <${Limits} state=${state} answer=${answer} move=${move} />
        <div class="bell-fields"><div class="row">
          <${NumberField} label="Mean" name="mean" value=${state.mean} min=${-1e9 * state.sd} max=${1e9 * state.sd} step=${round(state.sd / 10)}
            onInput=${(mean, how) => move({ mean }, how)} />
          <${NumberField} label="Standard deviation" name="sd" value=${state.sd} min=${Math.max(1e-12, 1e-9 * Math.abs(state.mean))} max=${1e12} step=${round(state.sd / 20)}
            onInput=${(sd, how) => move({ sd }, how)} /></div>
          <${Switch} label="68–95–99.7" help="what lies within 1, 2 and 3 sd" value=${state.rule} onInput=${(rule, how) => set({ rule }, how)} />
          <${Switch} label="Far tails" help="heights as powers of ten" value=${state.log} onInput=${(log, how) => set({ log, view: null }, how)} />
        </div>
      </div>
    </section>
    <${Panel} title="What share lies there?" class="side">
      <${Choice} label="Values of x" value=${state.event} options=${EVENTS} onInput=${choose} />
      <div class="area-said"><p class="event">P(${written(answer.event.replaceAll("X", "x"))})</p>
        <p class="percent">${written(answer.percent)}</p><p class="line">${answer.sentence}</p></div>
      <${Languages} shown=${answer.shown} />
      <p class="help">One place in three languages: the value itself, how many standard deviations from the mean, and the share of all
        values beyond it. Move one, and the others follow.</p>
    </${Panel}>`;
}

const round = (value) => Number(value.toPrecision(1));

/** Changes to the state that leave the axis where it is until the bell has left it. */
function mover(state, set, answer) {
  return (partial, how) => {
    const view = state.view ?? answer.view;
    if (!how.commit) return set({ ...partial, view }, how);
    const { mean, sd, hold, a, b } = { ...state, ...partial };
    const [low, high] = view;
    const inside = (x) => x >= low && x <= high;
    const wide = 7 * sd > 0.3 * (high - low);
    const fits = wide && inside(mean - 3.2 * sd) && inside(mean + 3.2 * sd) && (hold !== "value" || (inside(a) && inside(b)));
    return set({ ...partial, view: fits ? view : null }, how);
  };
}

function Curve({ state, answer, move }) {
  const { shown, holds, view } = answer;
  const [low, high] = view;
  const kept = useRef(null); // the heights on the axis while something moves
  const moving = useRef(false);
  const go = (partial, how) => {
    moving.current = !how.commit;
    move(partial, how);
  };
  const [bottom, top] = answer.heights;
  const room = state.log ? (top - bottom) * 0.16 : top * 0.34;
  const wanted = [bottom, Math.max(top + room, state.log ? -Infinity : 1.05 * barsTop(answer.sample?.bars.density ?? []))];
  if (!moving.current || kept.current?.log !== state.log) kept.current = { log: state.log, y: wanted };
  const ends = state.hold === "value" ? [state.a, state.b] : holds.value;
  const drag = (which) => ({ x }, how) => {
    let [a, b] = which === "a" ? [x, ends[1]] : [ends[0], x];
    if (how.commit && a > b && both(state.event)) [a, b] = [b, a];
    go({ hold: "value", a, b }, how);
  };
  const seen = (x) => Math.min(high, Math.max(low, x));
  const limits = state.event === "below" ? ["b"] : state.event === "above" ? ["a"] : ["a", "b"];
  return html`<${Frame} name="bell" x=${view} y=${kept.current.y} ratio=${0.6} minHeight=${280} maxHeight=${450}
      label=${`Bell curve with mean ${format(shown.mean)} and standard deviation ${format(shown.sd)}; shaded: ${answer.percent}`}
      xLabel="x" yLabel=${state.log ? "density, power of ten" : ""} yTicks=${state.log}
      over=${(frame) => html`
        <${Zs} frame=${frame} state=${state} answer=${answer} />
        <${Handle} name="mean" axis="x" x=${state.mean} y=${top} label="Mean" text=${`mean ${format(shown.mean)}`} step=${round(state.sd / 10)}
          limits=${{ x: view }} onMove=${({ x }, how) => go({ mean: x }, how)}>
          <path class="grip" d="M-11 0l6 -6v12ZM11 0l-6 -6v12Z" /><circle class="dot" r="5" /></${Handle}>
        <${Handle} name="sd" axis="x" x=${state.mean + state.sd} y=${answer.shoulder[1]} label="Standard deviation" text=${`standard deviation ${format(shown.sd)}`}
          step=${round(state.sd / 20)} limits=${{ x: [state.mean + (high - low) / 200, Math.max(high, state.mean + state.sd)] }} class="green"
          onMove=${({ x }, how) => go({ sd: Number((x - state.mean).toPrecision(4)) }, how)}>
          <path class="grip" d="M-12 0l6 -6v12ZM12 0l-6 -6v12Z" /><circle class="dot" r="5" /></${Handle}>
        ${limits.map((which, k) => {
          const x = ends[which === "a" ? 0 : 1];
          return html`<g key=${which}>
            <line class="limit-line" x1=${frame.x(seen(x))} x2=${frame.x(seen(x))} y1=${frame.top + 26} y2=${frame.bottom} />
            <${Handle} name=${which} axis="x" x=${seen(x)} y=${kept.current.y[0]} label=${which === "a" ? "Lower limit a" : "Upper limit b"}
              text=${`${which} is ${format(x)}, ${format(shown[`z_${which}`], 3)} standard deviations from the mean`} step=${round(state.sd / 10)}
              limits=${{ x: view }} onMove=${drag(which)} class="red">
              <path class="flag" d="M0 0l9 10v14h-18v-14Z" /><text class="flag-name" y="20" text-anchor="middle">${which}</text></${Handle}>
            <text class="value" x=${frame.x(seen(x)) + (which === "a" && limits.length > 1 ? -6 : 6)} y=${frame.top + 40}
              text-anchor=${which === "a" && limits.length > 1 ? "end" : "start"}>${format(x)}${x > high ? " →" : x < low ? " ←" : ""}</text></g>`;
        })}`}>
      ${(frame) => html`
        ${answer.sample && !state.log && html`<${Bars} frame=${frame} edges=${answer.sample.bars.edges} heights=${answer.sample.bars.density} tone="grey" />`}
        ${answer.parts.map((part) => html`<path class="shade" d=${`${path(frame.x, frame.y, part.x, part.y)}L${frame.x(part.x[part.x.length - 1]).toFixed(2)} ${frame.bottom}L${frame.x(part.x[0]).toFixed(2)} ${frame.bottom}Z`} />`)}
        ${state.rule && html`<${Rule} frame=${frame} answer=${answer} />`}
        <line class="mean-line" x1=${frame.x(shown.mean)} x2=${frame.x(shown.mean)} y1=${frame.y(top)} y2=${frame.bottom} />
        <path class="mark-line" d=${path(frame.x, frame.y, answer.curve.x, answer.curve.y)} />
        <line class="sd-line" x1=${frame.x(shown.mean)} x2=${frame.x(answer.shoulder[0])} y1=${frame.y(answer.shoulder[1])} y2=${frame.y(answer.shoulder[1])} />
        ${namesSd(frame, state, answer) && (state.log || narrow(frame, answer) || meetsRule(frame, state, answer)
          ? html`<text class="note" x=${frame.x(answer.shoulder[0]) + 16} y=${frame.y(answer.shoulder[1]) + (meetsRule(frame, state, answer) ? 20 : 5)}>sd ${format(shown.sd, 3)}</text>`
          : html`<text class="note" x=${(frame.x(shown.mean) + frame.x(answer.shoulder[0])) / 2} y=${frame.y(answer.shoulder[1]) - 9} text-anchor="middle">sd ${format(shown.sd, 3)}</text>`)}`}
    </${Frame}>`;
}

const both = (event) => event === "between" || event === "outside";

/** The scale of z-scores along the upper edge. */
function Zs({ frame, state, answer }) {
  const { mean, sd } = answer.shown;
  const reach = Math.floor(Math.max(Math.abs(answer.view[0] - mean), Math.abs(answer.view[1] - mean)) / sd);
  const pixels = frame.x(mean + sd) - frame.x(mean);
  const every = [1, 2, 3, 5, 10, 20, 50, 100, 1000].find((k) => k * pixels > 34) ?? 10000;
  const zs = [];
  for (let z = -Math.floor(reach / every) * every; z <= reach; z += every) zs.push(z);
  return html`<g aria-hidden="true" class="z-scale">
    <text class="tick" x=${frame.left + 2} y=${frame.top + 14}>z</text>
    ${zs.filter((z) => frame.x(mean + z * sd) > frame.left + 24 && frame.x(mean + z * sd) < frame.right - 4).map((z) => html`<g key=${z}>
      <line class="grid" x1=${frame.x(mean + z * sd)} x2=${frame.x(mean + z * sd)} y1=${frame.top} y2=${frame.top + 4} />
      <text class="tick" x=${frame.x(mean + z * sd)} y=${frame.top + 16} text-anchor="middle">${format(z)}</text></g>`)}</g>`;
}

/** One, two and three standard deviations, with what lies within. */
function Rule({ frame, answer }) {
  return html`<g class="rule" aria-hidden="true">${answer.intervals.map((one, k) => {
    const y = heightOf(frame, answer, k);
    const [left, right] = [frame.x(one.lower), frame.x(one.upper)];
    return html`<g key=${one.sds}><path d=${`M${left} ${y - 5}v10M${left} ${y}H${right}M${right} ${y - 5}v10`} />
      <text class="note" x=${frame.x(answer.shown.mean) + 6} y=${y - 5}>${fixedShare(one.share)}</text></g>`;
  })}</g>`;
}

// The name of the sd stands on its line, or beside the shoulder where a share of the rule is in the way.
const narrow = (frame, answer) => frame.x(answer.shoulder[0]) - frame.x(answer.shown.mean) < 70;
const meetsRule = (frame, state, answer) => state.rule
  && answer.intervals.some((_, k) => Math.abs(frame.y(answer.shoulder[1]) - heightOf(frame, answer, k)) < 26);
const namesSd = (frame, state, answer) => !(narrow(frame, answer) && meetsRule(frame, state, answer));

const heightOf = (frame, answer, k) => frame.bottom - (3 - k) * Math.min(34, (frame.bottom - frame.top) / 9);
const fixedShare = (share) => `${format(100 * share, 4)} %`;

/** The limits, and what they are in each language. */
function Languages({ shown }) {
  const rows = [
    ["value", "a", "b"], ["z-score", "z_a", "z_b"], ["share", "below_a", "above_b"],
  ];
  const has = { a: "a" in shown, b: "b" in shown };
  const cell = (key) => {
    const value = shown[key];
    // a share next to 1 with all of its nines, so that it is told from certainty
    const nines = /^(a|b|z_a|z_b)$/.test(key) || value >= 1 ? 0 : (value.toFixed(15).match(/^0\.(9*)/)?.[1].length ?? 0);
    return html`<output data-shown=${key} data-value=${JSON.stringify(value)} data-digits=${5 + nines}>${format(value, 5 + nines)}</output>`;
  };
  return html`<table class="languages"><thead><tr><td></td>${has.a && html`<th scope="col">a</th>`}${has.b && html`<th scope="col">b</th>`}</tr></thead>
    <tbody>${rows.map(([label, a, b]) => html`<tr key=${a}><th scope="row">${label}</th>${has.a && html`<td>${label === "share" && html`<small>below </small>`}${cell(a)}</td>`}
      ${has.b && html`<td>${label === "share" && html`<small>above </small>`}${cell(b)}</td>`}</tr>`)}
    <tr><th scope="row">area shaded</th><td colspan=${has.a && has.b ? 2 : 1}>${cell("area")}</td></tr>
    <tr><th scope="row">the rest</th><td colspan=${has.a && has.b ? 2 : 1}>${cell("otherwise")}</td></tr></tbody></table>`;
}

/** Sliders for the limits in the language that is kept while the bell moves. */
function Limits({ state, answer, move }) {
  const { holds } = answer;
  const change = (hold) => {
    const [a, b] = hold === "area" ? [state.a, state.b] : holds[hold];
    move({ hold, a, b, area: holds.area }, { commit: true });
  };
  const which = state.event === "below" ? ["b"] : state.event === "above" ? ["a"] : ["a", "b"];
  const put = (key) => (value, how) => {
    const next = { a: state.a, b: state.b, [key]: value };
    if (how.commit && state.hold !== "tail" && which.length > 1 && next.a > next.b) [next.a, next.b] = [next.b, next.a];
    move(next, how);
  };
  const [low, high] = state.view ?? answer.view;
  const ranges = { value: [low, high, -1e15, 1e15], z: [-5, 5, -37, 37], tail: [1e-9, 0.999, 1e-300, 1 - 1e-15] };
  const label = (key) => ({
    value: `${key}`, z: `z of ${key}`, tail: key === "a" ? "share below a" : "share above b",
  })[state.hold];
  return html`<div class="limits">
    <${Choice} label="Move the limits by" value=${state.hold} options=${HOLDS} onInput=${change} />
    <p class="help">They keep this while the bell moves.</p>
    ${state.hold === "area"
      ? html`<${Wide} label="Area" value=${state.area} min=${0.001} max=${0.999} least=${1e-300} most=${1 - 1e-15}
          onInput=${(area, how) => move({ area }, how)} />`
      : which.map((key) => {
        const [min, max, least, most] = ranges[state.hold];
        return html`<${Wide} key=${`${state.hold}${key}`} label=${label(key)} value=${state[key]} min=${min} max=${max} least=${least} most=${most}
          log=${state.hold === "tail"} onInput=${put(key)} />`;
      })}
  </div>`;
}

/** A slider whose number may be typed beyond its ends. */
function Wide({ label, value, min, max, least, most, log = false, onInput }) {
  const seen = Math.min(max, Math.max(min, value));
  return html`<div class="wide-slider"><${Slider} label=${label} value=${seen} min=${min} max=${max} log=${log} field=${false}
      text=${() => format(value, 5)} onInput=${onInput} />
    <${NumberField} label=${label} hideLabel value=${value} min=${least} max=${most} digits=${8} onInput=${onInput} /></div>`;
}

const SAMPLES = [
  { value: "none", label: "nothing" }, { value: "drawn", label: "random draws" }, { value: "column", label: "my column" },
];

/** Values under the bell: drawn from it, or a column of one's own; their Q-Q plot and verdict. */
function Sample({ lab, state, set, answer }) {
  const { sample, shown, trouble } = answer;
  const fit = () => set({
    mean: Number(shown.sample_mean.toPrecision(6)), sd: Number(shown.sample_sd.toPrecision(6)),
    hold: "z", a: -1, b: 1, event: "between", view: null,
  }, { commit: true });
  const pick = (column, how) => set({ column, sample: "column" }, how);
  return html`<${Panel} title="Are data like that?" class=${sample ? "half" : ""}
      line="Lay values under the bell: drawn from it at random, or a column of your own file.">
      <div class="row sample-choice"><${Choice} label="Under the bell" value=${state.sample} options=${SAMPLES} onInput=${(value, how) => set({ sample: value }, how)} />
        ${state.sample === "drawn" && html`<${NumberField} label="Seed" value=${state.seed} min=${0} max=${2 ** 53} step=${1} whole digits=${16} onInput=${(seed, how) => set({ seed }, how)} />
          <${Button} onClick=${() => set({ seed: state.seed + 1 }, { commit: true })}>New seed</${Button}>`}</div>
      ${state.sample === "drawn" && html`<${Slider} label="How many" value=${state.size} min=${10} max=${100000} log step=${1} digits=${6} onInput=${(size, how) => set({ size }, how)} />`}
      ${state.sample === "column" && html`<${ColumnPicker} lab=${lab} value=${state.column} onInput=${pick} />`}
      <${Problem} problem=${trouble} />
      ${sample && html`<p class="verdict">${sample.name}: ${sample.conclusion}</p><p class="line">${sample.verdict}</p>
        <div class="numbers">
          <${Shown} name="count" label="values" value=${shown.count} digits=${7} tone="small" />
          <${Shown} name="sample_mean" label="their mean" value=${shown.sample_mean} tone="small" />
          <${Shown} name="sample_sd" label="their sd" value=${shown.sample_sd} tone="small" />
          <${Shown} name="sample_share" label="their share in the shaded part" value=${shown.sample_share} tone="small" />
          <${Shown} name="p_value" label="p-value" value=${shown.p_value} digits=${3} tone="small" />
          <${Shown} name="distance" label="largest distance from a bell" value=${shown.distance} digits=${3} tone="small" />
        </div>
        ${state.sample === "column" && html`<${Button} kind="strong" onClick=${fit}>Put the bell on them</${Button}>`}
        <${Findings} findings=${sample.findings.slice(0, 4)} />`}
    </${Panel}>
    ${sample && html`<${Panel} title="Q-Q plot" class="half" line="Each value over where a bell has it. On the line: bell-shaped. Bent at the ends: the tails are heavier or lighter.">
      <${QuantilePlot} qq=${sample.qq} label=${`Q-Q plot of ${sample.name}: ${sample.qq.outside} points outside the band`}
        xLabel="z of a bell" yLabel=${sample.name.slice(0, 40)} bellName="a bell with their mean and sd" /></${Panel}>`}`;
}
