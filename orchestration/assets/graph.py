"""What of the parsed dbt project is an asset or a check of Dagster, and how they hang together."""

from __future__ import annotations

import graphlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.ground.settings import is_owner
from orchestration.warehouse.contracts import contracts
from orchestration.warehouse.dbt import JUDGED_AT_GATE_3, DbtError, is_built

GROUPS = {
    "rules": "rules",
    "parse": "staging",
    "staging": "staging",
    "vendors": "staging",
    "core": "core",
    "marts": "marts",
    "restricted": "marts",
}
#: Tags of assets. Sensitivity: `personal` where records hold names or texts of people, `restricted` where
#: those are read from there on purpose.
VENDOR_TAG, SENSITIVITY_TAG = "vendor", "sensitivity"
PERSONAL, RESTRICTED = "personal", "restricted"
#: The source that is the warehouse's own book-keeping.
CONTROL = "control"
#: Folders of models that are groups of their own.
OWN_GROUPS = ("kpis", "books")


class ModelGraph:
    """The dbt project as Dagster sees it.

    Args:
        manifest: the parsed project.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.manifest = manifest
        self.contracts = contracts(manifest)
        built = {key: node for key, node in manifest["nodes"].items() if is_built(node)}
        self.specs = {key: self._spec(key) for key in built}
        self.checks = dict(filter(None, (self._check(key) for key in manifest["nodes"])))
        #: test -> the nodes that it asks of
        self.tested = {
            key: [
                built[parent]["name"]
                for parent in manifest["nodes"][key]["depends_on"]["nodes"]
                if parent in built
            ]
            for key in self.checks
        }
        self.names = {spec.key: built[key]["name"] for key, spec in self.specs.items()}
        self.keys = {name: key for key, name in self.names.items()}
        self.schemas = {node["name"]: node["schema"] for node in built.values()}
        self.views = {n["name"] for n in built.values() if n["config"]["materialized"] == "view"}
        self.files = {node["name"]: node["original_file_path"] for node in built.values()}
        self.descriptions = {
            node["name"]: {column["name"]: column["description"] for column in node["columns"].values()}
            for node in built.values()
        }
        # Over all nodes: what is read through an ephemeral model comes first too.
        read = {key: node["depends_on"].get("nodes", []) for key, node in manifest["nodes"].items()}
        order = graphlib.TopologicalSorter(read).static_order()
        self.order = [built[key]["name"] for key in order if key in built]
        #: parsed model -> (vendor, stream); staging model -> the parsed models it merges
        self.parsed = {n["name"]: self._stream(n) for n in built.values() if n["schema"] == "parse"}
        self.staging = {
            node["name"]: self.parsed[parent]
            for node in built.values()
            if node["schema"] == "staging"
            for parent in (built[p]["name"] for p in node["depends_on"]["nodes"] if p in built)
            if parent in self.parsed and node["name"] == parent.replace("new_", "stg_", 1)
        }

    @property
    def marts(self) -> list[str]:
        """Names of the marts, which are what gets published; views over them are no marts."""
        return sorted({name for name, schema in self.schemas.items() if schema == "marts"} - self.views)

    @property
    def restricted(self) -> list[str]:
        """Names of the marts that hold names or free text: published apart, if at all."""
        return sorted(name for name, schema in self.schemas.items() if schema == "restricted")

    def in_schemas(self, *schemas: str) -> list[dg.AssetSpec]:
        """The specs of these schemas."""
        return [spec for key, spec in self.specs.items() if self.manifest["nodes"][key]["schema"] in schemas]

    def checks_of(self, specs: Sequence[dg.AssetSpec]) -> list[dg.AssetCheckSpec]:
        """Dbt's tests on these assets."""
        keys = {spec.key for spec in specs}
        return [check for check in self.checks.values() if check.asset_key in keys]

    def _spec(self, key: str) -> dg.AssetSpec:
        """An asset with the key, kinds and metadata that dagster-dbt would give it (docs/adr/0002)."""
        node = self.manifest["nodes"][key]
        code = node["raw_code"].encode()
        return dg.AssetSpec(
            _key(node),
            deps=self._read_by(node),
            description=node["description"],
            metadata={
                "dagster-dbt/materialization_type": node["config"]["materialized"],
                "dagster/storage_kind": "duckdb",
                "dagster/table_name": f"{node['schema']}.{node['name']}",
                **_column_schema(node),
            },
            skippable=True,
            group_name=_group(node),
            code_version=hashlib.sha1(code, usedforsecurity=False).hexdigest()
            if code
            else node["checksum"]["checksum"],
            owners=_owners(node),
            tags=_tags(node),
            kinds={"dbt", "duckdb"},
        )

    def _read_by(self, node: Mapping[str, Any]) -> list[dg.AssetKey]:
        """The assets that a node reads, through nodes that are spliced in too; the book-keeping is none."""
        read: dict[dg.AssetKey, None] = {}
        for key in node["depends_on"].get("nodes", []):
            if source := self.manifest["sources"].get(key):
                name = source["source_name"]
                read |= {} if name == CONTROL else {dg.AssetKey([name, source["name"]]): None}
            elif is_built(parent := self.manifest["nodes"][key]):
                read[_key(parent)] = None
            else:
                read |= dict.fromkeys(self._read_by(parent))
        return [*read]

    def _check(self, key: str) -> tuple[str, dg.AssetCheckSpec] | None:
        """A test as a check on the node it is attached to, else on the last node it reads."""
        node = self.manifest["nodes"][key]
        if node["resource_type"] != "test" or JUDGED_AT_GATE_3 in node["config"]["tags"]:
            return None
        parents = [parent for parent in node["depends_on"]["nodes"] if parent in self.specs]
        attached = node.get("attached_node") if node.get("attached_node") in self.specs else None
        target = attached or (parents[-1] if parents else None)
        if target is None:
            return None
        return key, dg.AssetCheckSpec(
            node["name"],
            asset=self.specs[target].key,
            description=node.get("description") or None,
            blocking=str(node["config"]["severity"]).lower() == "error",
        )

    def _stream(self, node: Mapping[str, Any]) -> tuple[str, str]:
        for parent in node["depends_on"]["nodes"]:
            source = self.manifest["sources"].get(parent)
            if source and source["source_name"].startswith("raw_"):
                return source["source_name"].removeprefix("raw_"), source["name"]
        raise DbtError(f"model {node['name']} reads no stream of the landing")


def _key(node: Mapping[str, Any]) -> dg.AssetKey:
    return dg.AssetKey([node["schema"], node["name"]])


def _column_schema(node: Mapping[str, Any]) -> dict[str, dg.TableSchema]:
    columns = [
        dg.TableColumn(column["name"], column.get("data_type") or "?", column["description"])
        for column in node["columns"].values()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns)} if columns else {}


def _group(node: Mapping[str, Any]) -> str | None:
    """Groups follow the way through the house: that of a folder, else of a schema."""
    folder = node["fqn"][1]
    return folder if folder in OWN_GROUPS else GROUPS.get(node["schema"])


def _tags(node: Mapping[str, Any]) -> dict[str, str]:
    """Whose records it holds, where it knows a vendor, and who may read it, where not everybody may."""
    schema, (_, folder, *inner) = node["schema"], node["fqn"]
    tags = {VENDOR_TAG: inner[0]} if folder == "vendors" and len(inner) > 1 else {}
    return tags | ({SENSITIVITY_TAG: schema} if schema == RESTRICTED else {})


def _owners(node: Mapping[str, Any]) -> list[str]:
    """Who answers for it, by its card: an address or a team. dbt's groups have an owner for dbt alone."""
    owner = node["config"].get("meta", {}).get("owner", "")
    return [owner] if is_owner(owner) else []
