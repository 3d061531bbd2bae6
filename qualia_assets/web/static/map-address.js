// What is seen, in the page's address, so that it can be shared and reloaded.
// Belongs here: reading and writing it. A page in a file keeps it behind the #, the only part it may change.

import { FIELDS, nothingChosen } from "./map-filters.js";

const inFile = location.protocol === "file:";

// space, chosen (of the filters), item, cluster, and for each space that was looked about in {x, y, zoom}.
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
  const told = new URLSearchParams();
  if (space) told.set("space", space);
  for (const name of FIELDS) if (chosen[name]) told.set(name, chosen[name]);
  if (item) told.set("item", item);
  if (about) told.set("about", about);
  // So exact that no dot is drawn a pixel apart.
  for (const [name, { x, y, zoom }] of looks) told.set(`at.${name}`, `${x.toFixed(7)},${y.toFixed(7)},${zoom.toFixed(6)}`);
  const text = told.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history.replaceState(null, "", inFile ? `#${text}` : text ? `?${text}` : location.pathname);
}
