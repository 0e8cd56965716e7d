"""What was observed can be made again: all of it, where it was, with its mark. Going back lives by that."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from live.lab import IMAGE, Lab, run
from reconciler import reconcile
from reconciler.kinds import kinds
from reconciler.model import Topology
from reconciler.reconcile import Options

pytestmark = pytest.mark.live

KERNEL = """
namespaces:
  red: {routes: [{to: 10.90.0.0/16, via: 10.91.0.2}], sysctls: {net.ipv4.ip_forward: 1}}
  blue: {routes: [{to: default, via: [10.91.0.1, 10.92.0.1]}]}
bridges:
  inner: {namespace: blue, addresses: [10.95.0.1/24]}
  outer: {addresses: [10.96.0.1/24], stp: true, forward_delay: 4s}
veths:
  - [red:aa0 10.91.0.1/24, blue:bb0 10.91.0.2/24]
  - [red:aa1 10.92.0.1/24, blue:bb1 10.92.0.2/24]
  - [red:cc0 10.96.0.2/24, outer]
  - [red:dd0, inner]
host: {routes: [{to: 10.97.0.0/16, via: 10.96.0.2}]}
"""
ENGINE = f"""
defaults: {{containers: {{image: "{IMAGE}", init: true, command: [sleep, "1000"]}}}}
networks: {{lan: {{ipam: {{config: [{{subnet: 10.233.0.0/24}}]}}}}, wan: {{labels: {{a: b}}}}}}
volumes: {{data: }}
containers:
  web:
    networks: {{lan: {{ipv4_address: 10.233.0.9, aliases: [www]}}, wan: }}
    environment: {{A: b}}
    ports: ["127.0.0.1:8497:80"]
    volumes: ["data:/data"]
    mem_limit: 64m
  db: {{networks: [lan], links: ["web:front"]}}
  side: {{network_mode: "service:web"}}
  leaf: {{network_mode: none, routes: [{{to: default, via: 10.98.0.1}}]}}
  frozen: {{network_mode: none, state: paused}}
  idle: {{network_mode: bridge, state: created}}
namespaces: {{red: }}
veths:
  - [leaf:up 10.98.0.2/30, red:down 10.98.0.1/30]
  - endpoints: [leaf:port 10.233.0.77/24, {{network: lan}}]
"""


def interfaces() -> list[str]:
    """The names of the host's."""
    return sorted(line.split()[0].partition("@")[0] for line in run("ip", "-br", "link").splitlines())


def made_again(lab: Lab, text: str) -> None:
    """Apply, take everything away but the volumes, and make again what was observed in between."""
    lab.apply(text)
    ours = {each.key: each for each in lab.observed(text) if each.owned}
    assert lab.destroy(volumes=False).converged
    former = Topology(lab.name, MappingProxyType(ours))
    report = reconcile.apply(former, lab.host, kinds=kinds(), options=Options())
    assert report.converged, [*(f"{each.step.key}: {each.error}" for each in report.failed), *report.remaining]
    assert lab.tells(text) == {}


def test_what_is_of_the_kernel_is_made_again_where_it_was(lab: Lab) -> None:
    made_again(lab, KERNEL)


def test_what_is_of_the_engine_is_made_again_with_its_mark(lab: Lab, image: Any) -> None:
    made_again(lab, ENGINE)


def test_a_failure_brings_everything_back_to_where_it_was(lab: Lab) -> None:
    lab.apply(KERNEL)
    before = interfaces()
    report = lab.attempt("namespaces: {green: {exec: ['exit 3']}}", revert=True)
    assert [str(each.step.key.key) for each in report.failed] == ["exec/green"]
    assert report.reverted is not None
    assert report.reverted.converged
    assert lab.tells(KERNEL) == {}
    assert interfaces() == before
