"""Each kind of expectation fails on bad data, passes on good, and says which rows."""

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from quality.runner import DERIVED, judge
from quality.verdicts import Expectation, Suite, Verdict


def expectation(kind: str, **given: Any) -> Expectation:
    texts = {"fault": "are wrong", "why": "because", "what_to_do": "Mend it"}
    return Expectation(**({"name": "it", "kind": kind, "kwargs": {}} | texts | given))


def suite(*expectations: Expectation, **given: Any) -> Suite:
    return Suite(**({"name": "s", "gate": "test", "owner": "me", "expectations": expectations} | given))


def one(frame: pd.DataFrame, kind: str, kwargs: dict[str, Any], **given: Any) -> Verdict:
    [verdict] = judge(frame, suite(expectation(kind, kwargs=kwargs, **given), id_columns=("id",)))
    return verdict


def stamps(*texts: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(texts), utc=True)


T = "2026-03-01T10:00:00Z"
CASES = {
    # kind: (kwargs, columns, positions of the rows that must fail)
    "expect_column_values_to_not_be_null": ({"column": "a"}, {"a": ["x", None, "y"]}, [1]),
    "expect_column_values_to_be_null": ({"column": "a"}, {"a": [None, "bad", None]}, [1]),
    "expect_column_values_to_be_in_set": (
        {"column": "a", "value_set": ["new", "open"]},
        {"a": ["new", "opne", None]},
        [1],
    ),
    "expect_column_values_to_be_between": (
        {"column": "a", "min_value": -100, "max_value": 100},
        {"a": [-100.0, 100.0, 100.5, -101.0, None]},
        [2, 3],
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "n", "column_B": "a", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        {"n": [3.0, 3.0, 0.0, None], "a": [3.0, 4.0, None, 5.0]},
        [1],
    ),
    "expect_compound_columns_to_be_unique": (
        {"column_list": ["a", "b"], "ignore_row_if": "never"},
        {"a": ["x", "x", "x", "y"], "b": [None, None, "1", "1"]},
        [0, 1],
    ),
    "is_present": ({"columns": ["a", "b"]}, {"a": ["x", None, "y"], "b": [1.0, 2.0, None]}, [1, 2]),
    "between": (
        {"columns": ["a", "b"], "low": 0, "high": 100},
        {"a": [0.0, 100.0, -0.1, None], "b": [50, 100.5, 3, 4]},
        [1, 2],
    ),
    "not_later_than": (
        {"column": "a", "other": "b", "slack_seconds": 300},
        {"a": stamps(T, "2026-03-01T10:05:00Z", "2026-03-01T10:05:01Z", None), "b": stamps(T, T, T, T)},
        [2],
    ),
    "not_before": (
        {"column": "a", "earliest": "1990-01-01"},
        {"a": stamps("1990-01-01T00:00:00Z", "1989-12-31T23:59:59Z", None)},
        [1],
    ),
    "within": (
        {"column": "a", "low": "lo", "high": "hi"},
        {"a": [1.0, 5.0, 6.0, 0.0, None, 3.0], "lo": [1.0] * 6, "hi": [5.0, 5.0, 5.0, 5.0, 5.0, None]},
        [2, 3, 5],
    ),
    "at_most": (
        {"column": "a", "other": "b"},
        {"a": [1.0, 2.0, 3.0, None, 2.0], "b": [2.0, 2.0, 2.0, 2.0, None]},
        [2],
    ),
    "sums_equal": (
        {"left": ["a", "b"], "right": ["c"]},
        {"a": [1.0, 1.0, None], "b": [2.0, 2.0, 2.0], "c": [3.0, 4.0, 2.0]},
        [1, 2],
    ),
    "present_when": (
        {"column": "a", "when": "b", "values": ["nps"]},
        {"a": ["promoter", None, None], "b": ["nps", "csat", "nps"]},
        [2],
    ),
    "is_ratio": (
        {"column": "a", "plus": ["p"], "minus": ["m"], "over": ["n"], "times": 100},
        # 100 * (7 - 2) / 10 = 50; no answers is null; 0 instead of null and null instead of 0 are wrong.
        {
            "a": [50.0, 50.1, None, 0.0, None, 0.0],
            "p": [7, 7, 0, 0, 1, 1],
            "m": [2, 2, 0, 0, 1, 1],
            "n": [10, 10, 0, 0, 5, 5],
        },
        [1, 3, 4],
    ),
    "null_exactly_when": (
        {"column": "a", "when": "n", "values": [0]},
        {"a": [None, 1.0, 1.0, None], "n": [0, 5, 0, 5]},
        [2, 3],
    ),
    "at_least_share": (
        {"column": "a", "other": "b", "share": 0.8},
        {"a": [80, 79, 0], "b": [100, 100, 0]},
        [1],
    ),
    "at_most_share": (
        {"column": "a", "other": "b", "share": 0.01},
        {"a": [1, 2, None], "b": [100, 100, 100]},
        [1],
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_fails_on_bad_rows_and_only_on_them(kind: str) -> None:
    kwargs, columns, bad = CASES[kind]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(next(iter(columns.values()))))], **columns})
    verdict = one(frame, kind, kwargs)
    assert verdict.outcome == "failed"
    assert verdict.blocks
    assert verdict.unexpected_count == len(bad)
    assert [example["id"] for example in verdict.examples] == [f"r{i}" for i in bad]
    good = one(frame.drop(index=bad), kind, kwargs)
    assert (good.outcome, good.unexpected_count, good.message) == ("passed", 0, "")


def test_every_derived_kind_has_a_case() -> None:
    assert set(DERIVED) <= set(CASES)


def test_a_6_on_a_scale_of_1_to_5_is_named() -> None:
    frame = pd.DataFrame(
        {"id": ["a1", "a2"], "score": [5.0, 6.0], "scale_min": [1.0, 1.0], "scale_max": [5.0, 5.0]}
    )
    verdict = one(frame, "within", {"column": "score", "low": "scale_min", "high": "scale_max"})
    assert verdict.message == (
        "1 of 2 rows (50.00%) are wrong, e.g. id a2, score 6, scale_min 1, scale_max 5. Mend it"
    )


def test_of_several_columns_only_those_at_fault_are_shown() -> None:
    frame = pd.DataFrame({"id": ["r0"], "mean": [3.0], "median": [-2.5], "p90": [4.0]})
    verdict = one(frame, "between", {"columns": ["mean", "median", "p90"], "low": 0})
    assert verdict.examples == ({"id": "r0", "median": "-2.5"},)


def test_tolerance_turns_few_bad_rows_into_a_warning_and_many_into_a_block() -> None:
    def nulls(count: int) -> Verdict:
        frame = pd.DataFrame(
            {"id": [str(i) for i in range(200)], "a": [None] * count + ["x"] * (200 - count)}
        )
        return one(frame, "expect_column_values_to_not_be_null", {"column": "a"}, tolerance=0.01)

    assert (nulls(0).outcome, nulls(0).blocks) == ("passed", False)
    assert (nulls(2).outcome, nulls(2).severity, nulls(2).blocks) == ("failed", "warning", False)
    assert (nulls(3).outcome, nulls(3).severity, nulls(3).blocks) == ("failed", "critical", True)


def test_each_subject_has_its_own_verdict_and_share() -> None:
    # 1 bad of 100 in b1 is within 1 %, 1 bad of 50 in b2 is not, b3 is clean.
    frame = pd.DataFrame(
        {
            "batch": ["b1"] * 100 + ["b2"] * 50 + ["b3"] * 10,
            "id": [str(i) for i in range(160)],
            "a": ["x"] * 99 + [None] + [None] + ["x"] * 59,
        }
    )
    check = expectation("expect_column_values_to_not_be_null", kwargs={"column": "a"}, tolerance=0.01)
    found = judge(frame, suite(check, id_columns=("id",), row_numbers=True), by="batch")
    assert [(v.subject, v.outcome, v.severity, v.element_count) for v in found] == [
        ("b1", "failed", "warning", 100),
        ("b2", "failed", "critical", 50),
        ("b3", "passed", "critical", 10),
    ]
    assert [v.examples[0]["row"] for v in found[:2]] == ["100", "1"]


def test_chunks_find_what_one_look_finds() -> None:
    frame = pd.DataFrame(
        {"id": [str(i) for i in range(25)], "a": [None if i % 10 == 7 else "x" for i in range(25)]}
    )
    frame["k"] = [str(i % 24) for i in range(25)]
    checks = suite(
        expectation("expect_column_values_to_not_be_null", kwargs={"column": "a"}),
        expectation(
            "expect_compound_columns_to_be_unique", name="unique", kwargs={"column_list": ["k", "k2"]}
        ),
        id_columns=("id",),
    )
    frame["k2"] = "c"
    chunked, whole = judge(frame, checks, chunk_rows=4), judge(frame, checks)
    assert chunked == whole
    # The repeated key stands in the first and the last chunk.
    assert [[e["id"] for e in v.examples] for v in chunked] == [["7", "17"], ["0", "24"]]


def test_what_fails_is_told_apart_from_what_holds_beside_it() -> None:
    frame = pd.DataFrame({"id": ["r0", "r1"], "a": [1.0, -1.0], "b": [1.0, 2.0], "word": ["new", "opne"]})
    checks = suite(
        expectation("between", name="a", kwargs={"column": "a", "low": 0}),
        expectation("between", name="b", kwargs={"column": "b", "low": 0}),
        expectation("not_before", name="c", kwargs={"column": "word", "earliest": "1990-01-01"}),
        expectation(
            "expect_column_values_to_be_in_set", name="d", kwargs={"column": "word", "value_set": ["new"]}
        ),
        expectation("expect_column_values_to_not_be_null", name="e", kwargs={"column": "word"}),
        id_columns=("id",),
    )
    found = {v.expectation: (v.outcome, [e["id"] for e in v.examples]) for v in judge(frame, checks)}
    assert found == {
        "a": ("failed", ["r1"]), "b": ("passed", []), "c": ("error", []), "d": ("failed", ["r1"]),
        "e": ("passed", []),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ignored", "repeated"), [("never", ["r0", "r1", "r2", "r3"]), ("any_value_is_missing", ["r2", "r3"])]
)
def test_a_key_with_missing_parts(ignored: str, repeated: list[str]) -> None:
    day = pd.Timestamp("2026-03-01")
    frame = pd.DataFrame(
        {"id": ["r0", "r1", "r2", "r3", "r4"], "a": ["x", "x", "y", "y", "y"], "b": ["1", "1", "1", "1", "2"]}
    )
    frame["at"] = [pd.NaT, pd.NaT, day, day, day]
    kwargs = {"column_list": ["a", "b", "at"], "ignore_row_if": ignored}
    verdict = one(frame, "expect_compound_columns_to_be_unique", kwargs)
    assert [example["id"] for example in verdict.examples] == repeated


@pytest.mark.parametrize(
    ("ids", "repeated"),
    [
        (["1", "2", "10"], []),
        (["1", "2", "1"], ["r0", "r2"]),
        (["1", "01", "x"], []),
        (["1", "01", "1"], ["r0", "r2"]),
        (["1", None, None], []),
    ],
)
def test_ids_that_are_numbers_differ_as_texts(ids: list[str | None], repeated: list[str]) -> None:
    frame = pd.DataFrame({"id": ["r0", "r1", "r2"], "batch": "b", "a": pd.array(ids, dtype="str")})
    kwargs = {"column_list": ["batch", "a"], "ignore_row_if": "any_value_is_missing"}
    verdict = one(frame, "expect_compound_columns_to_be_unique", kwargs)
    assert [example["id"] for example in verdict.examples] == repeated


def test_where_keeps_the_rows_to_look_at_but_shares_are_of_all() -> None:
    frame = pd.DataFrame(
        {
            "id": ["r0", "r1", "r2", "r3"],
            "a": [None, None, "x", "x"],
            "reject_reason": ["no id", None, None, None],
        }
    )
    verdict = one(
        frame,
        "expect_column_values_to_not_be_null",
        {"column": "a"},
        where={"reject_reason": None},
        tolerance=0.3,
    )
    assert verdict.unexpected_count == 1
    assert verdict.element_count == 4
    assert verdict.examples[0]["id"] == "r1"
    assert verdict.severity == "warning"


def test_an_exception_inside_great_expectations_is_an_error_and_no_success() -> None:
    # Text cannot be compared with a number: GX swallows the exception into its result.
    frame = pd.DataFrame({"id": ["r0"], "a": ["five"]})
    verdict = one(
        frame, "expect_column_values_to_be_between", {"column": "a", "min_value": 1, "max_value": 5}
    )
    assert verdict.outcome == "error"
    assert not verdict.success
    assert verdict.blocks
    assert "could not be checked" in verdict.message
    assert "of the same type. Mend it" in verdict.message


def test_an_exception_in_one_chunk_is_not_hidden_by_good_chunks() -> None:
    frame = pd.DataFrame({"id": ["r0", "r1"], "a": pd.Series([3, "five"], dtype=object)})
    check = expectation(
        "expect_column_values_to_be_between", kwargs={"column": "a", "min_value": 1, "max_value": 5}
    )
    for order in (frame, frame.iloc[::-1]):
        [verdict] = judge(order, suite(check), chunk_rows=1)
        assert verdict.outcome == "error"


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_not_be_null", {"column": "gone"}),
        ("not_later_than", {"column": "id", "other": "n"}),
        ("expect_column_values_to_be_in_set", {"column": "id"}),
        ("expect_column_values_to_be_marvellous", {"column": "id"}),
    ],
    ids=["missing column", "wrong types", "missing argument", "unknown kind"],
)
def test_a_check_that_cannot_run_is_an_error(kind: str, kwargs: dict[str, Any]) -> None:
    frame = pd.DataFrame({"id": ["r0"], "n": [1]})
    verdict = one(frame, kind, kwargs)
    assert verdict.outcome == "error"
    assert verdict.blocks


def test_a_warning_never_blocks() -> None:
    frame = pd.DataFrame({"id": ["r0"], "a": ["odd"]})
    verdict = one(
        frame, "expect_column_values_to_be_in_set", {"column": "a", "value_set": ["even"]}, severity="warning"
    )
    assert (verdict.outcome, verdict.blocks) == ("failed", False)


def test_examples_are_few_and_hold_no_free_text() -> None:
    frame = pd.DataFrame({"id": [str(i) for i in range(30)], "name": ["Ada Lovelace"] * 30})
    verdict = one(frame, "expect_compound_columns_to_be_unique", {"column_list": ["name", "name2"]})
    assert verdict.outcome == "error"
    frame["name2"] = "Byron"
    verdict = one(frame, "expect_compound_columns_to_be_unique", {"column_list": ["name", "name2"]})
    assert verdict.unexpected_count == 30
    assert len(verdict.examples) == 20
    assert "Ada" not in repr(verdict)


def test_a_long_or_multiline_value_is_cut() -> None:
    frame = pd.DataFrame({"id": ["r0"], "a": ["x\n" * 500]})
    verdict = one(frame, "expect_column_values_to_be_in_set", {"column": "a", "value_set": ["even"]})
    assert len(verdict.examples[0]["a"]) == 60
    assert "\n" not in verdict.message


def test_whole_table_expectations_and_their_observed_value() -> None:
    frame = pd.DataFrame({"id": ["r0", "r1"]})
    assert one(frame, "expect_table_row_count_to_be_between", {"min_value": 1}).outcome == "passed"
    verdict = one(frame, "expect_table_row_count_to_be_between", {"min_value": 3})
    assert (verdict.outcome, verdict.observed) == ("failed", "2")
    check = expectation("expect_table_row_count_to_be_between", kwargs={"min_value": 1})
    with pytest.raises(ValueError, match="whole table"):
        judge(frame, suite(check), by="id")


def test_an_empty_frame_passes_row_by_row() -> None:
    frame = pd.DataFrame({"id": pd.Series([], dtype="str"), "a": pd.Series([], dtype="str")})
    assert one(frame, "expect_column_values_to_not_be_null", {"column": "a"}).outcome == "passed"
    assert one(frame, "expect_column_values_to_not_be_null", {"column": "b"}).outcome == "error"


def test_judging_imports_neither_what_no_suite_needs_nor_keeps_others_from_it() -> None:
    code = (
        "import sys, pandas as pd; from quality.runner import judge; from quality.suites.marts import suite;"
        "from quality.contracts import Contract;"
        "judge(pd.DataFrame({'id': ['1']}), suite(Contract(mart='toy', key=('id',))));"
        "print([m for m in ('scipy.stats', 'altair') if m in sys.modules]);"
        "import altair, scipy.stats; print(altair.Chart.__name__, scipy.stats.norm.cdf(0));"
        "import great_expectations.expectations.core.expect_column_kl_divergence_to_be_less_than as used;"
        "print(used.alt.Chart is altair.Chart)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["[]", "Chart 0.5", "True"]


def test_importing_the_room_does_not_import_great_expectations_or_dagster() -> None:
    code = (
        "import sys, quality.gates, quality.report, quality.suites.marts;"
        "print([m for m in ('great_expectations', 'dagster', 'dbt') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def words_and_numbers(words: list[str | None], numbers: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"r{i}" for i in range(len(words))], "word": words, "n": numbers})


WORDS_AND_NUMBERS = suite(
    expectation(
        "expect_column_values_to_be_in_set", name="word", kwargs={"column": "word", "value_set": ["new"]}
    ),
    expectation("between", name="n", kwargs={"column": "n", "low": 0}),
    expectation("expect_compound_columns_to_be_unique", name="key", kwargs={"column_list": ["n"]}),
    id_columns=("id",),
)


def at_fault(verdicts: list[Verdict]) -> dict[str, list[str]]:
    return {v.expectation: [e["id"] for e in v.examples] for v in verdicts}


def test_what_was_asked_about_a_value_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, bool] = {}
    before = words_and_numbers(["new", "opne", None], [1.0, -1.0, 2.0])
    assert at_fault(judge(before, WORDS_AND_NUMBERS, known=known)) == {"word": ["r1"], "n": ["r1"], "key": []}
    monkeypatch.setattr("quality.runner._engine", lambda: pytest.fail("Great Expectations is asked"))
    # Other rows and numbers, no other word and no other kind of fault.
    later = words_and_numbers([None, "new", "opne", "new", "opne"], [5.0, 6.0, -3.0, 7.0, -3.0])
    found = judge(later, WORDS_AND_NUMBERS, known=known)
    assert at_fault(found) == {"word": ["r2", "r4"], "n": ["r2", "r4"], "key": ["r2", "r4"]}
    assert [v.observed for v in found] == ["2 of 5"] * 3
    with pytest.raises(pytest.fail.Exception, match="is asked"):
        judge(words_and_numbers(["opened"], [1.0]), WORDS_AND_NUMBERS, known=known)


def test_what_another_night_may_bring_is_asked_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import of Great Expectations costs a night more than anything it is asked."""
    known: dict[str, bool] = {}
    words = expectation(
        "expect_column_values_to_be_in_set",
        name="word",
        kwargs={"column": "word", "value_set": ["new", "open"]},
    )
    at_least_0 = expectation("between", name="n", kwargs={"column": "n", "low": 0})
    told = expectation("expect_column_values_to_not_be_null", name="told", kwargs={"column": "word"})
    checks = suite(words, at_least_0, told, id_columns=("id",))
    judge(words_and_numbers(["new"], [1.0]), checks, known=known)
    monkeypatch.setattr("quality.runner._engine", lambda: pytest.fail("Great Expectations is asked"))
    found = judge(words_and_numbers(["open", "new"], [1.0, -1.0]), checks, known=known)
    assert at_fault(found) == {"word": [], "n": ["r1"], "told": []}
    missing = judge(
        words_and_numbers(["open", None], [1.0, 2.0]), suite(told, id_columns=("id",)), known=known
    )
    assert at_fault(missing) == {"told": ["r1"]}


def test_only_what_is_new_is_asked_and_answered_beside_what_is_known() -> None:
    known: dict[str, bool] = {}
    judge(words_and_numbers(["new"], [1.0]), WORDS_AND_NUMBERS, known=known)
    asked = dict(known)
    found = judge(
        words_and_numbers(["opne", "new", "opened"], [-1.0, 2.0, -1.0]), WORDS_AND_NUMBERS, known=known
    )
    assert at_fault(found) == {"word": ["r0", "r2"], "n": ["r0", "r2"], "key": ["r0", "r2"]}
    # Two words: of a flag both values were asked about.
    assert len(known) == len(asked) + 2
    assert not any(met for question, met in known.items() if question not in asked)


def test_what_could_not_be_checked_is_asked_again() -> None:
    known: dict[str, bool] = {}
    check = expectation("expect_column_values_to_be_in_set", kwargs={"column": "id"})
    for _ in range(2):
        [verdict] = judge(pd.DataFrame({"id": ["r0"]}), suite(check), known=known)
        assert verdict.outcome == "error"
    assert "could not be checked" in verdict.message
