"""What providers were asked for, and what it cost."""

from qualia_assets.lake.specs import FLOAT, INT, STRING, Column, TableSpec

PROVIDER_COSTS = TableSpec(
    "provider_costs",
    "What was asked of providers over the network for the user, and what it cost by their list prices",
    ("stage", "provider", "day"),
    (
        Column("stage", STRING, "The table that it was for"),
        Column("provider", STRING, "Provider and model"),
        Column("day", STRING, "Day, UTC"),
        Column("requests", INT, "Requests, or batches"),
        Column("items", INT, "Items answered"),
        Column("input_tokens", INT, "As the provider counts them"),
        Column("output_tokens", INT, "As the provider counts them"),
        Column("pixels", INT, "Of pictures"),
        Column("usd", FLOAT, "US dollars"),
    ),
)
