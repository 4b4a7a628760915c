// The replay of a task: one episode, or the trained and the untrained agent side by side, with one
// timeline, one camera, and the reward terms on the same time.

import { Body, Stage } from "./scene.js";
import { Track, fetchRecording } from "./recording.js";
import { isTyping } from "./keys.js";

const SVG = "http://www.w3.org/2000/svg";
const AGENTS = { trained: "Trained", random: "Untrained", idle: "Nobody acts" };
const ENDINGS = {
  terminated: "ended by the task",
  "time limit": "out of time",
  broken: "the world broke",
  stopped: "stopped",
};
// Between the end of an episode and its beginning, when it goes round.
const REST_S = 1.2;

const seconds = (time) => `${time.toFixed(1)} s`;

class Episode {
  constructor(episode, meshes, world) {
    Object.assign(this, episode);
    this.bodies = episode.parts.map((part) => {
      const body = new Body(part.shapes, meshes);
      world.scene.add(body.group);
      return { body, track: new Track(part), colors: part.colors, shapes: part.shapes };
    });
    const base = episode.parts.findIndex((part) => part.robot && part.link < 0);
    this.robot = this.bodies[base < 0 ? episode.parts.findIndex((part) => part.robot) : base];
  }

  show(time) {
    const frame = Math.floor(time);
    for (const { body, track, colors, shapes } of this.bodies) {
      body.group.visible = track.exists(frame);
      if (!body.group.visible) continue;
      body.place(track.at(time));
      if (!colors.length) continue;
      const now = shapes.map((shape) => shape.color);
      for (const [from, number, color] of colors) if (from <= frame) now[number] = color;
      now.forEach((color, number) => body.paint(number, color));
    }
  }

  get verdict() {
    if (this.success === null) return "";
    return this.success ? "succeeds" : "does not succeed";
  }
}

class Replay {
  constructor(element, recording) {
    this.element = element;
    this.part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.frame_s = recording.frame_s;
    this.stage = new Stage(this.part("canvas"), () => this.draw());
    this.episodes = recording.episodes.map(
      (episode) => new Episode(episode, recording.meshes, this.stage.addWorld()),
    );
    this.time = 0;
    this.speed = 1;
    this.following = false;
    this.isPlaying = false;
    this.rested = 0;
    // Side by side, where there is room for it.
    this.sides = this.episodes.length > 1 && element.clientWidth >= 560 ? "both" : "0";
    this.last = Math.max(...this.episodes.map((episode) => episode.frames - 1), 1);
    this.wire();
    this.home();
    this.choose(this.sides);
    this.drawRewards();
    this.seek(0);
    element.dataset.state = "ready";
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  get shown() {
    return this.sides === "both" ? this.episodes.map((_, n) => n) : [Number(this.sides)];
  }

  wire() {
    const timeline = this.part("timeline");
    timeline.max = this.last;
    timeline.addEventListener("input", () => {
      this.pause();
      this.seek(Number(timeline.value));
    });
    this.part("play").addEventListener("click", () => this.toggle());
    this.part("speed").addEventListener("change", (event) => {
      this.speed = Number(event.target.value);
    });
    this.part("follow").addEventListener("click", () => this.follow(!this.following));
    this.part("home").addEventListener("click", () => this.home());
    const sides = this.part("sides");
    sides.hidden = this.episodes.length < 2;
    sides.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.choose(button.dataset.sides);
    });
    this.part("fullscreen").addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.part("screen").requestFullscreen();
    });
    this.stage.canvas.addEventListener("dblclick", () => this.home());
    // A scene that was scrolled away need not be drawn.
    new IntersectionObserver(([entry]) => {
      this.isAway = !entry.isIntersecting;
      this.draw();
    }).observe(this.stage.canvas);
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.before = undefined;
    });
  }

  key(event) {
    const typing = isTyping(event.target) && event.target !== this.part("timeline");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("button, a, summary") && event.key === " ") return;
    const keys = {
      " ": () => this.toggle(),
      ArrowRight: () => this.step(event.shiftKey ? 10 : 1),
      ArrowLeft: () => this.step(event.shiftKey ? -10 : -1),
      Home: () => this.step(-this.last),
      End: () => this.step(this.last),
      f: () => this.follow(!this.following),
      c: () => this.choose(this.sides === "both" ? "0" : "both"),
      h: () => this.home(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  step(frames) {
    this.pause();
    this.seek(Math.round(this.time) + frames);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    if (this.isPlaying) return;
    if (this.time >= this.last) this.seek(0);
    this.isPlaying = true;
    this.before = undefined;
    this.mark();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.isPlaying = false;
    this.mark();
  }

  mark() {
    const button = this.part("play");
    button.dataset.playing = this.isPlaying;
    button.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
  }

  tick(now) {
    if (!this.isPlaying || !this.element.isConnected) return;
    const elapsed_s = Math.min((now - (this.before ?? now)) / 1000, 0.25);
    this.before = now;
    if (this.time < this.last) {
      this.rested = 0;
      this.seek(this.time + (elapsed_s * this.speed) / this.frame_s);
    } else if ((this.rested += elapsed_s) > REST_S) {
      this.seek(0);
    }
    requestAnimationFrame((next) => this.tick(next));
  }

  // To a time in frames.
  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.last);
    for (const episode of this.episodes) episode.show(Math.min(this.time, episode.frames - 1));
    if (this.following) {
      const [first] = this.shown;
      const place = this.placeOf(first);
      if (this.anchor) this.stage.carry(place.clone().sub(this.anchor));
      this.anchor = place;
    }
    const timeline = this.part("timeline");
    timeline.value = Math.round(this.time);
    timeline.setAttribute("aria-valuetext", seconds(this.time * this.frame_s));
    this.part("clock").textContent =
      `${seconds(this.time * this.frame_s)} / ${seconds(this.last * this.frame_s)}`;
    this.element.dataset.frame = Math.round(this.time);
    this.moveCursor();
    this.labels();
    this.draw();
  }

  placeOf(number) {
    return this.episodes[number].robot.body.group.position.clone();
  }

  follow(following) {
    this.following = following;
    this.part("follow").setAttribute("aria-pressed", following);
    if (following) {
      const [first] = this.shown;
      const place = this.placeOf(first);
      const offset = this.stage.camera.position.clone().sub(this.stage.controls.target);
      offset.setLength(Math.min(Math.max(offset.length() * 0.6, 3), 7));
      this.stage.look(place.clone().add(offset).toArray(), place.toArray());
      this.anchor = place;
    }
    this.draw();
  }

  home() {
    this.follow(false);
    const { eye, target } = this.episodes[0];
    this.stage.look(eye, target);
  }

  choose(sides) {
    this.sides = sides === "both" && this.episodes.length < 2 ? "0" : sides;
    for (const button of this.part("sides").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", button.dataset.sides === this.sides);
    }
    this.element.dataset.sides = this.sides;
    const labels = this.part("labels");
    labels.replaceChildren(
      ...this.shown.map((number) => {
        const { agent } = this.episodes[number];
        const label = document.createElement("div");
        label.className = "pane-label";
        label.append(
          Object.assign(document.createElement("b"), { textContent: AGENTS[agent] ?? agent }),
          document.createElement("span"),
        );
        return label;
      }),
    );
    this.stage.show(this.shown);
    this.labels();
    this.drawRewards();
  }

  // What has come of each episode by now.
  labels() {
    const panes = this.stage.panes();
    [...this.part("labels").children].forEach((label, place) => {
      const episode = this.episodes[this.shown[place]];
      const { x, y } = panes[place];
      label.style.left = `${x + 10}px`;
      label.style.top = `${y + 10}px`;
      const reached = episode.success_frame !== null && this.time >= episode.success_frame - 0.01;
      const ended = this.time >= episode.frames - 1.01;
      label.dataset.state = reached ? "success" : ended && episode.success === false ? "failure" : "";
      let text = "";
      if (reached) text = `success at ${seconds(episode.success_frame * this.frame_s)}`;
      else if (ended && episode.success === false) text = `no success, ${ENDINGS[episode.ended]}`;
      label.lastChild.textContent = text;
    });
  }

  draw() {
    if (this.isDrawing || this.isAway || !this.stage) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      const anchors = [];
      if (this.following) {
        const own = this.placeOf(this.shown[0]);
        for (const number of this.shown) anchors[number] = this.placeOf(number).sub(own);
      }
      this.stage.render(anchors);
      this.labels();
    });
  }

  // Reward terms: a row for each, a line for each agent that is shown, on the time of the timeline.
  drawRewards() {
    const names = [...new Set(this.shown.flatMap((n) => Object.keys(this.episodes[n].reward_terms)))];
    const rows = names.map((name) => this.rewardRow(name));
    const rewards = this.part("rewards");
    rewards.replaceChildren(...rows);
    this.part("rewards-none").hidden = rows.length > 0;
    this.part("track").querySelectorAll(".success-mark").forEach((mark) => mark.remove());
    for (const number of this.shown) {
      const { agent, success_frame } = this.episodes[number];
      if (success_frame === null) continue;
      const mark = document.createElement("span");
      mark.className = `success-mark reward-${agent}`;
      // The middle of a slider's thumb goes from half its width to the other end less that.
      const share = success_frame / this.last;
      mark.style.left = `calc(${100 * share}% + ${6 - 14 * share}px)`;
      this.part("track").append(mark);
    }
    this.moveCursor();
  }

  rewardRow(name) {
    const row = document.createElement("div");
    row.className = "reward";
    const title = document.createElement("div");
    title.className = "reward-name";
    title.append(Object.assign(document.createElement("b"), { textContent: name, title: name }));
    const lines = this.shown.map((number) => ({
      agent: this.episodes[number].agent,
      values: this.episodes[number].reward_terms[name] ?? [],
    }));
    const numbers = lines.flatMap((line) => line.values).filter((value) => value !== null);
    const low = Math.min(0, ...numbers);
    const high = Math.max(0, ...numbers);
    const span = high - low || 1;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${this.last} 1`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "reward-plot");
    const y = (value) => 0.04 + 0.92 * (1 - (value - low) / span);
    const add = (kind, attributes) => {
      const made = document.createElementNS(SVG, kind);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      svg.append(made);
      return made;
    };
    add("line", { x1: 0, x2: this.last, y1: y(0), y2: y(0), class: "reward-zero" });
    // The first last, so that it lies on top.
    for (const { agent, values } of [...lines].reverse()) {
      let path = "";
      let pen = "M";
      values.forEach((value, frame) => {
        if (value === null) pen = "M";
        else {
          path += `${pen}${frame} ${y(value).toFixed(4)}H${frame + 1}`;
          pen = "L";
        }
      });
      if (path) add("path", { d: path, class: `reward-line reward-${agent}` });
    }
    for (const { agent, values } of lines) {
      const sum = values.reduce((total, value) => total + (value ?? 0), 0);
      const label = document.createElement("span");
      label.className = `reward-sum reward-${agent}`;
      label.textContent = `Σ ${Number(sum.toPrecision(3))}`;
      label.title = `${AGENTS[agent] ?? agent}: the sum over the episode`;
      title.append(label);
    }
    add("line", { y1: 0, y2: 1, class: "reward-cursor" });
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      this.scrub(svg, event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (svg.hasPointerCapture(event.pointerId)) this.scrub(svg, event);
    });
    row.append(title, svg);
    return row;
  }

  scrub(svg, event) {
    const box = svg.getBoundingClientRect();
    this.pause();
    this.seek(((event.clientX - box.left) / box.width) * this.last);
  }

  moveCursor() {
    for (const cursor of this.part("rewards").querySelectorAll(".reward-cursor")) {
      cursor.setAttribute("x1", this.time);
      cursor.setAttribute("x2", this.time);
    }
  }
}

async function start(element) {
  const message = element.querySelector('[data-part="message"]');
  try {
    const recording = await fetchRecording(element.dataset.replay);
    // For tests and for the curious: `document.querySelector(".replay").replay` in the console.
    element.replay = new Replay(element, recording);
    message.hidden = true;
  } catch (error) {
    element.dataset.state = "failed";
    const reason = /webgl/i.test(error.message) ? "this browser has no WebGL" : error.message;
    message.textContent = `The replay cannot be shown: ${reason}.`;
  }
}

for (const element of document.querySelectorAll("[data-replay]")) start(element);
