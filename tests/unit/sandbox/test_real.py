"""The real company: what the vendor tells of it agrees with what happened, and hides what it should hide."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from sandbox import journeys
from sandbox.catalog import CUSTOMER_ID, MERGED_TAG
from sandbox.clocks import BREACH, METRICS, TYPES, MetricEvent
from sandbox.company import Company
from sandbox.lifecycle import CREATE, SILENT, SYSTEM
from sandbox.real import truth
from sandbox.real.company import BOT_ID, RealCompany, old_account
from sandbox.real.facts import BEGINNINGS
from sandbox.real.truth import EVENTS, UNKNOWN, VENDOR, RealTruth
from sandbox.server import Sandbox

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)  # a Wednesday evening
COMMENTS = ("Comment", "VoiceComment", "TpeVoiceComment", "FacebookComment")
MESSAGING = ("native_messaging", "whatsapp", "chat")
Record = dict[str, Any]


class Served:
    """What the API gives, fetched once."""

    def __init__(self, sandbox: Sandbox) -> None:
        env = sandbox.env()
        auth = (f"{env['ZENDESK_EMAIL']}/token", env["ZENDESK_API_TOKEN"])
        self.client = httpx2.Client(base_url=env["ZENDESK_URL"] + "/api/v2", auth=auth, timeout=30)
        self.tickets = {
            r["id"]: r for r in self.pages("tickets/cursor", "tickets", include="metric_sets", scope="all")
        }
        self.events: dict[int, list[Record]] = defaultdict(list)
        for event in self.pages("ticket_events", "ticket_events", include="comment_events", scope="all"):
            if event not in self.events[event["ticket_id"]]:
                self.events[event["ticket_id"]].append(event)

    def pages(self, path: str, name: str, include: str = "", scope: str = "") -> list[Record]:
        """All records of an incremental export."""
        found: list[Record] = []
        parameters = {"start_time": "0"} | ({"include": include} if include else {})
        url: str | None = f"/incremental/{path}.json"
        parameters |= {"support_type_scope": scope} if scope else {}
        url = f"{url}?{urlencode(parameters)}"
        while url:
            answer = self.client.get(url).json()
            found += answer[name]
            url = None if answer["end_of_stream"] else answer.get("after_url") or answer["next_page"]
        return found

    def list_of(self, path: str, name: str) -> list[Record]:
        """A list's records."""
        records: list[Record] = self.client.get(f"/{path}").json()[name]
        return records


def children(events: list[Record]) -> list[tuple[Record, Record]]:
    """(event, child) in order."""
    return [(event, child) for event in events for child in event["child_events"]]


def opening_hours(served: Served, schedule: int) -> list[Record]:
    """The intervals of a schedule as it is now."""
    known = served.list_of("business_hours/schedules", "schedules")
    return next(record["intervals"] for record in known if record["id"] == schedule)


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.fixture(scope="module")
def company() -> RealCompany:
    return RealCompany(7, 1500, NOW)


@pytest.fixture(scope="module")
def served(company: RealCompany) -> Iterator[Served]:
    with Sandbox(company=company) as sandbox:
        yield Served(sandbox)


@pytest.fixture(scope="module")
def truths(company: RealCompany) -> list[RealTruth]:
    return truth.tickets(company)


def test_same_seed_same_company(company: RealCompany) -> None:
    again = RealCompany(7, 1500, NOW)
    assert again.updates.tobytes() == company.updates.tobytes()
    assert again.metric_events.tobytes() == company.metric_events.tobytes()
    assert again.facts == company.facts


def test_it_has_the_people_and_arrivals_of_the_clean_one(company: RealCompany) -> None:
    clean = Company(7, 1500, NOW)
    assert clean.created.tobytes() == company.created.tobytes()
    assert clean.requester.tobytes() == company.requester.tobytes()


def test_tickets_begin_in_every_way(company: RealCompany) -> None:
    begins = Counter(facts.begins for facts in company.facts[: company.ticket_count()])
    assert set(begins) == set(BEGINNINGS)
    assert begins["customer"] > 0.4 * company.ticket_count()
    assert all(0.002 < count / company.ticket_count() < 0.2 for b, count in begins.items() if b != "customer")


def test_what_really_happens_is_ordered(company: RealCompany) -> None:
    for ticket in range(company.ticket_count()):
        times = [update.t for update in company.life(ticket, company.end)]
        assert times == sorted(set(times))
    assert not ((company.updates["t"] % 3600) >= 3540).any()  # exports at the full hour are complete


def test_messages_are_no_comments(company: RealCompany, served: Served) -> None:
    ended = withheld = 0
    for ticket, record in served.tickets.items():
        if record["via"]["channel"] not in MESSAGING:
            continue
        found = children(served.events[ticket])
        withheld += not found
        said = [child for _, child in found if child["event_type"] in COMMENTS and child["public"]]
        assert said == []
        for event, child in found:
            if child["event_type"] == "ChatEndedEvent":
                ended += 1
                times = [message["timestamp"] for message in child["value"]["history"]]
                assert times == sorted(times)
                assert times[-1] <= event["timestamp"] * 1000 + 200_000
        if found:
            assert any(child["event_type"] == "ChatStartedEvent" for _, child in found)
    assert ended > 50
    assert withheld > 20
    replied = [
        r["metric_set"] for r in served.tickets.values()
        if r["via"]["channel"] in MESSAGING and r["metric_set"]["replies"]
    ]  # fmt: skip
    assert len(replied) > 100
    assert all(one["reply_time_in_minutes"]["calendar"] is not None for one in replied)
    # One session is one reply: as many as times that it was solved, or one more.
    assert all(one["replies"] <= one["reopens"] + 1 for one in replied)


@pytest.mark.parametrize("kind", ["VoiceComment", "TpeVoiceComment", "FacebookComment"])
def test_other_comments_have_their_author_and_say_whether_public(
    company: RealCompany, served: Served, kind: str
) -> None:
    found = [child for events in served.events.values() for _, child in children(events)]
    found = [child for child in found if child["event_type"] == kind]
    assert len(found) > 10
    assert {child["public"] for child in found} == ({True, False} if kind == "TpeVoiceComment" else {True})
    assert all(child["author_id"] for child in found)
    ticket = next(t for t, e in served.events.items() if any(c["event_type"] == kind for _, c in children(e)))
    audits = served.list_of(f"tickets/{ticket}/audits", "audits")
    assert kind in {event["type"] for audit in audits for event in audit["events"]}


def test_silent_changes_are_in_the_version_only(company: RealCompany, served: Served) -> None:
    dated = undated = other = 0
    for ticket, record in served.tickets.items():
        facts, life = company.facts[ticket - 1], company.life(ticket - 1)
        if not facts.is_silent or life[-1].kind != SILENT or not facts.has_events:
            continue
        told: dict[str, Any] = {}
        for _, child in children(served.events[ticket]):
            told |= {k: v for k, v in child.items() if child["event_type"] in ("Create", "Change")}
        names = [n for n in ("status", "priority", "group_id", "assignee_id") if told.get(n) != record[n]]
        assert names
        assert record["generated_timestamp"] > max(e["timestamp"] for e in served.events[ticket])
        if names == ["status"] and facts.tells_times:
            dated += 1
            assert unix(record["metric_set"]["solved_at"]) in [u.t for u in life if u.kind == SILENT]
        elif "status" in names and not facts.tells_times:
            undated += 1
            assert record["metric_set"]["solved_at"] is None
        other += "group_id" in names
    assert dated > 40
    assert undated > 5
    assert other > 10


def test_the_exports_leave_ai_agents_out_unless_asked(company: RealCompany, served: Served) -> None:
    humans = {r["id"] for r in served.pages("tickets/cursor", "tickets")}
    ais = {r["id"] for r in served.pages("tickets/cursor", "tickets", scope="ai_agent")}
    assert humans.isdisjoint(ais)
    assert humans | ais == set(served.tickets)
    assert {served.tickets[i]["support_type"] for i in ais} == {"ai_agent"}
    assert {served.tickets[i]["support_type"] for i in humans} == {"agent"}
    assert {e["ticket_id"] for e in served.pages("ticket_events", "ticket_events")}.isdisjoint(ais)
    handed = {i + 1 for i, facts in enumerate(company.facts) if facts.handed_over is not None}
    assert len(handed & humans) > 10
    assert len(ais) > 15
    refused = served.client.get(
        "/incremental/tickets/cursor", params={"start_time": 0, "support_type_scope": "x"}
    )
    assert refused.status_code == 400


def test_accounts_merged_away_stay_authors(company: RealCompany, served: Served) -> None:
    users = {user["id"]: user for user in served.pages("users/cursor", "users")}
    old = {old_account(customer): customer for customer in company.merged_accounts}
    authors = {c["author_id"] for e in served.events.values() for _, c in children(e) if "author_id" in c}
    assert len(authors & set(old)) > 5
    assert all(users[i]["active"] is False and users[i]["role"] == "end-user" for i in old)
    for ticket in (
        e["ticket_id"] for events in served.events.values() for e in events if e["updater_id"] in old
    ):
        assert served.tickets[ticket]["requester_id"] in {CUSTOMER_ID + 128 * c for c in old.values()}
    assert truth.merged_customers(company) >= authors & set(old)
    left = users[company.team.ids[7]]
    assert (left["role"], left["active"]) == ("end-user", False)
    assert company.team.ids[7] in truth.agents(company)
    assert truth.agents(company).isdisjoint(old)


def test_links_are_told(company: RealCompany, served: Served) -> None:
    found = []
    merges: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for ticket, record in served.tickets.items():
        source = record["via"]["source"]
        if source["rel"] in ("follow_up", "side_conversation"):
            found.append((str(ticket), source["rel"], str(source["from"]["ticket_id"])))
        if source["rel"] == "follow_up":
            closed = served.tickets[source["from"]["ticket_id"]]
            assert closed["status"] == "closed"
            assert ticket in closed["followup_ids"]
        if record["problem_id"]:
            found.append((str(ticket), "incident", str(record["problem_id"])))
            assert served.tickets[record["problem_id"]]["has_incidents"]
        for _, child in children(served.events[ticket]):
            words = str(child.get("body"))
            if "closed and merged into" in words:
                [other] = child["via"]["source"]["from"]["ticket_ids"]
                is_source = words.startswith("This request")
                merges[is_source].add((ticket, other) if is_source else (other, ticket))
    # The note on the target tells it also where the source's events are withheld.
    assert merges[True] < merges[False]
    found += [(str(ticket), "merged_into", str(other)) for ticket, other in merges[False]]
    assert sorted(found) == sorted(truth.links(company))
    assert set(Counter(relation for _, relation, _ in found)) == {
        "follow_up", "incident", "merged_into", "side_conversation",
    }  # fmt: skip


def test_side_conversations(company: RealCompany, served: Served) -> None:
    ticket = next(
        t for t, e in served.events.items()
        if any(c["event_type"] == "CollaborationThreadCreated" for _, c in children(e))
    )  # fmt: skip
    [found] = served.list_of(f"tickets/{ticket}/side_conversations", "side_conversations")
    assert found["ticket_id"] == ticket
    assert served.list_of("tickets/1/side_conversations", "side_conversations") == []


def test_settings_are_edited_and_deleted_after_the_first_night() -> None:
    with Sandbox(company=RealCompany(7, 300, NOW)) as sandbox:
        served = Served(sandbox)

        def settings() -> dict[str, list[Any]]:
            return {
                "schedules": [r["name"] for r in served.list_of("business_hours/schedules", "schedules")],
                "policies": [r["title"] for r in served.list_of("slas/policies", "sla_policies")],
                "group policies": [
                    r["title"] for r in served.list_of("group_slas/policies", "group_sla_policies")
                ],
                "groups": [r["name"] for r in served.list_of("groups", "groups")],
                "brands": [r["is_deleted"] for r in served.list_of("brands", "brands")],
                "fields": [r["title"] for r in served.list_of("ticket_fields", "ticket_fields")],
            }

        europe = sandbox.company.schedules[1].id
        before = settings()
        holidays = served.list_of(f"business_hours/schedules/{europe}/holidays", "holidays")
        hours = opening_hours(served, europe)
        sandbox.advance(days=2)
        after = settings()
        gone = {name: [x for x in before[name] if x not in after[name]] for name in before}
        assert gone == {
            "schedules": ["Night desk"],
            "policies": ["Escalations"],
            "group policies": ["Second line"],
            "groups": ["Night crew"],
            "brands": [],
            "fields": ["Old topic"],
        }
        assert (before["brands"], after["brands"]) == ([False, False], [False, True])
        names = [h["name"] for h in holidays]
        later = [h["name"] for h in served.list_of(f"business_hours/schedules/{europe}/holidays", "holidays")]
        assert set(names) - set(later) == {"Founders' day", "Stocktaking"}
        assert set(later) - set(names) == {"Summer outing"}
        assert opening_hours(served, europe) != hours


def test_later_nights_add_to_what_was_told() -> None:
    """Nothing that was told is told otherwise later, and nothing is added to the past."""
    with Sandbox(company=RealCompany(7, 400, NOW)) as sandbox:
        exports = ("ticket_events", "ticket_metric_events")
        told: dict[int, Record] = {}
        before = 0
        for _ in range(3):
            served = Served(sandbox)
            found = [record for export in exports for record in served.pages(export, export, scope="all")]
            now = {record["id"]: record for record in found}
            assert told.items() <= now.items()
            new = [record for identifier, record in now.items() if identifier not in told]
            assert all(before < unix(record.get("created_at") or record["time"]) for record in new)
            told, before = now, sandbox.company.horizon
            sandbox.advance(days=1)


def test_bad_ratings_have_reasons(company: RealCompany, served: Served, truths: list[RealTruth]) -> None:
    ratings = served.client.get("/satisfaction_ratings", params={"page[size]": 100}).json()
    assert ratings["satisfaction_ratings"]
    known = {r["id"]: r["value"] for r in served.list_of("satisfaction_reasons", "reasons")}
    assert all(known[r["reason_id"]] == r["reason"] for r in ratings["satisfaction_ratings"])
    assert all(
        r["reason"] == "No reason provided" for r in ratings["satisfaction_ratings"] if r["score"] != "bad"
    )
    assert len(truth.bad_reasons(company, truths)) > 2


def test_the_count_is_that_of_the_tickets(served: Served) -> None:
    value = served.client.get("/tickets/count").json()["count"]["value"]
    kept = [r for r in served.tickets.values() if r["status"] != "deleted" and r["support_type"] == "agent"]
    assert value == len(kept)


# ---- the truth ----


def test_the_present_is_that_of_the_version(served: Served, truths: list[RealTruth]) -> None:
    assert len(truths) == len(served.tickets)
    for one in truths:
        record = served.tickets[int(one.ticket_id)]
        assert (one.status, one.priority, one.group, one.assignee) == (
            record["status"], record["priority"], record["group_id"], record["assignee_id"],
        )  # fmt: skip
        assert one.is_human == (record["support_type"] == "agent")


def test_replies_by_events_are_those_of_the_events(
    company: RealCompany, served: Served, truths: list[RealTruth]
) -> None:
    """Walked once more from what is served: the first public comment of an agent after the creation."""
    agents = truth.agents(company)
    compared = 0
    for one in truths:
        comments = [
            (event["timestamp"], child["public"])
            for event, child in children(served.events[int(one.ticket_id)][1:])
            if child["event_type"] in COMMENTS and child["author_id"] in agents
        ]
        said = [at for at, is_public in comments if is_public]
        # To whom shares a ticket in private a note is an answer.
        answered = [at for at, _ in comments] if one.begins == "private_share" else said
        if one.is_human and one.replies_origin == EVENTS:
            assert one.replies == len(said)
            assert one.first_reply.calendar == (answered[0] - one.created if answered else None)
            compared += bool(said)
    assert compared > 900


def test_the_vendors_replies_and_solves_are_those_of_its_metric_set(
    served: Served, truths: list[RealTruth]
) -> None:
    replies = solves = 0
    for one in truths:
        metrics = served.tickets[int(one.ticket_id)]["metric_set"]
        if one.first_reply.origin == VENDOR:
            minutes = metrics["reply_time_in_minutes"]
            assert (one.first_reply.calendar, one.first_reply.business) == (
                minutes["calendar"] * 60, minutes["business"] * 60,
            )  # fmt: skip
            assert one.replies == metrics["replies"]
            replies += 1
        if one.last_solve.origin == VENDOR:
            assert unix(metrics["solved_at"]) - one.created == one.last_solve.calendar
            solves += 1
        for name, wait in one.waits.items():
            if wait.origin == VENDOR:
                minutes = metrics[f"{name}_time_in_minutes"]
                assert (wait.calendar, wait.business) == (minutes["calendar"] * 60, minutes["business"] * 60)
    assert replies > 100
    assert solves > 100


def test_what_nobody_dates_is_unknown_and_still_solved(company: RealCompany, truths: list[RealTruth]) -> None:
    undated = [one for one in truths if one.counts and one.is_solved and one.last_solve == UNKNOWN]
    assert len(undated) > 10
    assert all(company.facts[int(one.ticket_id) - 1].is_silent or one.is_imported for one in undated)


def test_a_clock_is_breached_or_met_once(company: RealCompany, truths: list[RealTruth]) -> None:
    """The breaches that the vendor stamps are those of the walk, and one instance has one."""
    names = {
        "agent_work_time": "agent_work", "requester_wait_time": "requester_wait",
        "resolution_time": "total_resolution", "periodic_update_time": "periodic_update",
        "pausable_update_time": "pausable_update", "group_ownership_time": "group_ownership",
    }  # fmt: skip
    stamped: dict[tuple[int, str], set[int]] = defaultdict(set)
    doubled = Counter[int]()
    for row in company.metric_events[company.metric_times <= company.horizon].tolist():
        event = MetricEvent(*row)
        if event.type != BREACH or event.deleted:
            continue
        metric = names.get(METRICS[event.metric], "first_reply" if event.instance == 1 else "next_reply")
        doubled[event.ticket] += event.instance in stamped[event.ticket, metric]
        stamped[event.ticket, metric].add(event.instance)
    assert all(not doubled[t] for t, facts in enumerate(company.facts) if facts.is_retargeted)
    breached = 0
    for one in truths:
        ticket = int(one.ticket_id) - 1
        if not company.facts[ticket].tells_clocks or not one.sla or not one.counts:
            continue
        counts = Counter(metric for (metric, _), outcome in one.sla.items() if outcome == "breached")
        for metric in {*names.values(), "first_reply", "next_reply"}:
            assert counts[metric] == len(stamped[ticket, metric]), (ticket, metric)
        breached += sum(counts.values())
    assert breached > 300


def test_targets_change_after_a_breach(company: RealCompany, truths: list[RealTruth]) -> None:
    """Breached, then another target, then fulfilled: one breached instance, and none that is met."""
    stories = 0
    for ticket, facts in enumerate(company.facts[: company.ticket_count()]):
        if not facts.is_retargeted:
            continue
        rows = company.metric_events[company.metric_events["ticket"] == ticket].tolist()
        events = [MetricEvent(*row) for row in rows if row[0] <= company.horizon and not row[-1]]
        told = [TYPES[e.type] for e in events if METRICS[e.metric] == "requester_wait_time"]
        if "breach" in told and "apply_sla" in told[told.index("breach") :] and "fulfill" in told:
            stories += 1
            assert told.count("breach") == 1
            sla = truths[ticket].sla
            assert [o for (metric, _), o in sla.items() if metric == "requester_wait"] == ["breached"]
    assert stories > 5


def test_all_of_the_truth_hangs_together(company: RealCompany, truths: list[RealTruth]) -> None:
    found = truth.truth(company)
    every = found["volume"]["all"]
    assert every["created"] + every["created_ai_only"] == found["tickets"]
    assert sum(found["backlog"].values()) == every["created"] - every["solved"]
    assert found["csat"]["all"][0] > 100
    first = found["response_times"]["first_reply/calendar"]
    assert 0 < first["n_vendor"] < first["n"] < every["created"]
    assert set(found["bad_reasons"]) - {"No reason provided"}


def test_where_events_tell_everything_the_clean_truth_holds(
    company: RealCompany, truths: list[RealTruth]
) -> None:
    told = {int(one.ticket_id) - 1: one for one in truths if one.is_told and one.excluded is None}
    assert 0.6 * len(truths) < len(told) < 0.9 * len(truths)
    for way in journeys.journeys(company, told):
        one = told[way.ticket]
        assert one.replies == way.public_agent_replies
        assert one.first_solve.calendar == (way.solved[0] - one.created if way.solved else None)
        assert one.is_solved == way.is_solved


def test_ai_only_tickets_count_apart(truths: list[RealTruth]) -> None:
    counts = truth.volume(truths)["all"]
    assert counts["created"] + counts["created_ai_only"] == sum(one.excluded is None for one in truths)
    assert counts["solved_ai_only"] > 10
    assert all(one.first_reply == UNKNOWN and not one.sla for one in truths if not one.is_human)
    waits = [o.first_reply_after_handover for o in truths if o.first_reply_after_handover is not None]
    assert len(waits) > 10
    assert all(seconds > -60 for seconds in waits)


def test_a_program_behind_an_agents_account_is_noticed(company: RealCompany, truths: list[RealTruth]) -> None:
    assert truth.probable_bots(company) == {BOT_ID}
    ruled = {one.ticket_id: one for one in truth.tickets(company, {BOT_ID})}
    answered = [o for o in truths if company.life(int(o.ticket_id) - 1)[1:2] and o.counts]
    answered = [o for o in answered if company.life(int(o.ticket_id) - 1)[1].actor == BOT_ID]
    assert len(answered) > 20
    assert all(o.first_reply.calendar is not None and o.first_reply.calendar <= 10 for o in answered)
    assert all(ruled[o.ticket_id].replies == o.replies - 1 for o in answered)


def test_follow_ups_are_repeat_contacts(company: RealCompany, truths: list[RealTruth]) -> None:
    repeats = truth.repeat_contacts(company, truths)
    created = {one.ticket_id: one.created for one in truths}
    by_id = {one.ticket_id: one for one in truths}
    named = 0
    for ticket, relation, other in truth.links(company):
        solved = by_id[other].first_solve.calendar
        if relation != "follow_up" or other not in repeats or not by_id[ticket].counts or solved is None:
            continue
        if created[ticket] <= by_id[other].created + solved + 7 * 86_400:
            assert repeats[other]
            named += 1
    assert named >= 3


def test_imported_tickets_can_be_left_out(truths: list[RealTruth]) -> None:
    every, kept = truth.response_times(truths), truth.response_times(truths, imported=False)
    assert every["first_reply/calendar"]["n"] > kept["first_reply/calendar"]["n"]
    assert every["first_reply/calendar"]["n_vendor"] == kept["first_reply/calendar"]["n_vendor"] > 100


def test_nothing_happens_to_what_is_over(company: RealCompany) -> None:
    """No event or clock after a ticket was closed, but for the system's own changes."""
    for ticket in range(company.ticket_count()):
        life = [update for update in company.life(ticket) if update.kind != SYSTEM]
        closed = next((i for i, update in enumerate(life) if update.status == 5), None)
        assert closed is None or closed == len(life) - 1 or life[-1].tags & MERGED_TAG
        assert life[0].kind == CREATE


def test_unknown_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match="profile"):
        Sandbox(profile="tidy")


def test_a_silent_change_may_be_still_to_come() -> None:
    """The clocks of such a ticket are told to the end: this company has one."""
    company = RealCompany(1, 300, NOW, 60)
    silent = {update.ticket for t in range(300) for update in company.life(t) if update.kind == SILENT}
    pending = [t for t, facts in enumerate(company.facts) if not facts.tells_clocks and t not in silent]
    assert pending
    assert {int(t) for t in company.metric_events["ticket"]} >= set(pending)
