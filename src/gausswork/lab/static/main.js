// Starts the page: the theme before anything is drawn, then the lab.
import { applyTheme, openLab } from "./core/lab.js";
import { options } from "./vendor/preact.js";

// One drawing per frame of the screen, however many moves and answers come between two of them; a
// page that is hidden has no frames, and is drawn all the same.
options.debounceRendering = (draw) => {
  let frame = 0;
  const timer = setTimeout(() => { cancelAnimationFrame(frame); draw(); }, 100);
  frame = requestAnimationFrame(() => { clearTimeout(timer); draw(); });
};

applyTheme();
openLab(document.getElementById("lab"));
