"""Queries as vectors: where they are sent, what they cost, and that they are not kept."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from qualia_assets.annotate.base import Subject
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.providers import pace
from qualia_assets.search.query import QueryEncoder, QueryError, checked_words
from qualia_assets.settings import load_settings
from qualia_assets.state import ledger
from qualia_assets.state.database import State
from qualia_assets.state.tables import metadata
from qualia_assets_tests.emulators import anthropic as anthropic_server
from qualia_assets_tests.emulators import voyage as voyage_server

SEA = "alone by the cold grey sea"
Services = tuple[anthropic_server.World, voyage_server.EmbeddingServer]


def picture(colour: tuple[int, int, int] = (40, 90, 130)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(buffer, "PNG")
    return buffer.getvalue()


def kept(state: State) -> dict[str, int]:
    """The number of rows of every table but the ledger."""
    with state.engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name != "ledger"
        }


def test_a_picture_is_encoded_like_a_pin_without_a_caption(tmp_path: Path) -> None:
    settings = load_settings()
    file = tmp_path / "picture"
    file.write_bytes(picture())
    state = State(f"sqlite:///{tmp_path / 'other.sqlite'}")
    annotator = make_annotator(settings, state)
    pin = Subject("0" * 64, "image", None, None, (), image_sha256="0" * 64, image=file)
    text = annotator.annotate([pin])[0].as_text(annotator.embedded_fields)
    assert text is not None
    expected = make_embedder(settings, state).embed([Content(text_sha256(text), text)])[0]
    state.close()

    encoded = QueryEncoder(settings).encode_picture(picture())

    assert expected is not None
    assert np.array_equal(encoded.vector, expected)
    assert encoded.annotation.summary == text
    with Image.open(io.BytesIO(encoded.thumbnail)) as small:
        assert small.format == "WEBP"


def test_local_providers_open_no_database(tmp_path: Path) -> None:
    settings = load_settings(state=str(tmp_path / "never.sqlite"))
    encoder = QueryEncoder(settings)

    encoder.encode_words(SEA)
    encoder.encode_picture(picture())

    assert not (tmp_path / "never.sqlite").exists()


def test_pictures_encoded_by_several_threads_come_out_the_same() -> None:
    encoder = QueryEncoder(load_settings())
    pictures = [picture((40 * n, 255 - 40 * n, 90)) for n in range(6)]
    alone = [encoder.encode_picture(data).vector for data in pictures]
    with ThreadPoolExecutor(6) as threads:
        together = [made.vector for made in threads.map(encoder.encode_picture, pictures)]
    assert np.array_equal(alone, together)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    with anthropic_server.serving() as claudes, voyage_server.EmbeddingServer() as voyage:
        claude = claudes.begin()
        monkeypatch.setattr(pace, "_FIRST_WAIT", 0.01)
        for name, value in {
            "ANNOTATOR": f"anthropic/{anthropic_server.MODEL}",
            "EMBEDDER": "voyage/voyage-multimodal-3",
            "ANTHROPIC__API_KEY": anthropic_server.KEY,
            "ANTHROPIC__URL": claude.url,
            "ANTHROPIC__WAY": "batches",
            "VOYAGE__API_KEY": voyage_server.KEY,
            "VOYAGE__URL": voyage.url,
        }.items():
            monkeypatch.setenv(f"QUALIA_{name}", value)
        yield claude, voyage


def test_remote_providers_are_called_at_once_and_only_their_costs_are_recorded(
    services: Services, state: State
) -> None:
    claude, voyage = services
    encoder = QueryEncoder(load_settings(), state)
    before = kept(state)

    words = encoder.encode_words(SEA)
    encoded = encoder.encode_picture(picture())

    assert words.shape == encoded.vector.shape == (1024,)
    # One message and no batch, although the settings ask for batches.
    assert len(claude.messages()) == 1
    assert not claude.batches
    assert voyage.inputs[0] == SEA
    assert voyage.inputs[1].startswith(encoded.annotation.summary or "-")
    assert {(row.stage, row.provider) for row in ledger.spent(state)} == {
        ("embedding", "voyage/voyage-multimodal-3"),
        ("annotations", f"anthropic/{anthropic_server.MODEL}"),
    }
    assert kept(state) == before


def test_an_unreachable_provider_is_given_up_soon_and_reported_in_one_line(
    services: Services,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qualia_assets.search.query.MAX_WAIT", 0.2)
    monkeypatch.setenv("QUALIA_VOYAGE__URL", "http://127.0.0.1:9/v1")
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"voyage/voyage-multimodal-3") as error:
        QueryEncoder(load_settings(), state).encode_words(SEA)
    assert time.monotonic() - began < 4
    assert "\n" not in str(error.value)
    assert SEA not in str(error.value)


def test_queries_are_not_compared_with_items_of_another_embedder() -> None:
    encoder = QueryEncoder(load_settings())
    encoder.check_embedder("sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(QueryError, match="embedded by voyage/x, and the settings name"):
        encoder.check_embedder("voyage/x")


def test_words_are_put_on_one_line_or_refused() -> None:
    assert checked_words(" a slow\n\tmorning  ") == "a slow morning"
    # Joined by a character without a width, as families are.
    assert checked_words("👩‍👧 naïve 海") == "👩‍👧 naïve 海"
    for words in ("", " \n", "\u0085", "a\0b", "a\x1b[0m", "\x7f", "a\x9b", "\ud800"):
        with pytest.raises(QueryError):
            checked_words(words)
    with pytest.raises(QueryError, match="at most 1,000 characters, and this one has 1,001"):
        checked_words("x" * 1_001)
