"""What Freshdesk's tickets can do to a fetch: seconds beyond the wall, vanishing, conversations by ticket."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ingestion.extract import refetch
from ingestion.paging import NumberedExport
from tests.integration.ingestion.desk import START, Desk

NIGHT = timedelta(days=1)


@pytest.fixture
def desk(vendor, reply):
    return Desk(vendor, reply)


@pytest.fixture
def source(freshdesk_source):
    return freshdesk_source("tickets", "deleted_tickets", "spam_tickets", "conversations")


def narrow(source, size, wall):
    """The same source with smaller pages and a nearer wall, so that few tickets reach it."""

    def smaller(stream):
        if not isinstance(stream.paging, NumberedExport):
            return stream
        paging = replace(stream.paging, size=size, wall=wall)
        return replace(stream, paging=paging, rereading=paging if stream.rereading else None)

    return replace(source, streams=tuple(map(smaller, source.streams)))


def newest(lander, stream="tickets"):
    """The newest version of each record, as staging ranks versions."""
    found = {}
    for row in lander.rows("freshdesk", stream):
        before = found.get(row["record_id"])
        key = (row["changed_at"], row["batch_id"])
        if before is None or key >= (before["changed_at"], before["batch_id"]):
            found[row["record_id"]] = row
    return found


def deleted(lander):
    return {int(name) for name, row in newest(lander).items() if row["deleted"]}


# ---- more of one second than the wall lets through ----


def alone(source, name="tickets"):
    return replace(source, streams=tuple(each for each in source.streams if each.name == name))


def test_30001_tickets_of_one_second_are_all_read(desk, source, lander):
    desk.tickets = dict.fromkeys(range(1, 30_002), START) | {40_000: START - 9, 40_001: START + 9}
    desk.is_still = True
    result = lander.stream(alone(source), "tickets")
    assert (result.error, result.notes) == (None, [])
    assert {int(name) for name in newest(lander)} == set(desk.tickets)
    assert desk.highest == 300
    # 301 pages of the second, as many from below, one from above; never one beyond the wall.
    assert result.requests <= 610
    assert lander.stream(alone(source), "tickets").batches == []


@pytest.mark.parametrize("number", [39, 40, 41, 69, 70, 71, 72, 79, 80, 81, 119, 200])
def test_a_second_beyond_the_wall_costs_no_ticket(desk, source, lander, number):
    """Four pages of ten to the wall: 40 by the last change, 40 from either end, the rest by id."""
    source = narrow(alone(source), size=10, wall=4)
    desk.tickets = {ticket: START for ticket in range(1, number + 1)} | {1000: START - 60, 1001: START + 60}
    result = lander.stream(source, "tickets")
    assert result.error is None
    assert {int(name) for name in newest(lander)} == set(desk.tickets)
    cursor = lander.landing.latest("freshdesk", "tickets").cursors[""]
    assert "skipped" not in cursor
    is_stepped_over = number > 79
    assert bool(result.notes) == is_stepped_over
    if is_stepped_over:
        skips = [skip for path in lander.landing.batches() for skip in lander.landing.info(path).skipped]
        # What changed later is in the other order too: the last of the 40 from above is one further up.
        assert skips == [{"second": START, "first": 41, "last": number - 39}]
    assert desk.highest == 4
    assert lander.stream(source, "tickets").batches == []


def test_a_bulk_change_beyond_the_wall_reaches_every_ticket_that_is_held(desk, source, lander):
    source = narrow(alone(source), size=10, wall=4)
    desk.tickets = {ticket: START - 1000 + ticket for ticket in range(1, 121)}
    lander.fetch(source)
    desk.tickets = dict.fromkeys(desk.tickets, START)
    result = lander.stream(source, "tickets")
    assert result.error is None
    assert {row["changed_at"].timestamp() for row in newest(lander).values()} == {START}


def test_a_cut_fill_goes_on_where_it_was(desk, source, lander, vendor):
    source = narrow(alone(source), size=10, wall=4)
    desk.tickets = {ticket: START for ticket in range(1, 131)}
    asked = []

    def answer(path, params):
        if path.removeprefix("/api/v2/tickets/").isdigit():
            asked.append(int(path.rpartition("/")[2]))
            if len(asked) == 20:
                return desk.reply({}, 403)
        return desk.answer(path, params)

    vendor.answer = answer
    cut = lander.stream(source, "tickets")
    assert cut.error is not None
    assert lander.landing.latest("freshdesk", "tickets").cursors[""]["skipped"][0]["first"] == asked[-1]
    assert lander.stream(source, "tickets").error is None
    assert asked == [*range(41, 61), *range(60, 91)]
    assert {int(name) for name in newest(lander)} == set(desk.tickets)


# ---- vanished tickets ----


def test_a_ticket_that_vanished_is_deleted_within_the_days_and_no_other(desk, source, lander, vendor):
    source = alone(source)
    for ticket in range(1, 1001):
        desk.tickets[ticket] = START + 600 * ticket
    lander.fetch(source)
    vanished, found, requests = {250, 251, 777, 1000}, {}, []
    for night in range(1, 57):
        vendor.now += NIGHT + timedelta(minutes=night % 7)
        desk.tickets[night] = desk.now - 30_000  # the oldest change again, one a night
        if night == 28:
            for ticket in vanished:
                del desk.tickets[ticket]
        result = lander.stream(source, "tickets")
        assert (result.error, result.notes) == (None, [])
        requests.append(result.requests)
        for ticket in deleted(lander) - found.keys():
            found[ticket] = night
    assert found.keys() == vanished
    assert max(found.values()) <= 28 + 28
    # One request a night for what is new, and two passes of eleven pages and what they ask for by id.
    assert sum(requests) <= 56 + 2 * (1000 // 90 + 3) + 56 + 10


def test_a_refetch_finds_all_that_vanished_at_once(desk, source, lander):
    source = alone(source)
    desk.tickets = {ticket: START + ticket for ticket in range(1, 301)}
    lander.fetch(source)
    del desk.tickets[7], desk.tickets[300]
    assert lander.stream(source, "tickets").batches == []
    refetch(lander.landing, source, "tickets")
    result = lander.stream(source, "tickets")
    assert (result.error, result.tombstones) == (None, 2)
    assert deleted(lander) == {7, 300}
    assert lander.landing.latest("freshdesk", "tickets").listed == (300, 298)
    # It was no fault of ours: what is there again counts again.
    desk.tickets[7] = START + 7
    refetch(lander.landing, source, "tickets")
    lander.fetch(source)
    assert deleted(lander) == {300}


@pytest.mark.parametrize(("number", "found"), [(75, {30, 70}), (120, set())])
def test_a_second_beyond_the_wall_deletes_none_that_is_there(desk, source, lander, number, found):
    """What can be read from either end is judged; of a second that is stepped over nothing is."""
    source = narrow(alone(source), size=10, wall=4)
    others = {500: START - 9000, 501: START + 9000, 502: START + 9010}
    desk.tickets = dict.fromkeys(range(1, number + 1), START) | others
    lander.fetch(source)
    for ticket in (30, 70, 501):
        del desk.tickets[ticket]
    refetch(lander.landing, source, "tickets")
    result = lander.stream(source, "tickets")
    assert result.error is None
    assert deleted(lander) == found | {501}


def test_what_lies_in_the_trash_or_moved_is_not_asked_for(desk, source, lander, vendor):
    source = replace(source, streams=source.streams[:3])
    desk.tickets = {ticket: START + ticket for ticket in range(1, 51)}
    lander.fetch(source)
    vendor.now += NIGHT
    for ticket in (3, 4, 5):
        del desk.tickets[ticket]
        desk.trash[ticket] = desk.now - 600
    desk.tickets[9] = desk.now - 600
    lander.fetch(source)
    assert {row["record_id"] for row in lander.rows("freshdesk", "deleted_tickets")} == {"3", "4", "5"}
    assert all(row["deleted"] for row in lander.rows("freshdesk", "deleted_tickets"))
    refetch(lander.landing, source, "tickets")
    before = len(vendor.asked)
    lander.fetch(source)
    asked = [each.path for each in vendor.asked[before:]]
    assert not [path for path in asked if path.removeprefix("/api/v2/tickets/").isdigit()]
    assert deleted(lander) == set()


def test_a_list_that_lacks_a_ticket_which_is_there_deletes_nothing(desk, source, lander, vendor):
    source = alone(source)
    desk.tickets = {ticket: START + ticket for ticket in range(1, 51)}
    lander.fetch(source)
    whole = desk.listed

    def lossy(params):
        kept, desk.tickets = desk.tickets, {n: at for n, at in desk.tickets.items() if n % 5}
        try:
            return whole(params)
        finally:
            desk.tickets = kept

    desk.listed = lossy
    refetch(lander.landing, source, "tickets")
    result = lander.stream(source, "tickets")
    assert (result.error, result.tombstones) == (None, 0)


def test_an_empty_answer_is_believed_a_night_later(desk, source, lander, vendor):
    source = alone(source)
    desk.tickets = {ticket: START + ticket for ticket in range(1, 51)}
    lander.fetch(source)
    desk.tickets = {}
    refetch(lander.landing, source, "tickets")
    first = lander.stream(source, "tickets")
    assert (first.tombstones, len(first.notes)) == (0, 1)
    vendor.now += NIGHT
    assert lander.stream(source, "tickets").tombstones == 50


# ---- conversations ----


def test_conversations_are_asked_for_where_a_ticket_changed_and_land_once(desk, source, lander, vendor):
    for ticket in range(1, 31):
        desk.say(ticket, 100 * ticket, START + ticket)
    first = lander.fetch(source)
    assert first.failed_sources == []
    assert lander.ids("freshdesk", "conversations") == [str(100 * ticket) for ticket in range(1, 31)]
    vendor.now += NIGHT
    desk.say(8, 801, desk.now - 500)
    desk.tickets[9] = desk.now - 400  # its status changed, nothing was said
    before = len(vendor.asked)
    result = lander.stream(source, "conversations")
    asked = [each.path for each in vendor.asked[before:] if each.path.endswith("/conversations")]
    assert asked == [f"/api/v2/tickets/{ticket}/conversations" for ticket in (8, 9)]
    assert (result.landed, result.unchanged) == (1, 2)
    assert lander.ids("freshdesk", "conversations")[30:] == ["801"]


def test_an_edited_conversation_lands_again(desk, source, lander, vendor):
    desk.say(1, 11, START)
    desk.say(1, 12, START + 60)
    lander.fetch(source)
    vendor.now += NIGHT
    desk.conversations[1][0] |= {"updated_at": f"{vendor.now - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"}
    desk.tickets[1] = desk.now - 10_800
    lander.fetch(source)
    assert lander.ids("freshdesk", "conversations") == ["11", "12", "11"]


def test_a_broken_load_goes_on_behind_what_landed(desk, source, lander, vendor):
    for ticket in range(1, 21):
        desk.say(ticket, 100 * ticket, START + ticket)
    counted = []

    def answer(path, params):
        if path.endswith("/conversations"):
            counted.append(int(path.split("/")[4]))
            if len(counted) == 13:
                return desk.reply({}, 429, {"Retry-After": "5000"})
        return desk.answer(path, params)

    vendor.answer = answer
    cut = {each.stream: each for each in lander.fetch(source).streams}["conversations"]
    assert cut.error is not None
    assert (cut.parts, cut.of_parts, cut.landed) == (12, 20, 12)
    result = lander.stream(source, "conversations")
    assert (result.error, result.parts, result.of_parts) == (None, 8, 8)
    assert counted == [*range(1, 14), *range(13, 21)]
    assert sorted(map(int, lander.ids("freshdesk", "conversations"))) == [100 * t for t in range(1, 21)]


def test_a_ticket_that_landed_twice_before_it_was_read_is_read_from_its_beginning(
    desk, source, lander, vendor
):
    for ticket in (1, 2, 3):
        desk.say(ticket, 100 * ticket, START + ticket)
    lander.fetch(source)
    served = [0]

    def answer(path, params):
        if path.endswith("/conversations"):
            served[0] -= 1
            if served[0] < 0:
                return desk.reply({}, 429, {"Retry-After": "5000"})
        return desk.answer(path, params)

    vendor.answer = answer
    vendor.now += NIGHT
    desk.say(1, 101, desk.now - 900)
    desk.say(2, 201, desk.now - 800)
    assert lander.stream(source, "conversations").landed == 0
    # Ticket 1 changes again, so ticket 2 comes before it; then the limit is reached.
    vendor.now += NIGHT
    desk.say(1, 102, desk.now - 900)
    served[0] = 1
    assert lander.stream(source, "conversations").error is not None
    assert lander.ids("freshdesk", "conversations") == ["100", "200", "300", "201"]
    served[0] = 100
    lander.fetch(source)
    assert {"101", "102"} <= set(lander.ids("freshdesk", "conversations"))


def test_a_ticket_whose_conversations_were_out_of_sight_is_read_from_its_beginning(
    desk, source, lander, vendor
):
    desk.say(1, 11, START)
    desk.say(2, 21, START)
    desk.gone = {1}
    result = {each.stream: each for each in lander.fetch(source).streams}["conversations"]
    assert (result.error, result.notes) == (None, ["1 is gone (404): left out"])
    vendor.now += NIGHT
    desk.gone = set()
    desk.say(1, 12, desk.now - 500)
    desk.say(2, 22, desk.now - 500)
    lander.fetch(source)
    assert sorted(lander.ids("freshdesk", "conversations")) == ["11", "12", "21", "22"]
    assert lander.landing.latest("freshdesk", "conversations").cursors[""]["missing"] == []


def test_a_ticket_that_cannot_be_read_stops_no_other_and_is_asked_for_again(desk, source, lander, vendor):
    for ticket in range(1, 21):
        desk.say(ticket, 100 * ticket, START + ticket)
    broken = {4, 9, 10}

    def answer(path, params):
        parts = path.split("/")
        is_broken = path.endswith("/conversations") and int(parts[4]) in broken
        return desk.reply({}, 500 if int(parts[4]) == 4 else 403) if is_broken else desk.answer(path, params)

    vendor.answer = answer
    first = {each.stream: each for each in lander.fetch(source).streams}["conversations"]
    assert first.error is None
    assert len([note for note in first.notes if "asked for again" in note]) == 3
    assert lander.landing.latest("freshdesk", "conversations").cursors[""]["failed"] == ["10", "4", "9"]
    broken.discard(9)
    second = lander.stream(source, "conversations")
    assert (second.error, second.landed, second.of_parts) == (None, 1, 3)
    broken.clear()
    lander.fetch(source)
    assert sorted(map(int, lander.ids("freshdesk", "conversations"))) == [100 * t for t in range(1, 21)]
    assert lander.stream(source, "conversations").requests == 0


def test_a_key_that_may_read_none_stops_the_stream(desk, source, lander, vendor):
    for ticket in range(1, 21):
        desk.say(ticket, 100 * ticket, START + ticket)
    is_closed = [True]

    def answer(path, params):
        if path.endswith("/conversations") and is_closed[0]:
            return desk.reply({}, 403)
        return desk.answer(path, params)

    vendor.answer = answer
    refused = {each.stream: each for each in lander.fetch(source).streams}["conversations"]
    assert (refused.error.status, refused.requests) == (403, 4)
    is_closed[0] = False
    assert lander.stream(source, "conversations").error is None
    assert sorted(map(int, lander.ids("freshdesk", "conversations"))) == [100 * t for t in range(1, 21)]


def test_a_ticket_that_changes_while_it_is_read_is_read_again(desk, source, lander, vendor):
    desk.say(1, 11, START)

    def answer(path, params):
        told = desk.answer(path, params)
        if path.endswith("/conversations") and len(desk.conversations[1]) == 1:
            desk.say(1, 12, desk.now)
        return told

    vendor.answer = answer
    lander.fetch(source)
    assert lander.ids("freshdesk", "conversations") == ["11"]
    vendor.now += NIGHT
    lander.fetch(source)
    assert lander.ids("freshdesk", "conversations") == ["11", "12"]


def test_all_conversations_are_read_again_after_a_refetch(desk, source, lander, vendor):
    for ticket in range(1, 6):
        desk.say(ticket, 100 * ticket, START + ticket)
    lander.fetch(source)
    refetch(lander.landing, source, "conversations")
    assert lander.stream(source, "conversations").landed == 5
    assert lander.stream(source, "conversations").requests == 0
