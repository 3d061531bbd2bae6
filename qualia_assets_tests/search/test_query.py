"""Questions as vectors: where they are sent, what they cost, and that nothing of them is kept."""

import io
import threading
import time
from collections.abc import Iterator
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
from qualia_assets.search.query import QuestionError, Questions, checked_words
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
    """Rows of every table but the ledger."""
    with state.engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name != "ledger"
        }


def test_a_picture_lies_where_a_pin_without_a_caption_would(tmp_path: Path) -> None:
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

    seen = Questions(settings).picture(picture())

    assert expected is not None
    assert np.array_equal(seen.vector, expected)
    assert seen.annotation.mood is not None
    with Image.open(io.BytesIO(seen.small)) as small:
        assert small.format == "WEBP"


def test_what_runs_here_opens_no_database_and_keeps_nothing(tmp_path: Path) -> None:
    settings = load_settings(state=str(tmp_path / "never.sqlite"))
    questions = Questions(settings)

    questions.words(SEA)
    questions.picture(picture())

    assert not (tmp_path / "never.sqlite").exists()


def test_pictures_of_several_threads_come_out_as_they_do_one_by_one() -> None:
    questions = Questions(load_settings())
    colours = [(40 * n, 255 - 40 * n, 90) for n in range(6)]
    alone = [questions.picture(picture(colour)).vector for colour in colours]
    together = [np.empty(0)] * len(colours)

    def ask(place: int) -> None:
        together[place] = questions.picture(picture(colours[place])).vector

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(colours))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


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


def test_services_are_asked_at_once_and_paid_and_nothing_else_is_written_down(
    services: Services, state: State
) -> None:
    claude, voyage = services
    questions = Questions(load_settings(), state)
    before = kept(state)

    words = questions.words(SEA)
    seen = questions.picture(picture())

    assert words.shape == seen.vector.shape == (1024,)
    # One message and no batch, though the settings want batches.
    assert len(claude.messages()) == 1
    assert not claude.batches
    assert voyage.inputs[0] == SEA
    assert voyage.inputs[1].startswith(seen.annotation.summary or "-")
    assert {(row.stage, row.provider) for row in ledger.spent(state)} == {
        ("embedding", "voyage/voyage-multimodal-3"),
        ("annotations", f"anthropic/{anthropic_server.MODEL}"),
    }
    assert kept(state) == before


def test_a_service_that_cannot_be_reached_is_given_up_soon_and_said_in_a_line(
    services: Services,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qualia_assets.search.query.LONGEST_WAIT", 0.2)
    monkeypatch.setenv("QUALIA_VOYAGE__URL", "http://127.0.0.1:9/v1")
    began = time.monotonic()
    with pytest.raises(QuestionError, match=r"voyage/voyage-multimodal-3") as error:
        Questions(load_settings(), state).words(SEA)
    assert time.monotonic() - began < 4
    assert "\n" not in str(error.value)
    assert SEA not in str(error.value)


def test_items_of_another_embedder_are_not_compared() -> None:
    questions = Questions(load_settings())
    questions.of_embedder("sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(QuestionError, match="embedded by voyage/x, and the settings name"):
        questions.of_embedder("voyage/x")


def test_words_are_taken_on_one_line() -> None:
    assert checked_words(" a slow\n\tmorning  ") == "a slow morning"
    # Joined by a character without a width, as families are.
    assert checked_words("👩‍👧 naïve 海") == "👩‍👧 naïve 海"
    for words in ("", " \n", "\u0085", "a\0b", "a\x1b[0m", "\x7f", "a\x9b", "\ud800"):
        with pytest.raises(QuestionError):
            checked_words(words)
    with pytest.raises(QuestionError, match="at most 1,000 characters, and this one has 1,001"):
        checked_words("x" * 1_001)
