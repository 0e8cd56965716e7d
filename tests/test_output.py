"""What is printed: nothing that a file or a host says commands the terminal, or makes a line of its own."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import pty
import struct
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from reconciler.cli.logs import _Words, log_calls, say_warnings
from reconciler.cli.output import Log, complain, harmless, note, say, say_json, settings, style
from reconciler.errors import FileInvalid, NotPermitted, Position, Problem, ReconcilerError, StepFailed, visible
from reconciler.render.style import Style
from reconciler.secret import Secret

EVIL = "a\x1b[2J\x1b]0;t\x07b\r\nc\x9b31m\u202ed\x7f\udcff\u2028e\x85f\u200bg"
TAMED = r"a\x1b[2J\x1b]0;t\x07b\r\nc\x9b31m\u202ed\x7f\udcff\u2028e\x85f\u200bg"


def test_a_text_is_made_visible_on_one_line() -> None:
    assert visible(EVIL) == TAMED
    assert visible("é 漢字 → ± …") == "é 漢字 → ± …"


def test_a_problem_is_one_line_whatever_names_are_in_it() -> None:
    problem = Problem(Position(EVIL, 1, 1), EVIL, EVIL, EVIL)
    assert str(problem) == f"{TAMED}:1:1: {TAMED}: {TAMED} ({TAMED})"
    assert str(FileInvalid([problem])) == str(problem)


def test_results_and_notes_are_tamed(capsys: pytest.CaptureFixture[str]) -> None:
    say([EVIL, "plain"])
    note("one\ntwo\x1b[2J")
    assert tuple(capsys.readouterr()) == (f"{TAMED}\nplain\n", "one\ntwo\\x1b[2J\n")
    assert complain(StepFailed("container/a: \x1b[2J")) == 1
    assert capsys.readouterr().err == "error: container/a: \\x1b[2J\n"


def test_a_warning_of_a_step_is_a_note_without_asking_for_calls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "lastResort", None)
    say_warnings()
    assert logging.lastResort
    logging.lastResort.handle(logging.LogRecord("x", logging.WARNING, "", 0, "a %s", ("b\x1b[2J",), None))
    assert tuple(capsys.readouterr()) == ("", "warning: a b\\x1b[2J\n")


def test_of_our_own_lines_only_the_colours_pass_and_only_where_they_are_wanted() -> None:
    line = Style(colour=True).bad(EVIL)
    assert harmless(line, colour=True) == f"\x1b[31m{TAMED.replace(chr(92) + 'x1b[31m', '')}\x1b[0m"
    assert harmless(line) == rf"\x1b[31m{TAMED}\x1b[0m"


def test_a_log_that_cannot_be_written_is_complained_of_once_and_tried_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log, write, room = Log(), os.write, 7
    full = "standard output cannot be written: No space left on device: going on without, until it can\n"

    def written(fd: int, content: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(fd, content[:room])
        room -= done
        return done

    with tmp_path.joinpath("log").open("w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        monkeypatch.setattr("os.write", written)
        for line in ("one", "two, which is begun", "three, which is lost"):
            log.say([line])
        assert capsys.readouterr().err == full
        room = 100
        log.say([EVIL, "four"])
        assert capsys.readouterr().err == "standard output can be written again: 1 line was left out\n"
        log.say(["five"])
        assert capsys.readouterr().err == ""
        room = 0
        log.say(["six", "seven"])
        assert capsys.readouterr().err == full
        room = 100
        log.say_json({"8": 8})
        assert capsys.readouterr().err == "standard output can be written again: 2 lines were left out\n"
    assert tmp_path.joinpath("log").read_text() == f'one\ntwo, which is begun\n{TAMED}\nfour\nfive\n{{"8": 8}}\n'


@pytest.fixture(params=[os.pipe, os.openpty], ids=["pipe", "terminal"])
def stalled(request: pytest.FixtureRequest) -> Iterator[tuple[TextIO, int]]:
    """A stream of which nobody reads, and the other end of it."""
    reader, writer = request.param()
    if request.param is os.openpty:
        tty.setraw(writer)
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb", buffering=0):
        yield stream, reader


@pytest.mark.parametrize("is_deaf", [False, True])
def test_a_log_that_nobody_reads_is_not_waited_for_and_has_whole_lines_when_it_is_read_again(
    stalled: tuple[TextIO, int], is_deaf: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", stalled[0])
    monkeypatch.setattr("reconciler.cli.output._MOMENT", 0.05)
    log, reader, line, number = Log(), stalled[1], "x" * 9_999, 200
    errors, full = os.pipe()
    monkeypatch.setattr("reconciler.cli.output._STDERR", full)
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while is_deaf:
            os.write(full, b"x" * 4096)
    for each in range(number):
        log.say([f"{each} {line}"])
    complaint = "standard output cannot be written: whoever reads it stalls: going on without, until it can\n"
    assert capsys.readouterr().err == ("" if is_deaf else complaint)
    os.set_blocking(reader, False)
    read = _read(reader)
    log.say(["last"])
    read += _read(reader)
    *lines, last = read.splitlines()
    assert last == "last"
    assert lines == [f"{each} {line}" for each in range(len(lines))]
    made_up = f"standard output can be written again: {number - len(lines)} lines were left out\n"
    assert capsys.readouterr().err == ("" if is_deaf else made_up)
    os.close(errors)
    os.close(full)


def _read(fd: int) -> str:
    found = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            found += os.read(fd, 1 << 16)
    return found.decode()


def test_a_terminal_that_was_hung_up_is_nobody_who_reads_but_a_device_that_fails_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = os.openpty()
    os.close(ours)
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        say(["nobody"])
        say(["reads this"])
    with Path("/dev/full").open("w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with pytest.raises(ReconcilerError, match="No space left"):
            say(["nor this"])


def test_no_text_of_others_conceals_what_follows_it() -> None:
    assert harmless("\x1b[8m\x1b[30mx\x1b[7m", colour=True) == r"\x1b[8m\x1b[30mx\x1b[7m"


def test_json_stays_json_and_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({EVIL: [EVIL, "é"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {EVIL: [EVIL, "é"]}
    assert all(line.isprintable() for line in out.splitlines())
    assert len(out.splitlines()) == 6
    assert "é" in out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "iso-8859-2", "utf-8"])
def test_json_is_json_in_whatever_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    value, path = {"é": ["漢字 😀", "\udce9"]}, tmp_path / "out"
    for print_it in (say_json, Log().say_json):
        with path.open("w", encoding=encoding, errors="backslashreplace") as stream:
            monkeypatch.setattr("sys.stdout", stream)
            print_it(value)
        text = path.read_text(encoding=encoding)
        assert json.loads(text) == value
        assert ("é" in text) is (encoding == "utf-8")


@pytest.mark.parametrize(("columns", "asked", "width"), [(40, "", 40), (40, "60", 60), (0, "0", 80), (None, "", 0)])
def test_a_line_is_as_wide_as_the_terminal_that_it_is_for(
    columns: int | None, asked: str, width: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", asked)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns or 0, 0, 0))
    path = os.devnull if columns is None else os.ttyname(theirs)
    with open(path, "w") as stream, tmp_path.joinpath("out").open("w") as out:  # noqa: PTH123 - a terminal
        monkeypatch.setattr("sys.stdout", out)
        assert style(stream).width == width
    for each in (ours, theirs):
        os.close(each)


def test_a_call_is_logged_on_one_line() -> None:
    record = logging.LogRecord("reconciler.x", logging.DEBUG, "", 0, "%s", (EVIL,), None)
    assert _Words().format(record).endswith(f" ms  {TAMED}")


def test_calls_are_logged_once_however_often_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    loggers = [logging.getLogger(name) for name in ("reconciler", "urllib3.connectionpool")]
    for each in loggers:
        monkeypatch.setattr(each, "handlers", [])
        monkeypatch.setattr(each, "level", each.level)
    log_calls.cache_clear()
    log_calls()
    log_calls()
    assert [len(each.handlers) for each in loggers] == [1, 1]
    log_calls.cache_clear()


def test_no_result_has_a_secret_in_it_unless_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Secret("hunter22pw")
    say(["at /hunter22pw/x"])
    assert capsys.readouterr().out == "at /(secret)/x\n"
    monkeypatch.setattr(settings, "secrets", True)
    say(["at /hunter22pw/x"])
    assert capsys.readouterr().out == "at /hunter22pw/x\n"


def test_the_command_to_type_again_is_told_as_it_was_typed_though_a_password_stands_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Secret("example")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["/x/reconciler", "apply", "example-shop/t.yaml"])
    assert complain(NotPermitted("example: no")) == 4
    told = capsys.readouterr().err
    assert told.startswith("error: (secret): no: `sudo ")
    assert told.endswith("/x/reconciler apply example-shop/t.yaml`\n")


@pytest.mark.parametrize("file", ["-", "/dev/null"])
def test_the_command_to_type_again_leads_to_the_same_engine_and_takes_the_same_input(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for each in ("HOST", "CONTEXT", "CONFIG", "TLS", "TLS_VERIFY", "CERT_PATH"):
        monkeypatch.delenv(f"DOCKER_{each}", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["/x/reconciler", "apply", file])
    monkeypatch.setattr(settings, "file", file)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    for content, said in (("{}", ""), ('{"currentContext": "c"}', f"DOCKER_CONFIG={config.parent} "), ("{", "")):
        config.write_text(content)
        complain(NotPermitted("no"))
        assert capsys.readouterr().err == f"error: no: `sudo {said}/x/reconciler apply -`, with the same input\n"


def test_the_arguments_of_a_build_are_in_no_log_of_calls() -> None:
    Secret("of a label")
    query = "t=a%3A1&buildargs=%7B%22A%22%3A+%22correct+horse%22%7D&labels=%7B%22p%22%3A+%22of+a+label%22%7D"
    args = ("http", "localhost", 80, "POST", f"/v1.41/build?{query}", "HTTP/1.1", 200, 1)
    record = logging.LogRecord("urllib3.connectionpool", logging.DEBUG, "", 0, "%s" * 8, args, None)
    said = 'engine POST /build?t=a:1&buildargs=(secret)&labels={"p": "(secret)"}: 200'
    assert _Words().format(record).endswith(said)
