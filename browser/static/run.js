// The run page: the server sends its state whenever something happened; clocks tick in between.

import { showOffline } from "./offline.js";

const state = document.getElementById("run");
let received = performance.now();

const stream = new EventSource(state.dataset.stream);
stream.addEventListener("message", async (event) => {
  showOffline(false);
  // Morphed, not replaced: what is selected, focused or pointed at stays so.
  await htmx.swap({ target: state, sourceElement: state, text: event.data, swap: "innerMorph" });
  received = performance.now();
});
stream.addEventListener("error", () => {
  showOffline(true);
});
// An open stream would keep the page out of the browser's back-forward cache.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// As `duration` in pages.py writes it.
const duration = (seconds) => {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  const [hours, left] = [Math.floor(minutes / 60), minutes % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (hours) return `${hours} h ${two(left)} min`;
  if (minutes) return rest ? `${minutes} min ${two(rest)} s` : `${minutes} min`;
  return `${rest} s`;
};

setInterval(() => {
  const since = Math.floor((performance.now() - received) / 1000);
  for (const clock of state.querySelectorAll("[data-clock]")) {
    const text = duration(Number(clock.dataset.clock) + since);
    if (clock.textContent !== text) clock.textContent = text;
  }
}, 250);
