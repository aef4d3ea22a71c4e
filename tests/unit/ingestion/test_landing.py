"""The landing on its own: names, order, metadata, privacy."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import landing as module
from ingestion.landing import Landing, LandingError
from ingestion.landing_format import SCHEMA, TIMESTAMP

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def rows(*ids):
    return pa.table(
        {
            "record_id": pa.array(ids, pa.string()),
            "changed_at": pa.array([NOW] * len(ids), TIMESTAMP),
            "deleted": [False] * len(ids),
            "payload": [f'{{"id": {each}}}' for each in ids],
            "fetched_at": pa.array([NOW] * len(ids), TIMESTAMP),
        }
    )


def write(landing, *ids, stream="tickets", **fields):
    given = {
        "source": "zendesk",
        "vendor": "zendesk",
        "account": "acme.zendesk.com",
        "spec_version": 1,
        "cursors": {"": {"cursor": "c"}},
        "received": len(ids),
    }
    return landing.write(stream=stream, rows=rows(*ids), **{**given, **fields})


def test_a_batch_reads_back_as_written(tmp_path):
    landing = Landing(tmp_path / "landing")
    skip = {"second": 5, "ticket_ids": ["1"]}
    info = write(landing, "1", "2", received=4, duplicates=1, unchanged=1, notes=["é"], skipped=[skip])
    assert landing.info(info.path) == info
    assert landing.latest("zendesk", "tickets") == info
    assert info.skipped == (skip,)
    table = pq.read_table(info.path)
    assert table.schema.equals(SCHEMA)
    assert table["batch_id"].to_pylist() == [info.batch_id] * 2
    assert (
        info.path == tmp_path / "landing/zendesk/tickets" / info.path.parent.name / f"{info.batch_id}.parquet"
    )
    assert info.path.parent.name.replace("-", "") == info.batch_id[:8]
    metadata = json.loads(pq.read_metadata(info.path).metadata[b"cxmarts"])
    assert metadata["format"] == 2
    assert metadata["cursors"] == {"": {"cursor": "c"}}


def test_the_footer_tells_whether_all_payloads_are_objects(tmp_path):
    info = write(Landing(tmp_path), "2", "1", "3")
    payloads = pq.read_metadata(info.path).row_group(0).column(SCHEMA.get_field_index("payload"))
    assert (payloads.statistics.min, payloads.statistics.max) == ('{"id": 1}', '{"id": 3}')


def test_files_and_folders_are_private(tmp_path):
    landing = Landing(tmp_path / "home" / "landing")
    info = write(landing, "1")
    assert info.path.stat().st_mode & 0o777 == 0o600
    for folder in list(info.path.parents)[:5]:
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_newest_file_stays_the_newest_when_the_clock_steps_back(tmp_path, monkeypatch):
    landing = Landing(tmp_path)
    first = write(landing, "1")

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Yesterday)
    second = write(Landing(tmp_path), "2", cursors={"": {"cursor": "d"}})
    assert second.batch_id > first.batch_id
    assert Landing(tmp_path).latest("zendesk", "tickets") == second


def test_batches_come_in_order_over_days_and_streams(tmp_path):
    landing = Landing(tmp_path)
    names = [write(landing, "1", stream=stream).batch_id for stream in ("b", "a", "b", "c")]
    old = landing.batches("zendesk", "b")[0]
    moved = old.parents[1] / "2019-01-01" / "20190101T000000000000Z-abcd.parquet"
    moved.parent.mkdir()
    old.rename(moved)
    (moved.parent / "notes.parquet").write_bytes(b"not ours")
    expected = ["20190101T000000000000Z-abcd", *names[1:]]
    assert [path.stem for path in landing.batches()] == expected
    assert [path.stem for path in landing.batches(stream="b")] == [expected[0], names[2]]
    assert landing.streams() == [("zendesk", "a"), ("zendesk", "b"), ("zendesk", "c")]
    assert landing.latest("zendesk", "nope") is None


def test_a_file_is_found_after_the_landing_was_moved(tmp_path):
    noted = write(Landing(tmp_path / "before"), "1").path
    moved = Landing((tmp_path / "before").rename(tmp_path / "after"))
    assert moved.here(str(noted)) == moved.batches()[0]
    assert moved.info(moved.here(noted)).received == 1


def test_an_empty_batch_carries_a_cursor(tmp_path):
    landing = Landing(tmp_path)
    assert write(landing, cursors={"": {"start_time": 5}}).landed == 0
    assert landing.latest("zendesk", "tickets").cursors == {"": {"start_time": 5}}


def test_a_batch_names_the_one_before_it_in_its_stream(tmp_path):
    landing = Landing(tmp_path)
    first, other = write(landing, "1"), write(landing, "1", stream="users")
    second = write(landing, "2")
    assert (first.predecessor, other.predecessor, second.predecessor) == (None, None, first.batch_id)
    assert landing.info(second.path).predecessor == first.batch_id


def test_a_file_of_the_format_without_predecessors_is_read(tmp_path):
    landing = Landing(tmp_path)
    info = write(landing, "1")
    metadata = json.loads(pq.read_metadata(info.path).metadata[b"cxmarts"])
    del metadata["predecessor"]
    rewrite(info.path, metadata | {"format": 1})
    assert landing.info(info.path) == info
    rewrite(info.path, metadata | {"format": 3})
    with pytest.raises(LandingError, match="later version of cxmarts: upgrade"):
        landing.info(info.path)


def rewrite(path, metadata):
    table = pq.read_table(path).replace_schema_metadata({b"cxmarts": json.dumps(metadata).encode()})
    pq.write_table(table, path)


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "Upper"])
def test_a_name_never_leaves_the_landing(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name"):
        write(Landing(tmp_path), "1", stream=name)


def test_a_damaged_file_is_named(tmp_path):
    landing = Landing(tmp_path)
    info = write(landing, "1")
    info.path.write_bytes(info.path.read_bytes()[:-20])
    with pytest.raises(LandingError, match=info.batch_id):
        landing.latest("zendesk", "tickets")


def test_an_unwritable_place_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LandingError, match=r"Cannot write to the landing .* permissions"):
        Landing(tmp_path / "file").prepare()
