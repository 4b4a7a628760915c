// Says so when the server has gone, and stops saying so when it is back.

const sign = document.getElementById("offline");
const show = (isGone) => {
  sign.hidden = !isGone;
};

document.addEventListener("htmx:error", () => show(true));
document.addEventListener("htmx:after:request", () => show(false));

export { show as showOffline };
