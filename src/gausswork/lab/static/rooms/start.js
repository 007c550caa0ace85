// Room "initialisation": what a scheme makes of a deep network, layer by layer, and what it learns.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Choice, Findings, NumberField, Panel, Slider } from "../core/controls.js";
import { format, percent, Shown } from "../core/numbers.js";
import { Frame, line as path } from "../core/plot.js";
import { Training } from "./start-training.js";

export const name = "start";
export const title = "Initialisation";
export const line = "See signals and gradients die, explode or arrive, layer by layer, before any training.";

export const needs = "gausswork[torch,sklearn]"; // for the script

export const waiting = "Loading PyTorch: a few seconds, once for each start of the lab …";

export const SCHEMES = ["zeros", "rand", "randn", "default", "lecun", "xavier", "he", "orthogonal"];
const ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "linear"];
const WORDS = {
  zeros: "all weights 0", rand: "uniform, 0 to 1", randn: "bell with sd 1", default: "PyTorch’s own",
  lecun: "variance 1 / inputs", xavier: "Glorot’s: between inputs and outputs", he: "He’s: 2 / inputs for ReLU",
  orthogonal: "turns, never stretches",
};
const DATA = [
  { value: "digits", label: "digits", title: "1 797 handwritten digits of scikit-learn" },
  { value: "made", label: "made up", title: "two classes from random numbers" },
];

export function Room({ lab, state, set, answer }) {
  const moving = useRef(false);
  const change = (partial, how) => {
    moving.current = how?.commit === false;
    set({ ...partial, trained: false }, how);
  };
  const one = (field) => (value, how) => change({ [field]: value }, how);
  const { doctor } = answer;
  return html`<div class="views">
    <${Panel} title="The network" class="side" line="Every change acts at once, on the same batch.">
      <div class="stack">
        <${Choice} label="Weights begin as" as="segments" value=${state.scheme} onInput=${one("scheme")}
          options=${SCHEMES.map((value) => ({ value, label: value, title: WORDS[value] }))} />
        <p class="help scheme-words">${WORDS[state.scheme]}: <b>${answer.law}</b></p>
        <${Slider} label="All weights times" log min=${0.01} max=${100} value=${state.scale} digits=${3}
          marks=${answer.marks} onInput=${one("scale")} />
        <${Slider} label="Hidden layers" min=${1} max=${40} step=${1} value=${state.depth} onInput=${one("depth")} />
        <${Slider} label="Units in each" log min=${2} max=${256} step=${1} value=${state.width} onInput=${one("width")} />
        <div class="row spread"><${Choice} label="Activation" as="list" value=${state.activation} onInput=${one("activation")} options=${ACTIVATIONS} />
        <${Choice} label="Data" value=${state.data} onInput=${one("data")} options=${DATA} />
        <${NumberField} label="Seed" value=${state.seed} min=${0} max=${4294967295} whole digits=${10} onInput=${one("seed")} /></div>
      </div>
    </${Panel}>
    <div class="main stack">${doctor
      ? html`<${Doctor} doctor=${doctor} answer=${answer} state=${state} change=${change} /><${Growth} doctor=${doctor} />`
      : html`<${Missing} answer=${answer} />`}</div>
    ${doctor && html`
      <${Ridges} doctor=${doctor} of="activations" title="Signals, layer by layer" moving=${moving}
        line="How large the numbers are that each layer passes on. Good starts keep every layer in the same place." tone="blue" />
      <${Ridges} doctor=${doctor} of="gradients" title="Gradients, layer by layer" moving=${moving}
        line="What each layer is told to change, coming back from the output below. Far left: it is told nothing." tone="red" />`}
    <${Weights} answer=${answer} state=${state} />
    <${Training} lab=${lab} state=${state} set=${set} change=${change} missing=${answer.missing} />
  </div>`;
}

/** The verdict, large, with the numbers behind it and what to do. */
function Doctor({ doctor, answer, state, change }) {
  const { shown } = answer;
  const silent = "nothing arrives: 0 / 0";
  const cure = !doctor.healthy && state.scheme !== "he";
  return html`<${Panel} title="What the doctor says">
    <div class=${`doctor ${doctor.healthy ? "well" : "ill"}`} data-healthy=${String(doctor.healthy)}>
      <span class="doctor-sign" aria-hidden="true">${doctor.healthy ? "✓" : "✗"}</span>
      <p class="verdict" data-verdict>${doctor.verdict}</p>
      ${cure && html`<${Button} kind="strong" onClick=${() => change({ scheme: "he", scale: 1 }, { commit: true })}>Try He</${Button}>`}
    </div>
    <div class="numbers">
      <${Shown} name="forward" label="Signals per layer ×" value=${shown.forward} none=${silent} digits=${3} tone="blue" />
      <${Shown} name="backward" label="Gradients per layer ×" value=${shown.backward} none=${silent} digits=${3} tone="red" />
      <${Shown} name="forward_total" label="Signals in all ×" value=${shown.forward_total} none=${silent} digits=${3} tone="blue" />
      <${Shown} name="backward_total" label="Gradients in all ×" value=${shown.backward_total} none=${silent} digits=${3} tone="red" />
      <${Shown} name="loss" label="Loss at the start" value=${shown.loss} digits=${4} />
    </div>
    <div class="doctor-findings"><${Findings} findings=${doctor.findings}
      none="Nothing wrong: signals arrive at the end, gradients at the beginning, and no two units are alike." /></div>
  </${Panel}>`;
}

/** Without PyTorch: what to install, and what is shown nevertheless. */
function Missing({ answer }) {
  return html`<${Panel} title="The doctor needs PyTorch">
    <p class="verdict">${answer.missing}</p>
    <p class="line">Then start the lab again. What theory and NumPy can say is below: what the weights are
      drawn from, and what that does to the gradients of a wide network.</p>
  </${Panel}>`;
}

/** A histogram for each layer, the first on top, all on one axis. */
function Ridges({ doctor, of, title: head, line: said, tone, moving }) {
  const [log, setLog] = useState(true);
  const picture = doctor[`${of}_${log ? "log" : "linear"}`];
  const held = useRef(null);
  const own = log ? picture.edges.map((edge) => 10 ** edge) : picture.edges;
  // while a slider moves the axis holds still; what leaves it is cut off at its ends
  if (!moving.current || !held.current || held.current.log !== log) held.current = { log, range: own };
  const { range } = held.current;
  const rows = doctor.layers.length;
  const bins = picture.counts[0].length;
  const edge = (k) => {
    const at = picture.edges[0] + (k / bins) * (picture.edges[1] - picture.edges[0]);
    return log ? 10 ** at : at;
  };
  const every = Math.ceil(rows / 14);
  return html`<${Panel} title=${head} line=${said} class="half">
    <${Frame} name=${of} x=${range} y=${[0, rows + 0.7]} xLog=${log} yTicks=${false} minHeight=${Math.min(520, 130 + 26 * rows)}
      ratio=${0.5} xLabel=${log ? "size of the numbers" : "the numbers"} label=${`${head}: histograms of ${rows} layers`}>
      ${(f) => picture.counts.map((counts, i) => {
        const base = rows - 1 - i;
        const most = Math.max(...counts, 1);
        const y = (count) => f.y(base + (1.55 * count) / most).toFixed(1);
        let d = `M${f.x(edge(0)).toFixed(1)} ${y(0)}`;
        counts.forEach((count, k) => { d += `V${y(count)}H${f.x(edge(k + 1)).toFixed(1)}`; });
        d += `V${y(0)}Z`;
        const zeros = picture.zeros[i];
        const empty = !counts.some((count) => count > 0);
        return html`<g key=${i}>
          ${!empty && html`<path d=${d} class=${`ridge ${tone}`} />`}
          <line class="ridge-base" x1=${f.left} x2=${f.right} y1=${f.y(base)} y2=${f.y(base)} />
          ${(i % every === 0 || i === rows - 1) && html`<text class="note small" x=${f.left + 5} y=${f.y(base) - 4}>${doctor.layers[i].name}</text>`}
          ${zeros > 0.005 && html`<text class="note small" text-anchor="end" x=${f.right - 5} y=${f.y(base) - 4}>${percent(zeros, 2)} zero</text>`}
        </g>`;
      })}
    </${Frame}>
    <${Choice} label="Axis" value=${log} onInput=${setLog}
      options=${[{ value: true, label: "sizes, in powers of ten" }, { value: false, label: "the numbers themselves" }]} />
  </${Panel}>`;
}

/** Sizes over the depth, measured and predicted. */
function Growth({ doctor }) {
  const { growth, layers } = doctor;
  const at = layers.map((_, i) => i + 1);
  const positive = (values) => values.map((v) => (v !== null && v > 0 ? v : null));
  const curves = [
    ["signals", "blue", positive(growth.signals), positive(growth.signals_theory)],
    ["gradients", "red", positive(growth.gradients), positive(growth.gradients_theory)],
  ];
  const all = curves.flatMap(([, , measured]) => measured.filter((v) => v !== null));
  const low = Math.min(0.1, ...all);
  const high = Math.max(10, ...all);
  const decade = (v, up) => 10 ** (up ? Math.ceil : Math.floor)(Math.log10(v));
  const y = [Math.max(1e-30, decade(low, false)), Math.min(1e30, decade(high, true))];
  return html`<${Panel} title="How they grow or shrink"
      line="Signals start at 1 in the first layer, gradients at 1 in the last. Flat is healthy; dotted is the theory of wide networks.">
    <${Frame} name="growth" x=${[0.5, layers.length + 0.5]} y=${y} yLog xLabel="layer" yLabel="size, relative"
      label="Sizes of signals and gradients over the depth" minHeight=${280} maxHeight=${300}>
      ${(f) => html`<line class="one" x1=${f.left} x2=${f.right} y1=${f.y(1)} y2=${f.y(1)} />
        ${curves.map(([what, tone, measured, theory]) => html`<g key=${what}>
          <path class=${`mark-line s-${tone} dotted`} d=${path(f.x, f.y, at, theory)} />
          <path class=${`mark-line s-${tone}`} d=${path(f.x, f.y, at, measured)} />
          ${layers.length <= 24 && measured.map((v, i) => v !== null && html`<circle key=${i} class=${`f-${tone}`} r="3.5" cx=${f.x(at[i])} cy=${f.y(v)} />`)}
        </g>`)}
        <text class="note f-blue" x=${f.x(1) + 8} y=${beside(f, curves[0][2][1])}>signals</text>
        <text class="note f-red" x=${f.x(at.at(-1)) - 8} y=${beside(f, curves[1][2].at(-2))} text-anchor="end">gradients</text>`}
    </${Frame}>
  </${Panel}>`;
}

/** Where the name of a curve that begins at 1 stands: on the side that it does not turn to. */
const beside = (f, next) => f.y(1) + (next !== null && next !== undefined && next > 1 ? 20 : -10);

/** What one layer is drawn from, and what theory says of it. */
function Weights({ answer, state }) {
  const { weights, theory, edge, shown } = answer;
  const { edges, counts, zeros } = weights;
  const most = Math.max(...counts, 1);
  const range = edges.at(-1) > edges[0] ? [edges[0], edges.at(-1)] : [-1, 1];
  const phase = { ordered: "ordered: gradients shrink", critical: "critical: gradients keep their size", chaotic: "chaotic: gradients grow" };
  return html`<${Panel} title="The weights of one layer"
      line=${`${answer.law}: ${format(state.width)} × ${format(state.width)} weights, drawn with this seed.`}>
    <div class="weights"><${Frame} name="weights" x=${range} y=${[0, most * 1.08]} yTicks=${false} xLabel="weight" minHeight=${200} maxHeight=${230}
      label="Histogram of the weights of one layer">
      ${(f) => zeros > 0.99
        ? html`<line class="mark-line s-purple" x1=${f.x(0)} x2=${f.x(0)} y1=${f.bottom} y2=${f.top + 6} />
          <text class="note" x=${f.x(0) + 10} y=${f.top + 24}>every weight is 0</text>`
        : counts.map((count, k) => html`<rect key=${k} class="weight-bar" x=${f.x(edges[k])} y=${f.y(count)}
          width=${Math.max(0.5, f.x(edges[k + 1]) - f.x(edges[k]) - 0.5)} height=${f.bottom - f.y(count)} />`)}
    </${Frame}>
    <div><div class="numbers">
      <${Shown} name="weight_sd" label="sd of a weight" value=${shown.weight_sd} digits=${4} />
      <${Shown} name="weight_variance" label="inputs · variance" value=${shown.weight_variance} digits=${3} />
      ${"chi" in shown && html`<${Shown} name="chi" label="χ₁: squared gradients × per layer" value=${shown.chi} digits=${3} />`}
    </div>
    <p class="line">${theory
      ? html`In a wide network this start is <b>${phase[theory.phase]}</b>.${typeof edge === "number" && html` For ${state.activation}, inputs · variance = <b>${format(edge, 3)}</b> is the edge between the two.`}`
      : "Theory speaks of weights that vary about zero; these do not."}</p></div></div>
  </${Panel}>`;
}
