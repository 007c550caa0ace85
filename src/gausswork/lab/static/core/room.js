// A room on the screen, in the page as in a notebook: its state, its answer, its tools.
import { html, options, useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Problem } from "./controls.js";
import { copy, download, Python } from "./python.js";
import { say } from "./say.js";
import { keep, linkOf, RoomState } from "./state.js";
import { TableList } from "./tables.js";

// While something is dragged, whatever changes is drawn once, with the next frame: a move of the hand
// and the answer to the one before it together. Otherwise it is drawn at once, as keys need it that
// come faster than frames. A page that nobody sees has no frames.
let dragging = false;
for (const [kind, begins] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  addEventListener(kind, () => { dragging = begins; }, true);
}
options.debounceRendering = (draw) => (dragging && !document.hidden ? requestAnimationFrame(draw) : queueMicrotask(draw));

/** What a room gets as `lab`, in the page as in a notebook. */
export class Lab {
  /** `embedded`: one room in a notebook, which has no address and shares the keyboard. */
  constructor({ asker, rooms, tables = new TableList(), storage = keep, say: speak = say, embedded = false }) {
    this.asker = asker;
    this.rooms = rooms; // [{name, start}]
    this.tables = tables;
    this.storage = storage;
    this.states = new Map();
    this.say = speak;
    this.embedded = embedded;
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
  useLayoutEffect(() => {
    line.current = lab.asker.latest(name, "answer", {
      answer: (answer, of) => {
        setGot({ answer, problem: null, of });
        if (of === store.committed && said.current !== store.commits) {
          said.current = store.commits;
          lab.say(answer.said);
        }
      },
      error: (problem, of) => setGot((before) => ({ ...before, problem, of })),
      live: (state) => state !== store.committed,
    });
    return () => line.current.close();
  }, [lab, name]);
  const { now } = store;
  useLayoutEffect(() => {
    // asked as soon as the hand moves, before anything is drawn: Python and the page work side by side
    let asked = now;
    line.current.send(now);
    return store.subscribe(() => {
      if (store.now === asked) return;
      asked = store.now;
      line.current.send(asked);
    });
  }, [lab, name, store]);
  const again = () => line.current.send(store.now);
  useEffect(() => { // a table that was given again may be the one that is missing
    lab.tables.listeners.add(again);
    return () => lab.tables.listeners.delete(again);
  }, [lab, name]);
  return got;
}

/** A room with its own tools: undo, redo, reset, Python, share. */
export function RoomPage({ lab, name, module }) {
  const store = useRoomState(lab, name);
  const { answer, problem, of } = useAnswer(lab, name, store);
  const [python, setPython] = useState(false);
  const [sharing, setSharing] = useState(false);
  const place = useRef(null);
  const stage = useRef(null);
  useEffect(() => {
    const listening = lab.embedded ? place.current : globalThis; // a notebook has keys of its own
    const key = (event) => {
      const typing = event.target.closest?.("input:not([type=range]):not([type=radio]):not([type=checkbox]), textarea");
      if (!(event.ctrlKey || event.metaKey) || typing) return;
      const letter = event.key.toLowerCase();
      if (letter === "z" && !event.shiftKey) store.undo();
      else if (letter === "y" || (letter === "z" && event.shiftKey)) store.redo();
      else return;
      event.preventDefault();
    };
    listening.addEventListener("keydown", key);
    return () => listening.removeEventListener("keydown", key);
  }, [lab, store]);
  useLate(store, of, stage);
  // Whether the answer on the screen is that to the state: false no sooner than it is drawn, true
  // with the first move of the hand, before anything is.
  useLayoutEffect(() => { place.current.dataset.busy = String(of !== store.now); });
  useLayoutEffect(() => store.subscribe(() => { place.current.dataset.busy = "true"; }), [store]);
  useEffect(() => { // the table that the lab was started with: once, and undo takes it back
    const table = lab.tables.find(lab.tables.first);
    if (lab.embedded || !table || !module.offer || lab.storage.read(`first-${name}`) === table.id) return;
    lab.storage.write(`first-${name}`, table.id);
    Promise.resolve(module.offer(table, lab, store.now)).then(
      (fields) => fields && store.set(fields, { commit: true }),
      () => {}, // the room says by itself what is wrong with a table that is chosen
    );
  }, [lab, name]);
  useEffect(() => { // what scrolls sideways can be scrolled by the keyboard too
    for (const box of place.current.querySelectorAll(".scroll, .python pre")) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      if (!scrolls && !box.dataset.scrolls) continue;
      box.dataset.scrolls = "true";
      box.tabIndex = scrolls ? 0 : -1;
      if (!box.hasAttribute("role")) box.setAttribute("role", "group");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", "Scrolls sideways");
    }
  });
  const set = (partial, how) => store.set(partial, how);
  const part = lab.embedded ? "section" : "main";
  return html`<${part} ref=${place} id="room" tabindex="-1" class=${`room room-${name}`} data-room=${name} aria-label=${module.title}>
    <header class="room-head">
      <div><h2>${module.title}</h2><p class="line">${module.line}</p></div>
      <div class="tools" role="group" aria-label="Tools of this room">
        <${Button} label="Undo" kind="tool" disabled=${!store.past.length} onClick=${() => store.undo()}>↶</${Button}>
        <${Button} label="Redo" kind="tool" disabled=${!store.future.length} onClick=${() => store.redo()}>↷</${Button}>
        <${Button} kind="tool" onClick=${() => { store.reset(); lab.say("The room is as it was at first."); }}>Reset</${Button}>
        <${Button} kind="tool" onClick=${() => setSharing(true)}>Share</${Button}>
        <${Button} kind="tool strong" pressed=${python} onClick=${() => setPython(!python)}>Show Python</${Button}>
      </div>
    </header>
    <${Problem} problem=${problem} />
    <div class=${`room-body ${python ? "with-python" : ""}`}>
      <div ref=${stage} class=${`stage ${problem ? "stale" : ""}`}>
        ${answer
          ? html`<${module.Room} lab=${lab} state=${store.now} set=${set} answer=${answer} start=${store.start}
              moving=${of !== store.committed} />`
          : problem ? html`<${WayOut} store=${store} />` : html`<${Waiting} words=${module.waiting} />`}
      </div>
      ${answer && html`<p class="late-sign" role="status">Computing …</p>`}
      ${python && html`<${Python} lab=${lab} name=${name} needs=${module.needs} state=${store.now} onClose=${() => { setPython(false); place.current.querySelector(".tools [aria-pressed]").focus(); }} />`}
    </div>
    ${sharing && html`<${Share} lab=${lab} name=${name} store=${store} onClose=${() => setSharing(false)} />`}
  </${part}>`;
}

const LATE = 300; // ms that an answer may be older than the state without a word of it

/**
 * Say so where what is on the screen answers an earlier state: the stage is busy, which dims it and
 * shows the sign. An answer that arrives while the hand still moves begins the time anew.
 */
function useLate(store, of, stage) {
  useLayoutEffect(() => {
    let timer = null;
    const late = (is) => stage.current.setAttribute("aria-busy", String(is));
    const look = () => {
      if (of === store.now || of === null) { // nothing is waited for, or the first answer still is
        clearTimeout(timer);
        timer = null;
        late(false);
      } else timer ??= setTimeout(() => late(true), LATE);
    };
    late(false);
    look();
    const leave = store.subscribe(look);
    return () => { clearTimeout(timer); leave(); };
  }, [store, of]);
}

/** Where a state was opened that has no answer, and so nothing to change it by: the ways back. */
function WayOut({ store }) {
  return html`<div class="row">
    ${store.past.length > 0 && html`<${Button} kind="strong" onClick=${() => store.undo()}>Undo the last step</${Button}>`}
    <${Button} onClick=${() => store.reset()}>Begin this room anew</${Button}></div>`;
}

/** What is said until the first answer is there; a room that takes long to begin says why. */
function Waiting({ words = "" }) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), 500);
    return () => clearTimeout(timer);
  }, []);
  return html`<p class="waiting" role="status">${(long && words) || "Computing …"}</p>`;
}

/** The state of a room as a link or as a file, and back. */
function Share({ lab, name, store, onClose }) {
  const dialog = useRef(null);
  const file = useRef(null);
  const [link, setLink] = useState("");
  const [told, setTold] = useState("");
  useEffect(() => {
    dialog.current.showModal();
    if (!lab.embedded) linkOf(name, store.committed).then(setLink);
  }, []);
  const tell = (sentence) => { setTold(sentence); lab.say(sentence); };
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
    <p>What you see, ${lab.embedded ? "as a file that the lab and other notebooks open." : "as a link for another lab at the same address, or as a file."}
      ${table && " The table itself is not in it: give the file along."}</p>
    ${!lab.embedded && html`<label>Link <input readonly value=${link} onFocus=${(e) => e.currentTarget.select()} /></label>`}
    <div class="row">
      ${!lab.embedded && html`<${Button} onClick=${async () => tell((await copy(link)) ? "The link is copied." : "Select the link to copy it.")}>Copy the link</${Button}>`}
      <${Button} onClick=${() => download(`gausswork-${name}.json`,
        `${JSON.stringify({ gausswork: "lab", room: name, state: store.committed }, null, 1)}\n`, "application/json")}>Save as a file</${Button}>
      <${Button} onClick=${() => file.current.click()}>Open a file</${Button}>
      <input ref=${file} type="file" accept=".json" class="unseen" tabindex="-1" aria-hidden="true"
        onChange=${(e) => { open(e.currentTarget.files[0]); e.currentTarget.value = ""; }} />
      <${Button} kind="strong" onClick=${() => dialog.current.close()}>Close</${Button}>
    </div>
    <p class="line">${told}</p>
  </dialog>`;
}

/** What is shown instead of a room whose drawing failed: words, and a way out. */
export function Safe({ store, children }) {
  const [error, clear] = useErrorBoundary((problem) => console.error(problem));
  if (!error) return children;
  const reset = () => { store.reset(); clear(); };
  return html`<main id="room" tabindex="-1" class="room"><${Problem} problem=${{
    sentence: `This room cannot be drawn (${error.message}).`,
    remedy: "Take the last step back, or begin with the first state.",
  }}><${Button} onClick=${() => { store.undo(); clear(); }}>Undo</${Button}
    ><${Button} onClick=${reset}>Reset the room</${Button}></${Problem}></main>`;
}
