// Buttons that copy the command beside them, and keys to go from task to task.

import { isTyping } from "./keys.js";

async function copy(button) {
  const text = button.closest(".command").querySelector("code").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, or on a page that is not on this machine: select it instead.
    getSelection().selectAllChildren(button.closest(".command").querySelector("code"));
    return;
  }
  button.dataset.done = "true";
  setTimeout(() => delete button.dataset.done, 1200);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".copy");
  if (button) copy(button);
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const rel = { "[": "prev", "]": "next" }[event.key];
  if (rel) document.querySelector(`.pager a[rel=${rel}]`)?.click();
});
