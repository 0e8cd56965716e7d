# shellcheck shell=bash
# What scripts/quickstart and scripts/test need of the machine. To be sourced; goes to the checkout's root.
# Every function does nothing, and says nothing, where there is nothing to do.

cd -P "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export PATH="$PATH:/usr/sbin:/sbin"

say() { printf 'set-up: %s\n' "$*" >&2; }

# The engine and the kernel's networking are root's; the rest of a run is not.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo --preserve-env=CI,DOCKER_CERT_PATH,DOCKER_HOST,DOCKER_TLS_VERIFY,NO_COLOR,RECONCILER_REQUIRE_LIVE,RECONCILER_TEST_ALL "$@"
  fi
}

# ensure_root – fails where this user can neither be root nor make a network namespace.
ensure_root() {
  ((EUID == 0)) || sudo -v || { say "this needs root: neither root nor sudo is to be had"; return 1; }
  as_root unshare --net true || { say "root may not make a network namespace here"; return 1; }
}

# ensure_python .|.[dev] – the checkout, editable, in .venv; again only when pyproject.toml has changed.
ensure_python() {
  local python stamp
  if ! grep -qsF " $PWD/.venv" .venv/pyvenv.cfg || ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python) || { install_packages python3 python3-venv && python=$(find_python); } ||
      { say "no Python 3.11 or newer"; return 1; }
    "$python" -c 'import ensurepip' 2>/dev/null || install_packages "${python##*/}-venv" || return
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || return
  fi
  stamp="$(sha256sum pyproject.toml) $1" # that of .[dev] begins with that of .
  if ! grep -qsF "$stamp" .venv/installed; then
    say "installing $1 into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$1" || return
    echo "$stamp" >.venv/installed
  fi
  # As every installed package is: where Python may not write bytecode it would compile at each start.
  .venv/bin/python -m compileall -q reconciler
}

find_python() {
  local python
  for python in python3 python3.{14,13,12,11}; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$python" && return
  done
  return 1
}

# ensure_engine – a Docker Engine that answers; one that answers already is left alone. After ensure_python.
ensure_engine() {
  local missing=()
  command -v ip >/dev/null || missing+=(iproute2)
  if engine_answers; then
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
    return
  fi
  [[ -z ${DOCKER_HOST:-} ]] || { say "no engine answers at DOCKER_HOST=$DOCKER_HOST"; return 1; }
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  # Where the kernel has AppArmor the engine starts no container without it.
  ! grep -qs Y /sys/module/apparmor/parameters/enabled || command -v apparmor_parser >/dev/null || missing+=(apparmor)
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}" || return
  engine_answers || start_engine
}

# engine_answers [SECONDS] – waits that long for it.
engine_answers() {
  as_root .venv/bin/python - "${1:-0}" <<'PYTHON'
import sys, time
import docker

deadline = time.monotonic() + float(sys.argv[1])
while True:
    try:
        docker.from_env(timeout=5).ping()
        break
    except (docker.errors.DockerException, OSError):
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(0.1)
PYTHON
}

start_engine() {
  local log=/var/log/dockerd.log
  if [[ -d /run/systemd/system ]]; then
    say "starting docker.service"
    as_root systemctl start docker.service && engine_answers 60 && return
    as_root journalctl --unit docker.service --lines 20 --no-pager >&2
  else
    say "starting dockerd, its log is $log"
    as_root sh -c "exec setsid --fork dockerd >>$log 2>&1 </dev/null" && engine_answers 60 && return
    as_root tail -n 20 "$log" >&2
  fi
  say "the engine has not come up in 60 s"
  return 1
}

# ensure_client – the command docker, which the tests use: from Debian 13 on docker.io does not bring it.
ensure_client() {
  command -v docker >/dev/null || install_packages docker-cli
}

# ensure_busybox – a static busybox where the example image's Dockerfile looks for it.
ensure_busybox() {
  local target=topologies/images/busybox/busybox source
  [[ ! -x $target ]] || return 0
  source=$(command -v busybox) && ! ldd "$source" >/dev/null 2>&1 ||
    { install_packages busybox-static && source=$(command -v busybox); } || return
  say "copying $source to $target"
  install -m 755 "$source" "$target"
}

# ensure_registry – Debian's docker-registry, unpacked beside the virtual environment: installed, it would start a service.
ensure_registry() {
  local folder=.venv/docker-registry
  export PATH="$PATH:$PWD/$folder/usr/bin"
  ! command -v docker-registry >/dev/null || return 0
  command -v apt-get >/dev/null || { say "no docker-registry: the tests that pull are skipped"; return 0; }
  say "unpacking docker-registry into $folder"
  mkdir -p "$folder"
  (
    cd "$folder" || exit
    apt-get download docker-registry || { as_root apt-get update && apt-get download docker-registry; }
    dpkg-deb --extract docker-registry_*.deb .
  ) >/dev/null 2>&1 || say "docker-registry cannot be had: the tests that pull are skipped"
}

install_packages() {
  local output
  command -v apt-get >/dev/null || { say "not a Debian: please install by hand what Debian calls $*"; return 1; }
  say "installing $*"
  output=$({
    as_root apt-get update &&
      as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
  } </dev/null 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
  hash -r
}
