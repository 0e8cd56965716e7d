"""Words of the Compose specification that are not part of this language, and what to do without them."""

from __future__ import annotations

from types import MappingProxyType

_COMPOSES = """
    additional_contexts attach blkio_config cache_from cache_to cgroup cgroup_parent cluster
    cpu_rt_period cpu_rt_runtime credential_spec develop device_cgroup_rules driver_config
    driver_opts enable_ipv4 entitlements format gpus group_add gw_priority interface_name ipc isolation
    mem_swappiness models oom_kill_disable oom_score_adj pid platforms pre_stop
    provenance provider pull_refresh_after recursive sbom ssh start_interval storage_opt subpath
    use_api_socket userns_mode uts
"""
ELSEWHERE = MappingProxyType(
    {
        **dict.fromkeys(_COMPOSES.split(), "a word of Compose's, not part of this language"),
        "profiles": "not part of this language: write a file for each, which include what they have in common",
        "label_file": "not part of this language: write them into labels",
        "annotations": "not part of this language: see labels",
        "runtime": "not part of this language: it is the engine's own, default-runtime in its daemon.json",
        "platform": "not part of this language: pull or build that image, and tag it",
        "version": "not part of this language: take it out",
        "deploy": "not part of this language: limits are attributes of the container, mem_limit and cpus",
        "scale": "not part of this language: each container is an entry of its own",
        "extends": "not part of this language: use defaults, include, or an anchor and <<",
        "secrets": "not part of this language: mount a file, see volumes; what an env_file says is told nowhere",
        "configs": "not part of this language: mount a file, see volumes",
        "post_start": "not part of this language: exec runs commands once the container is up",
        "external_links": "not part of this language: declare that container with external: true, and links to it",
        "volumes_from": "not part of this language: name the same volumes in both",
        "dockerfile_inline": "not part of this language: write it into a file",
        "mac_address": "an attribute of the container's networks, as in networks: {lan: {mac_address: ...}}",
        **dict.fromkeys(("cpu_quota", "cpu_period", "cpu_count", "cpu_percent"), "not part of this language: see cpus"),
        **dict.fromkeys(("shm_size", "extra_hosts", "ulimits", "privileged"), "an attribute of containers alone"),
        "pull": "not part of this language here: see the pull of images, and pull_policy",
        "priority": "an attribute of bridges and of their ports",
        "tags": "an attribute of the entries of images: declare it there, and name it in the container's image",
        "domainname": "not part of this language: write it into hostname, as in web.example.org",
    }
)
"""What is said of a word that is no attribute where it stands."""
