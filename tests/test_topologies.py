"""Which topologies there are, from marks alone."""

from __future__ import annotations

from reconciler.errors import EngineUnreachable
from reconciler.host import Host
from reconciler.host.marks import Mark
from reconciler.model import ResourceKey
from reconciler.topologies import Found, _gathered, _of_tags, topologies


def mark(topology: str, key: str, source: str = "") -> Mark:
    return Mark(topology, ResourceKey.of(key), source)


def test_marks_are_counted_once_for_each_resource_and_name_their_files() -> None:
    marks = [
        mark("a", "veth/x--y", "/a.yaml"),
        mark("a", "veth/x--y", ".yaml"),
        mark("a", "namespace/x", "/a.yaml"),
        mark("b", "namespace/x"),
        mark("c", "namespace/x", "/a.yaml"),
        mark("c", "namespace/y", "/x/a.yaml"),
    ]
    assert list(_gathered(marks)) == [
        Found("a", ("/a.yaml",), {"namespace": 1, "veth": 1}),
        Found("b", (), {"namespace": 1}),
        Found("c", ("/a.yaml", "/x/a.yaml"), {"namespace": 2}),
    ]


def test_images_are_found_by_our_tags_under_the_name_that_the_other_marks_have() -> None:
    images = [*_of_tags(["reconciler/lab-a9fff1/web:in-1", "reconciler/lab-a9fff1/web:tag-2", "web:2", "r/a/b:in-1"])]
    assert {each.key for each in images} == {ResourceKey("image", "web")}
    (alone,) = _gathered(images)
    assert (alone.name, alone.counts) == ("lab-a9fff1", {"image": 1})
    from reconciler.kinds.image.references import component

    name = "Lab"
    ours = [*_of_tags([f"reconciler/{component(name)}/web:in-1"]), mark(name, "container/web", "/t.yaml")]
    assert list(_gathered(ours)) == [Found(name, ("/t.yaml",), {"container": 1, "image": 1})]


def test_what_cannot_be_looked_at_is_told_and_the_rest_found() -> None:
    _, errors = topologies(Host(engine_url="unix:///nonexistent/docker.sock"))
    assert any(isinstance(each, EngineUnreachable) for each in errors)
