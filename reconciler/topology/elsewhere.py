"""Words of the Compose specification that are not part of this language, or of it elsewhere, and what to write."""

from __future__ import annotations

from types import MappingProxyType

_COMPOSES = """
    attach cluster credential_spec develop driver_config driver_opts enable_ipv4 format interface_name isolation models
    provider pull_refresh_after recursive use_api_socket
"""
_OF_A_BUILD = """
    additional_contexts cache_from cache_to entitlements platforms provenance sbom ssh
"""
_BY_HAND = """
    blkio_config cpu_rt_period cpu_rt_runtime mem_swappiness oom_kill_disable oom_score_adj pid uts
"""
_OF_THE_ENGINE = {
    "cgroup": "default-cgroupns-mode",
    "cgroup_parent": "cgroup-parent",
    "ipc": "default-ipc-mode",
    "runtime": "default-runtime",
    "storage_opt": "storage-opts",
    "userns_mode": "userns-remap",
}
"""What the engine says for all of its containers, in its daemon.json."""
_DEFAULT_ROUTE = "routes says where a container's default route leads, as in routes: [{to: default, via: 10.0.0.1}]"
_ADDRESSES = (
    "an attribute of bridges and of the ends of veths, as in veths: [[red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30]]; "
    "a container's in a network is ipv4_address"
)
_IPAM = "an attribute of a network's ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}]}"
ELSEWHERE = MappingProxyType(
    {
        **dict.fromkeys(_COMPOSES.split(), "a word of Compose's, not part of this language"),
        **dict.fromkeys(
            _OF_A_BUILD.split(), "not part of this language: build it elsewhere, and pull or load it, see images"
        ),
        "subpath": "not part of this language: mount a path of the host, or a volume of its own",
        **dict.fromkeys(
            _BY_HAND.split(),
            "not part of this language: start that container with docker run, and declare it with external: true",
        ),
        **{
            word: f"not part of this language: it is the engine's own, {option} in its daemon.json"
            for word, option in _OF_THE_ENGINE.items()
        },
        "device_cgroup_rules": "not part of this language: see devices",
        "gpus": "not part of this language: see devices, or default-runtime in the engine's daemon.json",
        "group_add": "not part of this language: user names one group, as in user: '1000:44'",
        "gw_priority": f"not part of this language: {_DEFAULT_ROUTE}",
        "pre_stop": "not part of this language: see stop_signal and stop_grace_period",
        "start_interval": "not part of this language: see start_period, and interval",
        "profiles": "not part of this language: write a file for each, which include what they have in common",
        "label_file": "not part of this language: write them into labels",
        "annotations": "not part of this language: see labels",
        "platform": "not part of this language: pull or build that image, and tag it",
        "version": "not part of this language: take it out",
        "deploy": "not part of this language: limits are attributes of the container, mem_limit and cpus",
        "scale": "not part of this language: each container is an entry of its own",
        "extends": "not part of this language: use defaults, include, or an anchor and <<",
        "secrets": "not part of this language: mount a file (volumes), or use env_file, whose values are told nowhere",
        "configs": "not part of this language: mount a file, see volumes",
        "post_start": "not part of this language: exec runs commands once the container is up",
        "external_links": "not part of this language: declare that container with external: true, and links to it",
        "volumes_from": "not part of this language: name the same volumes in both",
        "dockerfile_inline": "not part of this language: write it into a file",
        "mac_address": "an attribute of the container's networks, as in networks: {lan: {mac_address: ...}}",
        **dict.fromkeys(("cpu_quota", "cpu_period", "cpu_count", "cpu_percent"), "not part of this language: see cpus"),
        **dict.fromkeys(("shm_size", "extra_hosts", "ulimits", "privileged"), "an attribute of containers alone"),
        "pull": "not part of this language here: see the pull of images, and pull_policy",
        **dict.fromkeys(("addresses", "address", "ip"), _ADDRESSES),
        "subnet": _IPAM,
        "gateway": f"{_IPAM}; a node's is a route: routes: [{{to: default, via: 10.0.0.1}}]",
        "priority": f"an attribute of bridges and of their ports; {_DEFAULT_ROUTE}",
        "tags": "an attribute of the entries of images: declare it there, and name it in the container's image",
        "domainname": "not part of this language: write it into hostname, as in web.example.org",
    }
)
"""What is said of a word that is no attribute where it stands."""
