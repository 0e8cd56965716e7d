"""A machine with nothing but a Debian's own commands, in which what is installed, started and run is only noted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
OWN = "bash sh cat chmod cp cut dirname env grep install ldd ln mkdir mv rm sed setpriv setsid sha256sum sleep tail touch true unshare"
"""What every Debian has."""
TOOLS = ("reconciler", "ruff", "mypy", "lint-imports", "pytest")
"""What pip brings into the virtual environment."""
PACKAGES = {
    "python3": ("python3",),
    "docker.io": ("dockerd", "docker"),
    "iptables": ("iptables",),
    "iproute2": ("ip",),
    "busybox-static": ("busybox",),
    "apparmor": ("apparmor_parser",),
}
"""The commands that a package brings."""

_NOTE = """#!/bin/bash
echo "${{0##*/}} $*${{RECONCILER_TEST_ALL:+ (all: $RECONCILER_TEST_ALL)}}${{RECONCILER_REQUIRE_LIVE:+ (required)}}" >>{log}
"""
_APT = """
case $1 in
  install) for each; do
    case $each in python3*-venv) touch {store}/ensurepip ;; esac
    [ ! -d "{store}/$each" ] || cp "{store}/$each"/* {bin}
    [ "$each" != docker.io -o ! -e {store}/service ] || touch {store}/running
  done ;;
  download) touch docker-registry_1_amd64.deb ;;
esac
"""
_DPKG = """
mkdir -p "$3/usr/bin" && cp {store}/plain "$3/usr/bin/docker-registry"
"""
_DOCKERD = """
touch {store}/running
"""
_PYTHON = """#!/bin/bash
case "$*" in
  "-c import ensurepip") [ -e {store}/ensurepip ] ;;
  "-m venv"*)
    echo "python3 $*" >>{log}
    mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "command = python3 -m venv $PWD/.venv" >.venv/pyvenv.cfg ;;
  "-m pip"*)
    echo "python $*" >>{log}
    for each in {tools}; do cp {store}/plain ".venv/bin/$each"; done ;;
  "- 0") [ -e {store}/running ] ;;
  "- "*) for _ in {{1..100}}; do [ ! -e {store}/running ] || exit 0; sleep 0.05; done; exit 1 ;;
  "-") echo "python breaks something by hand" >>{log} ;;
  --version) echo Python 3.11.2 ;;
esac
"""
_SUDO = """#!/bin/bash
echo "sudo $*" >>{log}
[ "$1" = -v ] || exec "${{@:2}}"
"""
_ENTER = """
mount --bind "$0" /usr/sbin && mount --bind "$1" /sys/module && mount -t tmpfs none /run && mount -t tmpfs none /var/log
cd "$2" && shift 2 && exec "$@"
"""


class Machine:
    """A checkout on a bare machine; `log` is what its package manager, its Python and its engine were asked to do."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.bin, self.store = folder / "checkout", folder / "bin", folder / "store"
        self.sbin, self.modules, self.noted = folder / "sbin", folder / "modules", folder / "log"
        for each in (self.checkout / "topologies/images/busybox", self.bin, self.store, self.sbin, self.modules):
            each.mkdir(parents=True)
        for part in ("scripts", ".ci"):
            shutil.copytree(CHECKOUT / part, self.checkout / part)
        shutil.copy(CHECKOUT / "pyproject.toml", self.checkout)
        for name in OWN.split():
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self._write(self.store / "plain", _NOTE)
        self._write(self.bin / "apt-get", _NOTE + _APT)
        self._write(self.bin / "dpkg-deb", _NOTE + _DPKG)
        special = {"dockerd": _NOTE + _DOCKERD, "python3": _PYTHON}
        for package, commands in PACKAGES.items():
            (self.store / package).mkdir()
            for name in commands:
                self._write(self.store / package / name, special.get(name, _NOTE))
        self.environment = {"PATH": str(self.bin), "HOME": str(folder)}

    def _write(self, path: Path, script: str) -> None:
        path.write_text(script.format(log=self.noted, store=self.store, bin=self.bin, tools=" ".join(TOOLS)))
        path.chmod(0o755)

    def install(self, *packages: str) -> None:
        """Let some packages be there already."""
        for package in packages:
            if package.endswith("-venv"):
                (self.store / "ensurepip").touch()
            else:
                shutil.copytree(self.store / package, self.bin, dirs_exist_ok=True)

    def start_engine(self) -> None:
        """Let an engine answer already."""
        (self.store / "running").touch()

    def let_packages_start_services(self) -> None:
        """Let the engine run once its package is installed, as it does where there is an init."""
        (self.store / "service").touch()

    def have_apparmor(self) -> None:
        """Let the kernel confine what runs in containers."""
        (self.modules / "apparmor/parameters").mkdir(parents=True)
        (self.modules / "apparmor/parameters/enabled").write_text("Y\n")

    def let_the_client_be_apart(self) -> None:
        """Let the command docker be a package of its own, as it is from Debian 13 on."""
        (self.store / "docker-cli").mkdir()
        (self.store / "docker.io/docker").rename(self.store / "docker-cli/docker")

    def allow_sudo(self) -> None:
        """Let who is not root become root, as far as one can see: no network namespace can be made."""
        self._write(self.bin / "sudo", _SUDO)
        (self.bin / "unshare").unlink()
        (self.bin / "unshare").symlink_to("true")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout; what it asks for is in the log, afresh."""
        self.noted.write_text("")
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", _ENTER, self.sbin, self.modules, self.checkout, *self._clean(), *argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def _clean(self) -> list[str]:
        return ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]

    @property
    def log(self) -> list[str]:
        """What was asked for in the last run."""
        return self.noted.read_text().splitlines()

    @property
    def installed(self) -> list[str]:
        """The packages that the last run asked for."""
        asked = (
            line.partition("DPkg::Lock::Timeout=120 ")[2] for line in self.log if line.startswith("apt-get install")
        )
        return [package for packages in asked for package in packages.split()]
