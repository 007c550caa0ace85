// A matrix with its brackets, small enough to be read.
import { html } from "../vendor/preact.js";
import { fixed, format } from "./numbers.js";

const FULL = 1e12; // up to here a number is shown to its units: rounded earlier it would look exact

/** A number of a matrix: large ones with all their digits, and a decimal where there are any. */
const cell = (one, digits) => {
  if (typeof one !== "number" || Math.abs(one) < 10 ** (digits - 1) || Math.abs(one) >= FULL) return format(one, digits);
  return fixed(one, Number.isInteger(one) ? 0 : 1);
};

/**
 * `rows` holds rows of numbers or letters. With `name` and `value` it is one of the numbers on the
 * screen. `lit` is a row to light up, `more` says that rows are left out, `under` names it.
 */
export function Matrix({ name, value, label, rows, lit = null, more = false, under = "", strong = false, digits = 5 }) {
  const words = rows.map((row) => row.map((one) => cell(one, digits)).join(", ")).join("; ");
  return html`<span class=${`matrix ${strong ? "strong" : ""}`} role="img" aria-label=${`${label}: ${words}${more ? "; …" : ""}`}>
    <span class="cells" data-shown=${name} data-value=${name ? JSON.stringify(value) : undefined} data-digits=${name ? digits : undefined}>${rows.map((row, i) => html`<span key=${i} class=${`cells-row ${i === lit ? "aglow" : ""}`}>
      ${row.map((one, j) => html`<span key=${j} class="cell">${cell(one, digits)}${" "}</span>`)}</span>`)}
      ${more && html`<span class="cells-row"><span class="cell">⋮</span></span>`}</span>
    ${under && html`<small>${under}</small>`}</span>`;
}
