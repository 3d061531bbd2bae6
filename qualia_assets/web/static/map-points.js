// Decodes the packed points that views/points.py writes.

export const NONE = 0xffff;
export const NO_DAY = -(2 ** 31);

const KINDS = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array };

export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder();
  const header = JSON.parse(text.decode(new Uint8Array(buffer, 4, length)));
  const columns = {};
  for (const [name, kind, at, bytes] of header.columns) {
    const start = 4 + length + at;
    columns[name] =
      kind === "bytes"
        ? new Uint8Array(buffer, start, bytes)
        : new KINDS[kind](buffer, start, bytes / KINDS[kind].BYTES_PER_ELEMENT);
  }
  const points = {
    n: header.items,
    ids: JSON.parse(text.decode(columns.ids)),
    sources: header.sources,
    collections: header.collections,
    modalities: header.modalities,
    clusters: header.clusters,
    whyNot: header.why_not,
    views: new Map(),
  };
  for (const name of ["modality", "cluster", "source", "collection", "hop", "day", "picture", "pictures"])
    points[name] = columns[name];
  for (const { name, method } of header.views)
    points.views.set(name, {
      method,
      x: unit(columns[`${name}.x`]),
      y: unit(columns[`${name}.y`]),
    });
  points.order = shuffled(points.n);
  points.matches = matchesOf(points.clusters);
  return points;
}

// The SHA-256 of an item's picture in hex; null where it has none.
export function pictureOf(points, i) {
  const place = points.picture[i];
  if (place === NONE || !points.pictures.length) return null;
  const bytes = points.pictures.subarray(32 * place, 32 * place + 32);
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function unit(column) {
  const out = new Float32Array(column.length);
  for (let i = 0; i < column.length; i++) out[i] = column[i] === NONE ? NaN : column[i] / (NONE - 1);
  return out;
}

// A reproducible random order, so that neither posts nor pins are always on top.
function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let state = 12345;
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function matchesOf(clusters) {
  const matches = new Map();
  clusters.forEach((cluster, place) => {
    if (cluster.match === null) return;
    if (!matches.has(cluster.match)) matches.set(cluster.match, []);
    matches.get(cluster.match).push(place);
  });
  return matches;
}
