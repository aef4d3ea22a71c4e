"""Real exports, landed by mappings, against figures worked out by other routes."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import files
from ingestion.streams import StreamResult

REPOSITORY = Path(__file__).parents[3]
EXAMPLE = REPOSITORY / "sandbox/examples/servicenow"
EXPORT = "incident_event_log.csv.gz"
MAPPINGS = Path(__file__).parent / "mappings"
SHARED = REPOSITORY / "../shared/data"


def load(mappings: Path, landing: Landing) -> dict[tuple[str, str], StreamResult]:
    results = fetch(files.sources(mappings), landing).streams
    for each in results:
        assert each.error is None, each.error
        assert each.received + each.tombstones == each.landed + each.duplicates + each.unchanged
    return {(each.source, each.stream): each for each in results}


SLA = '[{"metric": "VARCHAR", "due_at": "TIMESTAMPTZ", "ended_at": "TIMESTAMPTZ", "verdict": "VARCHAR"}]'


def query(landing: Landing, stream: str, sql: str) -> list[tuple[Any, ...]]:
    """Run SQL over `landed`: what stands in the payloads of one `source/stream`."""
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        database.execute(f"""
            create view landed as
            select record_id, deleted, payload->'values' as v, payload->>'reject' as reject,
                   (v->>'created_at')::timestamptz as created_at,
                   (v->>'resolved_at')::timestamptz as resolved_at,
                   (v->>'first_reply_at')::timestamptz as first_reply_at,
                   (v->>'answered_at')::timestamptz as answered_at,
                   (v->>'score')::double as score,
                   from_json(v->'sla', '{SLA}') as sla
            from read_parquet('{landing.root}/{stream}/*/*.parquet')""")
        return database.execute(sql).fetchall()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    if not SHARED.is_dir():
        pytest.skip(f"needs the real exports in {SHARED}")
    landing = Landing(tmp_path_factory.mktemp("shared"))
    load(MAPPINGS, landing)
    return landing


def test_nothing_of_the_real_exports_is_rejected(shared: Landing) -> None:
    landed = {
        (source, stream): sum(shared.info(path).landed for path in shared.batches(source, stream))
        for source, stream in shared.streams()
    }
    assert landed == {
        ("helpdesk_italian", "ticket_events"): 10_718 - 64,  # equal rows, as `sort | uniq -d` counts them
        ("limesurvey", "survey_answers"): 2 * 253,
        ("nps_bank", "survey_answers"): 2465,
        ("preppin_050", "survey_answers"): 26,
        ("surveymonkey_comma", "survey_answers"): 1129,
        ("surveymonkey_weather", "survey_answers"): 928,
        ("technical_support", "survey_answers"): 1181,
        ("technical_support", "tickets"): 1181,
        ("volvo_problems", "ticket_events"): 6660,
    }
    for path in shared.batches():
        assert shared.info(path).notes == ()
    for source, stream in shared.streams():
        assert query(
            shared, f"{source}/{stream}", "select count(*) from landed where reject is not null"
        ) == [(0,)]


def test_bank_nps_by_market(shared: Landing) -> None:
    sql = """
        select v->>'segment', round(100 * (avg((score >= 9)::int) - avg((score <= 6)::int)), 4), count(*)
        from landed group by rollup (v->>'segment') order by 1 nulls first"""
    rows = query(shared, "nps_bank/survey_answers", sql)
    assert rows == [(None, 12.8195, 2465), ("MEX", 13.2121, 825), ("UK", 9.697, 825), ("US", 15.5828, 815)]


def test_bank_dates_are_day_first(shared: Landing) -> None:
    """Many would also parse as month first, and then spread over the whole year."""
    sql = "select min(answered_at)::date::text, max(answered_at)::date::text from landed"
    assert query(shared, "nps_bank/survey_answers", sql) == [("2021-01-01", "2021-06-30")]


def test_technical_support_first_response(shared: Landing) -> None:
    sql = "select count(*), round(median(epoch(first_reply_at - created_at)) / 60, 3) from landed"
    assert query(shared, "technical_support/tickets", sql) == [(1181, 5.667)]


@pytest.mark.parametrize(
    ("metric", "ended", "met", "running"),
    [("first_reply", 1176, 1009, 5), ("total_resolution", 950, 834, 231)],
)
def test_technical_support_targets_judged_by_their_times(
    shared: Landing, metric: str, ended: int, met: int, running: int
) -> None:
    sql = f"""
        select count(ended_at), count(*) filter (ended_at <= due_at), count(*) filter (ended_at is null),
               count(verdict)
        from (select unnest(sla, recursive := true) from landed) where metric = '{metric}'"""
    assert query(shared, "technical_support/tickets", sql) == [(ended, met, running, 0)]


def test_technical_support_csat(shared: Landing) -> None:
    sql = "select count(score), round(100 * avg((score >= 4)::int), 4) from landed where score is not null"
    assert query(shared, "technical_support/survey_answers", sql) == [(560, 55.7143)]


def test_limesurvey_labelled_scale_ends(shared: Landing) -> None:
    """219 of 253 answered; 7 said "0 - Not at all satisfied", 5 "10 - Completely satisfied"."""
    counts = (f"count(*) filter (score {which})" for which in ("is not null", "= 0", "= 10", ">= 8"))
    sql = f"select {', '.join(counts)} from landed where record_id like '%/limesurvey'"
    assert query(shared, "limesurvey/survey_answers", sql) == [(219, 7, 5, 75)]


@pytest.fixture(scope="module")
def servicenow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Landing]]:
    """The shipped example, landed once, with a folder of its own so that its export may be replaced."""
    folder = tmp_path_factory.mktemp("servicenow")
    shutil.copytree(EXAMPLE, folder / "exports")
    landing = Landing(folder / "landing")
    result = load(folder / "exports", landing)["servicenow", "ticket_events"]
    assert (result.received, result.landed, result.notes) == (119_998, 119_998, [])
    yield folder / "exports", landing


INCIDENTS = """
    with ordered as (
        select *, row_number() over (
            partition by v->>'ticket_id'
            order by (v->>'sequence')::int desc, (v->>'event_at')::timestamptz desc
        ) as place
        from landed where reject is null
    ),
    incidents as (select * from ordered where place = 1)
"""


def test_servicenow_incidents(servicenow: tuple[Path, Landing]) -> None:
    sql = f"""{INCIDENTS}
        select count(*), count(resolved_at),
               median(epoch(resolved_at - created_at) / 3600),
               round(100 * avg((list_filter(sla, x -> x.metric = 'vendor')[1].verdict = 'met')::int), 2)
        from incidents"""
    assert query(servicenow[1], "servicenow/ticket_events", sql) == [(20_769, 19_351, 24.6, 60.64)]


def test_servicenow_states(servicenow: tuple[Path, Landing]) -> None:
    sql = "select v->>'status' as status, count(*) from landed group by all order by 2 desc"
    assert query(servicenow[1], "servicenow/ticket_events", sql) == [
        ("open", 33_582),
        ("new", 30_229),
        ("solved", 21_500),
        ("closed", 20_825),
        ("pending", 12_884),
        ("hold", 976),  # vendor 557, problem 400, evidence 19
        (None, 2),  # -100
    ]


def test_servicenow_reloaded(servicenow: tuple[Path, Landing]) -> None:
    exports, whole = servicenow
    os.utime(exports / EXPORT, (2_000_000_000, 2_000_000_000))
    again = load(exports, whole)["servicenow", "ticket_events"]
    assert (again.landed, again.unchanged) == (0, 119_998)


def test_servicenow_in_two_steps(tmp_path: Path) -> None:
    """Landing the first half and then all of it ends with the rows that landing all of it ends with."""
    lines = gzip.decompress((EXAMPLE / EXPORT).read_bytes()).splitlines(keepends=True)

    def landed(landing: Landing, end: int) -> StreamResult:
        """Lands the first lines; each export is later than the one before."""
        folder = tmp_path / "exports"
        folder.mkdir(exist_ok=True)
        shutil.copy(EXAMPLE / "servicenow.yml", folder)
        (folder / EXPORT).write_bytes(gzip.compress(b"".join(lines[:end]), compresslevel=1))
        os.utime(folder / EXPORT, (2_000_000_000 + end, 2_000_000_000 + end))
        return load(folder, landing)["servicenow", "ticket_events"]

    steps, at_once = Landing(tmp_path / "steps"), Landing(tmp_path / "at_once")
    assert landed(steps, 10_001).landed == 10_000
    second = landed(steps, 20_001)
    assert (second.landed, second.unchanged) == (10_000, 10_000)
    assert landed(at_once, 20_001).landed == 20_000

    digest = """
        select count(*), count(distinct record_id), bit_xor(hash(record_id, deleted, v::varchar))
        from landed"""
    expected = query(at_once, "servicenow/ticket_events", digest)
    assert query(steps, "servicenow/ticket_events", digest) == expected
