// Thumbnails as bitmaps: loaded a few at a time while they are wanted; at most 600 are kept.

export const MOST = 600;
const AT_ONCE = 6;

export class Thumbs {
  // `load(i)` resolves to an item's thumbnail as a Blob; `changed` is called when one has loaded.
  constructor(load, changed) {
    this.load = load;
    this.changed = changed;
    this.kept = new Map();
    this.queue = [];
    this.underWay = new Set();
  }

  // The bitmap, or null until it has loaded.
  get(i) {
    return this.kept.get(i) ?? null;
  }

  // The items now visible, at most MOST. Other queued ones are dropped.
  want(items) {
    for (const i of items) {
      if (!this.kept.has(i)) continue;
      const bitmap = this.kept.get(i);
      this.kept.delete(i);
      this.kept.set(i, bitmap);
    }
    this.queue = items.filter((i) => !this.kept.has(i) && !this.underWay.has(i));
    this.next();
  }

  next() {
    while (this.underWay.size < AT_ONCE && this.queue.length) {
      const i = this.queue.shift();
      this.underWay.add(i);
      this.load(i)
        .then((blob) => (blob ? createImageBitmap(blob) : null))
        // A broken picture stays a point.
        .catch(() => null)
        .then((bitmap) => this.keep(i, bitmap));
    }
  }

  keep(i, bitmap) {
    this.underWay.delete(i);
    this.kept.set(i, bitmap);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MOST) break;
      this.kept.get(oldest)?.close();
      this.kept.delete(oldest);
    }
    if (bitmap) this.changed();
    this.next();
  }
}
