// The zoom from which each label and picture is shown, so that none overlap.
// Zooming in never hides what is shown, and panning changes nothing.

// The scale (pixels per unit) from which each label is shown; earlier ones have precedence.
// Boxes that touch at one scale are apart at every larger one, so one number per label is enough.
export function labelScales(boxes) {
  const from = new Float64Array(boxes.length);
  for (let i = 0; i < boxes.length; i++) {
    const a = boxes[i];
    for (let j = 0; j < i; j++) {
      const b = boxes[j];
      const apart = Math.min(
        (a.width + b.width) / 2 / Math.abs(a.x - b.x),
        (a.height + b.height) / 2 / Math.abs(a.y - b.y),
      );
      if (apart > from[j] && apart > from[i]) from[i] = apart;
    }
  }
  return from;
}

export const STEPS_PER_DOUBLING = 2;

// The zoom step from which each candidate's picture is shown; absent where it never is.
// `scaleOf` and `sideOf` give pixels per unit and the side of a picture in pixels at a step; candidates come in
// order of precedence. A grid of picture-sized cells keeps it linear.
export function pictureSteps(candidates, xs, ys, steps, scaleOf, sideOf) {
  const from = new Map();
  const shown = [];
  let waiting = candidates;
  for (let step = 0; step < steps && waiting.length; step++) {
    const side = sideOf(step) / scaleOf(step);
    const cells = new Map();
    const key = (x, y) => x * 65536 + y;
    const put = (i) => {
      const cell = key(Math.floor(xs[i] / side), Math.floor(ys[i] / side));
      if (cells.has(cell)) cells.get(cell).push(i);
      else cells.set(cell, [i]);
    };
    shown.forEach(put);
    waiting = waiting.filter((i) => {
      const [cx, cy] = [Math.floor(xs[i] / side), Math.floor(ys[i] / side)];
      for (let x = cx - 1; x <= cx + 1; x++)
        for (let y = cy - 1; y <= cy + 1; y++)
          for (const j of cells.get(key(x, y)) ?? [])
            if (Math.abs(xs[i] - xs[j]) < side && Math.abs(ys[i] - ys[j]) < side) return true;
      put(i);
      shown.push(i);
      from.set(i, step);
      return false;
    });
  }
  return from;
}
