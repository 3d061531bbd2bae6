"""Making the embedder that the settings name."""

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
    """Make the embedder that the settings name; it loads its model on first use.

    Args:
        settings: with the embedder's name and the keys.
        state: where answers are kept.
        budget: pays for requests over the network; a separate one by default.

    Raises:
        SettingsError: the provider or model is unknown; the message lists the known ones.
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
