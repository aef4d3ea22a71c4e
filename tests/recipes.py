"""The documents' recipes, run on a home as they are written."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from tests.documents import Code

#: Begins of statements whose answer may be empty, and why.
MAY_BE_EMPTY = {
    "select period_start, kpi, dimension, member, value, center": "where nothing shifted, nothing is marked",
    "select period_start, count(case when signal": "no chart judges a company that is half a year old",
    "select period_start, kpi, dimension, member, previous_value": "where nothing changed, nothing is listed",
}


def empty_answers(folder: Path, block: Code) -> list[str]:
    """Run a block of SQL on a folder's current marts; the statements that should have had rows."""
    with duckdb.connect(folder / ".cxmarts/published/current/marts.duckdb", read_only=True) as con:
        asked = con.extract_statements(block.text)
        silent = [each.query for each in asked if not con.execute(each).fetchall()]
    return [sql for sql in silent if not sql.strip().startswith(tuple(MAY_BE_EMPTY))]


def results(folder: Path, block: Code) -> dict[str, Any]:
    """Run a block of Python in a folder; its tables, the value of the last line among them as `_`."""
    *statements, last = ast.parse(block.text).body
    names: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(ast.Module(statements, []), str(block), "exec"), names)
        if isinstance(last, ast.Expr):
            names["_"] = eval(compile(ast.Expression(last.value), str(block), "eval"), names)
        else:
            exec(compile(ast.Module([last], []), str(block), "exec"), names)
    finally:
        os.chdir(before)
    return {name: value for name, value in names.items() if isinstance(value, pd.DataFrame)}
