"""A person is taken out of all that is kept, others are not touched, and no later fetch brings them back."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ingestion.landing
from ingestion.erasing import Erased, Scrubber
from ingestion.landing import Landing
from ingestion.landing_format import SCHEMA
from ingestion.sources.files import sources as file_sources
from ingestion.sources.zendesk import PERSONAL
from ingestion.streams import StreamResult
from orchestration.commands.cli import main
from orchestration.commands.doctor import examine
from orchestration.ground.home import Home
from quality.gates import judge_batches
from quality.store import Store

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ADA, BOB, AGENT = 12, 13, 99
WORDS = "My order 4711 never came, and I am very unhappy about it."
#: What no record may show when Ada is gone.
HERS = (
    "Ada Lovelace",
    "ada@lovelace.example",
    "ADA@lovelace",
    WORDS,
    "+49 170 1234567",
    "Lovelace & Daughters",
)
NAMES = ["requester_id", "author_id", "assignee_id", "collaborator_ids", "subject", "status", "value"]
NAMES += ["field_name", "metadata", "organization_fields", "custom_fields", "url"]
FIELDS, HER_FIELD = [{"id": 5, "value": "gold"}], [{"id": 6, "value": "Ada Lovelace"}]
#: Not in quotes: they are ids.
HER_ID = f'"{ADA}"'


def user(identifier, name, organization):
    first, last = name.lower().split()
    url = f"https://x.example/users/{identifier}.json"
    says = {
        "name": name,
        "email": f"{first}@{last}.example",
        "phone": f"+49 170 {identifier}34567",
        "url": url,
    }
    return {"id": identifier, **says, "role": "end-user", "active": True, "organization_id": organization}


def ticket(number, requester, text):
    sender = {"address": "ada@lovelace.example", "name": "Ada Lovelace"} if requester == ADA else {}
    texts = {"subject": text, "description": text, "via": {"channel": "mail", "source": {"from": sender}}}
    people = {"requester_id": requester, "submitter_id": requester, "assignee_id": AGENT, "group_id": ADA}
    words = {"status": "solved", "priority": "high", "tags": ["vip"], "metric_set": {"replies": ADA}}
    fields = {
        "created_at": "2026-01-02T00:00:00Z",
        "custom_fields": [*FIELDS, *HER_FIELD * (requester == ADA)],
    }
    return {"id": number, **people, **texts, **words, **fields}


def event(number, of, author, text):
    comment = {"id": number + 1, "event_type": "Comment", "author_id": author, "body": text, "public": True}
    change = {"id": number + 2, "event_type": "Change", "status": "open", "previous_value": "new"}
    return {"id": number, "ticket_id": of, "updater_id": author, "child_events": [comment, change],
            "created_at": "2026-01-02T00:00:00Z"}  # fmt: skip


def response(token, customer, text):
    answers = [
        {"type": "number", "number": 9, "field": {"id": "q", "type": "nps"}},
        {"type": "text", "text": text, "field": {"id": "t", "type": "long_text"}},
    ]
    hidden = {
        "customer_id": str(customer),
        "segment": "gold",
        "first_name": "Ada Lovelace" if customer == ADA else "Bob",
    }
    return {
        "response_id": token,
        "submitted_at": "2026-01-03T00:00:00Z",
        "hidden": hidden,
        "answers": answers,
    }


def land(home, source, stream, records, vendor=None):
    rows = pa.table(
        {
            "record_id": [str(name) for name in records],
            "changed_at": pa.array([NOW] * len(records), SCHEMA.field("changed_at").type),
            "deleted": [False] * len(records),
            "payload": [json.dumps(each) for each in records.values()],
            "fetched_at": pa.array([NOW] * len(records), SCHEMA.field("fetched_at").type),
        }
    )
    return Landing(home.landing).write(
        source=source, vendor=vendor or source, stream=stream, account=None, spec_version=1, cursors={"": 1},
        rows=rows, received=len(records),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Ada and Bob, each with tickets, comments and answers; one file a stream, but two of tickets."""
    home = Home(tmp_path / "home").create()
    for name in [name for name in os.environ if name.startswith(("CXMARTS_", "ZENDESK_", "TYPEFORM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CXMARTS_HOME", str(home.root))
    monkeypatch.chdir(tmp_path)
    land(
        home,
        "zendesk",
        "users",
        {ADA: user(ADA, "Ada Lovelace", 7), BOB: user(BOB, "Bob Bobson", 8), 14: user(14, "Cy Young", 8)},
    )
    land(
        home,
        "zendesk",
        "organizations",
        {7: {"id": 7, "name": "Lovelace & Daughters"}, 8: {"id": 8, "name": "Bobs"}},
    )
    land(home, "zendesk", "tickets", {100: ticket(100, ADA, WORDS), 101: ticket(101, BOB, "Bob asks")})
    land(home, "zendesk", "tickets", {102: ticket(102, ADA, "Hi")})
    events = [
        event(1, 100, ADA, WORDS),
        event(2, 100, AGENT, "Dear Ada Lovelace, we are sorry."),
        event(3, 101, BOB, "Bob asks"),
        event(4, 101, AGENT, "See ADA@lovelace.example about this, Bob."),
    ]
    land(home, "zendesk", "ticket_events", {each["id"]: each for each in events})
    rating = {"ticket_id": 100, "requester_id": ADA, "score": "bad", "comment": WORDS, "reason": "Slow"}
    land(home, "zendesk", "satisfaction_ratings", {1: rating})
    land(home, "typeform", "responses", {
        "f/a": response("a", ADA, WORDS), "f/b": response("b", BOB, "Bob likes it all in all, thank you."),
    })  # fmt: skip
    return home


def rows(home):
    """Every row of the landing: source, stream, id, deleted, payload."""
    found = []
    for path in Landing(home.landing).batches():
        for row in pq.read_table(path).to_pylist():
            found.append((*path.parts[-4:-2], row["record_id"], row["deleted"], json.loads(row["payload"])))
    return found


def about(home):
    """What the files say of themselves."""
    return [Landing(home.landing).info(path) for path in Landing(home.landing).batches()]


def shown(home):
    return json.dumps(rows(home), ensure_ascii=False)


def of(home, stream):
    return {row[2]: row[4] for row in rows(home) if row[1] == stream}


@pytest.mark.parametrize("named", [["zendesk", "--customer", str(ADA)], ["--email", "Ada@Lovelace.example"]])
def test_a_person_leaves_and_what_counts_stays(named, home, capsys):
    before, files = {row[:3]: row[4] for row in rows(home)}, about(home)
    assert all(word in shown(home) for word in HERS)
    assert main(["erase", *named, "--yes"]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("nothing left\n")
    assert "zendesk/ticket_events: 3 rows" in told.err
    assert [word for word in HERS if word in shown(home)] == []
    assert about(home) == files
    # Bob's are what they were; Ada's count as before, under one number that says nothing.
    after = {row[:3]: row[4] for row in rows(home)}
    others = {
        ("zendesk", "users", str(BOB)),
        ("zendesk", "tickets", "101"),
        ("zendesk", "ticket_events", "3"),
        ("zendesk", "organizations", "8"),
        ("typeform", "responses", "f/b"),
    }
    assert {key for key in before if after.get(key) == before[key]} == others | {("zendesk", "users", "14")}
    tickets, [number] = (
        of(home, "tickets"),
        {row[2] for row in rows(home) if row[1] == "users"} - {str(BOB), "14"},
    )
    assert (len(number), number.isdigit()) == (18, True)
    assert {tickets[each]["requester_id"] for each in ("100", "102")} == {int(number)}
    assert tickets["100"] == {
        **before["zendesk", "tickets", "100"],
        **dict.fromkeys(("requester_id", "submitter_id"), int(number)),
        **dict.fromkeys(("subject", "description"), ""),
        "custom_fields": [*FIELDS, {"id": 6, "value": ""}],
        "via": {"channel": "mail", "source": {"from": tickets["100"]["via"]["source"]["from"]}},
    }
    assert of(home, "responses")["f/a"]["hidden"] == {
        "customer_id": number,
        "segment": "gold",
        "first_name": "",
    }
    assert of(home, "responses")["f/a"]["answers"][0]["number"] == 9
    comment = of(home, "ticket_events")["1"]["child_events"][0]
    assert (comment["author_id"], comment["body"], comment["public"]) == (int(number), "", True)
    assert of(home, "ticket_events")["2"]["child_events"][0]["body"] == ""
    assert of(home, "ticket_events")["4"]["child_events"][0]["body"].endswith(
        "@erased.invalid about this, Bob."
    )
    assert of(home, "organizations")["7"] == {"id": 7, "name": ""}


def test_the_list_names_nobody_and_is_its_owners_alone(home):
    main(["erase", "zendesk", "--customer", str(ADA), "--yes"])
    listed = home.landing / ".erased.json"
    assert listed.stat().st_mode & 0o777 == 0o600
    assert not any(word in listed.read_text() for word in (*HERS, HER_ID))
    [line] = [json.loads(line) for line in home.journal.read_text().splitlines()]
    assert (line["did"], line["rows"], line["records"]) == ("erase", 9, False)
    assert str(ADA) not in map(str, line.values())
    assert not home.erasing.exists()


def test_what_is_fetched_again_lands_without_them(home):
    main(["erase", "zendesk", "--customer", str(ADA), "--yes"])
    [number] = {row[2] for row in rows(home) if row[1] == "users"} - {str(BOB), "14"}
    before = shown(home)
    land(home, "zendesk", "users", {ADA: user(ADA, "Ada Lovelace", 7)})
    land(home, "zendesk", "tickets", {100: ticket(100, ADA, WORDS), 103: ticket(103, ADA, WORDS)})
    land(home, "zendesk", "ticket_events", {1: event(1, 100, ADA, WORDS)})
    land(
        home,
        "typeform",
        "responses",
        {"f/a": response("a", ADA, WORDS), "f/new": response("new", ADA, WORDS)},
    )
    assert [word for word in HERS if word in shown(home)] == []
    assert of(home, "tickets")["103"]["requester_id"] == int(number)
    assert len(shown(home)) > len(before)


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "asked for later"])
def test_records_go_too_where_asked(is_late, home):
    if is_late:
        main(["erase", "zendesk", "--customer", str(ADA), "--yes"])
        main(["erase", "zendesk", "--customer", str(BOB), "--yes"])
    assert main(["erase", "zendesk", "--customer", str(ADA), "--records", "--yes"]) == 0
    gone = {row[:3] for row in rows(home) if row[3]}
    hers = {("zendesk", "tickets", each) for each in ("100", "102")}
    hers |= {("zendesk", "satisfaction_ratings", "1"), ("typeform", "responses", "f/a")}
    assert gone == hers
    land(home, "zendesk", "tickets", {100: ticket(100, ADA, WORDS)})
    assert {row[:3] for row in rows(home) if row[3]} == hers
    assert [row[3] for row in rows(home) if row[2] == "100"] == [True, True]


def test_one_response(home):
    assert main(["erase", "typeform", "--response", "a", "--yes"]) == 0
    assert WORDS not in json.dumps(of(home, "responses"))
    assert of(home, "responses")["f/b"] == response("b", BOB, "Bob likes it all in all, thank you.")
    assert of(home, "tickets")["100"]["subject"] == WORDS


def test_a_dry_run_and_a_question_change_nothing(home, capsys, monkeypatch):
    before = shown(home)
    assert main(["erase", "--email", "ada@lovelace.example", "--dry-run"]) == 0
    assert "zendesk/tickets: 2 rows" in capsys.readouterr().err
    assert main(["erase", "--email", "ada@lovelace.example"]) == 1
    assert "there is no terminal to ask at" in capsys.readouterr().err
    assert shown(home) == before
    assert not (home.landing / ".erased.json").exists()
    assert main(["erase", "--email", "nobody@lovelace.example", "--yes"]) == 1
    assert "nothing of 'nobody@lovelace.example' has landed" in capsys.readouterr().err
    assert main(["erase", "--customer", "12", "--yes"]) == 1
    assert "name the source" in capsys.readouterr().err


def test_what_is_left_is_named(home, capsys):
    note = home.root / "notes.txt"
    note.write_text("Call Ada@Lovelace.example on Monday")
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 1
    told = capsys.readouterr()
    assert f"something is left:\n  - {note}" in told.err
    assert "nothing left" not in told.out
    assert next(each for each in examine() if each.subject == "erase").ok is False
    note.unlink()
    # It was not done, so it goes on: by now nobody else knows the address.
    note.with_suffix(".log").write_text("Ada@Lovelace.example")
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 1
    note.with_suffix(".log").unlink()
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 0


@pytest.mark.parametrize("at", range(7))
def test_whoever_is_killed_half_way_goes_on(at, home, monkeypatch):
    """After each file in turn; the file that is being written is whole before and after."""
    written, left = ingestion.landing._write_file, [at]

    def dies(path, table):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        written(path, table)

    monkeypatch.setattr(ingestion.landing, "_write_file", dies)
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 130
    monkeypatch.setattr(ingestion.landing, "_write_file", written)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 0
    assert [word for word in HERS if word in shown(home)] == []
    numbers = {row[4]["requester_id"] for row in rows(home) if row[1] == "tickets"} - {BOB}
    assert len(numbers) == 1
    assert not home.erasing.exists()


MAPPING = """\
file: answers.csv
format: csv
entity: survey_answers
source: paper
mode: append
id: id
columns: {answered_at: at, score: stars, comment: said, customer_email: mail, customer_id: who}
date_format: iso8601
question: {id: q, kind: csat, scale_min: 1, scale_max: 5, positive_from: 4}
"""


def desk_ticket(number, requester, name, **more):
    embedded = {
        "id": requester,
        "name": name,
        "email": f"{name.split()[0].lower()}@{name.split()[1].lower()}.example",
    }
    return {"id": number, "requester_id": requester, "responder_id": AGENT, "subject": f"{name} asks",
            "requester": embedded, "type": "Incident", "tags": ["vip"], "status": 5, "priority": 2,
            "custom_fields": {"cf_area": "Billing", "cf_contact_phone": "+49 170 1234567"},
            "stats": {"first_responded_at": "2026-01-02T00:00:00Z"}, "due_by": "2026-01-05T00:00:00Z",
            "updated_at": "2026-01-04T00:00:00Z", **more}  # fmt: skip


def test_a_person_leaves_freshdesk_also_where_they_are_deleted_there(home):
    ada, bob = (desk_ticket(number, who, name) for number, who, name in
                ((1, ADA, "Ada Lovelace"), (2, BOB, "Bob Bobson")))  # fmt: skip
    says = {"private": False, "incoming": True, "source": 0, "created_at": "2026-01-02T00:00:00Z"}
    contact = {
        "id": ADA,
        "name": "Ada Lovelace",
        "email": "ada@lovelace.example",
        "company_id": 7,
        "phone": "0815-4711",
    }
    told = {
        "tickets": {1: ada, 2: bob},
        "deleted_tickets": {3: desk_ticket(3, ADA, "Ada Lovelace", deleted=True)},
        "spam_tickets": {4: desk_ticket(4, ADA, "Ada Lovelace", spam=True)},
        "conversations": {
            1100: {"id": 1100, "ticket_id": 1, "user_id": ADA, "body_text": "It is Ada Lovelace", **says},
            1200: {"id": 1200, "ticket_id": 1, "user_id": AGENT, "body_text": "Dear Ada Lovelace", **says},
            1300: {"id": 1300, "ticket_id": 2, "user_id": BOB, "body_text": "It is Bob", **says},
        },
        "satisfaction_ratings": {
            21: {
                "id": 21,
                "ticket_id": 1,
                "user_id": ADA,
                "feedback": WORDS,
                "ratings": {"default_question": -103},
            }
        },
        "time_entries": {
            31: {"id": 31, "ticket_id": 1, "agent_id": AGENT, "note": WORDS, "time_spent": "01:30"}
        },
        "deleted_contacts": {ADA: {**contact, "deleted": True}},
        "companies": {7: {"id": 7, "name": "Lovelace & Daughters", "custom_fields": {"segment": "SMB"}}},
    }
    for stream, records in told.items():
        land(home, "desk", stream, records, vendor="freshdesk")
    before = {row[:3]: row[3:] for row in rows(home)}
    assert main(["erase", "desk", "--customer", str(ADA), "--yes"]) == 0
    ours = [row for row in rows(home) if row[0] == "desk"]
    text = json.dumps(ours)
    assert not [word for word in (f'"{ADA}"', f" {ADA},", "Ada", "Lovelace", "0815-4711") if word in text]
    kept = {("tickets", "2"), ("conversations", "1300")}
    changed = {row[1:3] for row in ours if before.get(row[:3]) != row[3:]}
    assert changed.isdisjoint(kept)
    assert {name for name, _ in changed} == set(told)
    [one] = [row[4] for row in ours if row[1:3] == ("tickets", "1")]
    assert (one["type"], one["tags"], one["stats"], one["due_by"]) == (
        "Incident", ["vip"], ada["stats"], ada["due_by"]
    )  # fmt: skip
    assert one["custom_fields"] == {"cf_area": "Billing", "cf_contact_phone": ""}
    assert one["requester_id"] == json.loads(next(row[2] for row in ours if row[1] == "deleted_contacts"))
    assert of(home, "time_entries")["31"]["time_spent"] == "01:30"
    assert main(["erase", "desk", "--customer", str(BOB), "--records", "--yes"]) == 0
    assert {row[2] for row in rows(home) if row[:2] == ("desk", "tickets") and row[3]} == {"2"}


def test_a_file_that_is_read_again_brings_nobody_back(home, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "paper.yml").write_text(MAPPING)
    answers = folder / "answers.csv"
    lines = [
        "id,at,stars,said,mail,who",
        f"1,2026-01-01,5,{WORDS.replace(',', ';')},ada@lovelace.example,12",
        "2,2026-01-01,3,Fine,bob@x.example,13",
    ]
    answers.write_text("\n".join(lines) + "\n")
    [source] = file_sources(folder, set())

    def load():
        results: list[StreamResult] = list(source.reader(source, Landing(home.landing), (), lambda _: None))
        assert [result.error for result in results] == [None]

    load()
    before = of(home, "survey_answers")
    assert WORDS.replace(",", ";") in json.dumps(before)
    assert main(["erase", "--email", "ada@lovelace.example", "--yes"]) == 0
    erased = of(home, "survey_answers")
    hers, his = erased["1/q"], erased["2/q"]
    assert his == before["2/q"]
    assert hers["raw"] == {}
    assert "comment" not in hers["values"] or hers["values"]["comment"] == ""
    assert hers["values"]["score"] == 5
    assert hers["values"]["customer_email_hash"] != before["1/q"]["values"]["customer_email_hash"]
    answers.write_text("\n".join([*lines, "3,2026-01-02,4,Ok,ada@lovelace.example,12"]) + "\n")
    load()
    again = of(home, "survey_answers")
    assert WORDS.replace(",", ";") not in shown(home)
    assert again["1/q"] == hers
    assert again["3/q"]["values"]["customer_email_hash"] == hers["values"]["customer_email_hash"]
    assert Path(answers).read_text().count("ada@lovelace.example") == 2  # theirs to rewrite, not ours


def test_an_address_in_an_answer_and_an_id_in_a_link(home):
    """Whom only a survey knows; and a number in what others wrote."""
    long = 28835750003072
    land(home, "zendesk", "users", {long: user(long, "Eve Moneypenny", None)})
    link = f"Bob and https://x.example/users/{long} are one."
    land(home, "zendesk", "ticket_events", {9: event(9, 101, AGENT, link)})
    answer = {"type": "email", "email": "Dan@d.example", "field": {"id": "e", "type": "email"}}
    for name in ("d1", "d2"):
        land(home, "typeform", "responses", {f"f/{name}": {"response_id": name, "answers": [answer]}})
    assert main(["erase", "--email", "dan@d.example", "--yes"]) == 0
    first, second = (of(home, "responses")[f"f/{name}"]["answers"][0]["email"] for name in ("d1", "d2"))
    assert first == second
    assert first.endswith("@erased.invalid")
    assert main(["erase", "zendesk", "--customer", str(long), "--yes"]) == 0
    assert str(long) not in shown(home)
    assert of(home, "ticket_events")["9"]["child_events"][0]["body"].startswith(
        "Bob and https://x.example/users/9"
    )


def test_what_remembers_their_rows_forgets_them(home):
    """Results of gates that show them, Dagster's history, what the webhook was told; other results stay."""
    with Store(home.control) as store:
        judge_batches(store, Landing(home.landing).batches())
    with closing(sqlite3.connect(home.control)) as db, db:
        kept = db.execute("select count(*) from gate_results").fetchone()[0]
        for number, shown in enumerate(('["ada@lovelace.example"]', f'["{WORDS}"]')):
            db.execute("create temp table one as select * from gate_results limit 1")
            db.execute("update one set examples = ?, build_id = ?", (shown, str(number)))
            db.execute("insert into gate_results select * from one")
            db.execute("drop table one")
    log = home.dagster / "history" / "runs" / "1.db"
    log.parent.mkdir(parents=True)
    log.write_text("requester ada@lovelace.example")
    home.alerts.write_text(json.dumps({"told": "ada@lovelace.example"}))
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 0
    assert not log.exists()
    assert not home.alerts.exists()
    with closing(sqlite3.connect(home.control)) as db:
        assert db.execute("select count(*) from gate_results").fetchone()[0] == kept
    for path in home.root.rglob("*"):
        assert not path.is_file() or b"lovelace.example" not in path.read_bytes(), path


def test_another_helpdesks_customer_of_the_same_id_is_somebody_else(home, capsys):
    land(home, "emea", "users", {ADA: user(ADA, "Max Mustermann", None)}, vendor="zendesk")
    land(home, "emea", "tickets", {500: ticket(500, ADA, "Max asks") | {"via": {}}}, vendor="zendesk")
    land(home, "emea", "tickets", {102: ticket(102, ADA, "Max asks") | {"via": {}}}, vendor="zendesk")
    said = {"answers": [{"type": "text", "text": WORDS}]}
    by_ticket = {f"f/t{each}": {"hidden": {"ticket_id": each}, **said} for each in ("100", "102")}
    land(home, "typeform", "responses", by_ticket)
    before = {row[:3]: row[4] for row in rows(home)}
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 0
    assert (
        "another helpdesk has 12 too: answers that name no more than this id stay" in capsys.readouterr().err
    )
    after = {row[:3]: row[4] for row in rows(home)}
    others = {("emea", "users", str(ADA)), ("emea", "tickets", "500"), ("emea", "tickets", "102")}
    for key in others | {("typeform", "responses", "f/a"), ("typeform", "responses", "f/t102")}:
        assert after[key] == before[key]
    assert after["typeform", "responses", "f/t100"]["answers"][0]["text"] == ""


def test_what_a_value_is_of_says_its_field(home):
    """Audits name the field beside the value; a customer who held another's ticket for a while is in both."""

    def change(field, value, before=None):
        return {"type": "Change", "field_name": field, "value": value, "previous_value": before}

    hers = [
        change("subject", WORDS),
        change("status", "open", "new"),
        change("5", "gold"),
        change("tags", "vip new"),
    ]
    his = [change("requester_id", str(BOB), str(ADA)), change("subject", "Bob asks", "Bob")]
    audit = {"created_at": "2026-01-02T00:00:00Z", "author_id": AGENT}
    land(home, "zendesk", "ticket_audits", {
        1: {**audit, "ticket_id": 100, "events": hers, "metadata": {"system": {"ip_address": "192.0.2.1"}}},
        2: {**audit, "ticket_id": 101, "events": his},
    })  # fmt: skip
    moved = {"event_type": "Change", "requester_id": BOB, "previous_value": ADA}
    land(
        home,
        "zendesk",
        "ticket_events",
        {5: {"ticket_id": 101, "updater_id": AGENT, "child_events": [moved]}},
    )
    assert main(["erase", "zendesk", "--customer", str(ADA), "--yes"]) == 0
    number = str(of(home, "tickets")["100"]["requester_id"])
    first, second = (of(home, "ticket_audits")[each] for each in ("1", "2"))
    assert first["events"] == [change("subject", "", None), *hers[1:]]
    assert first["metadata"] == {}
    assert second["events"] == [change("requester_id", str(BOB), number), his[1]]
    assert of(home, "ticket_events")["5"]["child_events"] == [moved | {"previous_value": int(number)}]


VALUES = st.recursive(
    st.sampled_from(
        [ADA, BOB, 0.5, None, True, "Bob", WORDS, str(ADA), "ada@lovelace.example", "2026-01-01"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@example({"requester_id": [{"requester_id": ADA}]}, "tickets")
@example({"requester_id": [[ADA]]}, "tickets")
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), st.sampled_from(["tickets", "users", "x"])
)
def test_whatever_a_vendor_sends_is_scrubbed_once_and_for_all(payload, stream):
    erased = Erased(Path("/nowhere"))
    erased.add("customer", "zendesk", str(ADA), of="a")
    erased.add("address", "*", "ada@lovelace.example", of="a")
    scrubber = Scrubber(erased, PERSONAL, "zendesk", stream)
    once = scrubber.scrub("1", False, json.dumps(payload))
    if once is not None:
        assert "ada@lovelace" not in once[2]
        assert scrubber.scrub(*once) is None
        assert json.loads(once[2]).keys() == payload.keys()
    else:
        told = json.dumps(payload)
        assert "ada@lovelace" not in told
        assert f'"requester_id": {ADA}' not in told
