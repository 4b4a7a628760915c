// All records where their meaning puts them, on axes that never change. A lasso around some of them
// leads to the gallery.

import { clamp, Dots, Paint, Plane, Posters } from "./plane.js";

const MOST_RANGES = 400;
// So few in sight have room for their pictures.
const MOST_POSTERS = 40;

const root = document.getElementById("map");
const answer = await fetch("/map/data");
const { points, reference, statuses, words } = await answer.json();

const paint = new Paint(root, points, statuses, words);
const dots = new Dots();
const chosen = new Set();
let lasso = null;
let withLasso = false;

// World: right and up, as on paper.
const all = points.length ? points.map((point) => [point.x, point.y]) : reference;
const bounds = all.reduce(
  ([left, top, right, bottom], [x, y]) => [
    Math.min(left, x),
    Math.min(top, -y),
    Math.max(right, x),
    Math.max(bottom, -y),
  ],
  [Infinity, Infinity, -Infinity, -Infinity],
);

// Many are small, so that they do not hide each other.
let radius = 5;

function draw(context) {
  // What the plane was made from, as ground to stand on.
  context.fillStyle = paint["line-strong"];
  for (const [x, y] of reference) {
    const [sx, sy] = plane.toScreen(x, -y);
    context.fillRect(sx - 1, sy - 1, 2, 2);
  }
  const inSight = points.filter((point) => {
    const [x, y] = plane.toScreen(point.x, -point.y);
    return x > -50 && y > -50 && x < plane.width + 50 && y < plane.height + 50;
  });
  radius = clamp(26 / inSight.length ** 0.25, 2.4, 7);
  const wide = clamp(plane.width / 14, 40, 88);
  const tall = (3 * wide) / 4;
  const large = inSight.length <= MOST_POSTERS;
  for (const point of inSight) {
    const [x, y] = plane.toScreen(point.x, -point.y);
    const image = large ? posters.get(point) : null;
    const faded = chosen.size && !chosen.has(point.number);
    context.globalAlpha = faded ? 0.2 : 0.9;
    if (image) {
      context.globalAlpha = faded ? 0.2 : 1;
      context.drawImage(image, x - wide / 2, y - tall / 2, wide, tall);
      context.lineWidth = 2.5;
      context.strokeStyle = paint.of(point);
      context.strokeRect(x - wide / 2, y - tall / 2, wide, tall);
    } else {
      const size = point === plane.hovered ? radius + 2 : radius;
      dots.put(context, paint.of(point), paint.surface, size, x, y, plane.ratio);
    }
  }
  context.globalAlpha = 1;
  if (lasso) {
    context.beginPath();
    lasso.forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.fillStyle = paint.accent;
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.6;
    context.strokeStyle = paint.accent;
    context.stroke();
  }
}

function nearestAt(x, y) {
  let best = null;
  let nearest = radius + 10;
  for (const point of points) {
    const [px, py] = plane.toScreen(point.x, -point.y);
    const away = Math.hypot(px - x, py - y);
    if (away <= nearest) [best, nearest] = [point, away];
  }
  return best;
}

// Whether a place is inside a polygon, by the edges that a ray from it crosses.
function isInside([x, y], polygon) {
  let inside = false;
  polygon.forEach(([x1, y1], n) => {
    const [x2, y2] = polygon[(n + 1) % polygon.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

function choose(numbers) {
  chosen.clear();
  for (const number of numbers) chosen.add(number);
  const panel = root.querySelector(".chosen");
  panel.hidden = !chosen.size;
  if (chosen.size) {
    const some = points.filter((point) => chosen.has(point.number));
    const counts = words
      .map((word, status) => [some.filter((point) => point.status === status).length, word])
      .filter(([count]) => count)
      .map(([count, word]) => `${count} ${word}`);
    root.querySelector("[data-part=count]").textContent =
      `${chosen.size} chosen: ${counts.join(", ")}`;
    const ranges = inRanges(some.map((point) => point.number));
    const link = root.querySelector("[data-part=gallery]");
    const many = ranges.length > MOST_RANGES;
    link.hidden = many;
    link.href = `/?numbers=${ranges.join(",")}`;
    root.querySelector("[data-part=many]").hidden = !many;
  }
  plane.draw();
}

// Journey numbers as 1-5,9. Numbers of no journey in between do not end a range.
function inRanges(numbers) {
  const wanted = new Set(numbers);
  const ranges = [];
  let range = null;
  for (const { number } of points) {
    if (wanted.has(number)) {
      if (range) range[1] = number;
      else ranges.push((range = [number, number]));
    } else {
      range = null;
    }
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

function drag(phase, x, y, event) {
  if (phase === "start") {
    if (!withLasso && !event.shiftKey) return false;
    lasso = [[x, y]];
    plane.pointAt(null);
    return true;
  }
  if (phase === "move") {
    lasso.push([x, y]);
    plane.draw();
    return true;
  }
  const polygon = lasso;
  lasso = null;
  const inside = points.filter((point) => isInside(plane.toScreen(point.x, -point.y), polygon));
  choose(inside.map((point) => point.number));
  return true;
}

const plane = new Plane(root, words, {
  draw,
  itemAt: nearestAt,
  fitAll: () => plane.fit(...bounds, 60, 600),
  clickBeside: () => choose([]),
  drag,
  limits: [8, 20000],
});
const posters = new Posters(() => plane.draw());
paint.onChange = () => plane.draw();

function takeLasso(on) {
  withLasso = on;
  root.querySelector("[data-part=lasso]").setAttribute("aria-pressed", on);
  plane.canvas.style.cursor = plane.cursor = on ? "crosshair" : "";
}

root.addEventListener("click", (event) => {
  const part = event.target.closest("button")?.dataset.part;
  if (part === "lasso") takeLasso(!withLasso);
  if (part === "clear") choose([]);
});
plane.canvas.addEventListener("keydown", (event) => {
  if (event.key === "l") takeLasso(!withLasso);
  if (event.key === "Escape") choose([]);
});

plane.resize();
plane.fitAll();
// For tests, and for the curious in the console.
root.map = { points, plane, choose };
root.dataset.state = "ready";
