"""What is external becomes ours and goes when it is external again; what was ours and is external by now stays."""

from __future__ import annotations

import pytest

from live.boxes import C, D
from live.lab import IMAGE, Lab, busybox_tar, run
from live.rounds import Way, walk
from reconciler import reconcile
from reconciler.kinds import kinds
from reconciler.model import Action
from reconciler.reconcile import Options

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


IDENTITIES = {
    "namespace": ("stat", "-Lc", "%i", "/run/netns/@"),
    "bridge": ("sh", "-c", "ip -o link show dev @ | cut -d: -f1"),
    "network": ("docker", "network", "inspect", "-f", "{{.Id}}", "@"),
    "volume": ("docker", "run", "--rm", "-v", "@:/d", IMAGE, "ls", "/d"),
    "image": ("docker", "image", "inspect", "-f", "{{.Id}}", "@"),
    "container": ("docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "@"),
}
"""How to tell whether it is the same still: of a volume by what is in it."""


def identity(kind: str, live: str) -> str:
    found = run(*(each.replace("@", live) for each in IDENTITIES[kind])).strip()
    assert found
    return found


def handed_over(lab: Lab, kind: str, live: str, ours: str, *external: str) -> None:
    """Make it as ours; neither an apply nor a destroy of a file that calls it external changes it."""
    unmake = {**THEIRS, **THEIRS_IN_DOCKER}[kind][2]
    lab.apply(ours)
    try:
        if kind == "volume":
            run("docker", "run", "--rm", "-v", f"{live}:/d", IMAGE, "touch", "/d/precious")
        before = identity(kind, live)
        for text in external:
            lab.apply(text)
            assert identity(kind, live) == before
            report = reconcile.destroy(lab.load(text), lab.host, kinds=kinds(), volumes=True, images=True)
            assert report.converged
            assert identity(kind, live) == before
    finally:
        lab.destroy()
        run(*unmake, live, check=False)


@pytest.mark.parametrize("kind", THEIRS)
def test_what_was_ours_in_the_kernel_and_is_external_by_now_stays(lab: Lab, kind: str) -> None:
    hand_over(lab, kind)


@pytest.mark.parametrize("kind", THEIRS_IN_DOCKER)
def test_what_was_ours_in_the_engine_and_is_external_by_now_stays(lab: Lab, image: str, kind: str) -> None:
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    hand_over(lab, kind)


def hand_over(lab: Lab, kind: str) -> None:
    """Under its own key, and under another."""
    live = f"o{lab.name}"
    name = f"{'container_name' if kind == 'container' else 'name'}: '{live}'"
    keys = (f"{kind}s: {{{key}: {{external: true, {name}}}}}" for key in "ab")
    handed_over(lab, kind, live, f"{kind}s: {{a: {{{ENTRIES.get(kind, '')}{name}}}}}", *keys)


def test_an_image_that_is_external_by_its_id_keeps_the_tag_that_holds_it(lab: Lab, image: str) -> None:
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    lab.apply("images: {a: {import: ./root.tar}}")
    found = str(lab.live("images: {a: {import: ./root.tar}}", "image/a")["id"])
    for key in "ab":
        text = f"images: {{{key}: {{external: true, name: '{found}'}}}}"
        lab.apply(text)
        assert reconcile.destroy(lab.load(text), lab.host, kinds=kinds(), images=True).outcomes == ()
    assert identity("image", found) == found
    lab.destroy()
    assert not run(*IDENTITIES["image"][:-1], found, check=False).strip()


def test_a_container_stays_on_a_network_that_is_external_by_now(lab: Lab, image: str) -> None:
    live = f"o{lab.name}"
    container = f"containers: {{c: {{image: {IMAGE}, init: true, command: [sleep, '999'], networks: [net]}}}}\n"
    ours, text = (f"{container}networks: {{net: {{name: {live}{each}}}}}" for each in ("", ", external: true"))
    other = text.replace("net:", "other:").replace("[net]", "[other]")
    lab.apply(ours)
    before = identity("container", f"{lab.name}-c")
    lab.apply(other)
    assert identity("container", f"{lab.name}-c") == before
    handed_over(lab, "network", live, text.replace(", external: true", ""), text, other)


def test_a_bridge_within_a_namespace_stays_with_it(lab: Lab) -> None:
    live = f"o{lab.name}"
    ours = f"namespaces: {{n: {{name: {live}}}}}\nbridges: {{b: {{namespace: n, name: br}}}}"
    theirs = ours.replace(f"name: {live}", f"name: {live}, external: true")
    both = theirs.replace("name: br", "name: br, external: true")
    handed_over(lab, "namespace", live, ours, both, both.replace("b:", "c:"))


def test_a_veth_of_ours_reaches_into_a_namespace_that_is_external_by_now(lab: Lab) -> None:
    live = f"o{lab.name}"
    ours = f"namespaces: {{a: {{name: {live}}}, b: }}\nveths: [['a:x 10.9.9.1/30', 'b:y 10.9.9.2/30']]"
    lab.apply(ours)
    text = ours.replace(live, f"{live}, external: true")
    assert lab.tells(text) == {}
    handed_over(lab, "namespace", live, ours, text)


PORT = "namespaces: {n: }\n%ss: {b: {%s}}\nveths: [{name: v, endpoints: ['n:e', {%s: b, interface: '%s'}]}]"


def test_a_port_leaves_the_bridge_whose_entry_is_another_by_now(lab: Lab) -> None:
    entry_becomes_another(lab, "bridge", ("ip", "link", "add"), ("type", "bridge"), ("ip", "link", "del"))


def test_a_port_leaves_the_network_whose_entry_is_another_by_now(lab: Lab, engine: object) -> None:
    entry_becomes_another(lab, "network", *THEIRS_IN_DOCKER["network"])


def entry_becomes_another(
    lab: Lab, kind: str, make: tuple[str, ...], how: tuple[str, ...], unmake: tuple[str, ...]
) -> None:
    """With the former one, and where that is left to stand."""
    theirs, port, keep = f"o{lab.name}", f"p{lab.name}", frozenset((kind,))
    label = f"{'b' if kind == 'bridge' else 'network.b'}:{port}"
    ours, text = (PORT % (kind, each, kind, port) for each in ("", f"external: true, name: '{theirs}'"))
    run(*make, theirs, *how)
    try:
        lab.apply(ours)
        assert reconcile.apply(lab.load(text), lab.host, kinds=kinds(), options=Options(keep=keep)).converged
        assert list(lab.tells(text)) == [f"{kind}/@{lab.name}-b"]
        lab.edit(ours, text, "veth/v", Action.UPDATE, f"endpoints.{label}.master")
        lab.destroy()
    finally:
        run(*unmake, theirs)
