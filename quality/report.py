"""What gates said as text: a table for the Dagster UI, lines for the command line."""

from __future__ import annotations

from collections.abc import Iterable

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


def batch_text(batch: Batch, failures: Iterable[Verdict] = ()) -> str:
    """A batch that did not simply pass, for a terminal: why, and which of its rows failed."""
    since = f" since {batch.held_since:%Y-%m-%d %H:%M}Z" if batch.held_since else ""
    why = f": {batch.waived_why}" if batch.verdict == "waived" else ""
    lines = [
        f"{batch.verdict:7} {batch.source}/{batch.stream} {batch.batch_id} {batch.rows:,} rows{since}{why}"
    ]
    for verdict in failures:
        lines.append(f"        {verdict.expectation}: {verdict.message}")
        lines += ["          " + ", ".join(f"{k} {v}" for k, v in row.items()) for row in verdict.examples]
        more = verdict.unexpected_count - len(verdict.examples)
        if verdict.examples and more > 0:
            lines.append(f"          and {more:,} more: `cxmarts rejected {batch.source}`")
    return "\n".join(map(_plain, lines))


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
