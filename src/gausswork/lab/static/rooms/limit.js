// The central limit theorem: means of n draws from any population beside the predicted bell.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Choice, Findings, NumberField, Panel, Problem, Slider, Switch, useFrames } from "../core/controls.js";
import { format, Shown } from "../core/numbers.js";
import { Frame, Handle, line as path } from "../core/plot.js";
import { Bars, barsTop, QuantilePlot } from "../core/shapes.js";
import { ColumnPicker } from "../core/tables.js";

export const name = "limit";
export const title = "The central limit theorem";
export const line = "Means of n draws pile up as a bell, whatever they are drawn from.";

const POPULATIONS = [
  { value: "uniform", label: "uniform: all alike" },
  { value: "exponential", label: "exponential: waiting times" },
  { value: "dice", label: "a die" },
  { value: "bernoulli", label: "a coin: 0 or 1" },
  { value: "poisson", label: "Poisson: counts" },
  { value: "lognormal", label: "log-normal: incomes" },
  { value: "normal", label: "normal: a bell already" },
  { value: "drawn", label: "a bag that I fill" },
  { value: "column", label: "a column of my file" },
  { value: "student", label: "Student’s t: heavy tails" },
  { value: "pareto", label: "Pareto: a few own most" },
  { value: "cauchy", label: "Cauchy: no mean at all" },
];
const PARAMETERS = {
  bernoulli: { label: "Probability of 1" },
  poisson: { label: "Counts on average", log: true },
  lognormal: { label: "sd of the logarithm" },
  student: { label: "Degrees of freedom: few, heavy tails", log: true, marks: [{ at: 2, label: "no variance", name: "no-variance" }] },
  pareto: { label: "Power of the tail: small, heavy", log: true, marks: [{ at: 2, label: "no variance", name: "no-variance" }] },
};
const MOST = 10_000;
const TALLEST = 20;

export function Room({ lab, state, set, answer }) {
  const [slow, setSlow] = useState(null); // one mean in slow motion
  const [wanted, setWanted] = useState(null); // its number, until its answer is there
  const [growing, setGrowing] = useState(false);
  const still = useRef(answer); // what is seen while one mean is under way
  const last = useRef(0);
  const [, draw] = useState(0);
  const { shown } = answer;

  useEffect(() => {
    if (wanted === null || answer.shown.repeats !== wanted || !answer.latest) return;
    setWanted(null);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm) lab.say(`The mean of the draws is ${format(answer.latest.mean)}.`);
    setSlow({ ...answer.latest, time: calm ? Infinity : 0, began: null });
  }, [answer, wanted]);
  const running = slow !== null && slow.time < ending(slow);
  useFrames(running, (time) => {
    if (slow === null) return; // ended within this frame
    const began = slow.began ?? time;
    slow.began = began;
    slow.time = (time - began) / 1000;
    if (slow.time >= ending(slow)) lab.say(`The mean of the ${slow.draws.length} draws is ${format(slow.mean)}.`);
    draw((n) => n + 1);
  });
  useFrames(growing, (time) => {
    if (!growing || time - last.current < 60) return;
    last.current = time;
    const repeats = Math.min(MOST, state.repeats + Math.max(1, Math.round(state.repeats * 0.05)));
    set({ repeats }, { commit: repeats === MOST });
    if (repeats === MOST) setGrowing(false);
  });
  const hush = () => { setSlow(null); setWanted(null); if (growing) { setGrowing(false); } };
  const change = (partial, how) => { hush(); set(partial, how); };
  const add = (count) => { hush(); set({ repeats: Math.min(MOST, state.repeats + count) }, { commit: true }); };
  const one = () => {
    setGrowing(false);
    setSlow(null);
    still.current = answer;
    setWanted(state.repeats + 1);
    set({ repeats: state.repeats + 1 }, { commit: true });
  };
  const grow = () => {
    if (growing) set({}, { commit: true });
    setSlow(null);
    setGrowing(!growing);
  };
  const under = running || wanted !== null; // a mean is under way: it is not in the pile yet
  const pile = under ? still.current : answer;
  const full = state.repeats >= MOST || (shown.repeats !== undefined && shown.repeats < state.repeats && shown.n === state.n);
  const { trouble } = answer; // the population cannot be drawn from
  return html`<div class="views">
    <div class="stack main">
      <${Population} lab=${lab} state=${state} set=${change} answer=${answer} slow=${slow} />
      ${!trouble && html`<${Means} state=${state} set=${set} answer=${answer} pile=${pile} slow=${slow} />`}
    </div>
    <div class="stack side">
      <${Panel} title="Draw" line="First one in slow motion, then a thousand.">
        <${Slider} label="n, draws to a mean" value=${state.n} min=${1} max=${1000} log step=${1} digits=${4}
          marks=${[{ at: 2, label: "2" }, { at: 30, label: "30" }]} onInput=${(n, how) => change({ n }, how)} />
        <div class="row draw-buttons">
          <${Button} kind="strong" onClick=${one} disabled=${full || state.n > 100}>One, slowly</${Button}>
          <${Button} onClick=${() => add(10)} disabled=${full}>+10</${Button}>
          <${Button} onClick=${() => add(1000)} disabled=${full}>+1000</${Button}>
          <${Button} onClick=${grow} disabled=${full && !growing}>${growing ? "Stop" : "Keep drawing"}</${Button}>
          <${Button} onClick=${() => change({ repeats: 0 }, { commit: true })} disabled=${state.repeats === 0}>Start over</${Button}>
        </div>
        ${shown.repeats < state.repeats && html`<p class="help">With this n two million draws are ${format(shown.repeats, 6)} means: no more are drawn.</p>`}
        ${state.n > 100 && html`<p class="help">In slow motion up to 100 draws to a mean can be followed.</p>`}
        <div class="row"><${NumberField} label="Seed" value=${state.seed} min=${0} max=${2 ** 53} step=${1} whole digits=${16} onInput=${(seed, how) => change({ seed }, how)} />
          <${Button} onClick=${() => change({ seed: state.seed + 1 }, { commit: true })}>New seed</${Button}></div>
      </${Panel}>
      ${!trouble && (answer.no_bell ? html`<${NoBell} answer=${answer} />` : html`<${Prediction} answer=${answer} />`)}
    </div>
    ${answer.qq && html`<${Panel} title="Q-Q plot of the means" class="half"
      line="Each mean over where the predicted bell has it. The straighter, the nearer to a bell; skewness bends it, coarse steps make stairs.">
      <${QuantilePlot} qq=${answer.qq} label=${`Q-Q plot of ${format(answer.qq.count, 6)} means against the predicted bell`}
        xLabel="z of the predicted bell" yLabel="mean of the draws" bellName="the predicted bell" /></${Panel}>`}
    <${Panel} title="Why it matters" class=${answer.qq ? "half why" : "why"}>
      <p>A height is the sum of many genes and meals, a measuring error the sum of many small disturbances, a poll the mean of many
        answers: sums and means are everywhere, and so is the bell. That is why one formula with two numbers, mean and sd, serves for
        all of them: for error bars, for confidence intervals, for the errors of a regression, for the signals in a wide layer of a network.</p>
      <p>It has its price. The bell holds for <em>means</em>, not for the population itself; it comes slowly where the population is
        skewed; and without a variance it does not come at all: try Cauchy.</p>
      <${Findings} findings=${answer.findings} />
    </${Panel}>
  </div>`;
}

const each = (slow) => Math.min(0.4, 2.4 / slow.draws.length); // seconds to a draw
const averaging = (slow) => each(slow) * slow.draws.length + 0.3;
const falling = (slow) => averaging(slow) + 0.6;
const ending = (slow) => falling(slow) + 0.8;

/** What is drawn from; a bag is filled by painting. */
function Population({ lab, state, set, answer, slow }) {
  const own = PARAMETERS[state.population];
  const { parameter } = answer;
  const choose = (population, how) => set({ population, parameter: null }, how);
  return html`<${Panel} title="The population" line=${state.population === "drawn"
    ? "Paint how many tickets with each number are in the bag: by mouse or finger, or with the arrow keys at the pencil."
    : "What single draws look like. Choose one that is nothing like a bell."}>
    <div class="row population-choice">
      <${Choice} label="Draw from" value=${state.population} options=${POPULATIONS} as="list" onInput=${choose} />
      ${own && parameter && html`<${Slider} label=${own.label} value=${parameter.value} min=${parameter.least} max=${parameter.most}
        log=${!!own.log} marks=${own.marks ?? []} onInput=${(value, how) => set({ parameter: value }, how)} />`}
      ${state.population === "drawn" && html`<${Button} onClick=${() => set({ heights: Array(21).fill(0).map((_, k) => (k === 10 ? 1 : 0)) }, { commit: true })}>Empty the bag</${Button}>`}
    </div>
    ${state.population === "column" && html`<${ColumnPicker} lab=${lab} value=${state.column} onInput=${(column, how) => set({ column }, how)} />`}
    <${Problem} problem=${answer.trouble} />
    ${state.population === "drawn"
      ? html`<${Bag} state=${state} set=${set} answer=${answer} slow=${slow} />`
      : answer.population && html`<${Frame} name="population" label=${`The population: ${answer.law}`} x=${roomy(answer.wide)} y=${[0, 1.2 * barsTop(answer.population.density)]}
          yTicks=${false} ratio=${0.26} minHeight=${150} maxHeight=${210} over=${(frame) => html`<${Draws} frame=${frame} slow=${slow} />`}>
          ${(frame) => html`<${Bars} frame=${frame} edges=${answer.population.edges} heights=${answer.population.density} tone="grey" gap=${0} />
            <${Mean} frame=${frame} answer=${answer} />`}
        </${Frame}>`}
  </${Panel}>`;
}

const roomy = ([low, high]) => [low - (high - low) * 0.02, high + (high - low) * 0.02];

function Mean({ frame, answer }) {
  const at = answer.shown.population_mean;
  if (at === undefined) return null;
  return html`<g><line class="mean-line" x1=${frame.x(at)} x2=${frame.x(at)} y1=${frame.top} y2=${frame.bottom} />
    <text class="note" x=${frame.x(at) + 6} y=${frame.top + 14}>mean ${format(at)}</text></g>`;
}

/** The draws of one mean, as far as they have come, and their mean. */
function Draws({ frame, slow }) {
  if (!slow) return null;
  const come = Math.min(slow.draws.length, Math.floor(slow.time / each(slow)) + 1);
  const { pile } = slow.draws.slice(0, come).reduce(({ pile: dots, counts }, value) => {
    const u = Math.min(frame.right, Math.max(frame.left, frame.x(value)));
    const place = Math.round(u / 9);
    counts[place] = (counts[place] ?? 0) + 1;
    dots.push([u, frame.bottom - 7 - Math.min(12, counts[place] - 1) * 9]);
    return { pile: dots, counts };
  }, { pile: [], counts: {} });
  const mean = slow.time >= averaging(slow);
  return html`<g class="draws">${pile.map(([u, v], k) => html`<circle key=${k} cx=${u} cy=${v} r="5" />`)}
    ${mean && html`<line class="latest-line" x1=${frame.x(slow.mean)} x2=${frame.x(slow.mean)} y1=${frame.top + 20} y2=${frame.bottom} />
      <text class="note" x=${frame.x(slow.mean) + 7} y=${frame.top + 34}>their mean: ${format(slow.mean, 3)}</text>`}</g>`;
}

/** So many tickets with the numbers 0 to 20, painted. */
function Bag({ state, set, answer, slow }) {
  const [pencil, setPencil] = useState(10);
  const before = useRef(null);
  const clamp = (value, most) => Math.min(most, Math.max(0, Math.round(value)));
  const paint = ({ x, y }, commit) => {
    const [to, height] = [clamp(x, 20), clamp(y, TALLEST)];
    const from = before.current ?? { x: to, y: height };
    const heights = [...state.heights];
    const steps = Math.abs(to - from.x);
    for (let k = 0; k <= steps; k += 1) { // a quick stroke leaves no bar out
      const share = steps ? k / steps : 1;
      heights[from.x + Math.sign(to - from.x) * k] = clamp(from.y + (height - from.y) * share, TALLEST);
    }
    before.current = commit ? null : { x: to, y: height };
    setPencil(to);
    set({ heights }, { commit });
  };
  const edges = Array.from({ length: 22 }, (_, k) => k - 0.5);
  return html`<${Frame} name="bag" label="The bag: how many tickets with each number from 0 to 20" x=${[-0.92, 20.92]} y=${[0, TALLEST + 2]} yTicks=${false}
      ratio=${0.26} minHeight=${170} maxHeight=${220} onPress=${(at) => { before.current = null; paint(at, false); }} onDrag=${(at) => paint(at, false)} onRelease=${(at) => paint(at, true)}
      over=${(frame) => html`<${Handle} name="pencil" axis="both" x=${pencil} y=${state.heights[pencil]} label="Pencil: left and right choose a number, up and down change its tickets"
          text=${`${state.heights[pencil]} tickets with the number ${pencil}`} step=${[1, 1]} limits=${{ x: [0, 20], y: [0, TALLEST] }} snap=${(at) => ({ x: Math.round(at.x), y: Math.round(at.y) })}
          onMove=${(at, { commit }) => {
            if (frame.held.current) paint(at, commit); // dragged
            else if (at.x !== pencil) setPencil(at.x);
            else set({ heights: state.heights.map((height, k) => (k === pencil ? at.y : height)) }, { commit: true });
          }} class="red"><path class="flag" d="M0 0l5 -8l16 -16l7 7l-16 16Z" /></${Handle}>
        <${Draws} frame=${frame} slow=${slow} />`}>
      ${(frame) => html`<${Bars} frame=${frame} edges=${edges} heights=${state.heights} tone="grey" gap=${4} />
        <${Mean} frame=${frame} answer=${answer} />`}
    </${Frame}>`;
}

/** The pile of means under the predicted bell. */
function Means({ state, set, answer, pile, slow }) {
  const { bell, means, medians } = pile;
  const predicted = bell ?? { x: [], y: [] };
  const top = 1.12 * Math.max(barsTop(predicted.y), bell || means === null ? 0 : barsTop(means.density), medians ? Math.min(barsTop(medians.density), 3 * barsTop(means.density)) : 0,
    bell && means && means.count > 60 ? Math.min(barsTop(means.density), 2 * barsTop(predicted.y)) : 0) || 1;
  const x = state.close ? answer.close : state.population === "drawn" ? [-0.92, 20.92] : roomy(answer.wide);
  const count = means ? means.count : 0;
  return html`<${Panel} title=${`${format(count, 7)} means of ${format(state.n, 4)} ${state.n === 1 ? "draw" : "draws"}`}
      line=${answer.no_bell ? "There is no bell to predict. Blue: the means, green: the medians."
        : "Bars: the means drawn. Line: the bell that the theorem predicts before anything is drawn."}>
    <div class="row">${!answer.no_bell && html`<${Switch} label="Close up" value=${state.close} onInput=${(close, how) => set({ close }, how)} />`}
      ${means && means.below + means.above > 0 && html`<span class="help">${format(means.below + means.above)} farther out</span>`}</div>
    <${Frame} name="means" label=${`Histogram of ${format(count, 7)} means${bell ? " under the predicted bell" : ""}`} x=${x} y=${[0, top]} yTicks=${false}
      xLabel=${`mean of ${format(state.n, 4)} ${state.n === 1 ? "draw" : "draws"}`} ratio=${0.36} minHeight=${200} maxHeight=${300}
      over=${(frame) => slow && slow.time >= falling(slow) && html`<circle class="falling" cx=${frame.x(slow.mean)} cy=${fall(frame, slow)} r="6" />`}>
      ${(frame) => html`
        ${means && html`<${Bars} frame=${frame} edges=${means.edges} heights=${means.density} tone="blue" gap=${state.close ? 1 : 0} />`}
        ${medians && html`<${Bars} frame=${frame} edges=${medians.edges} heights=${medians.density} tone="green" gap=${0} />`}
        ${bell && html`<path class="mark-line s-red" d=${path(frame.x, frame.y, bell.x, bell.y)} />`}`}
    </${Frame}>
  </${Panel}>`;
}

function fall(frame, slow) {
  const share = Math.min(1, Math.max(0, (slow.time - falling(slow)) / 0.7));
  return frame.top + (frame.bottom - 6 - frame.top) * share * share; // as things fall
}

function Prediction({ answer }) {
  const { shown } = answer;
  const cell = (key, tone = "") => html`<output class=${tone} data-shown=${key} data-value=${JSON.stringify(shown[key] ?? null)} data-digits="4">${format(shown[key], 4)}</output>`;
  return html`<${Panel} title="Predicted, and seen">
    <div class="scroll"><table class="predicted"><thead><tr><td></td><th scope="col">one draw</th><th scope="col">predicted</th><th scope="col">seen</th></tr></thead><tbody>
      <tr><th scope="row">mean</th><td>${cell("population_mean")}</td><td>${cell("predicted_mean", "red")}</td><td>${"mean_of_means" in shown ? cell("mean_of_means", "blue") : "–"}</td></tr>
      <tr><th scope="row">sd</th><td>${cell("population_sd")}</td><td>${cell("predicted_sd", "red")}</td><td>${"sd_of_means" in shown ? cell("sd_of_means", "blue") : "–"}</td></tr>
    </tbody></table></div>
    <p class="help">Predicted: the same mean, and the sd of one draw divided by √n = √${format(shown.n)}.</p>
    ${"distance" in shown && html`<div class="numbers">
      <${Shown} name="distance" label="off the predicted bell by at most" value=${shown.distance} digits=${3} tone="small" />
      <${Shown} name="noise" label="chance alone reaches" value=${shown.noise} digits=${3} tone="small" /></div>
    <p class="line">${answer.verdict}</p>`}
  </${Panel}>`;
}

function NoBell({ answer }) {
  const { shown } = answer;
  return html`<${Panel} title="No bell here"><p>${capital(answer.no_bell)}</p>
    ${"half_of_means" in shown && html`<p class="help">How wide the middle half of them lies:</p><div class="numbers">
      <${Shown} name="half_of_draws" label="single draws" value=${shown.half_of_draws} digits=${3} />
      <${Shown} name="half_of_means" label=${`means of ${format(shown.n)}`} value=${shown.half_of_means} digits=${3} tone="blue" />
      <${Shown} name="half_of_medians" label=${`medians of ${format(shown.n)}`} value=${shown.half_of_medians} digits=${3} tone="green" /></div>
      <p class="line">Move n: the medians come together; the means hardly do, or not at all.</p>`}
  </${Panel}>`;
}

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
