"""Business time from a ticket's creation to its first reply, against examples worked out by hand."""

from __future__ import annotations

import pytest

from .warehouse import Warehouse
from .zendesk_records import (
    ALWAYS,
    MONDAY,
    NEW_YORK,
    OFFICE,
    SUNDAY,
    TUESDAY,
    Account,
    assign_schedule,
    comment,
    hours,
)

BREAKS = hours(range(1, 6), "09:00", "12:00") + hours(range(1, 6), "13:00", "17:00")
NIGHT = hours([MONDAY], "22:00", "24:00") + hours([TUESDAY], "00:00", "06:00")
TOUCHING = hours([TUESDAY], "09:00", "12:00") + hours([TUESDAY], "12:00", "17:00")
OVERLAPPING = (
    hours([TUESDAY], "09:00", "13:00")
    + hours([TUESDAY], "12:00", "17:00")
    + hours([TUESDAY], "10:00", "10:00")
)
# Until 2 June: Mondays and Fridays 09:00 to 17:00. From 3 June: Mondays 08:00 to 12:00.
# From 17 June: a shift past midnight.
SCHEDULES = """source,schedule_id,time_zone,weekday,opens,closes,is_default,valid_from,valid_to
seeded,s1,Australia/Sydney,1,09:00,17:00,true,,2024-06-03
seeded,s1,Australia/Sydney,5,09:00,17:00,true,,2024-06-03
seeded,s1,Australia/Sydney,1,08:00,12:00,true,2024-06-03,2024-06-10
seeded,s1,Australia/Sydney,1,22:00,30:00,true,2024-06-17,
"""
EMPTY = hours([TUESDAY], "09:00", "09:00")

# name: (zone, weekly intervals, holidays, created, answered, business minutes)
CASES = {
    "spring_weekend": (NEW_YORK, OFFICE, (), "2024-03-08T21:30Z", "2024-03-11T14:15Z", 105),
    "autumn_weekend": (NEW_YORK, OFFICE, (), "2024-11-01T20:30Z", "2024-11-04T15:00Z", 90),
    "always_25_hours": ("Berlin", ALWAYS, (), "2024-10-26T22:00Z", "2024-10-27T23:00Z", 1500),
    "always_23_hours": ("Berlin", ALWAYS, (), "2024-03-30T23:00Z", "2024-03-31T22:00Z", 1380),
    "always_over_the_week": ("Berlin", ALWAYS, (), "2024-06-07T12:34Z", "2024-06-10T12:34Z", 4320),
    "hour_skipped": (
        "Berlin",
        hours([SUNDAY], "01:00", "04:00"),
        (),
        "2024-03-30T12:00Z",
        "2024-03-31T12:00Z",
        120,
    ),
    "hour_twice": (
        "Berlin",
        hours([SUNDAY], "01:00", "04:00"),
        (),
        "2024-10-26T12:00Z",
        "2024-10-27T12:00Z",
        240,
    ),
    "opens_in_the_gap": (
        "Berlin",
        hours([SUNDAY], "02:30", "04:00"),
        (),
        "2024-03-30T12:00Z",
        "2024-03-31T12:00Z",
        60,
    ),
    "sydney": ("Sydney", OFFICE, (), "2024-01-07T21:30Z", "2024-01-08T01:00Z", 180),
    "kolkata": ("Kolkata", OFFICE, (), "2024-06-04T03:30Z", "2024-06-04T04:00Z", 30),
    "hong_kong": ("Hong Kong", OFFICE, (), "2024-06-04T00:30Z", "2024-06-04T03:00Z", 120),
    "kiritimati_holiday": (
        "Pacific/Kiritimati",
        OFFICE,
        ("2024-12-25",),
        "2024-12-23T22:00Z",
        "2024-12-25T20:00Z",
        360,
    ),
    # Samoa went from Thursday, 29 December 2011, to Saturday: 8 hours on Thursday, 3 on Monday.
    "day_skipped": ("Pacific/Apia", OFFICE, (), "2011-12-29T19:00Z", "2012-01-01T22:00Z", 660),
    "always_over_the_skipped_day": (
        "Pacific/Apia",
        ALWAYS,
        (),
        "2011-12-29T00:00Z",
        "2012-01-01T00:00Z",
        4320,
    ),
    "new_york_holiday": (NEW_YORK, OFFICE, ("2024-12-25",), "2024-12-24T20:00Z", "2024-12-26T15:00Z", 180),
    "closed_all_through": (NEW_YORK, OFFICE, (), "2024-06-08T14:00Z", "2024-06-09T14:00Z", 0),
    "two_years": (NEW_YORK, OFFICE, (), "2022-01-03T14:00Z", "2024-01-08T14:00Z", 252_000),
    "lunch": ("London", BREAKS, (), "2024-06-04T12:30Z", "2024-06-04T17:30Z", 210),
    "night_shift": ("London", NIGHT, (), "2024-06-03T20:00Z", "2024-06-04T07:00Z", 480),
    "touching": ("London", TOUCHING, (), "2024-06-04T00:00Z", "2024-06-04T23:00Z", 480),
    "overlapping": ("London", OVERLAPPING, (), "2024-06-04T00:00Z", "2024-06-04T23:00Z", 480),
    "zero_length": ("London", EMPTY, (), "2024-06-04T00:00Z", "2024-06-04T23:00Z", 0),
    "rails_name": ("Copenhagen", OFFICE, (), "2024-06-04T06:30Z", "2024-06-04T07:30Z", 30),
    "seconds": ("London", OFFICE, (), "2024-06-04T15:59:13Z", "2024-06-05T08:00:01Z", 48 / 60),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("business_time"))
    for name, (zone, intervals, holidays, created, answered, _) in CASES.items():
        account = Account(name)
        account.schedule(1, zone, intervals, holidays=holidays)
        account.ticket(1, created, comment(answered))
        account.land(warehouse)

    unfinished = Account("unfinished")
    unfinished.schedule(1, NEW_YORK, OFFICE)
    unfinished.ticket(1, "2024-06-04T14:00")
    unfinished.land(warehouse)

    without = Account("no_schedule")
    without.ticket(1, "2024-06-04T14:00", comment("2024-06-04T15:00"))
    without.land(warehouse)

    switched = Account("switched")
    switched.schedule(1, NEW_YORK, OFFICE)
    switched.schedule(2, NEW_YORK, ALWAYS, created="2021-01-01T00:00")
    switched.ticket(
        1, "2024-06-04T13:00", assign_schedule("2024-06-05T16:00", 2), comment("2024-06-05T22:00")
    )
    # Office to 15:00, always to 17:00, office to 20:00, always after: 120 + 120 + 180 + 120 minutes.
    switched.ticket(
        2,
        "2024-06-08T13:00",
        assign_schedule("2024-06-10T15:00", 2),
        assign_schedule("2024-06-10T17:00", 1),
        assign_schedule("2024-06-10T20:00", 2),
        comment("2024-06-10T22:00"),
    )
    switched.land(warehouse)

    nowhere = Account("nowhere")
    nowhere.schedule(1, "Middle of Nowhere", OFFICE)
    nowhere.ticket(1, "2024-06-04T14:00", comment("2024-06-04T15:00"))
    nowhere.land(warehouse)

    edited = Account("edited")
    edited.schedule(1, "London", hours([TUESDAY], "09:00", "17:00"))
    edited.schedule(1, "London", hours([TUESDAY], "09:00", "12:00"), at="2024-06-05T00:00")
    edited.ticket(1, "2024-06-04T00:00", comment("2024-06-11T23:00"))
    edited.land(warehouse)
    warehouse.build("2025-02-01T00:00:00Z", select=["+tickets", "+rejected_rows"])
    return warehouse


@pytest.fixture(scope="module")
def minutes(warehouse: Warehouse) -> dict[str, float | None]:
    return dict(
        warehouse.query(
            "select source, first_reply_business_seconds / 60 from marts.tickets where ticket_id = '1'"
        )
    )


@pytest.mark.parametrize("name", CASES)
def test_business_minutes(minutes: dict[str, float | None], name: str) -> None:
    assert minutes[name] == pytest.approx(CASES[name][-1], abs=1e-9)


def test_an_unfinished_measure_is_null_and_so_is_one_without_a_schedule(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select source, first_reply_seconds, first_reply_business_seconds, "
        "first_reply_business_seconds_last_schedule "
        "from marts.tickets where source in ('unfinished', 'no_schedule') order by source"
    ) == [("no_schedule", 3600.0, None, None), ("unfinished", None, None, None)]


def test_a_switched_schedule_counts_by_both_conventions(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select first_reply_business_seconds / 60, first_reply_business_seconds_last_schedule / 60 from "
        "marts.tickets "
        "where source = 'switched' order by ticket_id"
    ) == [(1020, 1980), (120 + 120 + 180 + 120, 3420)]


def test_an_edited_schedule_counts_by_the_version_in_force(minutes: dict[str, float | None]) -> None:
    assert minutes["edited"] == 480 + 180


def test_an_unknown_zone_is_refused_with_a_reason(warehouse: Warehouse) -> None:
    [(source, reason)] = warehouse.query(
        "select source, reason from marts.rejected_rows where stream = 'zendesk__schedules'"
    )
    assert source == "nowhere"
    assert "time_zone" in reason
    assert warehouse.query(
        "select first_reply_seconds, first_reply_business_seconds from marts.tickets where source = 'nowhere'"
    ) == [(3600.0, None)]


@pytest.fixture(scope="module")
def new_year(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The oldest ticket came on 31 December by its schedule, on 1 January by UTC; one source has seeds."""
    warehouse = Warehouse(tmp_path_factory.mktemp("new_year"), rules={"schedules.csv": SCHEDULES})
    account = Account("new_year")
    account.schedule(1, NEW_YORK, ALWAYS)
    account.ticket(1, "2024-01-01T01:00", comment("2024-01-01T07:00"))
    account.land(warehouse)
    seeded = Account("seeded")
    seeded.ticket(1, "2024-05-30T12:00", comment("2024-05-31T12:00"))
    seeded.ticket(2, "2024-06-02T12:00", comment("2024-06-03T12:00"))
    seeded.ticket(3, "2024-06-17T12:00", comment("2024-06-18T12:00"))
    seeded.land(warehouse)
    warehouse.build("2025-02-01T00:00:00Z", select=["+tickets", "+rejected_rows"])
    return warehouse


def seeded_hours(warehouse: Warehouse, ticket_id: int) -> float | None:
    [(hours,)] = warehouse.query(
        "select first_reply_business_seconds / 3600 from marts.tickets where source = 'seeded' and "
        f"ticket_id = '{ticket_id}'"
    )
    return hours


def test_the_first_hours_of_the_first_year_are_on_the_calendar(new_year: Warehouse) -> None:
    assert new_year.query(
        "select first_reply_business_seconds / 3600 from marts.tickets where source = 'new_year'"
    ) == [(6.0,)]


def test_a_seeded_schedule(new_year: Warehouse) -> None:
    assert seeded_hours(new_year, 1) == 8


def test_a_seeded_schedule_changes_on_its_local_date(new_year: Warehouse) -> None:
    """Monday 3 June begins on Sunday in UTC: the new hours, 08:00 to 12:00, hold from their first minute."""
    assert seeded_hours(new_year, 2) == 4


def test_a_seeded_shift_past_midnight(new_year: Warehouse) -> None:
    assert seeded_hours(new_year, 3) == 8
