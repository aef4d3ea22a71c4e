"""Writing a mapping: YAML with the reason of each line, and with questions where no file can tell."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from ingestion.sources.files.draft import dates, words
from ingestion.sources.files.draft.chooser import Meaning
from ingestion.sources.files.draft.profile import YES, Column, clip
from ingestion.sources.files.draft.times import formats
from ingestion.sources.files.mapping import (
    COLUMNS,
    REQUIRED,
    SLA_COLUMN,
    SURVEY_ANSWERS,
    TICKET_EVENTS,
    TICKETS,
    VOCABULARY,
)

_PLAIN = re.compile(r"[\w/(][\w ./()%$+-]*")
_MARGIN = 46
_MOST_UNUSED = 30
_ZONE = "ask: the zone of the file's clock, such as Europe/Berlin; no file tells it"


_ASKED = {
    "csat": "; ask: from which answer on is one satisfied?",
    "ces": "; ask: is more better, or less?",
    "other": "; ask: is it of satisfaction (csat), recommending (nps), effort (ces)?",
}


def scalar(text: str) -> str:
    """A text as YAML, quoted where it must be to read back as it is, within braces as well."""
    if _PLAIN.fullmatch(text) and text == text.strip() and text.isprintable() and text.casefold() != "null":
        return text
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def rows(count: int) -> str:
    """A number of rows, in words."""
    return f"{count:,} row{'s' * (count != 1)}"


def line(given: str, remark: str = "") -> str:
    """A line of YAML, its remark in a column of its own."""
    return f"{given:{_MARGIN}} # {clip(remark, 150)}" if remark else given


def _verdicts(flag: Column) -> str:
    """Yes and no as the verdicts that they are by the name of the column."""
    yes, no = ("breached", "met") if words.tells_breach(flag.name) else ("met", "breached")
    pairs = {text: yes if text.casefold() in YES else no for text in flag.values}
    return f"{{{', '.join(f'{json.dumps(text)}: {word}' for text, word in pairs.items())}}}"


def _is_zoned(date_format: str, text: str) -> bool:
    time = dates.read(date_format, text)
    return time is None or time.tzinfo is not None


class Writer:
    """Writes one mapping.

    Args:
        meaning: What the file holds.
        facts: How the file is written: keys of the mapping and their values.
        remarks: What is to be said of them, by key.
        key: The columns of the id, and whether they tell all rows apart.
        source: The source that the mapping is of.
    """

    def __init__(
        self,
        meaning: Meaning,
        facts: Mapping[str, str],
        remarks: Mapping[str, str],
        key: tuple[tuple[str, ...], bool],
        source: str,
    ) -> None:
        self.meaning = meaning
        self.facts, self.remarks = facts, remarks
        self.key, self.is_apart = key
        self.source = source
        self.entity = meaning.entity
        self.formats = formats(meaning)

    def text(self) -> str:
        """The whole mapping."""
        blocks = (
            (
                line(f"{name}: {scalar(value)}", self.remarks.get(name, ""))
                for name, value in self.facts.items()
            ),
            self.head(),
            self.columns(),
            self.times(),
            self.values(),
            self.question(),
            self.rest(),
        )
        return "\n\n".join(filter(None, map("\n".join, blocks))) + "\n"

    def head(self) -> Iterator[str]:
        """What the rows are."""
        yield line(f"entity: {self.entity}", self.meaning.why)
        yield f"source: {self.source}"
        if self.entity in (TICKETS, SURVEY_ANSWERS):
            yield line("mode: snapshot", "ask: is each export the complete list? append: rows only come")
        else:
            yield line("mode: append", "rows only come")
        names = ", ".join(map(scalar, self.key))
        given = names if len(self.key) == 1 else f"[{names}]"
        where = f"in {rows(self.meaning.table.rows)}"
        yield line(
            f"id: {given}",
            f"unique {where}" if self.is_apart else f"ask: no columns found that differ {where}",
        )

    def columns(self) -> Iterator[str]:
        """Ours and theirs, what is unsure as comments."""
        yield line("columns:", "ours: theirs")
        order = list(COLUMNS[self.entity])
        picks = [*(pick for pick in self.meaning.picks if pick.is_sure), *self.meaning.unsure]
        picks.sort(key=lambda pick: order.index(pick.ours) if pick.ours in order else len(order))
        named = {pick.ours for pick in picks if pick.is_sure}
        for ours in REQUIRED[self.entity]:
            if ours not in named:
                yield line(f"  # {ours}: ", "ask: needed; which column is it?")
        if self.entity == TICKET_EVENTS and "created_at" not in named:
            yield line("  # created_at: ", "no column tells it: a ticket is created at its first event")
        for pick in picks:
            if pick.is_sure or pick.ours not in named or pick.ours == "status":
                mark = "" if pick.is_sure else "# "
                yield line(f"  {mark}{pick.ours}: {scalar(pick.theirs)}", pick.why)

    # Times

    def times(self) -> Iterator[str]:
        """Formats and zone."""
        found = self.formats
        if found.open:
            names = clip(", ".join(found.of), 60)
            yield f"# ask: day or month first? Every date in {names} reads both ways; take one line."
            for each, span in found.open.items():
                yield line(f"# date_format: {json.dumps(each)}", span)
        elif found.chosen:
            default = Counter(found.chosen.values()).most_common(1)[0][0]
            others = {ours: each for ours, each in found.chosen.items() if each != default}
            said = [remark for ours, remark in found.remarks.items() if ours not in others]
            remark = "; ".join(dict.fromkeys(said)) or "fits all values"
            if others:
                yield "date_format:"
                yield line(f"  default: {scalar(default)}", remark)
                for ours, each in others.items():
                    yield line(f"  {ours}: {scalar(each)}", found.remarks.get(ours, "fits all values"))
            else:
                yield line(f"date_format: {scalar(default)}", remark)
        elif found.other:
            yield line(f"date_format: {scalar(found.other)}", "for a time, were one taken")
        if months := self.months():
            yield line(f"months: {{{', '.join(f'{scalar(name)}: {n}' for name, n in months.items())}}}")
        if self.meaning.clues.times:
            yield from self.zone()
        nulls: Counter[str] = sum((column.nulls for column in self.used), Counter())
        if nulls:
            counts = ", ".join(f"{text} {n:,}" for text, n in nulls.most_common())
            yield line(f"null_values: [{', '.join(map(scalar, nulls))}]", counts)
        if any(column.has_decimal_comma for column in self.used):
            yield line('decimal: ","', "3,5 is three and a half")

    def months(self) -> dict[str, int]:
        """Names of months that the mapping must tell."""
        found: dict[str, int] = {}
        for ours, each in self.formats.chosen.items():
            column = self.meaning.column(ours)
            found |= dates.month_names(each, column.values) if column else {}
        return found

    def zone(self) -> Iterator[str]:
        """UTC where the file tells nothing: a mapping must say something."""
        clues = self.meaning.clues
        formats = {column: clues.formats(column)[0] for column in clues.times}
        if all(_is_zoned(each, text) for column, each in formats.items() for text in column.values):
            return
        is_told = any(
            words.names_utc(c.name) or each.endswith((" UTC", " GMT")) for c, each in formats.items()
        )
        yield line("time_zone: UTC", "as the file says" if is_told else _ZONE)

    # Values

    @cached_property
    def used(self) -> list[Column]:
        """Their columns that are something, for sure or perhaps."""
        names = [*self.meaning.sure.values(), *(pick.theirs for pick in self.meaning.unsure), *self.key]
        return [self.meaning.table.columns[name] for name in dict.fromkeys(names)]

    def values(self) -> Iterator[str]:
        """Their words and ours."""
        blocks = [block for ours in self.meaning.sure if (block := list(self.value_map(ours)))]
        if blocks:
            yield line("value_maps:", "theirs: ours")
            for block in blocks:
                yield from block
            flags = [self.meaning.table.columns[pick.theirs] for pick in self.meaning.unsure]
            for column in [column for column in flags if column.is_boolean][:1]:
                yield line(f"  # vendor_verdict: {_verdicts(column)}", "with one of the flags above")

    def value_map(self, ours: str) -> Iterator[str]:
        """The words of one column, each with its count."""
        target = SLA_COLUMN.fullmatch(ours)
        kind = "verdict" if target and target[2] == "verdict" else COLUMNS[self.entity].get(ours, "")
        column = self.meaning.column(ours)
        assert column
        if ours == "score":
            yield from self.score_map()
        elif kind == "verdict" and column.is_boolean:
            yield line(f"  {ours}: {_verdicts(column)}", f"{column.top(2)}; ask: is it this way round?")
        elif kind in VOCABULARY and column.values:
            lines = [self.word(ours, kind, text, count) for text, count in column.values.most_common()]
            is_open = all(each.lstrip().startswith("#") for each in lines)
            yield f"  {'# ' * is_open}{ours}:"
            yield from lines

    def word(self, ours: str, kind: str, text: str, count: int) -> str:
        """One value; what the table does not know says nothing, or is left to a person where it must."""
        known = words.value(kind, text)
        if known:
            return line(f"    {scalar(text)}: {known}", rows(count))
        guess = words.hint(kind, text)
        perhaps = f"perhaps {guess}; " if guess else ""
        remark = f"{rows(count)}; ask: {perhaps}one of {', '.join(VOCABULARY[kind])}"
        if ours in REQUIRED[self.entity]:
            return line(f"    # {scalar(text)}: {guess or 'open'}", remark)
        return line(f"    {scalar(text)}: null", remark)

    def score_map(self) -> Iterator[str]:
        """Worded or labelled answers as numbers, on one line."""
        scale = self.meaning.scale
        if scale and scale.labels:
            shown = ", ".join(
                f"{scalar(text)}: {'null' if point is None else f'{point:g}'}"
                for text, point in scale.labels.items()
            )
            yield f"  score: {{{shown}}}"

    def question(self) -> Iterator[str]:
        """What the answers mean."""
        if self.entity != SURVEY_ANSWERS:
            return
        scale = self.meaning.scale
        if not scale:
            some = "question: {kind: other, scale_min: 1, scale_max: 5}"
            yield line(some, "ask: csat, nps, ces or other, and on which scale?")
            return
        counts = scale.column.values
        points: Counter[str] = Counter()
        for text, point in scale.points.items():
            points["no answer" if point is None else f"{point:g}"] += counts[text]
        yield f"# Answers: {', '.join(f'{point}: {n:,}' for point, n in points.items())}"
        given = [f"kind: {scale.kind}"]
        if scale.kind != "nps":
            given += [f"scale_min: {scale.low:g}", f"scale_max: {scale.high:g}"]
        if scale.kind == "csat":
            given.append(f"positive_from: {scale.positive_from}")
        if scale.kind == "ces":
            given.append(f"direction: {scale.direction}")
        yield line(f"question: {{{', '.join(given)}}}", f"by {scale.reason}{_ASKED.get(scale.kind, '')}")

    def rest(self) -> Iterator[str]:
        """What is not used: other questions, other columns."""
        others = [each for each in self.meaning.others if each.column not in self.used]
        if others:
            what = "Other answers" if self.entity == SURVEY_ANSWERS else "Answers"
            yield f"# {what} on a scale, a mapping of its own each: cxmarts files draft FILE --score COLUMN"
            for each in others[:_MOST_UNUSED]:
                yield f"#   {clip(each.column.name, 100)} ({each.low:g} to {each.high:g}, {each.kind})"
        scales = {each.column.name for each in others}
        unused = [
            c for c in self.meaning.table.columns.values() if c not in self.used and c.name not in scales
        ]
        if unused:
            yield "# Not used; a line under `columns` each, were it wanted:"
            for column in unused[:_MOST_UNUSED]:
                yield f"#   {clip(column.name, 60)}: {column.about() if column.filled else 'empty'}"
        if len(unused) > _MOST_UNUSED:
            yield f"#   and {len(unused) - _MOST_UNUSED} more"
