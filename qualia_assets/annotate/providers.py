"""Makes the annotator that the settings name."""

from qualia_assets.annotate.anthropic import ClaudeAnnotator
from qualia_assets.annotate.base import Annotator
from qualia_assets.annotate.local import LocalAnnotator
from qualia_assets.providers import catalogue
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State


def make_annotator(settings: Settings, state: State, budget: Budget | None = None) -> Annotator:
    """Return the annotator that the settings name. Heavy libraries and models are loaded on first use.

    Args:
        settings: name the annotator, and hold the keys.
        state: where answers are stored.
        budget: pays for requests over the network; a new one by default.

    Raises:
        SettingsError: no such provider, or no such model of it; the message lists the known ones.
    """
    if settings.annotator == "local":
        return LocalAnnotator(settings, state)
    provider, _, name = settings.annotator.partition("/")
    if provider == "anthropic" and name:
        model = catalogue.model("anthropic", name)
        account = (budget or Budget(state, "annotations", settings.max_usd)).account(model)
        return ClaudeAnnotator(model, settings.anthropic, settings.crawling.longest_wait, account, state)
    raise SettingsError(
        f'There is no annotator {settings.annotator!r}. Set `annotator` in qualia.toml to "local" '
        'or to "anthropic/MODEL".'
    )
