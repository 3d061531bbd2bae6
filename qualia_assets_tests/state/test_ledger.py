"""What was requested of providers and what it cost, added up."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualia_assets.state import ledger
from qualia_assets.state.database import State
from qualia_assets.state.tables import ledger as table
from qualia_assets.state.usage import Usage

amounts = st.integers(0, 10**6)
notes = st.tuples(
    st.sampled_from(["ana", "ben"]),
    st.sampled_from(["annotations", "raw_embeddings"]),
    st.builds(Usage, amounts, amounts, amounts, amounts, amounts),
    st.floats(0, 10),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(notes, max_size=8))
def test_totals_are_by_user_and_stage(state: State, noted: list[tuple[str, str, Usage, float]]) -> None:
    with state.engine.begin() as connection:
        connection.execute(table.delete())
    for user, stage, usage, usd in noted:
        ledger.note(state.of(user), stage, "voyage/v", usage, usd)
    found = ledger.spent(state)
    assert [(f.user, f.stage) for f in found] == sorted({(user, stage) for user, stage, _, _ in noted})
    for line in found:
        mine = [(usage, usd) for user, stage, usage, usd in noted if (user, stage) == (line.user, line.stage)]
        assert line.usage == sum((usage for usage, _ in mine), Usage())
        assert line.usd == sum(usd for _, usd in mine)


def test_a_day_ends_at_midnight_utc(state: State) -> None:
    ledger.note(state.of("ana"), "annotations", "voyage/v", Usage(1), 0.5)
    with state.engine.begin() as connection:
        connection.execute(table.update().values(at=datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)))
    ledger.note(state.of("ana"), "annotations", "voyage/v", Usage(1), 0.25)
    first, second = ledger.spent(state)
    assert (first.day.isoformat(), first.usd, second.usd) == ("2026-11-21", 0.5, 0.25)
