// The camera: the point of the plane at the centre of the canvas, and the zoom.
// Converts between the plane (0 to 1 on both axes, y up) and pixels.

const NEAREST = 400;
const FARTHEST = 0.4;

export class Camera {
  constructor(box) {
    this.width = 1;
    this.height = 1;
    this.frame(box);
  }

  // The box that fits the canvas at zoom 1, so that an address means the same on every screen.
  frame(box) {
    this.box = box;
    this.home();
  }

  home() {
    this.x = (this.box.left + this.box.right) / 2;
    this.y = (this.box.bottom + this.box.top) / 2;
    this.zoom = 1;
  }

  get isHome() {
    const { left, right, bottom, top } = this.box;
    return this.zoom === 1 && this.x === (left + right) / 2 && this.y === (bottom + top) / 2;
  }

  // Pixels per unit of the plane.
  get scale() {
    const { left, right, bottom, top } = this.box;
    // Room at the edges, so that labels are not cut.
    const [across, up] = [this.width - 2 * Math.min(80, this.width / 9), this.height - 2 * Math.min(36, this.height / 9)];
    return this.zoom * Math.min(across / (right - left), up / (top - bottom));
  }

  toScreen(x, y) {
    const s = this.scale;
    return [(x - this.x) * s + this.width / 2, (this.y - y) * s + this.height / 2];
  }

  toPlane(px, py) {
    const s = this.scale;
    return [this.x + (px - this.width / 2) / s, this.y - (py - this.height / 2) / s];
  }

  // The visible part of the plane, with a margin in pixels.
  seen(margin = 0) {
    const [left, top] = this.toPlane(-margin, -margin);
    const [right, bottom] = this.toPlane(this.width + margin, this.height + margin);
    return { left, right, bottom, top };
  }

  moveBy(dx, dy) {
    const s = this.scale;
    this.lookAt(this.x - dx / s, this.y + dy / s, this.zoom);
  }

  // Zoom by a factor around a fixed pixel.
  zoomAt(px, py, factor) {
    const [x, y] = this.toPlane(px, py);
    this.zoom = Math.min(NEAREST, Math.max(FARTHEST, this.zoom * factor));
    const [nowX, nowY] = this.toPlane(px, py);
    this.lookAt(this.x + x - nowX, this.y + y - nowY, this.zoom);
  }

  // Clamped, so that something stays visible.
  lookAt(x, y, zoom) {
    this.x = Math.min(1.1, Math.max(-0.1, x));
    this.y = Math.min(1.1, Math.max(-0.1, y));
    this.zoom = Math.min(NEAREST, Math.max(FARTHEST, zoom));
  }
}

// The box of most points: a few outliers would make all others small.
export function boxOf(view) {
  const [left, right] = reach(view.x);
  const [bottom, top] = reach(view.y);
  const pad = 0.015 * Math.max(right - left, top - bottom, 1e-4);
  return { left: left - pad, right: right + pad, bottom: bottom - pad, top: top + pad };
}

function reach(values) {
  const known = Float32Array.from(values.filter((v) => v === v)).sort();
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = [at(0), at(1)];
  const [from, to] = [at(0.005), at(0.995)];
  // Outliers are cut only where that gains a tenth.
  return to - from > 0.9 * (high - low) ? [low, high] : [from, to];
}
