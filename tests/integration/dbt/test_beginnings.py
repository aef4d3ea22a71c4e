"""When our clocks start, by the way in which a ticket begins; every clock worked out by hand."""

from __future__ import annotations

import pytest

from .warehouse import Warehouse
from .zendesk_records import AGENT, CUSTOMER, OWN_TARGET_COLUMNS, Account, Happening, comment, status

SOURCE, PARTNER = "acme", 20
REPLIES = ("first_reply", "next_reply")
UPDATES = ("periodic_update", "pausable_update")
WORK = ("agent_work", "requester_wait", "total_resolution", "group_ownership")

#: What happens on every ticket after its beginning at 10:00.
DIALOGUE = (("10:30", AGENT), ("11:00", CUSTOMER), ("11:20", AGENT))
Clock = tuple[str, str]


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


#: By the beginning: minutes to the first reply, and from when to when the clocks run: first and next replies, updates.
BY_CUSTOMER = (30, [("10:00", "10:30")], [("11:00", "11:20")], [("10:30", "11:20"), ("11:20", "12:00")])
BY_AGENT_IN_PRIVATE = (30, [("11:00", "11:20")], [], [("10:30", "11:20"), ("11:20", "12:00")])
BY_AGENT_IN_PUBLIC = (30, [("11:00", "11:20")], [], [("10:00", "10:30"), *BY_AGENT_IN_PRIVATE[3]])
CASES: dict[str, tuple[int, list[Clock], list[Clock], list[Clock]]] = {
    "customer": BY_CUSTOMER,
    "agent_public": BY_AGENT_IN_PUBLIC,
    "agent_private": BY_AGENT_IN_PRIVATE,
    "on_behalf": BY_CUSTOMER,
    "own_request": BY_CUSTOMER,
    "call": BY_AGENT_IN_PUBLIC,
    "call_noted": BY_AGENT_IN_PRIVATE,
    "voicemail": BY_CUSTOMER,
    # A note at 10:15, which the other account reads; a later one at 10:20 is none.
    "private_share": (15, [("10:00", "10:15")], *BY_CUSTOMER[2:]),
    "follow_up": BY_CUSTOMER,
    "import": BY_CUSTOMER,
    # No comment of anybody: the vendor says that the first of two replies came after five minutes.
    "chat": (5, [("10:00", "10:05")], [], []),
}


def account() -> Account:
    account = Account(SOURCE)
    account.user(PARTNER, "end-user", shared=True, shared_agent=True)
    for number, name in enumerate(CASES):
        opener = (
            AGENT
            if name in ("agent_public", "agent_private", "call", "call_noted", "own_request")
            else CUSTOMER
        )
        dialogue: list[Happening] = [comment(at(clock), by) for clock, by in DIALOGUE]
        fields: dict[str, object] = (
            {"via": {"channel": "voice"}} if name in ("call", "call_noted", "voicemail") else {}
        )
        if name == "own_request":
            fields["requester_id"] = AGENT
            dialogue = [comment(at("10:30"), 3), comment(at("11:00"), AGENT), comment(at("11:20"), 3)]
        if name == "follow_up":
            fields["via"] = {"channel": "email", "source": {"rel": "follow_up", "from": {"ticket_id": 1}}}
        if name == "chat":
            fields["via"], dialogue = {"channel": "native_messaging"}, []
            fields["metric_set"] = {"reopens": 0, "replies": 2, "reply_time_in_minutes": {"calendar": 5}}
        if name in ("private_share", "customer"):
            notes = [comment(at(clock), public=False) for clock in ("10:15", "10:20")]
            dialogue = [*notes, *dialogue]
        if name == "import":
            fields["tags"] = ["imported"]
        account.ticket(
            number + 1, at("10:00"), *dialogue, status(at("12:00"), "solved"),
            opened_by=PARTNER if name == "private_share" else opener, group_id=7, subject=name, **fields,
        )  # fmt: skip
        opening = next(
            event for event in account.streams["ticket_events"]
            if event["ticket_id"] == number + 1 and event["child_events"][0]["event_type"] == "Create"
        )  # fmt: skip
        said = opening["child_events"][-1]
        if name in ("agent_private", "call_noted", "private_share"):
            said["public"] = False
        if name.startswith(("call", "voicemail")):
            said["event_type"] = "VoiceComment"
        if name == "on_behalf":
            opening["updater_id"] = AGENT
        if name == "private_share":
            opening["child_events"].append({"id": 1, "event_type": "TicketSharingEvent", "action": "shared"})
        if name == "chat":
            opening["child_events"].pop()
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    rows = [f"{SOURCE},{metric},ours,,,,,,600,false,," for metric in (*REPLIES, *UPDATES, *WORK)]
    warehouse = Warehouse(
        tmp_path_factory.mktemp("beginnings"),
        rules={"own_sla_targets.csv": "\n".join([OWN_TARGET_COLUMNS, *rows, ""])},
    )
    account().land(warehouse)
    warehouse.build("2024-06-30T00:00:00Z", select=["+tickets", "+sla_targets"])
    return warehouse


@pytest.mark.parametrize("name", CASES)
def test_clocks_start_when_the_vendor_says(warehouse: Warehouse, name: str) -> None:
    ticket = list(CASES).index(name) + 1
    minutes, first, following, updates = CASES[name]
    rows = warehouse.query(
        "select metric, strftime(applied_at, '%H:%M'), strftime(ended_at, '%H:%M'), outcome from marts.sla_targets "
        f"where ticket_id = '{ticket}' order by metric, instance"
    )
    found: dict[str, list[Clock]] = {metric: [] for metric in (*REPLIES, *UPDATES, *WORK)}
    for metric, started, ended, outcome in rows:
        assert outcome == "met"
        found[metric].append((started, ended))
    assert found == {
        "first_reply": first,
        "next_reply": following,
        **{metric: updates for metric in UPDATES},
        **{metric: [("10:00", "12:00")] for metric in WORK},
    }
    [(measured,)] = warehouse.query(
        f"select first_reply_seconds / 60 from marts.tickets where ticket_id = '{ticket}'"
    )
    assert measured == minutes
