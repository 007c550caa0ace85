// A room as a widget: the same modules as in the page, over a notebook's model instead of a socket.
import { html, render } from "./vendor/preact.js";
import { Asker } from "./core/ask.js";
import { Lab, RoomPage, Safe } from "./core/room.js";
import { speaker } from "./core/say.js";
import { TableList } from "./core/tables.js";

/** Messages over the model of anywidget (https://anywidget.dev/en/afm/). */
class ModelTransport {
  constructor(model) {
    this.model = model;
    this.onMessage = () => {};
    this.listener = (message) => {
      if (typeof message?.gausswork === "string") this.onMessage(JSON.parse(message.gausswork));
    };
    model.on("msg:custom", this.listener);
  }

  send(message) {
    this.model.send({ gausswork: JSON.stringify(message) });
    return true;
  }

  close() {
    this.model.off("msg:custom", this.listener);
  }
}

/** Light or dark as the notebook is: its text tells. */
function isDark(element) {
  const [red, green, blue] = (getComputedStyle(element).color.match(/[\d.]+/g) ?? []).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}

/** Draw the widget into `el`; returns what takes it away again. */
export function open({ model, el, room, css }) {
  const host = document.createElement("div");
  host.dataset.lmSuppressShortcuts = "true"; // JupyterLab: a key meant for a point deletes no cell
  el.append(host);
  host.dataset.theme = isDark(host) ? "dark" : "light";
  const shadow = host.attachShadow({ mode: "open" }); // styles of notebook and widget stay apart
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  shadow.adoptedStyleSheets = [sheet];
  const place = document.createElement("div");
  place.className = "widget";
  const said = document.createElement("div");
  said.className = "unseen";
  said.setAttribute("role", "status");
  said.setAttribute("aria-live", "polite");
  shadow.append(place, said);

  const name = room.name;
  const transport = new ModelTransport(model);
  const lab = new Lab({
    asker: new Asker(transport),
    rooms: [{ name, start: model.get("start") }],
    tables: new TableList(model.get("tables")),
    storage: {
      read: (key) => (key === name ? model.get("state") : null),
      write: (key, state) => {
        if (key !== name) return; // the history lives as long as the widget
        model.set("state", state);
        model.save_changes();
      },
    },
    say: speaker(() => said),
    embedded: true,
  });
  const store = lab.state(name);
  const changed = () => {
    const state = model.get("state"); // set in Python, or in another view of the same widget
    if (JSON.stringify(state) !== JSON.stringify(store.committed)) store.replace(state);
  };
  const tables = () => lab.tables.take(model.get("tables"));
  model.on("change:state", changed);
  model.on("change:tables", tables);
  const keys = (event) => event.stopPropagation();
  host.addEventListener("keydown", keys);
  render(html`<${Safe} store=${store}><${RoomPage} lab=${lab} name=${name} module=${room} /></${Safe}>`, place);
  return () => {
    render(null, place);
    transport.close();
    model.off("change:state", changed);
    model.off("change:tables", tables);
    host.removeEventListener("keydown", keys);
    host.remove();
  };
}
