"""Which annotator the settings name."""

from qualia_assets.annotate.base import Annotator
from qualia_assets.annotate.local import LocalAnnotator
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State


def make_annotator(settings: Settings, state: State) -> Annotator:
    """The annotator that the settings name. Nothing heavy is loaded before it is asked for something."""
    if settings.annotator == "local":
        return LocalAnnotator(settings, state)
    raise SettingsError(
        f'There is no annotator {settings.annotator!r}. Set `annotator` in qualia.toml to "local".'
    )
