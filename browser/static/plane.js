// A canvas to look around in: dragged, zoomed with the wheel, two fingers or keys. What is drawn on
// it, and what a place in it means, is the business of who makes one.

import { isTyping } from "./keys.js";

const CLICK_PX = 5;
const WHEEL_RATE = 0.0016;

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Plane {
  // `draw(context, plane)` paints; `hover`, `click` are told screen pixels; `drag(phase, x, y)`
  // returns true where it takes a drag for itself.
  constructor(canvas, { draw, hover, click, drag = () => false, limits = [0.02, 40] }) {
    Object.assign(this, { canvas, limits, hover, click, drag });
    this.paint = draw;
    this.context = canvas.getContext("2d");
    // Screen = world * scale + offset.
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.pointers = new Map();
    this.wire();
    new ResizeObserver(() => this.resize()).observe(canvas);
    document.addEventListener("theme", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  toScreen(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  toWorld(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  // Show a part of the world, as large as it can be.
  fit(left, top, right, bottom, margin = 40, largest = this.limits[1]) {
    const wide = Math.max(right - left, 1e-6);
    const tall = Math.max(bottom - top, 1e-6);
    const scale = Math.min((this.width - 2 * margin) / wide, (this.height - 2 * margin) / tall);
    this.scale = clamp(scale, this.limits[0], largest);
    this.x = this.width / 2 - ((left + right) / 2) * this.scale;
    this.y = this.height / 2 - ((top + bottom) / 2) * this.scale;
    this.draw();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = clamp(this.scale * factor, ...this.limits);
    const by = scale / this.scale;
    this.x = x - (x - this.x) * by;
    this.y = y - (y - this.y) * by;
    this.scale = scale;
    this.draw();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  wire() {
    const { canvas } = this;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode === 1 ? 16 : 1;
        this.zoom(Math.exp(-event.deltaY * lines * WHEEL_RATE), ...this.place(event));
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const place = this.place(event);
      this.pointers.set(event.pointerId, place);
      this.moved = 0;
      this.taken = this.pointers.size === 1 && this.drag("start", ...place, event);
    });
    canvas.addEventListener("pointermove", (event) => {
      const place = this.place(event);
      const before = this.pointers.get(event.pointerId);
      if (!before) {
        this.hover?.(...place);
        return;
      }
      const [dx, dy] = [place[0] - before[0], place[1] - before[1]];
      this.moved += Math.hypot(dx, dy);
      this.pointers.set(event.pointerId, place);
      if (this.taken) {
        this.drag("move", ...place, event);
      } else if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId);
        const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
        this.zoom(apart(place, other[1]) / apart(before, other[1]), ...other[1]);
      } else {
        this.pan(dx, dy);
        this.hover?.(null);
      }
    });
    const release = (event) => {
      if (!this.pointers.delete(event.pointerId)) return;
      const place = this.place(event);
      if (this.taken) this.drag("end", ...place, event);
      else if (event.type === "pointerup" && this.moved < CLICK_PX) this.click?.(...place, event);
      this.taken = false;
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => this.hover?.(null));
    canvas.addEventListener("keydown", (event) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "=") this.zoom(1.3);
      else if (event.key === "-") this.zoom(1 / 1.3);
    });
  }

  resize() {
    const ratio = Math.min(devicePixelRatio, 2);
    // Kept, since asking for them again for each thing that is drawn takes longer than drawing it.
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.ratio = ratio;
    this.draw();
  }

  draw() {
    if (this.isDrawing || !this.ratio) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      this.context.clearRect(0, 0, this.width, this.height);
      this.paint(this.context, this);
    });
  }
}

// Colours.

const SCALE = ["#5b3a8e", "#3f66b0", "#2a8f9d", "#3fb37f", "#a4cc3a"];
const RATES = [0, 0.25, 0.5, 0.75, 1];

function mixed(share) {
  const place = clamp(share, 0, 1) * (SCALE.length - 1);
  const [a, b] = [SCALE[Math.floor(place)], SCALE[Math.min(Math.floor(place) + 1, SCALE.length - 1)]];
  const part = (hex, n) => parseInt(hex.slice(1 + 2 * n, 3 + 2 * n), 16);
  const rest = place - Math.floor(place);
  return `rgb(${[0, 1, 2].map((n) => Math.round(part(a, n) * (1 - rest) + part(b, n) * rest))})`;
}

export const style = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// How items are coloured: by status, success or generation; the theme may change in between.
export class Paint {
  constructor(statuses, items) {
    this.statuses = statuses;
    this.by = "status";
    this.deepest = Math.max(1, ...items.map((item) => item.generation));
    this.read();
    document.addEventListener("theme", () => this.read());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.read());
  }

  read() {
    this.ofStatus = this.statuses.map((status) => style(`--status-${status}`));
    for (const name of ["text", "muted", "faint", "line", "line-strong", "surface", "ground", "accent"]) {
      this[name] = style(`--${name}`);
    }
  }

  of(item) {
    if (this.by === "status") return this.ofStatus[item.status];
    if (this.by === "generation") return mixed(item.generation / this.deepest);
    return item.success === null ? this.faint : mixed(item.success);
  }

  // What the colours say, as elements.
  legend(items, words) {
    const entry = (color, text) => {
      const label = document.createElement("span");
      const dot = document.createElement("i");
      dot.style.background = color;
      label.append(dot, text);
      return label;
    };
    if (this.by === "status") {
      const counts = this.statuses.map((_, n) => items.filter((item) => item.status === n).length);
      return this.statuses
        .map((status, n) => [n, `${words[n]} ${counts[n]}`])
        .filter(([n]) => counts[n])
        .map(([n, text]) => entry(this.ofStatus[n], text));
    }
    if (this.by === "generation") {
      const steps = Math.min(this.deepest, 4);
      const shown = Array.from({ length: steps + 1 }, (_, n) => Math.round((n * this.deepest) / steps));
      return shown.map((n) => entry(mixed(n / this.deepest), n ? `generation ${n}` : "beginnings"));
    }
    return [
      ...RATES.map((rate) => entry(mixed(rate), `${100 * rate} %`)),
      entry(this.faint, "not trained"),
    ];
  }
}

// Dots that are drawn once and then copied: thousands of them in a few milliseconds.
export class Dots {
  constructor() {
    this.drawn = new Map();
  }

  put(context, color, rim, radius, x, y, ratio) {
    const key = `${color}${rim}${radius.toFixed(1)}${ratio}`;
    let dot = this.drawn.get(key);
    if (!dot) {
      const half = radius + 1.5;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(2 * half * ratio);
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.beginPath();
      pen.arc(half, half, radius, 0, 2 * Math.PI);
      pen.fillStyle = color;
      pen.fill();
      pen.strokeStyle = rim;
      pen.stroke();
      if (this.drawn.size > 200) this.drawn.clear();
      this.drawn.set(key, (dot = { canvas, half, size: canvas.width / ratio }));
    }
    context.drawImage(dot.canvas, x - dot.half, y - dot.half, dot.size, dot.size);
  }
}

// Pictures, fetched when first needed.
export class Posters {
  constructor(onLoad) {
    this.onLoad = onLoad;
    this.images = new Map();
  }

  get(item) {
    if (!item.poster) return null;
    let image = this.images.get(item.poster);
    if (!image) {
      image = new Image();
      image.onload = this.onLoad;
      image.src = item.poster;
      this.images.set(item.poster, image);
    }
    return image.complete && image.naturalWidth ? image : null;
  }
}

// The card that shows what the pointer is on.
export class Tip {
  constructor(element) {
    this.element = element;
  }

  show(item, words, x, y, bounds) {
    const { element } = this;
    element.hidden = !item;
    if (!item) return;
    if (this.item !== item) {
      this.item = item;
      const title = Object.assign(document.createElement("b"), { textContent: item.title, dir: "auto" });
      const line = document.createElement("span");
      const rate = item.success === null ? "" : ` · ${Math.round(100 * item.success)} %`;
      line.textContent = `${item.number} · ${words[item.status]}${rate} · generation ${item.generation}`;
      const parts = [title, line];
      if (item.poster) {
        parts.unshift(Object.assign(new Image(240, 180), { src: item.poster, alt: "" }));
      }
      element.replaceChildren(...parts);
    }
    const { offsetWidth: wide, offsetHeight: tall } = element;
    element.style.left = `${x + wide + 24 > bounds.width ? Math.max(x - wide - 14, 4) : x + 14}px`;
    element.style.top = `${clamp(y - tall / 2, 4, Math.max(bounds.height - tall - 4, 4))}px`;
  }
}
