"""What a build is compared with: the marts that readers see, and what of their making changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.publication.publish import Publication
from orchestration.warehouse.control_tables import PublishedMart


def published_marts(
    publication: Publication | None,
    manifest: Mapping[str, Any],
    fingerprints: Mapping[str, Mapping[str, str]],
) -> list[PublishedMart]:
    """The published marts that the project still has; none before the first publication.

    Args:
        publication: what readers see now.
        manifest: the parsed project.
        fingerprints: node name -> that of its `code`, and of its code with its `rules`; the publication's
            manifest keeps those of its time.
    """
    if publication is None:
        return []
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")}
    keys = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_key"
    }
    before = publication.manifest.get("fingerprints", {})
    marts = []
    for name, mart in publication.manifest["marts"].items():
        if name not in models:
            continue
        declared = models[name]["columns"]
        known = {column["name"] for column in mart["columns"]}
        key = keys.get(models[name]["unique_id"], [])
        changed = [
            kind for kind in ("code", "rules") if before.get(name, {}).get(kind) != fingerprints[name][kind]
        ]
        marts.append(
            PublishedMart(
                name=name,
                version=publication.version,
                as_of=publication.as_of,
                path=publication.path / "marts" / f"{name}.parquet",
                columns={c: column["data_type"] for c, column in declared.items() if c in known},
                # Rows that were told apart by other columns cannot be matched.
                key=key if known.issuperset(key) else [],
                meta=models[name]["config"]["meta"],
                cause=changed[0] if changed else None,
                content=mart.get("content", ""),
            )
        )
    return marts
