// A matrix with its brackets, small enough to be read.
import { html } from "../vendor/preact.js";
import { format } from "./numbers.js";

/**
 * `rows` holds rows of numbers or letters. With `name` and `value` it is one of the numbers on the
 * screen. `lit` is a row to light up, `more` says that rows are left out, `under` names it.
 */
export function Matrix({ name, value, label, rows, lit = null, more = false, under = "", strong = false, digits = 5 }) {
  const words = rows.map((row) => row.map((one) => format(one, digits)).join(", ")).join("; ");
  return html`<span class=${`matrix ${strong ? "strong" : ""}`} role="img" aria-label=${`${label}: ${words}${more ? "; …" : ""}`}>
    <span class="cells" data-shown=${name} data-value=${name ? JSON.stringify(value) : undefined} data-digits=${name ? digits : undefined}>${rows.map((row, i) => html`<span key=${i} class=${`cells-row ${i === lit ? "aglow" : ""}`}>
      ${row.map((one, j) => html`<span key=${j} class="cell">${format(one, digits)}${" "}</span>`)}</span>`)}
      ${more && html`<span class="cells-row"><span class="cell">⋮</span></span>`}</span>
    ${under && html`<small>${under}</small>`}</span>`;
}
