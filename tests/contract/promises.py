"""What others may rely on: columns with their types and keys of all published marts, in `promises.json`.

`python -m tests.contract.promises` adds what is new; with `--break` it also forgets what is gone, which the
changelog then tells as breaking.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import parsed

FILE = Path(__file__).with_suffix(".json")
PROMISED: dict[str, Any] = json.loads(FILE.read_text())


def interfaces(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """By published mart, its key and its columns with their types."""
    keys = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node["test_metadata"] or {}).get("name") == "unique_key"
    }
    return {
        node["name"]: {
            "key": sorted(keys.get(unique_id, [])),
            "columns": {name: column["data_type"] for name, column in node["columns"].items()},
        }
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed") and node["schema"] == "marts"
    }


def renewed(promised: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What was promised, with what is new beside it."""
    found = {}
    for mart in now.keys() | promised.keys():
        before = promised.get(mart, now.get(mart))
        there = now.get(mart, before)
        found[mart] = {"key": before["key"], "columns": there["columns"] | before["columns"]}
    return found


if __name__ == "__main__":
    there = interfaces(parsed.project().manifest)
    wanted = there if "--break" in sys.argv else renewed(PROMISED, there)
    FILE.write_text(json.dumps(wanted, indent=1, sort_keys=True) + "\n")
