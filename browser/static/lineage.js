// The tree of all records: where each came from. The server has laid it out; here it is drawn, as a
// tree from left to right or as rings around the beginnings.

import { Paint, Plane, Posters } from "./plane.js";

const COLUMN = 240;
const ROW = 34;
const ROOMY_ROW = 116;
const RING = 170;
const POSTER_FROM_PX = 56;
const TITLE_FROM_PX = 13;
const SPECK_BELOW_PX = 6;
const LEAST_TITLE_PX = 60;
const RINGS_FROM = 300;

const root = document.getElementById("lineage");
const answer = await fetch("/lineage/data");
const { nodes, links, statuses, words } = await answer.json();

nodes.forEach((node, place) => Object.assign(node, { place, children: [] }));
for (const node of nodes) if (node.parent !== null) nodes[node.parent].children.push(node.place);
const byNumber = new Map(nodes.map((node) => [node.number, node]));

const paint = new Paint(root, nodes, statuses, words);
let showsAll = true;
let rings = nodes.length > RINGS_FROM;
let selected = null;

const leaves = Math.max(1, ...nodes.map((node) => node.order + 1));
const deepest = Math.max(1, ...nodes.map((node) => node.depth));
let row = ROW;
const ring = Math.max(RING, (leaves * ROW * 0.8) / (2 * Math.PI * deepest));

function layOut() {
  // A small tree is spread out so that it fills the page, and its pictures have room.
  const wide = COLUMN * (deepest + 0.7);
  const filling = (wide * plane.height) / Math.max(plane.width, 1) / leaves;
  const scale = plane.width / wide || 1;
  row = rings ? ROW : Math.min(Math.max(filling, ROW), Math.max(ROOMY_ROW, ROOMY_ROW / scale));
  for (const node of nodes) {
    if (rings) {
      const angle = (2 * Math.PI * (node.order + 0.5)) / leaves - Math.PI / 2;
      const radius = ring * (node.depth + 0.35);
      Object.assign(node, { x: radius * Math.cos(angle), y: radius * Math.sin(angle), angle, radius });
    } else {
      Object.assign(node, { x: COLUMN * node.depth, y: row * node.order });
    }
  }
}

const isShown = (node) => showsAll || node.kept || node.bearing;

function fit() {
  const shown = nodes.filter(isShown);
  if (!shown.length) return;
  const xs = shown.map((node) => node.x);
  const ys = shown.map((node) => node.y);
  const room = rings ? 0 : COLUMN * 0.7;
  plane.fit(Math.min(...xs), Math.min(...ys), Math.max(...xs) + room, Math.max(...ys), 50, 2.2);
}

function edge(context, from, to, bend) {
  const [x1, y1] = plane.toScreen(from.x, from.y);
  const [x2, y2] = plane.toScreen(to.x, to.y);
  if (Math.max(x1, x2) < 0 || Math.min(x1, x2) > plane.width) return;
  if (Math.max(y1, y2) < 0 || Math.min(y1, y2) > plane.height) return;
  context.moveTo(x1, y1);
  if (!bend) {
    context.lineTo(x2, y2);
  } else if (rings) {
    const between = (from.radius + to.radius) / 2;
    const at = (node) =>
      plane.toScreen(between * Math.cos(node.angle), between * Math.sin(node.angle));
    context.bezierCurveTo(...at(from), ...at(to), x2, y2);
  } else {
    const middle = (x1 + x2) / 2;
    context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
  }
}

function pathOf(node) {
  const path = [];
  for (let at = node; at; at = at.parent === null ? null : nodes[at.parent]) path.push(at);
  return path;
}

// Where nodes have room: what is shown of one depends on how far it is from the next.
const roomOf = () => row * plane.scale * (rings ? 0.9 : 1);
const tallOf = (room) => Math.min(room * 0.66, 150, rings ? 150 : 0.55 * COLUMN * plane.scale);

function draw(context) {
  const room = roomOf();
  const focus = plane.hovered ?? selected;
  // From afar lines would run together, and curves look like straight ones.
  context.lineWidth = Math.min(Math.max(room / 8, 0.35), 1.2);
  context.strokeStyle = paint["line-strong"];
  let drawn = 0;
  context.beginPath();
  for (const node of nodes) {
    if (node.parent === null || !isShown(node)) continue;
    edge(context, nodes[node.parent], node, room > 4);
    // A path of thousands of lines takes longer than its parts.
    if (++drawn % 100 === 0) {
      context.stroke();
      context.beginPath();
    }
  }
  context.stroke();
  if (focus) {
    // Lines of minor parents would be a thicket; those of one node are not.
    context.setLineDash([4, 4]);
    context.beginPath();
    for (const [child, parent] of links) {
      if (child === focus.place || parent === focus.place) edge(context, nodes[parent], nodes[child], false);
    }
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 2.4;
    context.strokeStyle = paint.accent;
    context.beginPath();
    const path = pathOf(focus);
    path.slice(1).forEach((parent, n) => edge(context, parent, path[n], true));
    for (const child of focus.children) if (isShown(nodes[child])) edge(context, focus, nodes[child], true);
    context.stroke();
  }
  const margin = 260;
  const specks = new Map();
  for (const node of nodes) {
    if (!isShown(node)) continue;
    const [x, y] = plane.toScreen(node.x, node.y);
    if (x < -margin || x > plane.width + margin || y < -margin || y > plane.height + margin) continue;
    if (room < SPECK_BELOW_PX && node !== focus) {
      const color = paint.of(node);
      if (!specks.has(color)) specks.set(color, []);
      specks.get(color).push(x, y);
    } else if (room >= POSTER_FROM_PX) drawCard(context, node, x, y, room);
    else drawDot(context, node, x, y, room);
  }
  // All of a colour at once: thousands one by one would take too long.
  for (const [color, places] of specks) {
    context.fillStyle = color;
    for (let n = 0; n < places.length; n += 2) {
      context.fillRect(places[n] - 1.3, places[n + 1] - 1.3, 2.6, 2.6);
    }
  }
}

function drawDot(context, node, x, y, room) {
  const radius = Math.min(Math.max(room * 0.26, 1.6), 7) * (node.kept ? 1.15 : 0.85);
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = paint.of(node);
  context.globalAlpha = node.kept || paint.by !== "status" ? 1 : 0.75;
  context.fill();
  context.globalAlpha = 1;
  if (node === selected || node === plane.hovered) ringAround(context, x, y, radius + 3);
  if (room < TITLE_FROM_PX) return;
  context.font = `${node.kept ? 550 : 400} 12px Inter, system-ui, sans-serif`;
  context.fillStyle = node.kept ? paint.text : paint.muted;
  context.textBaseline = "middle";
  const wide = rings ? 150 : (COLUMN - 30) * plane.scale;
  if (wide < LEAST_TITLE_PX) return;
  const left = rings && Math.cos(node.angle) < -0.2;
  context.textAlign = left ? "right" : "left";
  write(context, shortened(context, node, wide), left ? x - radius - 6 : x + radius + 6, y);
}

// With a rim, so that lines behind it do not strike it out.
function write(context, text, x, y) {
  context.lineWidth = 5;
  context.lineJoin = "round";
  context.strokeStyle = paint.surface;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

function ringAround(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = paint.accent;
  context.lineWidth = 2;
  context.stroke();
}

function shortened(context, node, wide) {
  const key = Math.round(wide / 10);
  if (node.shortKey === key) return node.short;
  let text = node.title;
  if (context.measureText(text).width > wide) {
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (context.measureText(`${text.slice(0, middle)}…`).width <= wide) low = middle;
      else high = middle - 1;
    }
    text = low ? `${text.slice(0, low)}…` : "";
  }
  Object.assign(node, { shortKey: key, short: text });
  return text;
}

// Its picture in a frame of its colour, and the title.
function drawCard(context, node, x, y, room) {
  const tall = tallOf(room);
  const wide = (tall * 4) / 3;
  const [left, top] = [x, y - tall / 2];
  context.fillStyle = paint.surface;
  context.beginPath();
  context.roundRect(left, top, wide, tall, 6);
  context.fill();
  const image = posters.get(node);
  if (image) {
    context.save();
    context.clip();
    context.drawImage(image, left, top, wide, tall);
    context.restore();
  } else {
    context.fillStyle = paint.faint;
    context.font = "11px Inter, system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(words[node.status], left + wide / 2, y);
  }
  context.lineWidth = node === selected || node === plane.hovered ? 4 : 2.5;
  context.strokeStyle = paint.of(node);
  context.stroke();
  context.font = `${node.kept ? 550 : 400} 13px Inter, system-ui, sans-serif`;
  context.fillStyle = node.kept ? paint.text : paint.muted;
  context.textAlign = "left";
  context.textBaseline = "top";
  const space = rings ? 180 : COLUMN * plane.scale - 18;
  if (space < LEAST_TITLE_PX) return;
  write(context, shortened(context, node, space), left, top + tall + 5);
}

function nodeAt(x, y) {
  const room = roomOf();
  const card = room >= POSTER_FROM_PX;
  const tall = tallOf(room);
  let best = null;
  let nearest = 12;
  for (const node of nodes) {
    if (!isShown(node)) continue;
    const [nx, ny] = plane.toScreen(node.x, node.y);
    if (card) {
      if (x >= nx && x <= nx + (tall * 4) / 3 && Math.abs(y - ny) <= tall / 2) return node;
      continue;
    }
    const away = Math.hypot(nx - x, ny - y);
    if (away < nearest) [best, nearest] = [node, away];
  }
  return best;
}

const plane = new Plane(root, words, { draw, itemAt: nodeAt, fitAll: fit, limits: [0.004, 8] });
const posters = new Posters(() => plane.draw());
paint.onChange = () => plane.draw();

function select(node) {
  if (!node) return;
  selected = node;
  const [x, y] = plane.toScreen(node.x, node.y);
  const out = x < 80 || y < 60 || x > plane.width - 220 || y > plane.height - 60;
  if (out) plane.pan(plane.width / 2 - x, plane.height / 2 - y);
  plane.draw();
  root.querySelector("[data-part=spoken]").textContent = `${node.title}, ${words[node.status]}`;
}

plane.canvas.addEventListener("keydown", (event) => {
  const siblings = (node) =>
    (node.parent === null ? nodes.filter((n) => n.parent === null) : nodes[node.parent].children.map((c) => nodes[c])).filter(isShown);
  const start = selected ?? nodes.find((node) => node.parent === null);
  const beside = (by) => {
    const all = siblings(start);
    return all[(all.indexOf(start) + by + all.length) % all.length];
  };
  const moves = {
    ArrowRight: () => start.children.map((child) => nodes[child]).find(isShown),
    ArrowLeft: () => (start.parent === null ? null : nodes[start.parent]),
    ArrowDown: () => beside(1),
    ArrowUp: () => beside(-1),
  };
  if (moves[event.key]) {
    event.preventDefault();
    select(selected ? moves[event.key]() : start);
  } else if (event.key === "Enter" && selected) {
    plane.open(selected);
  }
});

function arrange(shape) {
  rings = shape === "rings";
  for (const button of root.querySelectorAll("[data-shape]")) {
    button.setAttribute("aria-pressed", button.dataset.shape === shape);
  }
  layOut();
  fit();
}

root.addEventListener("click", (event) => {
  const shape = event.target.closest("button")?.dataset.shape;
  if (shape) arrange(shape);
});
root.querySelector("[data-part=failures]").addEventListener("change", (event) => {
  showsAll = event.target.checked;
  plane.draw();
});

layOut();
plane.resize();
arrange(rings ? "rings" : "tree");
select(byNumber.get(Number(location.hash.slice(1))));
// For tests, and for the curious in the console.
root.lineage = { nodes, plane, byNumber };
root.dataset.state = "ready";
