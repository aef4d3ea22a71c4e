"""Verdicts as text: a table for the Dagster UI, lines for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quality.store import Batch
from quality.verdicts import Verdict

MAX_ROWS = 200


def summary(verdicts: Iterable[Verdict]) -> str:
    """One line: how many expectations held, warn, block, and could not be checked."""
    found = list(verdicts)
    blocking = sum(v.blocks for v in found)
    warnings = sum(not v.success for v in found) - blocking
    errors = sum(v.outcome == "error" for v in found)
    line = f"{len(found):,} expectations: {len(found) - blocking - warnings:,} hold"
    line += f", {warnings:,} warn, {blocking:,} block"
    return line + (f", {errors:,} of these could not be checked" if errors else "")


def markdown(verdicts: Iterable[Verdict], *, failed_only: bool = False) -> str:
    """A table, worst first. Values from a source are escaped: they cannot become markup."""
    found = list(verdicts)
    shown = [v for v in _ranked(found) if not (failed_only and v.success)]
    lines = [
        summary(found),
        "",
        "| subject | expectation | severity | result | unexpected | example | what to do |",
        "|---|---|---|---|---|---|---|",
    ]
    for verdict in shown[:MAX_ROWS]:
        example = "; ".join(", ".join(f"{k} {v}" for k, v in e.items()) for e in verdict.examples[:2])
        if verdict.outcome == "error":
            example = verdict.message
        cells = [
            _subject(verdict),
            verdict.expectation,
            verdict.severity,
            verdict.outcome,
            verdict.observed,
            example,
            "" if verdict.success else verdict.what_to_do,
        ]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    if len(shown) > MAX_ROWS:
        lines.append(f"\n{len(shown) - MAX_ROWS:,} more")
    return "\n".join(lines)


def text(verdicts: Iterable[Verdict], *, failed_only: bool = True) -> str:
    """Lines for a terminal, worst first: what failed, how many, an example, what to do."""
    found = list(verdicts)
    lines = [summary(found)]
    for verdict in _ranked(found):
        if verdict.success and failed_only:
            continue
        word = "ok" if verdict.success else "BLOCKS" if verdict.blocks else "warns"
        lines.append(
            f"{word:<7}{_subject(verdict)} {verdict.expectation}: {_plain(verdict.message or 'holds')}"
        )
    return "\n".join(lines)


def held_text(batches: Sequence[Batch]) -> str:
    """Held batches with why they are held and what can be done."""
    if not batches:
        return "No batch is held."
    lines = [f"{len(batches):,} held: nothing is published until they pass, are refetched or are waived."]
    for batch in batches:
        lines.append(f"{batch.batch_id}  {batch.source}/{batch.stream}  {batch.rows:,} rows")
        lines.append(f"    {_plain(batch.reason)}")
    return "\n".join(lines)


def _ranked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda v: (v.success, not v.blocks))


def _subject(verdict: Verdict) -> str:
    stream = "/".join(part for part in (verdict.source, verdict.stream) if part)
    return f"{stream} {verdict.subject}".strip() if stream != verdict.subject else stream


def _cell(value: str) -> str:
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\|`*_[]":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())


def _plain(value: str) -> str:
    """Without control characters: a terminal must not be steered by a source's values."""
    return "".join(c if c.isprintable() else "�" for c in value)
