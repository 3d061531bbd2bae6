"""The budget of a run: never passed, whoever pays from it, and written down."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from qualia_assets.net.base import BudgetSpent
from qualia_assets.providers.base import Usage
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.catalogue import Model, own
from qualia_assets.state.database import State
from qualia_assets.state.ledger import spent

DOLLAR_A_MILLION = Model("anthropic", "cheap", "annotator", input_usd=1.0, batch_share=0.5)


def cents(number: float) -> Usage:
    return Usage(requests=1, items=1, input_tokens=round(number * 10_000))


def test_the_call_that_would_pass_the_budget_is_not_made(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.10)
    account = budget.of(DOLLAR_A_MILLION)
    for _ in range(3):
        account.before(cents(3))
        account.after(cents(3))

    with pytest.raises(BudgetSpent, match=r"Of its 0\.10 US dollars.*spent 0\.0900.*`max_usd`"):
        account.before(cents(2))

    account.before(cents(1))
    assert budget.usd == pytest.approx(0.09)
    assert budget.usage == Usage(3, 3, 90_000)


def test_what_is_paid_is_what_was_used_and_not_what_was_estimated(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=1.0)
    account = budget.of(DOLLAR_A_MILLION)

    account.before(cents(90))
    account.after(cents(5))

    account.before(cents(90))
    assert budget.usd == pytest.approx(0.05)


def test_a_batch_is_put_aside_and_paid_at_its_own_price(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.10)
    account = budget.of(DOLLAR_A_MILLION)

    account.before(cents(16), batch=True)
    account.after(cents(16), batch=True)

    assert budget.usd == pytest.approx(0.08)


def test_threads_that_pay_at_once_stay_within_the_budget_together(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.10)
    account = budget.of(DOLLAR_A_MILLION)
    all_ask, all_were_told = threading.Barrier(16), threading.Barrier(16)

    def call() -> bool:
        all_ask.wait(10)
        try:
            account.before(cents(1))
        except BudgetSpent:
            return False
        finally:
            all_were_told.wait(10)
        account.after(cents(1))
        return True

    with ThreadPoolExecutor(16) as pool:
        made = [future.result() for future in [pool.submit(call) for _ in range(16)]]

    assert sum(made) == 10
    assert budget.usd == pytest.approx(0.10)
    assert spent(state)[0].usage.requests == 10


def test_a_call_that_came_to_nothing_is_not_held_against_the_next(state: State) -> None:
    account = Budget(state, "annotations", max_usd=0.10).of(DOLLAR_A_MILLION)
    for _ in range(5):
        account.before(cents(8))


def test_a_thread_that_ended_in_the_middle_of_a_call_holds_nothing_back(state: State) -> None:
    account = Budget(state, "annotations", max_usd=0.10).of(DOLLAR_A_MILLION)
    # Kept, so that no other thread gets its number.
    ended = threading.Thread(target=account.before, args=(cents(8),))
    ended.start()
    ended.join()

    account.before(cents(8))


def test_a_batch_that_was_handed_in_is_held_back_for_the_rest_of_the_run(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.10)
    account = budget.of(DOLLAR_A_MILLION)

    account.before(cents(16), batch=True)
    account.submitted()

    account.before(cents(2))
    with pytest.raises(BudgetSpent):
        account.before(cents(3))
    assert (budget.usd, spent(state)) == (0.0, [])


def test_stages_of_a_run_pay_from_one_purse_and_are_written_down_apart(state: State) -> None:
    run = Budget(state, "", max_usd=0.10)
    labels, vectors = run.at(state.of("ana"), "annotations"), run.at(state.of("ana"), "raw_embeddings")

    labels.of(DOLLAR_A_MILLION).after(cents(6))
    vectors.of(DOLLAR_A_MILLION).after(cents(3))

    assert (labels.usd, vectors.usd) == (pytest.approx(0.06), pytest.approx(0.03))
    with pytest.raises(BudgetSpent):
        vectors.of(DOLLAR_A_MILLION).before(cents(2))
    found = [(line.user, line.stage, line.provider, round(line.usd, 6)) for line in spent(state)]
    assert found == [
        ("ana", "annotations", "anthropic/cheap", 0.06),
        ("ana", "raw_embeddings", "anthropic/cheap", 0.03),
    ]


def test_nothing_may_be_spent_of_a_budget_of_nothing_but_what_is_free(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.0)

    budget.of(own("openai", "nomic", "embedder")).before(cents(100))
    with pytest.raises(BudgetSpent):
        budget.of(DOLLAR_A_MILLION).before(cents(0.01))
