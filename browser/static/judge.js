// Answers by key or click. Each goes to the server, whose reply is the next question.

import { isTyping } from "./keys.js";

const KEYS = { y: "yes", n: "no", s: "skip", 1: "1", 2: "2" };
const judge = document.getElementById("judge");
const problem = document.getElementById("problem");
let isBusy = false;

async function post(address, body) {
  if (isBusy) return;
  isBusy = true;
  judge.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    problem.hidden = true;
    show(text);
  } catch (error) {
    problem.hidden = false;
    problem.textContent = `Not stored: ${error.message}`;
  } finally {
    isBusy = false;
    judge.removeAttribute("aria-busy");
  }
}

// The reply holds the question, what the answers come to, or both; each takes the other's place.
function show(text) {
  const reply = document.createElement("template");
  reply.innerHTML = text;
  for (const part of [...reply.content.querySelectorAll("[data-part]")]) {
    judge.querySelector(`[data-part="${part.dataset.part}"]`).replaceWith(part);
  }
}

function answer(word) {
  const { kind, journey, anchor, first, second } = judge.querySelector('[data-part="question"]').dataset;
  if (kind === "interest" && ["yes", "no", "skip"].includes(word)) {
    post("/judge/interest", {
      journey: Number(journey),
      positive: { yes: true, no: false, skip: null }[word],
    });
  }
  if (kind === "triplet" && ["1", "2", "skip"].includes(word)) {
    post("/judge/triplet", {
      anchor: Number(anchor),
      first: Number(first),
      second: Number(second),
      nearer: { 1: Number(first), 2: Number(second), skip: null }[word],
    });
  }
}

judge.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.answer) answer(button.dataset.answer);
  if (button?.dataset.do === "fit") {
    button.disabled = true;
    button.textContent = "Learning …";
    post("/judge/metric", {});
  }
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const word = KEYS[event.key.toLowerCase()];
  if (!word) return;
  const button = judge.querySelector(`[data-answer="${word}"]`);
  if (!button) return;
  event.preventDefault();
  answer(word);
});
