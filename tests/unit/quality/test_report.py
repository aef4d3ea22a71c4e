"""Verdicts as people read them."""

from datetime import UTC, datetime
from typing import Any

from quality.report import batch_text, markdown, summary
from quality.store import Batch, BatchVerdict
from quality.verdicts import Verdict

BAD = Verdict(
    gate="landing",
    subject="b1",
    expectation="record_id_is_present",
    severity="critical",
    outcome="failed",
    element_count=100,
    unexpected_count=3,
    examples=({"row": "7", "record_id": "null"},),
    observed="3 of 100",
    message="3 of 100 rows (3.00%) without a record id, e.g. row 7. Refetch it",
    what_to_do="Refetch it",
    source="zendesk",
    stream="tickets",
)
WARN = Verdict(
    gate="staged",
    subject="b2",
    expectation="priority_is_known",
    severity="warning",
    outcome="failed",
    examples=({"priority": "<b>|x|</b>\x1b[2J"},),
    message="1 of 9 rows with an unknown priority, e.g. priority <b>\x1b[2J",
)
ERROR = Verdict(
    gate="marts",
    subject="tickets",
    expectation="e",
    severity="critical",
    outcome="error",
    message="no column n",
)
GOOD = Verdict(
    gate="marts", subject="kpi_nps", expectation="key_is_unique", severity="critical", outcome="passed"
)


def test_the_summary_counts() -> None:
    assert summary([GOOD, BAD, WARN]) == "3 expectations: 1 hold, 1 warn, 1 block"
    assert summary([ERROR]).endswith("1 block, 1 of these could not be checked")


def test_the_table_says_which_rows_how_many_an_example_and_what_to_do() -> None:
    lines = markdown([GOOD, WARN, BAD]).splitlines()
    assert "record\\_id\\_is\\_present" in lines[4]
    assert lines[4] == (
        "| zendesk/tickets b1 | record\\_id\\_is\\_present | critical | failed | 3 of 100 | "
        "row 7, record\\_id null | Refetch it |"
    )
    assert "kpi\\_nps" in lines[6]
    assert "kpi" not in markdown([GOOD, BAD], failed_only=True)
    assert "no column n" in markdown([ERROR])


def test_values_of_a_source_become_neither_markup_nor_terminal_codes() -> None:
    table = markdown([WARN])
    assert "<b>" not in table
    assert "\\|x\\|" in table
    assert "\x1b" not in batch_text(batch("held"), [WARN])


def batch(verdict: BatchVerdict, **given: Any) -> Batch:
    about = {"source": "zendesk", "vendor": "zendesk", "stream": "tickets", "batch_id": "b1", "path": "p"}
    return Batch(**about, rows=1200, verdict=verdict, **given)


def test_a_held_batch_tells_each_failure_once_with_its_rows() -> None:
    since = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
    assert batch_text(batch("held", held_since=since, reason="not told twice"), [BAD]).splitlines() == [
        "held    zendesk/tickets b1 1,200 rows since 2026-03-02 02:05Z",
        "        record_id_is_present: 3 of 100 rows (3.00%) without a record id, e.g. row 7. Refetch it",
        "          row 7, record_id null",
        "          and 2 more: `cxmarts rejected zendesk`",
    ]


def test_a_waived_batch_tells_why() -> None:
    assert batch_text(batch("waived", waived_why="a strike")) == (
        "waived  zendesk/tickets b1 1,200 rows: a strike"
    )
