// The map in the app, which supplies points, cards and pictures by HTTP.

import { openMap } from "./map-atlas.js";
import { pictureOf } from "./map-points.js";

const { base } = document.querySelector("#atlas").dataset;

async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} for ${address.split("?")[0]}`);
  return response;
}

function picture(points, i, side) {
  const sha256 = pictureOf(points, i);
  return sha256 && `${base}thumb/${sha256}?side=${side}`;
}

openMap({
  named: true,
  points: async () => (await load(`${base}map/points`)).arrayBuffer(),
  cards: async (ids) => {
    const query = new URLSearchParams(ids.map((id) => ["item", id]));
    return (await load(`${base}map/cards?${query}`)).json();
  },
  picture,
  thumb: async (points, i) => {
    const address = picture(points, i, 64);
    if (!address) return null;
    const blob = await (await load(address)).blob();
    return blob.type === "image/webp" ? blob : null;
  },
  itemPage: (id) => `${base}item/${id.split("/").map(encodeURIComponent).join("/")}`,
  clusterPage: ({ modality, cluster }) => `${base}clusters?cluster=${modality}:${cluster}`,
});
