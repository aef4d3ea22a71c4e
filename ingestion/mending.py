"""JSON as real writers get it wrong, made readable at the cost of the spoilt value, not of its page.

Lone surrogates (half an emoji, left by a length limit), bytes that are no UTF-8, control characters inside
texts, NaN and Infinity, a byte-order mark, values nested deeper than any reader goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

#: What stands for text that is lost, and for a value that is lost: U+FFFD, spelled as no writer spells it,
#: so that staging can tell them from what a vendor sent (`dbt_project/macros/staging.sql`).
LOST_TEXT, LOST_VALUE = r"\ufFfD", r"\uFfFd"
#: Arrays and objects inside each other; what lies deeper is lost.
LEVELS = 500

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]++|\\.)*+")|(?P<open>[\[{])|(?P<close>[\]}])|-?(?:NaN|Infinity)', re.S
)
_IN_TEXT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lost>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff]+)"
    r"|(?P<control>[\x00-\x1f])"
    r"|\\.",
    re.S,
)


def read(body: bytes, decode: Callable[[bytes], T]) -> tuple[T, bytes]:
    """Decode JSON; what cannot be decoded as it stands, mended. Returns the value and what it was read from.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: `decode` refuses it, mended or not.
    """
    body = body.removeprefix(_BOM)
    try:
        body.decode()  # msgspec does not look into the texts that it skips
        return decode(body), body
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        mended = mend(body)
        if mended == body:
            raise
        return decode(mended), mended


def mend(body: bytes) -> bytes:
    """The same JSON with what is lost replaced by `LOST_TEXT`, `LOST_VALUE` or null.

    What was cut off stays cut off: nothing is ever closed.
    """
    text = body.decode(errors="surrogateescape")
    parts: list[str] = []
    kept_to = depth = 0
    for token in _TOKEN.finditer(text):
        kind, start, end = token.lastgroup, *token.span()
        if kind == "close":
            depth -= 1
            if depth == LEVELS:
                kept_to = end
        elif kind == "open":
            depth += 1
            if depth == LEVELS + 1:
                parts += [text[kept_to:start], f'"{LOST_VALUE}"']
        elif depth <= LEVELS:
            replaced = _IN_TEXT.sub(_in_text, token[0]) if kind == "text" else "null"
            if replaced != token[0]:
                parts += [text[kept_to:start], replaced]
                kept_to = end
    parts.append(text[kept_to:])
    return "".join(parts).encode(errors="surrogateescape")


def losses(record: bytes) -> bool:
    """Whether a record lost something when it was mended."""
    return LOST_TEXT.encode() in record or LOST_VALUE.encode() in record


def _in_text(found: re.Match[str]) -> str:
    if found["lost"]:
        return LOST_TEXT
    return f"\\u{ord(found[0]):04x}" if found["control"] else found[0]
