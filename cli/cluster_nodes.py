"""What `doctor --executor ray` tells of each node of a Ray cluster."""

from __future__ import annotations

from ..executor.ray_cluster import Cluster, Node
from ..sandbox.host import describe_missing
from .host_check import HostCheck


def examine_nodes(address: str, needs_token: bool) -> list[HostCheck]:
    """Look at every node on which a worker could be, and try to break out of a sandbox there.

    Raises UsageError where there is no cluster, or no way in.
    """
    cluster = Cluster(address, needs_token, lambda text: None, tries_to_break_out=True)
    try:
        nodes = cluster.nodes()
    finally:
        cluster.close()
    places = sum(node.cpus for node in nodes if not node.fault)
    usable = sum(not node.fault for node in nodes)
    summary = f"{usable} of {len(nodes)} nodes may be used, with {places} CPUs for as many workers"
    whole = HostCheck("cluster", "ok" if usable == len(nodes) > 0 else "failed", summary)
    return [whole, *map(_of_node, nodes)]


def _of_node(node: Node) -> HostCheck:
    name = f"node {node.name}"
    cpus = f"{node.cpus} CPUs" if node.cpus > 1 else "1 CPU"
    if node.fault:
        return HostCheck(name, "failed", f"{cpus}; it {node.fault}. {node.remedy}")
    assert node.found is not None
    isolation = node.isolation
    versions = ", ".join(f"{name} {found}" for name, found in node.found["versions"].items())
    detail = f"{cpus}; isolation {isolation.level}; {versions}"
    if node.found["possible"]:
        return HostCheck(
            name,
            "failed" if isolation.level == "full" else "limited",
            f"{detail}; of the forbidden things these are possible: "
            f"{', '.join(node.found['possible'])}",
        )
    if isolation.missing:
        return HostCheck(
            name, "limited", f"{detail}; task code could {describe_missing(isolation)}"
        )
    if node.found["keys"]:
        keys = ", ".join(node.found["keys"])
        return HostCheck(
            name, "limited", f"{detail}; Ray was started there with {keys}, which no job needs"
        )
    return HostCheck(name, "ok", f"{detail}; all forbidden things refused")
