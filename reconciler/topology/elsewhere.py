"""Words of the Compose specification that are not part of this language, and what to do without them."""

from __future__ import annotations

from types import MappingProxyType

_COMPOSES = """
    additional_contexts annotations attach blkio_config cache_from cache_to cgroup cgroup_parent cluster configs
    cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime credential_spec develop
    device_cgroup_rules dockerfile_inline driver_config enable_ipv4 entitlements external_links format gpus group_add
    gw_priority interface_name ipc isolation label_file mem_swappiness models oom_kill_disable oom_score_adj pid
    platform platforms post_start pre_stop profiles provenance provider recursive runtime sbom secrets ssh
    start_interval storage_opt subpath use_api_socket userns_mode uts volumes_from
"""
ELSEWHERE = MappingProxyType(
    {
        **dict.fromkeys(_COMPOSES.split(), "a word of Compose's, not part of this language"),
        "version": "not part of this language: take it out",
        "deploy": "not part of this language: limits are attributes of the container, mem_limit and cpus",
        "scale": "not part of this language: each container is an entry of its own",
        "extends": "not part of this language: use defaults, include, or an anchor and <<",
        "domainname": "not part of this language: write it into hostname, as in web.example.org",
    }
)
"""What is said of a word that is no attribute where it stands."""
