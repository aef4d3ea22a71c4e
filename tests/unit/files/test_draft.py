"""Drafts of small files: what is found can be read as it is written, what is not sure stays a question."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.sources.files.draft import draft, profile
from ingestion.sources.files.mapping import Mapping, MappingError
from ingestion.sources.files.parse import load
from ingestion.sources.files.read import rows

TICKETS = """\
Ticket ID,Status,Created at,Größe
T1,Open,2024-05-01 10:00,Zürich
T2,Resolved,2024-05-02 11:30,Köln
T3,In Progress,2024-05-03 09:15,München
T4,Closed,2024-05-04 16:45,Straße
"""


class Desk:
    """A folder to which files are exported and mappings drafted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, content: str | bytes, name: str = "export.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def text(self, content: str | bytes | Path, **asked: str) -> str:
        """The draft of a file."""
        path = content if isinstance(content, Path) else self.file(content)
        return draft(path, folder=self.folder, **asked)[0].text

    def mapping(self, content: str | bytes | Path, edit: Callable[[str], str] = str, **asked: str) -> Mapping:
        """The draft as it is read when it is saved."""
        path = self.folder / "desk.yml"
        path.write_text(edit(self.text(content, **asked)))
        return load(path)

    def rows(self, mapping: Mapping) -> list[dict[str, str | None]]:
        """What a draft reads."""
        [path] = mapping.files()
        return [row for _, row in rows(mapping, path)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def lines_of(text: str, begins: str) -> list[str]:
    """The lines of a draft that begin so, their remarks cut off unless they are remarks."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith(begins)]


def table(*head: str, row: Callable[[int], tuple[object, ...]], count: int = 60) -> str:
    """A CSV file of rows made by their number."""
    return "\n".join([",".join(head), *(",".join(map(str, row(i))) for i in range(count))]) + "\n"


def tickets(*head: str, row: Callable[[int], tuple[object, ...]] = lambda _: (), count: int = 60) -> str:
    """A CSV file of tickets, open and closed in turn, with more columns."""
    names = ("Id", "Created at", "Status", *head)
    return table(
        *names,
        row=lambda i: (i, f"2024-05-01 {i // 60:02}:{i % 60:02}", ("Open", "Closed")[i % 2], *row(i)),
        count=count,
    )


# How files are written


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def zipped(content: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("export.csv", content)
    return data.getvalue()


def parquet() -> bytes:
    data = io.BytesIO()
    columns = {
        "Ticket ID": ["T1", "T2", "T3", "T4"],
        "Status": ["Open", "Resolved", "In Progress", "Closed"],
        "Created at": [datetime(2024, 5, day) for day in (1, 2, 3, 4)],  # noqa: DTZ001
        "Größe": ["Zürich", "Köln", "München", "Straße"],
    }
    pq.write_table(pa.table(columns), data)
    return data.getvalue()


def json_lines() -> str:
    head, *lines = (line.split(",") for line in TICKETS.splitlines())
    return "\n".join(json.dumps(dict(zip(head, line, strict=True))) for line in lines)


GRID: list[list[object]] = [line.split(",") for line in TICKETS.splitlines()]
TYPED: list[list[object]] = [
    ["Helpdesk report", None, None, None],
    GRID[0],
    *([*row[:2], datetime.fromisoformat(str(row[2])), row[3]] for row in GRID[1:]),
]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", TICKETS.encode(), {}),
        ("a.csv", TICKETS.encode("utf-8-sig"), {}),
        ("a.csv", TICKETS.encode("utf-16"), {"encoding": "utf-16"}),
        ("a.csv", TICKETS.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("a.csv", TICKETS.encode("cp1252"), {"encoding": "cp1252"}),
        ("a.csv", TICKETS.replace("\n", "\r\n").replace(",", ";").encode(), {"delimiter": ";"}),
        ("a.tsv", TICKETS.replace(",", "\t").encode(), {"delimiter": "\t"}),
        ("a.txt", TICKETS.replace(",", "|").encode(), {"delimiter": "|"}),
        ("a.csv", b"sep=;\r\n" + TICKETS.replace(",", ";").encode(), {"delimiter": ";"}),
        ("a.csv", b"Report of May\n\n" + TICKETS.encode(), {"skip_rows": 1}),
        ("a.csv", b"Report,of May,,\nfor,us,,\n" + TICKETS.encode(), {"skip_rows": 2}),
        ("a.csv.gz", gzip.compress(TICKETS.encode(), mtime=0), {}),
        ("a.zip", zipped(TICKETS.encode()), {}),
        ("a.jsonl", json_lines().encode(), {"format": "jsonl"}),
        ("a.parquet", parquet(), {"format": "parquet"}),
        ("a.xlsx", workbook(May=GRID), {"format": "xlsx", "sheet": "May"}),
        (
            "a.xlsx",
            workbook(Notes=[["Read me"], ["first"]], May=TYPED, Sums=[["n", 4]]),
            {"format": "xlsx", "sheet": "May", "skip_rows": 1},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_a_file_is_written(desk: Desk, name: str, content: bytes, expected: dict[str, object]) -> None:
    mapping = desk.mapping(desk.file(content, name))
    plain = {"format": "csv", "encoding": "utf-8", "delimiter": ",", "skip_rows": 0, "header_rows": 1}
    for key, value in {**plain, **expected}.items():
        assert getattr(mapping, key) == value, key
    assert (mapping.entity, mapping.id, mapping.file) == ("tickets", (("Ticket ID",),), name)
    assert [row["Größe"] for row in desk.rows(mapping)] == ["Zürich", "Köln", "München", "Straße"]


def test_other_sheets_are_named(desk: Desk) -> None:
    text = desk.text(desk.file(workbook(Notes=[["Read me"]], May=GRID), "a.xlsx"))
    assert lines_of(text, "sheet: May") == [
        "sheet: May                                     # the largest; the others: Notes"
    ]


def test_an_encoding_that_is_a_guess_is_asked_about(desk: Desk) -> None:
    [line] = lines_of(desk.text(TICKETS.encode("cp1252")), "encoding:")
    assert "ask:" in line
    assert "Größe" in line


@pytest.mark.parametrize("count", [2, 3])
def test_header_rows_of_survey_tools(desk: Desk, count: int) -> None:
    head = [
        "RespondentID,EndDate,How easy was it?,",
        ",,Response,Open-Ended Response",
        '"{""id"":1}","{""id"":2}","{""id"":3}",',
    ][:count]
    body = [
        f"{9_000 + i},05/{i + 10}/2024 10:00,{'Very easy' if i % 2 else 'Very difficult'},so {i}"
        for i in range(12)
    ]
    mapping = desk.mapping("\n".join([*head, *body]))
    assert mapping.header_rows == count
    assert (mapping.entity, len(desk.rows(mapping))) == ("survey_answers", 12)
    assert mapping.columns["answered_at"][0].startswith("EndDate")
    assert mapping.columns["score"][0].startswith("How easy was it? / Response")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \n\n", "is empty"),
        ("a.csv", b"Ticket ID,Status\n", "has a header and no rows"),
        ("a.csv", bytes(range(256)) * 20, "is no text and no format known here"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), "is no text and no format known here"),
        (
            "a.xls",
            b"\xd0\xcf\x11\xe0" + bytes(600),
            "is an old Excel workbook (.xls), or one with a password; save it as .xlsx",
        ),
        ("a.csv", gzip.compress(TICKETS.encode(), mtime=0), "is compressed by gzip; let its name end in .gz"),
        ("a.zip", b"PK\x03\x04 no archive", "cannot be read"),
        ("a.gz", gzip.compress(TICKETS.encode(), mtime=0)[:40], "cannot be read"),
        ("a.pdf", b"%PDF-1.7 and so on", "is a PDF; export it as CSV"),
        ("a.html", b"<!DOCTYPE html><table>", "is a web page; export it as CSV"),
        ("a.json", b'[{"id": 1}]', "is a list in JSON; export it as CSV"),
        ("a.xlsx", workbook(Empty=[]), "has no sheet with a table"),
        ("a.csv", b"Colour,Taste\nred,sweet\nblue,sour\n", "nothing in `Colour`, `Taste` looks like tickets"),
        ("a.csv", b"word\nred\nblue\nred\n", "nothing in `word` looks like tickets"),
    ],
)
def test_what_is_no_export_is_refused(desk: Desk, name: str, content: bytes, message: str) -> None:
    path = desk.file(content, name)
    with pytest.raises(MappingError, match=re.escape(message)) as caught:
        draft(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no such file"):
        draft(tmp_path / "none.csv")


# Names


NASTY = [
    "a: b",
    "- x",
    "# no",
    "{a}",
    "[b",
    "null",
    "true",
    "012",
    "it's",
    'say "x"',
    "two\nlines",
    "täb\t",
    "a, b",
    "%d",
    "* y",
    "é 😀",
]


def test_names_and_values_that_mean_something_in_yaml(desk: Desk) -> None:
    """Whatever columns and values are called, the draft reads them as they are."""
    head = ["Ticket ID", "Created at", "Status", *NASTY]
    states = ["Open", "Closed", *NASTY]
    lines = [[f"T{i}", f"2024-05-{i + 1:02} 10:00", states[i % len(states)], *NASTY] for i in range(28)]
    content = "\n".join(
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in [head, *lines]
    )

    def use_all(text: str) -> str:
        """Take every state that is left to a person as open."""
        return re.sub(r"(?m)^    # ", "    ", text)

    mapping = desk.mapping(content, use_all)
    states_read = {text.strip() for text in mapping.value_maps["status"]}
    assert states_read == {state.strip() for state in states} - {"null"}
    assert "null" in mapping.null_values


def test_each_column_may_have_any_name(desk: Desk) -> None:
    for name in NASTY:
        given = name.strip()
        content = f'"{given.replace(chr(34), chr(34) * 2)}",Created at,Ticket ID\n'
        content += "".join(
            f"{'Open' if i % 2 else 'Closed'},2024-05-{i + 1:02} 10:00,T{i}\n" for i in range(8)
        )
        assert desk.mapping(content).columns["status"] == (given,)


@pytest.mark.parametrize(
    ("status", "created", "resolved", "agent"),
    [
        ("Status", "Created at", "Resolved at", "Assignee"),
        ("status", "createdAt", "resolvedAt", "assigneeId"),
        ("Bearbeitungsstatus", "Eröffnet am", "Gelöst am", "Bearbeiter"),
        ("Statut", "Date de création", "Résolu le", "Assigné à"),
        ("Estado", "Fecha de creación", "Resuelto el", "Asignado a"),
        ("Stato", "Data di apertura", "Risolto il", "Assegnatario"),
        ("Situação", "Criado em", "Resolvido em", "Responsável"),
        ("Toestand", "Aangemaakt op", "Opgelost op", "Behandelaar"),
    ],
)
def test_names_in_seven_languages(desk: Desk, status: str, created: str, resolved: str, agent: str) -> None:
    content = table(
        "Id", agent, resolved, created, status,
        row=lambda i: (
            i + 100, f"agent {i % 3}", f"2024-05-{i % 28 + 1:02} 12:00", f"2024-04-{i % 28 + 1:02} 12:00",
            ("Open", "Closed")[i % 2],
        ),
    )  # fmt: skip
    assert desk.mapping(content).columns == {
        "created_at": (created,), "resolved_at": (resolved,), "status": (status,), "assignee_id": (agent,)
    }  # fmt: skip


# Words


STATES = {
    "new": ["New", "Neu", "Nouveau", "Nuevo", "Nuovo", "Novo", "Nieuw"],
    "open": [
        "In Progress",
        "In Bearbeitung",
        "En cours",
        "En curso",
        "In corso",
        "Em andamento",
        "In behandeling",
    ],
    "pending": [
        "Waiting for customer",
        "Wartet auf Kunde",
        "En attente du client",
        "Esperando respuesta",
        "Aguardando cliente",
        "Wacht op klant",
    ],
    "hold": ["On-hold", "Zurückgestellt", "Suspendu", "En espera", "In attesa", "Em espera", "Gepauzeerd"],
    "solved": ["Resolved", "Gelöst", "Résolu", "Resuelto", "Risolto", "Resolvido", "Opgelost"],
    "closed": ["Closed", "Geschlossen", "Fermé", "Cerrado", "Chiuso", "Fechado", "Gesloten"],
}


def test_states_in_seven_languages(desk: Desk) -> None:
    words = [word for group in STATES.values() for word in group]
    content = table(
        "Id", "Created", "Status", row=lambda i: (i, f"2024-05-01 10:{i:02}", words[i]), count=len(words)
    )
    found = desk.mapping(content).value_maps["status"]
    assert found == {word: ours for ours, group in STATES.items() for word in group}


def test_what_no_table_knows_is_left_to_a_person(desk: Desk) -> None:
    """In tickets a state is needed, so a line is missing; an event without one says nothing of the state."""
    states = ["Open", "Closed", "Flubbed", "Half resolved"]
    tickets = table("Id", "Created", "Status", row=lambda i: (i, f"2024-05-01 10:{i:02}", states[i % 4]))
    [line] = lines_of(desk.text(tickets), "# Flubbed: open")
    assert line.endswith("# 15 rows; ask: one of new, open, pending, hold, solved, closed")
    assert "ask: perhaps solved; one of" in lines_of(desk.text(tickets), "# Half resolved: solved")[0]
    assert desk.mapping(tickets).value_maps["status"] == {"Open": "open", "Closed": "closed"}
    log = table(
        "Ticket", "When", "Status", row=lambda i: (f"T{i // 4}", f"2024-05-01 10:{i:02}", states[i % 4])
    )
    mapping = desk.mapping(log)
    assert mapping.entity == "ticket_events"
    assert mapping.value_maps["status"] == {
        "Open": "open",
        "Closed": "closed",
        "Flubbed": None,
        "Half resolved": None,
    }


def test_no_word_is_known(desk: Desk) -> None:
    content = table(
        "Id", "Created", "Status", row=lambda i: (i, f"2024-05-01 10:{i:02}", ("Foo", "Bar")[i % 2])
    )
    mapping = desk.mapping(content)
    assert mapping.columns["status"] == ("Status",)
    assert mapping.value_maps == {}


def test_priorities_and_their_rivals(desk: Desk) -> None:
    """One column of such values is the priority; of several without a name that tells, none is."""

    def content(*names: str) -> str:
        level = ("1 - Critical", "2 - High", "3 - Moderate", "4 - Low")
        return table(
            "Id",
            "Created",
            "Status",
            *names,
            row=lambda i: (
                i,
                f"2024-05-01 10:{i:02}",
                ("Open", "Closed")[i % 2],
                *(level[(i + k) % 4] for k in range(len(names))),
            ),
        )

    assert desk.mapping(content("Bedeutung")).value_maps["priority"] == {
        "1 - Critical": "urgent", "2 - High": "high", "3 - Moderate": "normal", "4 - Low": "low"
    }  # fmt: skip
    assert desk.mapping(content("x", "Priorité")).columns["priority"] == ("Priorité",)
    assert "priority" not in desk.mapping(content("x", "y")).columns
    assert len(lines_of(desk.text(content("x", "y")), "# priority: x")) == 1


def test_flags_of_targets(desk: Desk) -> None:
    """A flag decides where there are no times to judge by; its name says which way round it is."""

    def content(flag: str, values: tuple[str, str], *due: str) -> str:
        def row(i: int) -> tuple[object, ...]:
            return f"2024-05-01 11:{i:02}", values[i % 2], *[f"2024-05-01 12:{i:02}" for _ in due]

        return tickets("First response", flag, *due, row=row)

    met = desk.mapping(content("Made SLA", ("true", "false")))
    assert met.value_maps["vendor_verdict"] == {"true": "met", "false": "breached"}
    assert desk.mapping(content("SLA breached", ("Yes", "No"))).value_maps["vendor_verdict"] == {
        "Yes": "breached",
        "No": "met",
    }
    told = desk.mapping(content("First response status", ("Within SLA", "SLA Violated")))
    assert told.columns["first_reply_verdict"] == ("First response status",)
    assert told.columns["first_reply_ended_at"] == ("First response",)
    timed = desk.mapping(
        content("First response status", ("Within SLA", "SLA Violated"), "First response due")
    )
    assert "first_reply_verdict" not in timed.columns
    assert timed.columns["first_reply_due_at"] == ("First response due",)


# Dates


def dated(texts: list[str], *others: tuple[str, list[str]]) -> str:
    """Tickets with given dates, over and over."""
    columns = [("Created at", texts), *others]

    def row(i: int) -> tuple[object, ...]:
        return i, ("Open", "Closed")[i % 2], *(f'"{values[i % len(values)]}"' for _, values in columns)

    return table("Id", "Status", *(name for name, _ in columns), row=row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-25 10:00", "iso8601"),
        ("2024-05-25T10:00:00.123Z", "iso8601"),
        ("25/05/2024 10:00", "%d/%m/%Y %H:%M"),
        ("5/25/2024 9:05:01", "%m/%d/%Y %H:%M:%S"),
        ("25.05.24 10:00", "%d.%m.%y %H:%M"),
        ("2024/05/25", "%Y/%m/%d"),
        ("20240525", "%Y%m%d"),
        ("25-Jun-2024 03:15 PM", "%d-%b-%Y %I:%M %p"),
        ("25/Jun/24 3:15 PM", "%d/%b/%y %I:%M %p"),
        ("June 25, 2024 15:15", "%B %d, %Y %H:%M"),
        ("Sat, 25 May 2024 10:00:00 +0200", "%a, %d %b %Y %H:%M:%S %z"),
        ("25/05/2024, 10:00:00.123456", "%d/%m/%Y, %H:%M:%S.%f"),
        ("1716631200", "epoch_s"),
        ("1716631200000", "epoch_ms"),
        ("45437.4166667", "excel"),
    ],
)
def test_date_formats(desk: Desk, text: str, expected: str) -> None:
    assert desk.mapping(dated([text])).date_formats == {"created_at": expected}


def test_zones_that_the_file_tells(desk: Desk) -> None:
    zoned = desk.text(dated(["2024-05-25T10:00:00+02:00"]))
    assert lines_of(zoned, "time_zone") == []
    [named] = lines_of(
        desk.text(dated(["25/05/2024 10:00"]).replace("Created at", "Created (UTC)")), "time_zone"
    )
    assert "ask" not in named
    [asked] = lines_of(desk.text(dated(["25/05/2024 10:00"])), "time_zone")
    assert "ask: the zone of the file's clock" in asked


def test_months_in_other_languages(desk: Desk) -> None:
    mapping = desk.mapping(dated(["5 janv. 2024 10:00", "17 févr. 2024 11:00", "3 août 2024 12:00"]))
    assert mapping.date_formats == {"created_at": "%d %b %Y %H:%M"}
    assert mapping.months == {"janv.": 1, "févr.": 2, "août": 8}


AMBIGUOUS = [
    f"{day:02}/{month:02}/2024 10:{day:02}"
    for month, day in [(1, 2), (3, 4), (5, 1), (2, 7), (6, 12), (11, 9)]
]


def test_day_or_month_is_asked_when_nothing_tells(desk: Desk) -> None:
    """Either of the two lines makes a mapping; neither is taken by itself."""
    content = dated(AMBIGUOUS)
    lines = lines_of(desk.text(content), "# date_format")
    assert [line.split("#")[1].strip() for line in lines] == [
        'date_format: "%d/%m/%Y %H:%M"', 'date_format: "%m/%d/%Y %H:%M"'
    ]  # fmt: skip
    assert [
        "2024-01-02 to 2024-11-09, 6 month(s)" in lines[0],
        "2024-01-05 to 2024-12-06, 6 month(s)" in lines[1],
    ] == [True, True]
    assert "ask: day or month first?" in desk.text(content)
    with pytest.raises(MappingError, match="`date_format` is missing for `created_at`"):
        desk.mapping(content)
    for line in lines:
        chosen = desk.mapping(content, lambda text, line=line: text.replace(line, line[2:]))
        assert chosen.date_formats["created_at"] == line.split('"')[1]


@pytest.mark.parametrize("later_column", [True, False])
def test_one_date_of_the_file_decides(desk: Desk, later_column: bool) -> None:
    closed = ("Closed at", [f"{day:02}/12/2024 10:00" for day in range(15, 28)])
    content = dated(AMBIGUOUS, closed) if later_column else dated([*AMBIGUOUS, "31/12/2024 10:00"])
    assert set(desk.mapping(content).date_formats.values()) == {"%d/%m/%Y %H:%M"}


def test_an_end_before_its_beginning_decides(desk: Desk) -> None:
    """As month/day each ticket would be closed a month before it was created."""
    created = [f"{12 - i:02}/{i + 1:02}/2024 10:00" for i in range(9)]
    closed = [f"{11 - i:02}/{i + 2:02}/2024 10:00" for i in range(9)]
    text = desk.text(dated(created, ("Closed at", closed)))
    [line] = lines_of(text, "date_format")
    assert '"%d/%m/%Y %H:%M"' in line
    assert "would end before they begin" in line


def test_the_order_of_the_rows_decides(desk: Desk) -> None:
    first = date(2024, 1, 1)
    days = [first + timedelta(days=3 * i) for i in range(60)]
    texts = [f"{day:%m/%d/%Y}" for day in days if day.day <= 12]
    text = desk.text(
        table(
            "Id",
            "Created at",
            "Status",
            row=lambda i: (i, texts[i], ("Open", "Closed")[i % 2]),
            count=len(texts),
        )
    )
    [line] = lines_of(text, "date_format")
    assert '"%m/%d/%Y"' in line
    assert "in order" in line


def test_all_rows_count_not_only_the_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only date that tells and a strange state stand far behind what is kept of the file."""
    monkeypatch.setattr(profile, "KEPT_VALUES", 100)
    monkeypatch.setattr(profile, "SAMPLE_ROWS", 50)

    def row(i: int) -> tuple[object, ...]:
        at = f"{'25/01' if i == 8_000 else '03/02'}/2024 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}"
        state = "Flubbed" if i == 8_100 else ("Open", "Closed")[i % 2]
        return f"T{(i - 1 if i == 8_200 else i) // 4}", at, state, f"a{i % 9}"

    text = desk.text(table("Ticket", "When", "Status", "Author", row=row, count=8_400))
    assert "fits all values" in lines_of(text, 'date_format: "%d/%m/%Y %H:%M:%S"')[0]
    assert len(lines_of(text, "Flubbed: null")) == 1


def test_an_id_that_repeats_far_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "SAMPLE_ROWS", 50)

    def row(i: int) -> tuple[object, ...]:
        moment = 700 if i == 701 else i
        return f"T{i // 4}", f"2024-05-01 {moment // 60:02}:{moment % 60:02}", ("Open", "Closed")[i % 2]

    assert desk.mapping(table("Ticket", "When", "Status", row=row, count=800)).id == (
        ("Ticket",),
        ("When",),
        ("Status",),
    )


def test_a_row_that_stands_there_twice(desk: Desk) -> None:
    content = tickets()
    assert desk.mapping(content + content.splitlines()[5] + "\n").id == (("Id",),)


def test_where_the_file_is(desk: Desk) -> None:
    """From the folder of the mappings on where it is near, else from the root."""
    (desk.folder / "exports").mkdir()
    (desk.folder / "mappings").mkdir()
    (desk.folder / "far" / "away").mkdir(parents=True)
    path = desk.file(tickets(), "exports/may [1].csv")
    for folder, expected in (
        (desk.folder / "exports", "may [[]1].csv"),
        (desk.folder / "mappings", "../exports/may [[]1].csv"),
        (desk.folder / "far" / "away", desk.folder.resolve().as_posix() + "/exports/may [[]1].csv"),
        (None, desk.folder.resolve().as_posix() + "/exports/may [[]1].csv"),
    ):
        target = (folder or desk.folder) / "desk.yml"
        target.write_text(draft(path, folder=folder)[0].text)
        mapping = load(target)
        target.unlink()
        assert mapping.file == expected
        assert [each.resolve() for each in mapping.files()] == [path.resolve()]


def test_a_name_that_no_mapping_can_have(desk: Desk) -> None:
    with pytest.raises(MappingError, match="a mapping cannot be called `My Desk`"):
        draft(desk.file(tickets()), name="My Desk")
    assert draft(desk.file(tickets(), "Größe & May 2024.csv"))[0].name == "gr_e_may_2024"


# Scales


@pytest.mark.parametrize(
    ("name", "answers", "question"),
    [
        ("How likely are you to recommend us?", list(range(11)), ("nps", 0, 10, None)),
        ("Q1", list(range(11)), ("nps", 0, 10, None)),
        ("Would you recommend us?", [6, 7, 8, 9], ("nps", 0, 10, None)),
        ("Rating", [1, 2, 3, 4, 5], ("csat", 1, 5, 4)),
        ("Rating", ["1,0", "2,0", "4,0", "5,0"], ("csat", 1, 5, 4)),
        ("Satisfaction", [1, 2, 3, 4, 5, 6, 7], ("csat", 1, 7, 6)),
        (
            "Zufriedenheit",
            ["sehr zufrieden", "zufrieden", "weder noch", "unzufrieden", "sehr unzufrieden"],
            ("csat", 1, 5, 4),
        ),
        ("Satisfaction", ["Good", "Bad", "Offered"], ("csat", 0, 1, 1)),
        (
            "How easy was it?",
            ["Very easy", "Somewhat easy", "Not so easy", "Not at all easy"],
            ("ces", 1, 4, None),
        ),
        ("Your effort", [1, 2, 3, 4, 5], ("ces", 1, 5, None)),
        ("Who?", ["0 - Mostly me", "1", "2", "3", "4", "5 - Mostly others"], ("other", 0, 5, None)),
        (
            "Q9",
            ["Très insatisfait", "Plutôt insatisfait", "Plutôt satisfait", "Très satisfait"],
            ("csat", 1, 4, 3),
        ),
    ],
)
def test_scales(
    desk: Desk, name: str, answers: list[object], question: tuple[str, float, float, float | None]
) -> None:
    content = table("Respondent", name, row=lambda i: (f"r{i}", f'"{answers[i % len(answers)]}"'))
    mapping = desk.mapping(content)
    found = mapping.question
    assert found
    assert (found.kind, found.scale_min, found.scale_max, found.positive_from) == question


def test_answers_in_words_are_numbered_from_bad_to_good(desk: Desk) -> None:
    words = ["Not at all satisfied", "Not satisfied", "Not very satisfied", "Neutral", "Somewhat satisfied"]
    words += ["Satisfied", "Very satisfied", "Completely satisfied"]
    content = table("Respondent", "Mood", row=lambda i: (f"r{i}", words[i % 8]))
    assert desk.mapping(content).value_maps["score"] == {word: str(i) for i, word in enumerate(words, 1)}


def test_answers_that_no_scale_is_known_of(desk: Desk) -> None:
    text = desk.text(
        table("Respondent", "Mood", row=lambda i: (f"r{i}", ("Blue", "Grey")[i % 2])), score="Mood"
    )
    assert "ask: csat, nps, ces or other" in lines_of(text, "question:")[0]


def test_the_month_of_a_date_is_no_score(desk: Desk) -> None:
    content = table(
        "Id",
        "Survey date",
        "Month",
        "Answer",
        row=lambda i: (i, f"2024-{i % 6 + 1:02}-{i % 28 + 1:02}", i % 6 + 1, i % 5 + 1),
    )
    assert desk.mapping(content).columns["score"] == ("Answer",)


def test_a_score_in_a_file_of_tickets_is_a_second_mapping(desk: Desk) -> None:
    def row(i: int) -> tuple[object, ...]:
        return (f"2024-05-02 10:{i:02}", i % 5 + 1) if i % 2 else ("", "")

    content = tickets("Closed at", "Rating", "Answered", row=lambda i: (*row(i), f"2024-05-01 11:{i:02}"))
    first, second = draft(desk.file(content), folder=desk.folder)
    assert (first.name, second.name) == ("export", "export_csat")
    assert "Rating (1 to 5, csat)" in first.text
    (desk.folder / "export_csat.yml").write_text(second.text)
    answers = load(desk.folder / "export_csat.yml")
    assert answers.source == "export"
    assert answers.columns == {"answered_at": ("Closed at",), "ticket_id": ("Id",), "score": ("Rating",)}
    assert desk.mapping(content, score="Rating").columns == answers.columns


def test_a_time_that_is_nearly_always_there_is_not_that_of_the_answer(desk: Desk) -> None:
    """Few rows lack an answer, and those have the time as well."""
    content = table(
        "Respondent",
        "Rating",
        "Born",
        row=lambda i: (f"r{i}", "" if i % 30 == 0 else i % 5 + 1, "1980-05-17"),
    )
    assert set(desk.mapping(content).columns) == {"score"}


# Values


def test_times_told_by_their_order_alone(desk: Desk) -> None:
    """Names that tell nothing: what is first, due, replied, there for solved, there for closed tickets."""
    start = datetime(2024, 5, 1, 8)  # noqa: DTZ001

    def row(i: int) -> tuple[object, ...]:
        at = start + timedelta(minutes=37 * i)
        state = ("Open", "Resolved", "Closed")[i % 3]
        times = [at, at + timedelta(hours=1 + i % 2), at + timedelta(days=1), at + timedelta(minutes=7 + i)]
        ends = [at + timedelta(hours=9, minutes=11 * i), at + timedelta(days=3, minutes=13 * i)]
        given = [
            *times[:3],
            times[3] if i % 20 else "",
            ends[0] if i % 3 else "",
            ends[1] if i % 3 == 2 else "",
        ]
        return (state, given[4], given[1], f"K-{i}", given[5], given[3], given[2], given[0])

    content = table("a", "b", "c", "d", "e", "f", "g", "h", row=row, count=150)
    mapping = desk.mapping(content)
    assert mapping.id == (("d",),)
    assert mapping.columns == {
        "created_at": ("h",), "status": ("a",), "first_reply_at": ("f",), "resolved_at": ("b",),
        "closed_at": ("e",),
        "first_reply_due_at": ("c",), "total_resolution_due_at": ("g",),
        "first_reply_ended_at": ("f",), "total_resolution_ended_at": ("b",),
    }  # fmt: skip


def test_a_time_of_closed_tickets_is_no_solution(desk: Desk) -> None:
    """Solved tickets without it tell that it is the close."""

    def row(i: int) -> tuple[object, ...]:
        at = datetime(2024, 5, 1, 8) + timedelta(minutes=37 * i)  # noqa: DTZ001
        return (
            f"K-{i}",
            at,
            ("Open", "Resolved", "Closed")[i % 3],
            at + timedelta(hours=i) if i % 3 == 2 else "",
        )

    mapping = desk.mapping(table("a", "b", "c", "d", row=row, count=150))
    assert mapping.columns == {"created_at": ("b",), "status": ("c",), "closed_at": ("d",)}


def test_a_log_told_by_its_values_alone(desk: Desk) -> None:
    def row(i: int) -> tuple[object, ...]:
        step = i % 4
        return (
            ("New", "Assigned", "Awaiting User", "Closed")[step],
            f"2024-05-{i // 4 % 28 + 1:02} 1{step}:00",
            f"INC{i // 4:05}",
            step,
        )

    mapping = desk.mapping(table("a", "b", "c", "d", row=row, count=200))
    assert mapping.entity == "ticket_events"
    assert mapping.columns == {"ticket_id": ("c",), "event_at": ("b",), "sequence": ("d",), "status": ("a",)}
    assert mapping.id == (("c",), ("b",))


def test_what_stands_for_nothing(desk: Desk) -> None:
    def row(i: int) -> tuple[object, ...]:
        return f"2024-05-02 10:{i:02}" if i % 2 else ("?", "never")[i % 4 // 2], ("A", "-")[i % 2]

    mapping = desk.mapping(tickets("Closed at", "Team", row=row))
    assert mapping.null_values == {"", "?", "never", "-"}
    assert set(mapping.columns) == {"created_at", "status", "closed_at", "group_id"}


def test_words_that_mean_something_in_texts_are_no_nulls(desk: Desk) -> None:
    content = table(
        "Id",
        "Created at",
        "Status",
        "Team",
        row=lambda i: (i, f"2024-05-01 10:{i:02}", ("Open", "Closed")[i % 2], ("NA", "None")[i % 2]),
    )
    assert desk.mapping(content).null_values == {""}


def test_invitations(desk: Desk) -> None:
    content = table(
        "Invitation ID", "Sent", "Status", "Answered", "Customer",
        row=lambda i: (
            f"i{i}", f"2024-05-01 10:{i:02}", ("Sent", "Bounced", "Opted out")[i % 3], "", f"C{i % 9}"
        ),
    )  # fmt: skip
    mapping = desk.mapping(content)
    assert mapping.entity == "survey_invitations"
    assert mapping.value_maps["delivery"] == {"Sent": "delivered", "Bounced": "bounced", "Opted out": None}


def test_texts_of_people_are_not_repeated(desk: Desk) -> None:
    content = table(
        "Id",
        "Created at",
        "Status",
        "Requester",
        "Subject",
        row=lambda i: (
            i,
            f"2024-05-01 10:{i:02}",
            ("Open", "Closed")[i % 2],
            f"person{i}@example.org",
            f"my secret {i}",
        ),
    )
    text = desk.text(content)
    assert "customer_id: Requester" in text
    assert "person1@" not in text
    assert "secret" not in text


def test_what_is_asked_for(desk: Desk) -> None:
    content = table(
        "Id",
        "Created at",
        "Status",
        "Rating",
        "Mood",
        row=lambda i: (i, f"2024-05-01 10:{i:02}", ("Open", "Closed")[i % 2], i % 5 + 1, i % 7 + 1),
    )
    assert desk.mapping(content, entity="survey_answers").columns["score"] == ("Rating",)
    assert desk.mapping(content, score="Mood").columns["score"] == ("Mood",)
    with pytest.raises(MappingError, match="has no column `Nope`; it has `Id`, "):
        desk.text(content, score="Nope")
