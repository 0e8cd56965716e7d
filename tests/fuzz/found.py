"""What the fuzzer has found once, made short, and what is told of it now."""

from __future__ import annotations

from collections.abc import Mapping

_OPEN = "did not find expected ',' or '}' (is a bracket left open, or does a ${…} within brackets need quotes?)"
FOUND: Mapping[bytes, str] = {
    b"name: x\r\r\r\r\rx: {a": f"t.yaml:7:1: while parsing a flow mapping, {_OPEN}",
    b"name: x\nx: {a: b, c\r\r: d\r:": f"t.yaml:4:1: while parsing a flow mapping, {_OPEN}",
    "name: x\n\x85\x85\u2028\tx".encode(): (
        "t.yaml:5:1: while scanning a plain scalar, found a tab character that violates indentation "
        "(indent with blanks, not with tabs)"
    ),
}
"""An input each, with the line that is told of it."""
