"""What is external becomes ours, and goes when it is external again."""

from __future__ import annotations

import pytest

from live.boxes import C, D
from live.lab import IMAGE, Lab, busybox_tar, run
from live.rounds import Way, walk

pytestmark = pytest.mark.live

THEIRS = {
    "namespace": (("ip", "netns", "add"), (), ("ip", "netns", "del")),
    "bridge": (("ip", "link", "add"), ("type", "bridge"), ("ip", "link", "del")),
}
THEIRS_IN_DOCKER = {
    "network": (("docker", "network", "create"), (), ("docker", "network", "rm")),
    "volume": (("docker", "volume", "create"), (), ("docker", "volume", "rm")),
    "image": (("docker", "tag", IMAGE), (), ("docker", "rmi")),
    "container": (
        ("docker", "run", "-d", "--network", "none", "--init", "--name"),
        (IMAGE, "sleep", "999"),
        ("docker", "rm", "-f"),
    ),
}
ENTRIES = {
    "container": f"image: {IMAGE}, init: true, command: [sleep, '999'], network_mode: none, ",
    "image": "import: ./root.tar, ",
}


def becomes_ours_and_theirs_again(lab: Lab, kind: str, theirs: str) -> None:
    """What is external becomes ours, under another name; ours goes when it is external again."""
    name = "container_name" if kind == "container" else "name"
    outside, ours, bare = (
        f"{kind}s: {{a: {{{each}}}}}"
        for each in (
            f"external: true, {name}: '{theirs}'",
            f"{ENTRIES.get(kind, '')}external: false, {name}: '{lab.name}x'",
            f"{ENTRIES.get(kind, '')}{name}: '{lab.name}x'",
        )
    )
    left = f"{kind}/@{'a' if kind == 'image' else f'{lab.name}x'}"
    walk(lab, outside, [Way(ours, f"{kind}/a", C), *([] if kind == "volume" else [Way(outside, left, D)])])
    lab.destroy()
    walk(lab, outside, [Way(bare, f"{kind}/a", C)])


@pytest.mark.parametrize("kind", THEIRS)
def test_what_is_external_in_the_kernel(lab: Lab, kind: str) -> None:
    external(lab, kind, *THEIRS[kind])


@pytest.mark.parametrize("kind", THEIRS_IN_DOCKER)
def test_what_is_external_in_the_engine(lab: Lab, image: str, kind: str) -> None:
    external(lab, kind, *THEIRS_IN_DOCKER[kind])


def external(lab: Lab, kind: str, make: tuple[str, ...], how: tuple[str, ...], unmake: tuple[str, ...]) -> None:
    theirs = f"o{lab.name}"
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    run(*make, theirs, *how)
    try:
        becomes_ours_and_theirs_again(lab, kind, theirs)
    finally:
        run(*unmake, theirs)
