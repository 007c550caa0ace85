// Announcements for those who hear the page: one polite line, changed on release, never in a drag.

/** A function that says a sentence at a place; a later one within a moment takes its turn. */
export function speaker(find) {
  let timer = 0;
  return (sentence) => {
    const place = find();
    if (!place || !sentence) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      place.textContent = ""; // the same sentence twice is said twice
      requestAnimationFrame(() => { place.textContent = sentence; });
    }, 120);
  };
}

/** Say it in the page of the lab. */
export const say = speaker(() => document.getElementById("said"));
