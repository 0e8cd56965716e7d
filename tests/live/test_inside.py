"""What the attributes of a container do to what runs in it: seen from inside, past all that the engine tells."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from live.boxes import Json, alone, inside, inspect, text
from live.lab import Lab

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

FUSE = 10, 229
"""A device that a container may not use unless it is given it: linux/miscdevice.h."""
LOOP = ["sh", "-c", "trap 'exit 42' USR1; while :; do sleep 0.05; done"]
ALL: Json = {
    "command": LOOP,
    "environment": {"COLOUR": "deep red"},
    "hostname": "inside.example.org",
    "user": "1000:1001",
    "working_dir": "/www",
    "tty": True,
    "mem_limit": "64m",
    "memswap_limit": "96m",
    "mem_reservation": "32m",
    "cpus": 0.5,
    "cpu_shares": 512,
    "cpuset": "0",
    "pids_limit": 100,
    "ulimits": {"nofile": {"soft": 512, "hard": 768}, "stack": 4194304},
    "dns": ["10.0.0.53", "fd00::53"],
    "dns_search": ["example.org", "example.net"],
    "dns_opt": ["ndots:3"],
    "extra_hosts": {"db": ["10.0.0.5", "fd00::5"]},
    "devices": ["DEVICE:/dev/door:r"],
    "shm_size": "32m",
    "sysctls": {"net.ipv4.ip_forward": 1, "kernel.msgmax": 4096},
    "read_only": True,
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": ["/scratch:size=1m,mode=1700,uid=1000"],
    "volumes": [
        {"type": "tmpfs", "target": "/memory", "tmpfs": {"size": "2m", "mode": "0751"}},
        "./data:/data:ro",
        "store:/store",
    ],
    "stop_signal": "USR1",
}
LOOK = r"""
say() { echo "$1=$(eval "$2" 2>&1 | tr '\n' ' ' | sed 's/ *$//')"; }
say environment 'echo $COLOUR'
say hostname 'hostname'
say user 'id -u; id -g'
say working_dir 'readlink /proc/1/cwd || pwd'
say terminal 'test -c /dev/console && echo yes'
say init 'cat /proc/1/comm'
say 'open files' 'ulimit -Sn; ulimit -Hn'
say stack 'ulimit -s'
say resolver 'grep ^[a-z] /etc/resolv.conf | sort'
say hosts 'grep -w db /etc/hosts'
say device 'test -c /dev/door && dd if=/dev/door count=0 2>&1 | grep -c permitted; dd of=/dev/door count=0 2>&1 | grep -c permitted'
say shm 'df -k /dev/shm | tail -n 1 | { read -r _ size _; echo $size; }'
say sysctls 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'
say root 'touch /made'
say capabilities 'grep CapBnd /proc/self/status'
say privileges 'grep NoNewPrivs /proc/self/status'
say scratch 'touch /scratch/made; df -k /scratch | tail -n 1 | { read -r _ size _; echo $size; }; stat -c "%a %u" /scratch'
say memory 'df -k /memory | tail -n 1 | { read -r _ size _; echo $size; }; stat -c %a /memory'
say data 'cat /data/note; echo; touch /data/made'
say store 'stat -c %d /store; stat -c %d /'
say cpus 'grep Cpus_allowed_list /proc/self/status'
"""
SEEN = {
    "environment": "deep red",
    "hostname": "inside.example.org",
    "user": "1000 1001",
    "working_dir": "/www",
    "terminal": "yes",
    "init": "docker-init",
    "open files": "512 768",
    "stack": "4096",
    "resolver": "nameserver 10.0.0.53 nameserver fd00::53 options ndots:3 search example.org example.net",
    "hosts": "10.0.0.5\tdb fd00::5\tdb",
    "device": "0 1",
    "shm": "32768",
    "sysctls": "1 4096",
    "root": "touch: /made: Read-only file system",
    "capabilities": "CapBnd:\t0000000000001000",
    "privileges": "NoNewPrivs:\t1",
    "scratch": "1024 1700 1000",
    "memory": "2048 751",
    "data": "remember touch: /data/made: Read-only file system",
    "cpus": "Cpus_allowed_list:\t0",
}
GROUPS = {
    "mem_limit": ("memory/memory.limit_in_bytes", "67108864", "memory.max", "67108864"),
    "memswap_limit": ("memory/memory.memsw.limit_in_bytes", "100663296", "memory.swap.max", "33554432"),
    "mem_reservation": ("memory/memory.soft_limit_in_bytes", "33554432", "memory.low", "33554432"),
    "cpus": ("cpu/cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000"),
    "cpu_shares": ("cpu/cpu.shares", "512", "cpu.weight", "20"),
    "cpuset": ("cpuset/cpuset.cpus", "0", "cpuset.cpus", "0"),
    "pids_limit": ("pids/pids.max", "100", "pids.max", "100"),
}
"""Of each limit the control group's file and its content: of version 1, and of version 2."""


def look(lab: Lab, name: str) -> dict[str, str]:
    """What a shell in a container sees."""
    code, output = inside(lab, name, "sh", "-c", LOOK)
    assert code == 0, output
    return dict(line.split("=", 1) for line in output.splitlines())


def group(lab: Lab, name: str, limit: str) -> str:
    """What the container's control group says of a limit."""
    old, new = (f"/sys/fs/cgroup/{path}" for path in GROUPS[limit][::2])
    return inside(lab, name, "sh", "-c", f"cat {old} 2>/dev/null || cat {new}")[1].strip()


def known(lab: Lab) -> list[str]:
    """The limits that this kernel has."""
    without_swap = not lab.host.engine.info.get("SwapLimit", True)
    return [each for each in GROUPS if not (without_swap and each == "memswap_limit")]


@pytest.fixture
def data(lab: Lab) -> Path:
    (lab.folder / "data").mkdir()
    (lab.folder / "data" / "note").write_text("remember")
    os.mknod(lab.folder / "fuse", stat.S_IFCHR | 0o666, os.makedev(*FUSE))
    (lab.folder / "fuse").chmod(0o666)
    return lab.folder


def everything(folder: Path, **others: object) -> str:
    """A topology of two containers: with all the attributes, and with none of them."""
    devices = [each.replace("DEVICE", str(folder / "fuse")) for each in ALL["devices"]]
    bare = alone(command=LOOP, stop_grace_period="1s")
    return text({"all": alone(**{**ALL, "devices": devices, **others}), "bare": bare}, volumes={"store": {}})


def test_what_is_declared_is_so_for_what_runs_inside_and_is_not_without_it(lab: Lab, data: Path) -> None:
    lab.host.kill = False
    lab.apply(everything(data))
    seen = look(lab, "all")
    own, root = seen.pop("store").split()
    assert own != root, "it is a mount of its own"
    assert seen == SEEN
    for limit in known(lab):
        assert group(lab, "all", limit) in GROUPS[limit][1::2], limit

    without = look(lab, "bare")
    alike = {name for name in SEEN if without[name] == SEEN[name]}
    assert alike == {"init"}, "what is seen is seen of the attributes, and not of any container"
    for limit in known(lab):
        assert group(lab, "bare", limit) not in GROUPS[limit][1::2], limit

    lab.apply(everything(data, state="stopped"))
    assert inspect(lab, "all")["State"]["ExitCode"] == 42, "the signal that it asks for came"


CHANGED: Json = {
    "mem_limit": "48m",
    "memswap_limit": "48m",
    "mem_reservation": "16m",
    "cpus": 0.25,
    "cpu_shares": 256,
    "cpuset": "0,1",
    "pids_limit": 50,
}


def test_a_limit_that_is_changed_in_place_is_in_force_for_what_runs_already(lab: Lab, data: Path) -> None:
    lab.apply(everything(data))
    before, started = {each: group(lab, "all", each) for each in known(lab)}, inspect(lab, "all")["State"]["StartedAt"]
    lab.apply(everything(data, **CHANGED))
    assert inspect(lab, "all")["State"]["StartedAt"] == started
    now = {each: group(lab, "all", each) for each in known(lab)}
    assert [each for each in now if now[each] == before[each]] == []
    assert now["mem_limit"] == "50331648"
    assert now["pids_limit"] == "50"
