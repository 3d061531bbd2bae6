// Filters by kind, cluster, source, collection, hop and time: the form and the mask over items.

import { NONE, NO_DAY } from "./map-points.js";

const DAY_MS = 86_400_000;
export const FIELDS = ["kind", "cluster", "source", "collection", "hop", "from", "to"];

export function nothingChosen() {
  return Object.fromEntries(FIELDS.map((name) => [name, ""]));
}

// A mask over the items: 1 where an item is shown.
export function maskOf(points, chosen) {
  const mask = new Uint8Array(points.n).fill(1);
  const keep = (column, value) => {
    for (let i = 0; i < points.n; i++) if (column[i] !== value) mask[i] = 0;
  };
  if (chosen.kind) keep(points.modality, points.modalities.indexOf(chosen.kind));
  if (chosen.source) keep(points.source, points.sources.indexOf(chosen.source));
  if (chosen.collection) keep(points.collection, points.collections.indexOf(chosen.collection));
  if (chosen.hop) keep(points.hop, Number(chosen.hop));
  if (chosen.cluster) {
    const places = new Set(placesOf(points, chosen.cluster));
    for (let i = 0; i < points.n; i++) if (!places.has(points.cluster[i])) mask[i] = 0;
  }
  const [from, to] = [dayOf(chosen.from), dayOf(chosen.to)];
  if (from !== null || to !== null)
    for (let i = 0; i < points.n; i++) {
      const day = points.day[i];
      // Items without a time are in no time span.
      if (day === NO_DAY || (from !== null && day < from) || (to !== null && day > to)) mask[i] = 0;
    }
  return mask;
}

// The clusters that a choice means: `text:3`, `match:14` (both of a pair) or `none`.
export function placesOf(points, chosen) {
  if (chosen === "none") return [NONE];
  const [kind, number] = chosen.split(":");
  if (kind === "match") return points.matches.get(Number(number)) ?? [];
  const place = points.clusters.findIndex((c) => c.modality === kind && c.cluster === Number(number));
  return place < 0 ? [] : [place];
}

function dayOf(date) {
  const time = Date.parse(date);
  return Number.isNaN(time) ? null : Math.floor(time / DAY_MS);
}

// The form, with the options that exist; fields without a choice are hidden.
export class FilterForm {
  constructor(form, points, chosen, changed) {
    this.form = form;
    this.chosen = chosen;
    this.changed = changed;
    this.fill(points);
    this.kinds = [...document.querySelectorAll("[data-kind]")];
    for (const button of this.kinds)
      button.addEventListener("click", () => {
        this.chosen.kind = this.chosen.kind === button.dataset.kind ? "" : button.dataset.kind;
        this.show();
        this.changed();
      });
    form.addEventListener("change", () => this.read());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => this.clear());
    this.show();
  }

  clear() {
    Object.assign(this.chosen, nothingChosen());
    this.show();
    this.changed();
  }

  choose(name, value) {
    this.chosen[name] = value;
    this.show();
    this.changed();
  }

  get isOpen() {
    return FIELDS.some((name) => name !== "kind" && this.chosen[name]);
  }

  read() {
    for (const name of FIELDS) if (name !== "kind") this.chosen[name] = this.form.elements[name].value;
    this.show();
    this.changed();
  }

  show() {
    for (const name of FIELDS) {
      if (name === "kind") continue;
      const field = this.form.elements[name];
      // An address may hold an invalid date or an option that no longer exists: nothing is chosen then.
      if (field.type === "date" && !/^\d{4}-\d\d-\d\d$/.test(this.chosen[name])) this.chosen[name] = "";
      field.value = this.chosen[name];
      if (field.value !== this.chosen[name]) {
        field.value = "";
        this.chosen[name] = "";
      }
    }
    if (!this.kinds.some((button) => button.dataset.kind === this.chosen.kind)) this.chosen.kind = "";
    for (const button of this.kinds) button.setAttribute("aria-pressed", String(this.chosen.kind === button.dataset.kind));
    if (this.isOpen) this.form.closest("details").open = true;
  }

  fill(points) {
    const options = (name, some) => {
      const select = this.form.elements[name];
      for (const [value, text] of some) select.append(new Option(text, value));
      select.closest("label").hidden = some.length < 2;
    };
    options("source", points.sources.map((s) => [s, s]));
    options("collection", points.collections.map((c) => [c, c]));
    const hops = [...new Set(points.hop)].sort((a, b) => a - b);
    options("hop", hops.map((h) => [String(h), h === 0 ? "saved or read by you" : `${h} step${h > 1 ? "s" : ""} away`]));
    this.fillClusters(points);
    const days = points.day.filter((d) => d !== NO_DAY).sort();
    for (const name of ["from", "to"]) {
      const field = this.form.elements[name];
      field.closest("label").hidden = days.length === 0;
      if (!days.length) continue;
      field.min = new Date(days[0] * DAY_MS).toISOString().slice(0, 10);
      field.max = new Date(days[days.length - 1] * DAY_MS).toISOString().slice(0, 10);
    }
  }

  fillClusters(points) {
    const select = this.form.elements.cluster;
    const group = (label, some) => {
      if (!some.length) return;
      const made = document.createElement("optgroup");
      made.label = label;
      for (const [value, text] of some) made.append(new Option(text, value));
      select.append(made);
    };
    const pairs = [...points.matches].filter(([, places]) => places.length === 2);
    group("Matched, posts and pins", pairs.map(([match, [a, b]]) => [
      `match:${match}`, `${points.clusters[a].label} ↔ ${points.clusters[b].label}`,
    ]));
    for (const [kind, name] of [["text", "Posts"], ["image", "Pins"]])
      group(name, points.clusters.filter((c) => c.modality === kind).map((c) => [
        `${kind}:${c.cluster}`, `${c.label} (${c.size.toLocaleString("en")})`,
      ]));
    if (points.clusters.length) group("Neither", [["none", "In no cluster"]]);
    select.closest("label").hidden = !points.clusters.length;
  }
}
