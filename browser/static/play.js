// A person drives the robot. Keys go out over a WebSocket, frames come in, four moments for each
// action, and are shown one after the other: what a key does is seen with the first of them.

import * as THREE from "./vendor/three.module.min.js";
import { Body, Stage } from "./scene.js";
import { isTyping } from "./keys.js";

const STEP_MS = 66;
const SLOW_MS = 40;
const PLAINER = [
  { shadows: false, points: 1 },
  { shadows: false, points: 0.6 },
  { shadows: false, points: 0.35 },
];
const WAKE_KEYS = new Set(["Enter", "Space"]);
const root = document.getElementById("play");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const seconds = Number(root.dataset.seconds);

// Which control each key holds down, as the robot has it. The server knows what they do.
const CODES = JSON.parse(root.dataset.codes);
// A robot that stays where it is needs no camera that follows it.
const FOLLOWS = root.dataset.follows === "yes";
const COMMANDS = { KeyR: "again", KeyN: "other", KeyC: "camera", KeyK: "keep" };

class World {
  constructor(canvas) {
    this.stage = new Stage(canvas, () => { this.dirty = true; });
    this.world = this.stage.addWorld();
    this.pieces = new Map();
    this.meshes = [];
    this.behind = FOLLOWS;
    this.queue = [];
    this.base = null;
    this.yaw = null;
    this.plainness = 0;
    requestAnimationFrame((time) => this.draw(time));
  }

  clear() {
    for (const { body } of this.pieces.values()) body.dispose();
    this.pieces.clear();
    this.meshes = [];
    this.queue = [];
    this.base = this.yaw = null;
  }

  // Take a frame in; its moments are shown over the time that the action took.
  take(frame, onSeen) {
    this.catchUp();
    this.meshes.push(...frame.meshes);
    for (const { number, robot, shapes, pose } of frame.appeared) {
      const body = new Body(shapes, this.meshes);
      body.place(pose);
      this.world.scene.add(body.group);
      const piece = { body, pose };
      this.pieces.set(number, piece);
      if (robot && !this.base) this.base = piece;
    }
    for (const number of frame.vanished) {
      this.pieces.get(number).body.dispose();
      this.pieces.delete(number);
    }
    for (const [number, shape, color] of frame.colors) this.pieces.get(number).body.paint(shape, color);
    const pieces = frame.moving.map((number) => this.pieces.get(number));
    this.queue = frame.poses.map((poses) => ({ pieces, poses }));
    this.step = STEP_MS / Math.max(this.queue.length, 1);
    this.due = performance.now();
    this.onSeen ??= onSeen;
    this.dirty = true;
  }

  catchUp() {
    for (const moment of this.queue) this.place(moment);
    this.queue = [];
  }

  place({ pieces, poses }) {
    pieces.forEach((piece, n) => {
      piece.pose = poses[n];
      piece.body.place(poses[n]);
    });
  }

  draw(time) {
    requestAnimationFrame((next) => this.draw(next));
    while (this.queue.length && time >= this.due) {
      this.place(this.queue.shift());
      this.due += this.step;
      this.dirty = true;
    }
    if (this.behind && this.follow(time)) this.dirty = true;
    if (!this.dirty) {
      this.drawnAt = null;
      return;
    }
    this.dirty = false;
    this.easeUp(time);
    this.stage.render();
    if (this.onSeen) {
      this.onSeen();
      this.onSeen = null;
    }
  }

  // Keys must be answered at once, pictures may be plainer: where drawing cannot keep up, first the
  // shadows go, then points.
  easeUp(time) {
    if (this.drawnAt) {
      this.pace = 0.85 * (this.pace ?? 16) + 0.15 * (time - this.drawnAt);
      this.slow = this.pace > SLOW_MS ? (this.slow ?? 0) + 1 : 0;
    }
    this.drawnAt = time;
    if (!(this.slow > 6) || this.plainness >= PLAINER.length) return;
    const { shadows, points } = PLAINER[this.plainness];
    this.plainness += 1;
    this.slow = 0;
    this.world.sun.castShadow = shadows;
    this.stage.renderer.setPixelRatio(points);
    root.dataset.plainness = this.plainness;
  }

  // The camera stands behind the robot and turns after it, gently; from anywhere else it flies
  // there first. Returns whether it has moved.
  follow(time) {
    if (!this.base || !this.started) return false;
    const [x, y, z, a, b, c, d] = this.base.pose;
    const heading = Math.atan2(2 * (d * c + a * b), 1 - 2 * (b * b + c * c));
    const passed = Math.min(time - (this.followed ?? time - 16), 100);
    this.followed = time;
    if (this.yaw === null) this.yaw = heading;
    const turn = Math.atan2(Math.sin(heading - this.yaw), Math.cos(heading - this.yaw));
    this.yaw += turn * (1 - Math.exp(-passed / 180));
    const back = new THREE.Vector3(-Math.cos(this.yaw), -Math.sin(this.yaw), 0);
    const at = new THREE.Vector3(x, y, z);
    const eye = at.clone().addScaledVector(back, 5.2).add(new THREE.Vector3(0, 0, 2.7));
    const target = at.addScaledVector(back, -1.8);
    const { camera, controls } = this.stage;
    const near = camera.position.distanceTo(eye) + controls.target.distanceTo(target);
    if (near < 0.003) return false;
    // Far away it takes its time; once there it stays with the robot.
    const share = 1 - Math.exp(-passed / (near > 2 ? 140 : 60));
    this.stage.look(
      camera.position.clone().lerp(eye, share).toArray(),
      controls.target.clone().lerp(target, share).toArray(),
    );
    return true;
  }

  look(frame) {
    this.overview = frame;
    this.started = false;
    this.stage.look(frame.eye, frame.target);
  }

  toggleCamera() {
    this.behind = FOLLOWS && !this.behind;
    this.started = true;
    if (!this.behind && this.overview) this.stage.look(this.overview.eye, this.overview.target);
    this.dirty = true;
    return this.behind;
  }
}

class Player {
  constructor() {
    this.world = new World(part("canvas"));
    this.held = new Map();
    this.serial = 0;
    this.sent = new Map();
    this.latencies = [];
    this.wire();
    this.connect();
  }

  connect(message = { restart: true }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const path = location.pathname.replace(/\/$/, "");
    this.socket = new WebSocket(`${scheme}://${location.host}${path}/socket`);
    this.socket.addEventListener("open", () => this.send(message));
    this.socket.addEventListener("message", (event) => this.hear(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => {
      if (!["problem", "asleep"].includes(root.dataset.state)) {
        this.say("problem", "The connection is lost. Is the server still running?", ["again"]);
      }
    });
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    else if (message.restart) this.connect(message);
  }

  hear(message) {
    const { kind, frame } = message;
    if (kind === "episode") this.begin(message);
    if (kind === "frame") {
      const seen = this.sent.get(message.serial);
      this.sent.delete(message.serial);
      this.world.take(frame, seen && (() => this.measure(seen)));
      this.count(frame);
    }
    if (kind === "problem") this.say("problem", message.problem, ["again"]);
    if (kind === "asleep") this.say("asleep", "Nobody was here for a while, so the world was put away.", ["again"]);
    if (kind === "kept") this.say("success", message.text, ["again", "other"]);
  }

  begin({ seed, frame }) {
    this.seed = seed;
    this.sums = new Map();
    this.rows = new Map();
    this.steps = 0;
    part("terms").replaceChildren();
    part("seed").textContent = seed;
    this.world.clear();
    this.world.take(frame);
    this.world.look(frame);
    this.tell(frame);
    this.total = 0;
    this.totals(0);
    this.say("ready", "Press a key to start the clock");
    part("canvas").focus({ preventScroll: true });
  }

  count(frame) {
    this.steps += 1;
    let now = 0;
    for (const [name, value] of Object.entries(frame.reward_terms)) {
      now += value;
      this.sums.set(name, (this.sums.get(name) ?? 0) + value);
      this.row(name, value);
    }
    this.total += now;
    this.totals(now);
    this.tell(frame);
    const time = `${((frame.physics_steps * STEP_MS) / 4000).toFixed(1)} s`;
    if (frame.success) this.say("success", `Done in ${time}!`, root.dataset.keeps === "yes" ? ["keep", "again", "other"] : ["again", "other"]);
    else if (frame.diagnosis) this.say("over", `The world broke: ${frame.diagnosis}`, ["again", "other"]);
    else if (frame.terminated) this.say("over", `Ended by the task after ${time}.`, ["again", "other"]);
    else if (frame.truncated) this.say("over", "Time is up.", ["again", "other"]);
    else root.dataset.state = "running";
  }

  tell(frame) {
    part("clock").value = (frame.physics_steps * STEP_MS) / 4000 / seconds;
    const latency = this.latency === undefined ? "" : ` · keys answer in ${Math.round(this.latency)} ms`;
    const speed = FOLLOWS ? `${Math.abs(frame.speed_m_s).toFixed(1)} m/s` : "";
    part("hud").textContent = `${speed}${latency}`.replace(/^ · /, "");
    root.dataset.steps = this.steps;
    root.dataset.speed = frame.speed_m_s;
  }

  row(name, value) {
    let row = this.rows.get(name);
    if (!row) {
      const line = document.createElement("tr");
      line.innerHTML = '<th scope="row"><bdi></bdi></th><td class="number"></td><td><svg viewBox="-50 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect height="10"></rect><line class="zero" y2="10"></line></svg></td><td class="number"></td>';
      line.querySelector("bdi").textContent = name.replaceAll("_", " ");
      part("terms").append(line);
      const [now, , sum] = line.querySelectorAll("td");
      row = { now, sum, bar: line.querySelector("rect") };
      this.rows.set(name, row);
    }
    row.now.textContent = value.toFixed(2);
    row.sum.textContent = this.sums.get(name).toFixed(1);
    // Small and large are both to be seen: a root, full at 25 an action.
    const length = 50 * Math.min(Math.sqrt(Math.abs(value) / 25), 1);
    row.bar.setAttribute("x", value < 0 ? -length : 0);
    row.bar.setAttribute("width", length);
    row.bar.setAttribute("class", value < 0 ? "loss" : "gain");
  }

  totals(now) {
    part("now").textContent = now.toFixed(2);
    part("sum").textContent = this.total.toFixed(1);
  }

  say(state, text, choices = []) {
    root.dataset.state = state;
    part("text").textContent = text;
    const words = { keep: "Keep as a demonstration", again: "Again", other: "Another episode" };
    part("choices").replaceChildren(
      ...choices.map((choice, place) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = place ? "button" : "button button-main";
        button.dataset.do = choice;
        button.textContent = words[choice];
        return button;
      }),
    );
  }

  command(name) {
    if (name === "again") this.send({ restart: true, ...(this.seed === undefined ? {} : { seed: this.seed }) });
    if (name === "other") this.send({ restart: true });
    if (name === "keep" && root.dataset.state === "success" && root.dataset.keeps === "yes") {
      this.say("success", "Going through it again to confirm it …");
      this.send({ keep: true });
    }
    if (name === "camera") {
      const behind = this.world.toggleCamera();
      root.querySelector('[data-do="camera"]').setAttribute("aria-pressed", behind);
    }
    if (["again", "other"].includes(name)) this.release();
  }

  measure(since) {
    this.latencies.push(performance.now() - since);
    const last = this.latencies.slice(-9).sort((a, b) => a - b);
    this.latency = last[Math.floor(last.length / 2)];
    root.dataset.latencies = JSON.stringify(this.latencies.slice(-50).map(Math.round));
  }

  tellControls(pressed = []) {
    this.serial += 1;
    this.sent.set(this.serial, performance.now());
    this.send({ held: [...new Set(this.held.values())], pressed, serial: this.serial });
    for (const button of root.querySelectorAll("[data-control]")) {
      button.toggleAttribute("data-down", [...this.held.values()].includes(button.dataset.control));
    }
  }

  press(source, control) {
    if (!["ready", "running"].includes(root.dataset.state) || this.held.has(source)) return;
    this.held.set(source, control);
    this.world.started = true;
    this.tellControls([control]);
  }

  letGo(source) {
    if (this.held.delete(source)) this.tellControls();
  }

  release() {
    if (!this.held.size) return;
    this.held.clear();
    this.tellControls();
  }

  wire() {
    document.addEventListener("keydown", (event) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest?.("button, a") && WAKE_KEYS.has(event.code)) return;
      const control = CODES[event.code];
      const command = COMMANDS[event.code];
      if (!control && !command) return;
      event.preventDefault();
      if (event.repeat) return;
      if (control) this.press(event.code, control);
      else this.command(command);
    });
    document.addEventListener("keyup", (event) => this.letGo(event.code));
    window.addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => {
      this.release();
      if (document.hidden) this.send({ paused: true });
    });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (!button) return;
      this.command(button.dataset.do);
      button.blur();
    });
    for (const button of root.querySelectorAll("[data-control]")) {
      button.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        button.setPointerCapture(event.pointerId);
        this.press(`pointer ${event.pointerId}`, button.dataset.control);
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
        button.addEventListener(end, (event) => this.letGo(`pointer ${event.pointerId}`));
      }
      button.addEventListener("contextmenu", (event) => event.preventDefault());
    }
  }
}

try {
  new Player();
} catch (error) {
  root.dataset.state = "problem";
  part("text").textContent = `This browser cannot draw in 3-D (${error.message}).`;
}
