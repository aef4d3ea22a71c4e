"""Who reads what is published: dbt's exposures as the last assets of the graph. Nothing here makes them."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.graph import ModelGraph
from orchestration.assets.publish import KEY

GROUP = "consumers"


def consumers(graph: ModelGraph) -> Iterator[dg.AssetSpec]:
    """One asset per exposure, behind the publication and the marts that it reads."""
    for exposure in graph.manifest["exposures"].values():
        read = [graph.specs[parent].key for parent in exposure["depends_on"]["nodes"]]
        yield dg.AssetSpec(
            [GROUP, exposure["name"]],
            deps=[KEY, *read],
            group_name=GROUP,
            description=f"{exposure['label']}. {exposure['description']}",
            kinds={exposure["type"]},
            metadata={"page": dg.MetadataValue.url(exposure["url"])} if exposure["url"] else {},
        )
