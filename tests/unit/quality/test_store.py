"""What the gates decided survives: kills, readers, restarts."""

import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from quality.store import KEPT_ANSWERS, KEPT_BUILDS, Batch, Build, Store
from quality.verdicts import Verdict

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def batch(batch_id: str, **given: object) -> Batch:
    values = {
        "source": "zendesk",
        "vendor": "zendesk",
        "stream": "tickets",
        "batch_id": batch_id,
        "path": f"/landing/{batch_id}.parquet",
        "rows": 3,
        "judged_at": AT,
    }
    return Batch(**(values | given))  # type: ignore[arg-type]


def verdict(subject: str, outcome: str = "failed", **given: object) -> Verdict:
    values = {
        "gate": "landing",
        "subject": subject,
        "expectation": "record_id_is_present",
        "severity": "critical",
        "outcome": outcome,
        "unexpected_count": 3,
        "element_count": 100,
        "examples": ({"row": "7", "record_id": "null"},),
        "message": "3 of 100 rows",
        "source": "zendesk",
        "stream": "tickets",
    }
    return Verdict(**(values | given))  # type: ignore[arg-type]


def test_a_batch_comes_back_as_it_was_put(store: Store) -> None:
    full = batch(
        "b1",
        received=3,
        landed=3,
        duplicates=0,
        unchanged=0,
        tombstones=0,
        first_changed_at=datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC),
        last_changed_at=AT,
        fetched_at=AT,
        day_counts={date(2026, 3, 1): 2, date(2026, 3, 2): 1},
        volume_day=date(2026, 3, 1),
        verdict="held",
        reason="why",
        held_by="landing",
        held_since=AT,
        predecessor="b0",
    )
    store.save_batches([full])
    assert store.batches() == [full]
    assert store.held() == [full]
    assert store.verdicts() == {("zendesk", "tickets", "b1"): "held"}


def test_a_file_of_an_earlier_version_takes_todays_form_with_what_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    with Store(path) as store:
        store.save_batches([batch("b1", verdict="waived", waived_by="ada", waived_why="fine", waived_at=AT)])
    with sqlite3.connect(path) as db:
        [(sql,)] = db.execute("select sql from sqlite_master where name = 'batches'").fetchall()
        old = sql.replace(" held_by text, held_since text, predecessor text,", "").replace(", 'lost'", "")
        assert "held_by" not in old
        assert "lost" not in old
        db.execute("alter table batches rename to b")
        db.execute(old)
        columns = ", ".join(row[1] for row in db.execute("pragma table_info(batches)"))
        db.execute(f"insert into batches select {columns} from b")
        db.execute("drop table b")
    db.close()
    with Store(path) as store:
        [kept] = store.batches()
        assert (kept.verdict, kept.waived_by, kept.predecessor) == ("waived", "ada", None)
        store.save_batches([batch("b2", verdict="lost", predecessor="b1")])
        assert [b.batch_id for b in store.batches(verdict="lost")] == ["b2"]


def test_batches_come_oldest_first_and_filtered(store: Store) -> None:
    store.save_batches([batch("b2", verdict="passed"), batch("b1"), batch("b3", stream="users")])
    assert [b.batch_id for b in store.batches()] == ["b1", "b2", "b3"]
    assert [b.batch_id for b in store.batches(stream="tickets")] == ["b1", "b2"]
    assert [b.batch_id for b in store.batches(verdict="passed")] == ["b2"]


def test_a_new_judgement_replaces_what_its_gate_said_and_leaves_the_others(store: Store) -> None:
    staged = verdict("b1", gate="staged")
    store.save_batches([batch("b1")], [verdict("b1"), verdict("b1", "passed")], gates=("landing",))
    store.save_batches([batch("b1")], [staged], gates=("staged",))
    assert store.results(batch_id="b1") == [verdict("b1"), staged]
    store.save_batches([batch("b1", verdict="passed")], [], gates=("landing",))
    assert store.results(batch_id="b1") == [staged]


def test_waiving_keeps_who_and_why(store: Store) -> None:
    store.save_batches([batch("b1"), batch("b2")])
    [waived] = store.waive(["b1"], why="  the strike of 1 March ", by="ada")
    assert (waived.verdict, waived.waived_why, waived.waived_by) == ("waived", "the strike of 1 March", "ada")
    assert waived.waived_at is not None
    assert [b.batch_id for b in store.held()] == ["b2"]


def test_waiving_needs_a_reason_and_held_batches_only(store: Store) -> None:
    store.save_batches([batch("b1"), batch("b2", verdict="passed")])
    with pytest.raises(ValueError, match="why"):
        store.waive(["b1"], why=" ", by="ada")
    with pytest.raises(LookupError, match="b2, b9"):
        store.waive(["b1", "b2", "b9"], why="because", by="ada")
    assert [b.batch_id for b in store.held()] == ["b1"]


def test_a_forgotten_batch_is_unknown(store: Store) -> None:
    store.save_batches([batch("b1")], [verdict("b1")])
    store.forget(["b1"])
    assert (store.batches(), store.results()) == ([], [])


def test_a_build_keeps_every_result_and_old_builds_go(store: Store) -> None:
    results = [verdict("tickets", gate="marts"), verdict("tickets", "passed", gate="marts")]
    build = Build(build_id="r1", as_of=AT, verdict="held", mart_rows={"tickets": 5}, judged_at=AT)
    store.save_build(build, results)
    assert store.build("r1") == build
    assert not build.passed
    assert store.results(build_id="r1") == results
    assert store.results(build_id="r1", failed_only=True) == results[:1]
    assert store.build("r2") is None
    for n in range(KEPT_BUILDS):
        at = datetime(2026, 4, 1, 0, n % 60, n // 60, tzinfo=UTC)
        store.save_build(Build(build_id=f"x{n}", as_of=at, verdict="passed", mart_rows={}, judged_at=at), [])
    assert store.build("r1") is None
    assert store.results(build_id="r1") == []
    assert store.builds(limit=1)[0].build_id == f"x{KEPT_BUILDS - 1}"


def test_answers_are_kept_and_the_oldest_go(tmp_path: Path) -> None:
    with Store(tmp_path / "control.sqlite") as store, store.known() as known:
        known |= {"a": True, "b": False}
    with sqlite3.connect(tmp_path / "control.sqlite") as db:
        assert db.execute("select count(*) from answers").fetchone() == (2,)
    with Store(tmp_path / "control.sqlite") as store:
        with store.known() as known:
            assert known == {"a": True, "b": False}
            known |= {str(n): True for n in range(KEPT_ANSWERS - 1)}
        with store.known() as known:
            assert len(known) == KEPT_ANSWERS and "b" in known and "a" not in known


def test_a_file_without_answers_gets_them(tmp_path: Path) -> None:
    with Store(tmp_path / "control.sqlite") as store:
        store.save_batches([batch("b1")])
    with sqlite3.connect(tmp_path / "control.sqlite") as db:
        db.execute("drop table answers")
    with Store(tmp_path / "control.sqlite") as store, store.known() as known:
        assert (known, [b.batch_id for b in store.batches()]) == ({}, ["b1"])


def test_the_file_is_private(tmp_path: Path) -> None:
    with Store(tmp_path / "home" / "control.sqlite"):
        mode = (tmp_path / "home" / "control.sqlite").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_reader_sees_the_last_commit_while_a_writer_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    with Store(path) as writer, Store(path) as reader:
        writer.save_batches([batch("b1")])
        with writer._write():
            writer._put(
                "builds",
                {"build_id": "r", "as_of": "", "verdict": "held", "judged_at": "", "mart_rows": "{}"},
            )
            assert [b.batch_id for b in reader.held()] == ["b1"]
            assert reader.build("r") is None


def test_a_failed_write_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.save_batches([batch("b1"), batch("b2", verdict="fine")])
    assert store.batches() == []


_VICTIM = """
import sys, time
from pathlib import Path
from quality.store import Batch, Store
store = Store(Path(sys.argv[1]))
store.save_batches([Batch(source="s", vendor="v", stream="tickets", batch_id="b1", path="p", rows=3)])
with store._write():
    store._db.execute("update batches set verdict = 'passed'")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_kill_9_in_a_write_keeps_what_was_decided_before(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    victim = subprocess.Popen([sys.executable, "-c", _VICTIM, str(path)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline().strip() == "ready"
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    with Store(path) as store:
        assert [b.batch_id for b in store.held()] == ["b1"]
        store.waive(["b1"], why="writes go on", by="test")
