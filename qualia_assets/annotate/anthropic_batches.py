"""Message batches: submitted once, found again by any later run, and collected when they have ended.

The user who submitted a batch collects and pays for it; another user whose items are in it takes the answers
they need. A batch is recorded before it is submitted. If the run dies or the connection breaks before the
service's id is recorded, the next run looks for it among the service's batches: unknown ones of the same size
that are not older. A batch's record holds nothing of ours, so only its results tell whose it is, once it has
ended; its items wait until then. They are submitted again only where there is no such batch after a while.
"""

import secrets
import threading
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from qualia_assets.annotate.anthropic_client import Client, SubmissionUnknown, parse_result
from qualia_assets.annotate.base import Annotation, encode
from qualia_assets.net.base import Deferred
from qualia_assets.providers.base import ProviderError
from qualia_assets.providers.budget import Account
from qualia_assets.state import batches
from qualia_assets.state.database import State
from qualia_assets.state.usage import Usage

POLL_INTERVAL = timedelta(minutes=10)
"""Until a batch in progress is checked again, and the least time before one that cannot be found counts as
never submitted: longer than a request may take."""
_CLOCK_SKEW = timedelta(hours=1)
_SAVE_EVERY = 500
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


class Batches:
    """The batches of one model, as one run of one user sees them. Safe to use from several threads.

    ``collected``: keys of the answers that this run collected and stored. ``failed``: annotations of this
    user's other items in those batches. ``in_progress``: keys in batches that have not ended.

    Args:
        client: of the model.
        state: where batches and answers are stored, for the user.
        provider: its name, as answers are stored under it.
        account: pays for the batches that are collected.
    """

    def __init__(self, client: Client, state: State, provider: str, account: Account) -> None:
        self._client, self._state, self._provider, self._account = client, state, provider, account
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[batches.Pending, frozenset[str]]] = {}
        self._checked: set[str] = set()
        self.collected: set[str] = set()
        self.failed: dict[str, Annotation] = {}
        self.in_progress: set[str] = set()

    def refresh(self, wanted: Set[str]) -> None:
        """Check, once a run, each batch that is this user's or holds a wanted key. Collect those that ended.

        Raises:
            Deferred, ProviderError: the service cannot be asked.
        """
        with self._lock:
            for row in batches.pending(self._state, self._provider, but=self._rows):
                self._rows[row.batch_id] = (row, frozenset(row.keys.values()))
            for batch_id, (row, keys) in list(self._rows.items()):
                relevant = row.user == self._state.user or any(key in keys for key in wanted)
                if relevant and batch_id not in self._checked:
                    self._check(row, keys)
                    self._checked.add(batch_id)
            # What failed in one batch may be in another by now.
            self.failed = {key: a for key, a in self.failed.items() if key not in self.in_progress}

    def submit(self, params: Mapping[str, Any]) -> None:
        """Submit one batch, whose highest cost the account has reserved.

        Args:
            params: of a message, by the key of its answer.

        Raises:
            Deferred: the service wants to be asked later.
            ProviderError: it was refused.
        """
        name = secrets.token_hex(8)
        keys = {f"{name}-{place}": key for place, key in enumerate(params)}
        requests = [{"custom_id": i, "params": params[key]} for i, key in keys.items()]
        row = batches.intend(self._state, name, self._provider, keys)
        try:
            batch_id = self._client.submit_batch(requests)
        except SubmissionUnknown:
            pass
        except (Deferred, ProviderError):
            # The service certainly did not accept it.
            batches.drop(self._state, row)
            raise
        else:
            batches.arrived(self._state, row, batch_id)
        self._account.hold()
        with self._lock:
            self.in_progress.update(params)

    def deferral(self) -> Deferred:
        """Why items in progress have no answer yet."""
        until = datetime.now(UTC) + POLL_INTERVAL
        # Kept in the state database with the run's visit.
        return Deferred(
            f"A batch of {self._provider} is under way; it takes 24 hours at most. It is looked at again "
            f"after {until:%Y-%m-%d %H:%M:%S} UTC.",
            until,
        )

    def _check(self, row: batches.Pending, keys: frozenset[str]) -> None:
        batch_id = row.batch_id if row.arrived else self._find(row)
        if batch_id is None:
            return
        record = self._client.batch(batch_id) if batch_id else {}
        if record is None:
            # The batch or its results are gone: its items are requested again.
            if row.user == self._state.user:
                batches.ended(self._state, batch_id)
        elif record.get("processing_status") == "ended":
            self._collect(row, batch_id, keys)
        else:
            self.in_progress |= keys

    def _find(self, row: batches.Pending) -> str | None:
        """Return the service's id of a recorded batch: empty where that is not certain yet, None where the
        batch was never submitted, and is dropped."""
        candidates = False
        name = next(iter(row.keys)).rpartition("-")[0]
        for record in self._client.batches():
            if _created(record) < row.submitted_at - _CLOCK_SKEW:
                break
            counts = record.get("request_counts") or {}
            if sum(counts.get(c) or 0 for c in _COUNTS) != len(row.keys):
                continue
            batch_id = str(record.get("id"))
            if batches.known(self._state, [batch_id]):
                continue
            if record.get("processing_status") != "ended":
                candidates = True
            elif record.get("results_url") and self._client.results(batch_id, _first_name) == name:
                batches.arrived(self._state, row, batch_id)
                return batch_id
        if candidates or datetime.now(UTC) - row.submitted_at < POLL_INTERVAL:
            return ""
        batches.drop(self._state, row)
        return None

    def _collect(self, row: batches.Pending, batch_id: str, keys: frozenset[str]) -> None:
        def read(lines: Iterator[dict[str, Any]]) -> tuple[set[str], dict[str, Annotation], Usage]:
            stored: set[str] = set()
            failed: dict[str, Annotation] = {}
            unsaved: dict[str, bytes] = {}
            usage = Usage()
            for line in lines:
                key = row.keys.get(str(line.get("custom_id")))
                if key is None or key in stored or key in failed:
                    continue
                annotation, used = parse_result(line.get("result"))
                usage += used
                payload = encode(annotation)
                if payload is None:
                    failed[key] = annotation
                    continue
                stored.add(key)
                unsaved[key] = payload
                if len(unsaved) == _SAVE_EVERY:
                    self._state.keep_answers("annotation", self._provider, unsaved)
                    unsaved = {}
            self._state.keep_answers("annotation", self._provider, unsaved)
            return stored, failed, usage

        stored, failed, usage = self._client.results(batch_id, read)
        self.collected |= stored
        if row.user == self._state.user:
            missing = Annotation("failed", error="no result came")
            self.failed |= {key: failed.get(key, missing) for key in keys - stored}
            # Two processes may have read the results; one of them pays.
            if batches.ended(self._state, batch_id):
                self._account.settle(
                    Usage(1, usage.items, usage.input_tokens, usage.output_tokens), batch=True
                )


def _first_name(lines: Iterator[dict[str, Any]]) -> str:
    return str(next(lines, {}).get("custom_id", "")).rpartition("-")[0]


def _created(record: Mapping[str, Any]) -> datetime:
    at = datetime.fromisoformat(str(record["created_at"]))
    return at.replace(tzinfo=at.tzinfo or UTC)
