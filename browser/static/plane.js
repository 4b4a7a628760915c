// A canvas of records to look around in: dragged, zoomed with the wheel, two fingers or keys, pointed
// at and clicked. What is drawn on it, and where, is the business of who makes one.

import { isTyping } from "./keys.js";
import { pointer, select, zoom, zoomIdentity } from "./vendor/d3-zoom.module.min.js";

const CLICK_PX = 5;

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Plane {
  // `draw(context, plane)` paints, `itemAt(x, y)` finds the record at a place of the screen,
  // `fitAll()` shows everything, and `clickBeside()` is called for a click on no record.
  // `drag(phase, x, y, event)` returns true at "start" where it takes a drag for itself.
  constructor(root, words, { draw, itemAt, fitAll, clickBeside, drag = () => false, limits }) {
    const canvas = root.querySelector("canvas");
    Object.assign(this, { canvas, limits, words, itemAt, fitAll, clickBeside, drag });
    this.paint = draw;
    this.context = canvas.getContext("2d");
    this.tip = new Tip(root.querySelector(".tip"));
    this.hovered = null;
    this.cursor = "";
    // Screen = world * scale + offset.
    Object.assign(this, { scale: 1, x: 0, y: 0 });
    this.zoomer = zoom()
      .scaleExtent(limits)
      .filter((event) => event.type === "wheel" || !(this.isTaken || event.button || event.ctrlKey))
      .on("start", () => this.pointAt(null))
      .on("zoom", ({ transform: { k: scale, x, y } }) => {
        Object.assign(this, { scale, x, y });
        this.draw();
      });
    this.selection = select(canvas).call(this.zoomer).on("dblclick.zoom", null);
    this.wire(root);
    new ResizeObserver(() => this.resize()).observe(canvas);
    document.addEventListener("theme", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  toScreen(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  // Show a part of the world, as large as it can be.
  fit(left, top, right, bottom, margin = 40, largest = this.limits[1]) {
    const wide = Math.max(right - left, 1e-6);
    const tall = Math.max(bottom - top, 1e-6);
    const filling = Math.min((this.width - 2 * margin) / wide, (this.height - 2 * margin) / tall);
    const scale = clamp(filling, this.limits[0], largest);
    const x = this.width / 2 - ((left + right) / 2) * scale;
    const y = this.height / 2 - ((top + bottom) / 2) * scale;
    this.selection.call(this.zoomer.transform, zoomIdentity.translate(x, y).scale(scale));
  }

  pan(dx, dy) {
    this.selection.call(this.zoomer.translateBy, dx / this.scale, dy / this.scale);
  }

  wire(root) {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      // A second finger makes it no click.
      this.downAt = event.isPrimary && event.button === 0 ? pointer(event) : null;
      if (!event.isPrimary) return;
      this.isTaken = this.drag("start", ...pointer(event), event);
      if (this.isTaken) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) this.pointAt(this.itemAt(...pointer(event)), ...pointer(event));
      else if (this.isTaken && event.isPrimary) this.drag("move", ...pointer(event), event);
    });
    canvas.addEventListener("lostpointercapture", (event) => {
      if (this.isTaken && event.isPrimary) this.drag("end", ...pointer(event), event);
    });
    canvas.addEventListener("pointerleave", () => this.pointAt(null));
    canvas.addEventListener("pointerup", (event) => {
      if (this.isTaken || !this.downAt) return;
      const [[x, y], [downX, downY]] = [pointer(event), this.downAt];
      if (Math.hypot(x - downX, y - downY) < CLICK_PX) this.click(this.itemAt(x, y), event);
    });
    canvas.addEventListener("keydown", (event) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const factor = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 }[event.key];
      if (factor) this.selection.call(this.zoomer.scaleBy, factor);
      if (event.key === "0") this.fitAll();
    });
    root.querySelector("[data-part=fit]").addEventListener("click", () => this.fitAll());
  }

  click(item, event) {
    if (item && (event.ctrlKey || event.metaKey)) window.open(`/task/${item.number}`);
    else if (item) this.open(item);
    else this.clickBeside?.();
  }

  open(item) {
    location.assign(`/task/${item.number}`);
  }

  // The pointer is on a record, or on none.
  pointAt(item, x, y) {
    this.canvas.style.cursor = this.cursor || (item ? "pointer" : "");
    this.tip.show(item, this.words, x, y, this);
    if (item !== this.hovered) {
      this.hovered = item;
      this.draw();
    }
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

const style = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// How items are coloured: by status, success or generation, as the buttons of a page say; the theme
// may change in between.
export class Paint {
  constructor(root, items, statuses, words) {
    Object.assign(this, { root, items, statuses, words });
    this.by = "status";
    this.deepest = Math.max(1, ...items.map((item) => item.generation));
    root.addEventListener("click", (event) => {
      const by = event.target.closest("button")?.dataset.color;
      if (by) this.colorBy(by);
    });
    document.addEventListener("theme", () => this.read());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.read());
    this.read();
  }

  colorBy(by) {
    this.by = by;
    for (const button of this.root.querySelectorAll("[data-color]")) {
      button.setAttribute("aria-pressed", button.dataset.color === by);
    }
    this.root.querySelector(".color-legend").replaceChildren(...this.legend());
    this.onChange?.();
  }

  read() {
    this.ofStatus = this.statuses.map((status) => style(`--status-${status}`));
    for (const name of ["text", "muted", "faint", "line", "line-strong", "surface", "ground", "accent"]) {
      this[name] = style(`--${name}`);
    }
    this.colorBy(this.by);
  }

  of(item) {
    if (this.by === "status") return this.ofStatus[item.status];
    if (this.by === "generation") return mixed(item.generation / this.deepest);
    return item.success === null ? this.faint : mixed(item.success);
  }

  // What the colours say, as elements.
  legend() {
    const { items, words } = this;
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
class Tip {
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
