// A scene of bodies in 3-D, as docs/replay.md describes them. Several scenes share one canvas and
// one camera, side by side, so that what is compared is always seen from the same side.

import * as THREE from "./vendor/three.module.min.js";
import { OrbitControls } from "./vendor/OrbitControls.js";

const UP = new THREE.Vector3(0, 0, 1);
const PLANE_M = 400;
// From this size on a floor has lines a metre apart, to see by how far and how fast things move.
const FLOOR_M = 4;
const FLOOR_M2 = 9;
const GAP_PX = 2;

const LOOKS = {
  light: { sky: 0xe9eef3, ground: 0xb9bfc6, ambient: 1.5, sun: 2.1, gap: 0xc4cbd3 },
  dark: { sky: 0x15171a, ground: 0x3a3f45, ambient: 0.95, sun: 1.6, gap: 0x33373d },
};

export function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function geometryOf(shape, meshes) {
  const [a, b, c] = shape.size;
  switch (shape.kind) {
    case "box":
      return new THREE.BoxGeometry(a, b, c);
    case "sphere":
      return new THREE.SphereGeometry(a, 32, 20);
    case "cylinder":
      return new THREE.CylinderGeometry(b, b, a, b < 0.3 ? 24 : 48).rotateX(Math.PI / 2);
    case "capsule":
      return new THREE.CapsuleGeometry(b, a, 8, 20).rotateX(Math.PI / 2);
    case "plane": {
      const normal = new THREE.Vector3(a, b, c);
      const turn = new THREE.Quaternion().setFromUnitVectors(UP, normal.normalize());
      return new THREE.PlaneGeometry(PLANE_M, PLANE_M).applyQuaternion(turn);
    }
    default: {
      const { vertices, triangles } = meshes[shape.mesh];
      const geometry = new THREE.BufferGeometry();
      geometry.setAttribute("position", new THREE.Float32BufferAttribute(vertices, 3));
      geometry.setIndex(triangles);
      geometry.scale(a, b, c);
      // Each face with a normal of its own: what PyBullet's tasks build of meshes has edges.
      const flat = geometry.toNonIndexed();
      flat.computeVertexNormals();
      return flat;
    }
  }
}

// Lines on upward faces, from the place in the world: they stand still whatever moves on them.
function drawLines(material) {
  material.onBeforeCompile = (shader) => {
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nvarying vec3 vPlace;\nvarying vec3 vUpward;")
      .replace(
        "#include <begin_vertex>",
        `#include <begin_vertex>
        vPlace = (modelMatrix * vec4(position, 1.0)).xyz;
        vUpward = mat3(modelMatrix) * normal;`,
      );
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", "#include <common>\nvarying vec3 vPlace;\nvarying vec3 vUpward;")
      .replace(
        "#include <color_fragment>",
        `#include <color_fragment>
        if (normalize(vUpward).z > 0.9) {
          vec2 width = max(fwidth(vPlace.xy), 1e-4);
          vec2 near = abs(fract(vPlace.xy - 0.5) - 0.5) / width;
          vec2 fine = (1.0 - smoothstep(0.0, 1.3, near)) * (1.0 - smoothstep(0.1, 0.45, width));
          float line = max(fine.x, fine.y);
          float light = dot(diffuseColor.rgb, vec3(0.3, 0.6, 0.1));
          diffuseColor.rgb = mix(diffuseColor.rgb, vec3(light > 0.35 ? 0.0 : 1.0), 0.13 * line);
        }`,
      );
  };
  material.customProgramCacheKey = () => "lines";
}

// A part of a body: shapes that move together.
export class Body {
  constructor(shapes, meshes) {
    this.group = new THREE.Group();
    this.meshes = shapes.map((shape) => {
      const material = new THREE.MeshStandardMaterial({ roughness: 0.72, metalness: 0.02 });
      const mesh = new THREE.Mesh(geometryOf(shape, meshes), material);
      const [x, y, z] = shape.size;
      const flat = shape.kind === "box" && Math.max(x, y) > FLOOR_M && x * y > FLOOR_M2;
      if (flat || shape.kind === "plane") {
        drawLines(material);
        this.isFloor = true;
      }
      if (shape.kind === "mesh") material.side = THREE.DoubleSide;
      mesh.position.fromArray(shape.position);
      mesh.quaternion.fromArray(shape.orientation);
      mesh.receiveShadow = true;
      this.group.add(mesh);
      return mesh;
    });
    shapes.forEach((shape, number) => this.paint(number, shape.color));
  }

  // `color` is red, green, blue and opacity, each from 0 to 1.
  paint(number, [red, green, blue, opacity]) {
    const mesh = this.meshes[number];
    mesh.material.color.setRGB(red, green, blue, THREE.SRGBColorSpace);
    mesh.material.opacity = opacity;
    mesh.material.transparent = opacity < 1;
    mesh.material.depthWrite = opacity > 0.6;
    mesh.castShadow = opacity > 0.6;
    mesh.visible = opacity > 0;
  }

  // Seven numbers from `offset` on: position (m) and quaternion (x, y, z, w).
  place(numbers, offset = 0) {
    this.group.position.fromArray(numbers, offset);
    this.group.quaternion.fromArray(numbers, offset + 3).normalize();
  }

  dispose() {
    this.group.removeFromParent();
    for (const mesh of this.meshes) {
      mesh.geometry.dispose();
      mesh.material.dispose();
    }
  }
}

class World {
  constructor() {
    this.scene = new THREE.Scene();
    this.ambient = new THREE.HemisphereLight(0xffffff, 0x8d8a84, 1);
    this.ambient.position.copy(UP);
    this.sun = new THREE.DirectionalLight(0xfffaf0, 1);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(2048, 2048);
    this.sun.shadow.bias = -0.0004;
    this.sun.shadow.normalBias = 0.02;
    this.scene.add(this.ambient, this.sun, this.sun.target);
    this.anchor = new THREE.Vector3();
  }

  // The sun's shadow has so many points: they are spent on what is looked at.
  light(center, reach) {
    this.sun.target.position.copy(center);
    this.sun.position.copy(center).add(new THREE.Vector3(-0.45, -0.8, 1.5).multiplyScalar(reach));
    Object.assign(this.sun.shadow.camera, {
      left: -reach,
      right: reach,
      top: reach,
      bottom: -reach,
      near: 0.1,
      far: 5 * reach,
    });
    this.sun.shadow.camera.updateProjectionMatrix();
  }
}

export class Stage {
  // Throws where the browser has no WebGL.
  constructor(canvas, onChange = () => {}) {
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.setScissorTest(true);
    this.camera = new THREE.PerspectiveCamera(45, 1, 0.05, 2000);
    this.camera.up.copy(UP);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = false;
    this.controls.maxPolarAngle = 0.99 * Math.PI;
    this.controls.minDistance = 0.3;
    this.controls.maxDistance = 500;
    this.worlds = [];
    this.shown = [];
    this.onChange = onChange;
    this.controls.addEventListener("change", onChange);
    new ResizeObserver(() => this.resize()).observe(canvas);
    document.addEventListener("theme", () => this.dress());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.dress());
  }

  addWorld() {
    const world = new World();
    this.worlds.push(world);
    this.shown = this.worlds.map((_, number) => number);
    this.dress();
    return world;
  }

  dress() {
    const look = LOOKS[theme()];
    this.gap = look.gap;
    for (const world of this.worlds) {
      world.scene.background = new THREE.Color(look.sky);
      world.scene.fog = new THREE.Fog(look.sky, 60, 260);
      world.ambient.intensity = look.ambient;
      world.ambient.groundColor.setHex(look.ground);
      world.sun.intensity = look.sun;
    }
    this.onChange();
  }

  // Which worlds are drawn, by number, in their order.
  show(numbers) {
    this.shown = numbers;
    this.onChange();
  }

  look(eye, target) {
    this.camera.position.fromArray(eye);
    this.controls.target.fromArray(target);
    this.controls.update();
    this.onChange();
  }

  // Move the eye along with what is followed.
  carry(by) {
    this.camera.position.add(by);
    this.controls.target.add(by);
    this.controls.update();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.onChange();
  }

  // Places of the panes in the canvas, in CSS pixels from its upper left corner.
  panes() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const count = this.shown.length;
    const stacked = count > 1 && width < height;
    return this.shown.map((world, place) => {
      if (count === 1) return { world, x: 0, y: 0, width, height };
      if (stacked) {
        const tall = (height - GAP_PX * (count - 1)) / count;
        return { world, x: 0, y: place * (tall + GAP_PX), width, height: tall };
      }
      const wide = (width - GAP_PX * (count - 1)) / count;
      return { world, x: place * (wide + GAP_PX), y: 0, width: wide, height };
    });
  }

  // `anchors` (by world) are what each pane's view is moved by, so that each follows its own robot.
  render(anchors = []) {
    const panes = this.panes();
    // What shows between the panes.
    this.renderer.setScissorTest(false);
    this.renderer.setClearColor(this.gap);
    this.renderer.clear();
    this.renderer.setScissorTest(true);
    const height = this.canvas.clientHeight;
    const eye = this.camera.position.clone();
    const reach = Math.min(Math.max(eye.distanceTo(this.controls.target) * 1.1, 4), 40);
    for (const pane of panes) {
      const world = this.worlds[pane.world];
      const anchor = anchors[pane.world];
      const center = this.controls.target.clone();
      this.camera.position.copy(eye);
      if (anchor) {
        this.camera.position.add(anchor);
        center.add(anchor);
      }
      this.camera.updateMatrixWorld();
      world.light(center, reach);
      this.camera.aspect = pane.width / pane.height;
      // The field of view is that of the shorter side.
      const narrow = Math.min(this.camera.aspect / (4 / 3), 1);
      this.camera.fov = 2 * Math.atan(Math.tan(Math.PI / 8) / narrow) * (180 / Math.PI);
      this.camera.updateProjectionMatrix();
      const area = [pane.x, height - pane.y - pane.height, pane.width, pane.height];
      this.renderer.setViewport(...area);
      this.renderer.setScissor(...area);
      this.renderer.render(world.scene, this.camera);
    }
    this.camera.position.copy(eye);
    this.camera.updateMatrixWorld();
  }
}
