// Tables that somebody gave the lab: choose a column, give a file.
import { html, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { Button, Problem } from "./controls.js";

const LARGEST = 100_000_000; // bytes; the server refuses more

/** The tables of the lab, and how a file becomes one. */
export class TableList {
  constructor({ tables = [], first = null } = {}) {
    this.listeners = new Set();
    this.take({ tables, first });
  }

  take({ tables, first }) {
    this.all = tables;
    this.first = first; // id of the table that the lab was started with
    for (const listener of this.listeners) listener();
  }

  find(id) {
    return this.all.find((table) => table.id === id) ?? null;
  }

  /** Give a file. @returns {Promise<any>} the table; rejects with {sentence, remedy} */
  async upload(file) {
    if (file.size > LARGEST) {
      throw {
        sentence: `${file.name} has ${Math.round(file.size / 1e6)} MB; the lab takes files of up to ${LARGEST / 1e6} MB.`,
        remedy: "Fit it with: gausswork fit, which reads files of any size.",
      };
    }
    let reply;
    try {
      const sent = await fetch(`/tables?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
      reply = await sent.json();
    } catch {
      throw { sentence: `${file.name} could not be read or sent.`, remedy: "Is the lab still running? Try again." };
    }
    if (reply.error) throw reply.error;
    this.take(reply);
    return reply.table;
  }
}

/** The tables, drawn anew when there are others. */
export function useTables(lab) {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    lab.tables.listeners.add(listener);
    return () => lab.tables.listeners.delete(listener);
  }, [lab]);
  return lab.tables.all;
}

/** A button that asks for a file, and takes one that is dropped on it. */
export function GiveFile({ lab, onTable, label = "Open a CSV file …", large = false }) {
  const input = useRef(null);
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState(null);
  const [over, setOver] = useState(false);
  const take = async (file) => {
    if (!file) return;
    setProblem(null);
    setBusy(file.name);
    try {
      onTable?.(await lab.tables.upload(file));
    } catch (error) {
      setProblem(error);
    }
    setBusy("");
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  if (lab.embedded) return null; // a notebook gives its data in Python
  return html`<div class=${`give-file ${large ? "large" : ""} ${over ? "over" : ""}`}
    onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <input ref=${input} type="file" class="unseen" tabindex="-1" aria-hidden="true"
      accept=".csv,.tsv,.txt,.gz,.zst,.bz2,.parquet,.arrow"
      onChange=${(e) => { take(e.currentTarget.files[0]); e.currentTarget.value = ""; }} />
    <${Button} onClick=${() => input.current.click()} disabled=${!!busy}>${busy ? `Reading ${busy} …` : label}</${Button}>
    ${large && html`<p>or drop it here. It stays on this machine, in memory.</p>`}
    <${Problem} problem=${problem} />
  </div>`;
}

/**
 * Choose a column of any table: value is {table: id, column: name} or null.
 * `kind` is "number", "text", "flag" or "" for any; `none` is the name of having none.
 */
export function ColumnPicker({ lab, label = "Column", value, kind = "number", none = "none", onInput }) {
  const id = useId();
  const tables = useTables(lab);
  const options = tables.flatMap((table) => table.columns
    .filter((column) => (kind ? column.kind === kind : column.missing !== null))
    .map((column) => ({ table, column: column.name })));
  const chosen = options.findIndex(({ table, column }) => table.id === value?.table && column === value?.column);
  const pick = (index) => onInput(
    index < 0 ? null : { table: options[index].table.id, column: options[index].column }, { commit: true });
  const first = (table) => {
    const column = table.columns.find((one) => (kind ? one.kind === kind : one.missing !== null));
    if (column) onInput({ table: table.id, column: column.name }, { commit: true });
  };
  useEffect(() => { // who wants a column and was given one table is shown its first one
    const begun = lab.tables.find(lab.tables.first);
    if (!value && begun) first(begun);
  }, []);
  return html`<div class="choice column-picker"><label for=${id}>${label}</label>
    <select id=${id} onChange=${(e) => pick(Number(e.currentTarget.value))}>
      <option value="-1" selected=${chosen < 0}>${value && chosen < 0 ? `${value.column} (its file is not open)` : none}</option>
      ${tables.map((table) => html`<optgroup key=${table.id} label=${table.name}>
        ${options.map((one, index) => one.table === table && html`<option value=${index} selected=${index === chosen}>${one.column}</option>`)}
      </optgroup>`)}
    </select>
    <${GiveFile} lab=${lab} onTable=${first} /></div>`;
}
