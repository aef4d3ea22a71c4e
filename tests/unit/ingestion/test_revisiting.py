"""When what may still change is read again: within the days, in whole pages, as often as it must be."""

from bisect import bisect_left
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.landed import ulid_floor, ulid_time
from ingestion.revisiting import DAY
from ingestion.sources.zendesk import STREAMS

(RULES,) = (each.revisits for each in STREAMS if each.revisits)
LIFE = 28 * DAY
START = 1_770_000_000_000


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(
        st.tuples(st.sampled_from([1, 2, 3, 7, 14, 28, 33, 45]), st.integers(1, 40)), min_size=1, max_size=3
    ),
    per_day=st.integers(1, 40),
    seed=st.integers(0, 2**32),
)
def test_nothing_waits_longer_than_the_days_also_when_these_change(spans, per_day, seed):
    random, now = Random(seed), START
    last_read = {START - int(random.random() * 40 * DAY): START for _ in range(30 * per_day)}
    state = RULES.begin(START, spans[0][0])
    for days, nights in spans:
        for _ in range(nights):
            before, now = now, now + random.choice([1, 1, 1, 2, 12]) * DAY + random.randrange(DAY // 24)
            new = {int(before + random.random() * (now - before)) for _ in range(per_day)}
            last_read |= dict.fromkeys(new, now)
            made = sorted(last_read)
            state = RULES.adopt(state, now, days)
            for age, first, last in RULES.due(state, made, now, days):
                assert first <= last <= now
                for at in range(bisect_left(made, first), len(made)):
                    if made[at] > last:
                        break
                    last_read[made[at]] = now
                state["read"][age] = RULES.after(age, last)
            for created, read in last_read.items():
                # What changed since it was read and could: not before these days.
                assert read >= created + LIFE or max(read, created) > now - (days - 1) * DAY or read == now


@pytest.mark.parametrize(("days", "readings"), [(45, 1), (28, 2), (14, 3), (7, 7)])
def test_each_record_is_read_again_so_many_times_in_whole_pages(days, readings):
    """60 a day for 100 days: pages of 50, each record at each age once."""
    made = [START + at * DAY // 60 for at in range(-6000, 6000)]
    state, pages, read = RULES.begin(START, days), [], 0
    for night in range(1, 101):
        now = START + night * DAY
        for age, first, last in RULES.due(state, made[: bisect_left(made, now)], now, days):
            count = bisect_left(made, last + 1) - bisect_left(made, first)
            pages.append(count)
            read += count
            state["read"][age] = RULES.after(age, last)
    assert all(count % 50 == 0 for count in pages)
    assert read == pytest.approx(readings * 6000, abs=readings * 60)


def test_a_ulid_is_never_less_than_the_floor_of_its_time():
    assert ulid_time(ulid_floor(1_788_000_000_123) + "0" * 16) == 1_788_000_000_123_000
    assert ulid_floor(1_788_000_000_124) > ulid_floor(1_788_000_000_123) + "Z" * 16
    assert ulid_floor(-5) == "0" * 10
