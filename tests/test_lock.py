"""The lock is the kernel's: it needs no privilege, so these tests run anywhere."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reconciler.errors import Locked
from reconciler.host import lock
from reconciler.host.lock import Holder, locked

HOLD = """import sys
from reconciler.host.lock import locked
with locked({!r}, timeout=0):
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex}"


@contextmanager
def held_by_another(name: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOLD.format(name)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_a_lock_that_is_free_is_taken_and_given_back(name: str) -> None:
    for _ in range(3):
        with locked(name, timeout=0), pytest.raises(Locked), locked(name, timeout=0):
            pass


def test_two_topologies_do_not_wait_for_each_other(name: str) -> None:
    with locked(name, timeout=0), locked(name + "x", timeout=0):
        for each in (name, name + "x"):
            with pytest.raises(Locked), locked(each, timeout=0):
                pass


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_a_holder_who_may_not_hold_it_is_named(name: str) -> None:
    # As another user the package may be out of reach: the socket alone is what counts.
    script = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(chr(0)+sys.argv[1]); s.listen(); print(flush=True); sys.stdin.read()"
    argv = ["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/env", "python3", "-c", script]
    with subprocess.Popen([*argv, lock._address(name)[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(Locked) as caught, locked(name, timeout=0):
            pass
        process.kill()
    assert f"{name}: locked by pid {process.pid} (" in str(caught.value)
    assert ", of uid 65534, who is neither root nor you: try again later" in str(caught.value)


def test_who_does_not_want_to_wait_is_told_who_holds_it(name: str) -> None:
    with held_by_another(name) as process, pytest.raises(Locked) as caught, locked(name, timeout=0):
        pass
    assert f"{name}: locked by pid {process.pid} ({sys.executable} -c import sys" in str(caught.value)
    assert ", since 20" in str(caught.value)
    assert caught.value.exit_code == 5


def test_a_waiter_says_once_for_whom_it_waits_and_goes_on_when_the_holder_dies(name: str) -> None:
    told: list[Holder] = []
    with held_by_another(name) as process:

        def waiting(holder: Holder) -> None:
            told.append(holder)
            process.kill()

        started = time.monotonic()
        with locked(name, timeout=20, waiting=waiting):
            assert time.monotonic() - started < 10
    assert [each.pid for each in told] == [process.pid]


def test_a_waiter_gives_up_when_its_time_is_over(name: str) -> None:
    with locked(name, timeout=0), pytest.raises(Locked, match=f"pid {os.getpid()} "), locked(name, timeout=0.1):
        pass


def test_a_holder_knows_whether_somebody_waits_until_that_one_has_it_or_gives_up(name: str) -> None:
    with locked(name, timeout=0) as mine:
        assert not mine.is_awaited
        with pytest.raises(Locked), locked(name, timeout=0.01):
            pass
        assert not mine.is_awaited
        waits = threading.Event()
        had = threading.Event()

        def wait() -> None:
            with locked(name, timeout=20, waiting=lambda _: waits.set()):
                had.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert waits.wait(20)
        assert mine.is_awaited
        assert mine.is_awaited
        assert not had.is_set()
    waiter.join(20)
    assert had.is_set()
    with locked(name, timeout=0) as mine:
        assert not mine.is_awaited


def test_many_waiters_get_it_one_after_the_other(name: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with locked(name, timeout=20):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1] * 10


def test_a_socket_that_does_not_listen_yet_is_asked_again(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as early:
        early.bind(lock._address(name))
        timer = threading.Timer(0.2, early.close)
        timer.start()
        with locked(name, timeout=20):
            assert not timer.is_alive() or timer.finished.is_set()


def test_a_socket_that_never_listens_is_not_waited_for_for_ever(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as early:
        early.bind(lock._address(name))
        with pytest.raises(Locked, match="a process that cannot be seen"), locked(name, timeout=0.2):
            pass


def test_a_holder_whose_queue_is_full_is_not_waited_for_for_ever(name: str) -> None:
    with contextlib.ExitStack() as stack, socket.socket(socket.AF_UNIX) as holder:
        holder.bind(lock._address(name))
        holder.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                waiter = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiter.settimeout(0)
                waiter.connect(lock._address(name))
        begun = time.monotonic()
        with pytest.raises(Locked, match="a process that cannot be seen"), locked(name, timeout=0.2):
            pass
        assert time.monotonic() - begun < 5


def test_a_long_name_has_a_lock_too() -> None:
    name = "x" * 200
    with locked(name, timeout=0), locked(name + "y", timeout=0), pytest.raises(Locked), locked(name, timeout=0):
        pass


def test_what_else_goes_wrong_is_no_wait(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(lock, "_address", lambda topology: "\0" + "x" * 200)
    with pytest.raises(OSError, match="too long"), locked(name, timeout=5):
        pass


def test_a_holder_that_cannot_be_seen_is_said_to_be_elsewhere() -> None:
    assert str(Holder(0, "", "")) == "a process that cannot be seen from here"
    assert str(lock._described(2**22 + 1)) == f"pid {2**22 + 1} (gone meanwhile)"
