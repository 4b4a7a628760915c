// Dark or light, before the first paint: the choice made here, else what the system asks for.
(() => {
  "use strict";
  const root = document.documentElement;
  let stored = null;
  try {
    stored = localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; the system's choice then holds.
  }
  if (stored === "dark" || stored === "light") root.dataset.theme = stored;

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme")?.addEventListener("click", () => {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      const next = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
      root.dataset.theme = next;
      try {
        localStorage.setItem("theme", next);
      } catch {
        // It then holds for this page alone.
      }
      // Canvases are drawn in the colours of the theme and listen to this.
      document.dispatchEvent(new CustomEvent("theme", { detail: next }));
    });
  });
})();
