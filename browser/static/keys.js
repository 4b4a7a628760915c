// Keys that work on every page.

export const isTyping = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

document.addEventListener("keydown", (event) => {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "t") document.getElementById("theme")?.click();
  const keys = document.getElementById("keys");
  if (event.key === "?" && keys) {
    if (keys.open) keys.close();
    else keys.showModal();
  }
  if (event.key === "/") {
    event.preventDefault();
    const search = document.querySelector("input[type=search]");
    if (search) search.select();
    else location.href = "/?focus=search";
  }
});
