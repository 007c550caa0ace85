// The shell: navigation, the room on the screen with its tools, theme, sharing, what is said.
import { Fragment, html, render, useEffect, useRef, useState } from "../vendor/preact.js";
import { Asker, Socket } from "./ask.js";
import { Lab, RoomPage, Safe } from "./room.js";
import { say } from "./say.js";
import { hashState, keep } from "./state.js";
import { TableList } from "./tables.js";

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
  const going = useRef(0); // who clicks twice wants the second room, whichever is fetched first
  const go = async () => {
    const mine = (going.current += 1);
    const asked = await hashState(location.hash);
    if (mine !== going.current) return;
    const next = names.includes(asked.name) ? asked.name : names.includes(lab.storage.read("room")) ? lab.storage.read("room") : names[0];
    if (asked.state && names.includes(asked.name)) {
      lab.state(next).replace(asked.state);
      history.replaceState(null, "", `#${next}`); // what is shared is open now; a reload keeps later steps
    }
    setRemark(asked.damaged ? "The link is damaged: ask for it again. Your own state is shown instead." : "");
    if (!next) return;
    lab.storage.write("room", next);
    const loaded = await import(`../rooms/${next}.js`);
    if (mine !== going.current) return;
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
    // not scrollIntoView: the next Tab would begin there, behind the skip link
    const link = document.querySelector(".rooms [aria-current]");
    if (link) link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - (link.parentElement.clientWidth - link.offsetWidth) / 2;
  }, [name]);
  return html`<${Fragment}>
    <a class="skip" href="#room" onClick=${(e) => { e.preventDefault(); document.getElementById("room")?.focus(); }}>Skip to the room</a>
    <header class="top">
      <h1><img src="/static/icon.svg" alt="" width="28" height="28" />gausswork <span>lab</span></h1>
      <nav class="rooms" aria-label="Rooms">${names.map((one) => html`
        <a key=${one} href=${`./#${one}`} aria-current=${one === name ? "page" : undefined}>${TITLES[one] ?? one}</a>`)}</nav>
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
