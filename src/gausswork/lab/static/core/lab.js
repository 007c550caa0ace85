// The shell: navigation, the room on the screen with its tools, theme, sharing, what is said.
import { Fragment, html, render, useEffect, useErrorBoundary, useRef, useState } from "../vendor/preact.js";
import { Asker, Socket } from "./ask.js";
import { Button, Problem } from "./controls.js";
import { copy, download, Python } from "./python.js";
import { say } from "./say.js";
import { hashState, keep, linkOf, RoomState } from "./state.js";
import { TableList } from "./tables.js";

/** What a room gets as `lab`, in the page as in a notebook. */
export class Lab {
  constructor({ asker, rooms, tables = new TableList(), storage = keep }) {
    this.asker = asker;
    this.rooms = rooms; // [{name, start}]
    this.tables = tables;
    this.storage = storage;
    this.states = new Map();
    this.say = say;
  }

  /** The state of a room, with its history, for as long as the page lives. */
  state(name) {
    if (!this.states.has(name)) {
      const { start } = this.rooms.find((room) => room.name === name);
      this.states.set(name, new RoomState(name, start, { kept: this.storage.read(name), storage: this.storage }));
    }
    return this.states.get(name);
  }
}

/** Draw again whenever the state of a room changes. */
export function useRoomState(lab, name) {
  const store = lab.state(name);
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((n) => n + 1)), [store]);
  return store;
}

/** The newest answer of a room to its state, and the newest problem; announces on release. */
export function useAnswer(lab, name, store) {
  const [got, setGot] = useState({ answer: null, problem: null, of: null });
  const line = useRef(null);
  const said = useRef(store.commits);
  useEffect(() => {
    line.current = lab.asker.latest(name, "answer", {
      answer: (answer, of) => {
        setGot({ answer, problem: null, of });
        if (of === store.committed && said.current !== store.commits) {
          said.current = store.commits;
          lab.say(answer.said);
        }
      },
      error: (problem, of) => setGot((before) => ({ ...before, problem, of })),
    });
    return () => line.current.close();
  }, [lab, name]);
  const { now } = store;
  useEffect(() => line.current.send(now), [lab, name, now]);
  const again = () => line.current.send(store.now);
  useEffect(() => { // a table that was given again may be the one that is missing
    lab.tables.listeners.add(again);
    return () => lab.tables.listeners.delete(again);
  }, [lab, name]);
  return got;
}

/** A room with its own tools: undo, redo, reset, Python, share. */
function RoomPage({ lab, name, module }) {
  const store = useRoomState(lab, name);
  const { answer, problem, of } = useAnswer(lab, name, store);
  const [python, setPython] = useState(false);
  const [sharing, setSharing] = useState(false);
  useEffect(() => {
    const key = (event) => {
      const typing = event.target.closest?.("input:not([type=range]):not([type=radio]):not([type=checkbox]), textarea");
      if (!(event.ctrlKey || event.metaKey) || typing) return;
      const letter = event.key.toLowerCase();
      if (letter === "z" && !event.shiftKey) store.undo();
      else if (letter === "y" || (letter === "z" && event.shiftKey)) store.redo();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [store]);
  const set = (partial, how) => store.set(partial, how);
  return html`<main id="room" tabindex="-1" class="room" data-room=${name}
      data-busy=${String(answer === null || of !== store.now)}>
    <header class="room-head">
      <div><h2>${module.title}</h2><p class="line">${module.line}</p></div>
      <div class="tools" role="toolbar" aria-label="Tools of this room">
        <${Button} label="Undo" kind="tool" disabled=${!store.past.length} onClick=${() => store.undo()}>↶</${Button}>
        <${Button} label="Redo" kind="tool" disabled=${!store.future.length} onClick=${() => store.redo()}>↷</${Button}>
        <${Button} kind="tool" onClick=${() => { store.reset(); say("The room is as it was at first."); }}>Reset</${Button}>
        <${Button} kind="tool" onClick=${() => setSharing(true)}>Share</${Button}>
        <${Button} kind="tool strong" pressed=${python} onClick=${() => setPython(!python)}>Show Python</${Button}>
      </div>
    </header>
    <${Problem} problem=${problem} />
    <div class=${`room-body ${python ? "with-python" : ""}`}>
      <div class=${`stage ${problem ? "stale" : ""}`}>
        ${answer
          ? html`<${module.Room} lab=${lab} state=${store.now} set=${set} answer=${answer} start=${store.start} />`
          : !problem && html`<p class="waiting">Computing …</p>`}
      </div>
      ${python && html`<${Python} lab=${lab} name=${name} state=${store.now} onClose=${() => setPython(false)} />`}
    </div>
    ${sharing && html`<${Share} name=${name} store=${store} onClose=${() => setSharing(false)} />`}
  </main>`;
}

/** The state of a room as a link or as a file, and back. */
function Share({ name, store, onClose }) {
  const dialog = useRef(null);
  const file = useRef(null);
  const [link, setLink] = useState("");
  const [told, setTold] = useState("");
  useEffect(() => {
    dialog.current.showModal();
    linkOf(name, store.committed).then(setLink);
  }, []);
  const tell = (sentence) => { setTold(sentence); say(sentence); };
  const open = async (chosen) => {
    if (!chosen) return;
    try {
      if (chosen.size > 2_000_000) throw new RangeError("too large");
      const kept = JSON.parse(await chosen.text());
      if (kept.room !== name || typeof kept.state !== "object" || kept.state === null) throw new TypeError("another room");
      store.replace(kept.state);
      tell("The file is open.");
    } catch {
      tell(`${chosen.name} is no state of this room. Choose a file that “Save as a file” of this room wrote.`);
    }
  };
  const table = JSON.stringify(store.committed).includes('"table":"');
  return html`<dialog ref=${dialog} class="share" aria-label="Share this room" onClose=${onClose}
      onClick=${(e) => { if (e.target === dialog.current) dialog.current.close(); }}>
    <h3>Share this room</h3>
    <p>What you see, as a link for another lab at the same address, or as a file.
      ${table && " The table itself is not in it: give the file along."}</p>
    <label>Link <input readonly value=${link} onFocus=${(e) => e.currentTarget.select()} /></label>
    <div class="row">
      <${Button} onClick=${async () => tell((await copy(link)) ? "The link is copied." : "Select the link to copy it.")}>Copy the link</${Button}>
      <${Button} onClick=${() => download(`gausswork-${name}.json`,
        `${JSON.stringify({ gausswork: "lab", room: name, state: store.committed }, null, 1)}\n`, "application/json")}>Save as a file</${Button}>
      <${Button} onClick=${() => file.current.click()}>Open a file</${Button}>
      <input ref=${file} type="file" accept=".json" class="unseen" tabindex="-1" aria-label="A saved room"
        onChange=${(e) => { open(e.currentTarget.files[0]); e.currentTarget.value = ""; }} />
      <${Button} kind="strong" onClick=${() => dialog.current.close()}>Close</${Button}>
    </div>
    <p class="line">${told}</p>
  </dialog>`;
}

/** What is shown instead of a room whose drawing failed: words, and a way out. */
function Safe({ store, children }) {
  const [error, clear] = useErrorBoundary((problem) => console.error(problem));
  if (!error) return children;
  const reset = () => { store.reset(); clear(); };
  return html`<main id="room" tabindex="-1" class="room"><${Problem} problem=${{
    sentence: `This room cannot be drawn (${error.message}).`,
    remedy: "Take the last step back, or begin with the first state.",
  }}><${Button} onClick=${() => { store.undo(); clear(); }}>Undo</${Button}
    ><${Button} onClick=${reset}>Reset the room</${Button}></${Problem}></main>`;
}

const TITLES = {
  regression: "Regression", descent: "Gradient descent", bell: "Bell curve", limit: "Central limit",
  random: "Random", start: "Initialisation", data: "Your data",
};

function Shell({ lab, connection }) {
  const names = lab.rooms.map(({ name }) => name);
  const [name, setName] = useState(null);
  const [module, setModule] = useState(null);
  const [remark, setRemark] = useState("");
  const [, draw] = useState(0);
  connection.onChange = () => draw((n) => n + 1);
  const go = async () => {
    const asked = await hashState(location.hash);
    const next = names.includes(asked.name) ? asked.name : names.includes(lab.storage.read("room")) ? lab.storage.read("room") : names[0];
    if (asked.state && names.includes(asked.name)) {
      lab.state(next).replace(asked.state);
      history.replaceState(null, "", `#${next}`); // what is shared is open now; a reload keeps later steps
    }
    setRemark(asked.damaged ? "The link is damaged: ask for it again. Your own state is shown instead." : "");
    if (!next) return;
    lab.storage.write("room", next);
    const loaded = await import(`../rooms/${next}.js`);
    setModule(loaded);
    setName(next);
    document.title = `${loaded.title} · gausswork lab`;
  };
  useEffect(() => {
    go();
    const moved = async () => {
      await go();
      document.getElementById("room")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    document.querySelector(".rooms [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [name]);
  return html`<${Fragment}>
    <a class="skip" href="#room" onClick=${(e) => { e.preventDefault(); document.getElementById("room")?.focus(); }}>Skip to the room</a>
    <header class="top">
      <h1><img src="/static/icon.svg" alt="" width="28" height="28" />gausswork <span>lab</span></h1>
      <nav class="rooms" aria-label="Rooms" tabindex="-1">${names.map((one) => html`
        <a key=${one} href=${`#${one}`} aria-current=${one === name ? "page" : undefined}>${TITLES[one] ?? one}</a>`)}</nav>
      <${Theme} />
    </header>
    ${connection.status === "gone" && html`<div class="banner" role="alert">The lab does not answer: it was stopped, or
      started anew. Start it with <code>gausswork lab</code> and open the address that it prints. What you did is kept in this browser.</div>`}
    ${remark && html`<div class="banner" role="alert">${remark}</div>`}
    ${names.length === 0 && html`<main class="room" id="room"><p>No room is installed.</p></main>`}
    ${module && name && html`<${Safe} key=${name} store=${lab.state(name)}>
      <${RoomPage} lab=${lab} name=${name} module=${module} /></${Safe}>`}
  </${Fragment}>`;
}

const THEMES = ["auto", "light", "dark"];
const SIGNS = { auto: "◐", light: "☀", dark: "☾" };

export function applyTheme(theme = keep.read("theme")) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function Theme() {
  const [theme, setTheme] = useState(keep.read("theme") ?? "auto");
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    keep.write("theme", next);
    applyTheme(next);
    setTheme(next);
    say(`Colours: ${next}.`);
  };
  return html`<button type="button" class="button theme" onClick=${turn} aria-label=${`Colours: ${theme}`}
    title=${`Colours: ${theme}`}><span aria-hidden="true">${SIGNS[theme] ?? SIGNS.auto}</span></button>`;
}

/** Open the lab in the page. */
export async function openLab(place) {
  const connection = { status: "waiting", onChange: () => {} };
  const socket = new Socket((status) => { connection.status = status; connection.onChange(); });
  const asker = new Asker(socket);
  let described;
  try {
    described = await (await fetch("/lab.json")).json();
  } catch {
    place.textContent = "The lab does not answer. Start it with: gausswork lab, and open the address that it prints.";
    return;
  }
  const lab = new Lab({ asker, rooms: described.rooms, tables: new TableList(described) });
  place.replaceChildren();
  render(html`<${Shell} lab=${lab} connection=${connection} />`, place);
  // the other rooms are fetched while nobody waits
  const idle = globalThis.requestIdleCallback ?? ((then) => setTimeout(then, 400));
  idle(() => { for (const { name } of described.rooms) import(`../rooms/${name}.js`).catch(() => {}); });
}
