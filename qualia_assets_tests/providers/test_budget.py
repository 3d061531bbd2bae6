"""The budget of a run: never exceeded, whoever pays from it, and recorded."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from qualia_assets.net.base import BudgetSpent
from qualia_assets.providers.budget import Account, Budget
from qualia_assets.providers.catalogue import Model, self_hosted
from qualia_assets.state.database import State
from qualia_assets.state.ledger import spent
from qualia_assets.state.usage import Usage

DOLLAR_A_MILLION = Model("anthropic", "cheap", "annotator", input_usd=1.0, batch_share=0.5)


def cents(number: float) -> Usage:
    return Usage(requests=1, items=1, input_tokens=round(number * 10_000))


@pytest.fixture
def budget(state: State) -> Budget:
    return Budget(state, "annotations", max_usd=0.10)


@pytest.fixture
def account(budget: Budget) -> Account:
    return budget.account(DOLLAR_A_MILLION)


def test_a_call_that_would_exceed_the_budget_is_not_made(budget: Budget, account: Account) -> None:
    for _ in range(3):
        account.reserve(cents(3))
        account.settle(cents(3))
    with pytest.raises(BudgetSpent, match=r"Of its 0\.10 US dollars.*spent 0\.0900.*`max_usd`"):
        account.reserve(cents(2))
    account.reserve(cents(1))
    assert (budget.usd, budget.usage) == (pytest.approx(0.09), Usage(3, 3, 90_000))


def test_the_usage_is_paid_and_not_the_estimate(budget: Budget, account: Account) -> None:
    account.reserve(cents(9))
    account.settle(cents(5))
    assert budget.usd == pytest.approx(0.05)
    account.reserve(cents(9), batch=True)
    account.settle(cents(8), batch=True)
    assert budget.usd == pytest.approx(0.09)
    account.reserve(cents(1))


def test_threads_stay_within_the_budget_together(state: State, budget: Budget, account: Account) -> None:
    start, all_reserved = threading.Barrier(16), threading.Barrier(16)

    def call() -> bool:
        start.wait(10)
        try:
            account.reserve(cents(1))
        except BudgetSpent:
            return False
        finally:
            all_reserved.wait(10)
        account.settle(cents(1))
        return True

    with ThreadPoolExecutor(16) as pool:
        made = [future.result() for future in [pool.submit(call) for _ in range(16)]]
    assert (sum(made), budget.usd) == (10, pytest.approx(0.10))
    assert spent(state)[0].usage.requests == 10


def test_a_failed_call_and_a_thread_that_died_reserve_nothing(account: Account) -> None:
    # Referenced to the end, so that no other thread gets its number.
    died = threading.Thread(target=account.reserve, args=(cents(8),))
    died.start()
    died.join()
    for _ in range(5):
        account.reserve(cents(8))


def test_a_submitted_batch_stays_reserved(state: State, budget: Budget, account: Account) -> None:
    account.reserve(cents(16), batch=True)
    account.hold()
    account.reserve(cents(2))
    with pytest.raises(BudgetSpent):
        account.reserve(cents(3))
    assert (budget.usd, spent(state)) == (0.0, [])


def test_stages_share_the_budget_of_a_run_and_are_recorded_apart(state: State, budget: Budget) -> None:
    labels, vectors = (budget.for_stage(state.of("ana"), name) for name in ("annotations", "raw_embeddings"))
    labels.account(DOLLAR_A_MILLION).settle(cents(6))
    vectors.account(DOLLAR_A_MILLION).settle(cents(3))
    assert (labels.usd, vectors.usd) == (pytest.approx(0.06), pytest.approx(0.03))
    with pytest.raises(BudgetSpent):
        vectors.account(DOLLAR_A_MILLION).reserve(cents(2))
    assert [(line.user, line.stage, line.provider, round(line.usd, 6)) for line in spent(state)] == [
        ("ana", "annotations", "anthropic/cheap", 0.06),
        ("ana", "raw_embeddings", "anthropic/cheap", 0.03),
    ]


def test_a_budget_of_nothing_pays_only_for_free_calls(state: State) -> None:
    budget = Budget(state, "annotations", max_usd=0.0)
    budget.account(self_hosted("openai", "nomic", "embedder")).reserve(cents(100))
    with pytest.raises(BudgetSpent):
        budget.account(DOLLAR_A_MILLION).reserve(cents(0.01))
