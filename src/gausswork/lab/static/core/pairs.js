// Where a room has its points from: an example, points placed by hand, two columns of a table.
import { html, useId } from "../vendor/preact.js";
import { GiveFile, useTables } from "./tables.js";

// Anscombe (1973): four data sets with the same line.
const QUARTET_X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
const points = (x, y, more = {}) => ({
  x, y, x_name: "x", y_name: "y", table: null, x_column: null, y_column: null, ...more,
});

export const EXAMPLES = {
  five: { label: "Five points on y = 2x", ...points([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]) },
  anscombe1: { label: "Anscombe I: a plain cloud", ...points(QUARTET_X, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]) },
  anscombe2: { label: "Anscombe II: a curve", ...points(QUARTET_X, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74]) },
  anscombe3: { label: "Anscombe III: one outlier", ...points(QUARTET_X, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]) },
  anscombe4: { label: "Anscombe IV: one point decides", ...points([8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8], [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89]) },
};

/** The fields of a state that say where its points are from. */
export const FIELDS = ["x", "y", "x_name", "y_name", "table", "x_column", "y_column"];

/** The points of one state, for another. */
export const taken = (state) => Object.fromEntries(FIELDS.map((name) => [name, state[name]]));

const numeric = (table) => table.columns.filter((column) => column.kind === "number").map((column) => column.name);

/** The two columns to begin with: the last one over the first one. */
const guess = (table) => {
  const names = numeric(table);
  return { table: table.id, x_column: names[0] ?? null, y_column: names.length > 1 ? names.at(-1) : null };
};

/** The same for the table that the lab was started with, if it has two columns of numbers. */
export const offered = (table) => (numeric(table).length > 1 ? guess(table) : null);

/**
 * Choose where the points come from. `onInput(fields, {commit})` gets the fields of FIELDS that
 * change; `start` is the first state of the room, `more` further choices {key: {label, …fields}}.
 */
export function PairPicker({ lab, state, start, more = {}, onInput }) {
  const id = useId();
  const tables = useTables(lab);
  const table = state.table ? lab.tables.find(state.table) : null;
  const offers = { first: { label: `${start.y_name} over ${start.x_name}`, ...taken(start) }, ...more, ...EXAMPLES };
  if (start.x_name === "x") delete offers.first;
  const same = (one) => !state.table && one.x.length === state.x.length && JSON.stringify([one.x, one.y]) === JSON.stringify([state.x, state.y]);
  const chosen = state.table ? `table ${state.table}` : Object.keys(offers).find((key) => same(offers[key])) ?? "own";
  const pick = (key) => {
    if (key.startsWith("table ")) {
      const other = lab.tables.find(key.slice(6));
      if (other) onInput(guess(other), { commit: true });
    } else if (offers[key]) {
      const { label, ...fields } = offers[key];
      onInput(structuredClone(fields), { commit: true });
    }
  };
  const names = table ? numeric(table) : [];
  const column = (field, axis) => html`<div class="choice"><label for=${`${id}-${field}`}>${axis}</label>
    <select id=${`${id}-${field}`} onChange=${(e) => onInput({ [field]: names[e.currentTarget.selectedIndex] }, { commit: true })}>
      ${names.map((one) => html`<option key=${one} selected=${one === state[field]}>${one}</option>`)}
    </select></div>`;
  return html`<div class="pair-picker">
    <div class="choice"><label for=${id}>Points</label>
      <select id=${id} onChange=${(e) => pick(e.currentTarget.value)}>
        ${chosen === "own" && html`<option value="own" selected>your own points</option>`}
        ${Object.entries(offers).map(([key, one]) => html`<option key=${key} value=${key} selected=${key === chosen}>${one.label}</option>`)}
        ${tables.length > 0 && html`<optgroup label="columns of a table">${tables.map((one) => html`
          <option key=${one.id} value=${`table ${one.id}`} selected=${chosen === `table ${one.id}`}>${one.name}</option>`)}</optgroup>`}
        ${state.table && !table && html`<option value=${`table ${state.table}`} selected>a file that is not open</option>`}
      </select></div>
    ${table && html`${column("x_column", "Across (x)")}${column("y_column", "Upwards (y)")}`}
    <${GiveFile} lab=${lab} onTable=${(given) => onInput(guess(given), { commit: true })} />
  </div>`;
}
