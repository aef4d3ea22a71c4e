"""The code location as the server loads it: its assets, checks, schedule and sensors."""

import re
import subprocess
import sys
from dataclasses import replace

import dagster as dg
import pytest

from ingestion.sources import freshdesk, typeform, zendesk
from orchestration.definitions import build_definitions
from orchestration.ground.settings import Settings
from orchestration.refresh import Outcome
from tests.homes import environment
from tests.parsed import ROOT


@pytest.fixture(scope="module")
def definitions(refreshed: tuple[Settings, Outcome]) -> dg.Definitions:
    return build_definitions(refreshed[0])


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    found = definitions.resolve_all_asset_specs()
    return {spec.key.to_user_string(): spec for spec in found}


def test_the_graph(definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert {spec.group_name for spec in specs.values()} == {
        "landing", "rules", "staging", "core", "marts", "kpis", "books", "published", "consumers",
    }  # fmt: skip
    for key, group in {
        "raw_zendesk/tickets": "landing",
        "raw_files/survey_answers": "landing",
        "parse/new_zendesk__tickets": "staging",
        "staging/stg_zendesk__tickets": "staging",
        "core/int_tickets": "core",
        "marts/tickets": "marts",
        "marts/kpi_csat": "kpis",
        "marts/held_batches": "books",
        "published/publication": "published",
    }.items():
        assert specs[key].group_name == group


def test_every_fetched_stream_is_an_asset(specs: dict[str, dg.AssetSpec]) -> None:
    """What ingestion declares and what dbt reads is the same set."""
    declared = {f"raw_{v.VENDOR.name}/{s.name}" for v in (freshdesk, typeform, zendesk) for s in v.STREAMS}
    shown = {key for key in specs if key.startswith("raw_") and not key.startswith("raw_files/")}
    assert shown == declared


def test_lineage_leads_from_the_landing_to_the_publication(specs: dict[str, dg.AssetSpec]) -> None:
    def upstream(key: str) -> set[str]:
        return {dep.asset_key.to_user_string() for dep in specs[key].deps}

    assert "raw_zendesk/tickets" in upstream("parse/new_zendesk__tickets")
    assert "parse/new_zendesk__tickets" in upstream("staging/stg_zendesk__tickets")
    assert upstream("published/publication") == {
        key for key in specs if key.startswith(("marts/", "restricted/"))
    }
    assert upstream("consumers/webhook") == {"published/publication", "marts/follow_ups"}
    assert specs["consumers/report"].metadata["page"].value == "/report/"
    every = set().union(*(upstream(key) for key in specs))
    assert every <= specs.keys()


def test_people_see_what_they_need(specs: dict[str, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        assert spec.kinds, key
        assert spec.description, key
        # Words of people: no template, no stand-in.
        assert not re.search(r"{{|{%|Raw SQL|^dbt (model|seed)", spec.description), key
        if key.startswith(("marts/", "published/")):
            assert spec.freshness_policy, key


def test_the_sql_that_ran_is_one_click_away(specs: dict[str, dg.AssetSpec]) -> None:
    """Of each model, with nothing left to be filled in; neither streams nor rule files have any."""
    for key, spec in specs.items():
        is_model = "dbt" in spec.kinds and spec.metadata["dagster-dbt/materialization_type"] != "seed"
        told = spec.metadata.get("compiled_sql")
        assert (told is not None) == is_model, key
        if told is not None:
            assert "select" in told.value.lower(), key
            assert "{{" not in told.value, key


def test_whose_records_they_hold_and_who_may_read_them(specs: dict[str, dg.AssetSpec]) -> None:
    def tags(key: str) -> dict[str, str]:
        return {name: tag for name, tag in specs[key].tags.items() if not name.startswith("dagster/")}

    assert tags("raw_zendesk/tickets") == {"vendor": "zendesk", "sensitivity": "personal"}
    assert tags("raw_zendesk/schedules") == {"vendor": "zendesk"}
    assert tags("staging/stg_typeform__responses") == {"vendor": "typeform"}
    assert tags("restricted/follow_ups_restricted") == {"sensitivity": "restricted"}
    assert tags("marts/tickets") == tags("core/int_tickets") == {}


def test_owners(refreshed: tuple[Settings, Outcome], specs: dict[str, dg.AssetSpec]) -> None:
    """Nobody is made up; who is named answers for all that no card gives to somebody else."""
    assert not [key for key, spec in specs.items() if spec.owners]
    owned = build_definitions(replace(refreshed[0], owner="team:care-desk A")).resolve_all_asset_specs()
    assert {tuple(spec.owners) for spec in owned} == {("team:care-desk A",)}


def test_gates_block(definitions: dg.Definitions) -> None:
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec
        for found in definitions.asset_checks or []
        for spec in found.check_specs
    }
    for key in (
        ("raw_zendesk/tickets", "landing_gate"),
        ("parse/new_zendesk__tickets", "staged_gate"),
        ("marts/kpi_nps", "marts_gate"),
    ):
        assert checks[key].blocking


def test_the_schedule_is_in_the_business_zone_and_on_once_a_source_is_set(
    refreshed: tuple[Settings, Outcome], definitions: dg.Definitions
) -> None:
    schedule = definitions.resolve_schedule_def("nightly")
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == refreshed[0].timezone == "America/New_York"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    idle = build_definitions(Settings(home=refreshed[0].home)).resolve_schedule_def("nightly")
    assert idle.default_status == dg.DefaultScheduleStatus.STOPPED


def test_sensors(definitions: dg.Definitions) -> None:
    assert {sensor.name for sensor in definitions.sensors or []} == {
        "run_failures",
        "check_failures",
        "follow_ups",
    }


def test_no_run_shares_a_process_with_great_expectations_until_a_gate_needs_it(
    refreshed: tuple[Settings, Outcome],
) -> None:
    """Definitions load in seconds: what is heavy is imported where it is used."""
    code = (
        "import sys; from orchestration.definitions import build_definitions;"
        "from orchestration.ground.settings import load; build_definitions(load());"
        "print('great_expectations' in sys.modules, 'dbt.task.build' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(refreshed[0].home, CXMARTS_HOME=str(refreshed[0].home)),
        capture_output=True,
        text=True,
        check=True,
        cwd=refreshed[0].home,
    )
    assert done.stdout.split()[0] == "False"


def test_workspace_and_project_name_the_same_module() -> None:
    assert "module_name: orchestration.definitions" in (ROOT / "workspace.yaml").read_text()
    assert (
        'code_location_target_module = "orchestration.definitions"' in (ROOT / "pyproject.toml").read_text()
    )
