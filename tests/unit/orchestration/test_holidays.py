"""Which days are off: holidays that landed and those of the rule files, of at least half of the schedules."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ingestion.landing import Landing
from ingestion.landing_format import TIMESTAMP
from orchestration.ground.settings import SettingsError
from orchestration.warehouse.holidays import days_off

NOW = datetime(2026, 3, 2, tzinfo=UTC)
XMAS = {"id": 1, "name": "Christmas", "start_date": "2026-12-25", "end_date": "2026-12-26"}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(folder: Path, *, schedules: str = "", holidays: str = "") -> None:
    (folder / "schedules.csv").write_text(f"source,schedule_id,time_zone\n{schedules}")
    (folder / "holidays.csv").write_text(f"source,schedule_id,first_day,last_day\n{holidays}")


def land(root: Path, *versions: tuple[str, object, bool], stream: str = "schedules") -> Landing:
    """One batch of schedules: id, holidays, whether it is deleted."""
    landing = Landing(root / "landing")
    rows = pa.table(
        {
            "record_id": [schedule for schedule, _, _ in versions],
            "changed_at": pa.array([NOW] * len(versions), TIMESTAMP),
            "deleted": [deleted for _, _, deleted in versions],
            "payload": [json.dumps({"schedule": {}, "holidays": found}) for _, found, _ in versions],
            "fetched_at": pa.array([NOW] * len(versions), TIMESTAMP),
        }
    )
    landing.write(
        source="emea", vendor="zendesk", stream=stream, account=None, spec_version=1, cursors={},
        rows=rows, received=len(versions),
    )  # fmt: skip
    return landing


def test_a_holiday_of_half_the_schedules_is_a_day_off(tmp_path: Path, seeds: Path) -> None:
    second = {**XMAS, "end_date": "2026-12-25"}
    landing = land(tmp_path, ("1", [XMAS], False), ("2", [second], False), ("3", [], False))
    # The 25th is off for two of three, the 26th for one.
    assert days_off(landing, seeds) == {"emea": {date(2026, 12, 25)}}


def test_the_newest_version_counts_and_a_deleted_schedule_does_not(tmp_path: Path, seeds: Path) -> None:
    land(tmp_path, ("1", [XMAS], False), ("2", [], False), ("3", [], False))
    landing = land(tmp_path, ("1", [{**XMAS, "start_date": "2026-12-26"}], False), ("3", [], True))
    assert days_off(landing, seeds) == {"emea": {date(2026, 12, 26)}}


def test_holidays_of_the_rule_files_count_beside_those_that_landed(tmp_path: Path, seeds: Path) -> None:
    landing = land(tmp_path, ("1", [XMAS], False))
    write(
        seeds, schedules="log,9,UTC\n", holidays="log,9,2026-01-01,2026-01-01\nemea,1,2026-01-06,2026-01-06\n"
    )
    assert days_off(landing, seeds) == {
        "emea": {date(2026, 12, 25), date(2026, 12, 26), date(2026, 1, 6)},
        "log": {date(2026, 1, 1)},
    }


@pytest.mark.parametrize(
    "holiday",
    [
        {"start_date": "0001-01-01", "end_date": "9999-12-31"},
        {"start_date": "2026-12-26", "end_date": "2026-12-25"},
        {"start_date": "Christmas", "end_date": None},
        {},
        "2026-12-25",
    ],
)
def test_what_is_no_holiday_is_left_out(tmp_path: Path, seeds: Path, holiday: object) -> None:
    landing = land(tmp_path, ("1", [holiday, XMAS], False))
    assert days_off(landing, seeds) == {"emea": {date(2026, 12, 25), date(2026, 12, 26)}}


def test_a_date_of_the_rules_that_is_none_is_refused(tmp_path: Path, seeds: Path) -> None:
    write(seeds, holidays="log,9,2026-01-01,2026-01-01\nlog,9,2026-02-30,2026-02-30\n")
    with pytest.raises(SettingsError, match=r"holidays\.csv line 3: day is out of range"):
        days_off(Landing(tmp_path / "landing"), seeds)


def test_other_streams_and_sources_have_none(tmp_path: Path, seeds: Path) -> None:
    landing = land(tmp_path, ("1", [XMAS], False), stream="groups")
    assert days_off(landing, seeds) == {}
