"""What a file says of all that is in it: its prefix, and the files that it includes."""

from __future__ import annotations

import pytest

from live.lab import Lab, run
from reconciler.model import Action

pytestmark = pytest.mark.live

BODY = "namespaces: {red: }\nbridges: {br: }\n"


def names() -> list[str]:
    return [line.split()[0] for line in run("ip", "netns").splitlines()]


def test_a_prefix_is_applied_changed_and_taken_out_again_in_place(lab: Lab) -> None:
    first, second = (f"prefix: {lab.name[:4]}{each}\n{BODY}" for each in "xy")
    lab.apply(BODY)
    inode = run("stat", "-Lc", "%i", f"/run/netns/{lab.name}-red")
    for text, name in ((first, f"{lab.name[:4]}x-red"), (second, f"{lab.name[:4]}y-red"), (BODY, f"{lab.name}-red")):
        told = lab.tells(text)
        assert told == {key: (Action.UPDATE, frozenset({"name"})) for key in ("bridge/br", "namespace/red")}
        for key in told:
            lab.named(text, key, "name")
        lab.apply(text)
        assert run("stat", "-Lc", "%i", f"/run/netns/{name}") == inode


def test_what_an_included_file_declares_is_applied_edited_and_taken_out_again(lab: Lab) -> None:
    text = f"include: more.yaml\n{BODY}"
    more = lab.folder / "more.yaml"
    more.write_text("veths: [[red:a 10.0.0.1/30, red:b]]\n")
    lab.apply(text)
    more.write_text("veths: [[red:a 10.0.0.2/30, red:b]]\n")
    assert lab.tells(text) == {"veth/red:a--red:b": (Action.UPDATE, frozenset({"endpoints.red:a.addresses"}))}
    lab.apply(text)
    (lab.folder / "other.yaml").write_text("veths: [[red:a 10.0.0.3/30, red:b]]\n")
    other, path = text.replace("more", "other"), "endpoints.red:a.addresses"
    lab.drifted(other, "veth/red:a--red:b", Action.UPDATE, path)
    lab.drifted(BODY, "veth/red:a--red:b", Action.DELETE)
