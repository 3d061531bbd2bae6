// Thousands of small marks blended into one image: 20,000 take a few milliseconds, far less than canvas calls.

export class Plate {
  constructor() {
    this.masks = new Map();
    this.width = this.height = 0;
  }

  // Fill the image with the background colour.
  clear(width, height, paper) {
    if (width !== this.width || height !== this.height) {
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.width = width;
      this.height = height;
    }
    this.pixels.fill(paper);
  }

  // A disc or a square: its coverage of each pixel times the opacity, 0 to 256.
  mask(square, radius, opacity) {
    const key = `${square} ${radius} ${opacity}`;
    if (this.masks.has(key)) return this.masks.get(key);
    const side = Math.ceil(2 * radius) + 2;
    const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
    context.beginPath();
    // Visually as large as the disc.
    if (square) context.rect(side / 2 - 0.88 * radius, side / 2 - 0.88 * radius, 1.76 * radius, 1.76 * radius);
    else context.arc(side / 2, side / 2, radius, 0, 7);
    context.fill();
    const covered = context.getImageData(0, 0, side, side).data;
    const alpha = Uint16Array.from({ length: side * side }, (_, i) => (covered[4 * i + 3] * opacity * 256) / 255);
    // Every zoom has its own radius; old ones are dropped.
    if (this.masks.size > 40) this.masks.clear();
    this.masks.set(key, { side, alpha });
    return this.masks.get(key);
  }

  // Blend a colour through a mask centred on a pixel. Marks that cross an edge are skipped.
  stamp({ side, alpha }, colour, middleX, middleY) {
    const left = Math.round(middleX - side / 2);
    const top = Math.round(middleY - side / 2);
    // Also false for NaN, where an item has no coordinates.
    if (!(left >= 0 && top >= 0 && left + side <= this.width && top + side <= this.height)) return;
    const { pixels, width } = this;
    // Two channels at a time: red with blue, green with alpha.
    const [even, odd] = [colour & 0xff00ff, (colour >>> 8) & 0xff00ff];
    for (let y = 0, i = 0; y < side; y++) {
      let at = (top + y) * width + left;
      for (let x = 0; x < side; x++, i++, at++) {
        const a = alpha[i];
        if (!a) continue;
        const under = pixels[at];
        const b = 256 - a;
        const mixedEven = (Math.imul(even, a) + Math.imul(under & 0xff00ff, b)) >>> 8;
        const mixedOdd = Math.imul(odd, a) + Math.imul((under >>> 8) & 0xff00ff, b);
        pixels[at] = (mixedEven & 0xff00ff) | (mixedOdd & 0xff00ff00);
      }
    }
  }
}

// A CSS colour as a pixel.
export function pixelOf(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0];
}
