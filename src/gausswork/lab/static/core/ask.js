// Questions to Python and their answers, over any transport: the lab's socket, a notebook's widget.
//
// Latest wins: of a room's questions of one kind a single one is on its way, and only the newest
// waits. A drag therefore never builds a queue of stale positions.

/**
 * @typedef {{sentence: string, remedy: string}} Problem
 * @typedef {{send(message: object): boolean, onMessage: (m: any) => void,
 *   onOpen: () => void}} Transport  send returns whether the message could be sent
 */

/** What was asked and is not answered yet, over one transport. */
export class Asker {
  /** @param {Transport} transport */
  constructor(transport) {
    this.transport = transport;
    this.next = 1;
    /** @type {Map<number, {message: object, handlers: any}>} */
    this.open = new Map();
    transport.onMessage = (message) => this.receive(message);
    transport.onOpen = () => this.again();
  }

  /**
   * A line to one room: what is sent last is answered, what lies between is left out.
   * `live(state)` tells of a state that is only passed through, as during a drag: rooms may leave
   * out of its answer what nobody reads at that pace.
   */
  latest(room, ask, { answer, error, live = () => false }) {
    let flying = null;
    let waiting = null;
    let closed = false;
    const send = (state) => {
      if (closed) return;
      if (flying !== null) {
        waiting = { state };
        return;
      }
      const settled = (then) => (value) => {
        flying = null;
        if (!closed && then) then(value, state);
        if (waiting !== null) {
          const following = waiting.state;
          waiting = null;
          send(following);
        }
      };
      flying = this.ask({ room, ask, state: live(state) ? { ...state, live: true } : state }, {
        answer: settled(answer),
        error: settled(error),
        skipped: settled(null),
      });
    };
    return { send, close: () => { closed = true; } };
  }

  /** One question, one answer. @returns {Promise<any>} rejects with a Problem */
  once(room, ask, state) {
    return new Promise((resolve, reject) => {
      this.ask({ room, ask, state }, {
        answer: resolve,
        error: reject,
        skipped: () => reject({ sentence: "A newer question took the place of this one.", remedy: "" }),
      });
    });
  }

  /**
   * Long work. `part` is called with each part, in order; then `done({stopped})` or `error`.
   * `job` is called with the name under which a reloaded page can follow the work further.
   */
  train(room, state, handlers) {
    return this.followed({ room, ask: "train", state }, handlers);
  }

  /** Go on following work that an earlier page began. */
  follow(job, seen, handlers) {
    return this.followed({ attach: job, seen }, handlers, job, seen);
  }

  followed(message, handlers, job = null, seen = 0) {
    const entry = { job, seen };
    const id = this.ask(message, {
      job: (name) => { entry.job = name; handlers.job?.(name); },
      parts: (parts) => {
        entry.seen += parts.length;
        for (const part of parts) handlers.part?.(part);
      },
      done: (end) => handlers.done?.(end),
      error: (problem) => handlers.error?.(problem),
      // after a broken connection the work is looked for, not begun anew
      again: (first) => (entry.job === null ? first : { attach: entry.job, seen: entry.seen }),
    });
    return { stop: () => this.transport.send({ cancel: id }) };
  }

  ask(message, handlers) {
    const id = this.next++;
    this.open.set(id, { message, handlers });
    this.transport.send({ id, ...message });
    return id;
  }

  receive(message) {
    const entry = this.open.get(message.id);
    if (!entry) return; // of an earlier connection
    const { handlers } = entry;
    if ("parts" in message) return handlers.parts?.(message.parts);
    if ("job" in message) return handlers.job?.(message.job);
    this.open.delete(message.id);
    if ("answer" in message) handlers.answer?.(message.answer);
    else if ("done" in message) handlers.done?.(message.done);
    else if ("skipped" in message) handlers.skipped?.();
    else if ("error" in message) handlers.error?.(message.error);
  }

  /** After a broken connection: whatever is open is asked again. */
  again() {
    for (const [id, { message, handlers }] of this.open) {
      this.transport.send({ id, ...(handlers.again ? handlers.again(message) : message) });
    }
  }
}

const LARGEST = 1_000_000; // characters; the server refuses more

/** The lab's socket; opens itself again when the connection breaks. */
export class Socket {
  /** @param {(status: "open" | "waiting" | "gone") => void} onStatus */
  constructor(onStatus) {
    this.onStatus = onStatus;
    this.onMessage = () => {};
    this.onOpen = () => {};
    this.failures = 0;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/wire`);
    this.socket.onopen = () => {
      this.failures = 0;
      this.onStatus("open");
      this.onOpen();
    };
    this.socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    this.socket.onclose = () => {
      this.failures += 1;
      this.onStatus(this.failures > 2 ? "gone" : "waiting");
      setTimeout(() => this.connect(), Math.min(5000, 200 * 2 ** this.failures));
    };
  }

  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false; // asked again when it opens
    const text = JSON.stringify(message);
    if (text.length > LARGEST) {
      queueMicrotask(() => this.onMessage({
        id: message.id,
        error: {
          sentence: "There are more points here than the lab can send.",
          remedy: "Use fewer points, or give the data as a CSV file in “Your data”.",
        },
      }));
      return true;
    }
    this.socket.send(text);
    return true;
  }
}
