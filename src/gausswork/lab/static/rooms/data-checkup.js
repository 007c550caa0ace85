// The check-up of a fit: four figures with one row lit in all of them, the tests, the worst rows.
import { html, useMemo, useState } from "../vendor/preact.js";
import { Panel, Slider } from "../core/controls.js";
import { format, many } from "../core/numbers.js";
import { Frame, line as path, nice } from "../core/plot.js";
import { Points } from "../core/shapes.js";

const known = (values) => values.filter((v) => v !== null);
const reach = (...lists) => {
  const all = lists.flatMap(known);
  return all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
};

export function Checkup({ checkup, target }) {
  const { points, band } = checkup;
  const [lit, setLit] = useState(null); // index into the points
  const count = points.row.length;
  const ranges = useMemo(() => ({
    fitted: nice(reach(points.fitted), 0.03),
    residual: nice(reach(points.residual), 0.05),
    standardized: nice(reach(points.standardized, band?.lower ?? [], band?.upper ?? []), 0.03),
    score: nice(reach(points.score), 0.04),
    root: [0, nice([0, reach(points.root)[1]], 0.05)[1]],
    leverage: [0, Math.min(1, reach(points.leverage)[1] * 1.08)],
  }), [points]);
  const figures = [
    {
      name: "residuals", title: "Is anything left to explain?", x: "fitted", y: "residual", xLabel: `fitted ${target}`, yLabel: "residual",
      more: (f) => html`<line class="zero" x1=${f.left} x2=${f.right} y1=${f.y(0)} y2=${f.y(0)} /><${Trend} f=${f} trend=${checkup.trend} />`,
      line: "A level orange line: nothing is left. A bow asks for a curve.",
    },
    {
      name: "qq", title: "Are the residuals bell-shaped?", x: "score", y: "standardized", xLabel: "where a bell has it, in sd", yLabel: "standardised residual",
      more: (f) => band && html`<path class="qq-band" d=${ribbon(f, band)} /><line class="mark-line s-red thin" x1=${f.x(-9)} x2=${f.x(9)}
        y1=${f.y(band.mean - 9 * band.sd)} y2=${f.y(band.mean + 9 * band.sd)} />`,
      line: band ? band.outside ? `${band.outside === 1 ? "One point leaves" : `${format(band.outside)} points leave`} the band, in which 95 of 100 bells stay with all of theirs.` : "All points in the band: as a bell does it." : "",
    },
    {
      name: "scale", title: "Is the scatter the same everywhere?", x: "fitted", y: "root", xLabel: `fitted ${target}`, yLabel: "√|standardised residual|",
      more: (f) => html`<${Trend} f=${f} trend=${checkup.root_trend} />`,
      line: "A level orange line: the same. Rising: the larger, the less certain.",
    },
    {
      name: "leverage", title: "Does a single row decide?", x: "leverage", y: "standardized", xLabel: "leverage (dotted: twice the average)", yLabel: "standardised residual",
      more: (f) => html`<line class="zero" x1=${f.left} x2=${f.right} y1=${f.y(0)} y2=${f.y(0)} />
        <line class="twice" x1=${f.x(2 * checkup.mean_leverage)} x2=${f.x(2 * checkup.mean_leverage)} y1=${f.top} y2=${f.bottom} />
        ${checkup.contours.map((one) => html`<g key=${one.level}>${[1, -1].map((sign) => html`
          <path class="contour" d=${path(f.x, f.y, one.leverage, one.size.map((v) => sign * v))} />`)}</g>`)}`,
      line: "Beyond a dashed line (Cook’s distance ½ and 1) a row moves the whole fit.",
    },
  ];
  const shown = count < checkup.all_rows ? `${format(count)} of ${many(checkup.all_rows, "row")} are drawn, the worst among them. ` : "";
  return html`<${Panel} title="Check-up" line=${`${shown}Point at a row, or choose it below: it lights up in all four.`} class="checkup">
    <div class="figures">${figures.map((figure) => html`<${Figure} key=${figure.name} figure=${figure} points=${points} ranges=${ranges}
      lit=${lit} setLit=${setLit} />`)}</div>
    <div class="row-chooser"><${Slider} label="Row" min=${0} max=${Math.max(1, count - 1)} step=${1} value=${lit ?? 0} field=${false}
      text=${(k) => (lit === null ? "none chosen" : rowWords(points, Math.round(k)))} onInput=${(k) => setLit(Math.min(count - 1, Math.round(k)))} /></div>
    <p class="row-words" data-row=${lit === null ? "" : points.label[lit]}>${lit === null ? "No row is chosen." : rowWords(points, lit)}</p>
    <div class="check-tables">
      <div class="scroll" tabindex="0" role="region" aria-label="Tests of the check-up"><table class="tests">
        <thead><tr><th scope="col">question</th><th scope="col">test</th><th scope="col">statistic</th><th scope="col">p</th><th scope="col">how much</th></tr></thead>
        <tbody>${checkup.lines.map((cells, i) => html`<tr key=${i}>${cells.map((cell, j) => html`<td key=${j}>${cell}</td>`)}</tr>`)}</tbody></table></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Rows that weigh most"><table class="worst"><caption>Rows that weigh most, counted from 0: the first below the header</caption>
        <thead><tr>${checkup.worst[0].map((head) => html`<th scope="col" key=${head}>${head}</th>`)}</tr></thead>
        <tbody>${checkup.worst.slice(1).map((cells, i) => html`<tr key=${i}>${cells.map((cell, j) => html`<td key=${j}>${cell}</td>`)}</tr>`)}</tbody></table></div>
    </div>
    <p class="help">${checkup.order_note}</p>
  </${Panel}>`;
}

function rowWords(points, k) {
  const words = [
    `Row ${points.label[k]}: observed ${format(points.observed[k])}`, `fitted ${format(points.fitted[k])}`, `residual ${format(points.residual[k], 3)}`,
    points.standardized[k] === null ? "alone with its leverage" : `${format(points.standardized[k], 3)} sd`, `leverage ${format(points.leverage[k], 3)}`,
  ];
  if (points.cook[k] !== null) words.push(`Cook’s distance ${format(points.cook[k], 2)}`);
  return `${words.join(", ")}.`;
}

/** One figure. The row that was pointed at last stays lit, its number beside it. */
function Figure({ figure, points, ranges, lit, setLit }) {
  const [xs, ys] = [points[figure.x], points[figure.y]];
  return html`<section class="figure"><h4>${figure.title}</h4><p class="line">${figure.line}</p>
    <${Frame} name=${figure.name} x=${ranges[figure.x]} y=${ranges[figure.y]} xLabel=${figure.xLabel} yLabel=${figure.yLabel}
      label=${`${figure.title} ${figure.line}`} minHeight=${260} ratio=${0.6} maxHeight=${380}
      over=${(f) => lit !== null && xs[lit] !== null && ys[lit] !== null && html`<text class="note" x=${f.x(xs[lit]) + (f.x(xs[lit]) > (f.left + f.right) / 2 ? -13 : 13)}
        y=${f.y(ys[lit]) + 5} text-anchor=${f.x(xs[lit]) > (f.left + f.right) / 2 ? "end" : "start"}>${points.label[lit]}</text>`}>
      ${(f) => html`<${Points} frame=${f} x=${xs} y=${ys} r=${xs.length > 300 ? 2.6 : 4} lit=${lit} onNear=${(k) => k !== null && setLit(k)} />${figure.more(f)}`}
    </${Frame}></section>`;
}

function Trend({ f, trend }) {
  return trend && html`<path class="mark-line s-red" d=${path(f.x, f.y, trend[0], trend[1])} />`;
}

function ribbon(f, { score, lower, upper }) {
  const edge = (values, k) => `${f.x(score[k]).toFixed(1)} ${Math.max(-1e4, Math.min(1e4, f.y(values[k]))).toFixed(1)}`;
  const all = score.map((_, k) => k).filter((k) => lower[k] !== null && upper[k] !== null);
  return all.length ? `M${all.map((k) => edge(upper, k)).join("L")}L${all.reverse().map((k) => edge(lower, k)).join("L")}Z` : "";
}
