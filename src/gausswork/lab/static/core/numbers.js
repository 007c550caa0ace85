// Numbers as people read them. Nothing here computes: it rounds for the eye.
import { html } from "../vendor/preact.js";

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * A number with so many significant digits: −0.0123, 12 345, 1.2×10⁻⁵. Words stay words.
 * @param {number | string | null | undefined} value
 */
export function format(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${trimmed(mantissa)}×10${raised(Number(exponent))}`.replace("-", "−");
  }
  const whole = Number.isInteger(value) ? String(value) : trimmed(value.toPrecision(digits));
  const plain = whole.includes("e") ? String(Number(whole)) : whole;
  return grouped(plain).replace("-", "−");
}

/** So many of something: 1 row, 934 rows. */
export const many = (count, thing) => `${format(count, 12)} ${thing}${count === 1 ? "" : "s"}`;

/** A number of a table or an axis, with a fixed count of decimals. */
export function fixed(value, decimals) {
  if (typeof value !== "number" || !Number.isFinite(value)) return format(value);
  const text = value.toFixed(decimals);
  return grouped(Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A probability or a share in percent. */
export const percent = (share, digits = 3) =>
  typeof share === "number" ? `${format(100 * share, digits)} %` : format(share);

/** A number that Python has written: 1e-08 as 10⁻⁸. */
export const written = (text) => text.replace(/e([-+]?\d+)/g, (_, power) => `×10${raised(Number(power))}`);

/** A sentence whose lines do not end within "p < 1e-16", "95 %" or "1 − 2e-9". */
export const held = (text) =>
  text.replace(/(?<=[=<>≤≥±≈×−]) (?=[\d.−-])|(?<=\bp) (?=[<=>])|(?<=\d) (?=%)|(?<=\d) (?=− \d)/g, "\u00a0")
    .split(/([\d.]+e-\d+)/).map((part, i) => (i % 2 ? html`<span class="whole">${part}</span>` : part));

/** Read what somebody typed: 1.5, 1,5, −2, 1e-3; null where it is no number. */
export function parse(text) {
  const plain = text.trim().replace("−", "-").replace(/\s/g, "").replace(/^([^.,]*),([^.,]*)$/, "$1.$2");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

const trimmed = (text) => (text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text);
const raised = (exponent) =>
  (exponent < 0 ? "⁻" : "") + Array.from(String(Math.abs(exponent)), (d) => RAISED[Number(d)]).join("");

function grouped(text) {
  const [whole, part] = text.split(".");
  if (whole.replace("-", "").length < 5) return text;
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f"); // a narrow space that does not break
  return part === undefined ? spaced : `${spaced}.${part}`;
}

const NONE = "not a number";

/** One number on the screen, by its name in `answer.shown`: large, labelled, read by the tests. */
export function Shown({ name, value, label, digits = 4, unit = "", as = format, tone = "", none = NONE }) {
  const text = Array.isArray(value) ? value.map((one) => as(one, digits)).join("  ") : as(value, digits);
  return html`<div class=${`shown ${tone}`}>
    <span class="shown-label">${label}</span>
    <output class="shown-value" data-shown=${name} data-value=${JSON.stringify(value ?? null)}
      data-digits=${digits}>${value === NONE ? "—" : text}</output>${value === NONE && html`<small class="shown-why">${none}</small>`}${unit && html`<span class="shown-unit">${unit}</span>`}
  </div>`;
}
