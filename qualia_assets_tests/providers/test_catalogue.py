"""What models cost by list prices, and the limits of a request."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.providers.catalogue import (
    counted_pixels,
    estimated_tokens,
    image_tokens,
    model,
    models,
    self_hosted,
    usd,
)
from qualia_assets.settings import SettingsError
from qualia_assets.state.usage import Usage

HAIKU, VOYAGE = model("anthropic", "claude-haiku-4-5"), model("voyage", "voyage-multimodal-3")
OWN = self_hosted("openai", "nomic", "embedder")
amounts = st.integers(0, 10**9)
usages = st.builds(Usage, amounts, amounts, amounts, amounts, amounts)


def test_list_prices_are_per_million_tokens_and_billion_pixels() -> None:
    assert usd(HAIKU, Usage(input_tokens=1_000_000)) == pytest.approx(1.0)
    assert usd(HAIKU, Usage(output_tokens=1_000_000)) == pytest.approx(5.0)
    assert usd(VOYAGE, Usage(input_tokens=1_000_000)) == pytest.approx(0.12)
    assert usd(VOYAGE, Usage(pixels=10**9)) == pytest.approx(0.60)


@given(usages, usages)
def test_prices_add_up_and_a_batch_costs_its_share_of_them(a: Usage, b: Usage) -> None:
    for each in models().values():
        assert usd(each, a) + usd(each, b) == pytest.approx(usd(each, a + b))
        assert usd(each, a, batch=True) == pytest.approx(each.batch_share * usd(each, a))
    assert usd(OWN, a) == 0


@pytest.mark.parametrize(
    ("provider", "name", "message"),
    [
        ("anthropic", "claude-7", r"'claude-7'.*`annotator`.*anthropic/claude-haiku-4-5"),
        ("voyage", "voyage-9", r"'voyage-9'.*`embedder`.*voyage/voyage-multimodal-3\.5"),
        ("magic", "wand", r"no provider 'magic'.*anthropic, voyage"),
    ],
)
def test_an_unknown_model_is_an_error_that_lists_the_known(provider: str, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        model(provider, name)


@given(st.text(), st.text())
def test_tokens_are_estimated_by_bytes_and_never_fewer_for_more(a: str, b: str) -> None:
    both = estimated_tokens(a + b)
    assert max(estimated_tokens(a), estimated_tokens(b)) <= both <= estimated_tokens(a) + estimated_tokens(b)
    assert both == math.ceil(len((a + b).encode(errors="replace")) / 3)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_voyage_counts_a_picture_between_its_bounds(width: int, height: int) -> None:
    pixels = counted_pixels(VOYAGE, width, height)
    assert 50_000 <= pixels <= 2_000_000
    assert pixels == width * height or not 50_000 < width * height < 2_000_000
    assert image_tokens(VOYAGE, width, height) == math.ceil(pixels / 560)


def test_a_picture_costs_tokens_only_where_the_model_counts_them() -> None:
    assert (image_tokens(OWN, 1000, 1000), image_tokens(HAIKU, 1500, 1000)) == (0, 2000)
