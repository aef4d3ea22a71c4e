"""Gate 1: batches as they landed, judged on their envelope. The payload is never looked into."""

from __future__ import annotations

from typing import Final

from quality.verdicts import Expectation, Suite

OWNER: Final = "data-engineering"
GATE: Final = "landing"
ROW_TOLERANCE: Final = 0.01
CLOCK_SLACK_SECONDS: Final = 300

#: Streams whose volume follows the work of the service desk: a drop holds the batch. Elsewhere it is a
#: warning: surveys go out in waves, lists change when somebody edits them.
STEADY_STREAMS: Final = frozenset({"tickets", "ticket_events", "ticket_metric_events"})

#: Streams that are read again to see what was deleted: where most of many are gone the batch is held.
REREAD_STREAMS: Final = frozenset({"responses"})
MANY: Final = 100

#: What a person does about a held batch.
HELD = (
    "`cxmarts rejected` lists every such row. Refetch the stream when the source is right again (a corrected "
    "file or mapping takes the batch's place by itself), or waive the batch with a reason (`cxmarts batches "
    "waive`), or name the source in CXMARTS_ALLOW_STALE to publish without it"
)
#: What becomes of rows that are too few to hold their batch.
ABSENT = "They stay out of the marts; `rejected_rows` there lists each"
KEPT = "They count as they are; look at the source when they grow"

#: Per row: record_id, changed_at, fetched_at, batch_id, payload_is_object.
SUITE: Final = Suite(
    name="landing_rows",
    gate=GATE,
    owner=OWNER,
    id_columns=("record_id",),
    row_numbers=True,
    expectations=(
        Expectation(
            name="record_id_is_present",
            kind="is_present",
            kwargs={"column": "record_id"},
            tolerance=ROW_TOLERANCE,
            fault="without a record id",
            why="A record without an id cannot be merged, counted once or deleted.",
            what_to_do=HELD,
            if_few=ABSENT,
        ),
        Expectation(
            name="changed_at_is_present",
            kind="is_present",
            kwargs={"column": "changed_at"},
            tolerance=ROW_TOLERANCE,
            fault="without a readable change time",
            why="The newest version of a record is found by its change time.",
            what_to_do=HELD,
            if_few="A version with a change time wins over them; look at the source when they grow",
        ),
        Expectation(
            name="payload_is_an_object",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "payload_is_object", "value_set": [True]},
            tolerance=ROW_TOLERANCE,
            fault="whose payload is no JSON object",
            why="A record is an object; anything else is an error page or a changed API.",
            what_to_do=HELD,
            if_few="Staging rejects what lacks a required field; `rejected_rows` in the marts lists each",
        ),
        Expectation(
            name="changed_at_is_not_after_the_fetch",
            kind="not_later_than",
            kwargs={"column": "changed_at", "other": "fetched_at", "slack_seconds": CLOCK_SLACK_SECONDS},
            tolerance=ROW_TOLERANCE,
            fault="changed more than 5 minutes after they were fetched",
            why="A change time in the future would win over every later version.",
            what_to_do="Check the clock of the source. " + HELD,
            if_few="They win over every later version until that time: check the clock of the source",
        ),
        Expectation(
            name="versions_are_unique",
            kind="expect_compound_columns_to_be_unique",
            kwargs={
                "column_list": ["batch_id", "record_id", "changed_at"],
                "ignore_row_if": "any_value_is_missing",
            },
            severity="warning",
            fault="repeat an id and change time with another content",
            why="Of two contents with one change time, staging can only keep the one fetched last.",
            what_to_do="Nothing, unless it grows: then the stream's change clock is too coarse",
        ),
    ),
)

#: Per batch, one row of counts: what the file's metadata says, and the volume of the days it completes.
FACTS: Final = Suite(
    name="landing_batches",
    gate=GATE,
    owner=OWNER,
    expectations=(
        Expectation(
            name="fetched_equals_landed",
            kind="sums_equal",
            kwargs={"left": ["received", "tombstones"], "right": ["landed", "duplicates", "unchanged"]},
            fault="received + tombstones is not landed + duplicates + unchanged",
            why="Every record that the API gave lands or is counted as dropped: nothing is lost silently.",
            what_to_do="Refetch the stream; report it when it comes again, records were lost on the way",
        ),
        Expectation(
            name="file_holds_what_landed",
            kind="sums_equal",
            kwargs={"left": ["rows"], "right": ["landed"]},
            fault="the file does not hold as many rows as it says",
            why="The file is the checkpoint: a torn or edited file must not count as landed.",
            what_to_do="Restore the file from a backup, or refetch the stream",
        ),
        Expectation(
            name="list_did_not_shrink",
            kind="at_least_share",
            kwargs={"column": "listed_now", "other": "listed_before", "share": 0.8},
            severity="warning",
            fault="what was read in full is more than a fifth shorter than before",
            why="What a complete list no longer holds counts as deleted: half an export deletes the rest.",
            what_to_do=(
                "Deleted tickets stand in the mart excluded_tickets. If none should be, export the whole "
                "list again, or look at the permissions of the source's user: what is listed again counts "
                "again"
            ),
        ),
        Expectation(
            name="most_was_not_deleted",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "most_was_not_deleted", "value_set": [True]},
            show=("listed_now", "listed_before"),
            fault="more than half of the answers that were read again are gone",
            why="People delete single answers; most at once is how a vendor's fault looks.",
            what_to_do=(
                "Compare with the survey tool's own screen. If they were deleted, waive the batch with the "
                "reason (`cxmarts batches waive`); if not, refetch the stream when it shows them again"
            ),
        ),
        Expectation(
            name="volume_is_normal_for_the_weekday",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "volume_is_normal", "value_set": [True]},
            show=("volume",),
            severity="warning",
            fault="fewer records than the control limit of this weekday",
            why="A drop in volume is how a broken export, filter or permission shows first.",
            what_to_do="Compare with the source's own screen for that day",
        ),
        Expectation(
            name="volume_has_not_collapsed",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "volume_has_not_collapsed", "value_set": [True]},
            show=("volume",),
            fault="far fewer records than usual on this weekday",
            why="KPIs over a day that is half there look plausible and are wrong.",
            what_to_do=(
                "Compare with the source's own screen for that day. Refetch the stream when records are "
                "missing. When the day really was quiet, add a holiday to holidays.csv, or waive the batch "
                "with the reason (a strike); CXMARTS_ALLOW_STALE publishes without it"
            ),
        ),
    ),
)
