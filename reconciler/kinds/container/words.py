"""The words that the engine and the kernel know, any other one is a mistake: capabilities, signals, limits; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds.container.settings import capabilities, signal
from reconciler.kinds.entry import Entry
from reconciler.kinds.source import Pointer, did_you_mean

_CAPABLE = """
    ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH
    FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
    NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT
    SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
    """
CAPABILITIES = frozenset(_CAPABLE.split())
"""linux/capability.h, without CAP_."""
_NAMED = """
    ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP
    TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX
    """
_LAST = 64
SIGNALS = frozenset(
    (
        *(f"SIG{name}" for name in _NAMED.split()),
        *(f"SIGRTMIN+{number}" for number in range(1, 16)),
        *(f"SIGRTMAX-{number}" for number in range(1, 15)),
        *map(str, range(1, _LAST + 1)),
    )
)
"""What the engine knows by name, and all numbers."""
_LIMITED = """
    core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack
    """
LIMITS = frozenset(_LIMITED.split())
"""setrlimit(2), as far as the engine sets it."""


def check(entry: Entry) -> None:
    """Note the words that nobody knows."""
    for attribute in ("cap_add", "cap_drop"):
        for number, each in entry.items(attribute):
            _check(entry, (attribute, number), "capability", capabilities([each])[0], CAPABILITIES)
    stop = signal(entry.get("stop_signal"))
    if stop:
        _check(entry, ("stop_signal",), "signal", str(int(stop)) if stop.isdigit() else stop, SIGNALS)
    for name, each in (entry.get("ulimits") or {}).items():
        _check(entry, ("ulimits", name), "limit", name, LIMITS)
        if isinstance(each, Mapping) and _is_more(each["soft"], each["hard"]):
            entry.problem(("ulimits", name, "soft"), f"{each['soft']} is more than the hard limit, {each['hard']}")


def _check(entry: Entry, path: Pointer, what: str, word: str, known: frozenset[str]) -> None:
    if word not in known:
        entry.problem(path, f"there is no {what} {word!r}", did_you_mean(word, _names(known)))


def _names(known: frozenset[str]) -> Iterator[str]:
    return (each for each in known if not each.isdigit())


def _is_more(soft: int, hard: int) -> bool:
    return hard >= 0 and (soft < 0 or soft > hard)
