"""Batches of messages: handed in once, found again by any later run, and brought home when they have ended.

Who handed a batch in brings it home and pays for it; another user whose items are in it takes what it needs.
A batch is noted before it is handed in. Where a run dies, or the connection breaks, between the two, the next
run looks for it among the service's batches: those that are nobody's, of the same size, and not older. Their
records hold nothing of ours, so that only the results, when the batch has ended, tell whose it is; until then
its items wait. Only where there is no such batch, and a while has passed, are they asked for again.
"""

import secrets
import threading
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from qualia_assets.annotate.anthropic_service import Service, Unclear, read_result
from qualia_assets.annotate.base import Annotation, written
from qualia_assets.net.base import Deferred
from qualia_assets.providers.base import ProviderError, Usage
from qualia_assets.providers.budget import Account
from qualia_assets.state import batches
from qualia_assets.state.database import State

LOOK_AGAIN = timedelta(minutes=10)
"""Until a batch that is under way is asked about again, and at least until one of which nothing is known is
taken for never handed in: longer than a request may take."""
_CLOCKS_APART = timedelta(hours=1)
_KEPT_AT_ONCE = 500
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


class Batches:
    """The batches of one model, as one run of one user's sees them. For several threads.

    ``home``: keys of answers that were brought home by this run, and are kept. ``failed``: what became of
    this user's other items in those batches. ``under_way``: keys in batches that have not ended.

    Args:
        service: that is asked.
        state: where batches and answers are, for the user.
        provider: its name, as answers are kept under it.
        account: pays for the batches that are brought home.
        grace: least age of a batch that may be taken for never handed in.
    """

    def __init__(
        self, service: Service, state: State, provider: str, account: Account, grace: timedelta = LOOK_AGAIN
    ) -> None:
        self._service, self._state, self._provider, self._account = service, state, provider, account
        self._grace = grace
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[batches.Pending, frozenset[str]]] = {}
        self._looked_at: set[str] = set()
        self.home: set[str] = set()
        self.failed: dict[str, Annotation] = {}
        self.under_way: set[str] = set()

    def settle(self, wanted: Set[str]) -> None:
        """Look, once a run, at each batch that is this user's or holds one of the wanted keys, and bring home
        what has ended.

        Raises:
            Deferred, ProviderError: the service cannot be asked.
        """
        with self._lock:
            for row in batches.pending(self._state, self._provider, but=self._rows):
                self._rows[row.batch_id] = (row, frozenset(row.keys.values()))
            for batch_id, (row, keys) in list(self._rows.items()):
                concerns = row.user == self._state.user or any(key in keys for key in wanted)
                if concerns and batch_id not in self._looked_at:
                    self._look_at(row, keys)
                    self._looked_at.add(batch_id)
            # What went wrong in one batch may be in another by now.
            self.failed = {key: a for key, a in self.failed.items() if key not in self.under_way}

    def hand_in(self, params: Mapping[str, Any]) -> None:
        """Submit one batch, for which the account has put aside what it may cost.

        Args:
            params: of a message, by the key of its answer.

        Raises:
            Deferred: the service is to be asked later.
            ProviderError: it was refused.
        """
        name = secrets.token_hex(8)
        keys = {f"{name}-{place}": key for place, key in enumerate(params)}
        requests = [{"custom_id": i, "params": params[key]} for i, key in keys.items()]
        row = batches.intend(self._state, name, self._provider, keys)
        try:
            batch_id = self._service.hand_in(requests)
        except Unclear:
            pass
        except (Deferred, ProviderError):
            # It is certain that the service did not take it.
            batches.drop(self._state, row)
            raise
        else:
            batches.arrived(self._state, row, batch_id)
        self._account.submitted()
        with self._lock:
            self.under_way.update(params)

    def waits(self) -> Deferred:
        """Why items that are under way have no answer yet."""
        until = datetime.now(UTC) + LOOK_AGAIN
        return Deferred(
            f"A batch of {self._provider} is under way; it takes 24 hours at most. It is looked at again "
            f"after {until:%Y-%m-%d %H:%M:%S} UTC.",
            until,
        )

    def _look_at(self, row: batches.Pending, keys: frozenset[str]) -> None:
        batch_id = row.batch_id if row.arrived else self._found(row)
        if batch_id is None:
            return
        record = self._service.batch(batch_id) if batch_id else {}
        if record is None:
            # Gone, or its results are: what was in it is asked for again.
            if row.user == self._state.user:
                batches.ended(self._state, batch_id)
        elif record.get("processing_status") == "ended":
            self._bring_home(row, batch_id, keys)
        else:
            self.under_way |= keys

    def _found(self, row: batches.Pending) -> str | None:
        """The provider's id of a batch that was to be handed in: empty where that is not certain yet, None
        where it never arrived, and is forgotten."""
        maybe = False
        name = next(iter(row.keys)).rpartition("-")[0]
        for record in self._service.batches():
            if _created(record) < row.submitted_at - _CLOCKS_APART:
                break
            counts = record.get("request_counts") or {}
            if sum(counts.get(c) or 0 for c in _COUNTS) != len(row.keys):
                continue
            batch_id = str(record.get("id"))
            if batches.known(self._state, [batch_id]):
                continue
            if record.get("processing_status") != "ended":
                maybe = True
            elif record.get("results_url") and self._service.results(batch_id, _first_name) == name:
                batches.arrived(self._state, row, batch_id)
                return batch_id
        if maybe or datetime.now(UTC) - row.submitted_at < self._grace:
            return ""
        batches.drop(self._state, row)
        return None

    def _bring_home(self, row: batches.Pending, batch_id: str, keys: frozenset[str]) -> None:
        mine = row.user == self._state.user

        def read(lines: Iterator[dict[str, Any]]) -> tuple[set[str], dict[str, Annotation], Usage]:
            kept: set[str] = set()
            failed: dict[str, Annotation] = {}
            fresh: dict[str, bytes] = {}
            usage = Usage()
            for line in lines:
                key = row.keys.get(str(line.get("custom_id")))
                if key is None or key in kept or key in failed:
                    continue
                annotation, used = read_result(line.get("result"))
                usage += used
                answer = written(annotation)
                if answer is None:
                    failed[key] = annotation
                    continue
                kept.add(key)
                fresh[key] = answer
                if len(fresh) == _KEPT_AT_ONCE:
                    self._state.keep_answers("annotation", self._provider, fresh)
                    fresh = {}
            self._state.keep_answers("annotation", self._provider, fresh)
            return kept, failed, usage

        kept, failed, usage = self._service.results(batch_id, read)
        self.home |= kept
        if mine:
            missing = Annotation("failed", error="no result came")
            self.failed |= {key: failed.get(key, missing) for key in keys - kept}
            # Two processes may have read it; one of them pays.
            if batches.ended(self._state, batch_id):
                self._account.after(
                    Usage(1, usage.items, usage.input_tokens, usage.output_tokens), batch=True
                )


def _first_name(lines: Iterator[dict[str, Any]]) -> str:
    return str(next(lines, {}).get("custom_id", "")).rpartition("-")[0]


def _created(record: Mapping[str, Any]) -> datetime:
    at = datetime.fromisoformat(str(record["created_at"]))
    return at.replace(tzinfo=at.tzinfo or UTC)
