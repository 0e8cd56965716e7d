"""As much of HTTP as an engine speaks, however it comes in."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.host.engine.http import HalfAnswer, Head, Reader, part, request, target, unframed

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def reader(data: bytes, *cuts: int) -> Reader:
    """A reader that receives the data in pieces, and then an end."""
    places = sorted({0, *(each % (len(data) + 1) for each in cuts), len(data)})
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    left = list(pieces)

    def receive(size: int) -> bytes:
        if not left:
            return b""
        piece, left[:1] = left[0][:size], [left[0][size:]] if left[0][size:] else []
        return piece

    return Reader(receive)


def read(data: bytes, *cuts: int, method: str = "GET") -> tuple[int, bytes, bool]:
    found = reader(data, *cuts)
    head = found.head()
    return head.status, found.body(head, method), found.ahead


ANSWERS = {
    "with a length": (OK + b"Content-Length: 5\r\n\r\nhello", (200, b"hello")),
    "in chunks": (CHUNKED + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n", (200, b"hello!")),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", (304, b"")),
    "an error": (b"HTTP/1.1 500 X\r\ncontent-length:  2\r\n\r\n{}", (500, b"{}")),
}


@given(st.data())
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_whatever_the_pieces_in_which_it_comes(name: str, data: Any) -> None:
    answer, wanted = ANSWERS[name]
    cuts = data.draw(st.lists(st.integers(0, len(answer))))
    assert read(answer, *cuts) == (*wanted, False)


@given(st.data())
@pytest.mark.parametrize("name", ["with a length", "in chunks", "an error"])
def test_half_an_answer_is_told_from_a_whole_one_wherever_it_ends(name: str, data: Any) -> None:
    answer, _ = ANSWERS[name]
    end = data.draw(st.integers(0, len(answer) - 1))
    with pytest.raises(HalfAnswer):
        read(answer[:end], *data.draw(st.lists(st.integers(0, len(answer)))))


def test_an_answer_without_a_length_goes_on_until_the_other_side_hangs_up() -> None:
    assert read(OK + b"\r\nhello", 20, 22) == (200, b"hello", False)


def test_the_head_of_a_body_that_nobody_sends_is_all_there_is() -> None:
    assert read(OK + b"Content-Length: 5\r\n\r\n", method="HEAD") == (200, b"", False)


def test_one_answer_after_the_other_is_read_from_what_came_at_once() -> None:
    both = reader(ANSWERS["in chunks"][0] + ANSWERS["with a length"][0])
    assert both.body(both.head()) == b"hello!"
    assert both.ahead
    assert both.body(both.head()) == b"hello"
    assert not both.ahead


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        CHUNKED + b"many\r\n",
        b"x" * (1 << 17),
    ],
)
def test_what_is_no_http_is_named(answer: bytes) -> None:
    with pytest.raises(HalfAnswer, match="it "):
        read(answer)


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (OK + b"\r\n", False),
        (OK + b"Connection: close\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
    ],
)
def test_who_hangs_up_after_an_answer_says_so(answer: bytes, closes: bool) -> None:
    assert reader(answer).head() == Head(200, None, chunked=False, closes=closes)


def test_a_request_is_written_with_its_body_as_json() -> None:
    assert request("GET", "/x").endswith(b"GET /x HTTP/1.1\r\nHost: docker\r\nUser-Agent: reconciler\r\n\r\n"[-28:])
    assert b"Content-Length: 0\r\n\r\n" in request("POST", "/x")
    head, _, body = request("POST", "/x", body={"ü": 1}).partition(b"\r\n\r\n")
    assert json.loads(body) == {"ü": 1}
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_query_has_what_is_said_and_nothing_else() -> None:
    assert target("/x", {"a": None}) == target("/x") == "/x"
    said = {"all": True, "force": False, "t": 3, "filters": {"label": ["a=b"]}}
    assert target("/x", said) == "/x?all=1&force=0&t=3&filters=%7B%22label%22%3A+%5B%22a%3Db%22%5D%7D"


def test_a_name_cannot_leave_its_place_in_a_path() -> None:
    assert part("a?b#c d%2e") == "a%3Fb%23c%20d%252e"
    assert part("registry:5000/x/y:1@sha256:0") == "registry:5000/x/y:1@sha256:0"


def test_standard_output_and_error_are_joined_in_the_order_in_which_they_came() -> None:
    assert unframed(b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x02de\x01\0\0") == b"abcde"
