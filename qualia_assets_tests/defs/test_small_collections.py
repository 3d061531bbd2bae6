"""Users with next to nothing, records that cannot be read, a run that is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.places import PICTURES, USER, lake_of, qualia, run, with_state
from qualia_assets_tests.providers.fakes import until


def check_tables(place: Path, items: int) -> None:
    """What there is for every user, however little they have."""
    lake = lake_of(place)
    assert lake.read("artefacts", USER).num_rows == items
    assert [r["config_id"] for r in lake.read("adapters", USER).to_pylist() if r["selected"]] == ["identity"]
    assert set(lake.read("figures", USER)["name"].to_pylist()) == PICTURES
    assert all(r["value"] is not None or r["note"] for r in lake.read("metrics", USER).to_pylist())


@pytest.mark.parametrize(
    ("each", "kind", "items"),
    [(0, "text", 0), (1, "text", 1), (1, "image", 6), (3, "text", 18)],
    ids=["nothing", "1 post", "6 pins", "18 posts"],
)
def test_a_user_with_few_items_of_one_kind_gets_all_tables_and_can_search(
    each: int, kind: str, items: int, fresh: Path
) -> None:
    source = write_collection(fresh / "mine", each, (kind,))
    if items == 1:
        lines = (source / "posts.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (source / "posts.jsonl").write_text(lines[0], encoding="utf-8")
    run(source)
    check_tables(fresh, items)
    if items <= 1:
        assert set(lake_of(fresh).read("clusters", USER)["cluster"].to_pylist()) <= {-1}
    found = qualia("search", "anything at all", "--user", USER, "--json", "--limit", "100")
    assert len(found.output.splitlines()) == items


def test_an_experiment_runs_what_is_missing_and_without_matches_its_report_says_so(fresh: Path) -> None:
    write_collection(fresh / "mine", each=1)
    with_state(lambda state: state.set_source(USER, "folder", str(fresh / "mine")))

    done = qualia("experiment", "--user", USER, "--out", str(fresh / "results.md"))

    assert done.exit_code == 0, done.output
    assert "Written: " in done.output
    check_tables(fresh, 12)
    page = (fresh / "results.md").read_text(encoding="utf-8")
    assert page.count("There are too few matches to split.") == 2
    assert "There are too few held-out matches to measure anything." in page
    assert "The items have no collections, or too few." in page
    assert lake_of(fresh).read("experiment_trials", USER).num_rows == 0


def test_bad_records_are_quarantined_with_their_reason_and_the_others_are_used(fresh: Path) -> None:
    source = write_collection(fresh / "mine", each=1)
    with (source / "posts.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps({"id": "post0", "title": "again"}) + "\n" + '{"id": "half", "title": "cut o')
    (source / "images" / "0.png").write_bytes((source / "images" / "0.png").read_bytes()[:60])
    run(source, only=("sources", "artefacts", "annotations", "quarantine"))
    lake = lake_of(fresh)
    reasons = {r["record"]: r["reason"] for r in lake.read("quarantine", USER).to_pylist()}
    assert set(reasons) == {"posts.jsonl:7", "posts.jsonl:8", "pins.jsonl:1"}
    assert "repeats the id of posts.jsonl:1" in reasons["posts.jsonl:7"]
    assert "not JSON" in reasons["posts.jsonl:8"]
    assert "damaged" in reasons["pins.jsonl:1"]
    assert lake.read("artefacts", USER).num_rows == 11


def test_a_killed_run_is_resumed_where_it_was(fresh: Path) -> None:
    write_collection(fresh / "mine", each=1)
    with_state(lambda state: state.set_source(USER, "folder", str(fresh / "mine")))
    program = [str(Path(sys.executable).parent / "qualia"), "run", "--user", USER]
    lake = lake_of(fresh)
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        try:
            until(lambda: lake.exists("annotations", USER))
        finally:
            first.send_signal(signal.SIGKILL)
    written = lake.path("annotations", USER).stat().st_mtime_ns
    run()
    assert lake.path("annotations", USER).stat().st_mtime_ns == written
    assert lake.exists("metrics", USER)
