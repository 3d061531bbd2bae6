"""What models cost by their list prices, and what one request may hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.providers.base import Usage
from qualia_assets.providers.catalogue import (
    counted_pixels,
    estimated_tokens,
    image_tokens,
    model,
    models,
    own,
    usd,
)
from qualia_assets.settings import SettingsError

amounts = st.integers(0, 10**9)
usages = st.builds(Usage, amounts, amounts, amounts, amounts, amounts)


def test_a_million_tokens_and_a_billion_pixels_cost_what_the_list_says() -> None:
    haiku, voyage = model("anthropic", "claude-haiku-4-5"), model("voyage", "voyage-multimodal-3")

    assert usd(haiku, Usage(input_tokens=1_000_000)) == pytest.approx(1.0)
    assert usd(haiku, Usage(output_tokens=1_000_000)) == pytest.approx(5.0)
    assert usd(voyage, Usage(input_tokens=1_000_000)) == pytest.approx(0.12)
    assert usd(voyage, Usage(pixels=10**9)) == pytest.approx(0.60)


@given(usages, usages)
def test_what_is_asked_in_two_parts_costs_as_much_as_in_one_and_in_a_batch_the_share_of_it(
    a: Usage, b: Usage
) -> None:
    for each in models().values():
        assert usd(each, a) + usd(each, b) == pytest.approx(usd(each, a + b))
        assert usd(each, a, batch=True) == pytest.approx(each.batch_share * usd(each, a))


def test_claude_costs_half_in_a_batch() -> None:
    assert {m.batch_share for m in models().values() if m.provider == "anthropic"} == {0.5}


def test_each_model_has_the_limits_of_its_kind() -> None:
    for each in models().values():
        assert each.input_usd > 0
        assert each.context_tokens > 0
        assert each.bytes_per_request > 0
        if each.kind == "embedder":
            assert (each.dimensions, each.inputs_per_request) == (1024, 1000)
            assert each.tokens_per_request >= each.context_tokens
        else:
            assert each.output_usd > each.input_usd
            assert each.inputs_per_batch == 100_000


def test_a_model_that_is_not_known_is_answered_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"'claude-7'.*`annotator`.*anthropic/claude-haiku-4-5"):
        model("anthropic", "claude-7")
    with pytest.raises(SettingsError, match=r"'voyage-9'.*`embedder`.*voyage/voyage-multimodal-3\.5"):
        model("voyage", "voyage-9")
    with pytest.raises(SettingsError, match=r"no provider 'magic'.*anthropic, voyage"):
        model("magic", "wand")


@given(usages)
def test_a_server_of_ones_own_costs_nothing(usage: Usage) -> None:
    assert usd(own("openai", "nomic", "embedder"), usage) == 0


@given(st.text(), st.text())
def test_tokens_are_estimated_by_bytes_and_never_as_fewer_for_more(a: str, b: str) -> None:
    whole = estimated_tokens(a + b)

    assert max(estimated_tokens(a), estimated_tokens(b)) <= whole
    assert whole <= estimated_tokens(a) + estimated_tokens(b)
    assert whole == math.ceil(len((a + b).encode(errors="replace")) / 3)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_picture_of_voyage_is_counted_between_its_bounds(width: int, height: int) -> None:
    voyage = model("voyage", "voyage-multimodal-3")
    pixels = counted_pixels(voyage, width, height)

    assert 50_000 <= pixels <= 2_000_000
    assert pixels == width * height or not 50_000 < width * height < 2_000_000
    assert image_tokens(voyage, width, height) == math.ceil(pixels / 560)


def test_a_picture_costs_no_tokens_where_the_model_counts_none() -> None:
    assert image_tokens(own("openai", "nomic", "embedder"), 1000, 1000) == 0
    assert image_tokens(model("anthropic", "claude-haiku-4-5"), 1500, 1000) == 2000
