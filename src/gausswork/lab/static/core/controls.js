// Controls that act while they move and end a step when they are let go.
import { html, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { format, held, parse } from "./numbers.js";

const STEPS = 1000; // positions of a slider

/**
 * A slider, linear or logarithmic, with marks on its track.
 * `onInput(value, {commit})`: commit is false while it moves, true when it is let go.
 * `marks`: [{at, label, name}], in the units of the value.
 */
export function Slider({
  label, value, min, max, log = false, step = null, marks = [], digits = 3, unit = "", text = null,
  onInput, disabled = false, field = true, help = "",
}) {
  const id = useId();
  const place = (v) => share(v, min, max, log);
  const at = (position) => {
    const raw = log
      ? Math.exp(Math.log(min) + (position / STEPS) * (Math.log(max) - Math.log(min)))
      : min + (position / STEPS) * (max - min);
    if (step === null) return Number(raw.toPrecision(6));
    return Math.min(max, Math.max(min, Number((Math.round(raw / step) * step).toPrecision(12))));
  };
  // A browser may fire no change event where the value was drawn anew in the middle of a drag:
  // the step ends with whatever comes first of change, release and leaving.
  const moving = useRef(null);
  const move = (event) => {
    moving.current = at(Number(event.currentTarget.value));
    onInput(moving.current, { commit: false });
  };
  const finish = () => {
    if (moving.current === null) return;
    const last = moving.current;
    moving.current = null;
    onInput(last, { commit: true });
  };
  const said = text ? text(value) : `${format(value, digits)}${unit && ` ${unit}`}`;
  const key = (event) => {
    // one step of the value per key, however fine the positions are
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const moved = step === null ? at(Math.min(STEPS, Math.max(0, place(value) * STEPS + by * 10))) : value + by * step;
    const next = Math.min(max, Math.max(min, step === null ? moved : Number(moved.toPrecision(12))));
    if (next !== value) onInput(next, { commit: true });
  };
  return html`<div class=${`slider ${disabled ? "disabled" : ""}`}>
    <label for=${id}>${label}</label>
    ${field
      ? html`<${NumberField} label=${label} hideLabel value=${value} min=${min} max=${max} unit=${unit}
          digits=${digits} step=${step} disabled=${disabled} onInput=${onInput} />`
      : html`<output class="slider-value" for=${id}>${said}</output>`}
    <div class="track">
      <input id=${id} type="range" min="0" max=${STEPS} step="any" value=${place(value) * STEPS}
        aria-valuetext=${said} disabled=${disabled} onKeyDown=${key}
        onInput=${move} onChange=${finish} onPointerUp=${finish} onPointerCancel=${finish} onBlur=${finish} />
      ${marks.filter(({ at: v }) => place(v) >= 0 && place(v) <= 1).map(({ at: v, label: word, name }) => html`
        <span class="mark" key=${name ?? word} data-mark=${name ?? word} data-at=${v}
          data-side=${place(v) > 0.75 ? "left" : place(v) < 0.25 ? "right" : "middle"}
          style=${{ "--at": String(place(v)) }}><span>${word}</span></span>`)}
    </div>
    ${help && html`<p class="help">${help}</p>`}
  </div>`;
}

/** Where a value stands on a track: 0 at its left end, 1 at its right one. */
export function share(value, min, max, log = false) {
  return log
    ? (Math.log(value) - Math.log(min)) / (Math.log(max) - Math.log(min))
    : (value - min) / (max - min);
}

/** A number to type; Enter or leaving it ends the step, what is no number is said. */
export function NumberField({
  label, value, min = -Infinity, max = Infinity, step = null, digits = 6, unit = "", onInput,
  hideLabel = false, disabled = false, whole = false, name = undefined,
}) {
  const id = useId();
  const [typed, setTyped] = useState(null);
  const [problem, setProblem] = useState("");
  const finish = () => {
    if (typed === null) return;
    const read = parse(typed);
    let wrong = "";
    if (read === null) wrong = "Type a number.";
    else if (whole && !Number.isInteger(read)) wrong = "Type a whole number.";
    else if (read < min || read > max) wrong = `Type a number from ${format(min)} to ${format(max)}.`;
    setProblem(wrong);
    if (wrong) return;
    setTyped(null);
    if (read !== value) onInput(read, { commit: true });
  };
  const key = (event) => {
    if (event.key === "Enter") finish();
    if (event.key === "Escape") { setTyped(null); setProblem(""); }
    if (step !== null && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      const next = Number((value + (event.key === "ArrowUp" ? step : -step)).toPrecision(12));
      setTyped(null);
      if (next >= min && next <= max) onInput(next, { commit: true });
    }
  };
  return html`<div class="number-field">
    <label class=${hideLabel ? "unseen" : ""} for=${id}>${hideLabel ? `${label}, typed` : label}</label>
    <span class="number-input"><input id=${id} type="text" inputmode="decimal" autocomplete="off"
      disabled=${disabled} value=${typed ?? format(value, digits)} name=${name}
      aria-invalid=${problem ? "true" : "false"} aria-describedby=${problem ? `${id}-problem` : undefined}
      onFocus=${(e) => e.currentTarget.select()} onInput=${(e) => setTyped(e.currentTarget.value)}
      onBlur=${finish} onKeyDown=${key} />${unit && html`<span>${unit}</span>`}</span>
    ${problem && html`<span class="problem" id=${`${id}-problem`} role="alert">${problem}</span>`}
  </div>`;
}

/** One of several: a row of buttons where they are few, a list where they are many. */
export function Choice({ label, value, options, onInput, disabled = false, as = "auto" }) {
  const id = useId();
  const listed = options.map((one) => (typeof one === "string" ? { value: one, label: one } : one));
  if (as === "list" || (as === "auto" && listed.length > 5)) {
    return html`<div class="choice"><label for=${id}>${label}</label>
      <select id=${id} disabled=${disabled} value=${value}
        onChange=${(e) => onInput(listed[e.currentTarget.selectedIndex].value, { commit: true })}>
        ${listed.map((one) => html`<option value=${one.value} selected=${one.value === value}>${one.label}</option>`)}
      </select></div>`;
  }
  return html`<fieldset class="choice" disabled=${disabled}><legend>${label}</legend>
    <div class="segments">${listed.map((one) => html`<label key=${one.value} title=${one.title}>
      <input type="radio" name=${id} value=${one.value} checked=${one.value === value}
        onChange=${() => onInput(one.value, { commit: true })} /><span>${one.label}</span></label>`)}
    </div></fieldset>`;
}

/** On or off. */
export function Switch({ label, value, onInput, disabled = false, help = "" }) {
  return html`<label class="switch"><input type="checkbox" role="switch" checked=${value} disabled=${disabled}
    onChange=${(e) => onInput(e.currentTarget.checked, { commit: true })} /><span class="knob"></span>
    <span>${label}${help && html`<small>${help}</small>`}</span></label>`;
}

export function Button({ children, onClick, kind = "", disabled = false, label = undefined, pressed = undefined }) {
  return html`<button type="button" class=${`button ${kind}`} disabled=${disabled} aria-label=${label}
    aria-pressed=${pressed === undefined ? undefined : String(pressed)} title=${label}
    onClick=${onClick}>${children}</button>`;
}

/** A view: what it is, in one line what one should see, and the thing itself. */
export function Panel({ title, line = "", children, wide = false, class: extra = "" }) {
  const id = useId();
  return html`<section class=${`panel ${wide ? "wide" : ""} ${extra}`} aria-labelledby=${id}>
    <h3 id=${id}>${title}</h3>${line && html`<p class="line">${line}</p>`}${children}</section>`;
}

/** Findings of the library, with their remedies, gravest first as given. */
export function Findings({ findings, none = "" }) {
  if (!findings?.length) return none ? html`<p class="line">${none}</p>` : null;
  return html`<ul class="findings">${findings.map((one) => html`<li key=${one.code} class=${one.severity}>
    <b>${one.severity}</b> ${held(one.sentence)}${one.remedy && html`<span class="remedy">${held(one.remedy)}</span>`}</li>`)}</ul>`;
}

/** What is wrong, and what to do about it. */
export function Problem({ problem, children = null }) {
  if (!problem) return null;
  return html`<div class="problem-box" role="alert"><p><b>${problem.sentence}</b> ${problem.remedy}</p>${children}</div>`;
}

/** Call `draw` once per frame of the screen while `running`; for play buttons and slow motion. */
export function useFrames(running, draw) {
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    if (!running) return undefined;
    let frame = requestAnimationFrame(function next(time) {
      latest.current(time);
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [running]);
}
