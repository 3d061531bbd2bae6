"""What a user's runs asked of providers and what that cost, from the ledger into the lake."""

import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.tables import PROVIDER_COSTS
from qualia_assets.state import ledger
from qualia_assets.state.crawl import digest


def _spent(run: Run) -> list[ledger.Spent]:
    return [spent for spent in ledger.spent(run.state) if spent.user == run.user]


@stage(
    PROVIDER_COSTS,
    group="metrics",
    external_version=lambda run: digest([str(spent) for spent in _spent(run)]),
)
def provider_costs(
    run: Run,
    annotations: pa.Table,
    raw_embeddings: pa.Table,
    caption_embeddings: pa.Table,
    annotation_embeddings: pa.Table,
) -> Made:
    # The tables are taken in only so that this comes after what was paid for them.
    rows = [
        {
            "stage": spent.stage,
            "provider": spent.provider,
            "day": f"{spent.day:%Y-%m-%d}",
            "requests": spent.usage.requests,
            "items": spent.usage.items,
            "input_tokens": spent.usage.input_tokens,
            "output_tokens": spent.usage.output_tokens,
            "pixels": spent.usage.pixels,
            "usd": spent.usd,
        }
        for spent in _spent(run)
    ]
    total = sum(spent.usd for spent in _spent(run))
    return Made({"provider_costs": PROVIDER_COSTS.table(rows)}, {"usd": round(total, 6)})
