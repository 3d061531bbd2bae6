// The map in a file, which has points, cards and pictures embedded.

import { openMap } from "./map-atlas.js";
import { NONE } from "./map-points.js";

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

const cards = JSON.parse(document.querySelector("#held-cards").textContent);
const pictures = JSON.parse(document.querySelector("#held-pictures").textContent);
const pictureOf = (points, i) => (points.picture[i] === NONE ? null : pictures[points.picture[i]] ?? null);

openMap({
  named: Object.keys(cards).length > 0,
  points: async () => bytes(document.querySelector("#held-points").textContent).buffer,
  cards: async (ids) => ids.filter((id) => id in cards).map((id) => ({ ...cards[id], id })),
  picture: (points, i) => {
    const held = pictureOf(points, i);
    return held && `data:image/webp;base64,${held}`;
  },
  thumb: async (points, i) => {
    const held = pictureOf(points, i);
    return held && new Blob([bytes(held)], { type: "image/webp" });
  },
  itemPage: () => null,
  clusterPage: () => null,
});
