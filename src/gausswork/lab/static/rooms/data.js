// Room "your data": columns, a fit, its check-up, and its report to take along.
import { html, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { Button, Choice, Findings, Panel, Problem, Switch } from "../core/controls.js";
import { format, many, Shown } from "../core/numbers.js";
import { download } from "../core/python.js";
import { GiveFile, useTables } from "../core/tables.js";
import { Checkup } from "./data-checkup.js";

export const name = "data";
export const title = "Your data";
export const line = "Drop a CSV file: its columns, a fit, what is wrong with it, and a report to take along.";

const EXAMPLE = "example";
const KINDS = { number: "number", flag: "yes / no", text: "category", empty: "empty", unusable: "not usable" };

/** What changes for another table: target and features are proposed by Python. */
export async function offer(table, lab, state) {
  const fields = { table: table.id, by: "columns", formula: "" };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const asked = { ...state, table: table.id, by: "columns", target: "", features: [] };
      return { ...fields, ...(await lab.asker.once("data", "answer", asked)).proposal };
    } catch (problem) { // a newer question may overtake this one
      if (!problem.sentence.startsWith("A newer question")) break;
    }
  }
  return { ...fields, target: "", features: [] };
}

export function Room({ lab, state, set, answer }) {
  const own = answer.table.id === state.table; // an answer may belong to the table before
  const chosen = useRef(state);
  chosen.current = state;
  const take = async (table) => {
    set(await offer(table, lab, chosen.current), { commit: true });
    lab.say(`${table.name} is read: ${many(table.rows, "row")}, ${many(table.columns.length, "column")}.`);
  };
  return html`<div class="views">
    <${Give} lab=${lab} state=${state} answer=${answer} take=${take} />
    ${own && html`<${Columns} state=${state} set=${set} answer=${answer} />`}
    ${own && html`<${Model} lab=${lab} state=${state} set=${set} answer=${answer} />`}
    ${own && answer.fit && html`
      <${Coefficients} fit=${answer.fit} />
      <${Panel} title="What to look at" class="look" line="The gravest first, each with what to do.">
        <${Findings} findings=${answer.fit.findings} none="Nothing: the fit holds what it promises." /></${Panel}>
      ${answer.checkup
        ? html`<${Checkup} checkup=${answer.checkup} target=${answer.fit.target} />`
        : html`<${Panel} title="Check-up" line=${answer.no_checkup} />`}`}
  </div>`;
}

/** Give a file, or choose among those that are there; a file may be dropped anywhere. */
function Give({ lab, state, answer, take }) {
  const id = useId();
  const tables = useTables(lab);
  const [dropped, setDropped] = useState(null); // {busy} or {problem}
  const [over, setOver] = useState(false);
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const files = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
    const drag = (event) => {
      if (!files(event)) return;
      event.preventDefault(); // or the browser would open the file in place of the lab
      setOver(true);
    };
    const leave = (event) => { if (event.relatedTarget === null) setOver(false); };
    const drop = async (event) => {
      if (!files(event)) return;
      event.preventDefault();
      setOver(false);
      if (event.target.closest?.(".give-file")) return; // it takes its own
      const file = event.dataTransfer.files[0];
      if (!file) return;
      setDropped({ busy: file.name });
      try {
        await latest.current(await lab.tables.upload(file));
        setDropped(null);
      } catch (problem) {
        setDropped({ problem });
      }
    };
    addEventListener("dragover", drag);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [lab]);
  const pick = (value) => {
    if (value === EXAMPLE) take({ id: EXAMPLE, name: "Galton’s families", rows: 934, columns: { length: 8 } });
    else take(tables.find((table) => table.id === value));
  };
  const here = state.table === EXAMPLE || tables.some((table) => table.id === state.table);
  return html`<section class=${`panel give ${over ? "over" : ""}`} aria-label="Your file">
    <${GiveFile} lab=${lab} onTable=${take} large label="Open a CSV or Parquet file …" />
    <div class="given">
      <div class="choice"><label for=${id}>Table</label><select id=${id} value=${state.table} onChange=${(e) => pick(e.currentTarget.value)}>
        <option value=${EXAMPLE} selected=${state.table === EXAMPLE}>Galton’s families (an example)</option>
        ${tables.map((table) => html`<option key=${table.id} value=${table.id} selected=${table.id === state.table}>${table.name}</option>`)}
        ${!here && html`<option value=${state.table} selected>(its file is not open)</option>`}
      </select></div>
      <p class="verdict" data-table=${answer.table.name}>${answer.table.name}</p>
      <p class="line">${many(answer.table.rows, "row")}, ${many(answer.columns.length, "column")}${gaps(answer.columns)}</p>
      ${dropped?.busy && html`<p class="line" role="status">Reading ${dropped.busy} …</p>`}
      <${Problem} problem=${dropped?.problem} />
      <${Findings} findings=${answer.findings} />
    </div>
  </section>`;
}

function gaps(columns) {
  const some = columns.filter((column) => column.missing > 0).length;
  return some ? `; ${some} of them ${some === 1 ? "has" : "have"} gaps.` : ", no gaps.";
}

/** Each column: kind, gaps, a sketch, and what it is used as. */
function Columns({ state, set, answer }) {
  const byFormula = state.by === "formula";
  const use = (column) => (state.target === column.name ? "target" : state.features.includes(column.name) ? "feature" : "none");
  const assign = (column, as) => set((now) => {
    const features = now.features.filter((one) => one !== column.name);
    const target = now.target === column.name ? "" : now.target;
    if (as === "target") return { target: column.name, features };
    return as === "feature" ? { target, features: [...features, column.name] } : { target, features };
  }, { commit: true });
  const spare = answer.columns.filter((column) => column.kind === "number" && use(column) === "none").length;
  const left = byFormula || !spare ? "" : ` ${many(spare, "column")} of numbers ${spare === 1 ? "is" : "are"} not used now.`;
  return html`<${Panel} title="Columns" line=${`What each holds, and what is missing. Choose one target (what is to be explained) and its features (what may explain it).${left}`}>
    <ul class="columns" tabindex=${answer.columns.length > 16 ? 0 : undefined}>${answer.columns.map((column) => html`
      <${Column} key=${column.name} column=${column} rows=${answer.table.rows} used=${byFormula ? "" : use(column)}
        assign=${byFormula ? null : (as) => assign(column, as)} />`)}</ul>
  </${Panel}>`;
}

function Column({ column, rows, used, assign }) {
  const id = useId();
  const usable = column.kind !== "unusable" && column.kind !== "empty";
  const full = rows ? 1 - (column.missing ?? rows) / rows : 0;
  return html`<li class=${`column ${used}`} data-column=${column.name}>
    <div class="column-head"><b class="column-name" id=${id}>${column.name}</b><span class=${`kind ${column.kind}`}>${KINDS[column.kind] ?? column.kind}</span></div>
    <${Sketch} column=${column} />
    <p class="column-words">${columnWords(column)}</p>
    <div class="missing-words"><span class="fullness" aria-hidden="true"><span style=${{ width: `${(100 * full).toFixed(2)}%` }}></span></span>
      <span>${column.missing === null ? "not read" : column.missing ? `${format(column.missing)} missing` : "none missing"}</span></div>
    ${assign && usable && html`<${Choice} label=${html`<span class="unseen">${column.name} is used as</span>`} value=${used}
      onInput=${(as) => assign(as)} options=${[
        ...(column.kind === "text" ? [] : [{ value: "target", label: "target" }]), { value: "feature", label: "feature" }, { value: "none", label: "not" }]} />`}
  </li>`;
}

function columnWords(column) {
  if (column.said) return column.said;
  if (column.kind === "number") return `mean ${column.mean}, sd ${column.sd}; from ${column.low} to ${column.high}${column.sampled ? " (of some rows)" : ""}`;
  if (column.levels) {
    if (column.kind === "text" && column.holds.startsWith("text: ")) return column.holds; // numbers, but for some
    const shown = column.levels.slice(0, 3).map((level) => `${level.name} (${format(level.count)})`).join(", ");
    return `${shown}${column.different > 3 ? `, … ${format(column.different)} in all` : ""}`;
  }
  return column.holds;
}

/** A small picture of what a column holds. */
function Sketch({ column }) {
  const [width, height] = [200, 46];
  const bars = column.sketch?.counts ?? column.levels?.map((level) => level.count) ?? [];
  if (!bars.length) return html`<div class="sketch none" aria-hidden="true"></div>`;
  const most = Math.max(...bars, 1);
  const wide = width / bars.length;
  const gap = column.sketch ? Math.min(1, wide * 0.15) : Math.min(6, wide * 0.2);
  return html`<svg class=${`sketch ${column.kind}`} viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
    ${bars.map((count, k) => html`<rect key=${k} x=${k * wide + gap / 2} width=${Math.max(0.4, wide - gap)}
      y=${height - (count / most) * (height - 2)} height=${(count / most) * (height - 2)} />`)}
    <line x1="0" x2=${width} y1=${height - 0.5} y2=${height - 0.5} />
  </svg>`;
}

/** What is fitted: by columns or a formula; the equation, the numbers, the files. */
function Model({ lab, state, set, answer }) {
  const { fit, problem, shown } = answer;
  const [failed, setFailed] = useState(null);
  const one = (field) => (value, how) => set({ [field]: value }, how ?? { commit: true });
  const by = (value) => set((now) => ({
    by: value,
    formula: value === "formula" && !now.formula.trim() && now.target ? formulaOf(now) : now.formula,
  }), { commit: true });
  const save = async (what) => {
    setFailed(null);
    try {
      const file = await lab.asker.once("data", "save", { ...state, save: what });
      download(file.name, file.text, what === "report" ? "text/html" : "application/json");
      lab.say(`${file.name} is saved.`);
    } catch (found) {
      setFailed(found);
    }
  };
  return html`<${Panel} title="The fit" class="fit-panel">
    <div class="row spread">
      <${Choice} label="Choose by" value=${state.by} onInput=${by} options=${[{ value: "columns", label: "columns" }, { value: "formula", label: "formula" }]} />
      ${state.by === "columns" && html`<${Switch} label="Intercept" value=${state.intercept} onInput=${one("intercept")} />`}
      <${Choice} label="Intervals" value=${state.level} onInput=${one("level")} options=${[
        { value: 0.8, label: "80 %" }, { value: 0.9, label: "90 %" }, { value: 0.95, label: "95 %" }, { value: 0.99, label: "99 %" }]} />
    </div>
    ${state.by === "formula" && html`<${Formula} value=${state.formula} onInput=${one("formula")} />`}
    <${Problem} problem=${problem} />
    ${!fit && !problem && html`<p class="verdict">${state.by === "formula" ? "Write what is to be explained, a ~, and what may explain it." : state.target ? "Choose a feature or two: what may explain it?" : "Choose a target: what is to be explained?"}</p>`}
    ${fit && html`
      <p class="equation" data-equation>${fit.equation}</p>
      <div class="numbers">
        <${Shown} name="r_squared" label="R²: share explained" value=${shown.r_squared} digits=${4} tone="blue" />
        <${Shown} name="residual_sd" label="residual sd" value=${shown.residual_sd} digits=${4} />
        <${Shown} name="rows" label=${shown.rows === 1 ? "row fitted" : "rows fitted"} value=${shown.rows} digits=${8} />
        ${fit.dropped > 0 && html`<p class="dropped">${format(fit.dropped)} of ${many(fit.read, "row")} left out: a used column has a gap there.</p>`}
      </div>
      <div class="row"><${Button} kind="strong" onClick=${() => save("report")}>Download the report</${Button}>
        <${Button} onClick=${() => save("model")}>Save the model</${Button}>
        <span class="help">One HTML file that needs nothing else; the model as JSON for <code>gausswork predict</code>.</span></div>
      <${Problem} problem=${failed} />`}
  </${Panel}>`;
}

/** The formula that says what is chosen. */
function formulaOf({ target, features, intercept }) {
  const quoted = (column) => (/^[A-Za-z_][A-Za-z0-9_.]*$/.test(column) ? column : `\`${column}\``);
  return `${quoted(target)} ~ ${features.map(quoted).join(" + ") || "1"}${intercept ? "" : " - 1"}`;
}

/** A formula is fitted when it is finished: Enter, or leaving the field. */
function Formula({ value, onInput }) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const finish = () => { if (typed !== value) onInput(typed, { commit: true }); };
  return html`<div class="formula"><label for=${id}>Formula</label>
    <input id=${id} type="text" spellcheck=${false} autocomplete="off" maxlength="10000" value=${typed} placeholder="y ~ a * C(kind) + log(b)"
      onInput=${(e) => setTyped(e.currentTarget.value)} onBlur=${finish} onKeyDown=${(e) => { if (e.key === "Enter") finish(); }} />
    <p class="help">y ~ a + b, interactions a * b, categories C(kind), log(a), poly(a, 2); names with spaces in \`backticks\`.</p></div>`;
}

function Coefficients({ fit }) {
  const [omitted, after] = fit.left_out;
  return html`<${Panel} title="Coefficients" line=${fit.title}><div class="beside">
    <div class="scroll" tabindex="0" role="region" aria-label="Table of coefficients"><table class="coefficients">
      <thead><tr>${fit.heads.map((head) => html`<th scope="col" key=${head}>${head}</th>`)}</tr></thead>
      <tbody>${fit.rows.map((row, i) => html`
        ${omitted > 0 && i === after && html`<tr key="omitted"><td colspan=${row.length}>… ${many(omitted, "more term")}; the model has them all</td></tr>`}
        <tr key=${i} data-term=${row[0]}>${row.map((cell, j) => (j ? html`<td key=${j}>${cell}</td>` : html`<th scope="row" key=${j} class=${cell.length > 26 ? "long" : ""}>${cell}</th>`))}</tr>`)}</tbody>
    </table></div>
    <dl class="notes">${fit.notes.map(([label, text]) => html`<div key=${label}><dt>${label}</dt><dd>${text}</dd></div>`)}<div><dt>digits</dt><dd>${fit.digits}</dd></div></dl></div>
  </${Panel}>`;
}
