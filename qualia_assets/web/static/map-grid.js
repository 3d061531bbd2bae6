// A uniform grid over the plane for finding nearby points; each cell is a run of one array.

const SIDE = 96;

export class Grid {
  constructor(xs, ys) {
    this.xs = xs;
    this.ys = ys;
    this.start = new Uint32Array(SIDE * SIDE + 1);
    const cell = new Int32Array(xs.length);
    for (let i = 0; i < xs.length; i++) {
      cell[i] = xs[i] === xs[i] ? index(xs[i]) + SIDE * index(ys[i]) : -1;
      if (cell[i] >= 0) this.start[cell[i] + 1]++;
    }
    for (let c = 0; c < SIDE * SIDE; c++) this.start[c + 1] += this.start[c];
    const next = this.start.slice();
    this.points = new Uint32Array(this.start[SIDE * SIDE]);
    for (let i = 0; i < xs.length; i++) if (cell[i] >= 0) this.points[next[cell[i]]++] = i;
  }

  // Calls back with all points of the cells that touch the box, some of which are outside it.
  within({ left, right, bottom, top }, found) {
    const [x0, x1, y0, y1] = [index(left), index(right), index(bottom), index(top)];
    for (let y = y0; y <= y1; y++)
      for (let k = this.start[x0 + SIDE * y]; k < this.start[x1 + SIDE * y + 1]; k++) found(this.points[k]);
  }

  // The nearest point within a distance, of those that `counts` marks, or -1.
  nearest(x, y, distance, counts) {
    let best = -1;
    let least = distance * distance;
    this.within({ left: x - distance, right: x + distance, bottom: y - distance, top: y + distance }, (i) => {
      if (!counts[i]) return;
      const d = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (d <= least) {
        least = d;
        best = i;
      }
    });
    return best;
  }
}

function index(value) {
  return Math.min(SIDE - 1, Math.max(0, Math.floor(value * SIDE)));
}
