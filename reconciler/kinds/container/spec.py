"""The attributes of a container, with Compose's names."""

from __future__ import annotations

from reconciler.kinds.container.quantities import Bytes, Duration
from reconciler.model import EMPTY, FrozenMap, Spec, chosen, uncompared
from reconciler.value import dataclass

NO_LIMIT = Bytes(0)
SHM_SIZE = Bytes(64 * 1024**2)
STOP_GRACE_PERIOD = Duration(10 * 10**9)
"""What the engine grants between the stop signal and SIGKILL unless told otherwise."""


@dataclass(frozen=True)
class Mount(Spec):
    """What is mounted at a path: a path of the host, a volume by its live name, or memory."""

    type: str
    source: str = ""
    read_only: bool = False
    propagation: str = "rprivate"
    create_host_path: bool = True
    selinux: str = ""
    nocopy: bool = False
    size: Bytes = NO_LIMIT
    mode: str = "1777"


@dataclass(frozen=True)
class Healthcheck(Spec):
    """How the engine sees whether a container is healthy; None is what the image says, or the engine's default."""

    test: tuple[str, ...] | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    retries: int | None = None
    start_period: Duration | None = None


@dataclass(frozen=True)
class Logging(Spec):
    """Where a container's output goes; None is the engine's driver."""

    driver: str | None = None
    options: FrozenMap[str] = EMPTY


@dataclass(frozen=True)
class ContainerSpec(Spec):
    """A container as it is created; where a field is None, the image or the engine decides.

    `state` is `created` where a container is to be one that never ran, else empty; of one that is there and did run all
    the same it is the engine's word, and `dead` where only its removal helps. `image` is the key of an image.
    `network_mode` is empty where the container has networks. `mac_network` is the live name of the network that the MAC
    address is for: an old engine gives it on the one that the container was made on. `cpu_quota` and `cpu_period` are
    only ever set by hand. `spares` are the interfaces of its veths.
    """

    name: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: FrozenMap[str] = EMPTY
    labels: FrozenMap[str] = EMPTY
    hostname: str | None = None
    user: str | None = None
    working_dir: str | None = None
    tty: bool = False
    stdin_open: bool = False
    init: bool | None = None
    restart: str = "no"
    state: str = ""
    ports: FrozenMap[tuple[str, ...]] = EMPTY
    expose: tuple[str, ...] = ()
    volumes: FrozenMap[Mount] = EMPTY
    tmpfs: FrozenMap[str] = EMPTY
    network_mode: str = ""
    links: tuple[str, ...] = ()
    mac_address: str | None = None
    mac_network: str | None = chosen()
    healthcheck: Healthcheck = Healthcheck()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    devices: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    sysctls: FrozenMap[str] = EMPTY
    ulimits: FrozenMap[str] = EMPTY
    mem_limit: Bytes = NO_LIMIT
    memswap_limit: Bytes | None = None
    mem_reservation: Bytes = NO_LIMIT
    cpus: float = 0.0
    cpu_quota: int = 0
    cpu_period: int = 0
    cpu_shares: int = 0
    cpuset: str = ""
    pids_limit: int = 0
    shm_size: Bytes = SHM_SIZE
    read_only: bool = False
    security_opt: tuple[str, ...] = ()
    stop_signal: str | None = None
    stop_grace_period: Duration = STOP_GRACE_PERIOD
    logging: Logging = Logging()
    marked: bool = True
    reference: str = uncompared("")
    target: str = uncompared("")
    link_targets: FrozenMap[str] = uncompared(EMPTY)
    unsure_links: tuple[str, ...] = uncompared(())
    spares: tuple[str, ...] = uncompared(())
