// The panel beside the map: the card of the selection, and a list of what is in view, for keyboard users.
// All data is inserted as text, never as markup.

import { NONE } from "./map-points.js";

const KINDS = { text: "post", image: "pin" };
const FIELDS = [["summary", "Summary"], ["aesthetic", "Aesthetic"], ["themes", "Themes"], ["mood", "Mood"], ["lifestyle", "Lifestyle"], ["moment", "Moment"]];

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// A name from data, isolated so that its writing direction does not affect its surroundings.
export function name(text) {
  return element("bdi", {}, text);
}

export function kindOf(points, i) {
  return KINDS[points.modalities[points.modality[i]]] ?? "item";
}

export function counted(number, one, more = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : more}`;
}

// A file made without titles has only the number of an item.
export function titleOf(points, i, card) {
  return card?.title ?? `${kindOf(points, i) === "pin" ? "Pin" : "Post"} ${i + 1}`;
}

function link(href, text, external) {
  return element("a", external ? { href, target: "_blank", rel: "noopener noreferrer" } : { href }, text);
}

function clusterButton(points, place, chosen) {
  const { label, modality } = points.clusters[place];
  const mark = element("span", { class: `mark of-${modality}`, "aria-hidden": "true" });
  return element("button", { type: "button", class: "row", click: chosen }, mark, name(label));
}

// The card of an item. `acts`: about(place) shows a cluster's card.
export function itemCard(points, i, card, source, acts) {
  const picture = source.picture(points, i, 256);
  const origin = [card?.author, card?.collection, card?.day].filter(Boolean);
  const cluster = points.cluster[i];
  const page = source.itemPage(points.ids[i]);
  const title = titleOf(points, i, card);
  return [
    picture ? element("img", { src: picture, alt: `Picture: ${title}` }) : null,
    element("p", {}, element("span", { class: `chip of-${points.modalities[points.modality[i]]}` }, kindOf(points, i) === "pin" ? "Pin" : "Post")),
    element("h2", { id: "about-name" }, name(title)),
    origin.length ? element("p", { class: "quiet" }, name(origin.join(" · "))) : null,
    card?.excerpt && !repeats(card) ? element("p", { class: "excerpt" }, name(card.excerpt)) : null,
    card ? fieldsOf(card) : element("p", { class: "quiet" }, "Titles and annotations are left out of this file."),
    cluster === NONE
      ? element("p", { class: "quiet" }, points.clusters.length ? "In no cluster." : "")
      : element("div", { class: "in" }, element("p", { class: "quiet" }, "In the cluster"), clusterButton(points, cluster, () => acts.about(cluster))),
    element(
      "p",
      { class: "links" },
      page ? link(page, "Open page") : null,
      card?.url ? link(card.url, "Source", true) : null,
    ),
  ];
}

// The local annotator's summaries begin with the item's own words.
function repeats({ excerpt, title, fields }) {
  return excerpt === title || Boolean(fields.summary?.includes(excerpt.slice(0, 80)));
}

function fieldsOf(card) {
  const rows = FIELDS.filter(([key]) => card.fields[key]).map(([key, label]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, name(card.fields[key]))),
  );
  if (rows.length) return element("dl", {}, ...rows);
  return card.why_not ? element("p", { class: "quiet" }, card.why_not) : null;
}

// The card of a cluster. `acts`: about(place), only(choice), goTo(place).
export function clusterCard(points, place, source, acts) {
  const cluster = points.clusters[place];
  const kind = KINDS[cluster.modality] ?? "item";
  const other = cluster.match === null ? undefined : points.matches.get(cluster.match).find((p) => p !== place);
  const page = source.clusterPage(cluster);
  return [
    element("p", {}, element("span", { class: `chip of-${cluster.modality}` }, `Cluster of ${counted(cluster.size, kind)}`)),
    element("h2", { id: "about-name" }, name(cluster.label)),
    cluster.keywords.length ? element("p", { class: "quiet" }, name(cluster.keywords.join(", "))) : null,
    other === undefined
      ? element("p", {}, "No match among clusters of the other kind.")
      : element(
          "div",
          { class: "in" },
          element("p", { class: "quiet" }, `Matched (similarity ${cluster.similarity.toFixed(2)}) with`),
          clusterButton(points, other, () => acts.about(other)),
        ),
    element(
      "p",
      { class: "links" },
      element("button", { type: "button", click: () => acts.goTo(place) }, "Go there"),
      element("button", { type: "button", click: () => acts.only(`${cluster.modality}:${cluster.cluster}`) }, "Show only this"),
      other === undefined
        ? null
        : element("button", { type: "button", click: () => acts.only(`match:${cluster.match}`) }, "Show only the pair"),
      page ? link(page, "Open page") : null,
    ),
  ];
}

// Rows of the list. `acts`: about(place), pick(i).
export function clusterRows(points, found, acts) {
  return found.map(({ place, count }) => {
    const button = clusterButton(points, place, () => acts.about(place));
    button.append(element("span", { class: "count quiet" }, count.toLocaleString("en")));
    return element("li", {}, button);
  });
}

export function itemRows(points, items, cards, acts) {
  return items.map((i, rank) => {
    const mark = element("span", { class: `mark of-${points.modalities[points.modality[i]]}`, "aria-hidden": "true" });
    const kind = element("span", { class: "unseen" }, `${kindOf(points, i)}: `);
    const button = element("button", { type: "button", class: "row", click: () => acts.pick(i) }, mark, kind, name(titleOf(points, i, cards[rank])));
    return element("li", {}, button);
  });
}
