// Keys in the gallery: j, k and the arrows go through the cards, Enter opens one (it is a link),
// Escape leaves the search box.
import { isTyping } from "./keys.js";

const search = document.getElementById("q");
const cards = () => [...document.querySelectorAll(".card")];

// How many cards stand in the first row.
const columns = (all) => {
  const top = all[0].offsetTop;
  const next = all.findIndex((card) => card.offsetTop > top);
  return next < 1 ? all.length : next;
};

const go = (steps) => {
  const all = cards();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement);
  const there = here < 0 ? 0 : Math.min(Math.max(here + steps(all), 0), all.length - 1);
  all[there].focus({ preventScroll: true });
  all[there].scrollIntoView({ block: "nearest" });
};

const STEPS = {
  j: () => 1,
  k: () => -1,
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
  ArrowDown: (all) => columns(all),
  ArrowUp: (all) => -columns(all),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === search) {
    if (event.key === "Escape") search.blur();
    if (event.key === "ArrowDown" && cards().length) {
      event.preventDefault();
      go(() => 0);
    }
    return;
  }
  if (isTyping(event.target) || !(event.key in STEPS)) return;
  event.preventDefault();
  go(STEPS[event.key]);
});

if (new URLSearchParams(location.search).get("focus") === "search") {
  search.focus();
  history.replaceState(null, "", "/");
}
