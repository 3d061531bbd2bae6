"""Which embedder the settings name."""

from qualia_assets.embed.base import Embedder
from qualia_assets.embed.local import LocalEmbedder, SentenceTransformerText
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State


def make_embedder(settings: Settings, state: State) -> Embedder:
    """The embedder that the settings name. Nothing heavy is loaded before it is asked for something."""
    if settings.embedder == "local":
        return LocalEmbedder(SentenceTransformerText.bundled(settings.cores), settings, state)
    provider, _, model = settings.embedder.partition("/")
    if provider == "sentence-transformers" and model:
        return LocalEmbedder(SentenceTransformerText(model, settings.cores), settings, state)
    raise SettingsError(
        f'There is no embedder {settings.embedder!r}. Set `embedder` in qualia.toml to "local" '
        'or to "sentence-transformers/NAME_OR_PATH".'
    )
