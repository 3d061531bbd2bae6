"""Users with next to nothing, records that cannot be read, a run that is killed: what comes through does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets_tests.collection import write_collection, write_lines
from qualia_assets_tests.places import PICTURES, USER, lake_of, qualia, run, with_state


@pytest.mark.parametrize(
    ("each", "kinds"),
    [
        (0, ("text", "image")),
        (1, ("text",)),
        (1, ("image",)),
        (3, ("text",)),
        (4, ("image",)),
        (1, ("text", "image")),
    ],
    ids=["no item", "6 posts", "6 pins", "posts only", "pins only", "6 of each"],
)
def test_a_user_with_too_little_gets_through_with_what_can_be_said(
    each: int, kinds: tuple[str, ...], fresh: Path
) -> None:
    source = write_collection(fresh / "mine", each, kinds)
    if not each:
        write_lines(source / "posts.jsonl", [{"id": "1"}])
    run(source=source)
    lake = lake_of(fresh)
    assert lake.read("artefacts", USER).num_rows == 6 * each * len(kinds)
    assert [r["config_id"] for r in lake.read("adapters", USER).to_pylist() if r["selected"]] == ["identity"]
    assert set(lake.read("figures", USER)["name"].to_pylist()) == PICTURES
    assert all(r["value"] is not None or r["note"] for r in lake.read("metrics", USER).to_pylist())
    if not each:
        assert lake.read("quarantine", USER)["reason"].to_pylist() == ["neither title nor body"]


@pytest.mark.parametrize("items", [1, 5])
def test_a_user_with_a_handful_of_items_can_still_search_them(items: int, fresh: Path) -> None:
    source = write_collection(fresh / "mine", each=1)
    lines = (source / "posts.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (source / "posts.jsonl").write_text("".join(lines[:items]), encoding="utf-8")
    (source / "pins.jsonl").unlink()
    shutil.rmtree(source / "images")
    run(source=source)
    assert set(lake_of(fresh).read("clusters", USER)["cluster"].to_pylist()) == {-1}
    found = qualia("search", "anything at all", "--user", USER, "--json")
    assert len(found.output.splitlines()) == items


def test_an_experiment_makes_what_is_missing_first_and_without_matches_its_report_says_so(
    fresh: Path,
) -> None:
    write_collection(fresh / "mine", each=1)
    with_state(lambda state: state.set_source(USER, "folder", str(fresh / "mine")))

    done = qualia("experiment", "--user", USER, "--out", str(fresh / "results.md"))

    assert done.exit_code == 0, done.output
    page = (fresh / "results.md").read_text(encoding="utf-8")
    assert page.count("There are too few matches to split.") == 2
    assert "There are too few held-out matches to measure anything." in page
    assert "The items have no collections, or too few." in page
    assert lake_of(fresh).read("experiment_trials", USER).num_rows == 0


def test_bad_records_are_quarantined_with_their_reason_and_the_rest_goes_on(fresh: Path) -> None:
    source = write_collection(fresh / "mine", each=1)
    with (source / "posts.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps({"id": "post0", "title": "again"}) + "\n" + '{"id": "half", "title": "cut o')
    (source / "images" / "0.png").write_bytes((source / "images" / "0.png").read_bytes()[:60])
    run(source=source)
    lake = lake_of(fresh)
    reasons = {r["record"]: r["reason"] for r in lake.read("quarantine", USER).to_pylist()}
    assert set(reasons) == {"posts.jsonl:7", "posts.jsonl:8", "pins.jsonl:1"}
    assert "repeats the id of posts.jsonl:1" in reasons["posts.jsonl:7"]
    assert "not JSON" in reasons["posts.jsonl:8"]
    assert "damaged" in reasons["pins.jsonl:1"]
    assert lake.read("artefacts", USER).num_rows == 11


def test_a_run_killed_half_way_goes_on_where_it_was(fresh: Path) -> None:
    write_collection(fresh / "mine", each=1)
    with_state(lambda state: state.set_source(USER, "folder", str(fresh / "mine")))
    program = [str(Path(sys.executable).parent / "qualia"), "run", "--user", USER]
    with subprocess.Popen(
        program, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        lake = Lake(fresh / "lake")
        deadline = time.monotonic() + 120
        while not lake.exists("annotations", USER) and time.monotonic() < deadline:
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    assert lake.exists("annotations", USER)
    written = lake.path("annotations", USER).stat().st_mtime_ns
    done = subprocess.run(program, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert lake.path("annotations", USER).stat().st_mtime_ns == written
    assert lake.exists("metrics", USER)
