"""The gates from the outside: files, frames and a store in; verdicts, held batches and builds out."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ingestion.landing import Landing
from ingestion.landing_format import SCHEMA
from quality.contracts import Contract
from quality.gates import batch_groups, judge_batches, judge_marts, judge_staged, lenient
from quality.store import Batch, Store
from quality.verdicts import Verdict

NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
Land = Callable[..., Path]
Files = Callable[[], list[Path]]
Times = Callable[[datetime, int], list[datetime]]


def failures(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    return [
        (v.expectation, v.severity if v.outcome == "failed" else v.outcome) for v in verdicts if not v.success
    ]


def test_a_good_batch_passes_and_is_not_judged_twice(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    path = land(NIGHT, times(NIGHT, 100))
    seen: list[tuple[int, int, str]] = []
    report = judge_batches(store, landing(), progress=lambda *told: seen.append(told))
    [batch] = store.batches()
    assert (batch.verdict, batch.rows, batch.received, batch.path) == ("passed", 100, 100, str(path))
    assert (batch.first_changed_at, batch.last_changed_at) == (
        NIGHT - timedelta(seconds=100),
        NIGHT - timedelta(seconds=1),
    )
    assert all(v.success for v in report.verdicts)
    assert seen == [(1, 1, f"zendesk/tickets/{batch.batch_id}: 100 rows")]
    assert judge_batches(store, landing()).batches == []


def test_rows_that_are_judged_are_let_go(
    store: Store, land: Land, landing: Files, times: Times, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company of a million tickets lands sixty million rows."""
    monkeypatch.setattr("quality.gates.CHUNK_ROWS", 1000)
    for night in range(4):
        land(NIGHT + timedelta(days=night), times(NIGHT, 1000), ids=[f"{n:0>1000}" for n in range(1000)])
    held: list[int] = []
    judge_batches(store, landing(), progress=lambda *_: held.append(pa.total_allocated_bytes()))
    assert max(held) - held[0] < 1_000_000


@pytest.mark.parametrize(("missing", "verdict"), [(1, "passed"), (2, "passed"), (6, "held")])
def test_3_percent_null_ids_hold_the_batch_and_1_percent_warns(
    store: Store, land: Land, landing: Files, times: Times, missing: int, verdict: str
) -> None:
    ids = [None if i < missing else str(i) for i in range(200)]
    land(NIGHT, times(NIGHT, 200), ids=ids)
    report = judge_batches(store, landing())
    assert failures(report.verdicts) == [
        ("record_id_is_present", "critical" if verdict == "held" else "warning")
    ]
    assert store.batches()[0].verdict == verdict
    if verdict == "held":
        [held] = report.held
        assert held.reason == (
            "record_id_is_present: 6 of 200 rows (3.00%) without a record id (up to 1% is a warning), "
            "e.g. row 1, record_id null"
        )
        [said] = [v.message for v in report.verdicts if v.blocks]
        assert said.startswith(
            f"{held.reason.removeprefix('record_id_is_present: ')}. `cxmarts rejected` lists"
        )
        assert "Refetch the stream when" in said
        assert "waive the batch with a reason" in said
        assert "name the source in CXMARTS_ALLOW_STALE" in said
        assert (
            report.faulty[["source", "stream", "batch_id", "reason"]].to_numpy().tolist()
            == [["zendesk", "tickets", held.batch_id, "without a record id"]] * 6
        )
        assert report.faulty["record_id"].isna().all()
    else:
        assert report.faulty.empty
        if missing:
            [said] = [v.message for v in report.verdicts if not v.success]
            assert said.endswith("They stay out of the marts; `rejected_rows` there lists each")


@pytest.mark.parametrize("statistics", [True, False], ids=["footer", "column"])
def test_payloads_that_are_no_objects_hold_the_batch(
    store: Store, land: Land, landing: Files, times: Times, statistics: bool
) -> None:
    good = ['{"id":1}'] * 47
    land(NIGHT, times(NIGHT, 50), payloads=[*good, "<html>", "[1]", None], statistics=statistics)
    land(NIGHT + timedelta(hours=1), times(NIGHT, 47), payloads=good, statistics=statistics)
    bad, fine = judge_batches(store, landing()).batches
    assert (bad.verdict, fine.verdict) == ("held", "passed")
    [found] = store.results(batch_id=bad.batch_id)
    assert (found.expectation, found.unexpected_count) == ("payload_is_an_object", 3)
    assert "<html>" not in repr(found)


def test_change_times_that_are_missing_or_in_the_future(store: Store, land: Land, landing: Files) -> None:
    future = NIGHT + timedelta(minutes=6)
    land(NIGHT, [NIGHT, NIGHT + timedelta(minutes=5), None, future])
    report = judge_batches(store, landing())
    assert failures(report.verdicts) == [
        ("changed_at_is_present", "critical"),
        ("changed_at_is_not_after_the_fetch", "critical"),
    ]
    # A change time in the future does not move how far the stream has come.
    assert store.batches()[0].last_changed_at == NIGHT + timedelta(minutes=5)


def test_the_same_version_twice_with_another_content_warns(store: Store, land: Land, landing: Files) -> None:
    land(NIGHT, [NIGHT, NIGHT, NIGHT], ids=["1", "1", "2"])
    land(NIGHT + timedelta(hours=1), [NIGHT], ids=["1"])
    report = judge_batches(store, landing())
    [warning] = [v for v in report.verdicts if not v.success]
    assert (warning.expectation, warning.severity, warning.unexpected_count) == (
        "versions_are_unique",
        "warning",
        2,
    )
    assert store.held() == []


@pytest.mark.parametrize(
    ("metadata", "expectation"),
    [
        ({"received": 12}, "fetched_equals_landed"),
        ({"received": None}, "fetched_equals_landed"),
        ({"landed": 11, "received": 11}, "file_holds_what_landed"),
    ],
)
def test_counts_that_do_not_add_up_hold_the_batch(
    store: Store, land: Land, landing: Files, times: Times, metadata: dict[str, int], expectation: str
) -> None:
    land(NIGHT, times(NIGHT, 10), **metadata)
    assert failures(judge_batches(store, landing()).verdicts) == [(expectation, "critical")]
    assert [b.verdict for b in store.batches()] == ["held"]


def test_counts_that_add_up_with_drops_and_tombstones_pass(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    # 20 given + 1 vanished = 10 landed + 4 repeats + 7 unchanged.
    land(NIGHT, times(NIGHT, 10), received=20, tombstones=1, duplicates=4, unchanged=7)
    judge_batches(store, landing())
    assert [b.verdict for b in store.batches()] == ["passed"]


def test_an_empty_batch_passes(store: Store, land: Land, landing: Files) -> None:
    land(NIGHT, [])
    judge_batches(store, landing())
    assert [(b.verdict, b.rows, b.last_changed_at) for b in store.batches()] == [("passed", 0, None)]


def test_files_that_cannot_be_read_are_held_and_do_not_stop_the_others(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    torn = land(NIGHT, times(NIGHT, 10))
    torn.write_bytes(torn.read_bytes()[:-20])
    strange = land(NIGHT + timedelta(hours=1), times(NIGHT, 10))
    moved = strange.parents[2] / "users" / strange.parent.name / strange.name
    moved.parent.mkdir(parents=True)
    strange.rename(moved)
    land(NIGHT + timedelta(hours=2), times(NIGHT, 10))
    report = judge_batches(store, landing())
    assert [b.verdict for b in report.batches] == ["held", "held", "passed"]
    assert failures(report.verdicts) == [("file_is_readable", "critical")] * 2
    assert "it belongs to zendesk/tickets" in report.batches[1].reason
    assert "Restore the file" in report.verdicts[0].message


def test_a_held_batch_is_judged_again_every_time_and_passes_when_it_is_whole(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    path = land(NIGHT, times(NIGHT, 10))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    for _ in range(2):
        assert [b.verdict for b in judge_batches(store, landing()).batches] == ["held"]
    path.write_bytes(whole)
    assert [b.verdict for b in judge_batches(store, landing()).batches] == ["passed"]
    assert store.results() == []


def test_a_waived_batch_stays_waived(store: Store, land: Land, landing: Files) -> None:
    land(NIGHT, [NIGHT], ids=[None])
    [held] = judge_batches(store, landing()).held
    store.waive([held.batch_id], why="one test record", by="ada")
    assert judge_batches(store, landing()).batches == []
    assert store.held() == []


def test_a_refetch_supersedes_what_is_held_once_data_landed_again(
    tmp_path: Path, store: Store, land: Land, landing: Files, times: Times
) -> None:
    land(NIGHT, [NIGHT], ids=[None])
    land(NIGHT, [NIGHT], ids=[None], stream="users")
    judge_batches(store, landing())
    land(NIGHT + timedelta(hours=1), [], notes=["refetch since 2026-03-01T00:00:00Z"])
    assert [b.stream for b in judge_batches(store, landing()).held] == ["tickets", "users"]
    land(NIGHT + timedelta(hours=2), times(NIGHT, 10))
    assert [b.stream for b in judge_batches(store, landing()).held] == ["users"]
    assert [b.verdict for b in store.batches(stream="tickets")] == ["superseded", "passed", "passed"]
    assert judge_batches(store, landing()).batches[0].stream == "users"
    with Store(tmp_path / "anew.sqlite") as anew:
        assert [b.stream for b in judge_batches(anew, landing()).held] == ["users"]


def gone(verdicts: list[Verdict]) -> list[str]:
    """The batches that are said to be gone, as a warning."""
    found = [v for v in verdicts if v.expectation == "file_is_there" and not v.success]
    assert all(v.severity == "warning" for v in found)
    return [v.subject for v in found]


def refetched(land: Land, at: datetime, times: Times, note: str = "refetch") -> None:
    """What a refetch leaves in the landing: its mark, then the data."""
    land(at, [], notes=[note])
    land(at + timedelta(hours=1), times(at, 5))


@pytest.mark.parametrize("is_good", [True, False], ids=["passed", "held"])
def test_a_batch_whose_file_is_gone_is_told_until_it_is_refetched(
    store: Store, land: Land, landing: Files, times: Times, is_good: bool
) -> None:
    path = land(NIGHT, [NIGHT - timedelta(days=1)], ids=["1" if is_good else None])
    land(NIGHT + timedelta(hours=1), times(NIGHT, 5))
    judge_batches(store, landing())
    path.unlink()
    for _ in range(2):
        report = judge_batches(store, landing())
        assert gone(report.verdicts) == [path.stem]
        assert report.held == []
    [said] = [v for v in report.verdicts if not v.success]
    assert f"landing/zendesk/tickets/2026-03-02/{path.name} (1 row) is gone" in said.message
    assert "Restore the file from a backup, or `cxmarts refetch zendesk/tickets`" in said.message
    assert [b.verdict for b in store.batches()] == ["lost", "passed"]
    # A refetch of the last hours does not bring back what changed a day before.
    refetched(land, NIGHT + timedelta(days=1), times, "refetch since 2026-03-02T01:00:00Z")
    assert gone(judge_batches(store, landing()).verdicts) == [path.stem]
    refetched(land, NIGHT + timedelta(days=2), times)
    assert gone(judge_batches(store, landing()).verdicts) == []
    assert store.batches()[0].verdict == "superseded"
    assert gone(judge_batches(store, landing()).verdicts) == []


def test_a_file_that_comes_back_is_judged_anew(store: Store, land: Land, landing: Files) -> None:
    path = land(NIGHT, [NIGHT], ids=[None])
    judge_batches(store, landing())
    store.waive([path.stem], why="one test record", by="ada")
    whole = path.read_bytes()
    path.unlink()
    judge_batches(store, landing())
    assert [b.verdict for b in store.batches()] == ["lost"]
    path.write_bytes(whole)
    assert gone(judge_batches(store, landing()).verdicts) == []
    [back] = store.batches()
    assert (back.verdict, back.waived_why) == ("waived", "one test record")


def test_a_lost_file_is_seen_when_nothing_else_remembers_it(tmp_path: Path, store: Store) -> None:
    """A backup that was restored in part: neither the file nor what the gates knew of it."""
    written = Landing(tmp_path / "landing")
    paths = [write(written, f"{n}") for n in range(3)]
    paths[1].unlink()
    for _ in range(2):
        report = judge_batches(store, written.batches())
        assert gone(report.verdicts) == [paths[1].stem]
    [lost] = store.batches(verdict="lost")
    assert (lost.vendor, lost.path) == ("zendesk", str(paths[1]))


def test_a_lost_last_file_needs_no_refetch_as_the_next_fetch_goes_on_from_the_one_before(
    tmp_path: Path, store: Store
) -> None:
    written = Landing(tmp_path / "landing")
    write(written, "1")
    write(written, "2").unlink()
    write(written, "2")
    assert gone(judge_batches(store, written.batches()).verdicts) == []


def test_a_file_that_holds_the_rows_of_others_stands_for_them(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    first = land(NIGHT, times(NIGHT, 5))
    land(NIGHT + timedelta(hours=2), times(NIGHT, 5), predecessor=first.stem)
    first.unlink()
    merged = land(NIGHT + timedelta(hours=1), times(NIGHT, 5), replaces=[first.stem])
    for _ in range(2):
        assert gone(judge_batches(store, landing()).verdicts) == []
    [old] = store.batches(verdict="superseded")
    assert (old.batch_id, old.reason) == (first.stem, f"its rows are in batch {merged.stem}")


@pytest.mark.parametrize("is_remembered", [True, False], ids=["remembered", "after control.sqlite was lost"])
def test_what_a_later_batch_read_again_counts_no_longer(
    tmp_path: Path, store: Store, is_remembered: bool
) -> None:
    written = Landing(tmp_path / "landing")
    held, other = write(written, None), write(written, None)
    if is_remembered:
        assert len(judge_batches(store, written.batches()).held) == 2
    again = write(written, "1", supersedes=[held.stem])
    report = judge_batches(store, written.batches())
    assert [b.batch_id for b in report.held] == [other.stem]
    assert {v.subject for v in report.verdicts if v.blocks} == {other.stem}
    assert set(report.faulty["batch_id"]) == {other.stem}
    [old] = store.batches(verdict="superseded")
    assert (old.batch_id, old.reason) == (held.stem, f"its rows were read again by batch {again.stem}")


@pytest.mark.parametrize(("now", "warns"), [(80, False), (79, True), (150, False)])
def test_a_list_that_shrinks_by_more_than_a_fifth_warns(
    tmp_path: Path, store: Store, now: int, warns: bool
) -> None:
    written = Landing(tmp_path / "landing")
    write(written, "1", listed=(100, now))
    write(written, "1")
    found = [v for v in judge_batches(store, written.batches()).verdicts if not v.success]
    assert [(v.expectation, v.severity) for v in found] == [("list_did_not_shrink", "warning")] * warns
    if warns:
        assert "more than a fifth shorter than before: listed_now 79, listed_before 100" in found[0].message


@pytest.mark.parametrize(
    ("stream", "listed", "holds"),
    [
        ("responses", (100, 49), True),
        ("responses", (100, 50), False),
        ("responses", (99, 0), False),
        ("groups", (100, 0), False),
    ],
)
def test_most_of_many_answers_gone_holds_the_batch(
    tmp_path: Path, store: Store, stream: str, listed: tuple[int, int], holds: bool
) -> None:
    written = Landing(tmp_path / "landing")
    write(written, "1", stream=stream, listed=listed)
    report = judge_batches(store, written.batches())
    assert len(report.held) == holds


def test_a_file_that_cannot_be_read_is_told_under_the_vendor_of_its_source(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    land(NIGHT, times(NIGHT, 5))
    land(NIGHT + timedelta(hours=1), times(NIGHT, 5)).write_bytes(b"torn")
    _, torn = judge_batches(store, landing()).batches
    assert (torn.verdict, torn.vendor) == ("held", "zendesk")


def write(landing: Landing, *ids: str | None, **more: object) -> Path:
    """What ingestion writes."""
    rows = pa.table(
        {
            "record_id": pa.array(ids, pa.string()),
            "changed_at": pa.array([NIGHT] * len(ids), SCHEMA.field("changed_at").type),
            "deleted": pa.array([False] * len(ids), pa.bool_()),
            "payload": pa.array(['{"id":1}'] * len(ids), pa.string()),
            "fetched_at": pa.array([NIGHT] * len(ids), SCHEMA.field("fetched_at").type),
        }
    )
    about = {"source": "emea", "vendor": "zendesk", "stream": "tickets", "account": None, "spec_version": 1}
    given = {**about, "cursors": {}, "received": len(ids), **more}
    return landing.write(rows=rows, **given).path  # type: ignore[arg-type]


def test_what_ingestion_writes_is_what_the_gate_reads(store: Store, tmp_path: Path) -> None:
    landing = Landing(tmp_path / "written")
    write(landing, "1", None, received=3, duplicates=1)
    write(landing, notes=["refetch"])
    assert [b.verdict for b in judge_batches(store, landing.batches()).batches] == ["held", "passed"]
    write(landing, "1")
    assert judge_batches(store, landing.batches()).held == []
    assert [b.vendor for b in store.batches()] == ["zendesk"] * 3


# --- volume ---------------------------------------------------------------------------------------


class Desk:
    """A help desk of 100 tickets a day, fetched every night at two."""

    def __init__(self, store: Store, land: Land, landing: Files, stream: str = "tickets") -> None:
        self.store, self.land, self.landing, self.stream = store, land, landing, stream
        self.number = 0

    def day(self, day: date, n: int) -> list[datetime]:
        start = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
        return [start + timedelta(seconds=600 * i) for i in range(n)]

    def fetch(self, at: datetime, days: dict[date, int], **given: object) -> None:
        changes = [t for day, n in days.items() for t in self.day(day, n)]
        ids = [str(self.number + i) for i in range(len(changes))]
        self.number += len(changes)
        self.land(at, changes, ids=ids, stream=self.stream, **given)

    def first_load(self, until: datetime, days: int = 60) -> None:
        self.fetch(until, {until.date() - timedelta(days=n): 100 for n in range(1, days + 1)})
        judge_batches(self.store, self.landing())
        assert self.store.held() == []

    def judge(self, **given: object) -> list[Batch]:
        return judge_batches(self.store, self.landing(), **given).held  # type: ignore[arg-type]


@pytest.fixture
def desk(store: Store, land: Land, landing: Files) -> Desk:
    return Desk(store, land, landing)


TODAY = NIGHT.date()
NEXT = NIGHT + timedelta(days=1)


def test_a_night_with_40_percent_fewer_tickets_is_held_and_says_so(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 60})
    [held] = desk.judge()
    assert held.volume_day == TODAY
    # Eight Mondays of 100: 100 - 3 * sqrt(100 * (1 + 1.5708 / 8)) = 67.2.
    assert "60 tickets on Monday 2026-03-02, usual 100, limit 67" in held.reason
    [said] = desk.store.results(batch_id=held.batch_id, failed_only=True)[-1:]
    assert "add a holiday to holidays.csv" in said.message


def test_a_usual_night_passes(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 90})
    assert desk.judge() == []


def test_a_night_without_any_ticket_is_noticed_though_nothing_landed(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.land(NEXT, [NEXT - timedelta(hours=1)], stream="users")
    [held] = desk.judge()
    assert (held.stream, held.volume_day) == ("tickets", TODAY)
    assert held.reason.count("0 tickets on Monday") == 1


def test_the_held_day_is_judged_by_itself_again_and_later_nights_by_theirs(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 60})
    [held] = desk.judge()
    desk.fetch(NEXT + timedelta(days=1), {TODAY + timedelta(days=1): 100})
    assert [b.batch_id for b in desk.judge()] == [held.batch_id]
    for n in range(2, 12):
        desk.fetch(NEXT + timedelta(days=n), {TODAY + timedelta(days=n): 100})
    assert [b.batch_id for b in desk.judge()] == [held.batch_id]


def test_a_refetch_brings_the_missing_tickets_and_frees_the_night(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 60})
    assert len(desk.judge()) == 1
    desk.fetch(NEXT + timedelta(hours=1), {}, notes=["refetch"])
    desk.fetch(NEXT + timedelta(hours=2), {TODAY - timedelta(days=1): 100, TODAY: 100})
    assert desk.judge() == []
    assert [b.verdict for b in desk.store.batches()] == ["passed", "superseded", "passed", "passed"]


def test_a_refetch_of_everything_does_not_double_the_history(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NIGHT + timedelta(hours=1), {}, notes=["refetch"])
    desk.fetch(NIGHT + timedelta(hours=2), {TODAY - timedelta(days=n): 100 for n in range(1, 61)})
    desk.fetch(NEXT, {TODAY: 90})
    assert desk.judge() == []
    desk.fetch(NEXT + timedelta(days=1), {TODAY + timedelta(days=1): 60})
    assert len(desk.judge()) == 1


def test_first_loads_never_trip_even_in_pieces(desk: Desk) -> None:
    # Ten records a day at the end of the history look like a collapse; the load is cut in the middle.
    old, late = NIGHT.date() - timedelta(days=90), NIGHT.date()
    desk.fetch(NIGHT, {old + timedelta(days=n): 100 for n in range(60)})
    assert desk.judge() == []
    desk.fetch(NEXT, {late - timedelta(days=n): 10 for n in range(0, 30)})
    assert desk.judge() == []


def test_a_young_stream_is_not_judged(desk: Desk) -> None:
    desk.first_load(NIGHT, days=28)
    desk.fetch(NEXT, {TODAY: 1})
    assert desk.judge() == []


def test_days_off_failed_fetches_and_outages_are_not_judged(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 5})
    assert desk.judge(days_off={"zendesk": {TODAY}}) == []
    desk.fetch(NEXT + timedelta(days=1), {TODAY + timedelta(days=1): 5})
    assert desk.judge(incomplete={("zendesk", "tickets")}) == []
    desk.fetch(NEXT + timedelta(days=12), {TODAY + timedelta(days=12): 5})
    assert desk.judge() == []


def test_the_day_that_is_still_running_is_not_judged(desk: Desk) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NIGHT + timedelta(hours=12), {TODAY: 20})
    assert desk.judge() == []


def test_a_drop_in_a_survey_only_warns(store: Store, land: Land, landing: Files) -> None:
    desk = Desk(store, land, landing, stream="responses")
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 10})
    report = judge_batches(store, landing())
    assert failures(report.verdicts) == [("volume_is_normal_for_the_weekday", "warning")]
    assert report.held == []


def test_a_lost_store_judges_everything_again_and_holds_nothing_for_volume(
    desk: Desk, tmp_path: Path, landing: Files
) -> None:
    desk.first_load(NIGHT)
    desk.fetch(NEXT, {TODAY: 90})
    desk.judge()
    with Store(tmp_path / "new.sqlite") as fresh:
        report = judge_batches(fresh, landing())
        assert [b.verdict for b in report.batches] == ["passed", "passed"]


# --- staged ---------------------------------------------------------------------------------------


def known(store: Store, *batch_ids: str, verdict: str = "passed") -> None:
    store.save_batches(
        Batch(
            source="emea", vendor="zendesk", stream="tickets", batch_id=b, path="p", rows=100,
            verdict=verdict,  # type: ignore[arg-type]
        )
        for b in batch_ids
    )  # fmt: skip


def parsed(batch_id: str, n: int, rejected: int) -> pd.DataFrame:
    at = pd.Timestamp("2026-03-01")
    return pd.DataFrame(
        {
            "batch_id": batch_id,
            "record_id": [f"{batch_id}-{i}" for i in range(n)],
            "changed_at": at,
            "fetched_at": at,
            "deleted": False,
            "reject_reason": [None if i >= rejected else "created_at is no date" for i in range(n)],
            "created_at": [at if i >= rejected else pd.NaT for i in range(n)],
            "status": "open",
            "priority": [None] * n,
        }
    )


def test_a_batch_with_too_many_rejected_rows_is_held_and_its_neighbour_is_not(store: Store) -> None:
    known(store, "b1", "b2")
    report = judge_staged(
        store, "new_zendesk__tickets", pd.concat([parsed("b1", 100, 1), parsed("b2", 100, 3)])
    )
    assert report.held == ["b2"]
    assert [b.batch_id for b in store.held()] == ["b2"]
    assert failures(report.verdicts) == [("rows_are_accepted", "warning"), ("rows_are_accepted", "critical")]
    assert "3 of 100 rows (3.00%) rejected by staging" in store.held()[0].reason
    assert "reject_reason created_at is no date" in store.held()[0].reason
    assert {(v.source, v.stream) for v in report.verdicts} == {("emea", "tickets")}
    assert [v.subject for v in store.results(gate="staged")] == ["b1", "b2"]


def test_what_the_staged_gate_holds_stays_held_until_that_gate_lets_it_pass(
    store: Store, land: Land, landing: Files, times: Times
) -> None:
    batch_id = land(NIGHT, times(NIGHT, 100)).stem
    judge_batches(store, landing())
    judge_staged(store, "new_zendesk__tickets", parsed(batch_id, 100, 50))
    [held] = store.held()
    assert (held.held_by, held.held_since is not None) == ("staged", True)
    [again] = judge_batches(store, landing()).held
    assert (again.reason, again.held_since, again.is_to_be_staged) == (held.reason, held.held_since, True)
    judge_staged(store, "new_zendesk__tickets", parsed(batch_id, 100, 50))
    assert store.held()[0].held_since == held.held_since
    judge_staged(store, "new_zendesk__tickets", parsed(batch_id, 100, 0))
    [passed] = store.batches()
    assert (passed.verdict, passed.reason, passed.held_since) == ("passed", "", None)


def test_a_waived_batch_passes_the_staged_gate_with_its_failures_shown(store: Store) -> None:
    known(store, "b1", verdict="waived")
    report = judge_staged(store, "new_zendesk__tickets", parsed("b1", 100, 50))
    assert report.held == []
    assert store.batches()[0].verdict == "waived"
    assert any(v.blocks for v in report.verdicts)


def test_rows_of_an_unknown_batch_are_refused(store: Store) -> None:
    with pytest.raises(LookupError, match="b9"):
        judge_staged(store, "new_zendesk__tickets", parsed("b9", 10, 0))


def test_batches_are_grouped_within_the_limit() -> None:
    assert batch_groups({"a": 3, "b": 3, "c": 5, "d": 20, "e": 1}, limit=6) == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e"],
    ]
    assert batch_groups({}) == []


# --- marts ----------------------------------------------------------------------------------------

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


ANSWERS = {"survey_answers": Contract(mart="survey_answers", key=("response_id", "question_id"))}


def answers(n: int, **given: object) -> pd.DataFrame:
    values = {
        "source": "typeform",
        "response_id": [str(i) for i in range(n)],
        "question_id": "q",
        "kind": "nps",
        "nps_class": "passive",
        "score": 8.0,
        "scale_min": 0.0,
        "scale_max": 10.0,
        "answered_at": pd.Timestamp(AS_OF).tz_localize(None),
        "sent_at": pd.NaT,
    }
    return pd.DataFrame(values | given)


def test_a_good_build_passes_and_is_remembered(store: Store) -> None:
    report = judge_marts(
        store,
        "r1",
        AS_OF,
        {"survey_answers": answers(5)},
        ANSWERS,
        previous_rows={"survey_answers": 5},
        conservation=conserved(),
        freshness=fresh(),
        rejections=rejections(rejected=1),
    )
    assert failures(report.verdicts) == [("no_row_is_rejected", "warning")]
    assert store.build("r1") == report.build
    assert report.build.passed
    assert report.build.mart_rows == {"survey_answers": 5}
    assert store.results(build_id="r1") == report.verdicts


def conserved(**given: int) -> pd.DataFrame:
    row = {"received": 10, "tombstones": 0, "landed": 9, "duplicates": 1, "unchanged": 0}
    row |= {"staged": 6, "rejected": 1, "superseded": 2} | given
    return pd.DataFrame([{"source": "zendesk", "stream": "tickets", **row}])


def fresh(**given: object) -> pd.DataFrame:
    row = {"age_seconds": 3600.0, "max_age_seconds": 86_400.0, "is_stale_allowed": False} | given
    return pd.DataFrame([{"source": "zendesk", "stream": "tickets", **row}])


def rejections(rejected: int, *, is_stale_allowed: bool = False) -> pd.DataFrame:
    row = {"source": "emea", "stream": "tickets", "batch_id": "b1", "rows": 100, "rejected": rejected}
    return pd.DataFrame([row | {"is_stale_allowed": is_stale_allowed}])


@pytest.mark.parametrize(
    ("given", "expectation", "subject"),
    [
        ({"conservation": conserved(staged=5)}, "landed_equals_staged", "zendesk/tickets"),
        ({"conservation": conserved(received=16)}, "fetched_equals_landed", "zendesk/tickets"),
        ({"freshness": fresh(age_seconds=90_000.0)}, "source_is_fresh", "zendesk/tickets"),
        ({"freshness": fresh(age_seconds=np.nan)}, "source_has_been_fetched", "zendesk/tickets"),
        ({"rejections": rejections(rejected=2)}, "few_rows_are_rejected", "b1"),
        ({"contracts": {**ANSWERS, "kpi_nps": Contract(mart="kpi_nps")}}, "mart_is_there", "kpi_nps"),
    ],
)
def test_what_blocks_a_build(store: Store, given: dict[str, object], expectation: str, subject: str) -> None:
    report = judge_marts(
        store,
        "r1",
        AS_OF,
        [("survey_answers", answers(5))],
        **({"contracts": ANSWERS} | given),  # type: ignore[arg-type]
    )
    assert not report.build.passed
    assert [(v.expectation, v.subject) for v in report.verdicts if v.blocks] == [(expectation, subject)]


def test_a_night_like_the_one_before_asks_great_expectations_nothing(
    store: Store, land: Land, landing: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though more rows came, the marts have others and the sources are older: it is not even imported."""

    def night(build_id: str, at: datetime, rows: int) -> list[tuple[str, str, str]]:
        land(at, [at] * rows, ids=[f"{build_id}{n}" for n in range(rows)])
        landed = judge_batches(store, landing())
        built = judge_marts(
            store,
            build_id,
            AS_OF,
            {"survey_answers": answers(rows)},
            ANSWERS,
            previous_rows={"survey_answers": 5},
            conservation=conserved(),
            freshness=fresh(age_seconds=rows),
            rejections=rejections(rejected=1),
        )
        return failures([*landed.verdicts, *built.verdicts])

    before = night("r1", NIGHT, 5)
    monkeypatch.setattr("quality.runner._engine", lambda: pytest.fail("Great Expectations is asked"))
    assert night("r2", NIGHT + timedelta(days=1), 7) == before == [("no_row_is_rejected", "warning")]


def test_a_stale_source_that_is_allowed_and_a_waived_batch_do_not_block(store: Store) -> None:
    known(store, "b1", verdict="waived")
    report = judge_marts(
        store,
        "r1",
        AS_OF,
        {},
        {},
        freshness=fresh(age_seconds=9e9, is_stale_allowed=True),
        rejections=rejections(rejected=50),
    )
    assert report.build.passed


def test_rejections_that_no_batch_owns_are_judged_per_stream(store: Store) -> None:
    answers_rejected = rejections(rejected=2).assign(batch_id=None, stream="survey_answers")
    report = judge_marts(store, "r1", AS_OF, {}, {}, rejections=answers_rejected)
    [blocking] = [v for v in report.verdicts if v.blocks]
    assert (blocking.subject, blocking.source, blocking.stream) == (
        "emea/survey_answers",
        "emea",
        "survey_answers",
    )


def test_rejections_of_a_source_that_may_lag_do_not_block(store: Store) -> None:
    many = rejections(rejected=50, is_stale_allowed=True)
    report = judge_marts(store, "r1", AS_OF, {}, {}, rejections=many)
    assert failures(report.verdicts) == [("no_row_is_rejected", "warning")]


def test_what_holds_back_a_source_that_may_lag_only_warns(store: Store, land: Land, landing: Files) -> None:
    land(NIGHT, [NIGHT], ids=[None])
    land(NIGHT, [NIGHT], ids=[None], source="emea")
    verdicts = lenient(judge_batches(store, landing()).verdicts, ["emea"])
    said = {v.source: v for v in verdicts if not v.success}
    assert (said["emea"].severity, said["zendesk"].severity) == ("warning", "critical")
    assert said["emea"].message.endswith("the marts keep what had passed of it before")
    assert {b.source for b in store.held()} == {"zendesk", "emea"}


def test_the_faulty_rows_of_held_batches_come_with_all_their_reasons(store: Store) -> None:
    known(store, "b1", "b2", "b3")
    frames = [parsed("b1", 100, 1), parsed("b2", 100, 3), parsed("b3", 50, 0)]
    frames[2].loc[:1, ["created_at", "status"]] = [pd.Timestamp("1970-01-01"), "lost"]
    report = judge_staged(store, "new_zendesk__tickets", pd.concat(frames))
    rows = report.faulty[["batch_id", "record_id", "reason"]].to_numpy().tolist()
    assert rows == [
        ["b2", "b2-0", "created_at is no date"],
        ["b2", "b2-1", "created_at is no date"],
        ["b2", "b2-2", "created_at is no date"],
        ["b3", "b3-0", "with a date before 1990; with an unknown status"],
        ["b3", "b3-1", "with a date before 1990; with an unknown status"],
    ]


def test_a_bad_mart_blocks_and_names_the_row(store: Store) -> None:
    bad = answers(3, score=[8.0, 11.0, 8.0])
    report = judge_marts(store, "r1", AS_OF, {"survey_answers": bad}, ANSWERS)
    [found] = [v for v in report.verdicts if v.blocks]
    assert "response_id 1, question_id q, score 11" in found.message


def test_what_was_said_of_the_same_rows_is_said_again(store: Store) -> None:
    bad = answers(3, score=[8.0, 11.0, 8.0])
    first = judge_marts(store, "r1", AS_OF, {"survey_answers": bad}, ANSWERS)
    told = store.results(gate="marts", build_id="r1", subject="survey_answers")
    asked = [
        verdict for verdict in told if verdict.expectation not in ("rows_did_not_drop", "mart_is_not_emptied")
    ]
    again = judge_marts(
        store, "r2", AS_OF, {}, ANSWERS, kept={"survey_answers": asked}, rows={"survey_answers": 3}
    )
    assert again.build.mart_rows == {"survey_answers": 3}
    assert again.build.verdict == "held"
    assert failures(again.verdicts) == failures(first.verdicts)
    # How many rows there were before is asked anew.
    shrunk = judge_marts(
        store,
        "r3",
        AS_OF,
        {},
        ANSWERS,
        kept={"survey_answers": asked},
        rows={"survey_answers": 3},
        previous_rows={"survey_answers": 9},
    )
    assert ("rows_did_not_drop", "warning") in failures(shrunk.verdicts)


def test_events_after_as_of_block_with_and_without_a_zone(store: Store) -> None:
    late = pd.Timestamp(AS_OF) + pd.Timedelta(seconds=1)
    for at in (late, late.tz_localize(None)):
        report = judge_marts(
            store, "r1", AS_OF, {"survey_answers": answers(2, answered_at=at, sent_at=at)}, ANSWERS
        )
        assert [v.expectation for v in report.verdicts if v.blocks] == ["times_are_not_after_as_of"]


def test_a_shrinking_mart_warns_and_an_emptied_one_blocks_unless_its_card_allows_it(store: Store) -> None:
    def judged(n: int, left_out: int = 0, **card: bool | str) -> list[tuple[str, str]]:
        frames = {"toy": pd.DataFrame({"row": range(n)}), "left_out": pd.DataFrame({"row": range(left_out)})}
        contracts = {"toy": Contract(mart="toy", card=card), "left_out": Contract(mart="left_out")}
        return failures(
            judge_marts(store, "r1", AS_OF, frames, contracts, previous_rows={"toy": 10}).verdicts
        )

    assert judged(8) == []
    assert judged(7) == [("rows_did_not_drop", "warning")]
    assert judged(0) == [("rows_did_not_drop", "warning"), ("mart_is_not_emptied", "critical")]
    assert judged(0, may_be_empty=True) == [("rows_did_not_drop", "warning")]
    assert judged(0, may_shrink=True) == []
    blocked = judged(0)
    assert judged(0, empties_into="left_out") == blocked
    assert judged(0, 1) == blocked
    assert judged(0, 1, empties_into="left_out") == [("rows_did_not_drop", "warning")]
