// Starts the page: the theme before anything is drawn, then the lab.
import { applyTheme, openLab } from "./core/lab.js";

applyTheme();
openLab(document.getElementById("lab"));
