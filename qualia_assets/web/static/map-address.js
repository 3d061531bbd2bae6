// The view in the page's address, so that it can be shared and reloaded.
// A page opened from a file keeps it behind the #, the only part that it may change.

import { FIELDS, nothingChosen } from "./map-filters.js";

const inFile = location.protocol === "file:";

// space, chosen (filters), item, about (a cluster), and {x, y, zoom} for each space that was moved.
export function readAddress() {
  const given = new URLSearchParams(inFile ? location.hash.slice(1) : location.search);
  const chosen = nothingChosen();
  for (const name of FIELDS) chosen[name] = given.get(name) ?? "";
  const looks = new Map();
  for (const [name, value] of given) {
    if (!name.startsWith("at.")) continue;
    const [x, y, zoom] = value.split(",").map(Number);
    if ([x, y, zoom].every(Number.isFinite) && zoom > 0) looks.set(name.slice(3), { x, y, zoom });
  }
  return { space: given.get("space") ?? "", chosen, item: given.get("item") ?? "", about: given.get("about") ?? "", looks };
}

export function writeAddress({ space, chosen, item, about, looks }) {
  const query = new URLSearchParams();
  if (space) query.set("space", space);
  for (const name of FIELDS) if (chosen[name]) query.set(name, chosen[name]);
  if (item) query.set("item", item);
  if (about) query.set("about", about);
  // Precise enough that no dot moves by a pixel.
  for (const [name, { x, y, zoom }] of looks) query.set(`at.${name}`, `${x.toFixed(7)},${y.toFixed(7)},${zoom.toFixed(6)}`);
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history.replaceState(null, "", inFile ? `#${text}` : text ? `?${text}` : location.pathname);
}
