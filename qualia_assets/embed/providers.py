"""Which embedder the settings name."""

from qualia_assets.embed.base import Embedder
from qualia_assets.embed.local import LocalEmbedder, SentenceTransformerText
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.embed.openai_compatible import OpenAICompatibleEmbedder
from qualia_assets.embed.voyage import VoyageEmbedder
from qualia_assets.providers import catalogue
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State


def make_embedder(settings: Settings, state: State, budget: Budget | None = None) -> Embedder:
    """The embedder that the settings name. Nothing heavy is loaded before it is asked for something.

    Args:
        settings: name the embedder, and hold the keys.
        state: where answers are kept.
        budget: pays for what is asked over the network; one of its own where none is given.

    Raises:
        SettingsError: there is no such provider, or no such model of it; the message names those there are.
    """
    if settings.embedder == "local":
        return LocalEmbedder(MiniLMText(settings.models, settings.cores), settings, state)
    provider, _, model = settings.embedder.partition("/")
    if provider == "sentence-transformers" and model:
        return LocalEmbedder(SentenceTransformerText(model, settings.cores), settings, state)
    budget = budget or Budget(state, "embedding", settings.max_usd)
    wait = settings.crawling.longest_wait
    if provider == "voyage" and model:
        known = catalogue.model("voyage", model)
        return VoyageEmbedder(known, settings.voyage, wait, budget.account(known))
    if provider == "openai" and model:
        account = budget.account(catalogue.self_hosted("openai", model, "embedder"))
        return OpenAICompatibleEmbedder(model, settings.openai, wait, account, state)
    raise SettingsError(
        f'There is no embedder {settings.embedder!r}. Set `embedder` in qualia.toml to "local", '
        '"sentence-transformers/NAME_OR_PATH", "voyage/MODEL", or "openai/MODEL" for a server of your own.'
    )
