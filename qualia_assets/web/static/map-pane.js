// One canvas with one space: mouse, touch and keyboard input, and drawing when something has changed.
// What a click means is up to whoever made the pane.

import { paint } from "./map-paint.js";
import { Plate } from "./map-plate.js";

const STEP = 70;
const REACH = 16;
const MOVE_MS = 750;
const WHEEL = 0.0016;

export class Pane {
  // `on`: moved(pane), hovered(pane, hit, x, y), picked(pane, hit, byKey), drawn(pane).
  // A hit is {item}, {place} (a cluster) or null.
  constructor(canvas, scene, on) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.scene = scene;
    this.on = on;
    this.plate = new Plate();
    this.layout = null;
    this.camera = null;
    this.drawn = { pictures: [], names: [], wanted: [] };
    this.fingers = new Map();
    this.due = 0;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.listen();
  }

  // Show a space; points of the one before move to their new places.
  put(layout, camera, animate) {
    const before = this.layout;
    const from = this.camera && { x: this.camera.x, y: this.camera.y, scale: this.camera.scale };
    this.arrive();
    this.layout = layout;
    this.camera = camera;
    this.resize();
    if (before && before !== layout && animate) this.travel(from, { x: camera.x, y: camera.y, zoom: camera.zoom }, before);
    this.redraw();
  }

  // Move the camera, animated where motion is welcome.
  lookAt(x, y, zoom, animate) {
    this.arrive();
    const from = { x: this.camera.x, y: this.camera.y, scale: this.camera.scale };
    if (animate) this.travel(from, { x, y, zoom }, null);
    else this.camera.lookAt(x, y, zoom);
    this.moved();
  }

  travel(from, to, before) {
    this.journey = { from, to, before, start: performance.now() };
    this.journey.toScale = (this.camera.scale / this.camera.zoom) * to.zoom;
  }

  // Finish an animation at its target.
  arrive() {
    if (!this.journey) return;
    const { to } = this.journey;
    this.journey = null;
    this.camera.lookAt(to.x, to.y, to.zoom);
  }

  resize() {
    if (!this.camera) return;
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.ratio = Math.min(3, devicePixelRatio || 1);
    this.camera.width = clientWidth;
    this.camera.height = clientHeight;
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.redraw();
  }

  redraw() {
    if (!this.due) this.due = requestAnimationFrame((now) => this.draw(now));
  }

  moved() {
    this.redraw();
    this.on.moved(this);
  }

  draw(now) {
    this.due = 0;
    if (!this.layout || !this.canvas.clientWidth) return;
    let { x: xs, y: ys } = this.layout;
    let moving = 1;
    if (this.journey) {
      const { from, to, before, start, toScale } = this.journey;
      const part = Math.min(1, Math.max(0, (now - start) / MOVE_MS));
      const eased = part < 0.5 ? 4 * part ** 3 : 1 - 4 * (1 - part) ** 3;
      const base = this.camera.scale / this.camera.zoom;
      const mix = (a, b) => a + (b - a) * eased;
      if (part === 1) {
        this.arrive();
        this.on.moved(this);
      } else {
        this.camera.lookAt(mix(from.x, to.x), mix(from.y, to.y), Math.exp(mix(Math.log(from.scale), Math.log(toScale))) / base);
        if (before) {
          moving = eased;
          xs = xs.map((x, i) => mix(before.x[i], x));
          ys = ys.map((y, i) => mix(before.y[i], y));
        }
        this.redraw();
      }
    }
    const look = { camera: this.camera, plate: this.plate, xs, ys, moving, ratio: this.ratio, type: this.camera.width < 520 ? 12.5 : 15 };
    this.drawn = paint(this.context, this.layout, look, this.scene);
    this.on.drawn(this);
  }

  // What is at a pixel: names before pictures before points.
  hit(px, py) {
    const inside = (b) => px >= b.left && px <= b.left + b.width && py >= b.top && py <= b.top + b.height;
    const name = this.drawn.names.findLast(inside);
    if (name) return { place: name.place };
    const picture = this.drawn.pictures.findLast(inside);
    if (picture) return { item: picture.item };
    return this.near(px, py, REACH);
  }

  near(px, py, reach) {
    const [x, y] = this.camera.toPlane(px, py);
    const item = this.layout.grid.nearest(x, y, reach / this.camera.scale, this.layout.shown);
    return item < 0 ? null : { item };
  }

  zoomBy(factor) {
    this.arrive();
    this.camera.zoomAt(this.camera.width / 2, this.camera.height / 2, factor);
    this.moved();
  }

  home(animate) {
    const { box } = this.camera;
    this.lookAt((box.left + box.right) / 2, (box.bottom + box.top) / 2, 1, animate);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event, true));
    canvas.addEventListener("pointercancel", (event) => this.release(event, false));
    canvas.addEventListener("pointerleave", (event) => {
      // Lifting a finger also leaves the canvas; what it picked keeps its tooltip.
      if (event.pointerType === "mouse" && !this.fingers.size) this.on.hovered(this, null);
    });
    canvas.addEventListener("dblclick", (event) => {
      this.camera.zoomAt(event.offsetX, event.offsetY, event.shiftKey ? 0.5 : 2);
      this.moved();
    });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.on.hovered(this, null));
  }

  press(event) {
    if (!this.layout || event.button) return;
    this.arrive();
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.still = this.fingers.size === 1 ? { x: event.offsetX, y: event.offsetY } : null;
  }

  move(event) {
    if (!this.layout) return;
    const finger = this.fingers.get(event.pointerId);
    const at = { x: event.offsetX, y: event.offsetY };
    if (!finger) {
      const hit = this.hit(at.x, at.y);
      this.canvas.classList.toggle("on", hit !== null);
      this.on.hovered(this, hit, at.x, at.y);
      return;
    }
    if (this.still && Math.hypot(at.x - this.still.x, at.y - this.still.y) < 5) return;
    this.still = null;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
      this.camera.moveBy((at.x - finger.x) / 2, (at.y - finger.y) / 2);
      this.camera.zoomAt((at.x + other.x) / 2, (at.y + other.y) / 2, apart(at, other) / apart(finger, other));
    } else this.camera.moveBy(at.x - finger.x, at.y - finger.y);
    this.fingers.set(event.pointerId, at);
    this.on.hovered(this, null);
    this.moved();
  }

  release(event, lifted) {
    const still = this.still;
    this.fingers.delete(event.pointerId);
    this.still = null;
    if (!lifted || !still) return;
    const hit = this.hit(still.x, still.y);
    // A finger hovers only when it picks.
    this.on.hovered(this, hit, still.x, still.y);
    this.on.picked(this, hit, false);
  }

  wheel(event) {
    if (!this.layout) return;
    event.preventDefault();
    this.arrive();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 32 : 1) * (event.ctrlKey ? 5 : 1);
    this.camera.zoomAt(event.offsetX, event.offsetY, Math.exp(-WHEEL * Math.max(-400, Math.min(400, pixels))));
    this.moved();
  }

  // Keys act on the centre of the canvas.
  key(event) {
    if (!this.layout || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const middle = [this.camera.width / 2, this.camera.height / 2];
    if (moves[event.key]) {
      this.arrive();
      this.camera.moveBy(...moves[event.key]);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.home(false);
    else if (event.key === "Enter") {
      this.on.picked(this, this.near(...middle, 200), true);
      event.preventDefault();
      return;
    } else return;
    event.preventDefault();
    this.moved();
    this.on.hovered(this, this.near(...middle, 200), ...middle);
  }
}
