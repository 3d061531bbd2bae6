// The map: spaces in their panes, selection and hover across them, the panel, the address.
// `source` supplies points, cards and pictures.

import { readAddress, writeAddress } from "./map-address.js";
import { Camera } from "./map-camera.js";
import { FilterForm, maskOf, placesOf } from "./map-filters.js";
import { Layout } from "./map-layout.js";
import { paletteOf } from "./map-paint.js";
import { Pane } from "./map-pane.js";
import { clusterCard, clusterRows, counted, element, itemCard, itemRows, name, titleOf } from "./map-panel.js";
import { decode, NONE } from "./map-points.js";
import { MOST, Thumbs } from "./map-thumbs.js";

const SPACES = ["raw", "annotation", "adapted"];
const BESIDE = "all";
const MOST_CLUSTERS = 10;
const MOST_ITEMS = 12;
const NEAR = 6;
const METHODS = { umap: "UMAP", svd: "first two axes of an SVD" };
const TITLES = {
  raw: ["Raw", "the items themselves"],
  annotation: ["Annotation", "their annotations"],
  adapted: ["Adapted", "their annotations, adapted"],
};

const still = matchMedia("(prefers-reduced-motion: reduce)");
const find = (selector) => document.querySelector(selector);

// Keeps the cards that have been loaded.
class Cards {
  constructor(load) {
    this.load = load;
    this.kept = new Map();
  }

  async of(ids) {
    const missing = ids.filter((id) => !this.kept.has(id));
    if (missing.length) for (const card of await this.load(missing)) this.kept.set(card.id, card);
    return ids.map((id) => this.kept.get(id) ?? null);
  }
}

class Atlas {
  constructor(points, source) {
    const address = readAddress();
    this.points = points;
    this.source = source;
    this.cards = new Cards(source.cards);
    this.layouts = new Map();
    this.cameras = new Map();
    this.looks = address.looks;
    this.turn = 0;
    this.usual = [...SPACES].reverse().find((space) => points.views.has(space));
    this.space = [...SPACES, BESIDE].includes(address.space) ? address.space : this.usual;
    this.about = placeOf(points, address.about);
    this.item = points.ids.indexOf(address.item);
    const thumbs = new Thumbs((i) => source.thumb(points, i), () => this.redraw());
    this.scene = { points, palette: null, thumbs, selected: this.item, pointed: -1, bright: null };
    this.wanted = new Map();
    this.panes = [...document.querySelectorAll(".pane")].map((section) => this.makePane(section));
    this.form = new FilterForm(find("#filters"), points, address.chosen, () => this.filter());
    this.listen();
    this.paint();
    this.filter();
    this.arrange(false);
    if (this.item >= 0 || this.about >= 0) {
      this.showAbout(false);
      if (this.item >= 0 && !this.looks.size) this.goToItem(false);
    }
    if (address.item && this.item < 0) this.say("The item in this address is not on the map.");
  }

  makePane(section) {
    const pane = new Pane(section.querySelector("canvas"), this.scene, {
      moved: (p) => this.moved(p),
      hovered: (p, hit, x, y) => this.hover(p, hit, x, y),
      picked: (p, hit, byKey) => this.pick(hit, byKey),
      drawn: (p) => this.drawn(p),
    });
    pane.section = section;
    for (const button of section.querySelectorAll("[data-zoom]"))
      button.addEventListener("click", () => {
        if (!pane.layout) return;
        if (button.dataset.zoom === "0") pane.home(!still.matches);
        else pane.zoomBy(Number(button.dataset.zoom));
      });
    pane.canvas.addEventListener("pointerdown", () => (this.active = pane));
    pane.canvas.addEventListener("focus", () => (this.active = pane));
    return pane;
  }

  listen() {
    for (const button of document.querySelectorAll("[data-space]"))
      button.addEventListener("click", () => {
        this.space = button.dataset.space;
        this.arrange(!still.matches);
      });
    find("#close").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !find("#about").hidden) this.close();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  // Read the page's colours and draw in them.
  paint() {
    this.scene.palette = paletteOf(find("#atlas"));
    this.redraw();
  }

  redraw() {
    for (const pane of this.panes) if (!pane.section.hidden) pane.redraw();
  }

  // One space in one pane, or all side by side.
  arrange(animate) {
    const beside = this.space === BESIDE;
    find("#panes").classList.toggle("beside", beside);
    for (const button of document.querySelectorAll("[data-space]"))
      button.setAttribute("aria-pressed", String(button.dataset.space === this.space));
    this.panes.forEach((pane, at) => {
      pane.section.hidden = !beside && at > 0;
      if (!pane.section.hidden) this.putSpace(pane, beside ? SPACES[at] : this.space, animate && !beside);
    });
    this.active = this.panes.find((pane) => !pane.section.hidden && pane.layout);
    this.changed();
  }

  putSpace(pane, space, animate) {
    const [title, meaning] = TITLES[space];
    const layout = this.layoutOf(space);
    const { section } = pane;
    section.querySelector("h2").textContent = title;
    section.querySelector(".meaning").textContent = layout ? `${meaning}; ${METHODS[layout.method] ?? layout.method}` : meaning;
    section.querySelector(".why").textContent = this.points.whyNot[space] ?? "";
    section.querySelector(".why").hidden = Boolean(layout);
    for (const part of section.querySelectorAll("canvas, .zoom")) part.hidden = !layout;
    pane.canvas.setAttribute("aria-label", `Map of the ${space} space`);
    if (layout) pane.put(layout, this.cameras.get(space), animate);
    else pane.layout = null;
  }

  // Laid out when it is first shown; null where the space is missing.
  layoutOf(space) {
    if (!this.points.views.has(space)) return null;
    if (!this.layouts.has(space)) {
      const layout = new Layout(this.points, space);
      layout.show(this.mask);
      this.layouts.set(space, layout);
      const camera = new Camera(layout.box);
      const look = this.looks.get(space);
      if (look) camera.lookAt(look.x, look.y, look.zoom);
      this.cameras.set(space, camera);
    }
    return this.layouts.get(space);
  }

  filter() {
    const mask = (this.mask = maskOf(this.points, this.form.chosen));
    for (const layout of this.layouts.values()) layout.show(mask);
    const number = mask.reduce((sum, one) => sum + one, 0);
    const all = number === this.points.n;
    find("#number").textContent = all ? "" : `${number.toLocaleString("en")} of ${counted(this.points.n, "item")} shown`;
    find("#clear").hidden = all;
    this.light(this.about);
    this.redraw();
    this.changed();
  }

  moved(pane) {
    this.active = pane;
    this.changed();
  }

  // The address and the list follow once nothing has moved for a moment: browsers accept a hundred addresses in
  // half a minute, and a list that keeps changing cannot be read.
  changed() {
    find("aside").ariaBusy = "true";
    // A list that is still loading is outdated.
    this.turn += 1;
    clearTimeout(this.following);
    this.following = setTimeout(() => {
      if (this.panes.some((pane) => pane.journey)) this.changed();
      else {
        writeAddress(this.state());
        this.list();
      }
    }, 200);
  }

  state() {
    for (const [space, { x, y, zoom, isHome }] of this.cameras) {
      if (isHome) this.looks.delete(space);
      else this.looks.set(space, { x, y, zoom });
    }
    const about = this.points.clusters[this.about];
    return {
      space: this.space === this.usual ? "" : this.space,
      chosen: this.form.chosen,
      item: this.points.ids[this.item] ?? "",
      about: about ? `${about.modality}:${about.cluster}` : "",
      looks: this.looks,
    };
  }

  // All panes together request at most as many thumbnails as are kept.
  drawn(pane) {
    this.wanted.set(pane, pane.drawn.wanted);
    const open = this.panes.filter((p) => !p.section.hidden && p.layout);
    const share = Math.floor(MOST / open.length);
    this.scene.thumbs.want([...new Set(open.flatMap((p) => (this.wanted.get(p) ?? []).slice(0, share)))]);
    if (!this.first) {
      this.first = true;
      performance.mark("map-drawn");
      find("#atlas").dataset.ready = "true";
    }
  }

  hover(pane, hit, x, y) {
    const item = hit?.item ?? -1;
    const lit = hit?.place ?? this.about;
    this.light(lit);
    if (item !== this.scene.pointed) {
      this.scene.pointed = item;
      this.redraw();
    }
    this.tip(pane, hit, x, y);
  }

  // Highlight a cluster and its match, else what the filter leaves; dim all others.
  light(place) {
    const match = this.points.clusters[place]?.match;
    const left = placesOf(this.points, this.form.chosen.cluster);
    const bright = place >= 0 ? new Set(match === null ? [place] : this.points.matches.get(match)) : left.length ? new Set(left) : null;
    const same = bright === this.scene.bright || (bright && this.scene.bright && [...bright].join() === [...this.scene.bright].join());
    if (same) return;
    this.scene.bright = bright;
    this.redraw();
  }

  async tip(pane, hit, x, y) {
    const tip = find("#tip");
    const key = hit && (hit.item ?? `cluster ${hit.place}`);
    if (key === null) {
      this.tipped = null;
      tip.hidden = true;
      return;
    }
    const place = () => {
      const canvas = pane.canvas.getBoundingClientRect();
      const [left, top] = [canvas.left + x + 14, canvas.top + y + 16];
      tip.style.left = `${Math.max(4, Math.min(left, innerWidth - tip.offsetWidth - 8))}px`;
      tip.style.top = `${Math.max(4, Math.min(top, innerHeight - tip.offsetHeight - 8))}px`;
    };
    if (key !== this.tipped) {
      this.tipped = key;
      if (hit.item === undefined) {
        const cluster = this.points.clusters[hit.place];
        tip.replaceChildren(name(cluster.label), element("span", { class: "quiet" }, ` ${counted(cluster.size, cluster.modality === "image" ? "pin" : "post")}`));
      } else {
        // Passing over points loads no cards.
        await new Promise((done) => setTimeout(done, 60));
        if (this.tipped !== key) return;
        const [card] = await this.cards.of([this.points.ids[hit.item]]).catch(() => [null]);
        if (this.tipped !== key) return;
        const picture = this.source.picture(this.points, hit.item, 64);
        tip.replaceChildren(...(picture ? [element("img", { src: picture, alt: "" })] : []), name(titleOf(this.points, hit.item, card)));
      }
      tip.hidden = false;
    }
    place();
  }

  pick(hit, byKey) {
    if (!hit) {
      if (!byKey) this.close();
      return;
    }
    this.item = hit.item ?? -1;
    this.about = hit.place ?? -1;
    this.showAbout(byKey);
    this.changed();
  }

  close() {
    const inside = find("#about").contains(document.activeElement);
    this.item = this.about = -1;
    find("#about").hidden = true;
    this.scene.selected = -1;
    this.light(-1);
    this.redraw();
    this.changed();
    if (inside) (this.cameFrom?.isConnected ? this.cameFrom : this.active?.canvas)?.focus();
  }

  // The card of the selected item or cluster; keyboard users are moved to it.
  async showAbout(byKey) {
    const { item, about, points } = this;
    if (byKey && !find("#about").contains(document.activeElement)) this.cameFrom = document.activeElement;
    this.scene.selected = item;
    this.light(about);
    this.redraw();
    const acts = {
      about: (place) => this.pick({ place }, true),
      only: (choice) => this.form.choose("cluster", choice),
      goTo: (place) => this.goToCluster(place),
    };
    let parts;
    if (item >= 0) {
      const [card] = await this.cards.of([points.ids[item]]).catch(() => [null]);
      if (this.item !== item) return;
      if (!card && this.source.named) this.say("This item no longer exists. Reload the page.");
      parts = itemCard(points, item, card, this.source, acts);
    } else parts = clusterCard(points, about, this.source, acts);
    find("#card").replaceChildren(...parts.filter((part) => part !== null));
    const panel = find("#about");
    panel.hidden = false;
    find("aside").scrollTop = 0;
    if (!byKey) return;
    panel.focus({ preventScroll: true });
    // On small screens the panel is below the map, and the list below the card.
    panel.scrollIntoView({ block: "start" });
  }

  goToItem(animate) {
    for (const pane of this.panes) {
      if (!pane.layout || pane.section.hidden || !pane.layout.shown[this.item]) continue;
      pane.lookAt(pane.layout.x[this.item], pane.layout.y[this.item], Math.max(NEAR, pane.camera.zoom), animate);
    }
  }

  goToCluster(place) {
    for (const pane of this.panes) {
      const middle = pane.layout && !pane.section.hidden && pane.layout.middles[place];
      if (middle) pane.lookAt(middle.x, middle.y, Math.max(NEAR, pane.camera.zoom), !still.matches);
    }
  }

  // The contents of the pane used last: its clusters, and the items nearest its centre.
  async list() {
    const pane = this.active;
    if (!pane?.layout) {
      this.say(this.points.whyNot[this.space] ?? "");
      find("aside").ariaBusy = "false";
      return;
    }
    const { layout, camera } = pane;
    const { items, clusters, number } = inView(this.points, layout, camera);
    const { turn } = this;
    const cards = await this.cards.of(items.map((i) => this.points.ids[i])).catch(() => items.map(() => null));
    if (turn !== this.turn) return;
    const acts = { about: (place) => this.pick({ place }, true), pick: (item) => this.pick({ item }, true) };
    // Keyboard focus stays in the list when it is replaced, and returns to it when the card is closed.
    const lists = [find("#clusters"), find("#items")];
    const indexIn = (list, button) => [...list.querySelectorAll("button")].indexOf(button);
    const focused = lists.map((list) => indexIn(list, document.activeElement));
    const cameFrom = lists.map((list) => indexIn(list, this.cameFrom));
    lists[0].replaceChildren(...clusterRows(this.points, clusters, acts));
    lists[1].replaceChildren(...itemRows(this.points, items, cards, acts));
    lists.forEach((list, at) => {
      const buttons = list.querySelectorAll("button");
      if (focused[at] >= 0) buttons[Math.min(focused[at], buttons.length - 1)]?.focus();
      if (cameFrom[at] >= 0) this.cameFrom = buttons[Math.min(cameFrom[at], buttons.length - 1)];
    });
    for (const list of lists) list.previousElementSibling.hidden = !list.children.length;
    this.say(number ? `${counted(number, "item")} in view.` : "Nothing is in view. “All” zooms out, “Clear” removes the filters.");
    find("aside").ariaBusy = "false";
  }

  say(words) {
    const status = find("#status");
    if (status.textContent !== words) status.textContent = words;
  }
}

function placeOf(points, about) {
  const [modality, number] = about.split(":");
  return points.clusters.findIndex((c) => c.modality === modality && c.cluster === Number(number));
}

function inView(points, layout, camera) {
  const seen = camera.seen();
  const counts = new Map();
  const found = [];
  layout.grid.within(seen, (i) => {
    const [x, y] = [layout.x[i], layout.y[i]];
    if (!layout.shown[i] || x < seen.left || x > seen.right || y < seen.bottom || y > seen.top) return;
    found.push([(x - camera.x) ** 2 + (y - camera.y) ** 2, i]);
    const cluster = points.cluster[i];
    if (cluster !== NONE) counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  });
  found.sort((a, b) => a[0] - b[0]);
  const clusters = [...counts].map(([place, count]) => ({ place, count })).sort((a, b) => b.count - a.count || a.place - b.place);
  return {
    number: found.length,
    items: found.slice(0, MOST_ITEMS).map(([, i]) => i),
    clusters: clusters.slice(0, MOST_CLUSTERS),
  };
}

// Open the map on this page.
export async function openMap(source) {
  try {
    new Atlas(decode(await source.points()), source);
  } catch (error) {
    find("#status").textContent = "The map could not be drawn. Reload the page; if that does not help, see the app's terminal.";
    throw error;
  }
}
