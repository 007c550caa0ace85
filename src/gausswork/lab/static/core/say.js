// Announcements for those who hear the page: one polite line, changed on release, never in a drag.

let timer = 0;

/** Say a sentence; a later one within a moment takes its place. */
export function say(sentence) {
  const place = document.getElementById("said");
  if (!place || !sentence) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    place.textContent = ""; // the same sentence twice is said twice
    requestAnimationFrame(() => { place.textContent = sentence; });
  }, 120);
}
