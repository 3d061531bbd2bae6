"""A batch is known from before it is submitted until its results have been fetched."""

import sqlalchemy as sa

from qualia_assets.state import batches
from qualia_assets.state.database import State
from qualia_assets.state.tables import batches as table

CLAUDE = "anthropic/some-model"
KEYS = {"n-0": "a" * 64, "n-1": "b" * 64}


def test_a_batch_is_pending_from_before_its_submission_until_its_results_are_fetched(state: State) -> None:
    ann = state.of("ann")
    row = batches.intend(ann, "n", CLAUDE, KEYS)
    assert not row.arrived
    assert batches.pending(state, CLAUDE) == [row]
    batches.arrived(ann, row, "msgbatch_1")
    (there,) = batches.pending(state.of("ben"), CLAUDE)
    assert (there.batch_id, there.user, there.arrived, there.keys) == ("msgbatch_1", "ann", True, KEYS)
    assert there.submitted_at == row.submitted_at
    assert batches.pending(state, "anthropic/other-model") == []
    assert batches.pending(state, CLAUDE, but={"msgbatch_1"}) == []
    assert batches.ended(ann, "msgbatch_1")
    assert batches.pending(state, CLAUDE) == []
    assert batches.known(state, ["msgbatch_1", "msgbatch_2"]) == {"msgbatch_1"}


def test_only_one_process_ends_a_batch_and_none_ends_that_of_an_erased_user(state: State) -> None:
    ann = state.of("ann")
    batches.arrived(ann, batches.intend(ann, "n", CLAUDE, KEYS), "msgbatch_1")
    assert [batches.ended(ann, "msgbatch_1") for _ in range(2)] == [True, False]
    batches.arrived(ann, batches.intend(ann, "m", CLAUDE, KEYS), "msgbatch_2")
    with state.engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.user == "ann"))
    assert not batches.ended(ann, "msgbatch_2")


def test_dropping_forgets_a_batch_only_if_it_never_arrived(state: State) -> None:
    first, second = (batches.intend(state, name, CLAUDE, KEYS) for name in "nm")
    for _ in range(2):  # another process may have recorded its id first
        batches.arrived(state, first, "msgbatch_1")
    batches.drop(state, first)
    batches.drop(state, second)
    assert [row.batch_id for row in batches.pending(state, CLAUDE)] == ["msgbatch_1"]
