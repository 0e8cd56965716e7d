"""A watch follows its file, leaves alone what fails, takes turns with others, and ends when it is told to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from live.lab import NOWHERE, Lab, run
from live.watched import LONG, RECONCILER, Watched, Words, is_mended, moment, settled

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(bare: Lab) -> Lab:
    """A topology without Docker is watched all the same."""
    return bare


PAIR = "namespaces: {red: , blue: }\nveths: [[red:eth0 10.66.0.1/30, blue:eth0 10.66.0.2/30]]\n"
VETH = "veth/blue:eth0--red:eth0"


def watched(lab: Lab, text: str, *arguments: str, last: str = VETH) -> Watched:
    """Watch a file that was just written, until it is in force."""
    lab.load(text, PORT="1")
    made = Watched(lab.folder, *arguments, environment=NOWHERE)
    try:
        made.until(lambda each: is_mended(each, last))
    except AssertionError:
        made.__exit__()
        raise
    return made


def set_mtu(lab: Lab, mtu: int) -> None:
    run("ip", "-n", f"{lab.name}-red", "link", "set", "eth0", "mtu", str(mtu))


def test_a_changed_file_is_applied_and_a_wrong_one_told_while_the_last_good_one_stays_in_force(lab: Lab) -> None:
    with watched(lab, PAIR) as watch:
        watch.mends("the file", lambda: lab.load(PAIR.replace("0.1/30", "0.9/29")), VETH)
        after = len(watch.words)
        (lab.folder / "topology.yaml").write_text(f"name: {lab.name}\nnamespaces: {{red: [\n")
        wrong = watch.until(lambda each: each["what"] == "invalid", after=after)
        assert wrong["text"].startswith("topology.yaml:")
        watch.mends("an MTU beside a wrong file", lambda: set_mtu(lab, 1300), VETH)
        after = len(watch.words)
        lab.load(PAIR)
        watch.until(lambda each: each["what"] == "file", after=after)
        watch.until(lambda each: is_mended(each, VETH), after=after)
        lab.load("namespaces: {red: }\n")
        watch.until(lambda each: is_mended(each, "namespace/blue"), after=after)


def test_a_file_is_followed_through_links_replacements_includes_and_variables(lab: Lab) -> None:
    text = "include: more.yaml\nnamespaces: {red: {name: '${RED}'}}\n"
    lab.folder.joinpath(".env").write_text(f"RED={lab.name}-1\n")
    lab.folder.joinpath("more.yaml").write_text("namespaces: {blue: }\n")
    lab.folder.joinpath("other").mkdir()
    lab.folder.joinpath("other/real.yaml").write_text(f"name: {lab.name}\n{text}")
    lab.folder.joinpath("topology.yaml").symlink_to("other/real.yaml")
    lab.folder.joinpath("more.yaml").write_text("namespaces: {blue: }\n")
    with Watched(lab.folder, environment=NOWHERE) as watch:
        watch.until(lambda each: is_mended(each, "namespace/red"))
        watch.mends(
            "a variable", lambda: lab.folder.joinpath(".env").write_text(f"RED={lab.name}-2\n"), "namespace/red"
        )
        new = lab.folder / "new.yaml"
        new.write_text("namespaces: {green: }\n")
        watch.mends("an included file", lambda: new.replace(lab.folder / "more.yaml"), "namespace/green")
        real = lab.folder / "other/real.yaml"
        watch.mends(
            "what a link leads to",
            lambda: real.write_text(f"name: {lab.name}\nnamespaces: {{grey: }}\n"),
            "namespace/grey",
        )
        after = len(watch.words)
        real.write_text("name: other\n")
        assert "'other'" in watch.until(lambda each: each["what"] == "invalid", after=after)["text"]


def test_a_file_that_is_being_written_is_read_when_it_is_whole_and_one_behind_a_swapped_link_at_once(lab: Lab) -> None:
    whole = f"name: {lab.name}\nnamespaces:\n  red:\n  blue:\n"
    for number, more in enumerate(("", "  green:\n")):
        lab.folder.joinpath(f"v{number}").mkdir()
        lab.folder.joinpath(f"v{number}/topology.yaml").write_text(whole + more)
    lab.folder.joinpath("current").symlink_to("v0")
    with Watched(lab.folder, "current/topology.yaml", environment=NOWHERE) as watch:
        watch.until(lambda each: is_mended(each, "namespace/blue"))
        file = lab.folder / "v0/topology.yaml"
        file.unlink()
        with file.open("w") as half:
            half.write(whole.removesuffix("  blue:\n"))
            half.flush()
            lab.folder.joinpath("v0/.env").write_text("")
            time.sleep(1)
            half.write("  blue:\n")
        lab.folder.joinpath("next").symlink_to("v1")
        watch.mends("a link", lambda: lab.folder.joinpath("next").replace(lab.folder / "current"), "namespace/green")
        words = [(each["what"], each.get("key")) for each in watch.words]
        assert sorted(words[1:], key=str) == [
            ("file", None),
            *(("mended", f"namespace/{name}") for name in ("blue", "green", "red")),
        ]


FAILING = (
    "namespaces: {red: , blue: {exec: ['test -e /tmp/%s']}}\nveths: [[red:eth0 10.66.0.1/30, blue:eth0 10.66.0.2/30]]\n"
)


def test_what_keeps_failing_is_tried_ever_less_often_and_holds_up_nothing(lab: Lab) -> None:
    file = lab.folder / "go"
    text = FAILING.replace("/tmp/%s", str(file))
    with watched(lab, text) as watch:

        def failures() -> list[Words]:
            return [each for each in watch.words if each["what"] == "failed"]

        watch.until(lambda each: each.get("retry") == 2)
        for mtu in (1300, 1200, 1100):
            watch.mends("an MTU beside what fails", lambda mtu=mtu: set_mtu(lab, mtu), VETH)  # type: ignore[misc]
        watch.until(lambda each: each.get("retry") == 4)
        assert {each["key"] for each in failures()} == {"exec/blue"}
        assert [each["retry"] for each in failures()] == [1, 2, 4]
        times = [moment(each["time"]) for each in failures()]
        assert times[1] - times[0] >= 0.9
        assert times[2] - times[1] >= 1.9
        after = len(watch.words)
        file.touch()
        watch.until(lambda each: is_mended(each, "exec/blue"), after=after)


def test_what_is_in_the_way_of_one_thing_is_told_once_and_holds_up_nothing(lab: Lab) -> None:
    run("ip", "netns", "add", f"{lab.name}-green")
    text = PAIR.replace("blue: }", "blue: , green: }")
    try:
        with watched(lab, text) as watch:
            watch.until(lambda each: each["what"] == "blocked" and each["text"].startswith("namespace/green: "))
            watch.mends("an MTU beside a conflict", lambda: set_mtu(lab, 1300), VETH)
            assert [each["what"] for each in watch.words].count("blocked") == 1
            watch.mends(
                "what was in the way", lambda: run("ip", "netns", "delete", f"{lab.name}-green"), "namespace/green"
            )
    finally:
        run("ip", "netns", "delete", f"{lab.name}-green", check=False)


def test_a_namespace_that_only_loses_its_name_while_a_process_lives_in_it_is_heard_of(lab: Lab) -> None:
    with watched(lab, "namespaces: {red: }\n", last="namespace/red") as watch:
        settled(watch)
        held = subprocess.Popen(["ip", "netns", "exec", f"{lab.name}-red", "sleep", "60"])
        try:
            while run("ip", "netns", "pids", f"{lab.name}-red") != f"{held.pid}\n":
                assert held.poll() is None
            watch.mends(
                "a name of a namespace", lambda: run("ip", "netns", "delete", f"{lab.name}-red"), "namespace/red"
            )
        finally:
            held.kill()
            held.wait()


def test_a_namespace_without_any_tie_to_the_host_is_listened_to_as_well(lab: Lab) -> None:
    text = "namespaces: {red: }\nbridges: {inner: {namespace: red}}\n"
    with watched(lab, text, last="bridge/inner") as watch:
        settled(watch)
        watch.mends(
            "a bridge in a namespace",
            lambda: run("ip", "-n", f"{lab.name}-red", "link", "delete", "inner"),
            "bridge/inner",
        )


def test_a_dry_run_only_tells_of_drift_and_of_each_once(lab: Lab) -> None:
    with watched(lab, PAIR) as watch:
        settled(watch)
    with Watched(lab.folder, "--dry-run", environment=NOWHERE).is_up() as watch:
        settled(watch)
        set_mtu(lab, 1300)
        word = watch.until(lambda each: each["what"] == "drift")
        assert (word["key"], word["fields"]) == (VETH, {"endpoints.red:eth0.mtu": {"observed": 1300, "desired": 1500}})
        run("ip", "-n", f"{lab.name}-red", "address", "add", "10.99.0.1/24", "dev", "eth0")
        settled(watch)
        assert [each["what"] for each in watch.words] == ["watching", "drift"]
    assert list(lab.tells(PAIR)) == [VETH]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_while_it_listens(lab: Lab, number: signal.Signals) -> None:
    with watched(lab, PAIR) as watch:
        settled(watch)
        began = time.monotonic()
        assert watch.end(number) == 128 + number
        assert time.monotonic() - began < 5


def test_a_signal_in_the_midst_of_a_pass_lets_running_steps_end_and_starts_no_more(lab: Lab) -> None:
    slow = f"namespaces: {{a: {{exec: ['touch {lab.folder}/begun; sleep 2']}}, b: {{exec: ['sleep 2']}}}}\n"
    lab.load(slow)
    with Watched(lab.folder, "--jobs", "1", environment=NOWHERE).is_up() as watch:
        deadline = time.monotonic() + LONG
        while not (lab.folder / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert watch.end() == 143
        watch.until(lambda each: is_mended(each, "exec/a"))
        watch.until(lambda each: each["what"] == "skipped" and each["key"] == "exec/b")
    assert list(lab.tells(slow)) == ["exec/b"]


def test_it_takes_turns_with_apply_and_waits_for_it(lab: Lab) -> None:
    slow = f"{PAIR.replace('red: ,', 'red: {exec: [sleep 3]},')}"
    lab.load(slow)
    apply = subprocess.Popen(
        [*RECONCILER, "apply"],
        cwd=lab.folder,
        env={**os.environ, **NOWHERE},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert apply.stderr
    assert "applied" in apply.stderr.readline()
    with Watched(lab.folder, environment=NOWHERE) as watch:
        assert f"for pid {apply.pid} " in watch.until(lambda each: each["what"] == "waiting")["text"]
        assert apply.wait(timeout=LONG) == 0
        apply.stderr.close()
        settled(watch)
        assert [each for each in watch.words if each["what"] in ("mended", "failed")] == []
        for mtu in (1300, 1200):
            after = len(watch.words)
            set_mtu(lab, mtu)
            done = subprocess.run(
                [*RECONCILER, "apply"],
                cwd=lab.folder,
                env={**os.environ, **NOWHERE},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            settled(watch)
            mended = [each["key"] for each in watch.words[after:] if each["what"] == "mended"]
            assert [*mended, *([VETH] if "1 applied" in done.stdout else [])] == [VETH]
    assert lab.tells(slow) == {}


def test_two_watches_of_one_file_mend_a_thing_once(lab: Lab) -> None:
    with watched(lab, PAIR) as first, Watched(lab.folder, environment=NOWHERE).is_up() as second:
        settled(first)
        settled(second)

        def mended() -> list[str]:
            words = [*first.words, *second.words]
            return [each["key"] for each in words if each["what"] == "mended" and each["fields"]]

        for number, mtu in enumerate((1300, 1200, 1100), start=1):
            set_mtu(lab, mtu)
            deadline = time.monotonic() + LONG
            # One that drifts while it is looked at again after its mending is not told as mended yet.
            while len(mended()) < number or lab.tells(PAIR):
                assert time.monotonic() < deadline
        settled(first)
        settled(second)
        assert mended() == [VETH] * 3
        for watch in (first, second):
            assert [each for each in watch.words if each["what"] in ("failed", "trouble")] == []


def test_it_costs_next_to_nothing_while_nothing_happens(lab: Lab) -> None:
    pairs = "".join(f", [n{n % 10}:e{n} 10.66.{n}.1/30, n{(n + 1) % 10}:f{n} 10.66.{n}.2/30]" for n in range(100))
    text = f"namespaces: {{{', '.join(f'n{n}: ' for n in range(10))}}}\nveths: [{pairs[2:]}]\n"
    with watched(lab, text, last="veth/n0:e0--n1:f0") as watch:
        settled(watch, quiet=2)  # what the kernel does by itself with new interfaces takes it that long
        before = watch.cost()
        time.sleep(4)
        switches, seconds = (after - was for after, was in zip(watch.cost(), before, strict=True))
        assert (switches, seconds) == (0, 0)
        watch.mends(
            "an MTU among 200 interfaces",
            lambda: run("ip", "-n", f"{lab.name}-n0", "link", "set", "e0", "mtu", "1300"),
            "veth/n0:e0--n1:f0",
        )


def test_what_sends_no_event_is_found_by_looking_now_and_then(lab: Lab) -> None:
    text = "namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}\n"
    with watched(lab, text, "--resync", "1s", last="namespace/red") as watch:
        settled(watch)
        after = len(watch.words)
        run("ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward")
        # On a busy machine a look takes long, and the next one comes the later.
        word = watch.until(lambda each: is_mended(each, "namespace/red"), after=after, seconds=4 * LONG)
        assert word["because"] == ["a look without cause"]


def test_one_who_may_not_listen_is_told_which_capability_is_missing(lab: Lab) -> None:
    lab.load(PAIR)
    bare = ["setpriv", "--bounding-set=-net_broadcast", "--inh-caps=-net_broadcast"]
    done = subprocess.run(
        [*bare, *RECONCILER, "watch"],
        cwd=lab.folder,
        env={**os.environ, **NOWHERE},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert re.fullmatch(r"error: .*CAP_NET_BROADCAST.*\n", done.stderr)


def test_it_cannot_watch_a_wrong_file_nor_standard_input(lab: Lab) -> None:
    lab.folder.joinpath("topology.yaml").write_text("name: [\n")
    for argument, words in (
        ("topology.yaml", "topology.yaml:2:1: "),
        ("-", "error: standard input cannot be watched"),
    ):
        done = subprocess.run(
            [*RECONCILER, "watch", argument],
            cwd=lab.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(words)


def test_it_goes_on_with_its_own_code_when_what_is_installed_has_gone(lab: Lab) -> None:
    """As while a newer version is being installed: what steps need is there since the beginning."""
    for each in ("reconciler", "schemas"):
        shutil.copytree(ROOT / each, lab.folder / each)
    with watched(lab, PAIR) as watch:
        settled(watch)
        shutil.rmtree(lab.folder / "reconciler")
        watch.mends("an MTU without code", lambda: set_mtu(lab, 1300), VETH)
        more = "bridges: {br0: {stp: true}}\nhost: {routes: [{to: 10.67.0.0/16, via: 10.66.0.6}]}\n"
        more += PAIR.replace("blue: }", 'blue: {exec: ["true"], sysctls: {net.ipv4.ip_forward: 1}}}')
        more = more.replace("]]", "], [red:eth1, br0], [host:x0 10.66.0.5/30, red:eth2 10.66.0.6/30]]")
        watch.mends("a file without code", lambda: lab.load(more), "bridge/br0", "exec/blue", "veth/host:x0--red:eth2")


def test_it_says_when_it_is_ready_and_reads_well(lab: Lab) -> None:
    import socket

    lab.load(PAIR)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(lab.folder / "ready"))
        listener.settimeout(LONG)
        environment = {**os.environ, **NOWHERE, "NOTIFY_SOCKET": str(lab.folder / "ready")}
        process = subprocess.Popen(
            [*RECONCILER, "watch"],
            cwd=lab.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert listener.recv(100) == b"READY=1"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, errors) == (143, "")
    time_ = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    first, *lines = output.splitlines()
    assert re.fullmatch(rf"{time_}  watching   {lab.name}: 3 resources of {lab.folder}/topology.yaml", first)
    assert re.fullmatch(rf"{time_}  mended     \+ {VETH} +absent  \(\d\.\d\d s\)  \(the watch begins\)", lines[-1])
    assert len(lines) == 3


def test_it_is_not_ready_while_its_first_pass_goes_on_though_others_end_beside_it(lab: Lab) -> None:
    import socket

    lab.load(PAIR.replace("blue: ", f'blue: {{exec: ["until test -e {lab.folder}/go; do sleep 0.1; done"]}}'))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(lab.folder / "ready"))
        with Watched(lab.folder, environment={**NOWHERE, "NOTIFY_SOCKET": str(lab.folder / "ready")}) as watch:
            watch.until(lambda each: is_mended(each, VETH))  # so another pass says, which has looked meanwhile
            listener.settimeout(0.5)
            with pytest.raises(TimeoutError):
                listener.recv(100)
            (lab.folder / "go").touch()
            listener.settimeout(LONG)
            assert listener.recv(100) == b"READY=1"


def test_without_a_watch_the_next_apply_does_the_same(lab: Lab) -> None:
    lab.apply(PAIR)
    set_mtu(lab, 1300)
    run("ip", "netns", "delete", f"{lab.name}-blue")
    assert set(lab.tells(PAIR)) == {VETH, "namespace/blue"}
    lab.apply(PAIR)
