"""Mounts: every form of Compose, and the engine's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from paper import source

from reconciler.kinds.container import volumes
from reconciler.kinds.container.quantities import Bytes
from reconciler.kinds.container.spec import Mount
from reconciler.kinds.container.tmpfs import tmpfs
from reconciler.kinds.entry import entry_of
from reconciler.kinds.source import Source
from reconciler.model import FrozenMap, ResourceKey


def declared(*values: Any, **data: Any) -> Source:
    return source({"volumes": {"store": {}}, "containers": {"web": {"volumes": list(values), **data}}})


def read(*values: Any) -> tuple[dict[str, Mount], list[str]]:
    made = declared(*values)
    return dict(volumes.volumes(entry_of(made, "web"))), [each.message for each in made.problems]


def bind(source: str, **attributes: Any) -> Mount:
    return Mount("bind", source, **attributes)


HOME = str(Path("~/www").expanduser())
LONG = {"type": "bind", "source": "./www", "target": "/www"}
COLON = {"type": "bind", "source": "./w:w", "target": "/www"}
TMPFS = {"type": "tmpfs", "target": "/www"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/www", Mount("volume")),
        ("./www:/www", bind("/paper/containers/www")),
        ("../www:/www:ro", bind("/paper/www", read_only=True)),
        ("/srv:/www/:rw,z,rslave", bind("/srv", selinux="z", propagation="rslave")),
        ("~/www:/www", bind(HOME)),
        ("store:/www:cached", Mount("volume", "t-store")),
        ("store:/www:ro,delegated", Mount("volume", "t-store", read_only=True)),
        ("store:/www:ro,nocopy", Mount("volume", "t-store", read_only=True, nocopy=True)),
        (LONG, bind("/paper/containers/www")),
        ({**LONG, "read_only": True, "bind": {"propagation": "shared"}}, None),
        ({**LONG, "bind": {"create_host_path": False}}, bind("/paper/containers/www", create_host_path=False)),
        ({**LONG, "bind": {"selinux": "Z"}}, bind("/paper/containers/www", selinux="Z")),
        (COLON, bind("/paper/containers/w:w", create_host_path=False)),
        ({**COLON, "bind": {"create_host_path": False}}, bind("/paper/containers/w:w", create_host_path=False)),
        ("//srv://www", bind("/srv")),
        ({"type": "volume", "target": "/www"}, Mount("volume")),
        (
            {"type": "volume", "source": "store", "target": "/www", "volume": {"nocopy": True}},
            Mount("volume", "t-store", nocopy=True),
        ),
        (TMPFS, Mount("tmpfs")),
        ({**TMPFS, "tmpfs": {"size": "1m", "mode": "0755"}}, Mount("tmpfs", size=Bytes(1024**2), mode="755")),
        ({**TMPFS, "tmpfs": {"mode": 700}}, Mount("tmpfs", mode="700")),
    ],
)
def test_every_form_is_read(value: Any, expected: Mount | None) -> None:
    expected = expected or bind("/paper/containers/www", read_only=True, propagation="shared")
    assert read(value) == ({"/www": expected}, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("./a:b", "'b' is not an absolute path in the container"),
        ("a/b:/c", "'a/b' is not the name of a volume: for a path write ./a/b"),
        ("./a:/b:rx", "'rx' is not a mode of a mount"),
        ("store:/b:ro,rshared", "'rshared' is for a bind, a path of the host: a volume has no propagation"),
        ("./a:/b:nocopy", "'nocopy' is for a volume: nothing is copied to a path of the host"),
        ({**COLON, "bind": {"selinux": "z"}}, "the engine relabels only where neither source nor target has a colon"),
        ({**COLON, "bind": {"create_host_path": True}}, "the engine makes a missing path of the host only where"),
        ({**TMPFS, "tmpfs": {"mode": "00"}}, "the engine takes mode 0 for its default: write it in `tmpfs`"),
        ({"type": "bind", "target": "/b"}, "a bind needs its source"),
        ({**LONG, "tmpfs": {}}, "'tmpfs' has no place in a mount of type 'bind'"),
        ({**LONG, "bind": {"selinux": "z", "create_host_path": False}}, "the engine takes selinux only"),
        ({**TMPFS, "source": "x"}, "a tmpfs has no source"),
        ({**TMPFS, "tmpfs": {"mode": 493}}, "493 is not a file mode in octal digits"),
        ({**TMPFS, "tmpfs": {"mode": "x"}}, "'x' is not a file mode"),
    ],
)
def test_what_is_no_mount_is_a_problem(value: Any, message: str) -> None:
    found, problems = read(value)
    assert found == {}
    assert message in problems[0]


def test_an_unknown_volume_is_a_problem_with_a_guess() -> None:
    made = declared("stor:/www")
    volumes.volumes(entry_of(made, "web"))
    assert [(each.message, each.hint) for each in made.problems] == [
        ("there is no 'stor' in volumes", "did you mean 'store'?")
    ]


def test_two_mounts_at_one_path_are_a_problem() -> None:
    assert read("/www", "./x:/www")[1] == ["two things are mounted at /www"]
    made = declared("/www", tmpfs=["/www:size=1m", "/run", "run"])
    entry = entry_of(made, "web")
    assert dict(tmpfs(entry, volumes.volumes(entry))) == {"/www": "size=1m", "/run": "", "run": ""}
    assert [each.message for each in made.problems] == [
        "two things are mounted at /www",
        "'run' is not an absolute path",
    ]


@pytest.mark.parametrize(
    "options",
    [
        "",
        "ro,noexec",
        "size=64m,mode=1777,uid=1000,gid=0x10",
        "size=50%,nr_inodes=10k,nr_blocks=0x1F",
        "mpol=bind:0",
        "size=010m,nr_inodes=0,mode=0755,uid=0,gid=017",
        "uid=4294967294,gid=0XFFFFFFFE,mode=37777777777",
    ],
)
def test_options_of_a_memory_file_system_are_taken_as_they_are(options: str) -> None:
    made = declared(tmpfs=f"/run:{options}")
    assert dict(tmpfs(entry_of(made, "web"), FrozenMap({}))) == {"/run": options}
    assert not made.problems


@pytest.mark.parametrize(
    "option",
    [
        *("size=banana", "size=", "size", "size=1.5m", "size=08m", "size=0x", "nr_inodes=5%", "nr_inodes=09"),
        *("mode=999", "mode=40000000000", "uid=root", "uid=08", "uid=4294967295", "uid=0x100000000", "gid=-1"),
        *("gid=040000000000", f"gid={'9' * 5000}"),
    ],
)
def test_an_option_that_the_kernel_cannot_read_is_a_problem(option: str) -> None:
    name, _, value = option.partition("=")
    made = declared(tmpfs=[f"/run:noexec,{option}"])
    tmpfs(entry_of(made, "web"), FrozenMap({}))
    assert [each.message for each in made.problems] == [f"{value!r} is no value of {name} that a tmpfs takes"]


@pytest.mark.parametrize("options", ["size=1m,", ",ro", "ro,,noexec"])
def test_an_empty_option_of_a_memory_file_system_is_a_problem(options: str) -> None:
    made = declared(tmpfs=f"/run:{options}")
    tmpfs(entry_of(made, "web"), FrozenMap({}))
    assert [each.message for each in made.problems] == ["one of its options is empty"]


def test_named_volumes_are_stood_on() -> None:
    made = declared("store:/a", "./b:/b", "/c", {"type": "volume", "source": "store", "target": "/d"}, "gone:/e", LONG)
    assert {each.key for each in volumes.needs(entry_of(made, "web"))} == {ResourceKey("volume", "store")}


MOUNTS = {
    "/bind": bind("/srv", read_only=True, propagation="rslave", selinux="z"),
    "/plain": bind("/srv"),
    "/strict": bind("/srv", create_host_path=False, propagation="shared"),
    "/x:y": bind("/srv", create_host_path=False),
    "/named": Mount("volume", "t-store", nocopy=True),
    "/labelled": Mount("volume", "t-store", selinux="Z", nocopy=True),
    "/anonymous": Mount("volume"),
    "/memory": Mount("tmpfs", size=Bytes(1024), mode="700"),
    "/default": Mount("tmpfs"),
}


def test_the_engine_is_told_and_read_back() -> None:
    binds, mounts = volumes.to_engine(FrozenMap(MOUNTS))
    assert binds == ["/srv:/bind:ro,z,rslave", "t-store:/labelled:Z,nocopy", "/srv:/plain"]
    assert volumes.of_engine({"Binds": binds, "Mounts": mounts}) == MOUNTS
    assert volumes.of_engine({"Binds": None}) == {}


def test_what_the_engine_leaves_out_is_the_default() -> None:
    rows = [{"Type": "bind", "Source": "/x", "Target": "/a"}, {"Type": "volume", "Target": "/b/"}, TMPFS_ROW]
    found = volumes.of_engine({"Mounts": rows})
    assert dict(found) == {"/a": bind("/x", create_host_path=False), "/b": Mount("volume"), "/c": Mount("tmpfs")}


TMPFS_ROW = {"Type": "tmpfs", "Target": "/c"}
