"""Judging a pandas frame with Great Expectations, one neutral verdict per expectation.

Row-wise expectations run over bounded chunks; uniqueness needs its key columns whole. Great Expectations
is asked about each value once, so most questions of a night were asked before: these are answered from
memory, and it is imported (1 CPU second, once a process) for the first new one (docs/adr/0009).
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
import pyarrow as pa

from quality.verdicts import Expectation, Outcome, Severity, Suite, Verdict

CHUNK_ROWS = 500_000
#: Answers about more values than these are not kept.
MAX_KEPT = 200
MAX_EXAMPLES = 20
MAX_TEXT = 60
#: What sums of doubles may be off by.
ROUNDING = 1e-9

_WHOLE = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
_ROW_WISE = (
    "expect_column_values_",
    "expect_column_pair_values_",
    "expect_compound_columns_",
    "expect_multicolumn_values_",
)
_IN_SET = "expect_column_values_to_be_in_set"
_KNOWN_WORDS = frozenset({_IN_SET, "expect_column_values_to_be_null"})
_OF_PRESENCE = frozenset({"expect_column_values_to_be_null", "expect_column_values_to_not_be_null"})
#: Stands for whatever is there.
_PRESENT = "a value"
# What these say of a row follows from one value.
_BY_VALUE = _OF_PRESENCE | {_IN_SET, "expect_column_values_to_be_between"}

Derive = Callable[[pd.DataFrame, Mapping[str, Any]], "pd.Series[bool]"]
#: What Great Expectations was asked about a value (a digest) -> whether the value meets it.
Known = MutableMapping[str, bool]


def _is_present(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` is not null."""
    return cast("pd.Series[bool]", frame[args["column"]].notna())


def _between(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """The number `column` is within `low` and `high`, where these are given, but for rounding; nulls pass."""
    column = frame[args["column"]]
    outside = pd.Series(False, index=frame.index)
    if args.get("low") is not None:
        outside |= column < args["low"] - ROUNDING
    if args.get("high") is not None:
        outside |= column > args["high"] + ROUNDING
    return ~outside


def _not_later_than(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """Time `column` <= `other` + `slack_seconds`; nulls pass."""
    slack = pd.Timedelta(seconds=args.get("slack_seconds", 0))
    return cast("pd.Series[bool]", ~(frame[args["column"]] > frame[args["other"]] + slack))


def _not_before(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """Time `column` >= `earliest` (ISO date); nulls pass."""
    column = frame[args["column"]]
    return cast("pd.Series[bool]", ~(column < pd.Timestamp(args["earliest"], tz=column.dt.tz)))


def _within(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`low` <= `column` <= `high`, all columns; a null column passes, a null bound with `or_unbounded`."""
    column, low, high = frame[args["column"]], frame[args["low"]], frame[args["high"]]
    if args.get("or_unbounded"):
        return cast("pd.Series[bool]", ~((column < low) | (column > high)))
    inside = (column >= low) & (column <= high)
    return cast("pd.Series[bool]", inside.fillna(False).astype(bool) | column.isna())


def _at_most(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` <= `other`, numbers or times; a null passes."""
    return cast("pd.Series[bool]", ~(frame[args["column"]] > frame[args["other"]]))


def _sums_equal(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """The sum of the columns `left` equals the sum of the columns `right`; a null never equals."""
    left = frame[list(args["left"])].sum(axis=1, skipna=False)
    equal = left == frame[list(args["right"])].sum(axis=1, skipna=False)
    return equal.fillna(False).astype(bool)


def _present_when(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` is not null where the column `when` has one of `values`."""
    present = frame[args["column"]].notna() | ~frame[args["when"]].isin(list(args["values"]))
    return cast("pd.Series[bool]", present)


def _is_ratio(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` is `times` * (sum of `plus` - sum of `minus`) / sum of `over`; null exactly at 0 of `over`."""
    over = frame[list(args["over"])].sum(axis=1, skipna=False).astype(float)
    part = frame[list(args["plus"])].sum(axis=1, skipna=False).astype(float)
    if minus := list(args.get("minus", ())):
        part -= frame[minus].sum(axis=1, skipna=False).astype(float)
    value = frame[args["column"]].astype(float)
    right = (value * over - args["times"] * part).abs() <= 1e-6 * over
    return cast("pd.Series[bool]", (right & (over > 0)) | (value.isna() & (over == 0)))


def _null_exactly_when(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` is null where the column `when` has one of `values`, and nowhere else."""
    return cast(
        "pd.Series[bool]", frame[args["column"]].isna() == frame[args["when"]].isin(list(args["values"]))
    )


def _at_least_share(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` >= `share` of `other`; a null passes."""
    return cast("pd.Series[bool]", ~(frame[args["column"]] < args["share"] * frame[args["other"]]))


def _at_most_share(frame: pd.DataFrame, args: Mapping[str, Any]) -> pd.Series[bool]:
    """`column` <= `share` of `other`; a null passes."""
    return cast("pd.Series[bool]", ~(frame[args["column"]] > args["share"] * frame[args["other"]]))


# What Great Expectations has no word for: a flag per row, judged as "is true" by Great Expectations.
DERIVED: dict[str, Derive] = {
    "is_present": _is_present,
    "between": _between,
    "not_later_than": _not_later_than,
    "not_before": _not_before,
    "within": _within,
    "at_most": _at_most,
    "sums_equal": _sums_equal,
    "present_when": _present_when,
    "is_ratio": _is_ratio,
    "null_exactly_when": _null_exactly_when,
    "at_least_share": _at_least_share,
    "at_most_share": _at_most_share,
}


def _flags(frame: pd.DataFrame, kind: str, kwargs: Mapping[str, Any]) -> pd.Series[bool]:
    holds = DERIVED[kind]
    if "columns" not in kwargs:
        return holds(frame, kwargs)
    flags = pd.Series(True, index=frame.index)
    for column in kwargs["columns"]:
        flags &= holds(frame, {**kwargs, "column": column})
    return flags


class _Found(NamedTuple):
    """What one expectation found: positions of unexpected rows, or how it failed."""

    positions: np.ndarray[Any, np.dtype[np.int64]]
    success: bool
    observed: str = ""
    error: str = ""


_NONE = np.empty(0, dtype=np.int64)


def judge(
    frame: pd.DataFrame,
    suite: Suite,
    *,
    subject: str = "",
    by: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
    known: Known | None = None,
) -> list[Verdict]:
    """Judge a frame of typed key columns.

    Args:
        frame: the rows; only the suite's columns are looked at. Times all with a zone or all without;
            no Arrow dtypes (Great Expectations hashes them a hundred times slower).
        suite: what must hold.
        subject: what the frame is (a mart, a batch), for the verdicts.
        by: a column whose values are the subjects: one verdict per value and expectation.
        chunk_rows: rows that row-wise expectations see at once.
        known: what is known of values; what is asked now is added.

    Returns:
        Verdicts by subject, in the suite's order. An expectation that could not run has the outcome "error".

    Raises:
        ValueError: `by` with an expectation that judges a whole table.
    """
    if by is not None and not all(_is_row_wise(e) for e in suite.expectations):
        raise ValueError(f"suite {suite.name}: an expectation on a whole table cannot be judged by {by}")
    frame = frame.reset_index(drop=True)
    if by is None:
        codes, subjects = np.zeros(len(frame), dtype=np.int64), [subject]
    else:
        raw_codes, values = pd.factorize(frame[by], use_na_sentinel=False)
        codes, subjects = raw_codes.astype(np.int64), ["" if pd.isna(v) else str(v) for v in values]
    sizes = np.bincount(codes, minlength=len(subjects))
    found = _find(frame, suite, chunk_rows, {} if known is None else known)
    verdicts: list[list[Verdict]] = [[] for _ in subjects]
    for expectation in suite.expectations:
        outcome = found[expectation.name]
        # A grouping by stable sort: positions of one subject stand together.
        order = np.argsort(codes[outcome.positions], kind="stable")
        positions = outcome.positions[order]
        counts = np.bincount(codes[positions], minlength=len(subjects))
        ends = np.cumsum(counts)
        for i, name in enumerate(subjects):
            mine = positions[ends[i] - counts[i] : ends[i]]
            start = int(np.argmax(codes == i)) if suite.row_numbers and len(mine) else 0
            verdicts[i].append(_verdict(frame, suite, expectation, outcome, name, int(sizes[i]), mine, start))
    return [verdict for group in verdicts for verdict in group]


def _verdict(
    frame: pd.DataFrame,
    suite: Suite,
    expectation: Expectation,
    found: _Found,
    subject: str,
    size: int,
    positions: np.ndarray[Any, np.dtype[np.int64]],
    start: int,
) -> Verdict:
    outcome: Outcome = "passed"
    severity: Severity = expectation.severity
    examples: tuple[dict[str, str], ...] = ()
    message = observed = ""
    todo = expectation.what_to_do
    if found.error:
        outcome, message = "error", f"could not be checked: {found.error}"
    elif len(positions):
        outcome = "failed"
        if len(positions) <= expectation.tolerance * size:
            severity, todo = "warning", expectation.if_few or todo
        examples = tuple(
            _example(frame, suite, expectation, int(p), int(p) - start) for p in positions[:MAX_EXAMPLES]
        )
        observed = f"{len(positions):,} of {size:,}"
        message = _message(expectation, len(positions), size, examples)
    elif not found.success:
        outcome, observed = "failed", found.observed
        message = f"{expectation.fault}: {found.observed}"
    else:
        observed = found.observed
    if outcome != "passed":
        message = f"{message.removesuffix('.')}. {todo}"
    return Verdict(
        gate=suite.gate,
        subject=subject,
        expectation=expectation.name,
        severity=severity,
        outcome=outcome,
        element_count=size,
        unexpected_count=len(positions),
        examples=examples,
        observed=observed,
        message=message,
        what_to_do=todo,
        positions=cast("Sequence[int]", positions),
    )


def _message(expectation: Expectation, count: int, size: int, examples: Sequence[Mapping[str, str]]) -> str:
    told = [", ".join(f"{column} {value}" for column, value in e.items()) for e in examples]
    example = "; ".join(told[: expectation.named])
    if size == 1:
        return f"{expectation.fault}: {example}" if example else expectation.fault
    limit = f" (up to {expectation.tolerance:.0%} is a warning)" if expectation.tolerance else ""
    share = "" if expectation.lists_faults else f" of {size:,} rows ({count / size:.2%})"
    rows = f"{count:,}{share} {expectation.fault}{limit}"
    return f"{rows}, e.g. {example}" if example else rows


def _example(
    frame: pd.DataFrame, suite: Suite, expectation: Expectation, position: int, row: int
) -> dict[str, str]:
    """Ids, and the values that are numbers, times or known words: never free text."""
    example = {"row": f"{row + 1:,}"} if suite.row_numbers else {}
    shown = [c for c in suite.id_columns if c in frame]
    for column in _at_fault(frame.iloc[[position]], expectation):
        dtype = frame[column].dtype
        text = pd.api.types.is_string_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype)
        # A flag that is false says no more than the expectation's name.
        hidden = pd.api.types.is_bool_dtype(dtype) or (text and expectation.kind not in _KNOWN_WORDS)
        if column not in shown and not hidden:
            shown.append(column)
    example |= {column: _show(frame[column].iloc[position]) for column in shown}
    told = {c: frame[c].iloc[position] for c in expectation.show if c in frame}
    return example | {c: str(value) for c, value in told.items() if not pd.isna(value)}


def _at_fault(row: pd.DataFrame, expectation: Expectation) -> Sequence[str]:
    """The columns that a row fails by; all that the expectation looks at where it looks at them together."""
    each = expectation.kwargs.get("columns")
    if not each:
        return expectation.columns
    holds, kwargs = DERIVED[expectation.kind], expectation.kwargs
    failing = [c for c in each if not holds(row, {**kwargs, "column": c}).iloc[0]]
    return [*failing, *(c for c in expectation.columns if c not in each)]


def _show(value: Any) -> str:
    if pd.isna(value):
        return "null"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _find(frame: pd.DataFrame, suite: Suite, chunk_rows: int, known: Known) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for where, expectations in _by_filter(suite.expectations):
        runnable = []
        for expectation in expectations:
            missing = [c for c in (*expectation.columns, *where) if c not in frame]
            if missing:
                error = f"there is no column {', '.join(missing)}"
                found[expectation.name] = _Found(_NONE, False, error=error)
            else:
                runnable.append(expectation)
        kept = _kept(frame, where if runnable else {})
        whole = [e for e in runnable if e.kind in _WHOLE or not _is_row_wise(e)]
        row_wise = [e for e in runnable if e not in whole]
        for expectation in whole:
            # One at a time: only its own columns are copied.
            found |= _validate(frame, [expectation], kept, known)
        for expectation in row_wise:
            found[expectation.name] = _Found(_NONE, True)
        for start in range(0, len(kept), chunk_rows) if row_wise else ():
            part = _validate(frame, row_wise, kept[start : start + chunk_rows], known)
            found |= {name: _joined(found[name], piece) for name, piece in part.items()}
    return found


def _by_filter(expectations: Sequence[Expectation]) -> Iterator[tuple[Mapping[str, Any], list[Expectation]]]:
    left = list(expectations)
    while left:
        where = left[0].where
        yield where, [e for e in left if e.where == where]
        left = [e for e in left if e.where != where]


def _kept(frame: pd.DataFrame, where: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    keep = np.ones(len(frame), dtype=bool)
    for column, value in where.items():
        keep &= (frame[column].isna() if value is None else frame[column] == value).to_numpy(dtype=bool)
    return np.flatnonzero(keep)


def _joined(a: _Found, b: _Found) -> _Found:
    positions = np.concatenate([a.positions, b.positions])
    return _Found(positions, a.success and b.success, error=a.error or b.error)


def _is_row_wise(expectation: Expectation) -> bool:
    return expectation.kind in DERIVED or expectation.kind.startswith(_ROW_WISE)


class _Ask(NamedTuple):
    """What Great Expectations is asked: a type of its own and its arguments, about values or about rows."""

    kind: str
    kwargs: Mapping[str, Any]
    about: pd.Series[Any] | None = None


def _validate(
    frame: pd.DataFrame,
    expectations: Sequence[Expectation],
    positions: np.ndarray[Any, np.dtype[np.int64]],
    known: Known,
) -> dict[str, _Found]:
    """Run expectations over the rows at `positions`; what is found points into the frame."""
    rows = frame[list(dict.fromkeys(c for e in expectations for c in e.columns))]
    rows = rows if len(positions) == len(frame) else rows.take(positions).reset_index(drop=True)
    found: dict[str, _Found] = {}
    by_value: dict[str, _Ask] = {}
    by_row: dict[str, _Ask] = {}
    for expectation in expectations:
        try:
            ask = _ask(rows, expectation)
            (by_row if ask.about is None else by_value)[expectation.name] = ask
        except (TypeError, ValueError, AttributeError, KeyError) as problem:
            found[expectation.name] = _Found(_NONE, False, error=_one_line(problem))
    found |= _by_value(by_value, known)
    if by_row:
        # Without a column (a row count) GX still needs a frame of the right length.
        found |= _engine().find(rows if len(rows.columns) else pd.DataFrame({"row": positions}), by_row)
    return {name: it._replace(positions=positions[it.positions]) for name, it in found.items()}


def _ask(rows: pd.DataFrame, expectation: Expectation) -> _Ask:
    kind, kwargs = expectation.kind, expectation.kwargs
    if kind in DERIVED:
        return _is_true(_flags(rows, kind, kwargs))
    if kind in _WHOLE:
        ignored = kwargs.get("ignore_row_if", "any_value_is_missing")
        key = _key(rows[list(expectation.columns)], ignored)
        return _is_true(~key.duplicated(keep=False) | key.isna())
    if kind not in _BY_VALUE:
        return _Ask(kind, kwargs)
    values = rows[kwargs["column"]]
    if kind in _OF_PRESENCE:
        values = values.notna().map({True: _PRESENT, False: np.nan})
    return _Ask(kind, {name: value for name, value in kwargs.items() if name != "column"}, values)


def _is_true(flags: pd.Series[Any]) -> _Ask:
    return _Ask(_IN_SET, {"value_set": [True]}, flags)


def _by_value(asks: Mapping[str, _Ask], known: Known) -> dict[str, _Found]:
    """The rows whose value does not meet what is asked. About a value that is known nobody is asked."""
    codes: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
    questions: dict[str, list[str]] = {}
    new: dict[str, dict[str, Any]] = {}
    for name, ask in asks.items():
        codes[name], values = pd.factorize(cast("pd.Series[Any]", ask.about), use_na_sentinel=False)
        questions[name] = [_question(ask, value) for value in values]
        unknown = {q: value for q, value in zip(questions[name], values, strict=True) if q not in known}
        # Once it is imported, it is asked along about what may come.
        if unknown or "great_expectations" in sys.modules:
            told = {_question(ask, value): value for value in _awaited(ask)}
            unknown |= {q: value for q, value in told.items() if q not in known}
        if unknown:
            new[name] = unknown
    found: dict[str, _Found] = {}
    said: dict[str, bool] = {}
    if new:
        longest = max(map(len, new.values()))
        # A column with fewer values than another repeats its last one.
        columns = {
            name: pd.Series([*each.values()]).reindex(range(longest), method="ffill")
            for name, each in new.items()
        }
        kinds = {name: _Ask(asks[name].kind, {**asks[name].kwargs, "column": name}) for name in new}
        for name, it in _engine().find(pd.DataFrame(columns), kinds).items():
            if it.error:
                found[name] = it
            else:
                said |= {q: at not in it.positions for at, q in enumerate(new[name])}
        if longest <= MAX_KEPT:
            known.update(said)
    for name in asks.keys() - found.keys():
        faults = [at for at, q in enumerate(questions[name]) if not said.get(q, known.get(q))]
        found[name] = _Found(np.flatnonzero(np.isin(codes[name], faults)), True)
    return found


def _awaited(ask: _Ask) -> list[Any]:
    """What another night may bring: other words of a set, the other value of a flag, a value or none."""
    if ask.kind in _OF_PRESENCE:
        # As a frame holds what is missing: a question tells the types apart.
        return [_PRESENT, np.nan]
    if cast("pd.Series[Any]", ask.about).dtype == bool:
        return [True, False]
    return [word for word in ask.kwargs.get("value_set") or () if isinstance(word, str)]


def _question(ask: _Ask, value: Any) -> str:
    told = (_judges(), ask.kind, ask.kwargs, type(value), value)
    return hashlib.sha256(repr(told).encode()).hexdigest()


@functools.cache
def _judges() -> tuple[str, ...]:
    """Whose word it is: another release may say another one."""
    versions = (importlib.metadata.version(name) for name in ("great_expectations", "pandas"))
    return (hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), *versions)


def _key(parts: pd.DataFrame, ignored: str) -> pd.Series[Any]:
    """A number per row, equal where all parts are; null where the row is to be ignored."""
    if ignored not in ("never", "any_value_is_missing"):
        raise ValueError(f"ignore_row_if {ignored!r} is not known here")
    for name in parts:
        if (serial := _serial(parts[name])) is not None:
            return serial
    key = np.zeros(len(parts), dtype=np.int64)
    for name in parts:
        codes, values = pd.factorize(parts[name], use_na_sentinel=False)
        key, distinct = pd.factorize(key * len(values) + codes)
        if len(distinct) == len(parts):
            break
    number = pd.Series(key, dtype=float)
    return number if ignored == "never" else number.mask(parts.isna().any(axis=1))


def _serial(column: pd.Series[Any]) -> pd.Series[int] | None:
    """Texts that are whole numbers and all differ, as numbers: most ids, and a tenth of the time."""
    if not isinstance(column.dtype, pd.StringDtype) or column.hasnans:
        return None
    try:
        # Arrow tells each text that is no number before it gives up: a few rows tell most columns apart.
        pa.array(column.iloc[:8]).cast(pa.int64())
        numbers = pa.array(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    # Texts that differ may be one number (1, 01), never the other way round.
    serial = pd.Series(numbers)
    return serial if serial.is_unique else None


def _raised(info: Mapping[str, Any] | None) -> str:
    """The message of an exception inside a result; GX keeps it flat or once per metric."""
    if not info:
        return ""
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, Mapping)]
    for entry in entries:
        if entry.get("raised_exception"):
            return _one_line(entry.get("exception_message") or "Great Expectations raised an exception")
    return ""


def _one_line(error: object) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:299] + "…"


class _Engine:
    """Great Expectations behind two calls: nothing else in the project touches its API."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        with _put_off(*_NOT_NEEDED):
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
            from great_expectations.expectations.registry import get_expectation_impl

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
        self._batches = asset.add_batch_definition_whole_dataframe("all")
        self._suite = gx.ExpectationSuite
        self._implementation = get_expectation_impl

    def find(self, frame: pd.DataFrame, asks: Mapping[str, _Ask]) -> dict[str, _Found]:
        """What was found of each: positions in the frame, or why it could not run."""
        found: dict[str, _Found] = {}
        expectations = []
        for name, ask in asks.items():
            try:
                expectations.append(self._implementation(ask.kind)(**ask.kwargs, meta={"name": name}))
            except Exception as problem:
                # GX refuses wrong arguments with several exception types; none may look like a pass.
                found[name] = _Found(_NONE, False, error=_one_line(problem))
        for it in self._results(frame, expectations) if expectations else ():
            name = cast(Any, it.expectation_config).meta["name"]
            hits = np.asarray(it.result.get("unexpected_index_list") or [], dtype=np.int64)
            observed = it.result.get("observed_value")
            error = _raised(it.exception_info)
            if not (error or it.success or len(hits) or observed is not None):
                error = "Great Expectations failed it without naming rows"
            # A row-wise success is decided per subject, from the positions.
            success = not error and (bool(it.success) or bool(len(hits)))
            text = "" if error or observed is None else str(observed)
            found[name] = _Found(_NONE if error else hits, success, text, error)
        for name in asks:
            found.setdefault(name, _Found(_NONE, False, error="Great Expectations gave no result"))
        return found

    def _results(self, frame: pd.DataFrame, expectations: list[Any]) -> list[Any]:
        batch = self._batches.get_batch({"dataframe": frame})
        # COMPLETE is the only format that names every unexpected row.
        form = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
        suite = self._suite(name="suite", expectations=expectations)
        return list(batch.validate(suite, result_format=form).results)


# Great Expectations imports these for expectations that no suite has; they are half the cost of its import.
_NOT_NEEDED = ("scipy.stats", "altair")


@contextmanager
def _put_off(*names: str) -> Iterator[None]:
    """Modules that are imported in here load when they are first used."""
    waiting = [name for name in names if name not in sys.modules]
    sys.modules.update((name, _Waiting(name)) for name in waiting)
    try:
        yield
    finally:
        for name in waiting:
            del sys.modules[name]


class _Waiting(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@functools.cache
def _engine() -> _Engine:
    return _Engine()
