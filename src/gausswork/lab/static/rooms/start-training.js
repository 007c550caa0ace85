// The same network trained under each scheme: live, stopped at will, found again after a reload.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Findings, NumberField, Panel, Problem, Slider } from "../core/controls.js";
import { format, percent } from "../core/numbers.js";
import { Frame, line as path } from "../core/plot.js";

const SCHEMES = ["zeros", "rand", "randn", "default", "lecun", "xavier", "he", "orthogonal"];
const TONES = {
  zeros: "soft", rand: "gold", randn: "red", default: "purple", lecun: "sky", xavier: "blue", he: "green", orthogonal: "ink",
};
const DASHES = { zeros: "2 4", rand: "9 4 2 4", randn: "9 5", default: "5 3", lecun: "12 4", xavier: "14 3 3 3", he: "", orthogonal: "3 3" };
const KEPT = "start-training"; // beside the states of the rooms
const FIELDS = ["depth", "width", "activation", "scale", "seed", "data", "schemes", "networks", "epochs", "rate"];
const OFF_SCALE = 12; // a loss above it is said, not drawn: it would hide all others

/** What of a state a training depends on. */
const asked = (state) => Object.fromEntries(FIELDS.map((field) => [field, state[field]]));
const alike = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A training: what was asked, how far it is, and how to stop it. It outlives a reload. */
function useTraining(lab, set) {
  const [run, setRun] = useState(() => lab.storage.read(KEPT));
  const [live, setLive] = useState(false);
  const [problem, setProblem] = useState(null);
  const work = useRef(null);
  const latest = useRef(run);
  const put = (change) => {
    latest.current = { ...latest.current, ...change };
    setRun(latest.current);
  };
  const keep = () => lab.storage.write(KEPT, latest.current);
  const handlers = {
    job: (job) => { put({ job }); keep(); },
    part: (part) => { put({ part }); keep(); },
    done: ({ stopped }) => {
      setLive(false);
      put({ ended: true, stopped });
      keep();
      const learned = latest.current.part?.outcome?.schemes.filter((one) => one.learned === one.networks).map((one) => one.name);
      if (stopped) lab.say(`Training stopped after epoch ${latest.current.part?.epoch ?? 0}.`);
      else {
        lab.say(`Training done. ${learned?.length ? `Learned: ${learned.join(", ")}.` : "No scheme learned in every network."}`);
        set((now) => (alike(asked(now), latest.current.asked) ? { trained: true } : {}), { commit: true });
      }
    },
    error: (found) => { setLive(false); put({ ended: true, stopped: true }); keep(); setProblem(found); },
  };
  useEffect(() => {
    // a reload, or another room in between: what runs is followed further
    if (latest.current && !latest.current.ended && latest.current.job) {
      setLive(true);
      work.current = lab.asker.follow(latest.current.job, 0, handlers);
    }
  }, []);
  return {
    run, live, problem,
    start: (state) => {
      latest.current = { asked: asked(state), job: null, part: null, ended: false, stopped: false };
      setRun(latest.current);
      setProblem(null);
      setLive(true);
      lab.say("Training begins.");
      work.current = lab.asker.train("start", state, handlers);
    },
    stop: () => work.current?.stop(),
  };
}

export function Training({ lab, state, set, change, missing }) {
  const { run, live, problem, start, stop } = useTraining(lab, set);
  const one = (field) => (value, how) => change({ [field]: value }, how);
  const toggle = (scheme) => {
    const chosen = state.schemes.includes(scheme) ? state.schemes.filter((s) => s !== scheme) : SCHEMES.filter((s) => s === scheme || state.schemes.includes(s));
    if (chosen.length) change({ schemes: chosen }, { commit: true });
  };
  const old = run && !live && !alike(run.asked, asked(state));
  const part = run?.part;
  return html`<${Panel} title="Train it under each scheme" wide class="training"
      line="The same network, the same rows in the same order; only the first weights differ. Lines are means over the networks, bands what chance leaves open (95 %).">
    ${missing ? html`<p class="line">${missing}</p>` : html`
    <fieldset class="choice schemes"><legend>Schemes</legend><div class="row">
      ${SCHEMES.map((scheme) => html`<label class="check" key=${scheme}><input type="checkbox" checked=${state.schemes.includes(scheme)}
        disabled=${live} onChange=${() => toggle(scheme)} /><${Swatch} scheme=${scheme} />${scheme}</label>`)}
    </div></fieldset>
    <div class="controls">
      <${Slider} label="Networks for each scheme" min=${1} max=${10} step=${1} value=${state.networks} disabled=${live} onInput=${one("networks")} />
      <${Slider} label="Epochs" min=${1} max=${60} step=${1} value=${state.epochs} disabled=${live} onInput=${one("epochs")} />
      <${Slider} label="Learning rate" log min=${0.0001} max=${1} value=${state.rate} digits=${2} disabled=${live} onInput=${one("rate")} />
      <div class="row train-buttons">
        <${Button} kind="strong" onClick=${live ? stop : () => start(state)}>${live ? "Stop" : run && !old ? "Train again" : "Train"}</${Button}>
        <${Button} disabled=${live} onClick=${() => change({ seed: (state.seed + state.networks) % 4294967295 }, { commit: true })}>Other seed</${Button}>
        <span class="train-state" data-training=${live ? "running" : run ? (run.stopped ? "stopped" : "done") : "none"}
          data-epoch=${part?.epoch ?? ""}>${words(run, live, old)}</span>
      </div>
    </div>
    ${live && html`<progress class="train-progress" max=${state.epochs} value=${part?.epoch ?? 0} aria-label="Epochs done"></progress>`}
    <${Problem} problem=${problem}>${problem && html`<${Button} onClick=${() => start(state)}>Train again with the same seed</${Button}>`}</${Problem}>
    ${part && html`<${Curves} run=${run} old=${old} />`}`}
  </${Panel}>`;
}

function words(run, live, old) {
  if (!run) return "Nothing trained yet.";
  const epoch = run.part?.epoch ?? 0;
  const whole = run.asked.epochs;
  if (live) return run.part ? `Epoch ${epoch} of ${whole}` : "Preparing …";
  const which = `${run.asked.depth} layers of ${run.asked.width}, ${run.asked.activation}, seed ${run.asked.seed}`;
  if (run.stopped) return `Stopped after epoch ${epoch} of ${whole} (${which}). The same seed gives the same curves again.`;
  return old ? `These curves are of ${which}: train again for what is chosen now.` : `Done: ${which}.`;
}

/** A short line in the colour and the dashes of a scheme. */
function Swatch({ scheme }) {
  return html`<svg class="swatch" width="30" height="10" aria-hidden="true"><line class=${`mark-line s-${TONES[scheme]}`}
    x1="1" x2="29" y1="5" y2="5" stroke-dasharray=${DASHES[scheme]} /></svg>`;
}

function Curves({ run, old }) {
  const { part } = run;
  const epochs = run.asked.epochs;
  const at = Array.from({ length: epochs + 1 }, (_, k) => k);
  const outcome = part.outcome;
  const losses = part.curves.flatMap((one) => one.train_loss.mean).filter((v) => v !== null && v > 0);
  const low = Math.min(0.1, ...losses);
  const floor = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001].find((v) => v <= low) ?? 1e-5;
  const loss = [floor, OFF_SCALE]; // steps, so that the axis holds still between two epochs
  // after the last epoch these are numbers that the script of the room computes under these names
  const told = (name, k) => (outcome && !outcome.interrupted
    ? { "data-shown": `${name}[${k}]`, "data-value": JSON.stringify(outcome.shown[name][k]), "data-digits": 3 } : {});
  const chance = outcome && { loss: outcome.chance_loss, accuracy: outcome.chance_accuracy };
  return html`<div class=${`curves ${old ? "old" : ""}`}>
    <div class="curve-grid">
      <div><h4>Training loss</h4>
        <${Frame} name="loss" x=${[0, epochs]} y=${loss} yLog xLabel="epoch" yLabel="loss" minHeight=${320}
          label="Training loss of each scheme over the epochs">
          ${(f) => html`${chance?.loss && html`<${Guess} f=${f} at=${chance.loss} />`}
            ${part.curves.map((one) => html`<${Band} key=${one.name} f=${f} at=${at} band=${one.train_loss} scheme=${one.name} />`)}`}
        </${Frame}></div>
      <div><h4>Right answers on rows held out</h4>
        <${Frame} name="accuracy" x=${[0, epochs]} y=${[0, 1]} xLabel="epoch" yLabel="share right" minHeight=${320}
          label="Share of right answers of each scheme over the epochs">
          ${(f) => html`${chance?.accuracy && html`<${Guess} f=${f} at=${chance.accuracy} />`}
            ${part.curves.map((one) => html`<${Band} key=${one.name} f=${f} at=${at} band=${one.held_accuracy} scheme=${one.name} />`)}`}
        </${Frame}></div>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="What became of each scheme"><table class="outcomes">
      <thead><tr><th scope="col">scheme</th><th scope="col">loss</th><th scope="col">right</th><th scope="col">learned</th></tr></thead>
      ${part.curves.map((one, k) => {
        const judged = outcome?.schemes.find((other) => other.name === one.name);
        return html`<tbody key=${one.name} data-scheme=${one.name} data-verdict=${judged?.verdict}>
          <tr><th scope="row"><${Swatch} scheme=${one.name} /> ${one.name}</th>
            <td data-loss=${one.name} ...${told("mean_loss", k)}>${lossWords(one.train_loss.mean, part.epoch)}</td>
            <td ...${told("mean_accuracy", k)}>${percent(one.held_accuracy.mean[part.epoch] ?? "–", 3)}</td>
            <td>${judged ? html`<span ...${told("learned", k)}>${judged.learned}</span> of ${judged.networks}` : "…"}</td></tr>
          ${judged && html`<tr class="reason"><td colspan="4"><b>${judged.verdict}</b>${judged.reason && `: ${judged.reason}`}</td></tr>`}</tbody>`;
      })}</table></div>
    ${outcome && html`<${Findings} findings=${outcome.findings.filter((one) => one.code !== "scheme-failed")} />`}
  </div>`;
}

/** The present loss; where it has left the picture, that is said with the number. */
function lossWords(mean, epoch) {
  const value = mean[epoch];
  if (value === null || value === undefined) return "—";
  return value > OFF_SCALE ? `off scale: ${format(value, 3)}` : format(value, 3);
}

function Guess({ f, at }) {
  return html`<g><line class="guess" x1=${f.left} x2=${f.right} y1=${f.y(at)} y2=${f.y(at)} />
    <text class="note small" x=${f.right - 6} y=${f.y(at) - 6} text-anchor="end">guessing</text></g>`;
}

/** The mean of a scheme with its band; what is off scale runs along the edge, faded. */
function Band({ f, at, band, scheme }) {
  const tone = TONES[scheme];
  const [top, bottom] = [f.y.domain[1], f.y.domain[0]];
  const within = (v) => (v === null || v === undefined ? null : Math.min(top, Math.max(bottom, v)));
  const known = at.filter((k) => band.low[k] !== null && band.high[k] !== null && band.mean[k] !== null);
  let d = "";
  if (known.length > 1) {
    const edge = (values, k) => `${f.x(k).toFixed(1)} ${f.y(within(values[k])).toFixed(1)}`;
    d = `M${known.map((k) => edge(band.high, k)).join("L")}L${[...known].reverse().map((k) => edge(band.low, k)).join("L")}Z`;
  }
  const beyond = at.filter((k) => band.mean[k] !== null && band.mean[k] > top);
  const last = beyond.at(-1);
  return html`<g data-curve=${scheme}>
    <path class=${`band f-${tone}`} d=${d} />
    <path class=${`mark-line s-${tone}`} d=${path(f.x, f.y, at, band.mean.map(within))} stroke-dasharray=${DASHES[scheme]} />
    ${last !== undefined && html`<path class=${`off f-${tone}`} d=${`M${f.x(last) - 6} ${f.top + 10}l6 -9l6 9z`} />
      <text class="note small" x=${f.x(last) + 10} y=${f.top + 14}>${scheme}: off scale</text>`}
  </g>`;
}
