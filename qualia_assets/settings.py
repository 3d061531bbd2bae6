"""All settings, in one typed object.

Order of precedence: arguments, environment (``QUALIA_*``, nested with ``__``), ``qualia.toml``,
the defaults below. Belongs here: values and their bounds. What a value does is told where it is used.
"""

import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as NotJson

from qualia_assets.errors import QualiaError
from qualia_assets.paths import home, settings_file

Share = Annotated[float, Field(gt=0, lt=1)]


class SettingsError(QualiaError):
    """A setting that cannot be used; the message says which, where and how to mend it."""


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clustering(_Group):
    """UMAP and HDBSCAN, per modality."""

    neighbours: int = Field(15, ge=2, le=200)
    dimensions: int = Field(10, ge=2, le=100)
    epochs: int = Field(200, ge=10, le=2000)
    min_cluster_size: int = Field(0, ge=0)
    min_samples: int = Field(2, ge=1)
    largest_share: Share = 0.10


class Matching(_Group):
    """Hungarian matching of text and image clusters, and the split of the matches."""

    threshold: float = Field(0.25, ge=-1, le=1)
    train_share: Share = 0.60
    val_share: Share = 0.15

    @model_validator(mode="after")
    def _leaves_a_test_share(self) -> "Matching":
        if self.train_share + self.val_share >= 1:
            raise ValueError("train_share + val_share must leave something for test (be below 1)")
        return self


OwnRecipe = Literal[
    "centring",
    "lexicon",
    "memory",
    "lexicon+memory",
    "distilled",
    "distilled-mlp",
    "residual",
    "lexicon+residual",
    "spectral",
    "within",
    "ensemble",
    "smoothing",
    "lexicon+smoothing",
    "memory+smoothing",
]


class AdapterGrid(_Group):
    """The paper's configurations, what it leaves open about training them, and recipes of our own."""

    architectures: tuple[Literal["linear", "mlp"], ...] = ("linear", "mlp")
    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = (0.05, 0.1, 0.2)
    balance_weights: tuple[Annotated[float, Field(ge=0)], ...] = (0.0, 0.1, 0.3, 1.0, 3.0)
    balance_terms: tuple[Literal["ratio", "share"], ...] = ("ratio", "share")
    recipes: tuple[OwnRecipe, ...] = get_args(OwnRecipe)
    lexicon_words: int = Field(25_000, ge=100)
    seeds: tuple[int, ...] = (0,)
    hidden: int = Field(512, ge=1)
    epochs: int = Field(20, ge=1)
    batch_size: int = Field(256, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)


class Measuring(_Group):
    """How the figures are taken."""

    k: int = Field(10, ge=1)
    bootstrap_draws: int = Field(1000, ge=10)
    balanced_draws: int = Field(20, ge=1)
    stability_seeds: int = Field(3, ge=2, le=20)


class Experiment(_Group):
    """What ``qualia experiment`` tries."""

    splits: int = Field(8, ge=2, le=100)
    balanced_draws: int = Field(5, ge=1)
    least_collection: int = Field(5, ge=2)


class Crawling(_Group):
    """How services are asked, whichever they are."""

    contact: str = ""
    gap: float = Field(2.0, ge=0)
    longest_wait: float = Field(60.0, ge=0)
    requests_per_run: int = Field(500, ge=1)
    due_hours: float = Field(24.0, gt=0)
    robots_days: float = Field(7.0, gt=0)
    timeout: float = Field(30.0, gt=0)
    send_to: dict[str, str] = {}


class Substack(_Group):
    """Where Substack is, and how much of the second degree is taken in."""

    url: str = "https://substack.com"
    publication_url: str = "https://{subdomain}.substack.com"
    publications: int = Field(100, ge=0)
    posts: int = Field(20, ge=1, le=1000)


class Pinterest(_Group):
    """Where Pinterest is, the project's own app there, and how much of the second degree is taken in."""

    api_url: str = "https://api.pinterest.com/v5"
    widgets_url: str = "https://widgets.pinterest.com"
    widgets: bool = False
    private: bool = False
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    requests_per_day: int = Field(1000, ge=1)
    boards: int = Field(100, ge=0)
    pins: int = Field(50, ge=1)


class Images(_Group):
    """Where pictures may be fetched from."""

    hosts: tuple[str, ...] = (
        "i.pinimg.com",
        "substackcdn.com",
        "substack-post-media.s3.amazonaws.com",
        "bucketeer-e05bbc84-baa3-437e-9518-adb32be77984.s3.amazonaws.com",
    )
    covers: bool = True
    gap: float = Field(0.5, ge=0)
    requests_per_run: int = Field(2000, ge=1)


class Anthropic(_Group):
    """Claude, where ``annotator`` is "anthropic/MODEL"."""

    api_key: SecretStr = SecretStr("")
    url: str = "https://api.anthropic.com"
    way: Literal["auto", "messages", "batches"] = "auto"
    concurrency: int = Field(8, ge=1, le=100)
    requests_per_minute: int = Field(50, ge=1)
    timeout: float = Field(120.0, gt=0)


class Voyage(_Group):
    """Voyage, where ``embedder`` is "voyage/MODEL"."""

    api_key: SecretStr = SecretStr("")
    url: str = "https://api.voyageai.com/v1"
    concurrency: int = Field(4, ge=1, le=100)
    requests_per_minute: int = Field(300, ge=1)
    timeout: float = Field(120.0, gt=0)


class OpenAICompatible(_Group):
    """A server of one's own with /v1/embeddings, where ``embedder`` is "openai/MODEL"."""

    api_key: SecretStr = SecretStr("")
    url: str = "http://127.0.0.1:11434/v1"
    concurrency: int = Field(2, ge=1, le=100)
    timeout: float = Field(120.0, gt=0)


class App(_Group):
    """The browser app."""

    port: int = Field(3001, ge=1, le=65535)
    dagster_url: str = "http://127.0.0.1:3000"


class Settings(BaseSettings):
    """All settings. See ``qualia.toml`` for what each means to a user."""

    model_config = SettingsConfigDict(
        env_prefix="QUALIA_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
    )

    lake: Path = Path("data_lake")
    state: str = ".qualia/state.sqlite"
    models: Path = Path(".qualia/models")
    annotator: str = "local"
    embedder: str = "local"
    show_collections: bool = False
    seed: int = Field(0, ge=0)
    threads: int = Field(0, ge=0)
    clustering: Clustering = Clustering()
    matching: Matching = Matching()
    adapters: AdapterGrid = AdapterGrid()
    measuring: Measuring = Measuring()
    experiment: Experiment = Experiment()
    crawling: Crawling = Crawling()
    substack: Substack = Substack()
    pinterest: Pinterest = Pinterest()
    images: Images = Images()
    max_usd: float = Field(5.0, ge=0)
    anthropic: Anthropic = Anthropic()
    voyage: Voyage = Voyage()
    openai: OpenAICompatible = OpenAICompatible()
    app: App = App()

    @field_validator("lake", "models", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return home() / value.expanduser()

    @cached_property
    def state_url(self) -> str:
        """The SQLAlchemy URL of the state database; a plain path means SQLite."""
        if "://" in self.state:
            return self.state
        return f"sqlite:///{home() / Path(self.state).expanduser()}"

    @cached_property
    def cores(self) -> int:
        """Threads a process may use: ``threads``, or where that is 0, the cores it is given."""
        given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.threads or given or 1

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())


def load_settings(**overrides: Any) -> Settings:
    """Read the settings, or say in one line which key is wrong and where.

    Raises:
        SettingsError: the file is not TOML, or a key is unknown or out of bounds.
    """
    try:
        return Settings(**overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{settings_file()} is not valid TOML: {error}.") from error
    except NotJson as error:
        key = str(error).split('"')[1]
        given = sorted(name for name in os.environ if name.upper().startswith(f"QUALIA_{key.upper()}"))
        raise SettingsError(
            f"Setting {key!r} is wrong: lists and groups are JSON in the environment, for example [0, 1]. "
            f"Mend {', '.join(given)}, or set it in {settings_file()}; `qualia.toml` explains every key."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        variable = "QUALIA_" + "__".join(part.upper() for part in first["loc"] if isinstance(part, str))
        raise SettingsError(
            f"Setting {key!r} is wrong: {first['msg']} (got {first['input']!r}). "
            f"Mend it in {settings_file()} or in the environment as "
            f"{variable}; `qualia.toml` explains every key."
        ) from error
