// The state of a room: lives in the browser, survives a reload, is undone, redone and shared.
//
// `set(partial)` shows something at once, as during a drag; `set(partial, {commit: true})` ends a
// step that undo takes back. Each tab keeps its own state; a new tab begins with the latest one.

const MOST_STEPS = 200;
const KEPT = 200_000; // characters of history that a reload keeps: the newest steps that fit
const KEY = "gausswork-lab:";

/** Storage that may be full or forbidden: then the state lives as long as the page. */
export const keep = {
  read(name) {
    for (const store of [() => sessionStorage, () => localStorage]) {
      try {
        const text = store().getItem(KEY + name);
        if (text !== null) return JSON.parse(text);
      } catch { /* nothing usable there */ }
    }
    return null;
  },
  write(name, value) {
    for (const store of [() => sessionStorage, () => localStorage]) {
      try {
        store().setItem(KEY + name, JSON.stringify(value));
      } catch { /* full or forbidden */ }
    }
  },
};

/** One room's state with its history. */
export class RoomState {
  constructor(name, start, { kept = null, storage = keep } = {}) {
    this.name = name;
    this.start = start;
    this.storage = storage;
    const fits = kept && typeof kept === "object" && !Array.isArray(kept);
    this.now = fits ? merged(start, kept) : structuredClone(start);
    this.committed = this.now;
    this.past = [];
    this.future = [];
    this.remember();
    this.listeners = new Set();
    this.commits = 0; // how many steps this page has ended: an announcement belongs to one
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Change some fields; a function gets the present state and returns them. */
  set(partial, { commit = false } = {}) {
    const change = typeof partial === "function" ? partial(this.now) : partial;
    this.now = { ...this.now, ...change };
    if (commit) this.commit();
    this.tell();
  }

  commit() {
    if (same(this.now, this.committed)) { // back where it was: no step, and nothing is passed through
      this.now = this.committed;
      return;
    }
    this.past.push(this.committed);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.settle();
  }

  settle() {
    this.committed = this.now;
    this.commits += 1;
    this.storage.write(this.name, this.now);
    let room = KEPT;
    const newest = (steps) => {
      let from = steps.length;
      while (from > 0 && (room -= JSON.stringify(steps[from - 1]).length) >= 0) from -= 1;
      return steps.slice(from);
    };
    this.storage.write(`history-${this.name}`, { of: this.now, past: newest(this.past), future: newest(this.future) });
  }

  /** Take up the history of an earlier page, where it belongs to the state that was kept. */
  remember() {
    const { of = null, past = [], future = [] } = this.storage.read(`history-${this.name}`) ?? {};
    if (!same(of, this.now) || !Array.isArray(past) || !Array.isArray(future)) return;
    const step = (state) => merged(this.start, Object(state));
    this.past = past.map(step);
    this.future = future.map(step);
  }

  undo() {
    if (!same(this.now, this.committed)) {
      this.now = this.committed; // an unfinished step is dropped
    } else if (this.past.length) {
      this.future.push(this.committed);
      this.now = this.past.pop();
      this.settle();
    }
    this.tell();
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.committed);
    this.now = this.future.pop();
    this.settle();
    this.tell();
  }

  /** Back to the first state; the seed stays, so that what was random stays the same. */
  reset() {
    const start = structuredClone(this.start);
    if ("seed" in this.now && "seed" in start) start.seed = this.now.seed;
    this.replace(start);
  }

  replace(state) {
    this.now = merged(this.start, state);
    this.commit();
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }
}

/** Fields of an older or a foreign state over those that this version knows. */
function merged(start, state) {
  const known = Object.keys(start);
  const taken = Object.fromEntries(known.filter((key) => key in state).map((key) => [key, state[key]]));
  return { ...structuredClone(start), ...taken };
}

const same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/** The state as a link that anybody can open in a lab of their own. */
export async function linkOf(name, state) {
  const text = new TextEncoder().encode(JSON.stringify(state));
  const packed = await through(text, new CompressionStream("deflate-raw"));
  const letters = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(""));
  const safe = letters.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.origin}/#${name}=${safe}`;
}

/** What a hash asks for: {name, state}; the state is null where there is none or it is damaged. */
export async function hashState(hash) {
  const [name, packed] = hash.replace(/^#/, "").split("=", 2);
  if (!packed) return { name, state: null, damaged: false };
  try {
    if (packed.length > 700_000) throw new RangeError("too long");
    const letters = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const text = await through(bytes, new DecompressionStream("deflate-raw"), 2_000_000);
    const state = JSON.parse(new TextDecoder().decode(text));
    if (typeof state !== "object" || state === null) throw new TypeError("no object");
    return { name, state, damaged: false };
  } catch {
    return { name, state: null, damaged: true };
  }
}

async function through(bytes, stream, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new RangeError("too large when unpacked");
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
