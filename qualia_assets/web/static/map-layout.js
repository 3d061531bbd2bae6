// One space on the plane: its visible items, cluster centres, and the zoom from which each label and picture shows.
// Computed once per space and filter; drawing is in map-paint.

import { boxOf } from "./map-camera.js";
import { Grid } from "./map-grid.js";
import { NONE } from "./map-points.js";
import { labelScales, pictureSteps, STEPS_PER_DOUBLING } from "./map-spread.js";

const PICTURES_FROM = 1.8;
const STEPS = 17;
const LONGEST = 32;

export class Layout {
  constructor(points, name) {
    const view = points.views.get(name);
    this.points = points;
    this.name = name;
    this.method = view.method;
    this.x = view.x;
    this.y = view.y;
    this.box = boxOf(view);
    this.grid = new Grid(view.x, view.y);
    this.shown = new Uint8Array(points.n);
    this.spreads = new Map();
  }

  // Show the items of a mask that have coordinates in this space.
  show(mask) {
    for (let i = 0; i < mask.length; i++) this.shown[i] = mask[i] && this.x[i] === this.x[i] ? 1 : 0;
    this.middles = middles(this.points, this);
    this.spreads.clear();
  }

  // Cluster labels, largest first, each with its box and the scale from which it is shown.
  labels(measure, size) {
    const key = `labels ${size}`;
    if (!this.spreads.has(key)) {
      const labels = [];
      const most = Math.max(1, ...this.middles.map((m) => m?.count ?? 0));
      this.points.clusters.forEach((cluster, place) => {
        const middle = this.middles[place];
        if (!middle) return;
        const type = Math.round(size * (0.86 + 0.34 * Math.sqrt(middle.count / most)));
        labels.push({ place, cluster, type, x: middle.x, y: middle.y, count: middle.count });
      });
      labels.sort((a, b) => b.count - a.count);
      for (const label of labels) {
        label.text = shortName(this.points, label.place);
        label.width = measure(label.text, label.type) + 1.1 * label.type;
        label.height = 1.3 * label.type;
      }
      // With some space around them.
      const airy = labels.map((l) => ({ ...l, width: l.width + 26, height: 2.1 * l.height }));
      labelScales(airy).forEach((from, i) => (labels[i].from = from));
      this.spreads.set(key, labels);
    }
    return this.spreads.get(key);
  }

  // The items whose pictures are shown at a zoom, in order of precedence. `base`: pixels per unit at zoom 1.
  pictures(base, zoom) {
    if (zoom < PICTURES_FROM) return [];
    const key = Math.round(base);
    if (!this.spreads.has(key)) {
      const candidates = Array.from(this.points.order.filter((i) => this.shown[i] && this.points.picture[i] !== NONE));
      const zoomOf = (step) => PICTURES_FROM * 2 ** (step / STEPS_PER_DOUBLING);
      const from = pictureSteps(
        candidates, this.x, this.y, STEPS, (step) => base * zoomOf(step), (step) => pictureSide(zoomOf(step)) + 3,
      );
      this.spreads.set(key, from);
    }
    const step = Math.floor(STEPS_PER_DOUBLING * Math.log2(zoom / PICTURES_FROM) + 1e-9);
    const from = this.spreads.get(key);
    return [...from.keys()].filter((i) => from.get(i) <= step);
  }
}

// The longer side of a thumbnail at a zoom, in pixels.
export function pictureSide(zoom) {
  return Math.min(64, 26 * (Math.max(zoom, PICTURES_FROM) / PICTURES_FROM) ** 0.45);
}

// A cluster's name on the map: its label up to the colon where that is unique.
export function shortName(points, place) {
  const { label, modality } = points.clusters[place];
  const head = label.split(":")[0].trim();
  const alone =
    head && points.clusters.every((c, i) => i === place || c.modality !== modality || c.label.split(":")[0].trim() !== head);
  const name = alone ? head : label;
  if (name.length <= LONGEST) return name;
  // Cut between words where there are words.
  const cut = name.slice(0, LONGEST - 1);
  const words = cut.slice(0, Math.max(cut.lastIndexOf(" "), LONGEST >> 1));
  return `${words.replace(/[\s,:;.]+$/, "")}…`;
}

// For each cluster the visible item nearest the median, and the number of visible items; null without any.
// The median itself may lie in an empty area.
function middles(points, layout) {
  const members = points.clusters.map(() => []);
  for (let i = 0; i < points.n; i++)
    if (layout.shown[i] && points.cluster[i] !== NONE) members[points.cluster[i]].push(i);
  const median = (some, values) => Float32Array.from(some, (i) => values[i]).sort()[some.length >> 1];
  return members.map((some) => {
    if (!some.length) return null;
    const [x, y] = [median(some, layout.x), median(some, layout.y)];
    const far = (i) => (layout.x[i] - x) ** 2 + (layout.y[i] - y) ** 2;
    const nearest = some.reduce((best, i) => (far(i) < far(best) ? i : best));
    return { x: layout.x[nearest], y: layout.y[nearest], count: some.length };
  });
}
