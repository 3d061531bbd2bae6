// Drawing one pane: points, lines between matched clusters, thumbnails, labels, and rings around the selection.

import { pictureSide } from "./map-layout.js";
import { NONE } from "./map-points.js";
import { pixelOf } from "./map-plate.js";
import { MOST } from "./map-thumbs.js";

const ALONE = 0.34;
const DIM = 0.1;

// The page's current colours, light or dark.
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    paper: value("--paper"),
    ink: value("--ink"),
    accent: value("--accent"),
    text: value("--text"),
    image: value("--image"),
    serif: value("--serif"),
    pixels: {
      paper: pixelOf(value("--paper")),
      of: [pixelOf(value("--text")), pixelOf(value("--image"))],
      other: pixelOf(value("--quiet")),
    },
  };
}

export function font(palette, size) {
  return `600 ${size}px ${palette.serif}`;
}

// Draws, and returns the targets besides points: the labels and pictures drawn, topmost last.
//
// `look`: camera, plate (the image that points are drawn into), xs and ys (current coordinates), moving (0 to 1
// during an animation between spaces, else 1), ratio (device pixels per CSS pixel), type (label size in pixels).
// `scene`: points, palette, thumbs, selected and pointed (items or -1), bright (highlighted clusters or null).
export function paint(context, layout, look, scene) {
  const { camera, ratio } = look;
  const settled = look.moving === 1;
  const pictures = settled ? visiblePictures(layout, camera, scene) : [];
  paintPoints(context, layout, look, scene, new Set(pictures.filter((i) => scene.thumbs.get(i))));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (settled) paintMatches(context, layout, camera, scene);
  const boxes = paintPictures(context, layout, camera, scene, pictures);
  const names = settled ? paintNames(context, layout, look, scene) : [];
  paintMarks(context, look, scene, boxes);
  return { pictures: boxes, names, wanted: pictures };
}

export function pointRadius(n, zoom) {
  const base = Math.min(3.4, Math.max(1.5, 3.9 - 1.05 * Math.log10(Math.max(n, 100) / 100)));
  return Math.min(7, base * zoom ** 0.3);
}

function paintPoints(context, layout, { camera, plate, xs, ys, ratio }, scene, covered) {
  const { points, palette, bright } = scene;
  const { pixels } = palette;
  const { width, height } = context.canvas;
  const radius = Math.round(8 * pointRadius(points.n, camera.zoom) * ratio) / 8;
  const scale = camera.scale * ratio;
  const left = width / 2 - camera.x * scale;
  const top = height / 2 + camera.y * scale;
  const [clear, faint] = [0.82, bright ? DIM : ALONE];
  const masks = [false, true].map((square) => [faint, clear].map((opacity) => plate.mask(square, radius, opacity)));
  plate.clear(width, height, pixels.paper);
  for (const i of points.order) {
    if (!layout.shown[i] || covered.has(i)) continue;
    const cluster = points.cluster[i];
    const isClear = bright ? bright.has(cluster) : cluster !== NONE;
    const modality = points.modality[i];
    // Posts are discs and pins are squares, since colour alone must not distinguish them.
    const mask = masks[modality === 1 ? 1 : 0][isClear ? 1 : 0];
    plate.stamp(mask, pixels.of[modality] ?? pixels.other, left + xs[i] * scale, top - ys[i] * scale);
  }
  context.putImageData(plate.image, 0, 0);
}

function paintMatches(context, layout, camera, { points, palette, bright }) {
  context.strokeStyle = palette.accent;
  context.lineCap = "round";
  for (const places of points.matches.values()) {
    const [a, b] = places.map((place) => layout.middles[place]);
    if (!a || !b) continue;
    const [ax, ay] = camera.toScreen(a.x, a.y);
    const [bx, by] = camera.toScreen(b.x, b.y);
    const length = Math.hypot(bx - ax, by - ay);
    if (length < 6) continue;
    const lit = bright?.has(places[0]);
    context.globalAlpha = lit ? 1 : bright ? 0.12 : 0.42;
    context.lineWidth = lit ? 2.5 : 1.4;
    context.beginPath();
    context.moveTo(ax, ay);
    context.quadraticCurveTo((ax + bx) / 2 + 0.16 * (by - ay), (ay + by) / 2 - 0.16 * (bx - ax), bx, by);
    context.stroke();
    for (const [x, y] of [[ax, ay], [bx, by]]) {
      context.beginPath();
      context.arc(x, y, lit ? 4 : 2.6, 0, 7);
      context.fillStyle = palette.accent;
      context.fill();
    }
  }
  context.globalAlpha = 1;
}

// The selected item's picture is on top.
function visiblePictures(layout, camera, { points, selected }) {
  const seen = camera.seen(32);
  const found = [];
  for (const i of layout.pictures(camera.scale / camera.zoom, camera.zoom)) {
    const [x, y] = [layout.x[i], layout.y[i]];
    if (x < seen.left || x > seen.right || y < seen.bottom || y > seen.top) continue;
    found.push(i);
    if (found.length === MOST - 1) break;
  }
  if (found.length && selected >= 0 && layout.shown[selected] && points.picture[selected] !== NONE)
    return [...found.filter((i) => i !== selected), selected];
  return found;
}

function paintPictures(context, layout, camera, { points, palette, thumbs, bright }, pictures) {
  const side = pictureSide(camera.zoom);
  const boxes = [];
  for (const i of pictures) {
    const bitmap = thumbs.get(i);
    if (!bitmap) continue;
    const shrink = side / Math.max(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * shrink, bitmap.height * shrink];
    const [x, y] = camera.toScreen(layout.x[i], layout.y[i]);
    const box = { item: i, left: x - width / 2, top: y - height / 2, width, height };
    context.globalAlpha = bright && !bright.has(points.cluster[i]) ? 0.25 : 1;
    context.fillStyle = palette.image;
    context.fillRect(box.left - 1, box.top - 1, width + 2, height + 2);
    context.drawImage(bitmap, box.left, box.top, width, height);
    boxes.push(box);
  }
  context.globalAlpha = 1;
  return boxes;
}

function paintNames(context, layout, { camera, type }, { palette, bright }) {
  const measure = (text, size) => {
    context.font = font(palette, size);
    return context.measureText(text).width;
  };
  const drawn = [];
  const scale = camera.scale;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const labels = layout.labels(measure, type);
  const isLit = (label) => Boolean(bright?.has(label.place));
  for (const label of [...labels.filter(isLit), ...labels.filter((l) => !isLit(l))]) {
    const lit = isLit(label);
    if (scale < label.from && !lit) continue;
    const [x, y] = camera.toScreen(label.x, label.y);
    if (x < 0 || y < 0 || x > camera.width || y > camera.height) continue;
    const box = nameBox(label, x, y, camera);
    // Only labels that are highlighted or pushed in from an edge can overlap. Highlighted ones are all shown.
    if (lit) while (drawn.some((other) => overlap(box, other))) box.top += box.height;
    else if (drawn.some((other) => overlap(box, other))) continue;
    context.globalAlpha = bright && !lit ? 0.3 : 1;
    paintName(context, label, box, palette);
    drawn.push(box);
  }
  context.globalAlpha = 1;
  return drawn;
}

// Above the centre of its cluster, so that small ones stay visible, and within the canvas.
function nameBox({ place, type, width, height }, x, y, camera) {
  const within = (low, size, most) => Math.max(4, Math.min(low, most - size - 4));
  const left = within(x - width / 2, width, camera.width);
  return { place, left, top: within(y - height - 0.55 * type, height, camera.height), width, height };
}

function overlap(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

function paintName(context, { text, type, cluster }, box, palette) {
  const mark = 0.27 * type;
  const y = box.top + box.height / 2;
  const [markX, textX] = [box.left + 0.5 * type, box.left + 1.0 * type];
  context.font = font(palette, type);
  context.strokeStyle = palette.paper;
  context.lineWidth = 4.5;
  context.strokeText(text, textX, y);
  context.beginPath();
  if (cluster.modality === "image") context.rect(markX - mark, y - mark, 2 * mark, 2 * mark);
  else context.arc(markX, y, 1.1 * mark, 0, 7);
  context.stroke();
  context.fillStyle = cluster.modality === "image" ? palette.image : palette.text;
  context.fill();
  context.fillStyle = palette.ink;
  context.fillText(text, textX, y);
}

// A ring around the selected item, and a thinner one around the hovered one.
function paintMarks(context, { camera, xs, ys }, { points, palette, selected, pointed }, boxes) {
  for (const [i, width] of [[pointed, 1.6], [selected, 3]]) {
    if (i < 0 || !(xs[i] === xs[i])) continue;
    const [x, y] = camera.toScreen(xs[i], ys[i]);
    const box = boxes.find((b) => b.item === i);
    for (const [colour, line] of [[palette.paper, width + 3], [palette.ink, width]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.beginPath();
      if (box) context.rect(box.left - 3, box.top - 3, box.width + 6, box.height + 6);
      else context.arc(x, y, pointRadius(points.n, camera.zoom) + 4.5, 0, 7);
      context.stroke();
    }
  }
}
