"""Verdicts as people read them."""

from quality.report import held_text, markdown, summary, text
from quality.store import Batch
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
    assert "\x1b" not in text([WARN])


def test_text_shows_failures_worst_first() -> None:
    assert text([GOOD, WARN, BAD]).splitlines()[1:] == [
        "BLOCKS zendesk/tickets b1 record_id_is_present: "
        "3 of 100 rows (3.00%) without a record id, e.g. row 7. Refetch it",
        "warns  b2 priority_is_known: 1 of 9 rows with an unknown priority, e.g. priority <b>�[2J",
    ]
    assert "ok     kpi_nps key_is_unique: holds" in text([GOOD], failed_only=False)


def test_held_batches() -> None:
    batch = Batch(
        source="zendesk", vendor="zendesk", stream="tickets", batch_id="b1", path="p", rows=1200, reason="why"
    )
    assert held_text([]) == "No batch is held."
    assert held_text([batch]).splitlines()[1:] == ["b1  zendesk/tickets  1,200 rows", "    why"]
