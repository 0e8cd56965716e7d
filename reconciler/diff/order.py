"""Resources in the order of their needs; pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import (
    Resource,
    ResourceKey,
)


def in_order_of_needs(resources: Mapping[ResourceKey, Resource]) -> list[ResourceKey]:
    """Return the keys so that each stands behind those it needs; what lies on a cycle comes in order of its key."""
    done: dict[ResourceKey, None] = {}
    for start in sorted(resources):
        if all(need.key in done or need.key not in resources for need in resources[start].needs):
            done[start] = None  # as with nearly all: no way down to be remembered
            continue
        stack = [(start, iter(_needed(resources, start)))]
        seen = {start}
        while stack and start not in done:
            below = next((each for each in stack[-1][1] if each not in done and each not in seen), None)
            if below is None:
                done[stack.pop()[0]] = None
            else:
                seen.add(below)
                stack.append((below, iter(_needed(resources, below))))
    return list(done)


def _needed(resources: Mapping[ResourceKey, Resource], key: ResourceKey) -> list[ResourceKey]:
    return sorted(need.key for need in resources[key].needs if need.key in resources)
