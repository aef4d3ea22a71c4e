"""JSON that is not quite JSON: what can be read stays, byte for byte; what is lost is marked."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.mending import LEVELS, LOST_VALUE, losses, mend, read

decode = msgspec.json.decode


def nested(levels):
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (rb'{"s": "cut \ud83d"}', rb'{"s": "cut \ufFfD"}'),
        (rb'{"s": "\uDE00 cut"}', rb'{"s": "\ufFfD cut"}'),
        (rb'{"s": "\ud83d\ud83d\ude00"}', rb'{"s": "\ufFfD\ud83d\ude00"}'),
        (rb'{"s\ud83d": 1}', rb'{"s\ufFfD": 1}'),
        (rb'{"s": "C:\\ud83d \ud83d"}', rb'{"s": "C:\\ud83d \ufFfD"}'),  # an escaped backslash is no escape
        (b'{"s": "caf\xe9"}', rb'{"s": "caf\ufFfD"}'),
        (b'{"s": "\xed\xa0\xbd"}', rb'{"s": "\ufFfD"}'),
        (b'{"s": "a\nb\x00",\n "t": 1}', b'{"s": "a\\u000ab\\u0000",\n "t": 1}'),
        (b'{"a": NaN, "b": -Infinity, "c": "NaN"}', b'{"a": null, "b": null, "c": "NaN"}'),
    ],
)
def test_only_what_is_lost_is_replaced(body, wanted):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode(body)
    assert mend(body) == wanted
    assert read(body, decode) == (json.loads(wanted), wanted)


def test_a_byte_order_mark_is_no_part_of_it():
    assert read(b'\xef\xbb\xbf{"a": 1}', decode) == ({"a": 1}, b'{"a": 1}')


def test_values_that_are_nested_too_deep_cost_themselves():
    body = b'[{"id": 1, "deep": ' + nested(100_000) + b', "after": "x"}, {"id": 2}]'
    (first, second), _ = read(body, msgspec.json.Decoder(list[msgspec.Raw]).decode)
    assert (losses(bytes(first)), losses(bytes(second))) == (True, False)
    assert LOST_VALUE in bytes(first).decode()
    assert decode(first)["after"] == "x"
    assert decode(second) == {"id": 2}
    # As deep as is kept: nothing is lost.
    assert mend(nested(LEVELS)) == nested(LEVELS)
    assert mend(nested(LEVELS + 1)) == b"[" * LEVELS + f'"{LOST_VALUE}"'.encode() + b"]" * LEVELS


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": "\\ud83d', b'{"a": "\\ud83d"', b"[" * 100_000, b"<html>", b'{"a": "\\u12"}', b"\xff"],
)
def test_what_is_cut_off_or_no_json_stays_so(body):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        read(body, decode)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(values, st.booleans())
def test_json_that_is_right_is_left_alone(value, escaped):
    body = json.dumps(value, ensure_ascii=escaped).encode()
    assert mend(body) == body


@given(st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF) | st.characters(codec="utf-8")))
def test_any_text_that_a_writer_escapes_can_be_read(text):
    """Against Python's own reader, which keeps lone surrogates: they alone are replaced."""
    body = json.dumps({"s": text}).encode()
    found, mended = read(body, decode)
    kept = json.loads(body)["s"]
    assert found["s"] == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in kept)
    assert losses(mended) == (found["s"] != kept)
