"""The map of 20,000 items: bytes sent for the page, the time to its first picture, and how it moves.

Items with themes planted in them (``planted``) are written into a lake through the tables' specs, with
places in all three spaces, clusters, names and matches. The app runs in a process of its own, and headless
Chromium opens the page, with an empty cache, in a window of 1280 x 800. What it is sent is counted by
Chromium, headers and all; the first picture is when all points were first drawn, from the start of the
navigation (``performance.mark`` in ``map-atlas.js``). Chromium draws in software here, without a GPU.
"""

import resource
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.planted import MODALITIES, planted
from benchmarks.report import Line, Report
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import (
    ARTEFACTS,
    CLUSTER_CARDS,
    CLUSTER_MATCHES,
    CLUSTERS,
    PROJECTIONS,
)
from qualia_assets.method.projection import svd_2d
from qualia_assets_tests.web.running import CHROMIUM, app_over

USER = "planted"
MOST_BYTES = 3_000_000
MOST_SECONDS = 2.0
MIB = 1 << 20
_VIEWS = {"raw": 1.0, "annotation": 0.4, "adapted": 0.0}
"""How far apart the modalities lie in each space."""
_NOTE_FRAMES = """() => {
  window.noting = true;
  const stamps = (window.stamps = []);
  const note = () => {
    stamps.push(performance.now());
    if (noting && window.stamps === stamps) requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""
_WORDS = [
    "salt",
    "rooms",
    "bread",
    "trains",
    "moss",
    "tide",
    "lamp",
    "paper",
    "glass",
    "snow",
    "wool",
    "stone",
    "river",
    "night",
    "garden",
    "choir",
]


def run(quick: bool) -> Report:
    from playwright.sync_api import sync_playwright

    items, themes, visits = (2_000, 12, 1) if quick else (20_000, 60, 5)
    with TemporaryDirectory() as folder, sync_playwright() as play:
        place = Path(folder)
        write(Lake(place / "lake"), items, themes)
        with app_over(place) as (url, process):
            asked = time.perf_counter()
            urllib.request.urlopen(f"{url}/u/{USER}/map/points").close()
            packed = time.perf_counter() - asked
            browser = play.chromium.launch(
                executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            seen = [visit(browser, url) for _ in range(visits)]
            browser.close()
            memory = _resident(process.pid)
    sent = max(v["bytes"] for v in seen)
    first = sorted(v["first"] / 1000 for v in seen)
    frames = median(v["frame"] for v in seen)
    beside = median(v["beside"] for v in seen)
    return Report(
        f"map: {items:,} items, {visits} visit{'s' if visits > 1 else ''} with an empty cache",
        [
            Line(
                "sent for the page, all together",
                ratio=f"{sent / 1e6:.2f} MB",
                claim=f"under {MOST_BYTES / 1e6:.0f} MB",
                holds=sent < MOST_BYTES,
            ),
            Line(
                "first picture, the slowest visit",
                ratio=f"{first[-1]:.2f} s",
                claim=f"under {MOST_SECONDS:.0f} s",
                holds=first[-1] < MOST_SECONDS,
            ),
            Line("  the median visit", ratio=f"{median(first):.2f} s"),
            Line("packing the points, once for each state of the lake", ratio=f"{packed:.2f} s"),
            Line("a frame while the map is dragged", ratio=f"{frames:.0f} ms"),
            Line("  all three spaces side by side, one of them dragged", ratio=f"{beside:.0f} ms"),
            Line("memory of the app's process", ratio=f"{memory / MIB:.0f} MiB"),
        ],
        [f"Said on the console: {'; '.join(s for v in seen for s in v['said']) or 'nothing'}."],
    )


def write(lake: Lake, items: int, themes: int) -> None:
    """A user of so many items, half of them posts, in so many themes."""
    made = planted(items // 2, themes, seed=0)
    ids = {m: [f"{USER}:{m}:{n:06d}" for n in range(items // 2)] for m in MODALITIES}
    every = [(i, m) for m in MODALITIES for i in ids[m]]
    of = {i: int(theme) for m in MODALITIES for i, theme in zip(ids[m], made.theme[m], strict=True)}
    began = datetime(2020, 1, 1, tzinfo=UTC)
    rows: list[dict[str, Any]] = [
        {
            "artefact_id": name,
            "modality": modality,
            "source": USER,
            "hop": n % 3,
            "title": f"{_WORDS[of[name] % len(_WORDS)]}, the {n}th of its kind",
            "text": "A text of some length about it. " * 8,
            "tags": [],
            "url": f"https://items.example/{n}",
            "collection": f"collection {n % 60}",
            "image_sha256": sha256(name.encode()).hexdigest() if modality == "image" else None,
            "created_at": began + timedelta(hours=n),
            "content_sha256": sha256(name.encode()).hexdigest(),
        }
        for n, (name, modality) in enumerate(every)
    ]
    lake.write(ARTEFACTS, USER, ARTEFACTS.table(rows))
    both = np.concatenate([made.vectors[m] for m in MODALITIES])
    flat = svd_2d(both - np.repeat([made.vectors[m].mean(axis=0) for m in MODALITIES], items // 2, axis=0))
    side = np.repeat([[0.0, 1.0], [0.0, -1.0]], items // 2, axis=0)
    parts = []
    for view, apart in _VIEWS.items():
        x, y = (flat + apart * side).T.astype(np.float32)
        columns = [[i for i, _ in every], [m for _, m in every], [view] * items, ["umap"] * items, x, y]
        parts.append(pa.Table.from_arrays([pa.array(c) for c in columns], schema=PROJECTIONS.schema()))
    lake.write(PROJECTIONS, USER, pa.concat_tables(parts))
    placed = [{"artefact_id": i, "modality": m, "cluster": of[i], "probability": 1.0} for i, m in every]
    lake.write(CLUSTERS, USER, CLUSTERS.table(placed))
    cards = [
        {
            "modality": m,
            "cluster": theme,
            "size": int((made.theme[m] == theme).sum()),
            "label": f"{_WORDS[theme % 16]} and {_WORDS[(theme // 16 + 5) % 16]}: {m}, {theme}",
            "keywords": _WORDS[:8],
            "exemplars": [],
        }
        for m in MODALITIES
        for theme in range(themes)
    ]
    lake.write(CLUSTER_CARDS, USER, CLUSTER_CARDS.table(cards))
    matches = [
        {
            "match": theme,
            "modality_a": "text",
            "cluster_a": theme,
            "modality_b": "image",
            "cluster_b": theme,
            "similarity": 0.7,
            "mutual_best": True,
            "accepted": theme % 5 != 0,
            "split": "train" if theme % 5 else None,
        }
        for theme in range(themes)
    ]
    lake.write(CLUSTER_MATCHES, USER, CLUSTER_MATCHES.table(matches))


def visit(browser: Any, url: str) -> dict[str, Any]:
    """Open the page, drag the map, and again with all spaces side by side."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"{url}/u/{USER}/map", wait_until="networkidle")
    first = page.evaluate("performance.getEntriesByName('map-drawn')[0].startTime")
    total = sum(sizes)
    frame = _dragged(page)
    page.click("[data-space=all]")
    beside = _dragged(page)
    context.close()
    return {"bytes": total, "first": first, "frame": frame, "beside": beside, "said": said}


def _dragged(page: Any) -> float:
    """Milliseconds from one frame to the next, the median, while the pointer drags the first canvas."""
    box = page.locator("canvas").first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.evaluate(_NOTE_FRAMES)
    for step in range(40):
        page.mouse.move(middle[0] + 2 * step, middle[1] + step)
    stamps = page.evaluate("() => { noting = false; return stamps; }")
    gaps = [later - sooner for sooner, later in pairwise(stamps)]
    page.mouse.up()
    return float(median(gaps)) if gaps else float("nan")


def _chromium() -> str:
    if CHROMIUM is None:
        raise RuntimeError("there is no Chromium (Debian: apt-get install chromium)")
    return CHROMIUM


def _resident(process: int) -> int:
    """Bytes of memory that a process holds now."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
