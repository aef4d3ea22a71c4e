"""The nightly job end to end in this process."""

import re

import dagster as dg
import duckdb
import pytest

from orchestration.definitions import build_definitions
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.publication import publish
from orchestration.refresh import Outcome
from tests.homes import NOW


def events(settings: Settings, run_id: str, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        records = instance.get_records_for_run(run_id, of_type=kind).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def test_the_first_refresh_publishes(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    assert outcome.problems == []
    assert outcome.published
    current = publish.current(settings.home / "published")
    assert current is not None
    assert current.as_of == NOW
    assert current.manifest["run_id"] == outcome.facts["run_id"]
    assert {"tickets", "kpi_csat", "publication"} <= current.manifest["marts"].keys()
    assert current.manifest["gate_results"]
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        [(tickets, undescribed)] = con.execute(
            "SELECT (SELECT count(*) FROM tickets),"
            " (SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = '')"
        ).fetchall()
    assert tickets > 50
    assert undescribed == 0


def test_every_declared_asset_and_check_is_reported(refreshed: tuple[Settings, Outcome]) -> None:
    """Nothing is skipped in silence: what the graph declares, the run emitted."""
    settings, outcome = refreshed
    graph = build_definitions(settings).resolve_asset_graph()
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    checked = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert {event.asset_key for event in made} == set(graph.materializable_asset_keys)
    assert {e.asset_check_evaluation_data.asset_check_key for e in checked} == set(graph.asset_check_keys)


def test_long_steps_tell_how_far_they_are(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        entries = instance.all_logs(outcome.facts["run_id"])
    log = [entry.user_message for entry in entries if not entry.is_dagster_event]
    rows = outcome.facts["rows"]
    told = {kind: [line for line in log if line.startswith(kind)] for kind in ("built", "judged")}
    of_tickets = rf"(built|judged) \d+ of \d+: marts\.tickets, {rows['tickets']:,} rows, \d+\.\d s"
    assert sum(re.fullmatch(of_tickets, line) is not None for line in log) == 2
    assert told["judged"][-1].startswith(f"judged {len(rows)} of {len(rows)}: ")
    numbers = [re.match(r"built (\d+) of (\d+): ", line) for line in told["built"]]
    counted = [(int(found[1]), int(found[2])) for found in numbers if found]
    [parsed, models] = sorted({of for _, of in counted})
    assert counted == [
        *((n, parsed) for n in range(1, parsed + 1)),
        *((n, models) for n in range(1, models + 1)),
    ]
    assert any(re.fullmatch(r"zendesk/tickets: \d+ records", line) for line in log)


def test_rows_and_a_number_show_on_each_model(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = {event.asset_key.to_user_string(): event.materialization.metadata for event in made}
    tickets = found["marts/tickets"]
    assert tickets["dagster/row_count"].value == outcome.facts["rows"]["tickets"]
    # What no night changes is not written down every night.
    assert tickets.keys() <= {"dagster/row_count", "seconds", "status", "preview"}
    assert found["raw_zendesk/tickets"]["landed"].value > 50


def test_a_number_of_the_last_whole_month_is_plotted(refreshed: tuple[Settings, Outcome]) -> None:
    """As of 2 March that is February, which no night changes into a number of all time."""
    settings, outcome = refreshed
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = {event.asset_key.path[-1]: event.materialization.metadata for event in made}
    current = publish.current(settings.home / "published")
    assert current is not None
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        [(n, positive)] = con.execute(
            "SELECT count(*), count(*) FILTER (in_numerator)"
            " FROM kpi_cell('kpi_csat', 'month', '2026-02-01', 'all', 'all')"
        ).fetchall()
        [(created,)] = con.execute(
            "SELECT created FROM kpi_volume"
            " WHERE period_grain = 'month' AND period_start = '2026-02-01' AND dimension = 'all'"
        ).fetchall()
    csat, volume = found["kpi_csat"], found["kpi_volume"]
    assert csat["last_month"].value == "2026-02-01"
    assert csat["last_month_n"].value == n > 0
    assert csat["last_month_csat_pct"].value == pytest.approx(100 * positive / n, abs=1e-4)
    assert volume["last_month_created"].value == created
    assert "last_month_n" not in volume


def test_some_rows_of_each_mart_are_shown_and_no_ids(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    shown = {
        event.asset_key.path[-1]: metadata["preview"].value
        for event in made
        if "preview" in (metadata := event.materialization.metadata)
    }
    assert shown.keys() == outcome.facts["rows"].keys()
    for name, table in shown.items():
        head, _, *rows = table.splitlines()
        assert len(rows) == min(10, outcome.facts["rows"][name]) or name.startswith("kpi_"), name
        assert not re.search(r"_(id|hash)\b", head), name
        assert len(table) < 8_000, name
    months = [row.split(" | ")[1] for row in shown["kpi_csat"].splitlines()[2:]]
    assert months == sorted(months, reverse=True)
    assert months[0] == "2026-03-01"


def test_each_column_tells_what_it_is_made_from(refreshed: tuple[Settings, Outcome]) -> None:
    settings, _ = refreshed
    specs = build_definitions(settings).resolve_all_asset_specs()
    found = {spec.key.to_user_string(): spec.metadata for spec in specs}
    schemas = {
        asset: {column.name: column for column in metadata["dagster/column_schema"].columns}
        for asset, metadata in found.items()
        if "dagster/column_schema" in metadata
    }
    assert schemas["marts/tickets"]["ticket_id"].type == "VARCHAR"
    shown = {asset: {name: c.description for name, c in schema.items()} for asset, schema in schemas.items()}
    lineage = {
        asset: {
            column: {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps}
            for column, deps in metadata["dagster/column_lineage"].deps_by_column.items()
        }
        for asset, metadata in found.items()
        if "dagster/column_lineage" in metadata
    }
    assert lineage["marts/tickets"]["first_reply_seconds"] == {
        "core/int_ticket_measures.first_reply_calendar"
    }
    assert "core/int_sla_applied.target_seconds" in lineage["marts/sla_targets"]["target_seconds"]
    assert lineage["marts/kpi_csat"]["csat_pct"] == {"marts/survey_answers.is_positive"}
    assert lineage["staging/stg_zendesk__tickets"]["status"] == {"parse/new_zendesk__tickets.status"}
    assert lineage["parse/new_zendesk__tickets"]["status"] == {"raw_zendesk/tickets.payload"}
    assert shown["marts/tickets"]["first_reply_seconds"].endswith(
        " Made from core/int_ticket_measures: first_reply_calendar."
    )
    # What is named exists; a model is left out whole or named whole.
    for asset, columns in lineage.items():
        assert columns.keys() == shown[asset].keys(), asset
        for origin in set().union(*columns.values()):
            table, _, column = origin.partition(".")
            assert column in shown[table], (asset, origin)
    built = {asset for asset, metadata in found.items() if "compiled_sql" in metadata}
    assert built - lineage.keys() == {"parse/new_zendesk__schedules", "parse/new_freshdesk__business_hours"}
