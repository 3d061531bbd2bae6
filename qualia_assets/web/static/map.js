// The map in the app: points, cards and pictures are asked of it.
// Belongs here: the addresses. What is made of the answers is in the other modules.

import { openMap } from "./map-atlas.js";
import { pictureOf } from "./map-points.js";

const { base } = document.querySelector("#atlas").dataset;

async function ask(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} for ${address.split("?")[0]}`);
  return answer;
}

function picture(points, i, side) {
  const sha256 = pictureOf(points, i);
  return sha256 && `${base}thumb/${sha256}?side=${side}`;
}

openMap({
  named: true,
  points: async () => (await ask(`${base}map/points`)).arrayBuffer(),
  cards: async (ids) => {
    const asked = new URLSearchParams(ids.map((id) => ["item", id]));
    return (await ask(`${base}map/cards?${asked}`)).json();
  },
  picture,
  thumb: async (points, i) => {
    const address = picture(points, i, 64);
    if (!address) return null;
    const blob = await (await ask(address)).blob();
    return blob.type === "image/webp" ? blob : null;
  },
  itemPage: (id) => `${base}item/${id.split("/").map(encodeURIComponent).join("/")}`,
  clusterPage: ({ modality, cluster }) => `${base}clusters?cluster=${modality}:${cluster}`,
});
