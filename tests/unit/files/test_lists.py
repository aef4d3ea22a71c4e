"""Several mappings that fill one list: their union is complete, and none speaks for the others."""

from __future__ import annotations

import pytest

from ingestion.extract import refetch
from ingestion.sources import files

from .conftest import Exports

HEADER = "id,created,status\n"
OPEN, CLOSED = "1,2024-05-01 10:00,open\n", "2,2024-05-01 10:00,closed\n"


def two(exports: Exports, **given: str) -> None:
    """Open and closed tickets, exported apart."""
    exports.mapping(name="open", source="desk", file="open*.csv", **given)
    exports.mapping(name="closed", source="desk", file="closed*.csv", **given)


def test_the_union_of_snapshots_is_the_list(exports: Exports) -> None:
    two(exports)
    exports.file(HEADER + OPEN, "open.csv", 1_800_000_000)
    exports.file(HEADER + CLOSED, "closed.csv", 1_800_000_000)
    assert exports.loaded().landed == 2
    assert exports.loaded().received == 0
    exports.file(HEADER, "open.csv", 1_800_000_100)
    exports.file(HEADER + CLOSED + OPEN.replace("open", "closed"), "closed.csv", 1_800_000_100)
    moved = exports.loaded()
    assert (moved.landed, moved.unchanged, moved.tombstones) == (1, 1, 0)
    assert {key: values["status"] for key, values in exports.current().items()} == {
        "1": "closed",
        "2": "closed",
    }
    exports.file(HEADER + CLOSED, "closed.csv", 1_800_000_200)
    assert exports.loaded().tombstones == 1
    assert list(exports.current()) == ["2"]


def test_an_empty_part_is_a_list_a_missing_one_is_an_error(exports: Exports) -> None:
    two(exports)
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    exports.loaded()
    (exports.folder / "closed.csv").unlink()
    exports.file(HEADER + OPEN.replace("open", "pending"), "open.csv", 1_800_000_000)
    assert "no file matches 'closed*.csv'" in exports.error()
    assert sorted(exports.current()) == ["1", "2"]


def test_an_id_that_two_snapshots_list_is_refused(exports: Exports) -> None:
    two(exports)
    exports.file(HEADER + OPEN, "open.csv", 1_700_000_000)
    path = exports.file(HEADER + CLOSED + OPEN, "closed.csv", 1_700_000_001)
    closed, other = exports.folder / "closed.yml", exports.folder / "open.yml"
    assert exports.error() == (
        f"{path}: line 3: id '1' (id) stands with other content also in open.csv line 2; at {closed}:6: "
        f"{other} lists it too: let `file` or `where` give each row to one of the two"
    )


def test_of_an_id_in_both_the_newest_row_counts_where_a_clock_tells(exports: Exports) -> None:
    two(exports, columns="{created_at: created, status: status, changed_at: at}")
    exports.file("id,created,status,at\n1,2024-05-01 10:00,open,2024-05-01 10:00\n", "open.csv")
    exports.file("id,created,status,at\n1,2024-05-01 10:00,closed,2024-05-03 10:00\n", "closed.csv")
    exports.loaded()
    assert exports.current()["1"]["status"] == "closed"
    exports.file(
        "id,created,status,at\n1,2024-05-01 10:00,open,2024-05-03 10:00\n", "open.csv", 1_800_000_000
    )
    assert "closed.yml lists it too" in exports.error()


def test_two_rows_of_one_change_time_are_refused(exports: Exports) -> None:
    exports.mapping(columns="{created_at: created, status: status, changed_at: at}")
    exports.file(
        "id,created,status,at\n1,2024-05-01 10:00,open,2024-05-01 10:00\n"
        "1,2024-05-01 10:00,open,2024-05-02 10:00\n"
        "1,2024-05-01 10:00,closed,2024-05-02 10:00\n"
    )
    assert "line 4: id '1' (id) stands with other content also in export.csv line 2" in exports.error()


def test_appended_files_of_two_mappings_accumulate(exports: Exports) -> None:
    two(exports, mode="append")
    exports.file(HEADER + OPEN, "open.csv", 1_700_000_000)
    exports.file(HEADER + CLOSED, "closed.csv", 1_700_000_000)
    assert exports.loaded().landed == 2
    exports.file(HEADER + OPEN.replace("open", "closed"), "closed_june.csv", 1_700_000_100)
    later = exports.loaded()
    assert (later.received, later.landed) == (1, 1)
    assert {key: values["status"] for key, values in exports.current().items()} == {
        "1": "closed",
        "2": "closed",
    }


def test_a_changed_id_withdraws_the_rows_of_its_own_mapping_alone(exports: Exports) -> None:
    two(exports, mode="append")
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    exports.loaded()
    (exports.folder / "open.csv").unlink()
    exports.mapping(name="closed", source="desk", file="closed*.csv", mode="append", id="[id, status]")
    assert exports.loaded().tombstones == 1
    assert sorted(exports.current()) == ["1", "2/closed"]


def test_mappings_of_one_list_agree_on_the_mode(exports: Exports) -> None:
    two(exports)
    exports.mapping(name="closed", source="desk", file="closed*.csv", mode="append")
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    assert "open.yml:5: `mode` is snapshot, but" in exports.error()
    assert exports.rows() == []


def test_a_part_that_cannot_be_read_deletes_nothing(exports: Exports) -> None:
    two(exports)
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    exports.loaded()
    path = exports.mapping(name="closed", source="desk", file="closed*.csv", mode="all")
    exports.file(HEADER + OPEN.replace("open", "pending"), "open.csv", 1_800_000_000)
    errors = {result.stream: str(result.error) for result in exports.load()}
    assert errors[""].startswith(f"{path}:5: `mode` is all")
    assert errors["tickets"].endswith(
        "fills one list with closed.yml, which cannot be read; correct that first"
    )
    assert sorted(exports.current()) == ["1", "2"]
    path.unlink()
    assert exports.loaded().tombstones == 1  # a mapping that is gone is no part of the list
    assert list(exports.current()) == ["1"]


def test_what_events_carry_waits_for_a_mapping_that_cannot_be_read(exports: Exports) -> None:
    """It may be the one with the tickets."""
    events = {"entity": "ticket_events", "columns": "{ticket_id: id, event_at: created, status: status}"}
    exports.mapping(name="log", source="desk", mode="append", **events)
    exports.mapping(name="tickets", source="desk", mode="all")
    exports.file(HEADER + OPEN)
    errors = {result.stream: str(result.error) for result in exports.load()}
    assert (
        "whether its events carry the tickets is not known while tickets.yml cannot"
        in errors["ticket_events"]
    )


def test_a_refetch_reads_both(exports: Exports) -> None:
    two(exports)
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    exports.loaded()
    (source,) = files.sources(exports.folder)
    refetch(exports.landing, source)
    assert exports.loaded().landed == 2
    assert exports.loaded().received == 0


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_a_mapping_that_comes_later_joins_the_list(exports: Exports, mode: str) -> None:
    exports.mapping(name="open", source="desk", file="open*.csv", mode=mode)
    exports.file(HEADER + OPEN, "open.csv")
    exports.file(HEADER + CLOSED, "closed.csv")
    exports.loaded()
    two(exports, mode=mode)
    assert (exports.loaded().landed, sorted(exports.current())) == (1, ["1", "2"])
