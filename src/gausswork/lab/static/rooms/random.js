// Random numbers: randn, rand and randint side by side, what was drawn and what theory says.
import { html, useRef, useState } from "../vendor/preact.js";
import { Button, NumberField, Panel, Problem, Slider, useFrames } from "../core/controls.js";
import { format, Shown } from "../core/numbers.js";
import { Frame } from "../core/plot.js";
import { Bars, barsTop, smooth } from "../core/shapes.js";

export const name = "random";
export const title = "Random numbers";
export const line = "Chance fills the bars, theory is the line; the same seed draws the same numbers.";

const WATCH = 4000; // milliseconds in which the histograms fill up
const MOST = 1_000_000;

const KINDS = {
  normal: {
    tone: "blue",
    title: "randn: normal",
    line: "A bell: any number can come, most of them near the mean.",
    ends: [["mean", "mean"], ["sd", "sd"]],
  },
  uniform: {
    tone: "green",
    title: "rand: uniform",
    line: "A box: every number in the range is as likely as any other.",
    ends: [["low", "from"], ["high", "up to"]],
  },
  integers: {
    tone: "red",
    title: "randint: whole numbers",
    line: "A die: whole numbers, each as likely as any other; the upper end does not come.",
    ends: [["start", "from"], ["stop", "below"]],
  },
};

export function Room({ lab, state, set, answer }) {
  const [watching, setWatching] = useState(null); // when the watching began, and up to which size
  const last = useRef(0);
  useFrames(watching !== null, (time) => {
    if (watching === null) return; // stopped within this frame
    const began = watching.began ?? time;
    if (watching.began === null) setWatching({ ...watching, began });
    const share = Math.min(1, (time - began) / WATCH);
    if (time - last.current < 40 && share < 1) return;
    last.current = time;
    const size = Math.round(100 * (watching.size / 100) ** share);
    set({ size }, { commit: share === 1 });
    if (share === 1) setWatching(null);
  });
  const watch = () => {
    if (watching) {
      set({ size: watching.size }, { commit: true });
      setWatching(null);
      return;
    }
    setWatching({ began: null, size: Math.max(state.size, 1000) });
  };
  const seed = (value) => set({ seed: value }, { commit: true });
  return html`<div class="views">
    <${Panel} title="One seed, three samplers" class="random-head"
      line="The seed is where the draws begin. Draw again with it, and the very same numbers come; another seed brings others of the same shape.">
      <div class="controls">
        <div class="row">
          <${NumberField} label="Seed" name="seed" value=${state.seed} min=${0} max=${2 ** 53} step=${1} whole digits=${16}
            onInput=${seed} />
          <${Button} kind="strong" onClick=${() => seed(state.seed + 1)}>New seed</${Button}>
          <${Button} onClick=${watch}>${watching ? "Stop" : "Watch it fill up"}</${Button}>
        </div>
        <${Slider} label="How many of each" value=${state.size} min=${100} max=${MOST} log digits=${7}
          step=${1} onInput=${(size, how) => { setWatching(null); set({ size }, how); }} />
      </div>
    </${Panel}>
    <${Problem} problem=${answer.trouble} />
    ${Object.keys(KINDS).map((key) => html`<${Sampler} key=${key} kind=${KINDS[key]} one=${answer.samplers.find((one) => one.name === key)}
      state=${state} set=${set} shown=${answer.shown} />`)}
    <${Panel} title="Same seed, same numbers">
      <p class="line">The names in the three libraries go together; the digits do not: each has a stream of its own. With gausswork the same seed
        gives the same bits in NumPy and in PyTorch, on any machine and any number of threads; more values leave the first ones as they were.</p>
    </${Panel}>
  </div>`;
}

/** One sampler; without a drawing, where a range is empty, its range can still be corrected. */
function Sampler({ kind, one, state, set, shown }) {
  const ends = html`<div class="row ends">${kind.ends.map(([key, label]) => html`<${NumberField} key=${key} label=${label} name=${key}
    value=${state[key]} min=${key === "sd" ? 1e-9 : -1e9} max=${1e9} step=${key === "sd" ? null : 1} whole=${kind === KINDS.integers}
    onInput=${(value, how) => set({ [key]: value }, how)} />`)}</div>`;
  if (!one) return html`<${Panel} title=${kind.title} line=${kind.line} class="third">${ends}</${Panel}>`;
  const of = one.torch_name;
  const whole = one.name === "integers";
  const middles = one.edges.slice(1).map((edge, k) => (edge + one.edges[k]) / 2);
  const room = (one.edges[one.edges.length - 1] - one.edges[0]) * 0.04;
  const top = 1.15 * Math.max(barsTop(one.counts), barsTop(one.expected));
  const number = (key) => shown[`${of}_${key}`];
  return html`<${Panel} title=${kind.title} line=${kind.line} class="third">
    <${Frame} name=${of} label=${`Histogram of ${format(shown.size, 7)} values of ${of}, and theory as a line`}
      x=${[one.edges[0] - room, one.edges[one.edges.length - 1] + room]} y=${[0, top]} xLabel=${`range: ${one.range}`}
      yTicks=${false} ratio=${0.62} minHeight=${200} maxHeight=${300}>
      ${(frame) => html`
        <${Bars} frame=${frame} edges=${one.edges} heights=${one.counts} tone=${kind.tone} />
        ${one.name === "normal" && html`<path class="mark-line s-ink" d=${smooth(frame, middles, one.expected)} />`}
        ${one.name === "uniform" && html`<path class="mark-line s-ink" d=${box(frame, one)} />`}
        ${whole && middles.map((x, k) => html`<path class="theory-mark" d=${diamond(frame.x(x), frame.y(one.expected[k]))} />`)}`}
    </${Frame}>
    ${ends}
    <div class="scroll"><table class="seen"><thead><tr><td></td><th scope="col">drawn</th><th scope="col">theory</th></tr></thead><tbody>
      ${["mean", "sd"].map((key) => html`<tr key=${key}><th scope="row">${key}</th>
        <td><${Cell} name=${`${of}_${key}`} value=${number(key)} /></td>
        <td><${Cell} name=${`${of}_theory_${key}`} value=${number(`theory_${key}`)} /></td></tr>`)}
      <tr><th scope="row">least, largest</th>
        <td><${Cell} name=${`${of}_least`} value=${number("least")} /> … <${Cell} name=${`${of}_largest`} value=${number("largest")} /></td>
        <td>${one.range}</td></tr>
    </tbody></table></div>
    <p class="firsts"><span class="shown-label">The first ones: </span>
      <output data-shown=${`${of}_first`} data-value=${JSON.stringify(number("first"))}>${number("first").map((v) => format(v, 3)).join("   ")}</output></p>
    <p class="purpose"><b>What it is for:</b> ${one.purpose}.</p>
    <dl class="in-code">${Object.entries({ gausswork: one.lines.gausswork, PyTorch: one.lines.torch, NumPy: one.lines.NumPy }).map(([library, code]) => html`
      <dt>${library}</dt><dd><code>${code}</code></dd>`)}</dl>
    <${Shown} name=${`${of}_p_value`} label="Chance alone is this far from theory, or farther, with probability" value=${number("p_value")} digits=${2} tone="small" />
  </${Panel}>`;
}

const Cell = ({ name: key, value }) => html`<output data-shown=${key} data-value=${JSON.stringify(value)} data-digits="4">${format(value, 4)}</output>`;

const diamond = (x, y) => `M${x} ${y - 5}l5 5l-5 5l-5 -5Z`;

function box(frame, one) {
  const [left, right] = [frame.x(one.edges[0]), frame.x(one.edges[one.edges.length - 1])];
  const height = frame.y(one.expected[0]);
  return `M${left} ${frame.bottom}V${height}H${right}V${frame.bottom}`;
}
