"""Fifty users' Substacks, two days: requests, memory, and whether a row was lost or came twice.

Each user reads twenty publications, six of them from a pool that all share; every publication recommends
two others. A Substack on this machine (the tests' own, in this process) answers over a real socket; the
walks run one user after another in a process of their own, at no gap. On the second day one post in a
hundred is new. A day passes by moving the times that the state database notes back by a day.
"""

import multiprocessing
import random
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Line, Report
from benchmarks.timing import cpu_seconds
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.sources.substack.crawl import Seeds, crawl, post_rows
from qualia_assets.state.consent import consent
from qualia_assets.state.crawl import Crawl, interests_of
from qualia_assets.state.database import State
from qualia_assets_tests.emulators.substack import SubstackServer

READS, SHARED, POSTS = 20, 6, 20
DUE_HOURS = 20.0
MOST_A_DAY = 1.1
MOST_MEMORY = 512
_TIMES = ("checked_at", "fetched_at")


@dataclass(frozen=True)
class Day:
    """What the walks of one day came to."""

    requests: int
    new: int
    statuses: tuple[str, ...]
    rows: dict[str, list[tuple[str, str]]]
    """Of every user: (publication, slug) of each row of the table of posts."""
    cpu: float
    peak_mib: float


def run(quick: bool) -> Report:
    users = 5 if quick else 50
    with SubstackServer() as server, TemporaryDirectory() as folder:
        _world(server, users)
        where = f"sqlite:///{Path(folder) / 'state.sqlite'}"
        started = time.perf_counter()
        first = _day(where, server.url, users)
        asked = len(server.asked)
        posts = sum(len(p.posts) for p in server.publications.values())
        new = _publish(server, posts // 100)
        _a_day_passes(where)
        second = _day(where, server.url, users)
        again = len(server.asked) - asked
        seconds = time.perf_counter() - started
        publications = len(server.publications)
        lost, twice = _lost_and_twice(server, where, second)
    a_day = again / publications
    gained = posts + new
    return Report(
        f"soak: {users} users, {publications:,} publications, {posts:,} posts, then {new:,} new ones",
        [
            Line("the first day, of the walking process", (first.cpu,)),
            Line("  requests for each new post", ratio=f"{asked / posts:.3f}"),
            Line(
                f"the second day: requests for each publication ({again:,} in all)",
                (second.cpu,),
                f"{a_day:.3f}",
                f"at most {MOST_A_DAY}",
                a_day <= MOST_A_DAY,
            ),
            Line(
                "  new posts that came",
                ratio=f"{second.new:,} of {new:,}",
                claim="all",
                holds=second.new == new,
            ),
            Line(
                "posts of users' own publications that are missing from their tables",
                ratio=f"{lost:,} of {gained:,}",
                claim="none",
                holds=lost == 0,
            ),
            Line("rows that came twice", ratio=f"{twice:,}", claim="none", holds=twice == 0),
            Line(
                "peak memory of the walking process",
                ratio=f"{second.peak_mib:.0f} MiB",
                claim=f"under {MOST_MEMORY} MiB",
                holds=second.peak_mib < MOST_MEMORY,
            ),
            Line(
                "walks that did not end complete",
                ratio=str(sum(s != "complete" for s in (*first.statuses, *second.statuses))),
                claim="none",
                holds=set(first.statuses) | set(second.statuses) == {"complete"},
            ),
        ],
        [f"{asked + again:,} requests in {seconds:.0f} s, the service in a process beside the walks."],
    )


def _world(server: SubstackServer, users: int) -> None:
    """Publications of all users, and who reads which."""
    chance = random.Random(0)
    pool = [server.publication(f"pool-{n}", POSTS) for n in range(READS)]
    for user in range(users):
        own = [server.publication(f"own-{user}-{n}", POSTS) for n in range(READS - SHARED)]
        server.reader(_name(user), [*own, *chance.sample(pool, SHARED)])
    everything = sorted(server.publications)
    for publication in server.publications.values():
        publication.recommends = chance.sample(everything, 2)


def _publish(server: SubstackServer, posts: int) -> int:
    chance = random.Random(1)
    for publication in chance.choices(sorted(server.publications.values(), key=lambda p: p.id), k=posts):
        server.publish(publication)
    return posts


def _name(user: int) -> str:
    return f"reader-{user}"


def _day(where: str, url: str, users: int) -> Day:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_walks, where, url, users).result()


def _walks(where: str, url: str, users: int) -> Day:
    """One walk for each user, in this process."""
    crawling = {"contact": "soak@example.org", "gap": 0, "send_to": {"*": url}}
    settings = Settings(state=where, crawling=crawling)
    state = State(where)
    before = cpu_seconds()
    requests, new, statuses = 0, 0, []
    for user in map(_name, range(users)):
        state.add_user(user)
        consent(state, user, "substack")
        with Client("substack", state, settings, budget=10**6) as client:
            report = crawl(user, Seeds((user,)), state, client, settings.substack, DUE_HOURS, silent)
        requests, new = requests + report.requests, new + report.new
        statuses.append(report.status)
    cpu = cpu_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = {
        user: [(row["publication_id"], row["slug"]) for row in post_rows(state, user, settings.substack)]
        for user in map(_name, range(users))
    }
    state.close()
    return Day(requests, new, tuple(statuses), rows, cpu, peak)


def _a_day_passes(where: str) -> None:
    state = State(where)
    theirs = [Crawl(state, "substack", user) for user in state.users()]
    for crawl_of in (Crawl(state, "substack"), Crawl(state, "robots"), *theirs):
        moved = {
            name: {key: _earlier(key, value) for key, value in cursor.items()}
            for name, cursor in crawl_of.cursors().items()
        }
        crawl_of.account(cursors=moved)
    state.close()


def _earlier(key: str, value: object) -> object:
    if key not in _TIMES or not isinstance(value, str):
        return value
    return (datetime.fromisoformat(value) - timedelta(days=1)).isoformat()


def _lost_and_twice(server: SubstackServer, where: str, day: Day) -> tuple[int, int]:
    """Posts of publications that a user reads and that are not in their table, and rows too many."""
    state = State(where)
    lost = twice = 0
    for user, rows in day.rows.items():
        own = {key for key, wanted in interests_of(state, user, "substack").items() if wanted.hop == 0}
        published = {(key, post.slug) for key in own for post in server.publications[int(key)].posts}
        lost += len(published - set(rows))
        twice += len(rows) - len(set(rows))
    state.close()
    return lost, twice
