"""Reloading: every content lands once, absence from a snapshot deletes, nothing is lost on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from ingestion.extract import refetch
from ingestion.landing import BatchInfo
from ingestion.landing_format import SCHEMA
from ingestion.sources import files

from .conftest import Exports

HEADER = "id,created,status\n"
LINES = [f"{i},2024-05-01 10:{i:02d},open\n" for i in range(1, 9)]
CLOCK = "{created_at: created, status: status, changed_at: created}"


def test_a_file_that_did_not_change_is_not_read(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + "".join(LINES))
    assert exports.loaded().landed == 8
    again = exports.loaded()
    assert (again.received, again.batches) == (0, [])


def test_a_copied_file_changes_nothing(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + "".join(LINES))
    exports.loaded()
    exports.file(HEADER + "".join(reversed(LINES)), mtime=1_700_000_500)
    again = exports.loaded()
    assert (again.received, again.unchanged, again.landed) == (8, 8, 0)
    assert len(exports.rows()) == 8
    assert exports.loaded().received == 0


@pytest.mark.parametrize("mode", ["snapshot", "append"])
@pytest.mark.parametrize("columns", [CLOCK, "{created_at: created, status: status}"])
def test_the_first_half_and_then_all_is_all(exports: Exports, mode: str, columns: str) -> None:
    exports.mapping(mode=mode, columns=columns)
    exports.file(HEADER + "".join(LINES[:4]))
    assert exports.loaded().landed == 4
    exports.file(HEADER + "".join(LINES), mtime=1_700_000_500)
    second = exports.loaded()
    assert (second.landed, second.unchanged) == (4, 4)
    assert sorted(exports.current()) == [str(i) for i in range(1, 9)]
    assert len(exports.rows()) == 8


def test_absence_from_a_snapshot_deletes_and_return_brings_back(exports: Exports) -> None:
    exports.mapping(columns=CLOCK)
    exports.file(HEADER + "".join(LINES[:3]), mtime=1_800_000_000)
    exports.loaded()
    exports.file(HEADER + LINES[0] + LINES[2], mtime=1_800_000_100)
    gone = exports.loaded()
    assert (gone.tombstones, gone.landed, gone.unchanged) == (1, 1, 2)
    tombstone = exports.rows()[-1]
    assert (tombstone["record_id"], tombstone["deleted"]) == ("2", True)
    assert tombstone["payload"]["values"] == exports.rows()[1]["payload"]["values"]
    assert tombstone["changed_at"] == datetime.fromtimestamp(1_800_000_100, UTC)
    assert sorted(exports.current()) == ["1", "3"]
    exports.file(HEADER + "".join(LINES[:3]), mtime=1_800_000_200)
    back = exports.loaded()
    assert (back.landed, back.unchanged) == (1, 2)
    assert sorted(exports.current()) == ["1", "2", "3"]
    exports.file(HEADER + LINES[0] + LINES[2], mtime=1_800_000_300)
    assert exports.loaded().tombstones == 1


def test_what_vanishes_is_no_longer_at_fault(exports: Exports) -> None:
    """Neither a row that could not be used, nor one of which a value could not."""
    header = "id,created,status,n\n"
    exports.mapping(columns="{created_at: created, status: status, reopens: n}")
    kept, bad, odd = ["1,2024-05-01 10:01,open,0\n", "2,when,open,0\n", "3,2024-05-01 10:03,open,x\n"]
    exports.file(header + kept + bad + odd)
    exports.loaded()
    exports.file(header + kept, mtime=1_700_000_100)
    exports.loaded()
    gone = {row["record_id"]: row["payload"] for row in exports.rows() if row["deleted"]}
    assert gone["2"] == {}
    assert gone["3"]["values"]["created_at"] == "2024-05-01T10:03:00Z"
    assert gone["3"]["errors"] == []


def test_absence_from_an_appended_file_deletes_nothing(exports: Exports) -> None:
    exports.mapping(mode="append")
    exports.file(HEADER + "".join(LINES[:3]), name="may.csv")
    exports.loaded()
    (exports.folder / "may.csv").unlink()
    assert exports.loaded().received == 0
    exports.file(HEADER + LINES[3], name="june.csv")
    assert exports.loaded().received == 1
    assert sorted(exports.current()) == ["1", "2", "3", "4"]


def test_only_new_files_of_a_growing_folder_are_read(exports: Exports) -> None:
    exports.mapping(mode="append")
    exports.file(HEADER + "".join(LINES[:3]), name="may.csv", mtime=1_700_000_000)
    exports.loaded()
    exports.file(HEADER + LINES[2].replace("open", "solved") + LINES[3], name="june.csv", mtime=1_700_000_100)
    assert exports.loaded().received == 2
    assert {key: values["status"] for key, values in exports.current().items()} == {
        "1": "open",
        "2": "open",
        "3": "solved",
        "4": "open",
    }


def test_a_value_that_goes_back_lands_again(exports: Exports) -> None:
    exports.mapping()
    for night, status in enumerate(("open", "solved", "open")):
        exports.file(HEADER + f"1,2024-05-01 10:00,{status}\n", mtime=1_700_000_000 + night)
        assert exports.loaded().landed == 1
        assert exports.current()["1"]["status"] == status


def test_a_list_put_back_from_a_copy_is_what_was_seen_last(exports: Exports) -> None:
    """Its modification time is older than that of the list it replaces; what it says must still count."""
    exports.mapping()
    for status, mtime in (("open", 1_700_000_000), ("solved", 1_700_000_100), ("pending", 1_600_000_000)):
        exports.file(HEADER + f"1,2024-05-01 10:00,{status}\n", mtime=mtime)
        exports.loaded()
        assert exports.current()["1"]["status"] == status


def test_events_may_be_exported_again_with_corrections(exports: Exports) -> None:
    """Within one export an event's id is unique; a later export may carry it again."""
    exports.mapping(
        mode="append",
        entity="ticket_events",
        columns="{ticket_id: id, event_at: created, status: status}",
    )
    exports.file(HEADER + LINES[0], name="may.csv", mtime=1_700_000_000)
    exports.file(HEADER + LINES[0].replace("open", "solved"), name="june.csv", mtime=1_700_000_100)
    exports.loaded()
    assert exports.current()["1"]["status"] == "solved"


def test_an_older_version_that_comes_again_is_not_news(exports: Exports) -> None:
    exports.mapping(mode="append", columns="{created_at: created, status: status, changed_at: at}")
    header = "id,created,status,at\n"
    old = "1,2024-05-01 10:00,open,2024-05-01 10:00\n"
    new = "1,2024-05-01 10:00,solved,2024-05-02 10:00\n"
    exports.file(header + old + new)
    exports.loaded()
    exports.file(header + old + new + new, mtime=1_700_000_100)
    again = exports.loaded()
    assert (again.landed, again.unchanged, again.duplicates) == (0, 1, 2)
    assert exports.current()["1"]["status"] == "solved"


def test_a_changed_mapping_lands_the_rows_anew_and_back(exports: Exports) -> None:
    """The first mapping's payloads are in the landing already; they must win again when it comes back."""
    exports.file(HEADER + "1,2024-05-01 10:00,weird\n")
    for ours in ("open", "solved", "open"):
        exports.mapping(columns=CLOCK, value_maps=f"{{status: {{weird: {ours}}}}}")
        assert exports.loaded().landed == 1
        assert exports.current()["1"]["status"] == ours


def test_a_changed_id_withdraws_the_rows_under_the_old_one(exports: Exports) -> None:
    exports.mapping(mode="append")
    exports.file(HEADER + "".join(LINES[:2]))
    exports.loaded()
    exports.mapping(mode="append", id="[id, status]")
    assert exports.loaded().tombstones == 2
    assert sorted(exports.current()) == ["1/open", "2/open"]


def test_a_repeated_id_with_other_content_is_refused(exports: Exports) -> None:
    path = exports.mapping()
    export = exports.file(HEADER + LINES[0] + LINES[1] + LINES[0].replace("open", "solved"))
    assert exports.error() == (
        f"{export}: line 4: id '1' (id) stands with other content also in export.csv line 2; at {path}:6: "
        "add a column to `id`, or map `changed_at` so that the newest row counts; if each file is a later "
        "export, let `file` match one of them or use `mode: append`"
    )


def test_a_repeated_id_in_another_file_of_a_snapshot_is_refused(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + LINES[0], name="a.csv", mtime=1_700_000_000)
    exports.file(HEADER + LINES[0].replace("open", "solved"), name="b.csv", mtime=1_700_000_001)
    assert "b.csv: line 2: id '1' (id) stands with other content also in a.csv line 2" in exports.error()


def test_equal_rows_are_duplicates(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + LINES[0] + LINES[0] + LINES[1])
    result = exports.loaded()
    assert (result.received, result.landed, result.duplicates) == (3, 2, 1)


def test_rows_without_an_id_land_once(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + LINES[0] + ",2024-05-01 10:00,open\n")
    exports.loaded()
    exports.file(HEADER + LINES[0] + ",2024-05-01 10:00,open\n", mtime=1_700_000_100)
    assert exports.loaded().unchanged == 2


def test_an_empty_or_missing_snapshot_deletes_nothing(exports: Exports) -> None:
    exports.mapping()
    export = exports.file(HEADER + "".join(LINES))
    exports.loaded()
    exports.file(HEADER, mtime=1_700_000_100)
    assert "the files hold no row, which would delete all 8 that landed" in exports.error()
    export.unlink()
    assert "no file matches '*.csv'" in exports.error()
    assert len(exports.current()) == 8


def test_a_failed_reading_is_read_again_whole(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    """What landed before the failure stays and counts as unchanged; the rest follows."""
    monkeypatch.setattr("ingestion.records.BATCH_ROWS", 3)
    exports.mapping()
    exports.file(HEADER + "".join(LINES[:7]) + '8,"broken\n')
    assert "line 9" in exports.error()
    assert len(exports.rows()) == 6
    exports.file(HEADER + "".join(LINES), mtime=1_700_000_000)
    result = exports.loaded()
    assert (result.unchanged, result.landed) == (6, 2)
    assert sorted(exports.current()) == [str(i) for i in range(1, 9)]


def test_two_questions_of_one_export_share_a_stream(exports: Exports) -> None:
    for name, question in (
        ("csat", "{kind: csat, scale_min: 1, scale_max: 5, positive_from: 4}"),
        ("nps", "{kind: nps}"),
    ):
        exports.mapping(
            name=name,
            source="survey",
            entity="survey_answers",
            columns=f"{{score: {name}, answered_at: at}}",
            question=question,
        )
    exports.file("id,at,csat,nps\n1,2024-05-01 10:00,5,9\n2,2024-05-01 10:00,4,8\n")
    exports.load()
    assert {key: values["score"] for key, values in exports.current().items()} == {
        "1/csat": 5,
        "2/csat": 4,
        "1/nps": 9,
        "2/nps": 8,
    }
    assert exports.landing.streams() == [("survey", "survey_answers")]
    exports.file("id,at,csat,nps\n1,2024-05-01 10:00,5,9\n", mtime=1_700_000_100)
    assert sum(result.tombstones for result in exports.load()) == 2
    assert sorted(exports.current()) == ["1/csat", "1/nps"]


def test_a_missing_cursor_reads_again_and_lands_nothing_twice(exports: Exports) -> None:
    """What `cxmarts refetch` asks for: an empty batch without the files that were read."""
    exports.mapping()
    exports.file(HEADER + "".join(LINES))
    exports.loaded()
    exports.landing.write(
        source="desk",
        vendor="files",
        stream="tickets",
        account=None,
        spec_version=2,
        cursors={},
        rows=SCHEMA.empty_table(),
        received=0,
    )
    again = exports.loaded()
    assert (again.received, again.unchanged) == (8, 8)


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_a_refetch_lands_every_row_again_once_and_knows_what_vanished(exports: Exports, mode: str) -> None:
    """The batches before it no longer count, so that a row that did not change must come again too."""
    exports.mapping(mode=mode)
    exports.file(HEADER + "".join(LINES))
    exports.loaded()
    before = exports.current()
    (source,) = files.sources(exports.folder)
    assert refetch(exports.landing, source) == ["tickets"]
    exports.file(HEADER + "".join([*LINES[1:], LINES[1]]), mtime=1_700_000_100)
    again = exports.loaded()
    vanished = 1 if mode == "snapshot" else 0
    assert (again.landed, again.duplicates, again.tombstones) == (len(LINES) - 1 + vanished, 1, vanished)
    gone = next(iter(before))
    assert exports.current() == {key: v for key, v in before.items() if key != gone or mode == "append"}
    # Once read, it is read: the next night nothing lands.
    assert exports.loaded().landed == 0


def test_a_refetch_of_files_that_are_gone_says_so(exports: Exports) -> None:
    exports.mapping(mode="append")
    path = exports.file(HEADER + LINES[0])
    exports.loaded()
    (source,) = files.sources(exports.folder)
    with pytest.raises(ValueError, match="desk has no stream 'ticket_events'; it has tickets"):
        refetch(exports.landing, source, "ticket_events")
    refetch(exports.landing, source, "tickets")
    path.unlink()
    assert "no file matches" in exports.error()


def test_the_landed_file_is_as_promised(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + LINES[0])
    exports.loaded()
    (path,) = exports.landing.batches("desk", "tickets")
    assert pq.read_schema(path).remove_metadata().equals(SCHEMA)
    payload = pq.read_table(path)["payload"].to_pylist()[0]
    assert list(json.loads(payload)) == ["values", "errors", "reject", "mapping", "raw"]
    info = exports.landing.info(path)
    assert (info.vendor, info.spec_version, info.received) == ("files", 2, 1)
    assert list(info.cursors) == ["desk"]


def test_sources_are_named_by_their_mappings(exports: Exports) -> None:
    exports.mapping(name="a")
    exports.mapping(
        name="b",
        source="a",
        entity="survey_answers",
        columns="{score: s}",
        question="{kind: nps}",
        date_format="",
    )
    exports.mapping(name="c")
    assert [(source.name, source.vendor) for source in files.sources(exports.folder)] == [
        ("a", "files"),
        ("c", "files"),
    ]


# --- batches that a gate holds ----------------------------------------------------------------------


def newest(exports: Exports) -> BatchInfo:
    return exports.landing.info(exports.landing.batches()[-1])


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_a_corrected_mapping_lands_what_was_held_once_more_and_takes_its_place(
    exports: Exports, mode: str
) -> None:
    """Also the rows that read the same: they came in the held batch alone."""
    exports.mapping(mode=mode, value_maps="{status: {open: hold}}")
    exports.file(HEADER + "".join(LINES[:3]))
    [held] = exports.loaded().batches
    exports.mapping(mode=mode, value_maps="{status: {open: hold, closed: closed}}")
    corrected = exports.loaded([held])
    assert (corrected.landed, corrected.unchanged) == (3, 0)
    assert newest(exports).supersedes == (held,)
    # From then on it does not count either.
    exports.file(HEADER + "".join(LINES[:4]), mtime=1_700_000_500)
    assert exports.loaded([held]).landed == 1
    assert newest(exports).supersedes == (held,)


def test_a_corrected_snapshot_takes_the_place_of_the_held_one_with_other_ids(exports: Exports) -> None:
    """The wrong ids were never built from: they are not told as deleted."""
    exports.mapping()
    exports.file(HEADER + LINES[0])
    exports.loaded()
    exports.file(HEADER + "".join(LINES[:2]) + "3x,when,open\n", mtime=1_700_000_100)
    [held] = exports.loaded().batches
    exports.file(HEADER + "".join(LINES[:3]), mtime=1_700_000_200)
    corrected = exports.loaded([held])
    assert (corrected.landed, corrected.unchanged, corrected.tombstones) == (2, 1, 0)
    assert newest(exports).supersedes == (held,)
    assert sorted(exports.current().keys() - {"3x"}) == ["1", "2", "3"]


def test_what_only_a_held_batch_of_appended_files_holds_is_not_given_up(exports: Exports) -> None:
    exports.mapping(mode="append")
    exports.file(HEADER + "".join(LINES[:3]), name="may.csv")
    [held] = exports.loaded().batches
    (exports.folder / "may.csv").unlink()
    exports.mapping(mode="append", value_maps="{status: {open: hold}}")
    exports.file(HEADER + LINES[3], name="june.csv")
    assert exports.loaded([held]).landed == 1
    assert newest(exports).supersedes == ()


@pytest.mark.parametrize("name", ["may.csv", "may_again.csv"])
def test_a_corrected_file_takes_the_place_of_what_it_had_landed(exports: Exports, name: str) -> None:
    """Under the same name whatever it says; under another one where it has all the ids."""
    exports.mapping(mode="append")
    exports.file(HEADER + "".join(LINES[:3]), name="may.csv")
    [held] = exports.loaded().batches
    (exports.folder / "may.csv").unlink()
    kept = LINES[:3] if name == "may_again.csv" else LINES[:2]
    exports.file(HEADER + "".join(kept), name=name, mtime=1_700_000_100)
    exports.file(HEADER + LINES[3], name="june.csv")
    assert exports.loaded([held]).landed == len(kept) + 1
    assert newest(exports).supersedes == (held,)


def test_answers_to_another_question_stay_held(exports: Exports) -> None:
    answers = (
        "file: {0}.csv\nformat: csv\nentity: survey_answers\nsource: poll\nmode: snapshot\nid: id\n"
        "columns: {{score: score}}\n"
        "question: {{id: {0}, kind: csat, scale_min: 1, scale_max: 5, positive_from: {1}}}\n"
    )
    for question in ("speed", "tone"):
        exports.mapping(answers.format(question, 4), name=question)
        exports.file("id,score\n1,5\n", name=f"{question}.csv")
    first, second = exports.loaded().batches
    exports.mapping(answers.format("tone", 5), name="tone")
    assert exports.loaded([first, second]).landed == 1
    assert newest(exports).supersedes == (second,)


def test_a_complete_list_tells_how_long_it_was_and_is(exports: Exports) -> None:
    exports.mapping()
    exports.file(HEADER + "".join(LINES))
    exports.loaded()
    assert newest(exports).listed is None
    exports.file(HEADER + "".join(LINES[:5]), mtime=1_700_000_100)
    exports.loaded()
    assert newest(exports).listed == (8, 5)
