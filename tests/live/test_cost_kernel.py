"""What a run asks of the kernel: so many requests for what is there, in packets that do not grow with it."""

from __future__ import annotations

import logging
import re
from collections import Counter

import pytest
from bench.test_counts import observed

from live.lab import Lab

pytestmark = pytest.mark.live

SPACES = 4
FEW, MANY = 12, 48
ASKED = 1
"""Whether the kernel has veth pairs at all is asked by a request to make one that cannot be."""
NODES = f"namespaces: {{{', '.join(f'n{number}: ' for number in range(SPACES))}}}\n"
_TOLD = re.compile(r"(\w+) x(\d+)")


def ring(pairs: int, *, mtu: int = 1500) -> str:
    """So many addressed pairs over the namespaces."""
    lines = (
        f"  - {{mtu: {mtu if number == 0 else 1500}, endpoints: [n{number % SPACES}:l{number} 10.61.{number}.1/24,"
        f" n{(number + 1) % SPACES}:r{number} 10.61.{number}.2/24]}}\n"
        for number in range(pairs)
    )
    return f"{NODES}veths:\n{''.join(lines)}"


class Sent:
    """What went to the kernel, by what the log tells of it: the packets, and the requests of each sort in them."""

    def __init__(self, log: pytest.LogCaptureFixture, name: str) -> None:
        logged = (each.getMessage() for each in log.records if each.name.startswith("reconciler.host.netlink"))
        told = [(where, what) for where, _, what in (each.partition(": ") for each in logged)]
        ours = [what for where, what in told if f" {name}-" in where or "_GET" not in what]
        self.packets = len(ours)
        self.requests = Counter[str]()
        for each in ours:
            self.requests.update({sort: int(number) for sort, number in _TOLD.findall(each)})


def sent(lab: Lab, log: pytest.LogCaptureFixture, text: str) -> Sent:
    """Apply, and tell what that took; what of it is asked in namespaces of others is not counted."""
    log.clear()
    with log.at_level(logging.DEBUG, "reconciler.host.netlink"):
        assert lab.attempt(text).converged
    return Sent(log, lab.name)


@pytest.mark.parametrize("pairs", [FEW, MANY])
def test_what_is_made_takes_its_requests_in_a_few_packets_a_namespace(
    lab: Lab, caplog: pytest.LogCaptureFixture, pairs: int
) -> None:
    made = sent(lab, caplog, ring(pairs))
    asked = {sort: number for sort, number in made.requests.items() if "_GET" in sort}
    again = {"RTM_GETLINK": SPACES, "RTM_GETADDR": SPACES, "RTM_GETROUTE": 2 * SPACES}
    assert asked == again | {"RTM_GETLINK": 2 * SPACES}, (
        "the look again, and whether each node is the one that was seen"
    )
    changes = {sort: number for sort, number in made.requests.items() if "_GET" not in sort}
    assert changes == {"RTM_NEWLINK": SPACES + 4 * pairs + ASKED, "RTM_NEWADDR": 2 * pairs}
    assert made.packets <= 8 * SPACES


@pytest.mark.parametrize("pairs", [FEW, MANY])
def test_a_look_is_four_questions_a_namespace_with_addresses_of_one_family(
    lab: Lab, caplog: pytest.LogCaptureFixture, pairs: int
) -> None:
    lab.apply(ring(pairs))
    looked = sent(lab, caplog, ring(pairs))
    assert looked.requests == {"RTM_GETLINK": SPACES, "RTM_GETADDR": SPACES, "RTM_GETROUTE": 2 * SPACES}
    assert looked.packets == 4 * SPACES


@pytest.mark.parametrize("pairs", [FEW, MANY])
def test_a_change_takes_what_it_takes_however_much_there_is(
    lab: Lab, caplog: pytest.LogCaptureFixture, pairs: int
) -> None:
    lab.apply(ring(pairs))
    changed = sent(lab, caplog, ring(pairs, mtu=1400))
    assert {sort: number for sort, number in changed.requests.items() if "_GET" not in sort} == {
        "RTM_NEWLINK": 2,
        "RTM_NEWADDR": 2,
    }
    assert changed.packets <= 8 * SPACES + 6


@pytest.mark.parametrize("pairs", [FEW, MANY])
def test_what_goes_from_namespaces_that_stay_goes_as_a_group(
    lab: Lab, caplog: pytest.LogCaptureFixture, pairs: int
) -> None:
    lab.apply(ring(pairs))
    gone = sent(lab, caplog, NODES)
    assert gone.requests["RTM_DELLINK"] <= SPACES, "one for each namespace, and not for each pair"
    assert gone.packets <= 9 * SPACES


def test_what_is_in_a_namespace_that_goes_is_not_even_named(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.apply(ring(MANY))
    gone = sent(lab, caplog, "bridges: {}")
    assert [sort for sort in gone.requests if "_GET" not in sort] == []


def test_a_run_starts_as_many_threads_for_many_as_for_few_and_no_process(lab: Lab) -> None:
    threads = []
    for pairs in (FEW, MANY):
        lab.apply(ring(pairs))
        told = observed("apply", str(lab.folder / "topology.yaml"))
        assert not told["code"]
        assert told["forks"] == []
        threads.append(len(told["threads"]))
    assert max(threads) <= 30, threads  # a pool starts one more only where none is idle just then
