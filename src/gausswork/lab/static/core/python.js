// Show Python: the script that computes what is on the screen, to copy or to save.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button } from "./controls.js";

const TOKENS = /(#.*)|("""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\b(and|as|assert|def|else|False|for|from|if|import|in|is|lambda|None|not|or|print|return|True|while|with)\b|\b(\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?)\b/g;
const KINDS = [null, "comment", "text", "word", "number"];

/** A script with its comments, texts, words and numbers told apart. */
export function Code({ text }) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = match.slice(1).findIndex((group) => group !== undefined) + 1;
    parts.push(text.slice(at, match.index), html`<span class=${`py-${KINDS[kind]}`}>${match[0]}</span>`);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return html`<pre tabindex="0" role="region" aria-label="Python script"><code>${parts}</code></pre>`;
}

/** Offer text as a file. */
export function download(name, text, type = "text/plain") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no right to: the text can still be selected
  }
}

/** The panel of a room. */
export function Python({ lab, name, state, needs = "", onClose }) {
  const [{ script, of }, setScript] = useState({ script: "", of: null });
  const [problem, setProblem] = useState(null);
  const [done, setDone] = useState("");
  const line = useRef(null);
  const box = useRef(null);
  const there = of !== null;
  useEffect(() => { // on a phone it stands below everything else: who asks for it is brought there
    if (there && box.current.getBoundingClientRect().top > 0.3 * innerHeight) box.current.scrollIntoView({ block: "start" });
  }, [there]);
  useEffect(() => {
    line.current = lab.asker.latest(name, "script", {
      answer: (text, asked) => { setScript({ script: text, of: asked }); setProblem(null); },
      error: (found, asked) => { setScript({ script: "", of: asked }); setProblem(found); },
    });
    return () => line.current.close();
  }, [lab, name]);
  useEffect(() => { line.current.send(state); setDone(""); }, [state, name]);
  // what is taken along belongs to what is on the screen now, not to a moment ago
  const newest = async () => (of === state ? script : lab.asker.once(name, "script", state).catch(() => script));
  const copied = async () => {
    const sentence = (await copy(await newest())) ? "Copied." : "Select the text to copy it.";
    setDone(sentence);
    lab.say(sentence);
  };
  return html`<aside ref=${box} class="python panel" aria-label="Show Python" data-busy=${String(of !== state)}>
    <div class="python-head"><h3>Python</h3>
      <span class="python-done">${done}</span>
      <${Button} onClick=${copied} disabled=${!script}>Copy</${Button}>
      <${Button} onClick=${async () => download(`gausswork_${name}.py`, await newest(), "text/x-python")}
        disabled=${!script}>Save .py</${Button}>
      <${Button} onClick=${onClose} label="Close Python" kind="quiet">✕</${Button}>
    </div>
    <p class="line">This script computes the numbers on the screen. ${needs
      ? html`It needs <code>pip install '${needs}'</code>.`
      : "It runs wherever gausswork is installed."}</p>
    ${problem ? html`<p class="problem">${problem.sentence} ${problem.remedy}</p>` : html`<${Code} text=${script} />`}
  </aside>`;
}
