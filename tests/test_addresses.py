"""Addresses with their prefix lengths: the quick way to read one yields what the library reads."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.addresses import interface

_ODD = (
    "10.0.0.1",
    "10.0.0.1/",
    "10.0.0.1/33",
    "10.0.0.1/-1",
    "10.0.0.1/024",
    "10.0.0.1/٢",
    "10.0.0.1/255.255.255.0",
    "10.0.0.1/0.0.0.255",
    "10.0.0.1/24/24",
    "10.0.0.01/24",
    "10.0.0/24",
    "10.0.0.1 /24",
    "10.0.0.1\0/24",
    "0xa.0.0.1/24",
    "fd00::1/64",
    "::ffff:10.0.0.1/96",
    "",
    "/24",
)


@pytest.mark.parametrize("text", _ODD)
def test_an_odd_one_is_read_as_the_library_reads_it(text: str) -> None:
    assert _read(interface, text) == _read(ipaddress.ip_interface, text)


def _read(read: Callable[[str], object], text: str) -> object:
    try:
        return read(text)
    except ValueError as error:
        return str(error)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_one_of_ipv4_is_read_as_the_library_reads_it(address: ipaddress.IPv4Address, length: int) -> None:
    text = f"{address}/{length}"
    found, expected = interface(text), ipaddress.ip_interface(text)
    assert (found, str(found), found.network) == (expected, str(expected), expected.network)
