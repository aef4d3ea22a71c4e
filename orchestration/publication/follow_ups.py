"""Follow-ups handed on: each published one that waits for contact goes once to CXMARTS_FOLLOW_UP_URL.

No names, no comments: the receiver gets ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import httpx2

from ingestion.errors import ExpectedError
from orchestration.ground import locking
from orchestration.ground.files import replace_text
from orchestration.publication.publish import Publication

COLUMNS = (
    "source",
    "response_id",
    "question_id",
    "survey",
    "kind",
    "score",
    "reason",
    "flagged_at",
    "customer_id",
    "organization_id",
    "ticket_id",
    "segment",
    "product",
    "service_area",
    "group_id",
    "agent_id",
    "due_at",
    "outcome",
)
KEY = 3
AT_ONCE = 50


class HandOverError(ExpectedError):
    """The receiver did not take them. The text never holds its URL, which is a secret."""


def hand_over(publication: Publication, url: str, memory: Path) -> int:
    """Post what is new among the follow-ups of a publication that wait for contact.

    A body is `{"version", "as_of", "text", "follow_ups": [...]}` with at most `AT_ONCE` rows; times are ISO,
    UTC. What a receiver took is remembered in the file `memory` and never sent again, whichever version shows
    it. The first time what is overdue already is left out: it is history, not news. A process that dies
    between the answer and the note sends that body again.

    Returns:
        How many were handed over.

    Raises:
        HandOverError: the receiver could not be reached or refused; what it took before counts as sent.
    """
    with locking.exclusive(memory.with_suffix(".lock"), "handing over follow-ups", wait=True):
        waiting = list(_waiting(publication.path / "marts" / "follow_ups.parquet"))
        known = _read(memory)
        if known is None:
            known = {_key(row) for row in waiting if row["outcome"] == "overdue"}
            _write(memory, known)
        fresh = [row for row in waiting if _key(row) not in known]
        for rows in (fresh[at : at + AT_ONCE] for at in range(0, len(fresh), AT_ONCE)):
            _post(url, publication, rows)
            known |= {_key(row) for row in rows}
            _write(memory, known)
    return len(fresh)


def _waiting(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with duckdb.connect() as con:
        found = con.execute(
            f"SELECT {', '.join(COLUMNS)} FROM read_parquet(?)"  # noqa: S608
            " WHERE outcome IN ('open', 'overdue') ORDER BY due_at, source, response_id, question_id",
            [str(path)],
        )
        for row in found.fetchall():
            yield {
                name: f"{value.isoformat()}Z" if name.endswith("_at") and value else value
                for name, value in zip(COLUMNS, row, strict=True)
            }


def _key(row: dict[str, Any]) -> str:
    return json.dumps([row[name] for name in COLUMNS[:KEY]])


def _post(url: str, publication: Publication, rows: Sequence[dict[str, Any]]) -> None:
    body = {
        "version": publication.version,
        "as_of": publication.as_of.isoformat(),
        "text": f"{len(rows)} customers to contact, the first by {rows[0]['due_at']}",
        "follow_ups": rows,
    }
    try:
        answer = httpx2.post(url, json=body, timeout=15)
    except httpx2.HTTPError as error:
        raise HandOverError(f"CXMARTS_FOLLOW_UP_URL could not be reached ({type(error).__name__})") from None
    if not answer.is_success:
        raise HandOverError(f"CXMARTS_FOLLOW_UP_URL answered {answer.status_code}")


def _read(memory: Path) -> set[str] | None:
    try:
        return set(json.loads(memory.read_text()))
    except FileNotFoundError:
        return None


def _write(memory: Path, known: set[str]) -> None:
    replace_text(memory, json.dumps(sorted(known)))
