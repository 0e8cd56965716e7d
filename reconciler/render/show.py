"""What is live, as lines: each resource with what the host tells of it, each node with its interfaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import Resource, ResourceKey
from reconciler.render.style import PLAIN, Style
from reconciler.render.table import Row, blocks
from reconciler.render.values import text

_INDENT = "  "
_LINK_LOCAL = "fe80:"
_ROUTE = "route"
_SHORT_ID = 12
_ENDED = ("stopped", "completed")
_DEFAULTS = {"0.0.0.0/0": "default", "::/0": "default (v6)"}
_UNTOLD = frozenset({"id", "index", "place", "pid", "pids", "source"})
"""What is live and of use to a program only; JSON has it."""


@dataclass
class Entry:
    """One resource that stands for itself: facts on its line, rows below it."""

    key: str
    facts: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def show_lines(name: str, resources: Sequence[Resource], *, style: Style = PLAIN) -> list[str]:
    """Render what is live of a topology, in as many columns as the width allows."""
    entries = _entries(resources)
    if not entries:
        return [f"{name}: nothing is live."]
    heads = blocks([(each.key, ", ".join(each.facts)) for each in entries], style.width)
    rows = iter(blocks([row for each in entries for row in each.rows], style.width, indent=_INDENT))
    return [line for each, head in zip(entries, heads, strict=True) for line in _entry_lines(each, head, rows, style)]


def _entry_lines(entry: Entry, head: list[str], rows: Iterator[list[str]], style: Style) -> Iterator[str]:
    yield style.bold(entry.key) + head[0].removeprefix(entry.key)
    yield from head[1:]
    for _ in entry.rows:
        yield from next(rows)


def _entries(resources: Iterable[Resource]) -> list[Entry]:
    """Gather parts and interfaces under the nodes that they belong to."""
    every = sorted(resources, key=lambda each: each.key)
    facts: dict[ResourceKey, list[str]] = defaultdict(list)
    rows: dict[ResourceKey, list[Row]] = defaultdict(list)
    for each in every:
        tell = _TELLS.get(each.key.kind, _anything)
        tell(each, facts[each.part_of or each.key], rows)
    heads = {each.part_of or each.key for each in every if each.key.kind not in _WIRES} | rows.keys()
    return [Entry(str(key), list(filter(None, facts[key])), sorted(rows[key], key=_rank)) for key in sorted(heads)]


def _rank(row: Row) -> tuple[bool, tuple[str, ...]]:
    """Interfaces come before routes."""
    return row[0] == _ROUTE, tuple(row)


def _container(resource: Resource, facts: list[str], rows: dict[ResourceKey, list[Row]]) -> None:
    spec: Any = resource.spec
    facts += [spec.image, spec.name]
    shown = {row[-1] for row in rows[resource.key]}
    for network, address in (resource.live.get("addresses") or {}).items():
        if address and not any(address in each for each in shown):
            rows[resource.key].append(("-", f"↔ {network}", "", "", address))


def _process(resource: Resource, facts: list[str], _: object) -> None:
    live, state = resource.live, str(getattr(resource.spec, "state", ""))
    code = live.get("exit_code")
    ended = f" (exit code {code})" if code is not None and state in _ENDED else ""
    health = f" ({live['health']})" if live.get("health") else ""
    published = live.get("ports") or {}
    facts[:0] = [f"{state}{ended}{health}"]
    facts += [f"{outside} → {inside}" for inside, found in published.items() for outside in found]


def _connect(resource: Resource, _: object, rows: dict[ResourceKey, list[Row]]) -> None:
    live, network = resource.live, resource.key.name.partition("--")[2]
    row = (live.get("interface") or "-", f"↔ {network}", "", live.get("mac") or "", _addresses(live))
    rows[resource.part_of or resource.key].append(row)


def _veth(resource: Resource, _: object, rows: dict[ResourceKey, list[Row]]) -> None:
    endpoints: Mapping[str, Any] = getattr(resource.spec, "endpoints", {})
    live = resource.live.get("ends", {})
    for label, end in endpoints.items():
        others = [_end(each) for other, each in endpoints.items() if other != label]
        told = live.get(label, {})
        size = f"mtu {end.mtu}" + ("" if end.up else " down")
        row = (end.interface, f"↔ {''.join(others) or 'nothing'}", size, told.get("mac") or "", _addresses(told))
        rows[ResourceKey.of(end.master) if end.master else end.node].append(row)


def _end(end: Any) -> str:
    node = ResourceKey.of(end.master).name if end.master else end.node.name
    return f"{node}:{end.interface}"


def _bridge(resource: Resource, facts: list[str], _: object) -> None:
    spec: Any = resource.spec
    facts += [spec.name, *spec.addresses, f"mtu {spec.mtu}", "stp" if spec.stp else "", "" if spec.up else "down"]
    facts += [f"in {spec.node}"] if spec.node.kind != "host" else []
    facts += [f"mac {resource.live['mac']}"] if resource.live.get("mac") else []


def _namespace(resource: Resource, facts: list[str], _: object) -> None:
    spec: Any = resource.spec
    facts += [spec.name, *(f"{name}={value}" for name, value in spec.sysctls.items())]


def _route(resource: Resource, _: object, rows: dict[ResourceKey, list[Row]]) -> None:
    spec: Any = resource.spec
    via = f"via {', '.join(filter(None, spec.via))}" if any(spec.via) else ""
    where = (_ROUTE, _DEFAULTS.get(spec.to, spec.to), f"dev {spec.dev}" if spec.dev else "", "", via)
    rows[resource.part_of or resource.key].append(where)


def _image(resource: Resource, facts: list[str], _: object) -> None:
    identity = str(resource.live.get("id") or "").removeprefix("sha256:")[:_SHORT_ID]
    tags = [each for each in resource.live.get("tags") or () if each not in (resource.live.get("own") or {})]
    facts += [identity, *tags]


def _volume(resource: Resource, facts: list[str], _: object) -> None:
    spec: Any = resource.spec
    facts += [spec.name, spec.driver, str(resource.live.get("mountpoint") or "")]


def _network(resource: Resource, facts: list[str], _: object) -> None:
    spec: Any = resource.spec
    bridge = resource.live.get("bridge")
    facts += [spec.name, *map(str, resource.live.get("subnets", ())), f"bridge {bridge}" if bridge else spec.driver]


def _anything(resource: Resource, facts: list[str], _: object) -> None:
    facts.append(getattr(resource.spec, "name", ""))
    facts += [f"{name} {text(value)}" for name, value in resource.live.items() if name not in _UNTOLD and value]


def _addresses(live: Mapping[str, Any]) -> str:
    """The addresses that somebody gave; the link-local ones are in JSON."""
    return _joined(each for each in live.get("addresses") or () if not str(each).lower().startswith(_LINK_LOCAL))


def _joined(found: Any) -> str:
    return ", ".join(map(str, found or ()))


Tell = Callable[[Resource, list[str], dict[ResourceKey, list[Row]]], None]
_WIRES = frozenset({"veth", "route", "connect", "exec"})
_TELLS: dict[str, Tell] = {
    "bridge": _bridge,
    "connect": _connect,
    "container": _container,
    "exec": lambda *_: None,
    "image": _image,
    "namespace": _namespace,
    "network": _network,
    "process": _process,
    "route": _route,
    "veth": _veth,
    "volume": _volume,
}
