"""What exports call things, by the table `synonyms.yml`: names of columns, values, worded answers."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from ingestion.sources.files.mapping import folded

BY_NAME, BY_PART = 0.9, 0.7
"""From where on a name's fit says what a column is, and from where on what it may be."""

_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LABEL = re.compile(r"\s*(\d{1,3})\s*(?:[-–—:.)=]\s*|\()(.+?)\)?\s*", re.S)
_cached = lru_cache(1 << 14)


@_cached
def plain(text: str) -> str:
    """Lower-case words without accents and punctuation, `createdAt` in two; ü and ue are the same."""
    text = _CAMEL.sub(" ", text).casefold().translate(_FOLDED)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"([aou])e", r"\1", text)))


def label(text: str) -> tuple[str, str] | None:
    """Number and words of a label such as `3 - Moderate` or `10 (All my time)`."""
    found = _LABEL.fullmatch(text)
    return (found[1], found[2]) if found else None


@cache
def _table() -> dict[str, Any]:
    path = Path(__file__).with_name("synonyms.yml")
    # The base loader keeps `no` and `on` the words that they are.
    return cast(dict[str, Any], yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader))  # noqa: S506


@cache
def _phrases(*path: str) -> tuple[str, ...]:
    """The phrases of all languages at a place of the table; stars stay."""
    found: Any = _table()
    for key in path:
        found = found[key]
    return tuple(
        "*" * phrase.startswith("*") + plain(phrase) + "*" * phrase.endswith("*")
        for phrases in found
        for phrase in phrases
    )


def _without(words: str, *lists: str) -> str:
    """The words that tell something; all of them where none does."""
    fillers = {word for each in lists for word in _phrases(each)}
    return " ".join(word for word in words.split() if word not in fillers) or words


@_cached
def _bare(name: str) -> str:
    return _without(name, "fillers", "nouns")


def _any(text: str, *path: str) -> list[str]:
    """The words of a text that stand at a place of the table."""
    starts, parts = _starred(*path)
    phrases = _phrases(*path)
    words = plain(text).split()
    return [w for w in words if w in phrases or w.startswith(starts) or any(part in w for part in parts)]


@cache
def _starred(*path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Beginnings and parts of words at a place of the table."""
    starred = [phrase.removesuffix("*") for phrase in _phrases(*path) if phrase.endswith("*")]
    starts = tuple(each for each in starred if not each.startswith("*"))
    return starts, tuple(each[1:] for each in starred if each.startswith("*"))


@_cached
def fit(name: str, ours: str) -> float:
    """How well a column's name fits a column of ours (or `row_id` and the like), from 0 to 1.

    Of a name from several header rows each part may be the one that fits.
    """
    if ours not in _table()["columns"]:
        return 0
    return max(_fit(plain(part), ours) for part in {name, *name.split(" / ")})


def _fit(name: str, ours: str) -> float:
    phrases = _phrases("columns", ours)
    if name in phrases:
        return 1
    bare, bares = _bare(name), {_bare(phrase) for phrase in phrases}
    if bare in bares:
        return 0.95
    # "Collector id" is no ticket for its "id".
    telling = bares - set(_phrases("columns", "row_id"))
    parts = [len(phrase.split()) for phrase in telling if f" {phrase} " in f" {bare} "]
    return 0.5 + 0.4 * max(parts) / len(bare.split()) if parts else 0


@_cached
def sla(name: str) -> tuple[str | None, str | None]:
    """Which part of a target a name tells (`due` or `verdict`), and of which metric."""
    text = f" {plain(name)} "

    def first(*keys: str) -> str | None:
        return next((key for key in keys if any(f" {p} " in text for p in _phrases("sla", key))), None)

    return first("due", "verdict"), first("first_reply", "total_resolution")


def tells_breach(name: str) -> bool:
    """Whether a flag of this name is true where a target was missed."""
    return bool(_any(name, "sla", "breach"))


@cache
def _values(kind: str) -> dict[str, str]:
    """Phrase to our word, the longer ones first."""
    pairs = {p: ours for ours in _table()["values"][kind] for p in _phrases("values", kind, ours)}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))


@_cached
def value(kind: str, text: str) -> str | None:
    """Our word for a value of theirs (`In Progress` -> `open`), where the table knows the whole phrase."""
    phrases = _values(kind)
    known = label(text)
    for words in (plain(text), *([plain(known[1])] if known else [])):
        for each in (words, _without(words, "nouns")):
            starts = (ours for p, ours in phrases.items() if p.endswith("*") and each.startswith(p[:-1]))
            if found := phrases.get(each) or next(starts, None):
                return found
    return None


def hint(kind: str, text: str) -> str | None:
    """Our word for a part of a value: a guess to show, not to take."""
    phrases = _values(kind)
    return next((phrases[word] for word in plain(text).split() if word in phrases), None)


@_cached
def question_kind(text: str) -> str | None:
    """nps, csat or ces by the words of a question or of its answers."""
    return next((kind for kind in _table()["questions"] if _any(text, "questions", kind)), None)


def is_of_effort(question: str) -> bool:
    """Whether a higher number means more effort, by the words of a question."""
    return bool(_any(question, "effort"))


def is_no_answer(text: str) -> bool:
    """Whether somebody chose not to answer, or was not asked."""
    return plain(text) in _phrases("answers", "none")


@_cached
def level(text: str) -> float | None:
    """Where a worded answer stands, from bad (negative) to good; None where the table does not know."""
    bad, good = _any(text, "answers", "bad"), _any(text, "answers", "good")
    links = _any(text, "answers", "nor")
    if _any(text, "answers", "neutral") or len(links) > 1 or (bad and good and links):
        return 0
    if bool(bad) == bool(good) or len(plain(text).split()) > 6:
        return None
    side = -1 if bad else 1
    found = [
        float(weight) for weight in _table()["answers"]["degrees"] if _any(text, "answers", "degrees", weight)
    ]
    degree = max(found, default=1.5)
    if _any(text, "answers", "not"):
        # "Not very satisfied" is milder than "not satisfied"; "not at all satisfied" is not.
        return -side * (1 if degree == 2 else degree)
    return side * degree


@cache
def months() -> dict[str, int]:
    """Months by the names that other languages have for them."""
    return {folded(name): int(number) for number, names in _table()["months"].items() for name in names}


def names_a_time(column: str) -> bool:
    """Whether a column's name says that it holds a time."""
    return any(fit(column, ours) >= BY_NAME for ours in _table()["columns"] if ours.endswith("_at"))


def names_utc(column: str) -> bool:
    """Whether a column's name says that its times are in UTC."""
    return not {"utc", "gmt"}.isdisjoint(plain(column).split())


def is_null(text: str, *, typed: bool) -> bool:
    """Whether a text stands for no value; among times and numbers (`typed`) more do."""
    nulls, folded = _table()["nulls"], text.casefold()
    return folded in nulls["always"] or (typed and folded in nulls["typed"])
